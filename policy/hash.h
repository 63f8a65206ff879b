/*
 * The keyed hash of policy's tables: nobody without the secret can choose
 * addresses that fall together. Pure.
 */
#ifndef PORTREEVE_POLICY_HASH_H
#define PORTREEVE_POLICY_HASH_H

#include <stdint.h>

/* tag: what else the place depends on. */
uint64_t policy_hash(
    const uint64_t secret[2], const uint8_t bytes[16], uint32_t tag);

#endif
