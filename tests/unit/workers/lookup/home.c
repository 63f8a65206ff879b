/*
 * What lookup reads in homes and in utmp: only what everybody may read, and
 * nothing that hangs, floods or is another's.
 */
#include <sys/stat.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utmp.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "workers/lookup/home.h"
#include "workers/lookup/logins.h"
#include "workers/lookup/users.h"

static char home[64];
static uint8_t buf[HOME_FILE_MAX];

static int
make_home(void **state)
{
	(void)state;
	strcpy(home, "/tmp/portreeve-home-XXXXXX");
	assert_non_null(mkdtemp(home));
	return (chmod(home, 0755));
}

static int
remove_home(void **state)
{
	static const char *const names[] = {".plan", ".nofinger", "other"};
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", home, names[i]);
		unlink(path);
	}
	return (rmdir(home));
}

static const char *
path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", home, name);
	return (path);
}

static void
write_file(const char *name, const void *bytes, size_t n, mode_t mode)
{
	int fd =
	    open(path_of(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, bytes, n), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

/* What is told of .plan, its number of bytes. */
static int
read_plan(uid_t owner)
{
	int fd = home_open(home), n;

	assert_true(fd >= 0);
	n = home_read(fd, ".plan", owner, buf);
	close(fd);
	return (n);
}

static void
test_reads_a_plan(void **state)
{
	(void)state;
	assert_int_equal(read_plan(getuid()), 0);
	write_file(".plan", "to grow\n", 8, 0644);
	assert_int_equal(read_plan(getuid()), 8);
	assert_memory_equal(buf, "to grow\n", 8);
}

static void
test_not_anothers(void **state)
{
	(void)state;
	write_file(".plan", "to grow\n", 8, 0644);
	assert_int_equal(read_plan(getuid() + 1), 0);
}

static void
test_not_a_private_one(void **state)
{
	(void)state;
	write_file(".plan", "to grow\n", 8, 0640);
	assert_int_equal(read_plan(getuid()), 0);
}

static void
test_not_through_a_link(void **state)
{
	(void)state;
	write_file("other", "to grow\n", 8, 0644);
	assert_int_equal(symlink("other", path_of(".plan")), 0);
	assert_int_equal(read_plan(getuid()), 0);
}

static void
test_no_fifo(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(path_of(".plan"), 0644), 0);
	assert_int_equal(chmod(path_of(".plan"), 0644), 0);
	assert_int_equal(read_plan(getuid()), 0);
}

static void
test_no_folder(void **state)
{
	(void)state;
	assert_int_equal(mkdir(path_of(".plan"), 0755), 0);
	assert_int_equal(read_plan(getuid()), 0);
	assert_int_equal(rmdir(path_of(".plan")), 0);
}

static void
test_sizes(void **state)
{
	static uint8_t big[HOME_FILE_MAX + 1];

	(void)state;
	memset(big, 'x', sizeof(big));
	write_file(".plan", big, HOME_FILE_MAX, 0644);
	assert_int_equal(read_plan(getuid()), HOME_FILE_MAX);
	assert_int_equal(unlink(path_of(".plan")), 0);
	write_file(".plan", big, HOME_FILE_MAX + 1, 0644);
	assert_int_equal(read_plan(getuid()), 0);
}

static void
test_a_huge_file_is_not_begun(void **state)
{
	(void)state;
	write_file(".plan", "x", 1, 0644);
	assert_int_equal(truncate(path_of(".plan"), 1 << 30), 0);
	assert_int_equal(read_plan(getuid()), 0);
}

static void
test_a_closed_home(void **state)
{
	(void)state;
	assert_int_equal(chmod(home, 0750), 0);
	assert_int_equal(home_open(home), ERR_REFUSED);
	/* The folder above counts as well. */
	assert_int_equal(mkdir(path_of("other"), 0755), 0);
	assert_int_equal(home_open(path_of("other")), ERR_REFUSED);
	assert_int_equal(rmdir(path_of("other")), 0);
	assert_int_equal(chmod(home, 0755), 0);
}

static void
test_no_home(void **state)
{
	(void)state;
	assert_int_equal(home_open("relative"), ERR_REFUSED);
	assert_int_equal(home_open(""), ERR_REFUSED);
	assert_int_equal(home_open(path_of("none")), ERR_NOT_FOUND);
	write_file("other", "x", 1, 0644);
	assert_int_equal(home_open(path_of("other")), ERR_NOT_FOUND);
}

static void
test_nofinger_hides(void **state)
{
	int fd = home_open(home);

	(void)state;
	assert_int_equal(home_hides(fd), 0);
	assert_int_equal(symlink("nowhere", path_of(".nofinger")), 0);
	assert_int_equal(home_hides(fd), 1);
	close(fd);
}

/* Where it cannot be told whether a user hides, he does. */
static void
test_doubt_hides(void **state)
{
	int fd;

	(void)state;
	write_file("other", "x", 1, 0644);
	fd = open(path_of("other"), O_PATH | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(home_hides(fd), 1);
	close(fd);
}

static int
count_logins(const struct login_record *login, void *arg)
{
	int *n = arg;

	if (*n == 0) {
		assert_int_equal(strlen(login->user), 32);
		assert_int_equal(strlen(login->tty), 32);
		assert_int_equal(strlen(login->host), 256);
		assert_int_equal(login->since, 1234);
	}
	(*n)++;
	return (0);
}

/* Fields that fill their place have no NUL; a file may end in half a record. */
static void
test_utmp(void **state)
{
	struct utmp u[2];
	int n = 0;

	(void)state;
	memset(u, 'x', sizeof(u));
	u[0].ut_type = USER_PROCESS;
	u[0].ut_tv.tv_sec = 1234;
	u[1].ut_type = DEAD_PROCESS;
	write_file("other", u, sizeof(u) + 0, 0644);
	logins_each(path_of("other"), count_logins, &n);
	assert_int_equal(n, 1);
	assert_int_equal(truncate(path_of("other"), sizeof(u[0]) / 2), 0);
	n = 0;
	logins_each(path_of("other"), count_logins, &n);
	logins_each(path_of("none"), count_logins, &n);
	assert_int_equal(n, 0);
}

static void
test_utmp_is_bounded(void **state)
{
	static struct utmp u[2 * LOGINS_MAX];
	int n = 1;

	(void)state;
	/* One that is none, so that the bound lies within what is read. */
	for (size_t i = 1; i < sizeof(u) / sizeof(u[0]); i++) {
		u[i].ut_type = USER_PROCESS;
		strcpy(u[i].ut_user, "alice");
	}
	write_file("other", u, sizeof(u), 0644);
	logins_each(path_of("other"), count_logins, &n);
	assert_int_equal(n, LOGINS_MAX + 1);
}

static void
test_idle_takes_terminals_alone(void **state)
{
	(void)state;
	assert_int_equal(logins_idle("../etc/passwd"), 0);
	assert_int_equal(logins_idle("/etc/passwd"), 0);
	assert_int_equal(logins_idle("none/such"), 0);
	assert_int_equal(logins_idle(""), 0);
}

static void
test_gecos(void **state)
{
	const char *part;

	(void)state;
	assert_int_equal(users_gecos("A B,R 1,,3", 0, &part), 3);
	assert_memory_equal(part, "A B", 3);
	assert_int_equal(users_gecos("A B,R 1,,3", 1, &part), 3);
	assert_int_equal(users_gecos("A B,R 1,,3", 2, &part), 0);
	assert_int_equal(users_gecos("A B,R 1,,3", 3, &part), 1);
	assert_int_equal(users_gecos("A B,R 1,,3", 4, &part), 0);
	assert_int_equal(users_gecos("", 3, &part), 0);
}

#define WITH_HOME(f) cmocka_unit_test_setup_teardown(f, make_home, remove_home)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_HOME(test_reads_a_plan),
	    WITH_HOME(test_not_anothers),
	    WITH_HOME(test_not_a_private_one),
	    WITH_HOME(test_not_through_a_link),
	    WITH_HOME(test_no_fifo),
	    WITH_HOME(test_no_folder),
	    WITH_HOME(test_sizes),
	    WITH_HOME(test_a_huge_file_is_not_begun),
	    WITH_HOME(test_a_closed_home),
	    WITH_HOME(test_no_home),
	    WITH_HOME(test_nofinger_hides),
	    WITH_HOME(test_doubt_hides),
	    WITH_HOME(test_utmp),
	    WITH_HOME(test_utmp_is_bounded),
	    cmocka_unit_test(test_idle_takes_terminals_alone),
	    cmocka_unit_test(test_gecos),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
