/*
 * The statement that was probably meant by an unknown word. Planner and CLI;
 * pure.
 */
#include "conf/schema.h"
#include "lib/near.h"

static void
near_try_block(struct near *n, enum conf_block_id in)
{
	for (int id = BLOCK_ROOT + 1; id < BLOCK_COUNT; id++) {
		if (schema_is_in((enum conf_block_id)id, in))
			near_try(n, conf_blocks[id].name);
	}
	for (size_t i = 0; i < conf_statement_count; i++) {
		if ((conf_statements[i].blocks & (1U << in)) != 0)
			near_try(n, conf_statements[i].name);
	}
}

const char *
schema_nearest(enum conf_block_id in, const char *word, unsigned *distance)
{
	struct near n;

	near_start(&n, word);
	near_try_block(&n, in);
	if (distance != NULL)
		*distance = n.distance;
	return (n.best);
}

const char *
schema_meant(enum conf_block_id in, const char *word)
{
	struct near n;

	near_start(&n, word);
	near_try_block(&n, in);
	return (near_meant(&n));
}

const char *
schema_meant_elsewhere(const char *word)
{
	struct near n;

	near_start(&n, word);
	for (int id = BLOCK_ROOT; id < BLOCK_COUNT; id++)
		near_try_block(&n, (enum conf_block_id)id);
	/* Further away than here, it has to be nearer. */
	return (n.distance <= 1 ? near_meant(&n) : NULL);
}
