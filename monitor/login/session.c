/*
 * The user's session, from PAM's session phase to its end. Login process,
 * root: it stays as the session's parent, since PAM's session must be closed
 * by the process that opened it. Reads nothing of the session's; of the worker
 * only whether it is there. It holds neither side of the terminal while the
 * session runs, so that the worker's end is the terminal's hang-up.
 */
#include <sys/signalfd.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bsd/string.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "monitor/login/child.h"
#include "monitor/login/login.h"
#include "monitor/login/pty.h"
#include "monitor/login/records.h"

#define HANGUP_NS UINT64_C(5000000000)

struct session {
	struct login_run *l;
	struct pty pty;
	struct env env;
	pid_t leader;
	int gate;    /* the leader waits at its other end */
	int signals; /* signalfd: SIGCHLD, SIGTERM */
	bool opened; /* PAM's session is */
	bool alone;  /* the worker is gone, or takes its leave */
	bool ended;
	int status;	  /* waitpid()'s, of the leader */
	uint64_t kill_at; /* 0: not hung up */
};

/* --- the beginning ------------------------------------------------------- */

static int
session_env(struct session *s)
{
	struct login_run *l = s->l;
	char **vars = pam_getenvlist(l->pam);
	int err =
	    env_fill(&s->env, l->user, l->uid, l->home, l->shell, l->wish.term);

	for (char **v = vars; v != NULL && *v != NULL; v++) {
		/* More than fit: the rest is left out. */
		if (err == 0 && env_put(&s->env, *v) == ERR_NO_MEMORY)
			err = ERR_NO_MEMORY;
		free(*v);
	}
	free(vars);
	return (err);
}

/* PAM's session phase; what an ordinary user's daemon cannot do, it leaves. */
static int
session_pam(struct session *s)
{
	struct login_run *l = s->l;
	int status;

	if (!l->start.rootless && initgroups(l->user, l->gid) < 0) {
		log_errno("initgroups");
		return (PAM_BUF_ERR);
	}
	status = pam_set_item(l->pam, PAM_TTY, s->pty.path);
	if (status == PAM_SUCCESS)
		status = pam_setcred(l->pam, PAM_ESTABLISH_CRED);
	if (status == PAM_SUCCESS)
		status = pam_open_session(l->pam, 0);
	s->opened = status == PAM_SUCCESS;
	if (l->start.rootless && l->broken == 0)
		return (PAM_SUCCESS);
	return (status);
}

static int
session_prepare(struct session *s)
{
	struct login_run *l = s->l;
	struct login_records_mark mark;
	int status;

	if (pty_open(&s->pty, l->wish.rows, l->wish.columns) != 0) {
		log_errno("no terminal can be had");
		login_fail_session(l, PAM_SUCCESS, NULL);
		return (ERR_SYSTEM);
	}
	login_records_mark(&mark);
	status = session_pam(s);
	if (status != PAM_SUCCESS || l->broken != 0) {
		log_warn(
		    "session of %s: %s", l->user, pam_strerror(l->pam, status));
		login_fail_session(
		    l, status, "The session cannot be opened.\n");
		return (ERR_REFUSED);
	}
	if (session_env(s) != 0 ||
	    (!l->start.rootless && pty_give(&s->pty, l->uid, l->gid) != 0)) {
		log_errno("the terminal %s of %s", s->pty.path, l->user);
		login_fail_session(l, PAM_SUCCESS, NULL);
		return (ERR_SYSTEM);
	}
	if (!l->start.rootless) {
		login_records_audit_uid(l->uid);
		login_records_open(
		    s->pty.line, l->user, l->uid, &l->start.peer, &mark);
	}
	return (0);
}

static int
session_signals(struct session *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return (ERR_SYSTEM);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return (s->signals < 0 ? ERR_SYSTEM : 0);
}

static int
session_fork(struct session *s)
{
	int gate[2];

	if (session_signals(s) != 0 || pipe2(gate, O_CLOEXEC) < 0)
		return (ERR_SYSTEM);
	s->gate = gate[1];
	s->leader = fork();
	if (s->leader == 0) {
		close(gate[1]);
		child_run(s->l, &s->pty, &s->env, gate[0]);
	}
	close(gate[0]);
	return (s->leader < 0 ? ERR_SYSTEM : 0);
}

/* The leader goes on. */
static int
session_open_gate(struct session *s)
{
	char go = 'g';
	ssize_t n;

	do
		n = write(s->gate, &go, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		return (0);
	log_errno("the session of %s cannot be begun", s->l->user);
	return (ERR_SYSTEM);
}

/* The monitor first: what it does not know of, it could not end. */
static int
session_announce(struct session *s)
{
	struct login_run *l = s->l;
	struct msg_login_opened opened = {.leader = s->leader};
	struct msg_session_started started = {.end_ = 0};
	int err;

	strlcpy(opened.tty, s->pty.line, sizeof(opened.tty));
	strlcpy(started.tty, s->pty.line, sizeof(started.tty));
	err = ipc_send_wait(&l->monitor, MSG_LOGIN_OPENED, &opened, NULL, 0);
	if (err == 0)
		err = ipc_send(&l->worker, MSG_SESSION_STARTED, &started,
		    &s->pty.master, 1);
	/* What is open has no such end. */
	timer_delete(l->end);
	if (err == 0)
		err = session_open_gate(s);
	fd_close(&s->gate);
	pty_close(&s->pty);
	return (err);
}

/* --- while it runs ------------------------------------------------------- */

static void
session_hang_up(struct session *s)
{
	if (s->kill_at != 0 || s->ended)
		return;
	s->kill_at = time_boot_ns() + HANGUP_NS;
	/* The kernel has told the foreground, when the worker's side closed. */
	kill(-s->leader, SIGHUP);
	kill(s->leader, SIGHUP);
	kill(s->leader, SIGCONT);
}

/* Orphans of the session are waited for as well. */
static void
session_reap(struct session *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != s->leader)
			continue;
		s->ended = true;
		s->status = status;
	}
}

static void
session_signal(struct session *s)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGTERM)
			session_hang_up(s);
	}
	session_reap(s);
}

/*
 * The worker has nothing to say any more: an end, or a breach, is the end. Our
 * own end of the channel stays open until we exit: a worker that is there
 * still waits for that, and the connection counts as long as the session is.
 */
static void
session_worker(struct session *s)
{
	struct login_run *l = s->l;

	int err = ipc_recv_now(&l->worker, &l->in);

	if (err == ERR_SHORT)
		time_rest(LOGIN_REST_MS);
	if (err == ERR_AGAIN || err == ERR_SHORT)
		return;
	s->alone = true;
	session_hang_up(s);
}

static int
session_timeout(struct session *s)
{
	uint64_t now = time_boot_ns();

	if (s->kill_at == 0)
		return (-1);
	if (now < s->kill_at)
		return ((int)((s->kill_at - now) / 1000000) + 1);
	kill(-s->leader, SIGKILL);
	kill(s->leader, SIGKILL);
	return (1000);
}

/*
 * Days may pass, with hundreds of us: what PAM and its modules have left on
 * stack and heap goes, and with it what a password may have left there.
 */
static void
session_settle(struct session *s)
{
	env_free(&s->env);
	memory_release(&s->l->in, sizeof(s->l->in));
	memory_release_heap();
	memory_release_stack();
}

static void
session_wait(struct session *s)
{
	while (!s->ended) {
		struct pollfd p[2] = {{.fd = s->signals, .events = POLLIN},
		    {.fd = s->alone ? -1 : s->l->worker.fd, .events = POLLIN}};

		int n = poll(p, 2, session_timeout(s));

		login_poll_failed(n);
		if (n < 0 || p[0].revents != 0)
			session_signal(s);
		if ((n < 0 && !s->alone) || p[1].revents != 0)
			session_worker(s);
	}
}

/* --- the end ------------------------------------------------------------- */

static void
session_tell_end(struct session *s)
{
	struct msg_session_ended m = {.how = ENDED_EXITED};

	if (WIFSIGNALED(s->status)) {
		m.how = ENDED_SIGNAL;
		m.value = WTERMSIG(s->status);
	} else {
		m.value = WEXITSTATUS(s->status);
	}
	/* Whoever is not there needs no telling. */
	(void)ipc_send(&s->l->worker, MSG_SESSION_ENDED, &m, NULL, 0);
}

/* Its exit status then tells the monitor what is left for it to do. */
static enum login_exit
session_close(struct session *s, const char *line)
{
	struct login_run *l = s->l;
	bool recorded = line[0] != '\0' && !l->start.rootless;
	struct login_records_mark mark;
	enum login_exit how = LOGIN_EXIT_SESSION;

	login_records_mark(&mark);
	if (recorded && login_records_close(line) != 0) {
		log_errno("the record of %s in utmp cannot be closed", line);
		how = LOGIN_EXIT_RECORD;
	}
	if (s->opened)
		pam_close_session(l->pam, 0);
	if (recorded)
		login_records_closed(line, &mark);
	pam_setcred(l->pam, PAM_DELETE_CRED);
	login_pam_end(l, PAM_SUCCESS);
	pty_close(&s->pty);
	env_free(&s->env);
	fd_close(&s->gate);
	return (how);
}

int
login_session(struct login_run *l)
{
	struct session s = {.l = l, .gate = -1, .signals = -1};
	char line[sizeof(s.pty.path)] = "";
	enum login_exit how;
	int err;

	s.pty.master = s.pty.slave = -1;
	if (session_prepare(&s) != 0) {
		return (session_close(&s, line) == LOGIN_EXIT_RECORD
			    ? LOGIN_EXIT_RECORD
			    : LOGIN_EXIT_NO_LOGIN);
	}
	strlcpy(line, s.pty.line, sizeof(line));
	err = session_fork(&s);
	if (err != 0) {
		log_errno("no process for the session of %s", l->user);
		login_fail_session(l, PAM_SUCCESS, NULL);
		return (session_close(&s, line) == LOGIN_EXIT_RECORD
			    ? LOGIN_EXIT_RECORD
			    : LOGIN_EXIT_NO_LOGIN);
	}
	/* Not reported whole: the gate is closed, and the child ends by itself.
	 */
	err = session_announce(&s);
	if (err != 0)
		session_hang_up(&s);
	session_settle(&s);
	session_wait(&s);
	session_tell_end(&s);
	/* Before the worker, which waits for our end, can end. */
	login_tell_closed(l, s.status);
	how = session_close(&s, line);
	if (how == LOGIN_EXIT_SESSION && err == ERR_SYSTEM)
		how = LOGIN_EXIT_GAVE_UP;
	return ((int)how);
}
