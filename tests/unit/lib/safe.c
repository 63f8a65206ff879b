/*
 * Who may choose which file a path leads to: each folder on the way, each
 * link and the file itself, belonging to another user or open to others.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/fd.h"
#include "lib/safe.h"

#define OTHER 64990

static char top[] = "/tmp/portreeve-safe.XXXXXX";

static const char *
below(const char *name)
{
	static char path[4][128];
	static unsigned turn;
	char *p = path[turn++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", top, name);
	return (p);
}

static void
make_file(const char *name)
{
	int fd =
	    open(below(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
}

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(top) == NULL || chmod(top, 0755) != 0)
		return (-1);
	assert_int_equal(mkdir(below("dir"), 0755), 0);
	make_file("dir/file");
	return (0);
}

static int
teardown(void **state)
{
	char command[64];

	(void)state;
	unlink(below("dir/file"));
	rmdir(below("dir"));
	snprintf(command, sizeof(command), "%s", top);
	return (rmdir(command));
}

static void
opens(const char *path)
{
	char why[SAFE_REASON_MAX], byte;
	int fd = safe_open_file(path, geteuid(), why, sizeof(why));

	if (fd < 0)
		print_error("%s: %s\n", path, why);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, &byte, 1), 1);
	assert_int_equal(byte, 'x');
	close(fd);
}

static void
refused(const char *path, int error, const char *word)
{
	char why[SAFE_REASON_MAX];
	int fd = safe_open_file(path, geteuid(), why, sizeof(why));

	assert_int_equal(fd, -1);
	assert_int_equal(errno, error);
	if (strstr(why, word) == NULL)
		print_error("%s: %s, wanted %s\n", path, why, word);
	assert_non_null(strstr(why, word));
}

static void
test_ways_that_are_ours(void **state)
{
	char cwd[4096];

	(void)state;
	opens(below("dir/file"));
	opens(below("dir//./../dir/file"));
	assert_int_equal(symlink("dir", below("link")), 0);
	assert_int_equal(symlink(below("link/file"), below("other")), 0);
	opens(below("link/file"));
	opens(below("other"));
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	assert_int_equal(chdir(top), 0);
	opens("dir/file");
	opens("other");
	assert_int_equal(chdir(cwd), 0);
	unlink(below("link"));
	unlink(below("other"));
}

static void
test_what_is_no_file(void **state)
{
	(void)state;
	refused(below("dir"), EPERM, "not a regular file");
	refused("/", EPERM, "not a regular file");
	refused(below("none"), ENOENT, "No such file");
	refused(below("none/file"), ENOENT, "No such file");
	refused(below("dir/file/x"), ENOTDIR, "Not a directory");
	refused(below("dir/file/"), ENOTDIR, "Not a directory");
	refused("/dev/null", EPERM, "not a regular file");
	assert_int_equal(mkfifo(below("fifo"), 0600), 0);
	refused(below("fifo"), EPERM, "not a regular file");
	unlink(below("fifo"));
	assert_int_equal(symlink("loop", below("loop")), 0);
	refused(below("loop"), ELOOP, "symbolic links");
	unlink(below("loop"));
}

static void
test_modes(void **state)
{
	static const mode_t modes[] = {0775, 0757, 0777};

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(chmod(below("dir"), modes[i]), 0);
		refused(below("dir/file"), EPERM, "can write to the folder");
	}
	/* Where others may make files, but not take ours away. */
	assert_int_equal(chmod(below("dir"), 01777), 0);
	opens(below("dir/file"));
	assert_int_equal(chmod(below("dir"), 0755), 0);
	assert_int_equal(chmod(below("dir/file"), 0620), 0);
	refused(below("dir/file"), EPERM, "chmod go-w");
	assert_int_equal(chmod(below("dir/file"), 0600), 0);
}

/* A folder on the way, a link and the file that another user owns. */
static void
test_owners(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("not applicable: needs root\n");
		skip();
	}
	assert_int_equal(chown(below("dir"), OTHER, OTHER), 0);
	refused(below("dir/file"), EPERM, "belongs to another user");
	/* Not by way of it either, wherever that ends. */
	assert_int_equal(symlink("/etc/passwd", below("dir/leads")), 0);
	refused(below("dir/leads"), EPERM, "the folder");
	refused(below("dir/../dir/file"), EPERM, "the folder");
	refused(below("dir/.././none"), EPERM, "the folder");
	unlink(below("dir/leads"));
	assert_int_equal(chown(below("dir"), 0, 0), 0);
	assert_int_equal(symlink("file", below("dir/link")), 0);
	opens(below("dir/link"));
	assert_int_equal(lchown(below("dir/link"), OTHER, OTHER), 0);
	refused(below("dir/link"), EPERM, "the link");
	unlink(below("dir/link"));
	assert_int_equal(chown(below("dir/file"), OTHER, OTHER), 0);
	refused(below("dir/file"), EPERM, "belongs to another user");
	assert_int_equal(chown(below("dir/file"), 0, 0), 0);
	opens(below("dir/file"));
}

static void
program(uid_t uid, const char *word)
{
	char why[SAFE_REASON_MAX] = "";
	int fd = safe_open_program(below("dir/file"), uid, why, sizeof(why));

	if (word == NULL)
		assert_true(fd >= 0);
	else
		assert_int_equal(fd, -1);
	if (word != NULL && strstr(why, word) == NULL)
		print_error("%s, wanted %s\n", why, word);
	assert_true(word == NULL || strstr(why, word) != NULL);
	fd_close(&fd);
}

/* Of its user's own, who needs no leave to change what runs as that user. */
static void
test_programs(void **state)
{
	(void)state;
	program(geteuid(), "may not be executed");
	/* It need not be readable. */
	assert_int_equal(chmod(below("dir/file"), 0111), 0);
	program(geteuid(), NULL);
	assert_int_equal(chmod(below("dir/file"), 0775), 0);
	program(geteuid(), "chmod go-w");
	assert_int_equal(chmod(below("dir/file"), 0755), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(below("dir/file"), OTHER, OTHER), 0);
		program(OTHER, NULL);
		program(0, "belongs to another user");
		program(OTHER + 1, "belongs to another user");
		assert_int_equal(chown(below("dir/file"), 0, 0), 0);
		program(OTHER, NULL);
	}
	assert_int_equal(chmod(below("dir/file"), 0600), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ways_that_are_ours),
	    cmocka_unit_test(test_what_is_no_file),
	    cmocka_unit_test(test_modes),
	    cmocka_unit_test(test_owners),
	    cmocka_unit_test(test_programs),
	};

	return (cmocka_run_group_tests(tests, setup, teardown));
}
