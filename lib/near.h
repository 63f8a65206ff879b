/*
 * Which known word was probably meant by one that is not. Any process; pure.
 */
#ifndef PORTREEVE_LIB_NEAR_H
#define PORTREEVE_LIB_NEAR_H

#include <stdbool.h>

/*
 * How many single edits (a letter more, less, another, or two neighbours
 * swapped) lie between two words. Capitals are as small letters and `_` as
 * `-`; what is past 40 bytes is not looked at.
 */
unsigned near_distance(const char *a, const char *b);

struct near {
	const char *word;
	const char *best; /* of those tried; NULL before the first */
	unsigned distance;
	const char *whole; /* the one that begins with word; NULL: none */
	bool several;	   /* more than one does */
};

void near_start(struct near *n, const char *word);

/* name is kept. Of two that are as near, that with the same first letter. */
void near_try(struct near *n, const char *name);

/*
 * The word tried that was probably meant: few edits away for its length, or
 * the only one that begins so. NULL: none is.
 */
const char *near_meant(const struct near *n);

#endif
