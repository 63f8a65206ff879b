/* The example configurations: valid, and what they promise. */
#include "tests/stage/conf.h"

/* From memory: a checkout's owner and umask are another matter. */
static struct parsed
load(const char *path)
{
	char text[8192];
	FILE *f = fopen(path, "re");
	struct parsed p;
	size_t n;

	if (f == NULL)
		fail_msg("%s cannot be read: run from the top", path);
	n = fread(text, 1, sizeof(text), f);
	assert_true(n < sizeof(text));
	fclose(f);
	p = parse_bytes(text, n);
	parsed_print(&p);
	assert_int_equal(p.err, 0);
	assert_int_equal(p.report.count, 0);
	return (p);
}

/* All services of `make run`, on high ports of loopback and nowhere else. */
static void
test_demo(void **state)
{
	static const struct {
		const char *name;
		uint16_t port;
	} want[] = {
	    {"ssh", 2222}, {"telnet", 2323}, {"ftp", 2121}, {"finger", 7979}};
	struct parsed p = load("conf/examples/demo.conf");

	(void)state;
	assert_int_equal(p.conf->service_count, 4);
	for (size_t i = 0; i < 4; i++) {
		const struct conf_service *s = service_of(&p, want[i].name);

		assert_int_equal(s->port, want[i].port);
		assert_int_equal(s->listen_count, 2);
		assert_int_equal(s->listen[0].family, FAMILY_INET);
		assert_int_equal(s->listen[1].family, FAMILY_INET6);
		assert_true(addr_is_loopback(&s->listen[0]));
		assert_true(addr_is_loopback(&s->listen[1]));
	}
	parsed_free(&p);
}

/* As installed it opens nothing; and what it shows in comments is valid. */
static void
test_installed(void **state)
{
	struct parsed p = load("conf/examples/portreeve.conf");
	FILE *f = fopen("conf/examples/portreeve.conf", "re");
	char text[8192], line[256];
	size_t used = 0;

	(void)state;
	assert_int_equal(p.conf->service_count, 0);
	parsed_free(&p);
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		char *mark = strstr(line, "        # ");

		/* A commented statement is indented, or ends as one. */
		if (mark != NULL &&
		    (mark[10] == ' ' || strpbrk(line, "{}") != NULL))
			memcpy(mark, "          ", 10);
		used += (size_t)snprintf(
		    text + used, sizeof(text) - used, "%s", line);
		assert_true(used < sizeof(text));
	}
	fclose(f);
	p = parse_ok(text);
	assert_int_equal(p.conf->service_count, 6);
	parsed_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_demo),
	    cmocka_unit_test(test_installed),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
