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

WERROR	?= -Werror
WARN	= -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes \
	  -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla $(WERROR)
HARDEN	= -fstack-protector-strong -fPIE -fno-strict-aliasing $(FORTIFY) \
	  $(BRANCHES)
OPT	?= -O2 -g

# What a packager gives as CPPFLAGS, CFLAGS and LDFLAGS, in the environment or
# on the command line, comes after ours and adds to it; ours have names of
# their own, because a variable of the command line takes no +=.
OURCPP	= -I. -I$(B)/gen -D_GNU_SOURCE -DVERSION='"$(VERSION)"'
OURC	= -std=gnu11 $(OPT) $(WARN) $(HARDEN) -MMD -MP
OURLD	= -Wl,-z,relro,-z,now -Wl,-z,noexecstack
COMPILE	= $(CC) $(OURCPP) $(CPPFLAGS) $(OURC) $(CFLAGS)
LINK	= $(CC) $(OURC) $(CFLAGS)
LIBPATH	= $(OURLD) $(LDFLAGS)

# A level of theirs replaces ours; without optimization there is none.
THEIRS	= $(CC) $(CPPFLAGS) $(CFLAGS)
ifeq ($(findstring _FORTIFY_SOURCE,$(THEIRS))$(filter -O0,$(OPT) $(CFLAGS)),)
FORTIFY	= -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif

# Where jumps may go, on machines that can hold a program to it.
MACHINE	:= $(shell $(CC) $(CFLAGS) -dumpmachine 2>/dev/null)
ifneq ($(filter x86_64-% i%86-%,$(MACHINE)),)
BRANCHES = -fcf-protection
else ifneq ($(filter aarch64-%,$(MACHINE)),)
BRANCHES = -mbranch-protection=standard
endif

ifneq ($(SANITIZE),)
# A sanitizer's run-time needs the dynamic linker, and its own build folder.
B	:= build/san
STATIC	= 0
HARDEN	= -fPIE -fno-strict-aliasing -fno-omit-frame-pointer
OURC	+= -fsanitize=$(SANITIZE) -fno-sanitize-recover=all
OURLD	+= -fsanitize=$(SANITIZE)
OURCPP	+= -DPORTREEVE_SANITIZE
# The run-time's own crypt() looks for the real one when the program starts,
# and pam_unix brings it later.
LOGINLIBS = -Wl,--no-as-needed -lcrypt
endif

ifeq ($(STATIC),1)
WORKER_LINK = -static-pie -Wl,-T,workers/hot.ld
ENDER_LINK = -static-pie
LOGINLIBS += -lpam -Wl,-Bstatic $(SECC) $(BSD) -lmd -Wl,-Bdynamic
else
WORKER_LINK = -pie
ENDER_LINK = -pie
LOGINLIBS += -lpam $(SECC) $(BSD)
endif
# Each session has its login process, with pages of its own for what is written
# when a program is loaded: a library more, or a table of pointers that it does
# not use. It needs the dynamic linker for PAM alone, and of sandbox/ a part.
LOGIN_LINK = -pie -Wl,--gc-sections
$(B)/obj/sandbox/%.o: OURC += -ffunction-sections -fdata-sections

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
# The services that are built in: each a folder of workers.
BUILTIN	= $(filter-out common exec logreader lookup ssh tacplus,$(patsubst \
	  workers/%/main.c,%,$(wildcard workers/*/main.c)))
LIBDIRS	= lib ipc audit sandbox role conf conf/sshd policy workers/common \
	  workers/logreader \
	  $(BUILTIN:%=workers/%) workers/lookup workers/tacplus monitor/login \
	  planner keys
lib_of	= $(B)/lib/$(subst /,-,$(1)).a
objs_of	= $(patsubst %.c,$(B)/obj/%.o,$(filter-out %/main.c,$(wildcard $(1)/*.c)))
all_of	= $(patsubst %.c,$(B)/obj/%.o,$(foreach d,$(1),$(wildcard $(d)/*.c)))
LIBS	= $(foreach d,$(LIBDIRS),$(call lib_of,$(d)))

# --- programs -------------------------------------------------------------
LE	= $(B)/libexec
UV	= $(shell pkg-config --libs libuv)
SECC	= -lseccomp -lcap
BSD	= -lbsd

# name: folder, libraries of ours, libraries of others, link mode
all: $(B)/portreeved $(B)/portreeve $(B)/pam_portreeve.so \
	$(LE)/master $(LE)/audit $(BUILTIN:%=$(LE)/%) $(LE)/ssh $(LE)/exec \
	$(LE)/lookup $(LE)/tacplus $(LE)/logreader $(LE)/login $(LE)/ender \
	$(LE)/keys $(LE)/planner documents

ROOMS	= monitor monitor/roles monitor/listeners monitor/sessions monitor/logins

# One program: $(1) file, $(2) folders, $(3) our libraries in link order,
# $(4) others' libraries, $(5) link mode.
define program
$(1): $(call all_of,$(2)) $(foreach d,$(3),$(call lib_of,$(d)))
	@mkdir -p $$(@D)
	$(SAY) "LINK $$@"
	$(Q)$$(LINK) $(5) $$(LIBPATH) -o $$@ $$(filter-out %.ld,$$^) $(4)
endef

$(eval $(call program,$(LE)/master,master,policy audit role sandbox ipc lib,$(UV) $(SECC) $(BSD),-pie))
$(eval $(call program,$(LE)/audit,audit/writer,audit role sandbox ipc lib,-lsystemd $(SECC) $(BSD),-pie))
$(foreach b,$(BUILTIN),$(eval $(call program,$(LE)/$(b),workers/$(b),workers/common role sandbox ipc lib,$(SECC) -lbsd -lmd,$(WORKER_LINK))))
$(eval $(call program,$(LE)/ssh,workers/ssh,workers/common role sandbox ipc lib,$(SECC) -lbsd -lmd,$(WORKER_LINK)))
$(eval $(call program,$(LE)/exec,workers/exec,workers/common role sandbox ipc lib,$(SECC) -lbsd -lmd,$(WORKER_LINK)))
ifeq ($(STATIC),1)
$(BUILTIN:%=$(LE)/%) $(LE)/ssh $(LE)/exec: workers/hot.ld
endif
$(eval $(call program,$(LE)/lookup,workers/lookup,workers/common role sandbox ipc lib,$(SECC) $(BSD),-pie))
$(eval $(call program,$(LE)/tacplus,workers/tacplus,role sandbox ipc lib,$(SECC) -lmd $(BSD),-pie))
$(eval $(call program,$(LE)/logreader,workers/logreader,workers/common audit role sandbox ipc lib,$(SECC) $(BSD),-pie))
# One for each ending: it has nothing to wait for but its exec.
$(eval $(call program,$(LE)/ender,ender,role sandbox ipc lib,$(SECC) -lbsd -lmd,$(ENDER_LINK)))
# It asks the name service, and so is linked dynamically.
$(eval $(call program,$(LE)/keys,keys,role sandbox ipc lib,$(SECC) $(BSD) -lmd,-pie))
$(eval $(call program,$(LE)/login,monitor/login,policy sandbox ipc lib,$(LOGINLIBS),$(LOGIN_LINK)))
$(eval $(call program,$(LE)/planner,planner,conf/sshd conf role sandbox ipc lib,$(SECC) $(BSD),-pie))
$(eval $(call program,$(B)/portreeved,$(ROOMS),policy audit sandbox ipc lib,-lsystemd $(SECC) $(BSD),-pie))
$(eval $(call program,$(B)/portreeve,cli,conf ipc lib,-ljansson $(BSD),-pie))

# A folder's objects, main.c apart, as one archive.
define library
$(call lib_of,$(1)): $(call objs_of,$(1))
	@mkdir -p $$(@D)
	@rm -f $$@
	$(Q)$$(AR) rcs $$@ $$^
endef
$(foreach d,$(LIBDIRS) tests/stage,$(eval $(call library,$(d))))

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(SAY) "CC $<"
	$(Q)$(COMPILE) -c -o $@ $<

# Loaded into sshd: position-independent, and no name of ours but PAM's own;
# never with a sanitizer, whose run-time would have to be in sshd first.
PICFLAGS = $(filter-out -fPIE -fsanitize=% -fno-sanitize-recover=%,\
	  $(OURC) $(CFLAGS))
PAMSRC	= $(wildcard monitor/pam/*.c) ipc/msg.c ipc/channel.c \
	  ipc/protocol.c lib/fd.c lib/err.c lib/usercount-linux.c
$(B)/pam_portreeve.so: $(patsubst %.c,$(B)/obj/pic/%.o,$(PAMSRC))
	@mkdir -p $(@D)
	$(SAY) "LINK $@"
	$(Q)$(CC) $(PICFLAGS) -shared $(filter-out -fsanitize=%,$(LIBPATH)) \
	    -o $@ $^ -lpam -lmd
$(B)/obj/pic/%.o: %.c
	@mkdir -p $(@D)
	$(SAY) "CC $< (pic)"
	$(Q)$(CC) $(OURCPP) $(CPPFLAGS) $(PICFLAGS) -fPIC -fvisibility=hidden \
	    -c -o $@ $<

# Every source compiled and nothing linked: tools/lint tries other machines.
SOURCES	= $(filter-out tests/%,\
	  $(shell find * -name build -prune -o -name '*.c' -print))
objects: $(patsubst %.c,$(B)/obj/%.o,$(SOURCES)) \
	$(patsubst %.c,$(B)/obj/pic/%.o,$(PAMSRC))

# --- unit tests: tests/unit/FOLDER/NAME.c for FOLDER/NAME.c, each a cmocka
# program; what plays the other processes to them is tests/stage.
UNIT	= $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/unit/*/*.c \
	  tests/unit/*/*/*.c tests/state/*/*.c))
STAGE	= $(B)/lib/tests-stage.a
UNITLIB	= keys monitor/login planner conf/sshd conf policy workers/lookup \
	  workers/tacplus \
	  workers/logreader $(BUILTIN:%=workers/%) \
	  workers/common audit role sandbox ipc lib
unit-tests: $(UNIT)
# In a build from before a folder had this name, a program has it.
$(B)/tests/%: $(B)/obj/tests/%.o $(STAGE) $(foreach d,$(UNITLIB),$(call lib_of,$(d)))
	@test ! -f $(@D) || rm $(@D)
	@mkdir -p $(@D)
	$(SAY) "LINK $@"
	$(Q)$(LINK) -pie $(LIBPATH) -o $@ $< -Wl,--start-group $(STAGE) \
	    $(foreach d,$(UNITLIB),$(call lib_of,$(d))) -Wl,--end-group \
	    $(UV) -lcmocka -lsystemd $(SECC) -lmd $(BSD) $(TESTLIBS)
$(B)/tests/unit/monitor/pam/pam_portreeve: TESTLIBS = -lpam
$(B)/tests/unit/monitor/pam/pam_portreeve: | $(B)/pam_portreeve.so

# PAM modules that misbehave, for the tests of login.
TESTPAM	= $(patsubst tests/system/pam_%.c,$(B)/tests/pam/%.so,$(wildcard tests/system/pam_*.c))
$(B)/tests/pam/%.so: $(B)/obj/pic/tests/system/pam_%.o
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -fPIE,$(OURC) $(CFLAGS)) -shared $(LIBPATH) \
	    -o $@ $< -lpam
$(B)/obj/pic/tests/system/pam_%.o: tests/system/pam_%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(OURCPP) $(CPPFLAGS) $(filter-out -fPIE,$(OURC) $(CFLAGS)) \
	    -fPIC -c -o $@ $<
$(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/unit/monitor/login/*.c)): | \
	$(LE)/login $(TESTPAM)

# --- fuzzers: tests/fuzz/NAME.c, with clang's libFuzzer ----------------------
# Everything they call is built once more below $(F), instrumented.
FUZZ_SECONDS ?= 60
F	= $(B)/fuzz
FUZZERS	= $(patsubst tests/fuzz/%.c,$(F)/%,$(wildcard tests/fuzz/*.c))
FUZZDIRS = $(UNITLIB)
FUZZFLAGS = -std=gnu11 -O1 -g -fno-omit-frame-pointer \
	  -fsanitize=address,undefined -fno-sanitize-recover=all -MMD -MP
fuzzobjs = $(patsubst %.c,$(F)/obj/%.o,$(filter-out %/main.c,$(wildcard $(1)/*.c)))

$(F)/obj/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(Q)clang $(OURCPP) $(CPPFLAGS) $(FUZZFLAGS) -c -o $@ $<

$(F)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(Q)clang $(OURCPP) $(CPPFLAGS) -DPORTREEVE_SANITIZE $(FUZZFLAGS) \
	    -fsanitize=fuzzer-no-link -c -o $@ $<

$(F)/all.a: $(foreach d,$(FUZZDIRS),$(call fuzzobjs,$(d)))
	@rm -f $@
	ar rcs $@ $^

$(F)/passwd: $(F)/obj/tests/stage/passwd.o

$(F)/%: $(F)/obj/tests/fuzz/%.o $(F)/all.a
	$(Q)clang $(FUZZFLAGS) -fsanitize=fuzzer -o $@ $^ $(SECC) -lmd $(BSD)

fuzzers: $(FUZZERS)

fuzz: fuzzers
	tests/fuzz/run $(F) $(FUZZ_SECONDS)

# --- bench: what it is measured with, and against ---------------------------
BENCH	= $(B)/bench/load $(B)/bench/floor $(B)/bench/hello $(B)/bench/stay \
	  $(B)/bench/tables $(B)/bench/decide
benchobjs = $(patsubst %.c,$(B)/obj/%.o,$(wildcard tests/bench/$(1)))

$(B)/bench/load: $(call benchobjs,load*.c)
	@mkdir -p $(@D)
	$(SAY) "LINK $@"
	$(Q)$(LINK) -pie $(LIBPATH) -o $@ $^

# By hand: what telnet's protocol costs.
$(B)/bench/telnet: $(B)/obj/tests/bench/telnet.o $(call lib_of,workers/telnet) \
	    $(call lib_of,lib)
	@mkdir -p $(@D)
	$(SAY) "LINK $@"
	$(Q)$(LINK) -static $(LIBPATH) -o $@ $^

# The monitor's own tables, with the rest of it played.
$(B)/bench/tables: $(B)/obj/tests/bench/tables.o $(STAGE) \
	    $(foreach d,policy audit ipc lib,$(call lib_of,$(d)))
	@mkdir -p $(@D)
	$(SAY) "LINK $@"
	$(Q)$(LINK) -pie $(LIBPATH) -o $@ $< -Wl,--start-group $(STAGE) \
	    $(foreach d,policy audit ipc lib,$(call lib_of,$(d))) \
	    -Wl,--end-group $(SECC) $(BSD)

# What the master asks of policy/ for one connection.
$(B)/bench/decide: $(B)/obj/tests/bench/decide.o $(call lib_of,policy) \
	    $(call lib_of,lib)
	@mkdir -p $(@D)
	$(SAY) "LINK $@"
	$(Q)$(LINK) -pie $(LIBPATH) -o $@ $^ $(BSD)

# Floors are linked statically: nothing may be faster for a linker's sake.
$(B)/bench/%: $(B)/obj/tests/bench/%.o
	@mkdir -p $(@D)
	$(SAY) "LINK $@"
	$(Q)$(LINK) -static $(LIBPATH) -o $@ $<

# --- for people -------------------------------------------------------------
# The dependencies come first and may change what pkg-config says, so what
# needs them is made by a make of its own.
deps:
	tools/deps build run

run:
	@tools/deps build run
	@$(MAKE) --no-print-directory -s all
	tools/run $(B)

everything: all unit-tests fuzzers

check-build:
	@tools/deps build run check lint
	@$(MAKE) --no-print-directory everything

check:
	@tools/deps build run check lint
	@$(MAKE) --no-print-directory -s everything
	@tests/run --build $(B)

# What changed since it was last found right, and another machine's compiler.
lint:
	@tools/deps build lint
	@$(MAKE) --no-print-directory -k linted

LINTED	= $(shell find * -name build -prune -o -name '*.c' -print)
linted: $(patsubst %.c,$(B)/lint/%.ok,$(LINTED)) lint-aarch64

$(B)/lint/%.ok: %.c .clang-tidy tools/lint
	@mkdir -p $(@D)
	$(SAY) "LINT $<"
	$(Q)$(CC) $(OURCPP) $(OURC) -MM -MT $@ -MF $(@:.ok=.d) $<
	$(Q)tools/lint $< && touch $@

# The C library's headers are the cross compiler's, all others this machine's.
lint-aarch64:
	@$(MAKE) --no-print-directory B=$(B)/aarch64 CFLAGS= SANITIZE= \
	    CC=aarch64-linux-gnu-gcc OPT=-O0 \
	    CPPFLAGS='-idirafter /usr/include' objects

# Lay all sources out as .clang-format says; tools/check-format is its check.
format:
	@clang-format -i $$(find * -name build -prune -o -name '*.[ch]' -print)

bench:
	@tools/deps build run bench
	@$(MAKE) --no-print-directory -s all $(BENCH)
	tests/bench/run --build $(B)

soak:
	@tools/deps build run check
	@$(MAKE) --no-print-directory -s all unit-tests
	tests/soak --build $(B)
	tests/sweep --build $(B)
	tests/repeat --build $(B)

install: all
	DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' PAMDIR='$(PAMDIR)' \
	    tools/install $(B)

uninstall:
	DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' PAMDIR='$(PAMDIR)' \
	    tools/install --remove $(B)

# --- documents that are made from the catalogues, by tools/gen-NAME.c --------
documents: $(B)/portreeve.catalog $(B)/man/portreeve-events.5 \
    $(B)/man/portreeve-sandbox.7 $(B)/channels.md

# Those, and the list of channels in ARCHITECTURE.md.
docs: documents
	tools/check-docs --write $(B)

$(B)/tools/gen-%: $(B)/obj/tools/gen-%.o $(foreach d,$(UNITLIB),$(call lib_of,$(d)))
	@mkdir -p $(@D)
	$(SAY) "LINK $@"
	$(Q)$(LINK) -pie $(LIBPATH) -o $@ $< -Wl,--start-group \
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
$(eval $(call made_by,$(B)/man/portreeve-sandbox.7,gen-sandbox-man))
$(eval $(call made_by,$(B)/channels.md,gen-channels))

# portreeve.conf(5) from its text and the language's own table.
documents: $(B)/man/portreeve.conf.5
$(eval $(call made_by,$(B)/gen/conf-statements.mdoc,gen-conf-man))

$(B)/man/%: man/%.in $(B)/gen/conf-statements.mdoc
	@mkdir -p $(@D)
	$(Q)sed -e '/^@STATEMENTS@$$/{r $(B)/gen/conf-statements.mdoc' -e 'd;}' \
	    $< > $@

-include $(shell find $(B)/obj $(F)/obj $(B)/lint -name '*.d' 2>/dev/null)

clean:
	rm -rf build

.PHONY: all bench check check-build clean deps docs documents everything \
	format fuzz fuzzers install lint lint-aarch64 linted objects run soak \
	uninstall unit-tests
.SECONDARY:
