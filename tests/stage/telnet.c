/* What telnet's tests share: a peer that reads what is queued, random bytes. */
#include "tests/stage/telnet.h"

uint32_t
telnet_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return ((uint32_t)(*seed >> 16));
}

uint8_t
telnet_random_byte(uint64_t *seed)
{
	static const uint8_t likely[] = {255, 255, 255, 250, 240, 251, 252, 253,
	    254, 242, 244, 245, 246, 247, 248, 13, 10, 0, 1, 2, 3, 5, 6, 24, 31,
	    33, 39, 'x', 'y', 'A'};
	uint32_t r = telnet_random(seed);

	if ((r & 7) == 0)
		return ((uint8_t)(r >> 8));
	return (likely[(r >> 8) % sizeof(likely)]);
}

size_t
harness_take(struct telnet *t, uint8_t *out, size_t size, size_t *urgent_at)
{
	const uint8_t *p;
	size_t n, done = 0;
	bool urgent;

	if (urgent_at != NULL)
		*urgent_at = 0;
	while ((n = telnet_pending(t, &p, &urgent)) > 0) {
		assert_true(n <= size - done);
		if (urgent) {
			assert_int_equal(n, 1);
			if (urgent_at != NULL)
				*urgent_at = done + 1;
		}
		memcpy(out + done, p, n);
		done += n;
		telnet_sent(t, n);
	}
	return (done);
}

void
record_add(struct record *r, const void *p, size_t n)
{
	assert_true(n <= sizeof(r->bytes) - r->n);
	memcpy(r->bytes + r->n, p, n);
	r->n += n;
}

void
record_action(struct record *r, const struct telnet_input *got)
{
	uint8_t mark[3] = {0xff, (uint8_t)got->action, (uint8_t)got->key};

	for (size_t i = 0; i < got->n; i++) {
		record_add(r, got->data + i, 1);
		if (got->data[i] == 0xff)
			record_add(r, "\xff", 1);
	}
	if (got->action != TELNET_DATA)
		record_add(r, mark, sizeof(mark));
}

void
harness_receive(struct telnet *t, const void *in, size_t n, struct record *r)
{
	static uint8_t copy[1 << 17];
	struct telnet_input got;
	size_t used = 0;

	assert_true(n <= sizeof(copy));
	memcpy(copy, in, n);
	for (;;) {
		used += telnet_receive(t, copy + used, n - used, &got);
		assert_true(used <= n);
		assert_int_not_equal(got.action, TELNET_FULL);
		if (got.action == TELNET_MORE)
			break;
		if (r != NULL)
			record_action(r, &got);
	}
	assert_int_equal(used, n);
}
