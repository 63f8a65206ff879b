/*
 * Sealing: the mechanisms put together, in the one order in which each still
 * has the right that it needs. Runs in every sealed role as root, or as the
 * ordinary user of a rootless start, before the role reads anything but its
 * SEAL message. Whatever fails is reported by a sentence and ends the role;
 * only what a level names may be missing.
 */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "sandbox/caps.h"
#include "sandbox/identity.h"
#include "sandbox/landlock.h"
#include "sandbox/leaks.h"
#include "sandbox/namespaces.h"
#include "sandbox/profile.h"
#include "sandbox/root.h"
#include "sandbox/sandbox.h"
#include "sandbox/seccomp.h"
#include "sandbox/violation.h"

/* What one sealing is about; the steps below take nothing else. */
struct sealing {
	enum sandbox_profile id;
	const struct profile *profile;
	const struct sandbox_params *params;
	struct sandbox_report *report;
	bool lenient; /* the level lets go what this host refuses */
	bool root;    /* has an identity to give up */
};

static int __attribute__((format(printf, 3, 4)))
sandbox_fail(struct sandbox_report *report, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(report->error, sizeof(report->error), fmt, ap);
	va_end(ap);
	return (err);
}

/* One more sentence about what the level lets go. */
static void
sandbox_note(struct sandbox_report *report, const char *text)
{
	size_t used = strlen(report->weaker);

	snprintf(report->weaker + used, sizeof(report->weaker) - used, "%s%s",
	    used == 0 ? "" : " ", text);
}

static int
sandbox_check_ids(const struct sealing *s)
{
	const struct sandbox_params *p = s->params;
	bool root = p->uid == 0 || p->gid == 0;
	bool bad = (root && s->profile->files != FILES_USER) ||
		   p->uid == (uid_t)-1 || p->gid == (gid_t)-1;

	/* What hidepid names is root's group, unless it was given another. */
	for (size_t i = 0; i < p->ngroups; i++)
		bad = bad ||
		      (p->groups[i] == 0 && s->profile->files != FILES_PROC);
	if (!bad)
		return (0);
	return (sandbox_fail(s->report, ERR_VALUE,
	    "The %s needs a uid of its own that is not root's: give it an "
	    "account or a uid of the configured range.",
	    sandbox_profile_name(s->id)));
}

static int
sandbox_check(const struct sealing *s)
{
	const struct sandbox_params *p = s->params;

	if ((unsigned)p->level > SANDBOX_LANDLOCK_OPTIONAL ||
	    (unsigned)p->session > SANDBOX_SESSION_STRICT ||
	    (p->ngroups > 0 && p->groups == NULL))
		return (sandbox_fail(s->report, ERR_VALUE,
		    "The sandbox's "
		    "parameters are out of range: this is a bug."));
	if (namespaces_count_threads() != 1)
		return (sandbox_fail(s->report, ERR_UNSUPPORTED,
		    "The %s "
		    "cannot see that it has a single thread: mount /proc.",
		    sandbox_profile_name(s->id)));
	if (!s->lenient && (!s->root || !caps_can_close()))
		return (sandbox_fail(s->report, ERR_UNSUPPORTED,
		    "The %s "
		    "cannot be sealed without root's capabilities: start "
		    "portreeved as root, or set sandbox-level rootless.",
		    sandbox_profile_name(s->id)));
	if (!s->profile->sealed || s->profile->programs)
		return (0);
	if (!s->lenient && s->profile->empty_root && p->root == NULL)
		return (sandbox_fail(s->report, ERR_VALUE,
		    "The %s was given no empty root directory.",
		    sandbox_profile_name(s->id)));
	return (s->root ? sandbox_check_ids(s) : 0);
}

static int
sandbox_enter_root(const struct sealing *s)
{
	struct sandbox_report *r = s->report;
	const char *path = s->params->root;
	int err;

	if (path == NULL) {
		sandbox_note(r, "No empty root: no directory was given.");
		return (0);
	}
	err = root_enter(path, r->error, sizeof(r->error));
	if (err == 0) {
		r->chrooted = true;
		return (0);
	}
	if (s->lenient && s->root && err == ERR_SYSTEM) {
		sandbox_note(r, "No empty root: this host does not let root "
				"change it.");
		return (0);
	}
	if (r->error[0] == '\0')
		sandbox_fail(r, err,
		    "The empty root %s cannot be entered: %s. "
		    "Make the directory, or see that chroot is permitted.",
		    path, strerror(errno));
	return (err);
}

/* As an ordinary user: what a user namespace gives, where there is one. */
static int
sandbox_isolate_user(const struct sealing *s)
{
	struct sandbox_report *r = s->report;
	bool network = s->profile->network == NETWORK_NONE;
	int err;

	if (!network && !s->profile->empty_root)
		return (0);
	err = namespaces_enter_user(network);
	if (err == ERR_UNSUPPORTED) {
		sandbox_note(r,
		    "No empty root and no empty network: this "
		    "kernel gives ordinary users no user namespace.");
		return (0);
	}
	if (err != 0)
		return (sandbox_fail(r, err,
		    "The user namespace of the %s cannot be set up: %s. Mount "
		    "/proc, or disable user namespaces.",
		    sandbox_profile_name(s->id), strerror(errno)));
	r->userns = true;
	r->netns = network;
	return (s->profile->empty_root ? sandbox_enter_root(s) : 0);
}

static int
sandbox_fail_network(struct sandbox_report *report, const char *who, int error)
{
	if (error == EPERM)
		return (sandbox_fail(report, ERR_UNSUPPORTED,
		    "The %s cannot have an empty network: root has no "
		    "CAP_SYS_ADMIN here, or a system call filter of the "
		    "container's denies unshare. Grant it, or set "
		    "sandbox-level rootless.",
		    who));
	return (sandbox_fail(report, ERR_UNSUPPORTED,
	    "The %s cannot have an empty network: %s. Use a kernel with "
	    "CONFIG_NET_NS, or set sandbox-level rootless.",
	    who, strerror(error)));
}

static int
sandbox_isolate(const struct sealing *s)
{
	if (!s->root)
		return (sandbox_isolate_user(s));
	if (s->profile->network == NETWORK_NONE) {
		s->report->netns = namespaces_leave_network() == 0;
		if (!s->report->netns && !s->lenient)
			return (sandbox_fail_network(
			    s->report, sandbox_profile_name(s->id), errno));
		if (!s->report->netns)
			sandbox_note(s->report, "No empty network: this host "
						"does not let root make one.");
	}
	return (s->profile->empty_root ? sandbox_enter_root(s) : 0);
}

/* Capabilities and identity, with no way back to either. */
static int
sandbox_disarm(const struct sealing *s)
{
	const struct sandbox_params *p = s->params;
	uint64_t keeps = s->profile->keeps;
	int err = 0;

	if (s->profile->programs) {
		if (s->root && p->ngroups > 0 &&
		    setgroups(p->ngroups, p->groups) != 0)
			err = ERR_SYSTEM;
		if (err == 0)
			err = caps_keep(keeps);
	} else {
		if (caps_can_close())
			err = caps_close(s->root && keeps != 0);
		else if (s->root && keeps != 0 &&
			 prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
			err = ERR_SYSTEM;
		if (err == 0 && s->root)
			err = identity_take(
			    p->uid, p->gid, p->groups, p->ngroups);
		if (err == 0)
			err = caps_reduce(s->root ? keeps : 0);
	}
	if (err == 0 && !caps_are_within(keeps)) {
		errno = EPERM;
		err = ERR_UNSUPPORTED;
	}
	if (err != 0)
		return (sandbox_fail(s->report, err,
		    "The %s cannot drop its privileges: %s.",
		    sandbox_profile_name(s->id), strerror(errno)));
	return (0);
}

/* No core dump, no tracer, no setuid program. */
static int
sandbox_close_doors(const struct sealing *s)
{
	const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return (sandbox_fail(s->report, ERR_UNSUPPORTED,
		    "The %s "
		    "cannot set NoNewPrivs: %s. Use Linux 3.5 or later.",
		    sandbox_profile_name(s->id), strerror(errno)));
	return (0);
}

/*
 * Whether a filter that we were started under, a container's or a service's,
 * gave that answer: the kernel never says EPERM, and ENOSYS (what nspawn and
 * Docker say of calls that they do not know) only where it is too old. None of
 * ours is there yet.
 */
static bool
sandbox_is_filtered(int error)
{
	struct utsname name;
	unsigned major = 0, minor = 0;

	if (error == EPERM || error == EACCES)
		return (true);
	if (error != ENOSYS || prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != 2 ||
	    uname(&name) != 0 ||
	    /* NOLINTNEXTLINE(cert-err34-c): the kernel's own numbers */
	    sscanf(name.release, "%u.%u", &major, &minor) != 2)
		return (false);
	return (major > 5 || (major == 5 && minor >= 19));
}

static int
sandbox_fail_landlock(struct sandbox_report *report, int abi, int error)
{
	if (abi == 0 && sandbox_is_filtered(error))
		return (sandbox_fail(report, ERR_UNSUPPORTED,
		    "A system call filter from outside (a container's or a "
		    "service's) answers %s to landlock_create_ruleset: allow "
		    "it, landlock_add_rule and landlock_restrict_self "
		    "(systemd-nspawn --system-call-filter, docker "
		    "--security-opt seccomp), or set sandbox-level "
		    "landlock-optional.",
		    strerrorname_np(error)));
	return (sandbox_fail(report, ERR_UNSUPPORTED,
	    "This kernel has Landlock of level %d and %d is "
	    "needed: use Linux 5.19 or later with landlock in "
	    "lsm=, or set sandbox-level landlock-optional.",
	    abi, LANDLOCK_ABI_LEAST));
}

static int
sandbox_restrict_files(const struct sealing *s)
{
	int abi, err;

	abi = landlock_get_abi();
	if (abi < LANDLOCK_ABI_LEAST) {
		if (s->params->level != SANDBOX_LANDLOCK_OPTIONAL)
			return (sandbox_fail_landlock(s->report, abi, errno));
		if (abi == 0) {
			sandbox_note(s->report, "No Landlock.");
			return (0);
		}
		sandbox_note(s->report, "Landlock of level 1 only.");
	}
	if ((err = landlock_restrict(s->profile, abi, s->params)) != 0)
		return (sandbox_fail(s->report, err,
		    "Landlock of level %d "
		    "cannot be set up: %s.",
		    abi, strerror(errno)));
	s->report->landlock_abi = abi;
	return (0);
}

/*
 * Not to outlive the monitor, whatever it hangs in or obeys. A change of ids
 * or capabilities takes the bond away, and so does a fork, in the child; the
 * filter keeps a role from doing so. It is the last step but the filter.
 */
static int
sandbox_bind_to_parent(const struct sealing *s)
{
	if (s->params->parent == 0)
		return (0);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		return (sandbox_fail(s->report, ERR_SYSTEM,
		    "The %s cannot arrange to end with the monitor: %s.",
		    sandbox_profile_name(s->id), strerror(errno)));
	/* It may have ended before that. */
	if (getppid() != s->params->parent)
		return (sandbox_fail(s->report, ERR_REFUSED,
		    "The %s has another parent than the monitor that started "
		    "it, which has ended.",
		    sandbox_profile_name(s->id)));
	return (0);
}

static int
sandbox_filter_calls(const struct sealing *s)
{
	int err;

	leaks_end_search();
	if ((err = violation_install_handler()) == 0)
		err = seccomp_install_profile(s->id);
	if (err != 0)
		return (sandbox_fail(s->report, err,
		    "The system call filter "
		    "of the %s cannot be set up: %s. Use a kernel with "
		    "CONFIG_SECCOMP_FILTER.",
		    sandbox_profile_name(s->id), strerror(errno)));
	s->report->filtered = true;
	return (0);
}

static int
sandbox_filter_sessions(const struct sealing *s)
{
	int err = ERR_UNSUPPORTED;

	if (s->params->session == SANDBOX_SESSION_NONE)
		return (0);
	if (s->root)
		err = seccomp_install_session(s->params->session);
	if (err == 0) {
		s->report->filtered = true;
		return (0);
	}
	if (!s->lenient || err != ERR_UNSUPPORTED)
		return (sandbox_fail(s->report, err,
		    "The session-sandbox "
		    "cannot be set up: %s. Use a kernel with "
		    "CONFIG_SECCOMP_FILTER, or set session-sandbox none.",
		    strerror(errno)));
	sandbox_note(s->report,
	    "No session-sandbox: without root's privileges a filter "
	    "would disable su and sudo in sessions.");
	return (0);
}

/*
 * The zygotes whose programs and sessions must keep what the host gives them:
 * no NoNewPrivs, the whole bounding set, no limit that they would inherit.
 */
static int
sandbox_seal_starter(const struct sealing *s)
{
	int err;

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return (sandbox_fail(s->report, ERR_SYSTEM,
		    "The %s cannot "
		    "refuse tracers: %s.",
		    sandbox_profile_name(s->id), strerror(errno)));
	if ((err = sandbox_filter_sessions(s)) != 0)
		return (err);
	if (s->root && s->id == SANDBOX_ZYGOTE_EXEC &&
	    !s->params->program_is_root && (err = caps_keep_starter()) != 0)
		return (sandbox_fail(s->report, err,
		    "The %s cannot drop its privileges: %s.",
		    sandbox_profile_name(s->id), strerror(errno)));
	return (sandbox_bind_to_parent(s));
}

int
sandbox_seal(enum sandbox_profile id, const struct sandbox_params *params,
    struct sandbox_report *report)
{
	struct sealing s = {.id = id,
	    .profile = profile_get(id),
	    .params = params,
	    .report = report,
	    .lenient = params->level == SANDBOX_ROOTLESS,
	    .root = geteuid() == 0};
	int err;

	memset(report, 0, sizeof(*report));
	if (s.profile == NULL)
		return (sandbox_fail(report, ERR_VALUE,
		    "There is no sandbox "
		    "profile %d: this is a bug.",
		    (int)id));
	if ((err = sandbox_check(&s)) != 0)
		return (err);
	if (!s.profile->sealed)
		return (sandbox_seal_starter(&s));
	if ((err = sandbox_isolate(&s)) != 0 ||
	    (err = sandbox_disarm(&s)) != 0 ||
	    (err = sandbox_close_doors(&s)) != 0 ||
	    (err = sandbox_restrict_files(&s)) != 0 ||
	    (err = sandbox_bind_to_parent(&s)) != 0)
		return (err);
	return (sandbox_filter_calls(&s));
}

int
sandbox_close_network(enum sandbox_profile id)
{
	return (seccomp_close_network(id));
}

int
sandbox_try(enum sandbox_level level, struct sandbox_report *report)
{
	int abi = landlock_get_abi(), error = errno, status;
	pid_t pid;

	memset(report, 0, sizeof(*report));
	if (abi < LANDLOCK_ABI_LEAST && level != SANDBOX_LANDLOCK_OPTIONAL)
		return (sandbox_fail_landlock(report, abi, error));
	if (geteuid() != 0 || level == SANDBOX_ROOTLESS)
		return (0);
	pid = fork();
	if (pid == 0)
		_exit(namespaces_leave_network() == 0 ? 0 : errno & 0xff);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return (sandbox_fail(report, ERR_SYSTEM,
		    "The sandbox cannot be tried: %s.", strerror(errno)));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return (sandbox_fail_network(report, "daemon's roles",
		    WIFEXITED(status) ? WEXITSTATUS(status) : EPERM));
	return (0);
}
