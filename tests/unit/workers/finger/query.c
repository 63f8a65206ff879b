/* finger's parser: RFC 1288's forms, and every file of attack bytes. */
#include "tests/stage/hostile.h"
#include "workers/finger/query.h"

static void
check(const char *line, enum finger_want want, bool verbose, const char *name)
{
	struct finger_query q;

	memset(&q, 0xa5, sizeof(q));
	finger_query_parse(&q, (const uint8_t *)line, strlen(line));
	assert_int_equal(q.want, want);
	assert_int_equal(q.verbose, verbose);
	assert_string_equal(q.name, name);
}

static void
test_forms(void **state)
{
	(void)state;
	check("", FINGER_LIST, false, "");
	check("  \t", FINGER_LIST, false, "");
	check("/W", FINGER_LIST, true, "");
	check("/w ", FINGER_LIST, true, "");
	check("alice", FINGER_USER, false, "alice");
	check("  alice  ", FINGER_USER, false, "alice");
	check("/W alice", FINGER_USER, true, "alice");
	check("/W\talice", FINGER_USER, true, "alice");
	check("A.b_c-9", FINGER_USER, false, "A.b_c-9");
}

static void
test_forwarding_is_seen_wherever_it_stands(void **state)
{
	(void)state;
	check("@", FINGER_FORWARD, false, "");
	check("alice@host", FINGER_FORWARD, false, "");
	check("/W alice@a@b", FINGER_FORWARD, true, "");
	check("not a name @ all", FINGER_FORWARD, false, "");
}

static void
test_what_is_no_name_is_nobody(void **state)
{
	(void)state;
	check("/Walice", FINGER_NOBODY, false, "");
	check("/X alice", FINGER_NOBODY, false, "");
	check("alice bob", FINGER_NOBODY, false, "");
	check("ali/ce", FINGER_NOBODY, false, "");
	check("alic\xc3\xa9", FINGER_NOBODY, false, "");
	check("/W /W", FINGER_NOBODY, true, "");
}

static void
test_names_have_32_characters(void **state)
{
	char name[34];

	(void)state;
	memset(name, 'a', sizeof(name));
	name[32] = '\0';
	check(name, FINGER_USER, false, name);
	name[32] = 'a';
	name[33] = '\0';
	check(name, FINGER_NOBODY, false, "");
}

static void
check_hostile(const char *file, const uint8_t *bytes, size_t n)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789._-";
	struct finger_query q;
	size_t length;

	finger_query_parse(&q, bytes, n);
	length = strnlen(q.name, sizeof(q.name));
	if (length >= sizeof(q.name) || strspn(q.name, allowed) != length ||
	    (length > 0) != (q.want == FINGER_USER))
		fail_msg("%s became a name", file);
	if (memchr(bytes, '@', n) != NULL && q.want != FINGER_FORWARD)
		fail_msg("%s would be forwarded", file);
}

static void
test_hostile_queries(void **state)
{
	(void)state;
	hostile_each("tests/hostile/finger/queries", check_hostile);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_forms),
	    cmocka_unit_test(test_forwarding_is_seen_wherever_it_stands),
	    cmocka_unit_test(test_what_is_no_name_is_nobody),
	    cmocka_unit_test(test_names_have_32_characters),
	    cmocka_unit_test(test_hostile_queries),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
