/* The keyed hash of policy's tables. Master. Pure. */
#include "policy/hash.h"

#include <string.h>

/* Both halves of a 128-bit product, so that every bit reaches every other. */
static uint64_t
hash_mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return ((uint64_t)product ^ (uint64_t)(product >> 64));
}

uint64_t
policy_hash(const uint64_t secret[2], const uint8_t bytes[16], uint32_t tag)
{
	uint64_t word[2], hash;

	memcpy(word, bytes, sizeof(word));
	hash = hash_mix(word[0] ^ secret[0], word[1] ^ secret[1] ^ tag);
	return (hash_mix(hash ^ secret[1], secret[0] | 1));
}
