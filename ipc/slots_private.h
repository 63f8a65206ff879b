/*
 * What a table's writer and its readers both know of it. Zygotes, monitor and
 * master.
 */
#ifndef PORTREEVE_IPC_SLOTS_PRIVATE_H
#define PORTREEVE_IPC_SLOTS_PRIVATE_H

#include <stddef.h>
#include <stdint.h>

#include "ipc/state.h"

/*
 * What this process knows of a table, which nobody else can write: it lies in
 * front of it, at the end of a page of its own.
 */
struct slots_known {
	size_t size;	/* of the file, as mapped */
	uint32_t count; /* of slots */
	uint32_t lists; /* of each index; 0: there is none */
};

enum slot_key { BY_SESSION, BY_PID };

static inline const struct slots_known *
slots_known(const struct slot_table *t)
{
	return ((const struct slots_known *)(const void *)t - 1);
}

static inline struct slot_index *
slots_index(const struct slot_table *t)
{
	return (
	    (struct slot_index *)(uintptr_t)&t->slots[slots_known(t)->count]);
}

static inline _Atomic uint32_t *
slots_index_head(const struct slot_table *t, enum slot_key key, uint64_t value)
{
	uint32_t lists = slots_known(t)->lists;

	return (&slots_index(t)
		     ->heads[(key == BY_PID ? lists : 0) + value % lists]);
}

static inline uint64_t
slot_value(const struct slot *s, enum slot_key key)
{
	return (key == BY_SESSION ? s->session : (uint32_t)s->pid);
}

#endif
