/*
 * What nsswitch.conf's modules need: lines of real hosts, and those that only
 * look as if they named a module.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <unistd.h>

#include "planner/nss.c" /* NOLINT(bugprone-suspicious-include): its statics */

static void
judge(const char *text, bool compat, enum nss_need need, const char *module)
{
	char found[NSS_MODULE_MAX];
	union {
		const char *in;
		char *out;
	} u = {.in = text};
	FILE *f = fmemopen(u.out, strlen(text), "r");

	assert_non_null(f);
	if (nss_judge(f, compat, found) != need || strcmp(found, module) != 0) {
		print_error("%s: %s\n", text, found);
		fail();
	}
	fclose(f);
}

static void
test_local(void **state)
{
	(void)state;
	judge("# nothing\n", false, NSS_LOCAL, "");
	judge("passwd: files systemd\ngroup:\tfiles [SUCCESS=merge] systemd\n"
	      "shadow: files\nhosts: files mdns4 [NOTFOUND=return] dns\n"
	      "services: db files\nnetgroup: nis\n",
	    false, NSS_LOCAL, "");
	judge("passwd: files sss\ngroup: files sss winbind\n"
	      "initgroups: files [ SUCCESS=continue ] sss\n",
	    false, NSS_LOCAL, "");
	judge("passwd: compat\ngroup: compat\n", false, NSS_LOCAL, "");
	judge("passwd: files # nis\n#group: ldap\n", false, NSS_LOCAL, "");
}

static void
test_network(void **state)
{
	(void)state;
	judge("passwd: files nis\n", false, NSS_NETWORK, "nis");
	judge("group:files ldap", false, NSS_NETWORK, "ldap");
	judge(" services : nis [NOTFOUND=return] files\n", false, NSS_NETWORK,
	    "nis");
	judge("initgroups: files [SUCCESS=continue]hesiod\n", false,
	    NSS_NETWORK, "hesiod");
	judge("passwd: compat\npasswd_compat: ldap\n", false, NSS_NETWORK,
	    "ldap");
	judge("passwd: compat\n", true, NSS_NETWORK, "compat");
}

static void
test_unknown(void **state)
{
	char text[NSS_LINE_MAX + 10];

	(void)state;
	judge("passwd: files corp\n", false, NSS_UNKNOWN, "corp");
	memset(text, ' ', sizeof(text));
	snprintf(text + NSS_LINE_MAX - 1, 10, "nis\n");
	judge(text, false, NSS_UNKNOWN, "");
}

static void
test_plus(void **state)
{
	char path[] = "/tmp/portreeve-nss-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "a:+\nb\n", 6), 6);
	assert_false(nss_has_plus(path));
	assert_int_equal(write(fd, "+::::\n", 6), 6);
	assert_true(nss_has_plus(path));
	close(fd);
	unlink(path);
	assert_false(nss_has_plus(path));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_local),
	    cmocka_unit_test(test_network),
	    cmocka_unit_test(test_unknown),
	    cmocka_unit_test(test_plus),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
