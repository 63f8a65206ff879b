/*
 * The table of sources; policy/source.h says what holds. Sets of a fixed number
 * of entries, chosen by a keyed hash, so that no stranger can fill a set on
 * purpose. Runs in the master, without privilege. Pure.
 */
#include <string.h>

#include "policy/hash.h"
#include "policy/source.h"

#define SECOND UINT64_C(1000000000)

size_t
policy_sources_size(uint32_t sets)
{
	return (
	    sizeof(struct policy_sources) +
	    (size_t)sets * POLICY_SOURCE_WAYS * sizeof(struct policy_source));
}

void
policy_sources_init(
    struct policy_sources *table, uint32_t sets, const uint64_t secret[2])
{
	table->sets = sets;
	table->secret[0] = secret[0];
	table->secret[1] = secret[1];
	table->prefix[FAMILY_INET] = 32;
	table->prefix[FAMILY_INET6] = 64;
}

/* The network's address: what is behind the prefix is zero. */
static void
source_network(const struct policy_sources *table, const struct addr *addr,
    uint8_t bytes[16])
{
	struct prefix p;

	prefix_of(&p, addr, table->prefix[addr->family]);
	memcpy(bytes, p.bytes, sizeof(p.bytes));
}

/* The set of a network of a service. */
static struct policy_source *
source_set(struct policy_sources *table, unsigned service, unsigned family,
    const uint8_t bytes[16])
{
	uint64_t hash =
	    policy_hash(table->secret, bytes, service << 1 | family);

	return (&table->entry[(hash & (table->sets - 1)) * POLICY_SOURCE_WAYS]);
}

static struct policy_source *
source_in(struct policy_source *set, unsigned service, unsigned family,
    const uint8_t bytes[16])
{
	for (unsigned i = 0; i < POLICY_SOURCE_WAYS; i++) {
		struct policy_source *s = &set[i];

		if (s->used && s->service == service && s->family == family &&
		    memcmp(s->bytes, bytes, sizeof(s->bytes)) == 0)
			return (s);
	}
	return (NULL);
}

struct policy_source *
policy_source_find(
    struct policy_sources *table, unsigned service, const struct addr *addr)
{
	uint8_t bytes[16];

	source_network(table, addr, bytes);
	return (source_in(source_set(table, service, addr->family, bytes),
	    service, addr->family, bytes));
}

/* The place that is given up first. */
static struct policy_source *
source_place(struct policy_source *set)
{
	struct policy_source *found = NULL;

	for (unsigned i = 0; i < POLICY_SOURCE_WAYS; i++) {
		if (!set[i].used)
			return (&set[i]);
		if (set[i].present == 0 &&
		    (found == NULL || set[i].second < found->second))
			found = &set[i];
	}
	return (found);
}

struct policy_source *
policy_source_make(struct policy_sources *table, unsigned service,
    const struct addr *addr, uint64_t now)
{
	struct policy_source *set, *s;
	uint8_t bytes[16];

	source_network(table, addr, bytes);
	set = source_set(table, service, addr->family, bytes);
	s = source_in(set, service, addr->family, bytes);
	if (s != NULL)
		return (s);
	s = source_place(set);
	if (s == NULL)
		return (NULL);
	*s = (struct policy_source){.service = (uint16_t)service,
	    .family = addr->family,
	    .used = true,
	    .second = now / SECOND};
	memcpy(s->bytes, bytes, sizeof(bytes));
	return (s);
}

uint32_t
policy_source_attempts(const struct policy_source *source, uint64_t now)
{
	uint64_t present = now / SECOND;
	uint32_t total = 0;

	for (uint64_t i = 0; i < POLICY_SOURCE_SECONDS; i++) {
		/* Those that are older than the window are not counted. */
		if (source->second >= i &&
		    source->second - i + POLICY_SOURCE_SECONDS > present)
			total += source->attempts[(source->second - i) %
						  POLICY_SOURCE_SECONDS];
	}
	return (total);
}

void
policy_source_add(struct policy_source *source, uint64_t now)
{
	uint64_t present = now / SECOND;
	uint8_t *count = &source->attempts[present % POLICY_SOURCE_SECONDS];

	if (present > source->second + POLICY_SOURCE_SECONDS)
		source->second = present - POLICY_SOURCE_SECONDS;
	while (source->second < present)
		source->attempts[++source->second % POLICY_SOURCE_SECONDS] = 0;
	if (*count < UINT8_MAX)
		(*count)++;
}

void
policy_source_give_back(struct policy_source *source, uint64_t now)
{
	uint64_t present = now / SECOND;
	uint8_t *count = &source->attempts[present % POLICY_SOURCE_SECONDS];

	if (source->second == present && *count > 0)
		(*count)--;
}
