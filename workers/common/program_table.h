/*
 * The running programs of a zygote, found by their leader's process id, which
 * is their process group's too. In program zygotes; pure but for memory.
 */
#ifndef PORTREEVE_WORKERS_COMMON_PROGRAM_TABLE_H
#define PORTREEVE_WORKERS_COMMON_PROGRAM_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One program and what is left of its group. */
struct program_run {
	int32_t pid; /* the leader; 0: an empty place */
	uint32_t slot;
	uint32_t log;	  /* its number in workers/common/program_log.h */
	bool leader_gone; /* how and value are set */
	uint8_t how;	  /* enum ended */
	uint8_t value;
	bool timed_out;	 /* killed by session-timeout */
	uint32_t killed; /* of its group, when its leader had ended */
	int pidfd;	 /* workers/common/program_reap.h's; -1 none */
	bool unheld;	 /* it could have none */
};

struct program_table {
	struct program_run *runs;
	size_t size; /* a power of two, or 0 before the first */
	size_t count;
};

/* ERR_NO_MEMORY when one more may not fit; the table stays as it was. */
int program_table_reserve(struct program_table *t);

/*
 * There is room, by program_table_reserve(), and pid is not in the table.
 * Valid until the next add or remove.
 */
struct program_run *program_table_add(
    struct program_table *t, int32_t pid, uint32_t slot, uint32_t log);

/* NULL when there is none. Valid until the next add or remove. */
struct program_run *program_table_find(
    const struct program_table *t, int32_t pid);

/* run is one that find returned. */
void program_table_remove(struct program_table *t, struct program_run *run);

void program_table_free(struct program_table *t);

#endif
