/*
 * finger's query line (RFC 1288, 2.3) as what is wanted. Pure; runs in the
 * worker, in tests and in a fuzzer. Distrusts every byte. A query that is none
 * is an unknown user: there is nothing a peer could send that fails.
 */
#ifndef PORTREEVE_FINGER_QUERY_H
#define PORTREEVE_FINGER_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FINGER_LINE_MAX 1024 /* bytes of a query with its end */
#define FINGER_NAME_MAX 33   /* its NUL included */

enum finger_want {
	FINGER_LIST,	/* {C}: who is logged in */
	FINGER_USER,	/* {U}: one user, named in `name` */
	FINGER_FORWARD, /* {Q2}: another host; refused (RFC 1288, 3.2.1) */
	FINGER_NOBODY	/* no user can have this name */
};

struct finger_query {
	enum finger_want want;
	bool verbose; /* /W */
	char name[FINGER_NAME_MAX];
};

/* The n bytes of a line without its end. Always fills *q. */
void finger_query_parse(struct finger_query *q, const uint8_t *line, size_t n);

#endif
