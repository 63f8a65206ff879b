/*
 * What sources have done, over all services, and for how long they are refused
 * for it. The master keeps one table, in memory that outlives it. Pure: memory,
 * time and the secret of the hash are the caller's. What is found in the memory
 * is distrusted: a master may have been killed between any two stores.
 *
 * Each deed adds its seconds to what is left of those before it, up to
 * POLICY_PENALTY_MOST. From POLICY_PENALTY_LEAST on, in whole seconds, the
 * source is refused, until all of it is over. Bounded: the table never grows;
 * where a set of it is full, the one that ends first gives way.
 */
#ifndef PORTREEVE_POLICY_PENALTY_H
#define PORTREEVE_POLICY_PENALTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/deed.h"
#include "lib/prefix.h"

#define POLICY_PENALTY_LEAST 30U /* seconds */
#define POLICY_PENALTY_MOST 600U
#define POLICY_FORGIVE_EVERY 60U /* seconds between two forgivings */
#define POLICY_PENALTY_WAYS 16U	 /* entries of a set */
#define POLICY_PENALTY_SETS 1024U

struct policy_penalty {
	struct prefix source; /* length 0: no entry */
	uint16_t service;     /* of the latest deed; the caller's number */
	uint8_t deed;	      /* the latest; enum deed */
	uint8_t in_force;
	uint32_t deeds;	   /* since there was none */
	uint64_t until;	   /* CLOCK_BOOTTIME, ns */
	uint64_t forgiven; /* the same; 0: never */
};

struct policy_penalties {
	uint64_t secret[2];
	struct policy_penalty entry[POLICY_PENALTY_SETS * POLICY_PENALTY_WAYS];
};

/*
 * Zeroed memory, or what an earlier master left. secret: random; it is taken
 * for a table that has none.
 */
void policy_penalties_init(
    struct policy_penalties *table, const uint64_t secret[2]);

/* now: CLOCK_BOOTTIME, ns, here and below. */
void policy_penalty_add(struct policy_penalties *table,
    const struct prefix *source, uint16_t service, enum deed deed,
    uint64_t now);

/* What a source has that is not over; NULL: nothing. */
const struct policy_penalty *policy_penalty_find(
    const struct policy_penalties *table, const struct prefix *source,
    uint64_t now);

/* Whether it is refused for it. penalty may be NULL. */
bool policy_penalty_holds(const struct policy_penalty *penalty, uint64_t now);

/* Seconds that are left of it, rounded up. */
uint32_t policy_penalty_seconds(
    const struct policy_penalty *penalty, uint64_t now);

/* Its user has logged in: it is forgiven, unless it was a moment ago. */
void policy_penalty_forgive(
    struct policy_penalties *table, const struct prefix *source, uint64_t now);

/* Whether there was one. */
bool policy_penalty_clear(
    struct policy_penalties *table, const struct prefix *source, uint64_t now);

/* Entry i of all, or NULL where there is none that is not over. */
const struct policy_penalty *policy_penalty_at(
    const struct policy_penalties *table, size_t i, uint64_t now);

#endif
