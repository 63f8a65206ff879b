/*
 * The control socket's listener, who may speak there, and the monitor's
 * answers. Master only, unprivileged.
 */
#include "master/control.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "master/client.h"
#include "master/resource.h"
#include "master/session.h"

#define CLIENTS_MAX 32
#define GROUPS_MAX 256
#define REST_MS 200 /* out of descriptors: who waits would wake us for ever */

/* /proc/sys/kernel/overflowuid, unless someone changed it. */
#define UID_UNSEEN 65534

struct control {
	uv_poll_t *poll; /* NULL until CONTROL */
	uv_timer_t rest;
	int fd;
	uint32_t group, owner;
	struct client_list clients;
};

int
control_init(struct master *m)
{
	m->control = calloc(1, sizeof(*m->control));
	if (m->control == NULL)
		return (ERR_NO_MEMORY);
	m->control->fd = -1;
	TAILQ_INIT(&m->control->clients);
	m->control->rest.data = m;
	return (
	    uv_timer_init(&m->loop, &m->control->rest) == 0 ? 0 : ERR_SYSTEM);
}

static bool
control_in_group(int fd, uint32_t group)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);

	if (group == UINT32_MAX ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return (false);
	for (size_t i = 0; i < len / sizeof(groups[0]); i++) {
		if (groups[i] == group)
			return (true);
	}
	return (false);
}

/*
 * root, the daemon's own user, or a member of the group (unix(7)). *unseen:
 * this process cannot tell, and the monitor can.
 */
static bool
control_may(const struct control *c, int fd, bool *unseen)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	*unseen = false;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return (false);
	*unseen = cred.uid == UID_UNSEEN;
	return (*unseen || cred.uid == 0 || cred.uid == c->owner ||
		(c->group != UINT32_MAX && cred.gid == c->group) ||
		control_in_group(fd, c->group));
}

static unsigned
control_count(struct control *c)
{
	struct client *k;
	unsigned n = 0;

	TAILQ_FOREACH (k, &c->clients, link)
		n++;
	return (n);
}

/*
 * A place for one more. Who has been idle for longest gives way, the ordinary
 * before root; to root also who is being answered. false: there is none.
 */
static bool
control_make_room(struct control *c, bool root)
{
	struct client *k, *found = NULL;

	if (control_count(c) < CLIENTS_MAX)
		return (true);
	TAILQ_FOREACH (k, &c->clients, link) {
		bool idle = k->asked == MSG_COUNT;

		if (!root && (k->root || !idle))
			continue;
		if (found == NULL || (found->root && !k->root) ||
		    (found->root == k->root && found->asked != MSG_COUNT &&
			idle))
			found = k;
	}
	if (found == NULL)
		return (false);
	client_close(found);
	return (true);
}

static bool
control_is_root(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	return (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
		cred.uid == 0);
}

static void control_accept(uv_poll_t *poll, int status, int events);

static void
control_rested(uv_timer_t *timer)
{
	struct master *m = timer->data;

	uv_poll_start(m->control->poll, UV_READABLE, control_accept);
}

/*
 * Out of descriptors: root gets the reserve's place, to see and to end what has
 * them all. What fails all the same, and so stays readable, rests.
 */
static int
control_with_reserve(struct master *m, int error)
{
	struct control *c = m->control;
	int fd = -1;

	resource_short(m, NULL, error);
	if (resource_reserve_open(m))
		fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		uv_poll_stop(c->poll);
		uv_timer_start(&c->rest, control_rested, REST_MS, 0);
	} else if (!control_is_root(fd))
		fd_close(&fd);
	resource_reserve_take(m);
	return (fd);
}

static void
control_accept(uv_poll_t *poll, int status, int events)
{
	struct master *m = poll->data;
	struct control *c = m->control;
	struct client *k;
	bool unseen;
	int fd;

	(void)events;
	if (status != 0)
		uv_poll_start(poll, UV_READABLE, control_accept);
	fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0 && errno != EAGAIN && errno != EINTR &&
	    errno != ECONNABORTED)
		fd = control_with_reserve(m, errno);
	if (fd < 0)
		return;
	if (!control_may(c, fd, &unseen) ||
	    !control_make_room(c, control_is_root(fd))) {
		close(fd);
		return;
	}
	k = client_new(m, fd, &c->clients, unseen);
	if (k == NULL)
		log_warn("no memory for a client of the control socket");
	else
		k->root = control_is_root(fd);
}

static void
control_closed(uv_handle_t *handle)
{
	free(handle);
}

void
control_attach(struct master *m, const struct msg_control *msg, int fd)
{
	struct control *c = m->control;

	if (c->poll != NULL) {
		uv_timer_stop(&c->rest);
		uv_close((uv_handle_t *)c->poll, control_closed);
		close(c->fd);
	}
	c->group = msg->group;
	c->owner = msg->owner;
	c->fd = fd;
	c->poll = malloc(sizeof(*c->poll));
	if (c->poll == NULL || uv_poll_init(&m->loop, c->poll, fd) != 0)
		die("no memory for the control socket");
	c->poll->data = m;
	uv_poll_start(c->poll, UV_READABLE, control_accept);
}

static struct client *
control_client(struct master *m, uint32_t request)
{
	struct client *k;

	TAILQ_FOREACH (k, &m->control->clients, link) {
		if (k->request == request && k->asked != MSG_COUNT)
			return (k);
	}
	return (NULL);
}

void
control_answer_text(struct master *m, const struct msg_answer_text *msg)
{
	struct client *k = control_client(m, msg->request);
	struct client_text *t;

	if (k == NULL)
		return;
	t = k->ntexts < CLIENT_QUEUE_MAX ? malloc(sizeof(*t)) : NULL;
	if (t == NULL) {
		client_close(k);
		return;
	}
	memset(&t->msg, 0, sizeof(t->msg));
	t->msg.text.n = msg->text.n;
	memcpy(t->msg.text.b, msg->text.b, msg->text.n);
	STAILQ_INSERT_TAIL(&k->texts, t, link);
	k->ntexts++;
	client_send(k);
}

void
control_answer_done(struct master *m, const struct msg_answer_done *msg)
{
	struct client *k = control_client(m, msg->request);
	struct session *s;

	if (k == NULL)
		return;
	s = k->asked == MSG_CLEAR_SESSION ? session_by_id(m, k->session) : NULL;
	if (s != NULL && msg->status != 0)
		s->clearing = false;
	if (msg->status == 0)
		k->unseen = false;
	client_finish(k, msg->status, msg->reason);
}
