/*
 * The queue to a telnet client. Pure; in the telnet worker, without privilege.
 * Holds what a peer could make it hold, so its work is bounded: each byte is
 * copied in, looked at once when sent and, at most once more, by a drop.
 */
#include "workers/telnet/ring.h"

#include <string.h>

#include "lib/err.h"
#include "workers/telnet/protocol.h"

void
telnet_ring_init(struct telnet_ring *r, uint8_t *buf, size_t size)
{
	memset(r, 0, sizeof(*r));
	r->buf = buf;
	r->size = size;
}

size_t
telnet_ring_room(const struct telnet_ring *r)
{
	return (r->size - r->n);
}

/* The index of the byte that is `distance` behind the oldest. */
static size_t
ring_index(const struct telnet_ring *r, size_t distance)
{
	size_t i = r->head + distance;

	return (i < r->size ? i : i - r->size);
}

int
telnet_ring_put(struct telnet_ring *r, const uint8_t *p, size_t n)
{
	size_t tail, first;

	if (n > telnet_ring_room(r))
		return (ERR_FULL);
	tail = ring_index(r, r->n);
	first = n < r->size - tail ? n : r->size - tail;
	memcpy(r->buf + tail, p, first);
	memcpy(r->buf, p + first, n - first);
	r->n += n;
	return (0);
}

void
telnet_ring_mark_urgent(struct telnet_ring *r)
{
	r->urgent = r->n;
}

/* Bytes from the oldest up to the buffer's end. */
static size_t
ring_whole(const struct telnet_ring *r)
{
	return (r->n < r->size - r->head ? r->n : r->size - r->head);
}

size_t
telnet_ring_peek(const struct telnet_ring *r, const uint8_t **p, bool *urgent)
{
	size_t n = ring_whole(r);

	*p = r->buf + r->head;
	*urgent = r->urgent == 1;
	if (*urgent)
		return (1);
	if (r->urgent > 0 && n >= r->urgent)
		n = r->urgent - 1;
	return (n);
}

/* The state behind one byte. */
static enum telnet_unit
ring_step(enum telnet_unit unit, uint8_t c)
{
	switch (unit) {
	case TELNET_UNIT_NONE:
		return (c == TELNET_CMD_IAC ? TELNET_UNIT_IAC : unit);
	case TELNET_UNIT_IAC:
		if (c == TELNET_CMD_SB)
			return (TELNET_UNIT_SUB);
		if (c >= TELNET_CMD_WILL && c <= TELNET_CMD_DONT)
			return (TELNET_UNIT_REQUEST);
		return (TELNET_UNIT_NONE);
	case TELNET_UNIT_REQUEST:
		return (TELNET_UNIT_NONE);
	case TELNET_UNIT_SUB:
		return (c == TELNET_CMD_IAC ? TELNET_UNIT_SUB_IAC : unit);
	default:
		return (
		    c == TELNET_CMD_SE ? TELNET_UNIT_NONE : TELNET_UNIT_SUB);
	}
}

/* The state behind p[0..n); plain data is skipped fast. */
static enum telnet_unit
ring_follow(enum telnet_unit unit, const uint8_t *p, size_t n)
{
	size_t i = 0;

	while (i < n) {
		if (unit == TELNET_UNIT_NONE) {
			const uint8_t *iac =
			    memchr(p + i, TELNET_CMD_IAC, n - i);

			if (iac == NULL)
				break;
			i = (size_t)(iac - p);
		}
		unit = ring_step(unit, p[i++]);
	}
	return (unit);
}

void
telnet_ring_sent(struct telnet_ring *r, size_t n)
{
	size_t whole = ring_whole(r);

	if (n > whole)
		n = whole;
	r->unit = ring_follow(r->unit, r->buf + r->head, n);
	r->head = ring_index(r, n);
	r->n -= n;
	r->clean -= n < r->clean ? n : r->clean;
	r->urgent -= n < r->urgent ? n : r->urgent;
	if (r->n == 0)
		r->head = 0;
}

/*
 * Whole units move together to the front. A unit's first byte decides: IAC and
 * something other than IAC is a command. What was begun before the oldest byte
 * is kept to its end.
 */
void
telnet_ring_drop_data(struct telnet_ring *r)
{
	size_t to = r->clean, from = r->clean, urgent = 0;
	enum telnet_unit unit = r->clean > 0 ? TELNET_UNIT_NONE : r->unit;
	bool keep = unit != TELNET_UNIT_NONE;

	if (r->urgent > 0 && r->urgent <= r->clean)
		urgent = r->urgent;
	for (; from < r->n; from++) {
		uint8_t c = r->buf[ring_index(r, from)];

		if (unit == TELNET_UNIT_NONE)
			keep =
			    c == TELNET_CMD_IAC && from + 1 < r->n &&
			    r->buf[ring_index(r, from + 1)] != TELNET_CMD_IAC;
		unit = ring_step(unit, c);
		if (!keep)
			continue;
		r->buf[ring_index(r, to++)] = c;
		if (from + 1 == r->urgent)
			urgent = to;
	}
	r->n = r->clean = to;
	r->urgent = urgent;
}
