/*
 * The socket for who makes logins: answering pam_portreeve.so, and hearing a
 * login process's last words. Monitor (root). The asker must be uid 0 by
 * SO_PEERCRED (rootless: the daemon's own user, login processes only); which
 * connection it belongs to, its process group or its process says, looked up in
 * the slot tables and in that of logins: no word of its own. The user's name
 * was checked by PAM; the asker has its uid from the password database, which
 * may be slow, and which the monitor never asks.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/protocol.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/keys.h"
#include "monitor/logins/loginproc.h"
#include "monitor/logins/logins.h"
#include "monitor/logins/logins_private.h"
#include "monitor/logins/pamsock.h"
#include "monitor/plan.h"
#include "monitor/report.h"
#include "monitor/roles/reserve.h"
#include "lib/ptable.h"
#include "monitor/sessions/adopted.h"
#include "monitor/sessions/end.h"

#define CLIENTS_MAX 512
#define REST_NS (200ull * MILLISECOND)

struct asker {
	struct monitor *mon;
	struct ipc_channel ch;
	struct watch *watch;
	uint64_t session;
	char service[SERVICE_NAME_MAX];
	struct addr peer;
};

static int listen_fd = -1;
static struct watch *listen_watch;
static struct loop_timer rest;
static unsigned askers;

static void
pamsock_end(struct asker *a)
{
	loop_unwatch(&a->watch);
	ipc_channel_close(&a->ch);
	free(a);
	askers--;
}

/* Which of our connections has this process in its group? */
static bool
pamsock_identify(struct asker *a, pid_t pid)
{
	pid_t group = getpgid(pid);
	struct ptable_row row;
	struct proc *p;
	struct slot slot;

	if (group <= 1)
		return (false);
	TAILQ_FOREACH (p, &a->mon->procs, next) {
		int64_t n =
		    p->slots != NULL ? slot_find_pid(p->slots, group) : -1;

		if (n < 0 || slot_read(p->slots, (uint32_t)n, &slot) < 0 ||
		    !slots_verify(&slot, p->pid, &row))
			continue;
		a->session = slot.session;
		slot_peer(&slot, &a->peer);
		snprintf(a->service, sizeof(a->service), "%s",
		    p->service != NULL ? p->service->name : "ssh");
		return (true);
	}
	a->session = adopted_find_group(group, &a->peer, a->service);
	return (a->session != 0);
}

static void
pamsock_event(struct asker *a, struct event_builder *b, enum event event,
    const char *user)
{
	event_begin(b, event);
	event_text(b, FIELD_SERVICE, a->service);
	event_source(b, &a->peer);
	event_number(b, FIELD_SESSION, a->session);
	event_text(b, FIELD_USER, user);
}

/* What is known of how they were believed; `open` NULL: no key. */
static void
pamsock_event_method(struct event_builder *b, const char *method,
    const struct msg_pam_open *open)
{
	if (method[0] != '\0')
		event_text(b, FIELD_METHOD, method);
	if (open == NULL || open->key[0] == '\0')
		return;
	event_text(b, FIELD_KEY, open->key);
	if (open->certificate == 0)
		return;
	event_text(b, FIELD_CERTIFICATE_ID, open->certificate_id);
	event_number(b, FIELD_CERTIFICATE_SERIAL, open->certificate_serial);
}

static void
pamsock_refuse(struct asker *a, const char *user, const char *method,
    const struct msg_pam_open *open, const char *why, struct msg_pam_verdict *v)
{
	struct event_builder b;

	pamsock_event(a, &b, EV_AUTH_FAILURE, user);
	pamsock_event_method(&b, method, open);
	event_text(&b, FIELD_REASON, why);
	report_emit(a->mon, &b);
	v->allow = 0;
	snprintf(v->reason, sizeof(v->reason), "%s", why);
}

/* The account phase: may this user have one login more? Then it is counted. */
static void
pamsock_account(
    struct asker *a, const struct msg_pam_account *m, struct msg_pam_verdict *v)
{
	const char *reason;
	struct login *l;

	reason =
	    logins_admit(a->mon, a->session, m->uid, m->user, m->processes, &l);
	if (reason != NULL) {
		pamsock_refuse(a, m->user, m->method, NULL, reason, v);
		return;
	}
	v->allow = 1;
}

/*
 * sshd opens a session for whoever has passed every check, its own and other
 * modules': only now is the login a success.
 */
static void
pamsock_open_session(
    struct asker *a, const struct msg_pam_open *m, struct msg_pam_verdict *v)
{
	struct login *l = logins_find(a->session);
	struct event_builder b;
	const char *reason;

	if (l == NULL || l->uid != m->uid) {
		/* No account phase came first: ask now. */
		reason = logins_admit(
		    a->mon, a->session, m->uid, m->user, m->processes, &l);
		if (reason != NULL) {
			pamsock_refuse(a, m->user, m->method, m, reason, v);
			return;
		}
	}
	l->open = true;
	l->told = false;
	l->peer = a->peer;
	memcpy(l->service, a->service, sizeof(l->service));
	/* sshd has no terminal yet and says "ssh": its log names it later. */
	if (strcmp(m->tty, "ssh") != 0)
		snprintf(l->tty, sizeof(l->tty), "%s", m->tty);
	pamsock_event(a, &b, EV_AUTH_SUCCESS, m->user);
	pamsock_event_method(&b, m->method, m);
	report_emit(a->mon, &b);
	logins_tell(a->mon, l);
	keys_look(a->mon, m->user);
	v->allow = 1;
	v->processes = m->uid == 0 ? 0 : a->mon->plan->is.user_processes;
}

static void
pamsock_close_session(struct asker *a, struct msg_pam_verdict *v)
{
	struct login *l = logins_find(a->session);

	if (l != NULL) {
		logins_opened(a->mon, l);
		keys_look(a->mon, l->user);
	}
	logins_remove(a->session);
	v->allow = 1;
}

static void
pamsock_readable(void *arg, int revents)
{
	static struct ipc_in in;
	struct asker *a = arg;
	struct msg_pam_verdict v = {0};
	int err = ipc_recv(&a->ch, &in);

	(void)revents;
	if (err == ERR_AGAIN)
		return;
	if (err != 0) {
		if (err != ERR_CLOSED)
			log_info("pam_portreeve: %s", err_text(err));
		pamsock_end(a);
		return;
	}
	if (in.type == MSG_PAM_HELLO) {
		if (ipc_judge_hello(&a->ch, &in) == 0)
			return;
		log_warn("a login was refused: pam_portreeve.so is of build "
			 "%.31s and does not understand this daemon, %s: "
			 "restart it (systemctl restart portreeve)",
		    in.msg.pam_hello.build, VERSION);
		pamsock_end(a);
		return;
	}
	if (in.type == MSG_PAM_ACCOUNT)
		pamsock_account(a, &in.msg.pam_account, &v);
	else if (in.type == MSG_PAM_OPEN)
		pamsock_open_session(a, &in.msg.pam_open, &v);
	else
		pamsock_close_session(a, &v);
	if (ipc_send(&a->ch, MSG_PAM_VERDICT, &v, NULL, 0) < 0)
		pamsock_end(a);
}

/* One of sshd's processes with our module in it. Takes fd over. */
static void
pamsock_begin(struct monitor *mon, pid_t pid, int fd)
{
	struct asker *a = askers < CLIENTS_MAX ? calloc(1, sizeof(*a)) : NULL;

	if (a == NULL) {
		report_short(mon, ROLE_MONITOR, 0, "too many logins at a time");
		close(fd);
		return;
	}
	askers++;
	a->mon = mon;
	ipc_channel_init(&a->ch, fd, ROLE_MONITOR, ROLE_LOGIN, ST_NEW);
	if (mon->rootless || !pamsock_identify(a, pid)) {
		log_warn("pam_portreeve: asked by a process that belongs to no "
			 "connection of ours: refused");
		pamsock_end(a);
		return;
	}
	a->watch = loop_watch(fd, POLLIN, pamsock_readable, a);
	if (a->watch == NULL)
		pamsock_end(a);
}

static void
pamsock_rested(void *arg)
{
	(void)arg;
	loop_watch_events(listen_watch, POLLIN);
}

/* Who cannot be accepted stays readable: a while without looking. */
static void
pamsock_accept_failed(struct monitor *mon, int error)
{
	if (error == EAGAIN || error == ECONNABORTED || error == EINTR)
		return;
	report_short(mon, ROLE_MONITOR, error, "no login can be asked about");
	loop_watch_events(listen_watch, 0);
	loop_timer_in(&rest, REST_NS, pamsock_rested, NULL);
}

static void
pamsock_take(struct monitor *mon)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		pamsock_accept_failed(mon, errno);
		return;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 ||
	    cred.uid != geteuid()) {
		log_warn("the login socket: asked by another user: refused");
		close(fd);
	} else if (!loginproc_take(cred.pid, fd)) {
		pamsock_begin(mon, cred.pid, fd);
	}
}

/* With the reserve's places: a login that nobody hears of waits. */
static void
pamsock_accept(void *arg, int revents)
{
	(void)revents;
	reserve_use();
	pamsock_take(arg);
	reserve_keep();
}

int
pamsock_open(struct monitor *mon)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	char path[PATH_MAX];
	mode_t old;
	int ok;

	logins_socket_path(mon, path, sizeof(path));
	if (strlen(path) >= sizeof(sun.sun_path)) {
		log_warn("%s: the path is too long for a socket", path);
		return (ERR_TOO_LONG);
	}
	memcpy(sun.sun_path, path, strlen(path) + 1);
	listen_fd =
	    socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unlink(path);
	old = umask(0177);
	ok = listen_fd >= 0 &&
	     bind(listen_fd, (struct sockaddr *)&sun, sizeof(sun)) == 0;
	umask(old);
	if (ok && listen(listen_fd, 128) == 0)
		listen_watch =
		    loop_watch(listen_fd, POLLIN, pamsock_accept, mon);
	if (listen_watch == NULL) {
		log_errno("cannot listen on %s", path);
		return (ERR_SYSTEM);
	}
	return (0);
}
