/*
 * A hash table of running programs: open addressing, linear probing. Process
 * ids are handed out in sequence, so they are their own hash. In program
 * zygotes; pure but for memory.
 */
#include <stdlib.h>

#include "lib/err.h"
#include "workers/common/program_table.h"

#define TABLE_FIRST_SIZE 256

static size_t
table_home(const struct program_table *t, int32_t pid)
{
	return ((size_t)pid & (t->size - 1));
}

static struct program_run *
table_put(struct program_table *t, const struct program_run *run)
{
	size_t i = table_home(t, run->pid);

	while (t->runs[i].pid != 0)
		i = (i + 1) & (t->size - 1);
	t->runs[i] = *run;
	return (&t->runs[i]);
}

/* At most half full, so that every probe ends soon. */
int
program_table_reserve(struct program_table *t)
{
	struct program_table bigger;

	if (t->size != 0 && t->count + 1 <= t->size / 2)
		return (0);
	bigger.size = t->size == 0 ? TABLE_FIRST_SIZE : t->size * 2;
	bigger.count = t->count;
	bigger.runs = calloc(bigger.size, sizeof(*bigger.runs));
	if (bigger.runs == NULL)
		return (ERR_NO_MEMORY);
	for (size_t i = 0; i < t->size; i++) {
		if (t->runs[i].pid != 0)
			(void)table_put(&bigger, &t->runs[i]);
	}
	free(t->runs);
	*t = bigger;
	return (0);
}

struct program_run *
program_table_add(
    struct program_table *t, int32_t pid, uint32_t slot, uint32_t log)
{
	struct program_run run = {
	    .pid = pid, .slot = slot, .log = log, .pidfd = -1};

	t->count++;
	return (table_put(t, &run));
}

struct program_run *
program_table_find(const struct program_table *t, int32_t pid)
{
	if (t->size == 0 || pid <= 0)
		return (NULL);
	for (size_t i = table_home(t, pid); t->runs[i].pid != 0;
	     i = (i + 1) & (t->size - 1)) {
		if (t->runs[i].pid == pid)
			return (&t->runs[i]);
	}
	return (NULL);
}

/* Close the gap: what follows moves back unless it is at home already. */
void
program_table_remove(struct program_table *t, struct program_run *run)
{
	size_t mask = t->size - 1;
	size_t hole = (size_t)(run - t->runs);

	for (size_t i = (hole + 1) & mask; t->runs[i].pid != 0;
	     i = (i + 1) & mask) {
		size_t home = table_home(t, t->runs[i].pid);

		if (((i - home) & mask) >= ((i - hole) & mask)) {
			t->runs[hole] = t->runs[i];
			hole = i;
		}
	}
	t->runs[hole].pid = 0;
	t->count--;
}

void
program_table_free(struct program_table *t)
{
	free(t->runs);
	t->runs = NULL;
	t->size = t->count = 0;
}
