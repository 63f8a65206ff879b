/*
 * Sealing: a role gives up, once and for good, whatever its profile does not
 * name. Called by every role's program after its SEAL message and before it
 * reads anything else, as the user that the monitor runs as (root, or the
 * ordinary user of a rootless start) and with one thread. The profiles are
 * data: sandbox/profiles.def. Distrusts the kernel to have every mechanism:
 * what is missing is an error with a sentence, never a weaker sandbox that
 * nobody asked for. Never undoes anything: after an error the process is
 * half sealed and must exit.
 */
#ifndef PORTREEVE_SANDBOX_SANDBOX_H
#define PORTREEVE_SANDBOX_SANDBOX_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/role.h"

#define SANDBOX_PROFILE_LIST(X)                                                \
	X(SANDBOX_MASTER, "master")                                            \
	X(SANDBOX_AUDIT, "audit")                                              \
	X(SANDBOX_ZYGOTE_SSH, "zygote ssh")                                    \
	X(SANDBOX_ZYGOTE_EXEC, "zygote exec")                                  \
	X(SANDBOX_LOOKUP, "lookup")                                            \
	X(SANDBOX_LOGREADER, "logreader")                                      \
	X(SANDBOX_CALLER, "caller")                                            \
	X(SANDBOX_PLANNER, "planner")                                          \
	X(SANDBOX_ENDER, "ender")                                              \
	X(SANDBOX_TACPLUS, "tacplus")                                          \
	X(SANDBOX_KEYS, "keys")

/* Workers have their zygote's profile: a filter per connection is too slow. */
enum sandbox_profile {
#define X(name, text) name,
	SANDBOX_PROFILE_LIST(X)
#undef X
#define SERVICE(...)
#define BUILTIN(id, ...) SANDBOX_ZYGOTE_##id,
#include "lib/service.def"
	    SANDBOX_PROFILE_COUNT
};

/* The zygotes of what is built in, a bit per enum sandbox_profile. */
enum {
	SANDBOX_BUILTIN = 0
#define SERVICE(...)
#define BUILTIN(id, ...) | (1 << SANDBOX_ZYGOTE_##id)
#include "lib/service.def"
};

/* The statement sandbox-level. */
enum sandbox_level {
	SANDBOX_FULL,	  /* every mechanism, or an error */
	SANDBOX_ROOTLESS, /* what an ordinary user, or a container's root,
			   * may have: namespaces, the empty root and
			   * session-sandbox may be missing */
	SANDBOX_LANDLOCK_OPTIONAL /* as full, but Landlock may be missing */
};

/* The statement session-sandbox; heard by the zygotes of ssh and exec. */
enum sandbox_session {
	SANDBOX_SESSION_NONE,
	SANDBOX_SESSION_STANDARD,
	SANDBOX_SESSION_STRICT
};

struct sandbox_params {
	enum sandbox_level level;
	/*
	 * The role's identity. Neither 0 nor nobody's in a profile that has
	 * no user 0 (the zygotes of ssh and exec ignore these: they stay what
	 * they are). Taken at every level by whoever is root; an ordinary
	 * user stays who it is.
	 */
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* supplementary; may be NULL with ngroups 0 */
	size_t ngroups;
	/*
	 * An empty directory that only root (or, rootless, the own user) can
	 * write, for the profiles that have an empty root (`master`, the
	 * built-in zygotes, `logreader`, `caller`): required there at the
	 * levels full and landlock-optional. NULL for the others.
	 */
	const char *root;
	enum sandbox_session session; /* zygotes of ssh and exec */
	/*
	 * Its parent, which it does not outlive: SIGKILL comes with the end of
	 * the thread that started it. What it forks has no such bond. 0: it
	 * outlives it.
	 */
	pid_t parent;
	bool program_is_root; /* zygote of exec: runs its program as 0 */
	/*
	 * Below what a profile that starts programs may write, folders or
	 * files; one that is missing is passed over.
	 */
	const char *const *writable;
	size_t nwritable;
	/* TCP ports of a profile that reaches its servers alone. */
	const uint16_t *ports;
	size_t nports;
};

/* What became of it. Strings are whole sentences in ASCII, without newline. */
struct sandbox_report {
	int landlock_abi; /* used; 0 for none */
	bool chrooted;
	bool netns;	 /* has a network namespace of its own */
	bool userns;	 /* rootless: has a user namespace of its own */
	bool filtered;	 /* has NoNewPrivs and a filter of system calls */
	char error[320]; /* why it failed and what to do; "" on success */
	char
	    weaker[320]; /* what the level let go, for the log; "" if nothing */
};

/*
 * Seal this process. 0, or: ERR_UNSUPPORTED (the kernel or the right to use a
 * mechanism is missing), ERR_VALUE (the parameters contradict the profile),
 * ERR_SYSTEM (a call failed that always works), ERR_NO_MEMORY; report->error
 * then holds the sentence to log before exit(1). report must not be NULL.
 */
int sandbox_seal(enum sandbox_profile profile,
    const struct sandbox_params *params, struct sandbox_report *report);

/*
 * For a sealed process whose profile has rows for it: no socket of the network
 * any more. One that is open already stays. 0, or an error of seccomp's.
 */
int sandbox_close_network(enum sandbox_profile profile);

/*
 * Whether this host gives the level what may be missing in a container: for
 * portreeved -n, which is to agree with the start. Seals nothing, and forks. 0,
 * or ERR_UNSUPPORTED or ERR_SYSTEM with report->error.
 */
int sandbox_try(enum sandbox_level level, struct sandbox_report *report);

/*
 * The profile of a role that is sealed: master, audit, zygote (by kind of
 * service; netconf's is ssh's), logreader, lookup, caller, planner,
 * ender. ERR_NOT_FOUND for the roles that are not sealed by this module.
 */
int sandbox_profile_for(enum role role, enum service_kind kind);

/* A constant; "?" for a value that is none. */
const char *sandbox_profile_name(enum sandbox_profile profile);

/*
 * Violations. A system call that is not in the profile kills the process with
 * SIGSYS; how, and why no handler of an attacker's survives it, is said in
 * sandbox/violation.c. Just before, a message is sent, without waiting, whose
 * bytes are given here: size bytes (at most SANDBOX_MESSAGE_MAX), of which the
 * int32_t at offset number_at is replaced by the system call's number, as one
 * datagram on the socket fd. It is for the event's text only: a process that
 * was taken over could have sent it itself, with any number. Data and not a
 * callback, so that whatever it is overwritten with, the process still dies.
 * The message is copied. May be called when sealed; a zygote has none, its
 * child names its own channel. fd -1: no message any more. ERR_VALUE when it
 * does not fit. abort() in a sealed process is logged and dies by
 * SIGILL, without message: tgkill is no one's to call.
 */
#define SANDBOX_MESSAGE_MAX 32
int sandbox_set_violation_message(
    int fd, const void *message, size_t size, size_t number_at);

/* Enough for every system call's name and its NUL. */
#define SANDBOX_SYSCALL_NAME_MAX 40

/*
 * The name of this machine's system call nr, in buf; "syscall-NR" when it has
 * none. Returns buf. Allocates; not for signal handlers.
 */
const char *sandbox_syscall_name(int32_t nr, char *buf, size_t size);

#endif
