/* TACACS+ packets: against bytes that another program made, and hostile ones.
 */
#include "tests/stage/hostile.h"
#include "workers/tacplus/packet.h"

#define SECRET "tac-s3cret"
#define SESSION 0x01020304

static size_t
from_hex(const char *hex, uint8_t *out)
{
	size_t n = strlen(hex) / 2;
	unsigned byte;

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		out[i] = (uint8_t)byte;
	}
	return (n);
}

static enum packet_answer
judge(const char *hex)
{
	uint8_t bytes[256];
	size_t n = from_hex(hex, bytes);

	for (size_t cut = 0; cut < n; cut++)
		assert_int_equal(packet_read_reply(bytes, cut, SECRET, SESSION),
		    PACKET_MORE);
	return (packet_read_reply(bytes, n, SECRET, SESSION));
}

/* What Python's hashlib makes of RFC 8907. */
static void
test_start(void **state)
{
	const struct packet_start start = {.user = "alice",
	    .password = "wonder",
	    .port = "ssh",
	    .source = "192.0.2.7"};
	uint8_t got[PACKET_START_MAX], wanted[128];
	size_t n = from_hex("c1010100010203040000001fe1a418ece98ae87617b80033"
			    "b2e483ba64fdc2983e3455774cb4a8780f4fb1",
	    wanted);

	(void)state;
	assert_int_equal(packet_write_start(&start, SECRET, SESSION, got), n);
	assert_memory_equal(got, wanted, n);
}

static void
test_start_bounds(void **state)
{
	char most[PACKET_FIELD_MAX + 1], more[PACKET_FIELD_MAX + 2];
	uint8_t got[PACKET_START_MAX];
	struct packet_start start = {
	    .user = most, .password = most, .port = most, .source = most};

	(void)state;
	memset(most, 'x', sizeof(most) - 1);
	most[sizeof(most) - 1] = '\0';
	memset(more, 'x', sizeof(more) - 1);
	more[sizeof(more) - 1] = '\0';
	assert_int_equal(
	    packet_write_start(&start, SECRET, SESSION, got), PACKET_START_MAX);
	start.password = more;
	assert_int_equal(packet_write_start(&start, SECRET, SESSION, got), 0);
	start.password = "";
	start.source = more;
	assert_int_equal(packet_write_start(&start, SECRET, SESSION, got), 0);
}

static void
test_replies(void **state)
{
	(void)state;
	assert_int_equal(
	    judge("c101020001020304000000067d77703290bb"), PACKET_PASS);
	assert_int_equal(
	    judge("c101020001020304000000087e77703090bb83c8"), PACKET_FAIL);
	assert_int_equal(
	    judge("c1010200010203040000001a7b77702690bb95dfea8080cfb9406869"
		  "58572d3204eaf07f11d6"),
	    PACKET_ERROR);
	/* Another secret, and another session. */
	assert_int_equal(
	    judge("c101020001020304000000067d77703290bc"), PACKET_ERROR);
}

static void
check_hostile(const char *name, const uint8_t *bytes, size_t n)
{
	enum packet_answer answer =
	    packet_read_reply(bytes, n, SECRET, SESSION);

	if (strncmp(name, "cut-", 4) == 0 || strcmp(name, "empty") == 0)
		assert_int_equal(answer, PACKET_MORE);
	else if (answer != PACKET_ERROR)
		fail_msg("%s is taken for an answer (%d)", name, (int)answer);
}

static void
test_hostile(void **state)
{
	(void)state;
	hostile_each("tests/hostile/tacplus", check_hostile);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_start),
	    cmocka_unit_test(test_start_bounds),
	    cmocka_unit_test(test_replies),
	    cmocka_unit_test(test_hostile),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
