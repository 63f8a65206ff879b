/*
 * Slots in the order of a time that comes for each: what is put in comes due
 * no earlier than what is there. Putting in, taking out and looking at the
 * first cost the same however many there are. In program zygotes; pure.
 */
#ifndef PORTREEVE_WORKERS_COMMON_PROGRAM_DUE_H
#define PORTREEVE_WORKERS_COMMON_PROGRAM_DUE_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/msg.h"

struct program_due_entry {
	uint32_t next, prev; /* slot + 1; 0: none */
	uint64_t at;	     /* 0: not in the list */
};

/* Zero-initialised is empty; its pages are touched only where they are used. */
struct program_due {
	uint32_t first, last; /* slot + 1; 0: none */
	struct program_due_entry entries[SLOTS_MAX];
};

/* It is not in the list; `at` is not 0. */
void program_due_add(struct program_due *d, uint32_t slot, uint64_t at);

/* Nothing happens when it is not in the list. */
void program_due_remove(struct program_due *d, uint32_t slot);

/* The first slot whose time has come, taken out; false for none. */
bool program_due_take(struct program_due *d, uint64_t now, uint32_t *slot);

/* ms until the first is due, at least 1; -1 for an empty list. */
int program_due_timeout(const struct program_due *d, uint64_t now);

#endif
