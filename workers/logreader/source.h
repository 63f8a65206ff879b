/*
 * One zygote's log: the socket that its programs have as descriptor 2, its
 * slot table, and what is known of its connections. In the logreader, sealed.
 * The records are strangers' words as much as the programs'; who wrote one is
 * the kernel's word (SO_PASSCRED), and which connection that process belongs to
 * is the slot table's.
 */
#ifndef PORTREEVE_WORKERS_LOGREADER_SOURCE_H
#define PORTREEVE_WORKERS_LOGREADER_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "audit/event.h"
#include "ipc/channel.h"
#include "ipc/state.h"
#include "workers/logreader/rate.h"
#include "workers/logreader/sshsession.h"

struct source_entry {
	struct sshsession s;
	struct addr peer;
	bool ending; /* seen ended: told at the tick after */
};

#define SOURCE_CACHE 256

struct source {
	int fd; /* -1: unused */
	enum service_kind kind;
	bool decide;
	char service[SERVICE_NAME_MAX];
	struct slot_table *slots;
	uint64_t opened; /* CLOCK_BOOTTIME, as slots' start */
	struct sshsession_config config;
	struct rate rate;
	struct source_entry **entries; /* by slot number; ssh alone */
	uint32_t top;		       /* every entry has a lower number */
	uint32_t cache[SOURCE_CACHE];  /* process id to slot number + 1 */
	bool waiting;		       /* wants source_tick() */
};

/* Where what is found goes. */
struct source_out {
	struct event_sink *events;
	struct ipc_channel *monitor;
};

/*
 * Take MSG_LOG_SOURCE and its descriptors over, at `now`. ERR_SYSTEM or
 * ERR_NO_MEMORY: nothing is kept but the descriptors' closing.
 */
int source_open(struct source *src, const struct msg_log_source *m, int fd,
    int slots_fd, uid_t privileged, bool (*is_root)(const char *name),
    uint64_t now);

void source_close(struct source *src);

/*
 * Read some records. 0 when there may be more, ERR_AGAIN when there is none
 * now, ERR_CLOSED when nobody can write any more.
 */
int source_read(struct source *src, const struct source_out *out, uint64_t now);

/* Time has passed: what was held back is told. Call when nothing is unread. */
void source_tick(
    struct source *src, const struct source_out *out, uint64_t now);

/* A program's lines (workers/logreader/lines.c); slot NULL when unknown. */
void source_lines(struct source *src, const struct source_out *out,
    const struct slot *slot, pid_t pid, const char *record, size_t n,
    uint64_t now);

/* The events of one connection's actions (workers/logreader/tell.c). */
void source_tell(struct source *src, const struct source_out *out,
    const struct source_entry *e, const struct sshsession_actions *actions,
    const char *record, size_t n, uint64_t now);

/* If lines were dropped and there is room to say so, say how many. */
void source_tell_dropped(
    struct source *src, const struct source_out *out, uint64_t now);

#endif
