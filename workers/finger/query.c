/*
 * RFC 1288's query, taken apart. In the finger worker, without privilege. Pure;
 * distrusts every byte.
 */
#include <string.h>

#include "workers/finger/query.h"

static bool
query_is_blank(uint8_t c)
{
	return (c == ' ' || c == '\t');
}

static bool
query_is_name(uint8_t c)
{
	return ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-');
}

static void
query_trim(const uint8_t **p, size_t *n)
{
	while (*n > 0 && query_is_blank(**p)) {
		(*p)++;
		(*n)--;
	}
	while (*n > 0 && query_is_blank((*p)[*n - 1]))
		(*n)--;
}

/* {W} ::= /W (RFC 1288, 2.3); clients in the field also send it small. */
static bool
query_take_verbose(const uint8_t **p, size_t *n)
{
	if (*n < 2 || (*p)[0] != '/' || ((*p)[1] != 'W' && (*p)[1] != 'w'))
		return (false);
	if (*n > 2 && !query_is_blank((*p)[2]))
		return (false);
	*p += 2;
	*n -= 2;
	query_trim(p, n);
	return (true);
}

void
finger_query_parse(struct finger_query *q, const uint8_t *line, size_t n)
{
	memset(q, 0, sizeof(*q));
	q->want = FINGER_NOBODY;
	query_trim(&line, &n);
	q->verbose = query_take_verbose(&line, &n);
	if (n == 0) {
		q->want = FINGER_LIST;
		return;
	}
	if (memchr(line, '@', n) != NULL) {
		q->want = FINGER_FORWARD;
		return;
	}
	if (n >= sizeof(q->name))
		return;
	for (size_t i = 0; i < n; i++) {
		if (!query_is_name(line[i]))
			return;
	}
	memcpy(q->name, line, n);
	q->want = FINGER_USER;
}
