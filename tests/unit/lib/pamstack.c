/* Which modules PAM's files name, through every way of including one. */
#include <sys/stat.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/pamstack.h"

#define MODULE "pam_portreeve.so"

static char top[] = "/tmp/portreeve-pamstack-XXXXXX";
static char etc[64], vendor[64];
static const char *const folders[] = {etc, vendor, NULL};

static void
put(const char *folder, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (text == NULL) {
		unlink(path);
		return;
	}
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static bool
runs(const char *type)
{
	return (pamstack_runs(folders, "sshd", type, MODULE, NULL, 0));
}

static void
test_lines(void **state)
{
	static const struct {
		const char *text;
		bool account;
	} all[] = {
	    {"", false},
	    {"account required pam_portreeve.so\n", true},
	    {"account required pam_portreeve.so socket=/x", true},
	    {"-ACCOUNT\trequired\t/opt/lib/pam_portreeve.so\n", true},
	    {"account [success=ok default=bad]  pam_portreeve.so\n", true},
	    {"account required \\\n  pam_portreeve.so\n", true},
	    {"#account required pam_portreeve.so\n", false},
	    {"account required pam_unix.so # pam_portreeve.so\n", false},
	    {"account required pam_unix.so pam_portreeve.so\n", false},
	    {"session required pam_portreeve.so\n", false},
	    {"account required xpam_portreeve.so\n", false},
	    {"account include common\n", true},
	    {"account substack common\n", true},
	    {"session include common\n", false},
	    {"@include common\n", true},
	    {"@include nothing\n", false},
	    {"account include sshd\n", false},
	};

	(void)state;
	put(etc, "common",
	    "auth optional pam_portreeve.so\n"
	    "account required pam_portreeve.so\n");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		put(etc, "sshd", all[i].text);
		if (runs("account") != all[i].account)
			print_message("%s", all[i].text);
		assert_int_equal(runs("account"), all[i].account);
	}
	put(etc, "sshd", NULL);
	put(etc, "common", NULL);
}

/* The first folder that has the file; without one, `other`. */
static void
test_folders(void **state)
{
	char path[64] = "";

	(void)state;
	assert_false(runs("session"));
	put(etc, "other", "session required pam_portreeve.so\n");
	assert_true(runs("session"));
	put(vendor, "sshd", "session required pam_deny.so\n");
	assert_false(runs("session"));
	put(vendor, "sshd", "session required /a/pam_portreeve.so\n");
	assert_true(pamstack_runs(
	    folders, "sshd", "session", MODULE, path, sizeof(path)));
	assert_string_equal(path, "/a/pam_portreeve.so");
	put(etc, "sshd", "session required pam_deny.so\n");
	assert_false(runs("session"));
	put(etc, "sshd", NULL);
	put(etc, "other", NULL);
	put(vendor, "sshd", NULL);
}

static void
test_installed(void **state)
{
	(void)state;
	assert_true(pamstack_is_installed("pam_unix.so"));
	assert_false(pamstack_is_installed("pam_there_is_none.so"));
	assert_false(pamstack_is_installed("/nonexistent/pam_unix.so"));
}

static int
make_folders(void **state)
{
	(void)state;
	if (mkdtemp(top) == NULL)
		return (-1);
	snprintf(etc, sizeof(etc), "%s/etc", top);
	snprintf(vendor, sizeof(vendor), "%s/vendor", top);
	return (mkdir(etc, 0700) | mkdir(vendor, 0700));
}

static int
remove_folders(void **state)
{
	(void)state;
	return (rmdir(etc) | rmdir(vendor) | rmdir(top));
}

/* The line that asks, and not the one that only reports. */
static void
test_order(void **state)
{
	static const struct {
		const char *text;
		bool order;
	} all[] = {
	    {"auth required pam_portreeve.so\n", false},
	    {"auth required pam_portreeve.so order\n", true},
	    {"auth required pam_portreeve.so\nauth [default=die] "
	     "/opt/pam_portreeve.so debug order\n",
		true},
	    {"auth required pam_portreeve.so reorder\n", false},
	    {"account required pam_portreeve.so order\n", false},
	    {"auth required pam_unix.so order\n", false},
	    {"# auth required pam_portreeve.so order\n", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		put(etc, "sshd", all[i].text);
		assert_int_equal(
		    pamstack_has_order(folders, "sshd"), all[i].order);
	}
	put(etc, "sshd", NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines),
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_folders),
	    cmocka_unit_test(test_installed),
	};

	return (cmocka_run_group_tests(tests, make_folders, remove_folders));
}
