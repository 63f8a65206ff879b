/*
 * Every file of tests/hostile/conf is refused, with the messages that its
 * .expected file lists: all of them, in order, and not a byte unescaped.
 */
#include <glob.h>

#include "tests/stage/conf.h"

#define FOLDER "tests/hostile/conf"

static char *
read_file(const char *path, size_t *n)
{
	FILE *f = fopen(path, "re");
	char *text = calloc(1, CONF_FILE_MAX + 1);

	if (f == NULL)
		fail_msg("%s cannot be read: run from the top", path);
	assert_non_null(text);
	*n = fread(text, 1, CONF_FILE_MAX, f);
	fclose(f);
	return (text);
}

static void
expect_file(const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	char expected_path[256], line[1024];
	size_t n, used = 0, size = 1048576;
	char *text = read_file(path, &n), *expected;
	char *said = calloc(1, size);
	struct parsed p = parse_bytes(text, n);

	assert_non_null(said);
	assert_int_not_equal(p.err, 0);
	for (size_t i = 0; i < p.report.count; i++)
		used += (size_t)snprintf(said + used, size - used, "%s\n",
		    conf_diag_text(
			&p.report.diags[i], name, line, sizeof(line)));
	snprintf(expected_path, sizeof(expected_path), "%.*s.expected",
	    (int)(strlen(path) - strlen(".conf")), path);
	expected = read_file(expected_path, &n);
	assert_string_equal(said, expected);
	free(expected);
	free(said);
	free(text);
	parsed_free(&p);
}

static void
test_files(void **state)
{
	glob_t g = {0};

	(void)state;
	assert_int_equal(glob(FOLDER "/*.conf", 0, NULL, &g), 0);
	assert_true(g.gl_pathc >= 9);
	for (size_t i = 0; i < g.gl_pathc; i++)
		expect_file(g.gl_pathv[i]);
	globfree(&g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_files),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
