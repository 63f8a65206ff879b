/*
 * Networks: what is one, which network has an address, and that nothing is
 * lost on the way through a message.
 */
#include <string.h>

#include "lib/err.h"
#include "lib/prefix.h"
#include "tests/stage/model.h"

static struct addr
address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text, 0), 0);
	return (a);
}

static void
test_texts(void **state)
{
	static const struct {
		const char *text;
		int err;
		const char *network;
	} all[] = {
	    {"192.0.2.0/24", 0, "192.0.2.0/24"},
	    {"192.0.2.1", 0, "192.0.2.1"},
	    {"192.0.2.1/32", 0, "192.0.2.1"},
	    {"0.0.0.0/0", 0, "0.0.0.0/0"},
	    {"::/0", 0, "::/0"},
	    {"2001:db8::/33", 0, "2001:db8::/33"},
	    {"::1", 0, "::1"},
	    {"192.0.2.1/24", ERR_VALUE, "192.0.2.0/24"},
	    {"192.0.2.129/25", ERR_VALUE, "192.0.2.128/25"},
	    {"2001:db8::1/64", ERR_VALUE, "2001:db8::/64"},
	    {"255.255.255.255/0", ERR_VALUE, "0.0.0.0/0"},
	    {"192.0.2.0/33", ERR_TOO_LONG, NULL},
	    {"::/129", ERR_TOO_LONG, NULL},
	    {"::/999", ERR_TOO_LONG, NULL},
	    {"192.0.2.0/", ERR_SYNTAX, NULL},
	    {"192.0.2.0/-1", ERR_SYNTAX, NULL},
	    {"192.0.2.0/024", ERR_SYNTAX, NULL},
	    {"192.0.2.0/1000", ERR_SYNTAX, NULL},
	    {"192.0.2.0/24/24", ERR_SYNTAX, NULL},
	    {"192.0.2/24", ERR_SYNTAX, NULL},
	    {"/24", ERR_SYNTAX, NULL},
	    {"", ERR_SYNTAX, NULL},
	    {"fe80::1%lo", ERR_SYNTAX, NULL},
	    {"host.example", ERR_SYNTAX, NULL},
	};
	char text[PREFIX_TEXT_MAX];
	struct prefix p;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		print_message("%s\n", all[i].text);
		assert_int_equal(prefix_parse(&p, all[i].text), all[i].err);
		if (all[i].network != NULL)
			assert_string_equal(
			    prefix_text(&p, text), all[i].network);
	}
}

/* Bit by bit, as nobody would write it. */
static bool
slowly_has(const struct prefix *p, const struct addr *a)
{
	if (p->family != a->family)
		return (false);
	for (unsigned i = 0; i < p->length; i++) {
		unsigned at = 7 - i % 8;

		if ((p->bytes[i / 8] >> at & 1) != (a->bytes[i / 8] >> at & 1))
			return (false);
	}
	return (true);
}

static void
test_random(void **state)
{
	uint64_t seed = 7;
	unsigned had = 0;

	(void)state;
	for (int round = 0; round < 100000; round++) {
		bool six = model_random_below(&seed, 2) != 0;
		struct addr a = address(six ? "2001:db8::" : "192.0.2.0"), b;
		uint8_t wire[PREFIX_WIRE];
		struct prefix p, back;
		unsigned bit;

		prefix_of(&p, &a,
		    (unsigned)model_random_below(
			&seed, prefix_bits(a.family) + 1));
		b = a;
		bit =
		    (unsigned)model_random_below(&seed, prefix_bits(a.family));
		b.bytes[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
		assert_true(prefix_has(&p, &a));
		assert_int_equal(prefix_has(&p, &b), slowly_has(&p, &b));
		had += prefix_has(&p, &b);
		prefix_put(&p, wire);
		assert_true(prefix_get(&back, wire));
		assert_true(prefix_equal(&p, &back));
	}
	assert_in_range(had, 20000, 80000);
}

static void
test_bytes_that_are_none(void **state)
{
	uint8_t wire[PREFIX_WIRE] = {FAMILY_INET, 8, 10};
	struct prefix p;

	(void)state;
	assert_true(prefix_get(&p, wire));
	wire[3] = 1; /* behind its length */
	assert_false(prefix_get(&p, wire));
	wire[3] = 0;
	wire[1] = 33;
	assert_false(prefix_get(&p, wire));
	wire[1] = 8;
	wire[0] = FAMILY_COUNT;
	assert_false(prefix_get(&p, wire));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_texts),
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_bytes_that_are_none),
	};

	return (cmocka_run_group_tests_name("lib/prefix", tests, NULL, NULL));
}
