/*
 * Lines of authorized_keys: which hold a key, whatever stands before and behind
 * it, and its fingerprint as ssh-keygen -l has it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keys/line.h"
#include "lib/err.h"

#define BLOB                                                                   \
	"AAAAC3NzaC1lZDI1NTE5AAAAIGNMSRZiRKlCRiWZ4uWCAnq9yuwc6aSSz8RfIdPsJCtS"
#define KEY "ssh-ed25519 " BLOB
#define PRINT "SHA256:eZ+nF9fJyMeJ+AqOAH9r4GYxJ7/ri7xs9bDRagaCHrE"

static void
expect(const char *line, size_t n, int err)
{
	/* Bytes behind the line are nobody's. */
	char *copy = malloc(n + 1);
	char print[KEYS_FINGERPRINT_MAX];
	struct key key;
	int got;

	assert_non_null(copy);
	memcpy(copy, line, n);
	got = line_parse(copy, n, &key);
	free(copy);
	if (got != err)
		print_message("%.*s: %d\n", (int)n, line, got);
	assert_int_equal(got, err);
	if (err != 0)
		return;
	assert_string_equal(key.type, "ssh-ed25519");
	line_fingerprint(&key, print);
	assert_string_equal(print, PRINT);
}

static void
test_keys(void **state)
{
	static const char *const good[] = {
	    KEY,
	    KEY " alice@example",
	    "  \t" KEY,
	    "ssh-ed25519\t \t" BLOB "\tcomment with words",
	    KEY "\r",
	    "no-pty " KEY,
	    "from=\"a b,c\",no-pty " KEY,
	    "command=\"echo \\\"x y\\\" ssh-rsa AAAA\" " KEY,
	    "cert-authority\t" KEY " ssh-rsa AAAA",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		expect(good[i], strlen(good[i]), 0);
}

static void
test_no_keys(void **state)
{
	static const char *const none[] = {
	    "", " ", "\t", "#", ("# " KEY), "\r"};
	static const char *const bad[] = {
	    "ssh-ed25519",
	    "ssh-ed25519 ",
	    "ssh-ed25519 AAAA",
	    "ssh-rsa " BLOB,
	    "ssh-ed25518 " BLOB,
	    "ssh-ed2551 " BLOB,
	    "ssh-ed25519 " BLOB "!",
	    "ssh-ed25519 !" BLOB,
	    "ssh-ed25519 " BLOB "===",
	    "ssh-ed25519 " BLOB "A",
	    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
	    "command=\"" KEY,
	    "a b " KEY,
	    /* sshd knows only the quote behind a backslash. */
	    "environment=\"A=\\\\\" " KEY,
	    "root:$6$salt$hash:19000:0:99999:7:::",
	    "\"\"\"",
	    "\\",
	    "\\\"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		expect(none[i], strlen(none[i]), ERR_NOT_FOUND);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect(bad[i], strlen(bad[i]), ERR_SYNTAX);
	expect("ssh-ed25519\0 " BLOB, sizeof("ssh-ed25519\0 " BLOB) - 1,
	    ERR_SYNTAX);
}

/* A line that ends early is no key, wherever it ends. */
static void
test_cut(void **state)
{
	(void)state;
	for (size_t n = 1; n < strlen(KEY) - 1; n++) {
		struct key key;
		char *copy = malloc(n);
		int got;

		assert_non_null(copy);
		memcpy(copy, KEY, n);
		got = line_parse(copy, n, &key);
		free(copy);
		/* Of base64, whole bytes are as good as a shorter key. */
		if (n < strlen("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AA"))
			assert_int_equal(got, ERR_SYNTAX);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_no_keys),
	    cmocka_unit_test(test_cut),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
