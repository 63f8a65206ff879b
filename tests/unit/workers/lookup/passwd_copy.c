/* lookup's copy of /etc/passwd is as old as the file, and no older. */
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

#include "lib/fd.h"
#include "workers/lookup/passwd_copy.h"

#define LATER 60 /* seconds: by then no file is young */

static char folder[64], passwd_path[96], nss_path[96], new_path[96];
static struct passwd_copy copy;

static void
put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

/* The uid that the copy has for alice, so many seconds on; -1: none. */
static int
uid(time_t seconds)
{
	const struct passwd *pw =
	    passwd_copy_find(&copy, "alice", time(NULL) + seconds);

	return (pw == NULL ? -1 : (int)pw->pw_uid);
}

static int
begin(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/portreeve-passwd-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(passwd_path, sizeof(passwd_path), "%s/passwd", folder);
	snprintf(nss_path, sizeof(nss_path), "%s/nsswitch.conf", folder);
	snprintf(new_path, sizeof(new_path), "%s/new", folder);
	copy = (struct passwd_copy){
	    .passwd_path = passwd_path, .nss_path = nss_path};
	put(passwd_path, "alice:x:1001:1:::\n");
	put(nss_path, "passwd: files systemd\n");
	return (0);
}

static int
end(void **state)
{
	(void)state;
	passwd_table_free(&copy.table);
	unlink(passwd_path);
	unlink(nss_path);
	unlink(new_path);
	return (rmdir(folder));
}

static void
a_young_file_is_not_copied(void **state)
{
	(void)state;
	assert_int_equal(uid(0), -1);
	assert_int_equal(uid(-LATER), -1); /* a clock that was set back */
	assert_int_equal(uid(LATER), 1001);
	assert_int_equal(uid(0), 1001); /* it stands */
}

static void
another_file_in_its_place(void **state)
{
	(void)state;
	assert_int_equal(uid(LATER), 1001);
	put(new_path, "alice:x:1002:1:::\n");
	assert_int_equal(rename(new_path, passwd_path), 0);
	assert_int_equal(uid(0), -1);
	assert_int_equal(uid(LATER), 1002);
}

/* Of the same size and in the same inode; the next tick of the clock shows. */
static void
changed_in_place(void **state)
{
	struct stat before, after;

	(void)state;
	assert_int_equal(uid(LATER), 1001);
	assert_int_equal(stat(passwd_path, &before), 0);
	do {
		put(passwd_path, "alice:x:1003:1:::\n");
		assert_int_equal(stat(passwd_path, &after), 0);
	} while (before.st_ctim.tv_sec == after.st_ctim.tv_sec &&
		 before.st_ctim.tv_nsec == after.st_ctim.tv_nsec);
	assert_int_equal(uid(0), -1);
	assert_int_equal(uid(LATER), 1003);
}

static void
a_line_that_is_not_plain(void **state)
{
	(void)state;
	put(passwd_path, "alice:x:1001:1:::\n+::::::\n");
	assert_int_equal(uid(LATER), -1);
	assert_int_equal(uid(LATER), -1);
	put(new_path, "alice:x:1001:1:::\n");
	assert_int_equal(rename(new_path, passwd_path), 0);
	assert_int_equal(uid(LATER), 1001);
}

static void
other_sources_first(void **state)
{
	(void)state;
	assert_int_equal(uid(LATER), 1001);
	put(nss_path, "passwd: sss files\n");
	assert_int_equal(uid(LATER), -1);
	put(nss_path, "passwd: files sss ldap\n");
	assert_int_equal(uid(LATER), 1001);
	assert_int_equal(unlink(nss_path), 0);
	assert_int_equal(uid(LATER), -1);
}

static void
what_cannot_be_read_is_tried_again(void **state)
{
	(void)state;
	assert_int_equal(unlink(passwd_path), 0);
	assert_int_equal(uid(LATER), -1);
	assert_int_equal(mkdir(passwd_path, 0755), 0);
	assert_int_equal(uid(LATER), -1);
	assert_int_equal(rmdir(passwd_path), 0);
	put(passwd_path, "alice:x:1001:1:::\n");
	assert_int_equal(uid(LATER), 1001);
}

/* Longer than a table may be: getpwnam() has it all the same. */
static void
too_long(void **state)
{
	(void)state;
	assert_int_equal(truncate(passwd_path, (off_t)PASSWD_SIZE_MAX + 1), 0);
	assert_int_equal(uid(LATER), -1);
	assert_null(copy.table.text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		a_young_file_is_not_copied, begin, end),
	    cmocka_unit_test_setup_teardown(
		another_file_in_its_place, begin, end),
	    cmocka_unit_test_setup_teardown(changed_in_place, begin, end),
	    cmocka_unit_test_setup_teardown(
		a_line_that_is_not_plain, begin, end),
	    cmocka_unit_test_setup_teardown(other_sources_first, begin, end),
	    cmocka_unit_test_setup_teardown(
		what_cannot_be_read_is_tried_again, begin, end),
	    cmocka_unit_test_setup_teardown(too_long, begin, end),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
