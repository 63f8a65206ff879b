/*
 * The table of login processes: asked for, started, ended. Monitor (root). A
 * connection gets one; how many are being made at a time is login-limit's.
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/child.h"
#include "monitor/end.h"
#include "monitor/loginproc_private.h"
#include "monitor/logins_private.h"
#include "monitor/proc.h"
#include "monitor/ptable.h"
#include "monitor/records.h"
#include "monitor/report.h"
#include "monitor/stop.h"
#include "monitor/wire.h"

#define FTP_GRACE_S 60
/* What a login has over its time to say so to its peer. */
#define LATE_NS (2ull * SECOND)

static struct loginproc *logins;

/* ---- the table ------------------------------------------------------------ */

struct loginproc *
loginproc_new(struct monitor *mon, uint64_t session)
{
	struct loginproc *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return (NULL);
	p->mon = mon;
	p->session = session;
	p->pidfd = p->ch.fd = -1;
	p->method = POLICY_METHOD_COUNT;
	p->next = logins;
	logins = p;
	return (p);
}

static void
loginproc_free(struct loginproc *p)
{
	for (struct loginproc **at = &logins; *at != NULL;
	     at = &(*at)->next) {
		if (*at == p) {
			*at = p->next;
			break;
		}
	}
	loop_timer_clear(&p->grace);
	loop_unwatch(&p->watch);
	ipc_channel_close(&p->ch);
	fd_close(&p->pidfd);
	free(p);
}

static struct loginproc *
loginproc_find(uint64_t session)
{
	struct loginproc *p = logins;

	while (p != NULL && p->session != session)
		p = p->next;
	return (p);
}

bool
loginproc_runs(uint64_t session)
{
	struct loginproc *p = loginproc_find(session);

	return (p != NULL && p->pid > 0);
}

bool
loginproc_any(void)
{
	for (struct loginproc *p = logins; p != NULL; p = p->next) {
		if (p->pid > 0)
			return (true);
	}
	return (false);
}

/* Logins being made; the rest have their session. */
static unsigned
count_making(void)
{
	unsigned n = 0;

	for (struct loginproc *p = logins; p != NULL; p = p->next)
		n += p->pid > 0 && !p->opened;
	return (n);
}

/* ---- ends ------------------------------------------------------------------ */

pid_t
loginproc_end(uint64_t session)
{
	struct loginproc *p = loginproc_find(session);
	struct ptable_row row;

	if (p == NULL || p->pid <= 0 || ptable_read_one(p->pid, &row) < 0 ||
	    row.start != p->pid_start)
		return (0);
	p->ending = true;
	return (p->pid);
}

void
loginproc_end_all(
    struct monitor *mon, void (*end)(struct monitor *mon, pid_t leader))
{
	for (struct loginproc *p = logins; p != NULL; p = p->next) {
		p->ending = true;
		if (p->pid > 0)
			end(mon, p->pid);
	}
}

void
loginproc_kill_all(void)
{
	for (struct loginproc *p = logins; p != NULL; p = p->next) {
		if (p->pid > 0)
			kill(p->pid, SIGKILL);
	}
}

static void
report_death(struct loginproc *p, int sig)
{
	struct event_builder b;
	char name[32];

	loginproc_event(p, &b, EV_WORKER_FAILED);
	event_number(&b, FIELD_PID, (uint64_t)p->pid);
	snprintf(name, sizeof(name), "SIG%s",
	    sigabbrev_np(sig) != NULL ? sigabbrev_np(sig) : "?");
	event_text(&b, FIELD_SIGNAL, name);
	event_text(&b, FIELD_REASON,
	    p->late ? "the login took longer than its time"
		    : "the login process died");
	report_emit(p->mon, &b);
}

void
loginproc_over(struct loginproc *p, int sig)
{
	struct monitor *mon = p->mon;
	struct ptable_row row;

	p->gone = true;
	/* Its last words. */
	if (p->ch.fd >= 0)
		loginproc_readable(p, POLLIN);
	loop_timer_clear(&p->grace);
	loop_unwatch(&p->watch);
	ipc_channel_close(&p->ch);
	fd_close(&p->pidfd);
	if (sig != 0 && !p->ending)
		report_death(p, sig);
	if (!p->opened && p->trying)
		loginproc_failed(p, p->late ? "timeout"
			: p->allowed	    ? "account"
					    : "credentials");
	/* Nobody is left who would end the session and close its books. */
	if (p->opened && sig != 0) {
		if (ptable_read_one(p->leader, &row) == 0 &&
		    row.start == p->leader_start && !row.zombie)
			end_tree_now(p->leader);
		if (!mon->rootless)
			records_close(p->pid);
	}
	logins_remove(p->session);
	p->pid = 0;
	if (p->tries == 0 || p->opened)
		loginproc_free(p);
	if (mon->stopping)
		stop_step(mon);
}

void
loginproc_reaped(struct monitor *mon, pid_t pid, int status)
{
	struct loginproc *p = logins;

	(void)mon;
	while (p != NULL && (p->pid != pid || p->pidfd >= 0))
		p = p->next;
	if (p != NULL)
		loginproc_over(p, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static void
grace_over(void *arg)
{
	struct loginproc *p = arg;

	p->late = true;
	loginproc_kill(p, "took longer than its time");
}

/* ---- starts ----------------------------------------------------------------- */

static void __attribute__((noreturn))
login_exec(struct monitor *mon, const struct loginproc *p, int monitor,
    int worker)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	static char *env[] = {path, NULL};
	char program[PATH_MAX + 32], title[96];
	char *argv[] = {title, NULL};
	int null;

	child_signals();
	setsid();
	snprintf(program, sizeof(program), "%s/login", mon->libexec);
	snprintf(title, sizeof(title), "portreeve: login %s", p->service);
	/* Out of the way of 0 to 4 first. */
	monitor = fcntl(monitor, F_DUPFD_CLOEXEC, 10);
	worker = fcntl(worker, F_DUPFD_CLOEXEC, 10);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (monitor < 0 || worker < 0 || null < 0)
		_exit(127);
	child_place(null, 0);
	child_place(null, 1);
	child_place(mon->log_fd, 2);
	child_place(monitor, 3);
	child_place(worker, 4);
	if (close_range(5, ~0U, 0) < 0)
		_exit(127);
	execve(program, argv, env);
	log_errno("cannot run %s", program);
	_exit(127);
}

/* ch[0], w[0] stay here; ch[1], w[1] are the login's. */
static int
login_fork(struct monitor *mon, struct loginproc *p, int ch[2], int w[2])
{
	struct ptable_row row = {0};

	if (fd_seqpacket_pair(ch) != 0 || fd_seqpacket_pair(w) != 0)
		return (ERR_SYSTEM);
	p->pid = fork();
	if (p->pid == 0)
		login_exec(mon, p, ch[1], w[1]);
	if (p->pid < 0) {
		p->pid = 0;
		return (ERR_SYSTEM);
	}
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
	    .session_sandbox = (uint8_t)mon->conf->session_sandbox,
	    .sandbox_may_miss =
		mon->conf->sandbox_level == CONF_SANDBOX_ROOTLESS,
	    .rootless = mon->rootless,
	    .grace = grace,
	    .peer = p->peer};

	memcpy(m.service, p->service, sizeof(m.service));
	return (ipc_send(&p->ch, MSG_LOGIN_START, &m, NULL, 0));
}

static int
login_start(struct monitor *mon, struct loginproc *p, uint32_t grace)
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
		    (uint64_t)grace * MILLISECOND + LATE_NS, grace_over, p);
	return (err);
}

/* ---- questions --------------------------------------------------------------- */

static void
ask_refuse(struct monitor *mon, uint64_t session, const char *text)
{
	struct msg_login_refused m = {.session = session};

	snprintf(m.text, sizeof(m.text), "%s", text);
	wire_to_master(mon, MSG_LOGIN_REFUSED, &m);
}

/* Of which zygote is it a worker's session, as the slot tables have it? */
static struct proc *
ask_find_zygote(struct monitor *mon, uint64_t session, struct slot *slot)
{
	struct ptable_row row;
	struct proc *p;

	TAILQ_FOREACH(p, &mon->procs, next)
	{
		int64_t n;

		if (p->slots == NULL ||
		    (p->kind != SERVICE_TELNET && p->kind != SERVICE_FTP))
			continue;
		n = slot_find_session(p->slots, session);
		if (n >= 0 && slot_read(p->slots, (uint32_t)n, slot) == 0 &&
		    end_verify(slot, p->pid, &row))
			return (p);
	}
	return (NULL);
}

/* The kernel's word for the peer, where there is a copy to ask it of. */
static bool
ask_same_peer(const struct addr *peer, int connection)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct addr real;

	if (connection < 0)
		return (true);
	if (getpeername(connection, (struct sockaddr *)&ss, &len) < 0)
		return (errno == ENOTCONN); /* it has gone in the meantime */
	return (addr_from_sockaddr(&real, (struct sockaddr *)&ss, len) == 0 &&
	    addr_equal(&real, peer));
}

/* Forget those that had their tries and whose connections are gone. */
static void
ask_prune(void)
{
	struct slot slot;
	struct loginproc *next;

	for (struct loginproc *p = logins; p != NULL; p = next) {
		next = p->next;
		if (p->pid == 0 &&
		    ask_find_zygote(p->mon, p->session, &slot) == NULL)
			loginproc_free(p);
	}
}

static uint32_t
ask_grace(const struct conf_service *c, uint64_t age)
{
	uint64_t all = 1000ull *
	    (c->kind == SERVICE_TELNET ? c->telnet.login_grace_time
				       : FTP_GRACE_S);

	return (age < all ? (uint32_t)(all - age) : 0);
}

/* What stands against it: a sentence for the peer, or NULL. */
static const char *
ask_judge(struct monitor *mon, const struct msg_ask_login *ask,
    const struct proc *zygote, const struct addr *peer, int connection)
{
	if (zygote->service == NULL || zygote->service->conf == NULL ||
	    mon->stopping)
		return ("This service was turned off.");
	if (!ask_same_peer(peer, connection)) {
		log_warn("session %llu: its connection is another peer's",
		    (unsigned long long)ask->session);
		return ("This connection cannot log in.");
	}
	if (ask_grace(zygote->service->conf, ask->age) == 0)
		return ("Login timed out.");
	if (count_making() >= mon->conf->login_limit) {
		report_short(mon, ROLE_LOGIN, EAGAIN, "login-limit");
		return ("Too many logins at a time; try again in a moment.");
	}
	return (NULL);
}

void
loginproc_ask(
    struct monitor *mon, const struct msg_ask_login *ask, int connection)
{
	struct loginproc *p = loginproc_find(ask->session);
	const char *refusal;
	struct proc *zygote;
	struct slot slot;
	struct addr peer;

	if (p != NULL) {
		/* Under way: asked twice. Ended: it had its tries. */
		if (p->pid == 0)
			ask_refuse(mon, ask->session, "No more tries.");
		return;
	}
	ask_prune();
	zygote = ask_find_zygote(mon, ask->session, &slot);
	if (zygote == NULL) {
		ask_refuse(mon, ask->session, "This connection is over.");
		return;
	}
	slot_peer(&slot, &peer);
	refusal = ask_judge(mon, ask, zygote, &peer, connection);
	if (refusal != NULL) {
		ask_refuse(mon, ask->session, refusal);
		return;
	}
	p = loginproc_new(mon, ask->session);
	if (p != NULL) {
		p->peer = peer;
		p->kind = zygote->kind;
		p->root_login = zygote->service->conf->root_login;
		snprintf(p->service, sizeof(p->service), "%s",
		    zygote->service->name);
		if (login_start(mon, p,
			ask_grace(zygote->service->conf, ask->age)) == 0)
			return;
	}
	report_short(mon, ROLE_LOGIN, errno, "cannot start a login");
	ask_refuse(mon, ask->session, "This host cannot log you in now.");
	if (p != NULL && p->pid > 0)
		loginproc_kill(p, "cannot be started whole");
	else if (p != NULL)
		loginproc_free(p);
}
