/*
 * A sample of every message, made from the catalogue by other code than the
 * codecs': the struct, the bytes that it must be on the wire, and where each
 * field lies in them.
 */
#ifndef PORTREEVE_TESTS_STATE_IPC_PLAN_H
#define PORTREEVE_TESTS_STATE_IPC_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ipc/msg.h"

enum plan_kind { PLAN_INT, PLAN_STR, PLAN_BYTES, PLAN_ADDR };

/* Which sample: fields at their least, somewhere between, at their most. */
enum plan_variant { PLAN_LEAST, PLAN_BETWEEN, PLAN_MOST, PLAN_VARIANTS };

struct plan_field {
	enum plan_kind kind;
	bool is_signed;
	size_t at;   /* offset in the datagram */
	size_t size; /* of the number, or the bound of a text or bytes */
	uint64_t least, most;
};

#define PLAN_FIELDS 32

struct plan {
	enum plan_variant variant;
	union msg_any msg;
	uint8_t wire[IPC_MESSAGE_MAX];
	size_t n;
	struct plan_field fields[PLAN_FIELDS];
	size_t count;
};

static void
plan_put(struct plan *p, const void *src, size_t n)
{
	if (p->n + n <= sizeof(p->wire))
		memcpy(p->wire + p->n, src, n);
	p->n += n;
}

static struct plan_field *
plan_field(struct plan *p, enum plan_kind kind, size_t size)
{
	struct plan_field *f = &p->fields[p->count++];

	memset(f, 0, sizeof(*f));
	f->kind = kind;
	f->at = p->n;
	f->size = size;
	return (f);
}

/* Little-endian machines only, as all of ours are. */
static inline void
plan_int(struct plan *p, void *field, size_t size, bool is_signed,
    uint64_t least, uint64_t most)
{
	struct plan_field *f = plan_field(p, PLAN_INT, size);
	uint64_t v = least + (most - least) / 2;

	if (p->variant != PLAN_BETWEEN)
		v = p->variant == PLAN_LEAST ? least : most;
	f->is_signed = is_signed;
	f->least = least;
	f->most = most;
	memcpy(field, &v, size);
	plan_put(p, &v, size);
}

static inline uint16_t
plan_length(const struct plan *p, size_t most)
{
	if (p->variant == PLAN_BETWEEN)
		return ((uint16_t)(most < 3 ? most : 3));
	return ((uint16_t)(p->variant == PLAN_LEAST ? 0 : most));
}

static inline void
plan_str(struct plan *p, char *field, size_t size)
{
	uint16_t n = plan_length(p, size - 1);

	plan_field(p, PLAN_STR, size);
	memset(field, 'a', n);
	field[n] = '\0';
	plan_put(p, &n, sizeof(n));
	plan_put(p, field, n);
}

static inline void
plan_bytes(struct plan *p, uint16_t *n, uint8_t *b, size_t most)
{
	*n = plan_length(p, most);
	plan_field(p, PLAN_BYTES, most);
	memset(b, 0, *n); /* NULs are allowed here */
	plan_put(p, n, sizeof(*n));
	plan_put(p, b, *n);
}

static inline void
plan_addr(struct plan *p, struct addr *a)
{
	plan_field(p, PLAN_ADDR, 0);
	memset(a, 0, sizeof(*a));
	a->family = p->variant == PLAN_LEAST ? FAMILY_INET : FAMILY_INET6;
	for (size_t i = 0; i < sizeof(a->bytes); i++)
		a->bytes[i] = (uint8_t)(0xf0 + i);
	a->port = 0xabcd;
	a->scope = 0x12345678;
	plan_put(p, &a->family, sizeof(a->family));
	plan_put(p, a->bytes, sizeof(a->bytes));
	plan_put(p, &a->port, sizeof(a->port));
	plan_put(p, &a->scope, sizeof(a->scope));
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#define MSG_BEGIN(NAME, lower, from, to, states, next, least, most)            \
	static void plan_##lower(struct plan *p, struct msg_##lower *m)        \
	{
#define MSG_END(NAME, lower) }
#define PLAN_UNSIGNED(f, lo, hi)                                               \
	plan_int(p, &m->f, sizeof(m->f), false, (uint64_t)(lo), (uint64_t)(hi));
#define MSG_U8(f, lo, hi) PLAN_UNSIGNED(f, lo, hi)
#define MSG_U16(f, lo, hi) PLAN_UNSIGNED(f, lo, hi)
#define MSG_U32(f, lo, hi) PLAN_UNSIGNED(f, lo, hi)
#define MSG_U64(f, lo, hi) PLAN_UNSIGNED(f, lo, hi)
#define MSG_I32(f, lo, hi)                                                     \
	plan_int(p, &m->f, sizeof(m->f), true, (uint64_t)(int64_t)(lo),        \
	    (uint64_t)(int64_t)(hi));
#define MSG_STR(f, size) plan_str(p, m->f, size);
#define MSG_BYTES(f, most) plan_bytes(p, &m->f.n, m->f.b, most);
#define MSG_ADDR(f) plan_addr(p, &m->f);
#include "ipc/catalogue.def"
#include "ipc/undef.h"
#pragma GCC diagnostic pop

static void
plan_make(struct plan *p, enum msg_type type, enum plan_variant variant)
{
	uint16_t number = (uint16_t)type;

	memset(p, 0, sizeof(*p));
	p->variant = variant;
	plan_put(p, &number, sizeof(number));
	switch (type) {
#define MSG_BEGIN(NAME, lower, from, to, states, next, least, most)            \
	case MSG_##NAME:                                                       \
		plan_##lower(p, &p->msg.lower);                                \
		break;
#define MSG_END(NAME, lower)
#define MSG_U8(f, lo, hi)
#define MSG_U16(f, lo, hi)
#define MSG_U32(f, lo, hi)
#define MSG_U64(f, lo, hi)
#define MSG_I32(f, lo, hi)
#define MSG_STR(f, size)
#define MSG_BYTES(f, most)
#define MSG_ADDR(f)
#include "ipc/catalogue.def"
#include "ipc/undef.h"
	case MSG_COUNT:
	default:
		break;
	}
}

#endif
