/*
 * Starting a login process. Monitor (root), which reads no word of a peer's
 * here: what a login is for was looked up in the slot tables
 * (loginproc_ask.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/ptable.h"
#include "monitor/authentication.h"
#include "monitor/logins/loginproc_private.h"
#include "monitor/logins/logins.h"
#include "monitor/plan.h"
#include "monitor/roles/child.h"
#include "monitor/roles/images.h"
#include "monitor/roles/proc.h"
#include "sandbox/sandbox.h"

/*
 * What a login has over its time to say so to its peer: an answer in the last
 * moment is refused after the same delay as any other.
 */
#define LATE_NS (4ull * SECOND)

static void
loginproc_late(void *arg)
{
	struct loginproc *p = arg;

	p->ending = LOGINPROC_LATE;
	loginproc_kill(p, "timed out");
}

static void __attribute__((noreturn)) login_exec(
    struct monitor *mon, const struct loginproc *p, int monitor, int worker)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char order[PATH_MAX + 96];
	char *env[] = {path, p->order[0] != '\0' ? order : NULL, NULL};
	char title[96];
	char *argv[] = {title, NULL};
	int null;

	child_signals();
	setsid();
	snprintf(title, sizeof(title), "portreeve: login %s", p->service);
	authentication_variable(mon, p->order, order, sizeof(order));
	/* Out of the way of 0 to 4 first. */
	monitor = fcntl(monitor, F_DUPFD_CLOEXEC, 10);
	worker = fcntl(worker, F_DUPFD_CLOEXEC, 10);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (monitor < 0 || worker < 0 || null < 0)
		_exit(LOGIN_EXIT_NO_DESCRIPTORS);
	child_place(null, 0);
	child_place(null, 1);
	child_place(mon->log_fd, 2);
	child_place(monitor, 3);
	child_place(worker, 4);
	if (close_range(5, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		_exit(LOGIN_EXIT_NO_DESCRIPTORS);
	child_files_restore();
	images_exec("login", argv, env);
	log_errno("cannot run %s/login", mon->libexec);
	_exit(LOGIN_EXIT_NO_EXEC);
}

/* ch[0], w[0] stay here; ch[1], w[1] are the login's. */
static int
login_fork(struct monitor *mon, struct loginproc *p, int ch[2], int w[2])
{
	struct ptable_row row = {0};
	pid_t pid;

	if (loginproc_reserve() != 0)
		return (ERR_NO_MEMORY);
	if (fd_seqpacket_pair(ch) != 0 || fd_seqpacket_pair(w) != 0)
		return (ERR_SYSTEM);
	pid = fork();
	if (pid == 0)
		login_exec(mon, p, ch[1], w[1]);
	if (pid < 0)
		return (ERR_SYSTEM);
	(void)loginproc_set_pid(p, pid); /* there is room */
	(void)loginproc_step(p, LOGINPROC_STARTS);
	if (ptable_read_one(p->pid, &row) == 0)
		p->pid_start = row.start;
	fd_set_nonblock(ch[0], 1);
	ipc_channel_init(&p->ch, ch[0], ROLE_MONITOR, ROLE_LOGIN, ST_NEW);
	ch[0] = -1;
	p->watch = loop_watch(p->ch.fd, POLLIN, loginproc_readable, p);
	return (p->watch == NULL ? ERR_NO_MEMORY : 0);
}

static int
login_tell(struct monitor *mon, struct loginproc *p, uint32_t grace)
{
	struct msg_login_start m = {.session = p->session,
	    .kind = (uint8_t)p->kind,
	    .root_login = (uint8_t)p->root_login,
	    .tries = LOGIN_TRIES,
	    .session_sandbox = mon->plan->is.session_sandbox,
	    .sandbox_may_miss = mon->plan->is.sandbox_level == SANDBOX_ROOTLESS,
	    .rootless = mon->rootless,
	    .verbose = mon->verbose,
	    .count = mon->plan->is.user_processes > 0,
	    .grace = grace,
	    .peer = p->peer};

	memcpy(m.service, p->service, sizeof(m.service));
	memcpy(m.pam_service, p->pam_service, sizeof(m.pam_service));
	logins_socket_path(mon, m.socket, sizeof(m.socket));
	return (ipc_send(&p->ch, MSG_LOGIN_START, &m, NULL, 0));
}

int
loginproc_start(struct monitor *mon, struct loginproc *p, uint32_t grace)
{
	struct msg_login_channel m = {.session = p->session};
	struct proc *master = proc_find_up(mon, ROLE_MASTER, SERVICE_COUNT);
	int ch[2] = {-1, -1}, w[2] = {-1, -1};
	int err = master == NULL ? ERR_CLOSED : login_fork(mon, p, ch, w);

	if (err == 0)
		err = login_tell(mon, p, grace);
	if (err == 0)
		err = proc_send(mon, master, MSG_LOGIN_CHANNEL, &m, w, 1);
	for (int i = 0; i < 2; i++) {
		fd_close(&ch[i]);
		fd_close(&w[i]);
	}
	if (err == 0)
		loop_timer_in(&p->grace,
		    (uint64_t)grace * MILLISECOND + LATE_NS, loginproc_late, p);
	return (err);
}
