/*
 * Every message's bytes: each field at its ends and past them, each datagram
 * cut at every length and one byte too long.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/err.h"
#include "tests/state/ipc/plan.h"

static struct plan plan;

static int
decode(const uint8_t *wire, size_t n, enum msg_type *type)
{
	static union msg_any msg;
	/* Of exactly this size, so that the sanitizers see a byte too far. */
	uint8_t *copy = malloc(n > 0 ? n : 1);
	int err;

	assert_non_null(copy);
	memcpy(copy, wire, n);
	memset(&msg, 0xee, sizeof(msg));
	err = msg_decode(copy, n, type, &msg);
	free(copy);
	return (err);
}

#define EACH_MESSAGE(t)                                                        \
	for (enum msg_type t = (enum msg_type)0; t < MSG_COUNT;                \
	     t = (enum msg_type)(t + 1))
#define EACH_VARIANT(v)                                                        \
	for (enum plan_variant v = PLAN_LEAST; v < PLAN_VARIANTS;              \
	     v = (enum plan_variant)(v + 1))

static void
test_samples(void **state)
{
	static uint8_t buf[IPC_MESSAGE_MAX];
	static union msg_any back;
	enum msg_type type;

	(void)state;
	EACH_MESSAGE(t)
	{
		EACH_VARIANT(v)
		{
			plan_make(&plan, t, v);
			assert_true(plan.n <= IPC_MESSAGE_MAX);
			assert_int_equal(
			    msg_encode(t, &plan.msg, buf, sizeof(buf)), plan.n);
			assert_memory_equal(buf, plan.wire, plan.n);
			memset(&back, 0xee, sizeof(back));
			assert_int_equal(
			    msg_decode(buf, plan.n, &type, &back), 0);
			assert_int_equal(type, t);
			/* And back: the same bytes. */
			assert_int_equal(
			    msg_encode(t, &back, buf, sizeof(buf)), plan.n);
			assert_memory_equal(buf, plan.wire, plan.n);
		}
	}
}

static void
test_no_room(void **state)
{
	static uint8_t buf[IPC_MESSAGE_MAX];

	(void)state;
	EACH_MESSAGE(t)
	{
		plan_make(&plan, t, PLAN_BETWEEN);
		for (size_t n = 0; n < plan.n; n++)
			assert_int_equal(
			    msg_encode(t, &plan.msg, buf, n), ERR_TOO_LONG);
	}
	assert_int_equal(
	    msg_encode(MSG_COUNT, &plan.msg, buf, sizeof(buf)), ERR_TYPE);
}

static void
test_lengths(void **state)
{
	enum msg_type type;

	(void)state;
	EACH_MESSAGE(t)
	{
		EACH_VARIANT(v)
		{
			plan_make(&plan, t, v);
			for (size_t n = 0; n < plan.n; n++) {
				assert_int_equal(
				    decode(plan.wire, n, &type), ERR_TRUNCATED);
				assert_int_equal(type, n < 2 ? MSG_COUNT : t);
			}
			if (plan.n == sizeof(plan.wire))
				continue;
			assert_int_equal(
			    decode(plan.wire, plan.n + 1, &type), ERR_TOO_LONG);
			assert_int_equal(type, t);
		}
	}
}

static void
test_unknown_types(void **state)
{
	uint8_t wire[64] = {0};
	enum msg_type type;

	(void)state;
	for (uint32_t n = MSG_COUNT; n <= UINT16_MAX; n++) {
		uint16_t number = (uint16_t)n;

		memcpy(wire, &number, sizeof(number));
		assert_int_equal(decode(wire, sizeof(wire), &type), ERR_TYPE);
		assert_int_equal(type, MSG_COUNT);
	}
}

/* A number in the place of field f: refused, by the decoder and the encoder. */
static void
refuse_number(enum msg_type t, const struct plan_field *f, uint64_t v)
{
	static uint8_t wire[IPC_MESSAGE_MAX];
	enum msg_type type;

	memcpy(wire, plan.wire, plan.n);
	memcpy(wire + f->at, &v, f->size);
	assert_int_equal(decode(wire, plan.n, &type), ERR_VALUE);
	assert_int_equal(type, t);
}

static uint64_t
highest(const struct plan_field *f)
{
	unsigned bits = (unsigned)f->size * 8 - (f->is_signed ? 1 : 0);

	return (bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1);
}

/* Past either end by one, and the type's own ends, where these are no value. */
static void
refuse_numbers(enum msg_type t, const struct plan_field *f)
{
	uint64_t lowest = f->is_signed ? (uint64_t)(int64_t)INT32_MIN : 0;

	if (f->most != highest(f)) {
		refuse_number(t, f, f->most + 1);
		refuse_number(t, f, highest(f));
	}
	if (f->least != lowest) {
		refuse_number(t, f, f->least - 1);
		refuse_number(t, f, lowest);
	}
}

static void
refuse_text(enum msg_type t, const struct plan_field *f)
{
	static uint8_t wire[2 * IPC_MESSAGE_MAX];
	size_t behind = f->at + 2 + 3, bound = f->size;
	uint16_t n = (uint16_t)bound;
	enum msg_type type;

	/* One byte longer than the field may be, and there. */
	if (f->kind == PLAN_BYTES)
		n++;
	memcpy(wire, plan.wire, f->at);
	memcpy(wire + f->at, &n, sizeof(n));
	memset(wire + f->at + 2, 'b', n);
	memcpy(wire + f->at + 2 + n, plan.wire + behind, plan.n - behind);
	assert_int_equal(decode(wire, plan.n - 3 + n, &type), ERR_VALUE);
	assert_int_equal(type, t);
	if (f->kind != PLAN_STR)
		return;
	/* A NUL inside. */
	memcpy(wire, plan.wire, plan.n);
	for (size_t i = 0; i < 3; i++) {
		wire[f->at + 2 + i] = '\0';
		assert_int_equal(decode(wire, plan.n, &type), ERR_VALUE);
		wire[f->at + 2 + i] = 'a';
	}
	assert_int_equal(decode(wire, plan.n, &type), 0);
}

static void
test_ranges(void **state)
{
	static uint8_t wire[IPC_MESSAGE_MAX];
	enum msg_type type;
	size_t fields = 0;

	(void)state;
	EACH_MESSAGE(t)
	{
		plan_make(&plan, t, PLAN_BETWEEN);
		fields += plan.count;
		for (size_t i = 0; i < plan.count; i++) {
			const struct plan_field *f = &plan.fields[i];

			switch (f->kind) {
			case PLAN_INT:
				refuse_numbers(t, f);
				break;
			case PLAN_STR:
			case PLAN_BYTES:
				refuse_text(t, f);
				break;
			case PLAN_ADDR:
			default:
				memcpy(wire, plan.wire, plan.n);
				for (int v = FAMILY_COUNT; v < 256; v++) {
					wire[f->at] = (uint8_t)v;
					assert_int_equal(
					    decode(wire, plan.n, &type),
					    ERR_VALUE);
				}
				break;
			}
		}
	}
	assert_true(fields > 100);
}

/* The encoder refuses the sender's own bugs: a few of each kind by hand. */
static void
test_encoder_refuses(void **state)
{
	static union msg_any m;
	uint8_t buf[IPC_MESSAGE_MAX];

	(void)state;
	plan_make(&plan, MSG_SERVICE, PLAN_BETWEEN);
	m = plan.msg;
	m.service.connection_limit = 0;
	assert_int_equal(
	    msg_encode(MSG_SERVICE, &m, buf, sizeof(buf)), ERR_VALUE);
	m.service.connection_limit = 65536;
	assert_int_equal(
	    msg_encode(MSG_SERVICE, &m, buf, sizeof(buf)), ERR_VALUE);
	m = plan.msg;
	memset(m.service.name, 'x', sizeof(m.service.name)); /* no NUL */
	assert_int_equal(
	    msg_encode(MSG_SERVICE, &m, buf, sizeof(buf)), ERR_VALUE);
	plan_make(&plan, MSG_EVENT, PLAN_BETWEEN);
	m = plan.msg;
	m.event.fields.n = sizeof(m.event.fields.b) + 1;
	assert_int_equal(
	    msg_encode(MSG_EVENT, &m, buf, sizeof(buf)), ERR_VALUE);
	plan_make(&plan, MSG_START, PLAN_BETWEEN);
	m = plan.msg;
	m.start.peer.family = FAMILY_COUNT;
	assert_int_equal(
	    msg_encode(MSG_START, &m, buf, sizeof(buf)), ERR_VALUE);
	plan_make(&plan, MSG_PROGRAM, PLAN_BETWEEN);
	m = plan.msg;
	m.program.nice = -21;
	assert_int_equal(
	    msg_encode(MSG_PROGRAM, &m, buf, sizeof(buf)), ERR_VALUE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_samples),
	    cmocka_unit_test(test_no_room),
	    cmocka_unit_test(test_lengths),
	    cmocka_unit_test(test_unknown_types),
	    cmocka_unit_test(test_ranges),
	    cmocka_unit_test(test_encoder_refuses),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
