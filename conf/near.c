/*
 * The statement that was probably meant: the nearest known name, by single
 * edits and swaps of neighbours. Monitor and CLI; pure.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "conf/schema.h"

#define NEAR_MAX 40 /* bytes; no statement's name is longer */

static unsigned
near_min(unsigned a, unsigned b)
{
	return (a < b ? a : b);
}

/* Optimal string alignment distance; both shorter than NEAR_MAX. */
static unsigned
near_distance(const char *a, const char *b)
{
	unsigned d[NEAR_MAX + 1][NEAR_MAX + 1];
	size_t n = strlen(a), m = strlen(b);

	for (size_t i = 0; i <= n; i++)
		d[i][0] = (unsigned)i;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		for (size_t j = 1; j <= m; j++) {
			unsigned cost = a[i - 1] != b[j - 1];

			d[i][j] =
			    near_min(near_min(d[i - 1][j] + 1, d[i][j - 1] + 1),
				d[i - 1][j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				d[i][j] =
				    near_min(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return (d[n][m]);
}

struct near {
	const char *word;
	const char *best;
	unsigned distance;
};

static void
near_try(struct near *n, const char *name)
{
	unsigned d;

	d = near_distance(n->word, name);
	if (d < n->distance) {
		n->distance = d;
		n->best = name;
	}
}

const char *
schema_nearest(enum conf_block_id in, const char *word, unsigned *distance)
{
	char cut[NEAR_MAX + 1];
	struct near n = {.word = cut, .distance = UINT_MAX};

	snprintf(cut, sizeof(cut), "%s", word);
	for (int id = BLOCK_ROOT + 1; id < BLOCK_COUNT; id++) {
		if (conf_blocks[id].parent == in)
			near_try(&n, conf_blocks[id].name);
	}
	for (size_t i = 0; i < conf_statement_count; i++) {
		if ((conf_statements[i].blocks & (1U << in)) != 0)
			near_try(&n, conf_statements[i].name);
	}
	if (distance != NULL)
		*distance = n.distance;
	return (n.best);
}
