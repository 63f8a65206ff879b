/*
 * The table of login processes: started, ended, held to their time. Monitor
 * (root), which reads no word of a peer's here: what a login is for was looked
 * up in the slot tables (loginproc_ask.c).
 */
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
#include "lib/map.h"
#include "monitor/logins/loginproc_private.h"
#include "monitor/logins/logins.h"
#include "monitor/logins/logins_private.h"
#include "monitor/logins/records.h"
#include "monitor/plan.h"
#include "monitor/report.h"
#include "monitor/roles/child.h"
#include "monitor/roles/images.h"
#include "monitor/roles/proc.h"
#include "lib/ptable.h"
#include "monitor/roles/wire.h"
#include "monitor/sessions/end.h"
#include "sandbox/sandbox.h"

/*
 * What a login has over its time to say so to its peer: an answer in the last
 * moment is refused after the same delay as any other.
 */
#define LATE_NS (4ull * SECOND)

/* So many that had their tries are looked at for each that comes. */
#define PRUNE_MOST 4

TAILQ_HEAD(loginproc_list, loginproc);

/* With a process, and without. */
static struct loginproc_list logins = TAILQ_HEAD_INITIALIZER(logins);
static struct loginproc_list spent = TAILQ_HEAD_INITIALIZER(spent);
static struct map by_session, by_pid;
static unsigned nspent, nmaking;

/* ---- the table ---------------------------------------------------------- */

struct loginproc *
loginproc_new(struct monitor *mon, uint64_t session)
{
	struct loginproc *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return (NULL);
	p->mon = mon;
	p->session = session;
	p->slot = SLOTS_MAX;
	p->pidfd = p->ch.fd = -1;
	p->method = POLICY_METHOD_COUNT;
	if (map_put(&by_session, session, p) != 0) {
		free(p);
		return (NULL);
	}
	TAILQ_INSERT_TAIL(&spent, p, next);
	nspent++;
	return (p);
}

int
loginproc_set_pid(struct loginproc *p, pid_t pid)
{
	if (map_put(&by_pid, (uint64_t)pid, p) != 0)
		return (ERR_NO_MEMORY);
	p->pid = pid;
	TAILQ_REMOVE(&spent, p, next);
	nspent--;
	TAILQ_INSERT_TAIL(&logins, p, next);
	nmaking += !p->opened;
	return (0);
}

static void
loginproc_clear_pid(struct loginproc *p)
{
	if (p->pid <= 0)
		return;
	map_remove(&by_pid, (uint64_t)p->pid);
	p->pid = 0;
	TAILQ_REMOVE(&logins, p, next);
	TAILQ_INSERT_TAIL(&spent, p, next);
	nspent++;
	nmaking -= !p->opened;
}

void
loginproc_set_opened(struct loginproc *p)
{
	nmaking -= p->pid > 0 && !p->opened;
	p->opened = true;
}

void
loginproc_free(struct loginproc *p)
{
	loginproc_clear_pid(p);
	TAILQ_REMOVE(&spent, p, next);
	nspent--;
	if (map_get(&by_session, p->session) == p)
		map_remove(&by_session, p->session);
	loop_timer_clear(&p->grace);
	loop_unwatch(&p->watch);
	loop_unwatch(&p->words);
	ipc_channel_close(&p->ch);
	fd_close(&p->pidfd);
	free(p);
}

struct loginproc *
loginproc_find(uint64_t session)
{
	return (map_get(&by_session, session));
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
	return (!TAILQ_EMPTY(&logins));
}

bool
loginproc_take(pid_t pid, int fd)
{
	struct loginproc *p = map_get(&by_pid, (uint64_t)pid);
	struct ptable_row row;

	/* What it said before, by its first channel, comes first. */
	if (p != NULL && p->words == NULL && p->ch.fd >= 0)
		loginproc_readable(p, POLLIN);
	if (p == NULL || !p->opened || p->ch.fd >= 0 ||
	    ptable_read_one(pid, &row) < 0 || row.start != p->pid_start)
		return (false);
	p->words = loop_watch(fd, POLLIN, loginproc_hear_words, p);
	if (p->words == NULL)
		return (false);
	ipc_channel_init(&p->ch, fd, ROLE_MONITOR, ROLE_LOGIN, ST_SESSION);
	return (true);
}

unsigned
loginproc_making(void)
{
	return (nmaking);
}

void
loginproc_prune(void)
{
	unsigned most = nspent < PRUNE_MOST ? nspent : PRUNE_MOST;
	struct slot slot;

	while (most-- > 0) {
		struct loginproc *p = TAILQ_FIRST(&spent);

		if (loginproc_find_zygote(p->mon, p->session, p->slot, &slot) ==
		    NULL) {
			loginproc_free(p);
			continue;
		}
		TAILQ_REMOVE(&spent, p, next);
		TAILQ_INSERT_TAIL(&spent, p, next);
	}
}

/* ---- ends --------------------------------------------------------------- */

bool
loginproc_has_pid(pid_t pid)
{
	return (map_get(&by_pid, (uint64_t)pid) != NULL);
}

struct end_process
loginproc_end(uint64_t session)
{
	struct loginproc *p = loginproc_find(session);

	if (p == NULL || p->pid <= 0 || p->gone)
		return ((struct end_process){0});
	p->ending = true;
	return ((struct end_process){.pid = p->pid, .start = p->pid_start});
}

void
loginproc_end_all(void (*end)(pid_t leader, uint64_t start))
{
	struct loginproc *p;

	TAILQ_FOREACH (p, &logins, next) {
		p->ending = true;
		end(p->pid, p->pid_start);
	}
}

void
loginproc_kill_all(void)
{
	struct loginproc *p;

	TAILQ_FOREACH (p, &logins, next)
		kill(p->pid, SIGKILL);
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
	    p->late ? "the login timed out" : "the login process died");
	report_emit(p->mon, &b);
}

/* It could not be run, or gave up by itself: nobody else tells of it. */
static void
report_exit(struct loginproc *p)
{
	struct event_builder b;
	enum step step = STEP_NONE;
	char text[96];

	if (p->status == LOGIN_EXIT_NO_EXEC)
		step = STEP_EXEC;
	else if (p->status == LOGIN_EXIT_NO_DESCRIPTORS)
		step = STEP_DESCRIPTORS;
	loginproc_event(p, &b, EV_WORKER_FAILED);
	event_number(&b, FIELD_PID, (uint64_t)p->pid);
	if (step != STEP_NONE)
		event_text(&b, FIELD_STEP, step_text(step));
	snprintf(text, sizeof(text),
	    step != STEP_NONE
		? "the program login cannot be run"
		: "the login process gave up, with exit status %d",
	    p->status);
	event_text(&b, FIELD_REASON, text);
	report_emit(p->mon, &b);
}

/*
 * Why a try came to nothing of which its login has told no outcome. A module
 * that crashes may have been made to by what the peer typed.
 */
static const char *
over_reason(const struct loginproc *p, int sig)
{
	if (p->late)
		return ("timeout");
	if (p->ending)
		return ("account");
	return (sig == 0 || sig == SIGKILL ? "no-resources" : "credentials");
}

void
loginproc_over(struct loginproc *p, int sig)
{
	struct monitor *mon = p->mon;
	struct ptable_row row;

	p->gone = true;
	/* Its last words. */
	if (p->words != NULL)
		loginproc_hear_words(p, POLLIN);
	else if (p->ch.fd >= 0)
		loginproc_readable(p, POLLIN);
	loop_timer_clear(&p->grace);
	loop_unwatch(&p->watch);
	loop_unwatch(&p->words);
	ipc_channel_close(&p->ch);
	fd_close(&p->pidfd);
	if (sig != 0 && !p->ending)
		report_death(p, sig);
	else if (p->status != LOGIN_EXIT_SESSION &&
		 p->status != LOGIN_EXIT_NO_LOGIN &&
		 p->status != LOGIN_EXIT_RECORD)
		report_exit(p);
	if (!p->opened && !p->trying && p->late) {
		p->user[0] = '\0'; /* before its name was told */
		loginproc_failed(p, "timeout");
	}
	if (!p->opened && p->trying)
		loginproc_failed(p, over_reason(p, sig));
	/* Nobody is left who would end the session and close its books. */
	if (p->opened && sig != 0) {
		if (ptable_read_one(p->leader, &row) == 0 &&
		    row.start == p->leader_start && !row.zombie)
			end_tree_now(p->mon, p->leader, p->leader_start);
	}
	/* It may have written them and not come to say so. */
	if (p->allowed && !mon->rootless &&
	    (sig != 0 || p->status == LOGIN_EXIT_RECORD))
		records_close(mon, p->pid, p->user);
	logins_remove(p->session);
	loginproc_clear_pid(p);
	/* One that heard of no name has not used up its connection's tries. */
	if (p->tries == 0)
		loginproc_free(p);
}

void
loginproc_reaped(struct monitor *mon, pid_t pid, int status)
{
	struct loginproc *p = map_get(&by_pid, (uint64_t)pid);

	/* An adopted one's pidfd tells. */
	if (records_reaped(mon, pid, status) || p == NULL || p->pidfd >= 0)
		return;
	if (WIFEXITED(status))
		p->status = WEXITSTATUS(status);
	loginproc_over(p, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

static void
grace_over(void *arg)
{
	struct loginproc *p = arg;

	p->late = true;
	loginproc_kill(p, "timed out");
}

/* ---- starts ------------------------------------------------------------- */

static void __attribute__((noreturn)) login_exec(
    struct monitor *mon, const struct loginproc *p, int monitor, int worker)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	static char *env[] = {path, NULL};
	char title[96];
	char *argv[] = {title, NULL};
	int null;

	child_signals();
	setsid();
	snprintf(title, sizeof(title), "portreeve: login %s", p->service);
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

	if (map_reserve(&by_pid) != 0)
		return (ERR_NO_MEMORY);
	if (fd_seqpacket_pair(ch) != 0 || fd_seqpacket_pair(w) != 0)
		return (ERR_SYSTEM);
	pid = fork();
	if (pid == 0)
		login_exec(mon, p, ch[1], w[1]);
	if (pid < 0)
		return (ERR_SYSTEM);
	(void)loginproc_set_pid(p, pid); /* there is room */
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
		    (uint64_t)grace * MILLISECOND + LATE_NS, grace_over, p);
	return (err);
}
