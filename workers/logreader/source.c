/*
 * Reading a zygote's log and finding out whose each record is. In the
 * logreader, sealed; see workers/logreader/source.h. Bounded: a record is cut
 * at RECORD_MAX bytes, a source is read RECORDS_AT_A_TIME and then the next.
 */
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "workers/logreader/source.h"

#define RECORD_MAX 4096
#define RECORDS_AT_A_TIME 64

static bool
source_is_ssh(const struct source *src)
{
	return (src->kind == SERVICE_SSH || src->kind == SERVICE_NETCONF);
}

int
source_open(struct source *src, const struct msg_log_source *m, int fd,
    int slots_fd, uid_t privileged, bool (*is_root)(const char *name),
    uint64_t now)
{
	int err = 0;

	memset(src, 0, sizeof(*src));
	src->fd = fd;
	src->kind = (enum service_kind)m->kind;
	src->decide = m->decide != 0;
	src->opened = now;
	memcpy(src->service, m->service, sizeof(src->service));
	src->config.root_login = (enum sshsession_root)m->root_login;
	src->config.packets = m->packets;
	src->config.privileged = privileged;
	src->config.is_root = is_root;
	src->slots = slot_table_map(slots_fd, 0);
	fd_close(&slots_fd);
	if (src->slots == NULL || fd_set_nonblock(fd, 1) != 0)
		err = ERR_SYSTEM;
	if (source_is_ssh(src)) {
		src->entries = calloc(SLOTS_MAX, sizeof(struct source_entry *));
		if (src->entries == NULL)
			err = ERR_NO_MEMORY;
	}
	if (err != 0)
		source_close(src);
	return (err);
}

void
source_close(struct source *src)
{
	for (uint32_t i = 0; src->entries != NULL && i < src->top; i++)
		free(src->entries[i]);
	free(src->entries);
	src->entries = NULL;
	src->top = 0;
	slot_table_unmap(src->slots);
	src->slots = NULL;
	fd_close(&src->fd);
}

/* --- whose a record is ------------------------------------------------------
 */

/* The slot that a group's leader has or had; -1 for none. */
static int64_t
source_find(struct source *src, pid_t pid, struct slot *slot)
{
	uint32_t *cached = &src->cache[(uint32_t)pid % SOURCE_CACHE];
	uint32_t high;
	int64_t found;

	if (pid <= 0)
		return (-1);
	if (*cached != 0 && slot_read(src->slots, *cached - 1, slot) == 0 &&
	    slot->pid == pid && atomic_load(&slot->use) == SLOT_RUNNING)
		return ((int64_t)*cached - 1);
	found = slot_find_pid(src->slots, pid);
	if (found < 0) {
		/* It may have ended since it wrote. */
		high = atomic_load(&src->slots->high);
		for (uint32_t i = 0; found < 0 && i < high && i < SLOTS_MAX;
		     i++)
			if (src->slots->slots[i].pid == pid)
				found = i;
	}
	if (found < 0 || slot_read(src->slots, (uint32_t)found, slot) != 0)
		return (-1);
	*cached = (uint32_t)found + 1;
	return (found);
}

/* The entry of a slot's present connection; NULL when out of memory. */
static struct source_entry *
source_entry(struct source *src, const struct source_out *out, uint32_t number,
    const struct slot *slot, uint64_t now)
{
	struct source_entry *e = src->entries[number];
	struct sshsession_actions actions;

	if (e == NULL) {
		e = src->entries[number] = calloc(1, sizeof(*e));
		if (e == NULL)
			return (NULL);
		if (number >= src->top)
			src->top = number + 1;
	}
	if (e->s.session == slot->session)
		return (e);
	if (e->s.session != 0 && !e->s.over) {
		sshsession_tick(&e->s, &src->config, 255, now, &actions);
		source_tell(src, out, e, &actions, NULL, 0, now);
	}
	memset(e, 0, sizeof(*e));
	e->s.session = slot->session;
	/* A reader before this one has seen its first records. */
	e->s.connected = slot->start < src->opened;
	slot_peer(slot, &e->peer);
	return (e);
}

/* The entry whose leader named this process as the user's. */
static struct source_entry *
source_find_child(struct source *src, pid_t pid)
{
	for (uint32_t i = 0; i < src->top; i++) {
		struct source_entry *e = src->entries[i];

		if (e != NULL && !e->s.over && e->s.child == pid)
			return (e);
	}
	return (NULL);
}

/*
 * sshd logs every packet, also those after a login, which nobody counts: gone
 * before anything is looked up.
 */
static bool
record_is_noise(const char *record, size_t n)
{
	static const char debug[] = "debug", end[] = "[preauth]\r\n";

	return (n > sizeof(debug) &&
		memcmp(record, debug, sizeof(debug) - 1) == 0 &&
		(n < sizeof(end) - 1 || memcmp(record + n - (sizeof(end) - 1),
					    end, sizeof(end) - 1) != 0));
}

static void
source_ssh_record(struct source *src, const struct source_out *out,
    const struct ucred *from, const char *record, size_t n, uint64_t now)
{
	struct sshsession_writer w = {.pid = from->pid, .uid = from->uid};
	struct sshsession_actions actions;
	struct source_entry *e;
	struct slot slot;
	int64_t number;

	if (record_is_noise(record, n))
		return;
	number = source_find(src, from->pid, &slot);
	w.leader = number >= 0;
	if (w.leader)
		e = source_entry(src, out, (uint32_t)number, &slot, now);
	else
		e = source_find_child(src, from->pid);
	if (e == NULL)
		return;
	sshsession_record(&e->s, &src->config, &w, record, n, now, &actions);
	source_tell(src, out, e, &actions, record, n, now);
	if (sshsession_waits(&e->s))
		src->waiting = true;
}

static void
source_exec_record(struct source *src, const struct source_out *out,
    const struct ucred *from, const char *record, size_t n, uint64_t now)
{
	struct slot slot;
	bool known = source_find(src, from->pid, &slot) >= 0;

	/* A leader's child: its process group is named by the leader. */
	if (!known)
		known = source_find(src, getpgid(from->pid), &slot) >= 0;
	source_lines(src, out, known ? &slot : NULL, from->pid, record, n, now);
}

/* --- reading ----------------------------------------------------------------
 */

static bool
record_sender(struct msghdr *hdr, struct ucred *from)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c != NULL;
	     c = CMSG_NXTHDR(hdr, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_CREDENTIALS &&
		    c->cmsg_len == CMSG_LEN(sizeof(*from))) {
			memcpy(from, CMSG_DATA(c), sizeof(*from));
			return (true);
		}
	}
	return (false);
}

/*
 * Descriptors that a program sends along are never installed: there is no
 * room for them in the control data, so the kernel drops them.
 */
static int
source_read_one(struct source *src, const struct source_out *out, uint64_t now)
{
	union {
		char buf[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	char record[RECORD_MAX];
	struct iovec iov = {.iov_base = record, .iov_len = sizeof(record)};
	struct msghdr hdr = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.buf,
	    .msg_controllen = sizeof(control)};
	struct ucred from;
	ssize_t n;

	do {
		n = recvmsg(src->fd, &hdr, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return (errno == EAGAIN || errno == EWOULDBLOCK ? ERR_AGAIN
								: ERR_CLOSED);
	/* An empty record has a sender, the end has none. */
	if (!record_sender(&hdr, &from))
		return (n == 0 ? ERR_CLOSED : 0);
	if (source_is_ssh(src))
		source_ssh_record(src, out, &from, record, (size_t)n, now);
	else
		source_exec_record(src, out, &from, record, (size_t)n, now);
	return (0);
}

int
source_read(struct source *src, const struct source_out *out, uint64_t now)
{
	for (int i = 0; i < RECORDS_AT_A_TIME; i++) {
		int err = source_read_one(src, out, now);

		if (err != 0)
			return (err);
	}
	return (0);
}

/* --- time -------------------------------------------------------------------
 */

/* The leader's exit status; 255 for what has none; -1 while it runs. */
static int
source_status(struct source *src, uint32_t number, struct source_entry *e)
{
	struct slot slot;

	if (slot_read(src->slots, number, &slot) != 0 ||
	    slot.session != e->s.session)
		return (255);
	if (atomic_load(&slot.use) == SLOT_RUNNING)
		return (-1);
	/* Its last records may be unread: wait for the tick after this. */
	if (!e->ending) {
		e->ending = true;
		return (-1);
	}
	return (slot.how == ENDED_EXITED ? slot.value & 255 : 255);
}

void
source_tick(struct source *src, const struct source_out *out, uint64_t now)
{
	struct sshsession_actions actions;

	source_tell_dropped(src, out, now);
	src->waiting = src->rate.dropped > 0;
	for (uint32_t i = 0; i < src->top; i++) {
		struct source_entry *e = src->entries[i];

		if (e == NULL || !sshsession_waits(&e->s))
			continue;
		sshsession_tick(&e->s, &src->config, source_status(src, i, e),
		    now, &actions);
		source_tell(src, out, e, &actions, NULL, 0, now);
		if (sshsession_waits(&e->s))
			src->waiting = true;
	}
}
