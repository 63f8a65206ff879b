/*
 * From login's child, root, to the user's shell: session, terminal, limits,
 * filter, identity, exec, in this order. Fails closed: whoever is not wholly
 * the user runs nothing. What goes wrong is said on the user's own terminal.
 */
#include <sys/ioctl.h>
#include <sys/resource.h>

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "monitor/login/child.h"
#include "sandbox/seccomp.h"

static void __attribute__((noreturn, format(printf, 1, 2)))
child_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vdprintf(2, fmt, ap);
	va_end(ap);
	dprintf(2, "\r\n");
	_exit(1);
}

static void
child_terminal(const struct pty *pty)
{
	if (setsid() < 0 || ioctl(pty->slave, TIOCSCTTY, 0) < 0 ||
	    dup2(pty->slave, 0) < 0 || dup2(pty->slave, 1) < 0 ||
	    dup2(pty->slave, 2) < 0)
		_exit(1);
}

static void
child_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* user-limit binds tighter than what PAM's modules set, never looser. */
static void
child_limit(uint32_t processes)
{
	struct rlimit r;

	if (processes == 0)
		return;
	if (getrlimit(RLIMIT_NPROC, &r) < 0)
		child_fail("The limit of processes cannot be read.");
	if (r.rlim_max > processes)
		r.rlim_max = processes;
	if (r.rlim_cur > r.rlim_max)
		r.rlim_cur = r.rlim_max;
	if (setrlimit(RLIMIT_NPROC, &r) < 0)
		child_fail("The limit of processes cannot be set.");
}

/* session-sandbox; its filter may be set only by root. */
static void
child_filter(const struct msg_login_start *start)
{
	if (start->session_sandbox == SANDBOX_SESSION_NONE || geteuid() != 0)
		return;
	if (seccomp_install_session(
		(enum sandbox_session)start->session_sandbox) != 0 &&
	    !start->sandbox_may_miss)
		child_fail("session-sandbox cannot be applied on this system.");
}

/* Supplementary groups are login's already: initgroups() and PAM's modules. */
static void
child_become(const struct login_run *l)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	if (!l->start.rootless && (setresgid(l->gid, l->gid, l->gid) < 0 ||
				      setresuid(l->uid, l->uid, l->uid) < 0))
		child_fail("This session cannot become %s's: %s.", l->user,
		    strerror(errno));
	if (getresuid(&r, &e, &s) < 0 || getresgid(&rg, &eg, &sg) < 0 ||
	    r != l->uid || e != l->uid || s != l->uid ||
	    (!l->start.rootless &&
		(rg != l->gid || eg != l->gid || sg != l->gid)) ||
	    (l->uid != 0 && setuid(0) == 0))
		child_fail("This session is not wholly %s's.", l->user);
}

static void
child_exec(const struct login_run *l, const struct env *env)
{
	const char *base = strrchr(l->shell, '/');
	char name[sizeof(l->shell) + 1], shell[sizeof(l->shell)];
	char *argv[] = {name, NULL};
	char *const *vars = env->vars;

	base = base != NULL ? base + 1 : l->shell;
	snprintf(name, sizeof(name), "-%s", base);
	memcpy(shell, l->shell, sizeof(shell));
	execve(shell, argv, vars);
	child_fail("%s cannot be run: %s.", shell, strerror(errno));
}

/* Until login has reported us to the monitor; its end is ours. */
static void
child_wait(int gate)
{
	ssize_t n;
	char go;

	do
		n = read(gate, &go, 1);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(1);
}

void
child_run(
    const struct login_run *l, const struct pty *pty, struct env *env, int gate)
{
	child_terminal(pty);
	child_signals();
	child_wait(gate);
	child_limit(l->processes);
	child_filter(&l->start);
	/* Before the user could have them of a process of its own. */
	if (close_range(3, ~0U, 0) < 0)
		child_fail("Open descriptors cannot be closed.");
	child_become(l);
	if (l->home[0] == '\0' || chdir(l->home) < 0) {
		dprintf(2, "No folder %s: going to /.\r\n", l->home);
		if (chdir("/") < 0 || env_set(env, "HOME", "/") != 0)
			child_fail("The folder / cannot be entered.");
	}
	child_exec(l, env);
	_exit(1);
}
