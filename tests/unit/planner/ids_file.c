/*
 * Which service has which uid: the file, what is wrong with it, and the cut
 * to a user namespace's map.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "planner/ids_file.c" /* NOLINT(bugprone-suspicious-include): its statics */

static char dir[] = "/tmp/portreeve-uids-XXXXXX";
static char reason[320];

static void
put_file(const char *text)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/service-uids", dir);
	unlink(path);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fchmod(fileno(f), 0644), 0);
	fclose(f);
	file_path[0] = '\0';
}

static void
test_remembered(void **state)
{
	(void)state;
	put_file("60600 one\n60601 two\n60602 one\n");
	assert_int_equal(ids_file_open(dir, reason, sizeof(reason)), 0);
	assert_int_equal(ids_file_find("one"), 60602);
	assert_int_equal(ids_file_find("two"), 60601);
	assert_int_equal(ids_file_find("three"), 0);
	assert_true(ids_file_has(60600)); /* it was one's: no other's */
	assert_false(ids_file_has(60603));
	assert_int_equal(
	    ids_file_add("three", 60603, reason, sizeof(reason)), 0);
	file_path[0] = '\0';
	assert_int_equal(ids_file_open(dir, reason, sizeof(reason)), 0);
	assert_int_equal(ids_file_find("three"), 60603);
	assert_int_equal(ids_file_find("one"), 60602);
}

static void
test_wrong_files(void **state)
{
	static const char *const texts[] = {"one 60600\n", "60600\n", "0 one\n",
	    "60600 \n", "60600 a-name-that-is-longer-than-any-service-has\n",
	    "99999999999 one\n", "60600one\n"};
	char path[64];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put_file(texts[i]);
		assert_int_equal(
		    ids_file_open(dir, reason, sizeof(reason)), ERR_REFUSED);
		assert_non_null(strstr(reason, "service-uids: "));
	}
	/* What others can write says nothing. */
	put_file("60600 one\n");
	snprintf(path, sizeof(path), "%s/service-uids", dir);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(
	    ids_file_open(dir, reason, sizeof(reason)), ERR_REFUSED);
	unlink(path);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(
	    ids_file_open(dir, reason, sizeof(reason)), ERR_REFUSED);
	unlink(path);
	assert_int_equal(ids_file_open(dir, reason, sizeof(reason)), 0);
	assert_int_equal(ids_file_find("one"), 0);
}

static void
test_cut_to_a_map(void **state)
{
	static const struct {
		const char *map;
		uint32_t low, high; /* 0, 0: nothing of it */
	} cases[] = {
	    {"         0          0 4294967295\n", 60578, 61183},
	    {"         0     100000      65536\n", 60578, 61183},
	    {"         0     100000      60600\n", 60578, 60599},
	    {"         0       1000          1\n", 0, 0},
	    {"0 1000 1\n60600 100000 10\n61000 200000 100\n", 61000, 61099},
	    {"", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t low = 60578, high = 61183;

		assert_true(ids_file_cut(cases[i].map, &low, &high) ==
			    (cases[i].high != 0));
		assert_int_equal(low, cases[i].low);
		assert_int_equal(high, cases[i].high);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_remembered),
	    cmocka_unit_test(test_wrong_files),
	    cmocka_unit_test(test_cut_to_a_map),
	};
	int failed;

	if (mkdtemp(dir) == NULL)
		return (1);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return (failed);
}
