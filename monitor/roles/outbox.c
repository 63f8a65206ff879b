/*
 * Messages that wait for a role to read. Monitor (root). A role that does not
 * read is killed (proc.c), so that what is kept has an end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "monitor/roles/outbox.h"

struct outbox_entry {
	STAILQ_ENTRY(outbox_entry) next;
	int fds[IPC_FDS_MAX];
	size_t nfds, n;
	uint8_t bytes[];
};

bool
outbox_holds(const struct proc *p)
{
	return (!STAILQ_EMPTY(&p->outbox));
}

static void
outbox_entry_free(struct outbox_entry *e)
{
	int error = errno;

	for (size_t i = 0; i < e->nfds; i++)
		fd_close(&e->fds[i]);
	free(e);
	errno = error;
}

static void
outbox_drop_first(struct proc *p)
{
	struct outbox_entry *e = STAILQ_FIRST(&p->outbox);

	STAILQ_REMOVE_HEAD(&p->outbox, next);
	outbox_entry_free(e);
}

void
outbox_clear(struct proc *p)
{
	while (outbox_holds(p))
		outbox_drop_first(p);
}

int
outbox_flush(struct proc *p)
{
	int err = 0, more = 0;

	while (outbox_holds(p)) {
		struct outbox_entry *e = STAILQ_FIRST(&p->outbox);

		err =
		    ipc_send_prepared(&p->ch, e->bytes, e->n, e->fds, e->nfds);
		if (err != 0)
			break;
		outbox_drop_first(p);
		p->outbox_since = time_boot_ns();
		more = POLLOUT;
	}
	if (p->watch != NULL)
		loop_watch_events(
		    p->watch, err == ERR_AGAIN ? POLLIN | more : POLLIN);
	return (err == ERR_AGAIN || err == ERR_SHORT ? 0 : err);
}

static struct outbox_entry *
outbox_entry_new(const uint8_t *bytes, size_t n, const int *fds, size_t nfds)
{
	struct outbox_entry *e = malloc(sizeof(*e) + n);

	if (e == NULL)
		return (NULL);
	e->n = n;
	memcpy(e->bytes, bytes, n);
	for (e->nfds = 0; e->nfds < nfds; e->nfds++) {
		e->fds[e->nfds] = fcntl(fds[e->nfds], F_DUPFD_CLOEXEC, 3);
		if (e->fds[e->nfds] < 0)
			break;
	}
	if (e->nfds == nfds)
		return (e);
	outbox_entry_free(e);
	return (NULL);
}

int
outbox_send(struct proc *p, enum msg_type type, const void *msg, const int *fds,
    size_t nfds)
{
	static uint8_t buf[IPC_MESSAGE_MAX];
	struct outbox_entry *e;
	int n;

	if (p->ch.fd < 0)
		return (ERR_CLOSED);
	n = outbox_holds(p) ? ERR_AGAIN
			    : ipc_send(&p->ch, type, msg, fds, nfds);
	if (n != ERR_AGAIN && n != ERR_SHORT)
		return (n);
	n = ipc_prepare(&p->ch, type, msg, nfds, buf, sizeof(buf));
	if (n < 0)
		return (n);
	e = outbox_entry_new(buf, (size_t)n, fds, nfds);
	if (e == NULL)
		return (ERR_SHORT);
	ipc_channel_pass(&p->ch, type);
	if (!outbox_holds(p))
		p->outbox_since = time_boot_ns();
	STAILQ_INSERT_TAIL(&p->outbox, e, next);
	return (outbox_flush(p));
}
