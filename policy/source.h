/*
 * Who comes from where: a table of sources, each a network of one service (an
 * IPv4 address, an IPv6 /64), with its connections and its latest attempts.
 * The master keeps one for all services and asks it before each dispatch.
 * Pure: memory, time and the secret of the hash are the caller's. Bounded:
 * the table never grows, and a look-up touches one set of it, whoever comes.
 */
#ifndef PORTREEVE_POLICY_SOURCE_H
#define PORTREEVE_POLICY_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/prefix.h"

/*
 * 60 s touch 61 seconds: an attempt counts for 60 s at least, and for less
 * than 61.
 */
#define POLICY_SOURCE_SECONDS 61U
#define POLICY_SOURCE_WAYS 16U	 /* entries of a set */
#define POLICY_SOURCE_SETS 8192U /* of the table that the master keeps */

struct policy_source {
	uint8_t bytes[16]; /* the network's address */
	uint16_t service;
	uint8_t family;
	bool used;
	uint32_t present; /* connections; while there are any, it stays */
	uint32_t pending; /* of those, the ones that are not logged in */
	uint64_t second;  /* the newest that attempts[] counts */
	uint8_t attempts[POLICY_SOURCE_SECONDS]; /* by second; 255: or more */
};

struct policy_sources {
	uint64_t secret[2];
	uint32_t sets; /* a power of two */
	/* Bits of an address that count: 32 and 64, or what is set at once. */
	uint8_t prefix[FAMILY_COUNT];
	struct policy_source entry[];
};

/* Bytes of a table. */
size_t policy_sources_size(uint32_t sets);

/*
 * An empty table in memory of that size, zeroed, which stays the caller's.
 * secret: random, so that nobody can choose addresses that fall together.
 */
void policy_sources_init(
    struct policy_sources *table, uint32_t sets, const uint64_t secret[2]);

/* The source of an address; NULL: it is not known. */
struct policy_source *policy_source_find(
    struct policy_sources *table, unsigned service, const struct addr *addr);

/*
 * The same, made where it is not known, in the place of the one in its set
 * that has no connection and has been silent longest. NULL: every one there
 * has connections.
 */
struct policy_source *policy_source_make(struct policy_sources *table,
    unsigned service, const struct addr *addr, uint64_t now);

/* Attempts of the last 60 s. now: CLOCK_BOOTTIME, ns. */
uint32_t policy_source_attempts(
    const struct policy_source *source, uint64_t now);

/* One more attempt, and one back that was made at this same now. */
void policy_source_add(struct policy_source *source, uint64_t now);
void policy_source_give_back(struct policy_source *source, uint64_t now);

#endif
