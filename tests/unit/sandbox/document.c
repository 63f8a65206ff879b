/*
 * SECURITY.md's tables are those that the profiles make now, and the generator
 * notices when they are not. Run in the source's top folder; the generator is
 * beside the tests in the build folder.
 */
#include "tests/unit/sandbox/sealed.h"

#include <libgen.h>
#include <limits.h>

static char generator[PATH_MAX];

static int
document_setup(void **state)
{
	char self[PATH_MAX];
	ssize_t n;

	(void)state;
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n <= 0)
		return (-1);
	self[n] = '\0';
	/* …/tests/unit/sandbox/document → …/tools/gen-security */
	for (int up = 0; up < 4; up++)
		dirname(self);
	n = snprintf(
	    generator, sizeof(generator), "%s/tools/gen-security", self);
	return (n < PATH_MAX ? 0 : -1);
}

static int
run_generator(const char *option, const char *file)
{
	int status;
	pid_t pid;

	fflush(NULL);
	if ((pid = fork()) == 0) {
		if (dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), 2) != -1)
			execl(generator, generator, option, file, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return (WEXITSTATUS(status));
}

static void
test_tables_are_current(void **state)
{
	int rc;

	(void)state;
	if (access("SECURITY.md", F_OK) != 0 && geteuid() != 0) {
		print_message("not applicable: not in the source's folder\n");
		skip();
	}
	rc = run_generator("-c", "SECURITY.md");
	if (rc != 0)
		print_error("SECURITY.md is not what the profiles say: run "
			    "`make security` (exit status %d)\n",
		    rc);
	assert_int_equal(rc, 0);
}

static void
write_text(const char *path, const char *text)
{
	FILE *f;

	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void
test_generator_notices(void **state)
{
	char path[] = "/tmp/portreeve-document-XXXXXX";
	int fd;

	(void)state;
	assert_true((fd = mkstemp(path)) >= 0);
	close(fd);
	write_text(path, "no marks\n");
	assert_int_equal(run_generator("-c", path), 1);
	assert_int_equal(run_generator("-w", path), 1);
	write_text(path,
	    "before\n<!-- made by `make security`: begin -->\nold\n"
	    "<!-- made by `make security`: end -->\nafter\n");
	assert_int_equal(run_generator("-c", path), 1);
	assert_int_equal(run_generator("-w", path), 0);
	assert_int_equal(run_generator("-c", path), 0);
	assert_int_equal(run_generator("-x", path), 2);
	unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tables_are_current),
	    cmocka_unit_test(test_generator_notices),
	};

	return (cmocka_run_group_tests(tests, document_setup, NULL));
}
