/*
 * Lists of networks, and whether a service takes an address: allow-source,
 * deny-source. The master asks before each connection. Pure.
 */
#ifndef PORTREEVE_POLICY_ACCESS_H
#define PORTREEVE_POLICY_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/prefix.h"

#define POLICY_PREFIXES_MAX 64

struct policy_prefixes {
	struct prefix at[POLICY_PREFIXES_MAX];
	unsigned count;
};

struct policy_access {
	struct policy_prefixes allow; /* empty: whom deny does not name */
	struct policy_prefixes deny;
};

/*
 * From a message's n bytes, PREFIX_WIRE each; an empty list and ERR_VALUE when
 * they are none, or too many.
 */
int policy_prefixes_read(
    struct policy_prefixes *out, const uint8_t *bytes, size_t n);

/* The longest network of a list that has the address; NULL: none has. */
const struct prefix *policy_prefixes_find(
    const struct policy_prefixes *list, const struct addr *a);

/*
 * The longest network decides, and of two that are the same the one that
 * denies. *by (may be NULL): which one did; NULL: none names the address.
 */
bool policy_access_allows(const struct policy_access *access,
    const struct addr *a, const struct prefix **by);

#endif
