/*
 * RFC 1143's machine: every transition, every option of 256, and that no peer
 * makes it talk without end.
 */
#include "tests/stage/telnet.h"

static uint8_t
hear(struct telnet_options *o, uint8_t verb, uint8_t option)
{
	enum telnet_side side;
	enum telnet_change change;

	return (telnet_options_receive(o, verb, option, &side, &change));
}

/* RFC 1143, section 7, as the RFC tells it. */
static void
test_every_transition(void **state)
{
	static const struct {
		enum telnet_state from;
		char event; /* + - heard, Y N our wish */
		uint8_t says;
		enum telnet_state to;
	} rows[] = {
	    {TELNET_ST_NO, '+', TELNET_CMD_DO, TELNET_ST_YES},
	    {TELNET_ST_YES, '+', 0, TELNET_ST_YES},
	    {TELNET_ST_WANT_NO, '+', 0, TELNET_ST_NO},
	    {TELNET_ST_WANT_NO_THEN_YES, '+', 0, TELNET_ST_YES},
	    {TELNET_ST_WANT_YES, '+', 0, TELNET_ST_YES},
	    {TELNET_ST_WANT_YES_THEN_NO, '+', TELNET_CMD_DONT,
		TELNET_ST_WANT_NO},
	    {TELNET_ST_NO, '-', 0, TELNET_ST_NO},
	    {TELNET_ST_YES, '-', TELNET_CMD_DONT, TELNET_ST_NO},
	    {TELNET_ST_WANT_NO, '-', 0, TELNET_ST_NO},
	    {TELNET_ST_WANT_NO_THEN_YES, '-', TELNET_CMD_DO,
		TELNET_ST_WANT_YES},
	    {TELNET_ST_WANT_YES, '-', 0, TELNET_ST_NO},
	    {TELNET_ST_WANT_YES_THEN_NO, '-', 0, TELNET_ST_NO},
	    {TELNET_ST_NO, 'Y', TELNET_CMD_DO, TELNET_ST_WANT_YES},
	    {TELNET_ST_YES, 'Y', 0, TELNET_ST_YES},
	    {TELNET_ST_WANT_NO, 'Y', 0, TELNET_ST_WANT_NO_THEN_YES},
	    {TELNET_ST_WANT_NO_THEN_YES, 'Y', 0, TELNET_ST_WANT_NO_THEN_YES},
	    {TELNET_ST_WANT_YES, 'Y', 0, TELNET_ST_WANT_YES},
	    {TELNET_ST_WANT_YES_THEN_NO, 'Y', 0, TELNET_ST_WANT_YES},
	    {TELNET_ST_NO, 'N', 0, TELNET_ST_NO},
	    {TELNET_ST_YES, 'N', TELNET_CMD_DONT, TELNET_ST_WANT_NO},
	    {TELNET_ST_WANT_NO, 'N', 0, TELNET_ST_WANT_NO},
	    {TELNET_ST_WANT_NO_THEN_YES, 'N', 0, TELNET_ST_WANT_NO},
	    {TELNET_ST_WANT_YES, 'N', 0, TELNET_ST_WANT_YES_THEN_NO},
	    {TELNET_ST_WANT_YES_THEN_NO, 'N', 0, TELNET_ST_WANT_YES_THEN_NO},
	};

	(void)state;
	assert_int_equal(sizeof(rows) / sizeof(rows[0]), TELNET_STATES * 4);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct telnet_options o;
		uint8_t option = TELNET_OPT_NAWS, said;
		bool on = rows[i].event == '+' || rows[i].event == 'Y';

		telnet_options_init(&o);
		o.state[TELNET_PEER][option] = (uint8_t)rows[i].from;
		if (rows[i].event == '+' || rows[i].event == '-')
			said = hear(
			    &o, on ? TELNET_CMD_WILL : TELNET_CMD_WONT, option);
		else
			said = telnet_options_ask(&o, TELNET_PEER, option, on);
		assert_int_equal(said, rows[i].says);
		assert_int_equal(o.state[TELNET_PEER][option], rows[i].to);
	}
}

static void
test_our_side_says_will_and_wont(void **state)
{
	struct telnet_options o;

	(void)state;
	telnet_options_init(&o);
	assert_int_equal(
	    hear(&o, TELNET_CMD_DO, TELNET_OPT_ECHO), TELNET_CMD_WILL);
	assert_true(telnet_options_is_on(&o, TELNET_US, TELNET_OPT_ECHO));
	assert_false(telnet_options_is_on(&o, TELNET_PEER, TELNET_OPT_ECHO));
	assert_int_equal(
	    hear(&o, TELNET_CMD_DONT, TELNET_OPT_ECHO), TELNET_CMD_WONT);
	assert_false(telnet_options_is_on(&o, TELNET_US, TELNET_OPT_ECHO));
}

static void
test_offers(void **state)
{
	static const uint8_t expected[][2] = {{TELNET_CMD_WILL, 3},
	    {TELNET_CMD_WILL, 1}, {TELNET_CMD_DO, 3}, {TELNET_CMD_DO, 24},
	    {TELNET_CMD_DO, 31}, {TELNET_CMD_DO, 39}, {TELNET_CMD_DO, 33},
	    {TELNET_CMD_WILL, 5}};
	struct telnet_options o;
	unsigned at = 0;
	uint8_t verb, option = 0;
	size_t n = 0;

	(void)state;
	telnet_options_init(&o);
	while ((verb = telnet_options_offer(&o, &at, &option)) != 0) {
		assert_true(n < sizeof(expected) / sizeof(expected[0]));
		assert_int_equal(verb, expected[n][0]);
		assert_int_equal(option, expected[n][1]);
		n++;
	}
	assert_int_equal(n, sizeof(expected) / sizeof(expected[0]));
	assert_false(telnet_options_settled(&o));
	for (size_t i = 0; i < n; i++)
		assert_int_equal(
		    hear(&o,
			expected[i][0] == TELNET_CMD_WILL ? TELNET_CMD_DO
							  : TELNET_CMD_WONT,
			expected[i][1]),
		    0);
	assert_true(telnet_options_settled(&o));
}

/* 0: refused, 1: accepted, 2: marked, by verb and option. */
static int
expected_policy(uint8_t verb, unsigned option)
{
	static const uint8_t us[] = {0, 1, 3, 5, 18};
	static const uint8_t peer[] = {0, 3, 18, 24, 31, 33, 39};

	if (verb == TELNET_CMD_DO && option == 6)
		return (2);
	if (verb == TELNET_CMD_DO)
		return (memchr(us, (int)option, sizeof(us)) != NULL);
	return (memchr(peer, (int)option, sizeof(peer)) != NULL);
}

/* What is refused is refused once, however often it is asked for. */
static void
test_each_option_toggled_1000_times(void **state)
{
	static const uint8_t verbs[2][2] = {{TELNET_CMD_WILL, TELNET_CMD_WONT},
	    {TELNET_CMD_DO, TELNET_CMD_DONT}};
	static const uint8_t answers[2][2] = {{TELNET_CMD_DO, TELNET_CMD_DONT},
	    {TELNET_CMD_WILL, TELNET_CMD_WONT}};

	(void)state;
	for (unsigned i = 0; i < 512; i++) {
		struct telnet_options o;
		unsigned side = i / 256, replies = 0;
		uint8_t option = (uint8_t)i;
		int policy = expected_policy(verbs[side][0], option);

		telnet_options_init(&o);
		for (unsigned k = 0; k < 1000; k++) {
			uint8_t on = hear(&o, verbs[side][0], option);
			uint8_t off = hear(&o, verbs[side][1], option);

			if (policy == 1) {
				assert_int_equal(on, answers[side][0]);
				assert_int_equal(off, answers[side][1]);
			} else if (policy == 2) {
				assert_int_equal(on, answers[side][0]);
				assert_int_equal(off, 0);
			} else {
				assert_int_equal(
				    on, k == 0 ? answers[side][1] : 0);
				assert_int_equal(off, 0);
			}
			replies += on != 0 ? 1 : 0;
			replies += off != 0 ? 1 : 0;
			assert_false(
			    telnet_options_is_on(&o, TELNET_US, option));
			assert_false(
			    telnet_options_is_on(&o, TELNET_PEER, option));
		}
		assert_true(replies <= 2000);
	}
}

/* A request heard again while it holds is an answer, and has none. */
static void
test_a_repeated_request_has_one_answer(void **state)
{
	struct telnet_options o;
	unsigned replies = 0;

	(void)state;
	telnet_options_init(&o);
	for (unsigned k = 0; k < 1000; k++)
		replies += hear(&o, TELNET_CMD_WILL, TELNET_OPT_BINARY) != 0;
	assert_int_equal(replies, 1);
}

static void
test_random_sequences(void **state)
{
	uint64_t seed = 0x7e17e7;
	struct telnet_options o;
	size_t asked = 0, said = 0;

	(void)state;
	telnet_options_init(&o);
	for (int i = 0; i < 1000000; i++) {
		uint32_t r = telnet_random(&seed);
		uint8_t option = (uint8_t)(r >> 8);

		if ((r & 7) == 0)
			(void)telnet_options_ask(
			    &o, r >> 3 & 1, option, (r >> 4 & 1) != 0);
		asked++;
		said += hear(&o, (uint8_t)(TELNET_CMD_WILL + (r >> 5 & 3)),
			    option) != 0;
		assert_true(o.state[r >> 3 & 1][option] < TELNET_STATES);
	}
	assert_true(said > 0 && said <= asked);
}

enum answerer { MIRROR, AGREES, REFUSES, LIKE_US };

/* What such a peer says back; 0 for nothing. */
static uint8_t
peer_answer(
    enum answerer kind, struct telnet_options *o, uint8_t verb, uint8_t option)
{
	static const uint8_t agree[4] = {
	    TELNET_CMD_DO, TELNET_CMD_DONT, TELNET_CMD_WILL, TELNET_CMD_WONT};
	static const uint8_t refuse[4] = {
	    TELNET_CMD_DONT, TELNET_CMD_DONT, TELNET_CMD_WONT, TELNET_CMD_WONT};

	switch (kind) {
	case MIRROR:
		return (verb);
	case AGREES:
		return (agree[verb - TELNET_CMD_WILL]);
	case REFUSES:
		return (refuse[verb - TELNET_CMD_WILL]);
	default:
		return (hear(o, verb, option));
	}
}

/*
 * Peers that answer everything, answers too (which RFC 854 forbids): our
 * offers and any request of theirs lead to an end. Only TIMING-MARK has its
 * answer each time (RFC 860: a client may wait for each), so a peer that says
 * DO to every WILL is left out there: it asks anew with each answer.
 */
static void
test_two_answerers_fall_silent(void **state)
{
	(void)state;
	for (enum answerer kind = MIRROR; kind <= LIKE_US; kind++) {
		for (unsigned i = 0; i < 1024; i++) {
			struct telnet_options us, them;
			uint8_t option = (uint8_t)i;
			uint8_t verb = (uint8_t)(TELNET_CMD_WILL + i / 256);
			uint8_t ignored;
			unsigned at = 0, turns = 0;

			if (kind == AGREES && option == TELNET_OPT_TIMING_MARK)
				continue;
			telnet_options_init(&us);
			telnet_options_init(&them);
			while (telnet_options_offer(&us, &at, &ignored) != 0)
				;
			while (verb != 0) {
				verb = hear(&us, verb, option);
				if (verb != 0)
					verb = peer_answer(
					    kind, &them, verb, option);
				assert_true(++turns < 10);
			}
		}
	}
}

/* LINEMODE, OLD-ENVIRON, XDISPLOC, AUTHENTICATION, ENCRYPT, TSPEED. */
static void
test_nothing_refused_is_ever_asked_for(void **state)
{
	struct telnet_options o;

	(void)state;
	telnet_options_init(&o);
	for (unsigned option = 0; option < 256; option++) {
		uint8_t us =
		    telnet_options_ask(&o, TELNET_US, (uint8_t)option, true);
		uint8_t peer =
		    telnet_options_ask(&o, TELNET_PEER, (uint8_t)option, true);

		assert_int_equal(
		    us != 0, expected_policy(TELNET_CMD_DO, option) == 1);
		assert_int_equal(
		    peer != 0, expected_policy(TELNET_CMD_WILL, option) == 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_transition),
	    cmocka_unit_test(test_our_side_says_will_and_wont),
	    cmocka_unit_test(test_offers),
	    cmocka_unit_test(test_each_option_toggled_1000_times),
	    cmocka_unit_test(test_a_repeated_request_has_one_answer),
	    cmocka_unit_test(test_random_sequences),
	    cmocka_unit_test(test_two_answerers_fall_silent),
	    cmocka_unit_test(test_nothing_refused_is_ever_asked_for),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
