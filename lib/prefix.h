/*
 * A network: an address and how many of its bits count (RFC 4632, RFC 4291
 * 2.3). Any process; pure.
 */
#ifndef PORTREEVE_LIB_PREFIX_H
#define PORTREEVE_LIB_PREFIX_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/addr.h"

#define PREFIX_TEXT_MAX (ADDR_TEXT_MAX + 4)

/* Bytes of a prefix in a message. */
#define PREFIX_WIRE 18

struct prefix {
	uint8_t family;	   /* enum family */
	uint8_t length;	   /* bits that count: 0 to 32, or to 128 */
	uint8_t bytes[16]; /* network order; bits that do not count are 0 */
};

/*
 * "192.0.2.0/24", or an address, which is a network of its own. ERR_SYNTAX:
 * neither; ERR_TOO_LONG: too many bits. ERR_VALUE: bits are set that do not
 * count; *out is the network that has them.
 */
int prefix_parse(struct prefix *out, const char *text);

/* The text that prefix_parse() reads, a host's without its length. */
const char *prefix_text(const struct prefix *p, char buf[PREFIX_TEXT_MAX]);

/* The network of an address: its first `length` bits. */
void prefix_of(struct prefix *out, const struct addr *a, unsigned length);

bool prefix_has(const struct prefix *p, const struct addr *a);

/* How many bits an address of a family has: 32 or 128. */
unsigned prefix_bits(unsigned family);

/* Same family, length and bits. */
bool prefix_equal(const struct prefix *a, const struct prefix *b);

/*
 * To and from PREFIX_WIRE bytes of a message; prefix_get() is false when they
 * are no prefix.
 */
void prefix_put(const struct prefix *p, uint8_t *out);
bool prefix_get(struct prefix *out, const uint8_t *in);

#endif
