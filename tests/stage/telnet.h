/* What telnet's tests share: a peer that reads what is queued, random bytes. */
#ifndef PORTREEVE_TESTS_STAGE_TELNET_H
#define PORTREEVE_TESTS_STAGE_TELNET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "workers/telnet/telnet.h"

/* The same sequence in every run (xorshift). */
uint32_t telnet_random(uint64_t *seed);

/* Bytes that telnet has a meaning for come often. */
uint8_t telnet_random_byte(uint64_t *seed);

/* Everything that is queued, as the wire sees it; says it was sent. */
size_t harness_take(
    struct telnet *t, uint8_t *out, size_t size, size_t *urgent_at);

/* What a session has been told to do, data between other actions joined. */
struct record {
	size_t n;
	uint8_t bytes[1 << 17];
};
void record_add(struct record *r, const void *p, size_t n);

/* One action: data as it is, others as 0xff and two numbers. */
void record_action(struct record *r, const struct telnet_input *got);

/* All of in[0..n), as one read; nothing may want room. */
void harness_receive(
    struct telnet *t, const void *in, size_t n, struct record *r);

#endif
