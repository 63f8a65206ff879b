/* The nearest word, by edits and by beginnings. Any process; pure. */
#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "lib/near.h"

#define NEAR_MAX 40 /* bytes; no statement's or command's name is longer */

static char
near_letter(char c)
{
	return (c == '_' ? '-' : (char)tolower((unsigned char)c));
}

static unsigned
near_min(unsigned a, unsigned b)
{
	return (a < b ? a : b);
}

/* Optimal string alignment distance. */
unsigned
near_distance(const char *a, const char *b)
{
	unsigned d[NEAR_MAX + 1][NEAR_MAX + 1];
	size_t n = strnlen(a, NEAR_MAX), m = strnlen(b, NEAR_MAX);

	for (size_t i = 0; i <= n; i++)
		d[i][0] = (unsigned)i;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		for (size_t j = 1; j <= m; j++) {
			char x = near_letter(a[i - 1]);
			char y = near_letter(b[j - 1]);

			d[i][j] =
			    near_min(near_min(d[i - 1][j] + 1, d[i][j - 1] + 1),
				d[i - 1][j - 1] + (x != y));
			if (i > 1 && j > 1 && x == near_letter(b[j - 2]) &&
			    near_letter(a[i - 2]) == y)
				d[i][j] =
				    near_min(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return (d[n][m]);
}

void
near_start(struct near *n, const char *word)
{
	memset(n, 0, sizeof(*n));
	n->word = word;
	n->distance = UINT_MAX;
}

static bool
near_begins(const char *name, const char *word)
{
	for (; *word != '\0'; name++, word++) {
		if (near_letter(*name) != near_letter(*word))
			return (false);
	}
	return (true);
}

static bool
near_same_first(const char *a, const char *b)
{
	return (near_letter(a[0]) == near_letter(b[0]));
}

void
near_try(struct near *n, const char *name)
{
	unsigned d = near_distance(n->word, name);

	if (d < n->distance ||
	    (d == n->distance && !near_same_first(n->word, n->best) &&
		near_same_first(n->word, name))) {
		n->distance = d;
		n->best = name;
	}
	if (strlen(n->word) >= 3 && near_begins(name, n->word)) {
		n->several = n->whole != NULL && strcmp(n->whole, name) != 0;
		n->whole = name;
	}
}

const char *
near_meant(const struct near *n)
{
	size_t length = strnlen(n->word, NEAR_MAX);
	unsigned most = length < 5 ? 1 : length < 8 ? 2 : 3;

	if (n->best != NULL && n->distance <= most && n->distance < length)
		return (n->best);
	return (n->several ? NULL : n->whole);
}
