/*
 * What a source may be refused for later, and what each costs it. Log reader
 * and monitor report them, the master counts. Pure.
 */
#ifndef PORTREEVE_LIB_DEED_H
#define PORTREEVE_LIB_DEED_H

#include <stdbool.h>
#include <stdint.h>

/* DEED(id, word, seconds) */
#define DEED_LIST(X)                                                           \
	X(DEED_FAILURE, "failure", 5)                                          \
	X(DEED_UNKNOWN_USER, "unknown-user", 5)                                \
	X(DEED_TIMEOUT, "timeout", 10)                                         \
	X(DEED_PACKETS, "packets", 30)                                         \
	X(DEED_CRASH, "crash", 90)

enum deed {
#define X(id, word, seconds) id,
	DEED_LIST(X)
#undef X
	    DEED_COUNT
};

/*
 * What an auth-failure of that reason is, of a user who has no account or has
 * one; false: nothing that anyone is refused for.
 */
bool deed_of_failure(const char *reason, bool unknown, enum deed *out);

/* The word; "?" for a value that is none. */
const char *deed_name(enum deed deed);

/* What it costs; 0 for a value that is none. */
uint32_t deed_seconds(enum deed deed);

#endif
