/* What statements of ssh say together, and what is wrong about that. */
#include "tests/stage/conf.h"

#define IN "system { services { ssh {\n"
#define END "\n} } }"

static void
test_keys_command(void **state)
{
	(void)state;
	EXPECT(IN "authorized-keys-command /bin/k;" END,
	    ERROR(2, 1, "needs `authorized-keys-command-user NAME;`"));
	EXPECT(IN "authorized-keys-command-user keys;" END,
	    ERROR(2, 1, "needs `authorized-keys-command \"PATH\";`"));
	EXPECT(IN "inactive: authorized-keys-command /bin/k;\n"
		  "authorized-keys-command-user keys;" END,
	    ERROR(3, 1, "needs `authorized-keys-command \"PATH\";`"));
	EXPECT(IN "authorized-keys-command \"bin/k\";" END,
	    ERROR(2, 1, "needs `authorized-keys-command-user NAME;`"),
	    ERROR(2, 25, "does not begin with an absolute path"));
}

static void
test_principals(void **state)
{
	(void)state;
	EXPECT(IN "authorized-principals-file p;\n"
		  "authorized-principals-command /bin/p;" END,
	    WARNING(2, 1, "no effect without `trusted-user-ca-key-file PATH;`"),
	    WARNING(3, 1, "no effect without `trusted-user-ca-key-file"));
}

static void
test_hostkeys(void **state)
{
	(void)state;
	EXPECT(IN "hostkey-algorithm {\nno-ssh-rsa; no-ssh-ecdsa;\n"
		  "no-ssh-ed25519; }" END,
	    ERROR(4, 1, "leaves no kind of host key"));
	EXPECT(IN "hostkey-algorithm { ssh-rsa;\nno-ssh-rsa; }" END,
	    ERROR(3, 1, "no-ssh-rsa contradicts ssh-rsa (line 2)"));
	EXPECT(
	    IN "hostkey-algorithm { ssh-rsa2; }" END, ERROR(2, 21, "ssh-rsa2"));
}

static void
test_rekey(void **state)
{
	struct parsed p = services_ok("ssh { rekey { data-limit 51200; } "
				      "rekey { time-limit 1440; } }");

	(void)state;
	assert_int_equal(p.conf->services[0].ssh.rekey_data, 51200);
	assert_int_equal(p.conf->services[0].ssh.rekey_time, 1440);
	parsed_free(&p);
}

/* Repeated, or a list: each line is one more. */
static void
test_options(void **state)
{
	struct parsed p =
	    services_ok("ssh { sshd-option \"A b\"; sshd-option [ c d ]; }");
	const struct conf_words *options = &p.conf->services[0].ssh.options;

	(void)state;
	assert_int_equal(options->count, 3);
	assert_string_equal(options->words[0], "A b");
	assert_string_equal(options->words[2], "d");
	parsed_free(&p);
	EXPECT(IN "sshd-option \"\";" END, ERROR(2, 13, "may not be empty"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_keys_command),
	    cmocka_unit_test(test_principals),
	    cmocka_unit_test(test_hostkeys),
	    cmocka_unit_test(test_rekey),
	    cmocka_unit_test(test_options),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
