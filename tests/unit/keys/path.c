/* AuthorizedKeysFile's words, as sshd_config(5) has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "keys/path.h"
#include "lib/err.h"

static const struct key_user alice = {"alice", "/home/alice", 1000};

static void
test_paths(void **state)
{
	static const struct {
		const char *list;
		unsigned place;
		const char *path; /* NULL: err */
		int err;
	} all[] = {
	    {".ssh/authorized_keys .ssh/b", 0,
		"/home/alice/.ssh/authorized_keys", 0},
	    {".ssh/authorized_keys .ssh/b", 1, "/home/alice/.ssh/b", 0},
	    {".ssh/authorized_keys .ssh/b", 2, NULL, ERR_NOT_FOUND},
	    {"/etc/keys/%u", 0, "/etc/keys/alice", 0},
	    {"%h/.keys", 0, "/home/alice/.keys", 0},
	    {"\t/k/%U-%%-%u ", 0, "/k/1000-%-alice", 0},
	    {"none", 0, NULL, ERR_NOT_FOUND},
	    {"", 0, NULL, ERR_NOT_FOUND},
	    {"/k/%x", 0, NULL, ERR_SYNTAX},
	    {"/k/%", 0, NULL, ERR_SYNTAX},
	};
	char path[KEYS_PATH_MAX], list[KEYS_PATH_MAX + 8];

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		assert_int_equal(
		    path_of(all[i].list, all[i].place, &alice, path),
		    all[i].err);
		if (all[i].err == 0)
			assert_string_equal(path, all[i].path);
	}
	memset(list, 'a', sizeof(list));
	list[0] = '/';
	list[KEYS_PATH_MAX - 1] = '\0';
	assert_int_equal(path_of(list, 0, &alice, path), 0);
	assert_string_equal(path, list);
	list[KEYS_PATH_MAX - 1] = 'a';
	list[KEYS_PATH_MAX] = '\0';
	assert_int_equal(path_of(list, 0, &alice, path), ERR_TOO_LONG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_paths)};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
