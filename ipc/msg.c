/*
 * The codecs and the permit table, generated from ipc/catalogue.def. Any
 * process. The decoder distrusts every byte; a bad message changes nothing.
 */
#include <string.h>

#include "ipc/msg.h"
#include "lib/err.h"

#define R(role) (1u << ROLE_##role)
#define S(state) (1u << ST_##state)

const struct msg_permit msg_permits[MSG_COUNT] = {
#define MSG_BEGIN(NAME, lower, from_, to_, states_, next_, least, most)        \
	[MSG_##NAME] = {.name = #NAME,                                         \
	    .from = (from_),                                                   \
	    .to = (to_),                                                       \
	    .states = (states_),                                               \
	    .next = (next_),                                                   \
	    .fds_least = (least),                                              \
	    .fds_most = (most)},
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
};

/* Where an encoder writes; err is sticky. */
struct writer {
	uint8_t *p;
	size_t left;
	int err;
};

struct reader {
	const uint8_t *p;
	size_t left;
	int err;
};

static void
msg_write(struct writer *w, const void *src, size_t n)
{
	if (w->err != 0)
		return;
	if (n > w->left) {
		w->err = ERR_TOO_LONG;
		return;
	}
	memcpy(w->p, src, n);
	w->p += n;
	w->left -= n;
}

static void
msg_write_text(struct writer *w, const char *text, size_t size)
{
	size_t n = strnlen(text, size);
	uint16_t len = (uint16_t)n;

	if (n >= size) {
		w->err = ERR_VALUE;
		return;
	}
	msg_write(w, &len, sizeof(len));
	msg_write(w, text, n);
}

static void
msg_write_bytes(struct writer *w, const uint8_t *b, uint16_t n, size_t most)
{
	if (n > most) {
		w->err = ERR_VALUE;
		return;
	}
	msg_write(w, &n, sizeof(n));
	msg_write(w, b, n);
}

static void
msg_write_addr(struct writer *w, const struct addr *a)
{
	if (a->family >= FAMILY_COUNT) {
		w->err = ERR_VALUE;
		return;
	}
	msg_write(w, &a->family, sizeof(a->family));
	msg_write(w, a->bytes, sizeof(a->bytes));
	msg_write(w, &a->port, sizeof(a->port));
	msg_write(w, &a->scope, sizeof(a->scope));
}

static void
msg_read(struct reader *r, void *dst, size_t n)
{
	if (r->err != 0)
		return;
	if (n > r->left) {
		r->err = ERR_TRUNCATED;
		return;
	}
	memcpy(dst, r->p, n);
	r->p += n;
	r->left -= n;
}

static void
msg_read_text(struct reader *r, char *dst, size_t size)
{
	uint16_t n = 0;

	dst[0] = '\0';
	msg_read(r, &n, sizeof(n));
	if (r->err == 0 && n >= size)
		r->err = ERR_VALUE;
	if (r->err != 0)
		return;
	msg_read(r, dst, n);
	if (r->err != 0) {
		dst[0] = '\0';
		return;
	}
	dst[n] = '\0';
	if (memchr(dst, '\0', n) != NULL)
		r->err = ERR_VALUE;
}

static void
msg_read_bytes(struct reader *r, uint8_t *dst, uint16_t *out, size_t most)
{
	uint16_t n = 0;

	*out = 0;
	msg_read(r, &n, sizeof(n));
	if (r->err == 0 && n > most)
		r->err = ERR_VALUE;
	msg_read(r, dst, r->err == 0 ? n : 0);
	if (r->err == 0)
		*out = n;
}

static void
msg_read_addr(struct reader *r, struct addr *a)
{
	memset(a, 0, sizeof(*a));
	msg_read(r, &a->family, sizeof(a->family));
	msg_read(r, a->bytes, sizeof(a->bytes));
	msg_read(r, &a->port, sizeof(a->port));
	msg_read(r, &a->scope, sizeof(a->scope));
	if (r->err == 0 && a->family >= FAMILY_COUNT)
		r->err = ERR_VALUE;
}

/* A wider type first, so that a bound at the type's own end is no warning. */
#define IN_RANGE(type, v, lo, hi)                                              \
	((type)(v) + 0 >= (type)(lo) && (type)(v) <= (type)(hi))

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wtype-limits"
#pragma GCC diagnostic ignored "-Wunused-parameter"

#define PUT_INT(f, wide, lo, hi)                                               \
	if (!IN_RANGE(wide, m->f, lo, hi))                                     \
		w->err = ERR_VALUE;                                            \
	msg_write(w, &m->f, sizeof(m->f));
#define MSG_BEGIN(NAME, lower, from, to, states, next, least, most)            \
	static void encode_##lower(                                            \
	    struct writer *w, const struct msg_##lower *m)                     \
	{
#define MSG_END(NAME, lower) }
#define MSG_U8(f, lo, hi) PUT_INT(f, uint64_t, lo, hi)
#define MSG_U16(f, lo, hi) PUT_INT(f, uint64_t, lo, hi)
#define MSG_U32(f, lo, hi) PUT_INT(f, uint64_t, lo, hi)
#define MSG_U64(f, lo, hi) PUT_INT(f, uint64_t, lo, hi)
#define MSG_I32(f, lo, hi) PUT_INT(f, int64_t, lo, hi)
#define MSG_STR(f, size) msg_write_text(w, m->f, size);
#define MSG_BYTES(f, most) msg_write_bytes(w, m->f.b, m->f.n, most);
#define MSG_ADDR(f) msg_write_addr(w, &m->f);
#include "ipc/catalogue.def"
#include "ipc/undef.h"

#define GET_INT(f, wide, lo, hi)                                               \
	m->f = 0;                                                              \
	msg_read(r, &m->f, sizeof(m->f));                                      \
	if (r->err == 0 && !IN_RANGE(wide, m->f, lo, hi))                      \
		r->err = ERR_VALUE;
#define MSG_BEGIN(NAME, lower, from, to, states, next, least, most)            \
	static void decode_##lower(struct reader *r, struct msg_##lower *m)    \
	{
#define MSG_END(NAME, lower) }
#define MSG_U8(f, lo, hi) GET_INT(f, uint64_t, lo, hi)
#define MSG_U16(f, lo, hi) GET_INT(f, uint64_t, lo, hi)
#define MSG_U32(f, lo, hi) GET_INT(f, uint64_t, lo, hi)
#define MSG_U64(f, lo, hi) GET_INT(f, uint64_t, lo, hi)
#define MSG_I32(f, lo, hi) GET_INT(f, int64_t, lo, hi)
#define MSG_STR(f, size) msg_read_text(r, m->f, size);
#define MSG_BYTES(f, most) msg_read_bytes(r, m->f.b, &m->f.n, most);
#define MSG_ADDR(f) msg_read_addr(r, &m->f);
#include "ipc/catalogue.def"
#include "ipc/undef.h"

#pragma GCC diagnostic pop

const char *
msg_name(unsigned type)
{
	return (type < MSG_COUNT ? msg_permits[type].name : "?");
}

const char *
ipc_state_name(unsigned state)
{
	static const char *const names[ST_COUNT] = {
#define X(name) [ST_##name] = #name,
	    IPC_STATES(X)
#undef X
	};

	return (state < ST_COUNT ? names[state] : "?");
}

int
msg_encode(enum msg_type type, const void *msg, uint8_t *buf, size_t size)
{
	struct writer w = {.p = buf, .left = size};
	uint16_t number = (uint16_t)type;

	msg_write(&w, &number, sizeof(number));
	switch (type) {
#define MSG_BEGIN(NAME, lower, from, to, states, next, least, most)            \
	case MSG_##NAME:                                                       \
		encode_##lower(&w, msg);                                       \
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
		return (ERR_TYPE);
	}
	return (w.err != 0 ? w.err : (int)(size - w.left));
}

int
msg_decode(
    const uint8_t *buf, size_t n, enum msg_type *type, union msg_any *msg)
{
	struct reader r = {.p = buf, .left = n};
	uint16_t number = 0;

	*type = MSG_COUNT;
	msg_read(&r, &number, sizeof(number));
	if (r.err != 0)
		return (r.err);
	if (number >= MSG_COUNT)
		return (ERR_TYPE);
	*type = (enum msg_type)number;
	switch (*type) {
#define MSG_BEGIN(NAME, lower, from, to, states, next, least, most)            \
	case MSG_##NAME:                                                       \
		decode_##lower(&r, &msg->lower);                               \
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
		return (ERR_TYPE);
	}
	if (r.err == 0 && r.left > 0)
		r.err = ERR_TOO_LONG;
	return (r.err);
}

int
msg_check_permit(unsigned type, enum role from, enum role to,
    enum ipc_state state, size_t nfds)
{
	const struct msg_permit *p;

	if (type >= MSG_COUNT)
		return (ERR_TYPE);
	p = &msg_permits[type];
	if ((p->from & (1u << from)) == 0 || (p->to & (1u << to)) == 0)
		return (ERR_SENDER);
	if ((p->states & (1u << state)) == 0)
		return (ERR_STATE);
	if (nfds < p->fds_least || nfds > p->fds_most)
		return (ERR_FDS);
	return (0);
}

int
msg_is_secret(enum msg_type type)
{
	return (type == MSG_LOGIN_ANSWER || type == MSG_TACPLUS_ASK ||
		type == MSG_TACPLUS_SERVER || type == MSG_PLAN_ASKED);
}

enum ipc_state
msg_next_state(enum msg_type type, enum ipc_state state)
{
	enum ipc_state next = msg_permits[type].next;

	return (next == ST_KEEP ? state : next);
}

int
msg_put_text(uint8_t *list, uint16_t *n, size_t room, const char *text)
{
	size_t len = strlen(text) + 1;

	if (*n + len > room)
		return (ERR_TOO_LONG);
	memcpy(list + *n, text, len);
	*n = (uint16_t)(*n + len);
	return (0);
}
