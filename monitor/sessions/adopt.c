/*
 * Adopting the sessions of a daemon that is gone. Monitor (root). The slot
 * files are its predecessor's zygotes'; each process named there is verified
 * by its start time, and held by a pidfd, which ends when the process does.
 */
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <dirent.h>
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
#include "lib/ptable.h"
#include "monitor/roles/proc.h"
#include "monitor/sessions/adopt.h"
#include "monitor/sessions/adopted.h"
#include "monitor/sessions/slots.h"

/* How often to look whether a group without its leader is left. */
#define GROUPS_NS (500ull * MILLISECOND)

static TAILQ_HEAD(, adopted) adopted_groups = TAILQ_HEAD_INITIALIZER(
    adopted_groups);

/* The last one of an instance: its slot file has told all that it can. */
static void
adopt_drop_file(struct monitor *mon, uint32_t instance)
{
	char path[PATH_MAX + 64];

	if (adopted_any_of(instance))
		return;
	slots_path(mon, instance, path, sizeof(path));
	unlink(path);
}

static void
adopt_gone(struct adopted *a)
{
	struct monitor *mon = a->mon;
	struct msg_session_gone m = {.slot = a->slot, .session = a->session};
	uint32_t instance = a->instance;

	if (a->group)
		TAILQ_REMOVE(&adopted_groups, a, of_groups);
	adopted_remove(a);
	loop_unwatch(&a->watch);
	fd_close(&a->pidfd);
	free(a);
	proc_to_master(mon, MSG_SESSION_GONE, &m);
	adopt_drop_file(mon, instance);
}

/*
 * Another process of the same group keeps the slot: whether there is one, the
 * kernel says at once. A number that has been given away since was free.
 */
static bool
adopt_group_lives(const struct adopted *a)
{
	struct ptable_row row;

	if (kill(-a->leader, 0) < 0 && errno == ESRCH)
		return (false);
	return (ptable_look(a->leader, &row) != 0 || row.start == a->start);
}

static struct loop_timer groups;

static void
adopt_groups_due(void *arg)
{
	struct adopted *a, *next;
	bool left = false;

	for (a = TAILQ_FIRST(&adopted_groups); a != NULL; a = next) {
		next = TAILQ_NEXT(a, of_groups);
		if (adopt_group_lives(a))
			left = true;
		else
			adopt_gone(a);
	}
	if (left)
		loop_timer_in(&groups, GROUPS_NS, adopt_groups_due, arg);
}

static void
adopt_leader_ended(void *arg, int revents)
{
	struct adopted *a = arg;

	(void)revents;
	loop_unwatch(&a->watch);
	fd_close(&a->pidfd);
	if (!adopt_group_lives(a)) {
		adopt_gone(a);
		return;
	}
	TAILQ_INSERT_TAIL(&adopted_groups, a, of_groups);
	a->group = true;
	if (!groups.linked)
		loop_timer_in(&groups, GROUPS_NS, adopt_groups_due, NULL);
}

static bool
adopt_watch(struct adopted *a)
{
	a->pidfd = (int)syscall(SYS_pidfd_open, a->leader, 0);
	if (a->pidfd < 0)
		return (false);
	fd_set_cloexec(a->pidfd, 1);
	a->watch = loop_watch(a->pidfd, POLLIN, adopt_leader_ended, a);
	return (a->watch != NULL);
}

/*
 * The file belongs to whom its service's workers are, which no zygote could
 * change: a built-in one's may name no other user's process. It is ours when
 * the zygote stayed what we are, and in a version before.
 */
static void
adopt_slot(struct monitor *mon, const struct slot_table *t, uid_t owner,
    uint32_t number, const struct slot *slot)
{
	struct ptable_row row;
	struct adopted *a;

	if (!slots_verify(slot, 0, &row) || row.zombie)
		return;
	if (owner != geteuid() && row.uid != owner) {
		log_warn("process %d, of another user, is not a session of "
			 "slots.%u: not adopted",
		    (int)slot->pid, t->instance);
		return;
	}
	a = calloc(1, sizeof(*a));
	if (a == NULL) {
		log_warn("out of memory: a session is not adopted");
		return;
	}
	a->mon = mon;
	a->slot = number;
	a->instance = t->instance;
	a->session = slot->session;
	a->start = row.start;
	a->leader = slot->pid;
	slot_peer(slot, &a->peer);
	snprintf(a->service, sizeof(a->service), "%.*s", SERVICE_NAME_MAX - 1,
	    t->service);
	if (adopted_put(a) != 0) {
		log_warn("out of memory: a session is not adopted");
		free(a);
		return;
	}
	/* The pidfd is of the verified process only if that still lives. */
	if (!adopt_watch(a) || ptable_read_one(slot->pid, &row) < 0 ||
	    row.start != a->start)
		adopt_gone(a);
}

static void
adopt_file(struct monitor *mon, uint32_t instance)
{
	char path[PATH_MAX + 64];
	struct slot_table *t;
	struct slot slot;
	struct stat st;
	int fd;

	slots_path(mon, instance, path, sizeof(path));
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		fd_close(&fd);
		return;
	}
	t = slot_table_map(fd, 0);
	fd_close(&fd);
	if (t == NULL || t->magic != SLOT_TABLE_MAGIC ||
	    t->instance != instance) {
		slot_table_unmap(t);
		unlink(path);
		return;
	}
	for (uint32_t i = 0; i < t->high && i < SLOTS_MAX; i++) {
		if (slot_read(t, i, &slot) == 0 && slot.use == SLOT_RUNNING)
			adopt_slot(mon, t, st.st_uid, i, &slot);
	}
	slot_table_unmap(t);
	adopt_drop_file(mon, instance);
}

void
adopt_find_all(struct monitor *mon)
{
	char path[PATH_MAX + 64];
	struct dirent *e;
	unsigned instance, count = 0;
	struct adopted *a;
	DIR *d;

	mon->next_instance = 1;
	snprintf(path, sizeof(path), "%s/state", mon->run_dir);
	d = opendir(path);
	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		/* NOLINTNEXTLINE(cert-err34-c): names of our own making */
		if (sscanf(e->d_name, "slots.%u", &instance) != 1)
			continue;
		if (instance >= mon->next_instance && instance < UINT32_MAX)
			mon->next_instance = instance + 1;
		adopt_file(mon, instance);
	}
	closedir(d);
	for (a = adopted_next(NULL); a != NULL; a = adopted_next(a))
		count++;
	if (count > 0)
		log_info("adopted %u sessions of the previous daemon", count);
}

void
adopt_tell_master(struct monitor *mon)
{
	struct adopted *a;

	for (a = adopted_next(NULL); a != NULL; a = adopted_next(a)) {
		struct msg_session_adopted m = {.slot = a->slot,
		    .session = a->session,
		    .pid = a->leader,
		    .started = a->start,
		    .peer = a->peer};

		snprintf(m.service, sizeof(m.service), "%s", a->service);
		proc_to_master(mon, MSG_SESSION_ADOPTED, &m);
	}
}
