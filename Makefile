# Portreeve. `make` builds into build/, where everything is runnable in place;
# `make run`, `make check`, `make install`: README.md says what each does.
#
# Every folder below is a library of its own (build/lib/FOLDER.a), sources
# found by wildcard; every program is one folder's *.c and the libraries that
# the include rules (tools/check-includes) allow it.

VERSION	= 0.1.0

CC	?= cc
AR	?= ar
PREFIX	?= /usr/local
DESTDIR	?=
PAMDIR	?=
STATIC	?= 1
SANITIZE ?=
B	?= build

PKGS	= libuv libseccomp libcap libbsd-overlay libsystemd jansson
WARN	= -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes \
	  -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla -Werror
HARDEN	= -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE \
	  -fno-strict-aliasing -fcf-protection
OPT	?= -O2 -g
CPPFLAGS += -I. -I$(B)/gen -D_GNU_SOURCE -DVERSION='"$(VERSION)"'
CFLAGS	+= -std=gnu11 $(OPT) $(WARN) $(HARDEN) -MMD -MP
LDHARD	= -Wl,-z,relro,-z,now -Wl,-z,noexecstack
LDFLAGS	+= $(LDHARD)

ifneq ($(SANITIZE),)
# A sanitizer's run-time needs the dynamic linker, and its own build folder.
B	:= build/san
STATIC	= 0
HARDEN	= -fPIE -fno-strict-aliasing -fno-omit-frame-pointer
CFLAGS	+= -fsanitize=$(SANITIZE) -fno-sanitize-recover=all
LDFLAGS	+= -fsanitize=$(SANITIZE)
CPPFLAGS += -DPORTREEVE_SANITIZE
# The run-time's own crypt() looks for the real one when the program starts,
# and pam_unix brings it later.
LOGINLIBS = -Wl,--no-as-needed -lcrypt
endif

ifeq ($(STATIC),1)
WORKER_LINK = -static-pie -Wl,-T,workers/hot.ld
LOGINLIBS += -lpam -Wl,-Bstatic $(SECC) $(BSD) -lmd -Wl,-Bdynamic
else
WORKER_LINK = -pie
LOGINLIBS += -lpam $(SECC) $(BSD)
endif
# Each session has its login process, with pages of its own for what is written
# when a program is loaded: a library more, or a table of pointers that it does
# not use. It needs the dynamic linker for PAM alone, and of sandbox/ a part.
LOGIN_LINK = -pie -Wl,--gc-sections
$(B)/obj/sandbox/%.o: CFLAGS += -ffunction-sections -fdata-sections

# `make V=1` shows whole command lines.
V	?= 0
ifeq ($(V),0)
Q	= @
SAY	= @echo
else
Q	=
SAY	= @:
endif

# --- libraries ------------------------------------------------------------
LIBDIRS	= lib ipc audit sandbox conf conf/sshd policy workers/common \
	  workers/logreader \
	  workers/finger workers/lookup workers/telnet monitor/login
lib_of	= $(B)/lib/$(subst /,-,$(1)).a
objs_of	= $(patsubst %.c,$(B)/obj/%.o,$(filter-out %/main.c,$(wildcard $(1)/*.c)))
all_of	= $(patsubst %.c,$(B)/obj/%.o,$(wildcard $(1)/*.c))
LIBS	= $(foreach d,$(LIBDIRS),$(call lib_of,$(d)))

# --- programs -------------------------------------------------------------
LE	= $(B)/libexec
UV	= $(shell pkg-config --libs libuv)
SECC	= -lseccomp -lcap
BSD	= -lbsd

# name: folder, libraries of ours, libraries of others, link mode
all: $(B)/portreeved $(B)/portreeve $(B)/pam_portreeve.so \
	$(LE)/master $(LE)/audit $(LE)/finger $(LE)/telnet $(LE)/ssh \
	$(LE)/exec \
	$(LE)/lookup $(LE)/logreader $(LE)/login docs

# One program: $(1) file, $(2) folder, $(3) our libraries in link order,
# $(4) others' libraries, $(5) link mode.
define program
$(1): $(call all_of,$(2)) $(foreach d,$(3),$(call lib_of,$(d)))
	@mkdir -p $$(@D)
	$(SAY) "LINK $$@"
	$(Q)$$(CC) $$(CFLAGS) $(5) $$(LDFLAGS) -o $$@ $$(filter-out %.ld,$$^) $(4)
endef

WCOMMON	= workers/common audit sandbox ipc lib
$(eval $(call program,$(LE)/master,master,policy audit sandbox ipc lib,$(UV) $(SECC) $(BSD),-pie))
$(eval $(call program,$(LE)/audit,audit/writer,audit sandbox ipc lib,-lsystemd $(SECC) $(BSD),-pie))
$(eval $(call program,$(LE)/finger,workers/finger,workers/common sandbox ipc lib,$(SECC) -lbsd -lmd,$(WORKER_LINK)))
$(eval $(call program,$(LE)/telnet,workers/telnet,workers/common sandbox ipc lib,$(SECC) -lbsd -lmd,$(WORKER_LINK)))
$(eval $(call program,$(LE)/ssh,workers/ssh,workers/common sandbox ipc lib,$(SECC) -lbsd -lmd,$(WORKER_LINK)))
$(eval $(call program,$(LE)/exec,workers/exec,workers/common sandbox ipc lib,$(SECC) -lbsd -lmd,$(WORKER_LINK)))
ifeq ($(STATIC),1)
$(LE)/finger $(LE)/telnet $(LE)/ssh $(LE)/exec: workers/hot.ld
endif
$(eval $(call program,$(LE)/lookup,workers/lookup,workers/common sandbox ipc lib,$(SECC) $(BSD),-pie))
$(eval $(call program,$(LE)/logreader,workers/logreader,workers/common audit sandbox ipc lib,$(SECC) $(BSD),-pie))
$(eval $(call program,$(LE)/login,monitor/login,policy sandbox ipc lib,$(LOGINLIBS),$(LOGIN_LINK)))
$(eval $(call program,$(B)/portreeved,monitor,conf/sshd conf policy audit sandbox ipc lib,-lsystemd $(SECC) $(BSD),-pie))
$(eval $(call program,$(B)/portreeve,cli,conf ipc lib,-ljansson $(BSD),-pie))

# A folder's objects, main.c apart, as one archive.
define library
$(call lib_of,$(1)): $(call objs_of,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	$(Q)$$(AR) rcs $$@ $$^
endef
$(foreach d,$(LIBDIRS),$(eval $(call library,$(d))))

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(SAY) "CC $<"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# Loaded into sshd: position-independent, and no name of ours but PAM's own;
# never with a sanitizer, whose run-time would have to be in sshd first.
PICFLAGS = $(filter-out -fPIE -fsanitize=% -fno-sanitize-recover=%,$(CFLAGS))
PAMSRC	= $(wildcard monitor/pam/*.c) ipc/message.c ipc/channel.c lib/fd.c \
	  lib/err.c
$(B)/pam_portreeve.so: $(patsubst %.c,$(B)/obj/pic/%.o,$(PAMSRC))
	@mkdir -p $(@D)
	$(SAY) "LINK $@"
	$(Q)$(CC) $(PICFLAGS) -shared $(filter-out -fsanitize=%,$(LDFLAGS)) \
	    -o $@ $^ -lpam
$(B)/obj/pic/%.o: %.c
	@mkdir -p $(@D)
	$(SAY) "CC $< (pic)"
	$(Q)$(CC) $(CPPFLAGS) $(PICFLAGS) -fPIC -fvisibility=hidden \
	    -c -o $@ $<

# --- unit tests: tests/unit/FOLDER/NAME.c, each a cmocka program ------------
UNIT	= $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/unit/*/*.c tests/state/*/*.c))
UNITLIB	= monitor/login conf/sshd conf policy workers/finger workers/lookup \
	  workers/logreader workers/telnet \
	  workers/common audit sandbox ipc lib
unit-tests: $(UNIT)
$(B)/tests/%: $(B)/obj/tests/%.o $(foreach d,$(UNITLIB),$(call lib_of,$(d)))
	@mkdir -p $(@D)
	$(SAY) "LINK $@"
	$(Q)$(CC) $(CFLAGS) -pie $(LDFLAGS) -o $@ $< -Wl,--start-group \
	    $(foreach d,$(UNITLIB),$(call lib_of,$(d))) -Wl,--end-group \
	    $(UV) -lcmocka -lsystemd $(SECC) $(BSD) $(TESTLIBS)
$(B)/tests/unit/programs/pam: TESTLIBS = -lpam
$(B)/tests/unit/programs/pam: | $(B)/pam_portreeve.so

# PAM modules that misbehave, for the tests of login.
TESTPAM	= $(patsubst tests/system/pam_%.c,$(B)/tests/pam/%.so,$(wildcard tests/system/pam_*.c))
$(B)/tests/pam/%.so: $(B)/obj/pic/tests/system/pam_%.o
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -fPIE,$(CFLAGS)) -shared $(LDFLAGS) -o $@ $< -lpam
$(B)/obj/pic/tests/system/pam_%.o: tests/system/pam_%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(filter-out -fPIE,$(CFLAGS)) -fPIC -c -o $@ $<
$(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/unit/login/*.c)): | \
	$(LE)/login $(TESTPAM)

# --- fuzzers: tests/fuzz/NAME.c, with clang's libFuzzer ----------------------
# Everything they call is built once more below build/fuzz, instrumented.
FUZZ_SECONDS ?= 60
F	= build/fuzz
FUZZERS	= $(patsubst tests/fuzz/%.c,$(F)/%,$(wildcard tests/fuzz/*.c))
FUZZDIRS = $(UNITLIB)
FUZZFLAGS = -std=gnu11 -O1 -g -fno-omit-frame-pointer \
	  -fsanitize=address,undefined -fno-sanitize-recover=all -MMD -MP
fuzzobjs = $(patsubst %.c,$(F)/obj/%.o,$(filter-out %/main.c,$(wildcard $(1)/*.c)))

$(F)/obj/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(Q)clang $(CPPFLAGS) $(FUZZFLAGS) -c -o $@ $<

$(F)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(Q)clang $(CPPFLAGS) -DPORTREEVE_SANITIZE $(FUZZFLAGS) \
	    -fsanitize=fuzzer-no-link -c -o $@ $<

$(F)/all.a: $(foreach d,$(FUZZDIRS),$(call fuzzobjs,$(d)))
	@rm -f $@
	ar rcs $@ $^

$(F)/%: $(F)/obj/tests/fuzz/%.o $(F)/all.a
	$(Q)clang $(FUZZFLAGS) -fsanitize=fuzzer -o $@ $^ $(SECC) $(BSD)

fuzzers: $(FUZZERS)

fuzz: fuzzers
	tests/fuzz/run $(F) $(FUZZ_SECONDS)

# --- bench: what it is measured with, and against ---------------------------
BENCH	= $(B)/bench/load $(B)/bench/floor $(B)/bench/hello
benchobjs = $(patsubst %.c,$(B)/obj/%.o,$(wildcard tests/bench/$(1)))

$(B)/bench/load: $(call benchobjs,load*.c)
	@mkdir -p $(@D)
	$(SAY) "LINK $@"
	$(Q)$(CC) $(CFLAGS) -pie $(LDFLAGS) -o $@ $^

# By hand: what telnet's protocol costs.
$(B)/bench/telnet: $(B)/obj/tests/bench/telnet.o $(call lib_of,workers/telnet) \
	    $(call lib_of,lib)
	@mkdir -p $(@D)
	$(SAY) "LINK $@"
	$(Q)$(CC) $(CFLAGS) -static $(LDFLAGS) -o $@ $^

# Floors are linked statically: nothing may be faster for a linker's sake.
$(B)/bench/%: $(B)/obj/tests/bench/%.o
	@mkdir -p $(@D)
	$(SAY) "LINK $@"
	$(Q)$(CC) $(CFLAGS) -static $(LDFLAGS) -o $@ $<

# --- for people -------------------------------------------------------------
# The dependencies come first and may change what pkg-config says, so what
# needs them is made by a make of its own.
deps:
	tools/deps build run

run:
	@tools/deps build run
	@$(MAKE) --no-print-directory -s all
	tools/run $(B)

check-build: all unit-tests fuzzers

check:
	@tools/deps build run check
	@$(MAKE) --no-print-directory -s check-build
	@tests/run --build $(B)

lint:
	@tools/deps build lint
	tools/lint

bench: all $(BENCH)
	@tools/deps bench
	tests/bench/run --build $(B)

soak: all
	tests/soak --build $(B)

install: all
	DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' PAMDIR='$(PAMDIR)' \
	    tools/install $(B)

uninstall:
	DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' PAMDIR='$(PAMDIR)' \
	    tools/install --remove $(B)

# --- documents that are made from the catalogues, by tools/gen-NAME.c --------
docs: $(B)/portreeve.catalog $(B)/man/portreeve-events.5

$(B)/tools/gen-%: $(B)/obj/tools/gen-%.o $(foreach d,$(UNITLIB),$(call lib_of,$(d)))
	@mkdir -p $(@D)
	$(SAY) "LINK $@"
	$(Q)$(CC) $(CFLAGS) -pie $(LDFLAGS) -o $@ $< -Wl,--start-group \
	    $(foreach d,$(UNITLIB),$(call lib_of,$(d))) -Wl,--end-group \
	    $(SECC) $(BSD)

# A generator that fails leaves no half document behind.
define made_by
$(1): $(B)/tools/$(2)
	@mkdir -p $$(@D)
	$(SAY) "GEN $$@"
	$(Q)$(B)/tools/$(2) > $$@.new && mv $$@.new $$@
endef
$(eval $(call made_by,$(B)/portreeve.catalog,gen-journal-catalogue))
$(eval $(call made_by,$(B)/man/portreeve-events.5,gen-events-man))

# SECURITY.md's tables; a unit test compares them.
security: $(B)/tools/gen-security
	$< -w SECURITY.md

$(B)/tests/unit/sandbox/document: | $(B)/tools/gen-security

# portreeve.conf(5) from its text and the language's own table.
docs: $(B)/man/portreeve.conf.5
$(eval $(call made_by,$(B)/gen/conf-statements.mdoc,gen-conf-man))

$(B)/man/%: man/%.in $(B)/gen/conf-statements.mdoc
	@mkdir -p $(@D)
	$(Q)sed -e '/^@STATEMENTS@$$/{r $(B)/gen/conf-statements.mdoc' -e 'd;}' \
	    $< > $@

-include $(shell find $(B)/obj $(F)/obj -name '*.d' 2>/dev/null)

clean:
	rm -rf build

.PHONY: all bench check check-build clean deps docs fuzz fuzzers install lint run \
	security soak uninstall unit-tests
.SECONDARY:
