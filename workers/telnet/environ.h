/*
 * The variables of RFC 1572 that a telnet client may tell: TERM, LANG,
 * COLORTERM and LC_*, by an allow-list, as bounded text without a blank, a
 * slash or a control. Pure; runs in the telnet worker, in tests and in a
 * fuzzer. Distrusts every byte. Never keeps another name: USER comes only
 * from the login prompt, and no name that a program obeys comes from a peer.
 */
#ifndef PORTREEVE_TELNET_ENVIRON_H
#define PORTREEVE_TELNET_ENVIRON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TELNET_ENVIRON_MAX 12	/* variables */
#define TELNET_ENVIRON_NAME 24	/* bytes of a name, its NUL included */
#define TELNET_ENVIRON_VALUE 64 /* bytes of a value, its NUL included */

struct telnet_variable {
	char name[TELNET_ENVIRON_NAME];
	char value[TELNET_ENVIRON_VALUE];
};

struct telnet_environ {
	size_t n;
	struct telnet_variable v[TELNET_ENVIRON_MAX];
};

/*
 * The body of an IS or INFO, behind that word. A name sent again replaces its
 * value; a name without a value, or with one that is not allowed, is
 * forgotten. What breaks the grammar ends it. True when anything changed.
 */
bool telnet_environ_receive(
    struct telnet_environ *e, const uint8_t *p, size_t n);

/* The body of our SEND: the names asked for, behind that word. A constant. */
const uint8_t *telnet_environ_wanted(size_t *n);

/* The value of a name, NULL where it is unknown. */
const char *telnet_environ_get(
    const struct telnet_environ *e, const char *name);

#endif
