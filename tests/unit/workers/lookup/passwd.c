/*
 * lookup's table of /etc/passwd: it has what the C library would find there,
 * and there is none where they might differ.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/stage/passwd.h"
#include "workers/lookup/passwd.h"

#define ROOT "root:x:0:0:root:/root:/bin/sh\n"

static bool
compare(const char *text)
{
	return (passwd_compare(text, strlen(text)));
}

static void
plain_lines(void **state)
{
	static const char *const texts[] = {"", "\n", ROOT,
	    (ROOT "alice:x:1000:1000:Alice,R 1,,:/home/alice:/bin/zsh\n"),
	    ("#\n\n# root:x:1:1:::\n" ROOT),
	    "a:x:1:1:::\na:x:2:2:other:/:/bin/sh\n", /* the first counts */
	    "a::0001:4294967295:::",		     /* without an end */
	    "a:x:1:1:a#b: /x y :/bin/sh -l\r\n", "\xc3\xa4:x:1:1:\xff:/:\n",
	    "a b:x:1:1:::\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_true(compare(texts[i]));
}

/* Parsers make this or that of them; NIS's mean another database. */
static void
other_lines(void **state)
{
	static const char *const lines[] = {"+\n", "+::::::\n",
	    "+alice:::::/home:\n", "-alice::::::\n", "+@group::::::\n",
	    " a:x:1:1:::\n", "\ta:x:1:1:::\n", "a\n", "a:x\n", "a:x:1:1::\n",
	    "a:x:1:1::::\n", "a:x::1:::\n", "a:x:1::::\n", "a:x:-1:1:::\n",
	    "a:x:+1:1:::\n", "a:x: 1:1:::\n", "a:x:1 :1:::\n", "a:x:0x1:1:::\n",
	    "a:x:4294967296:1:::\n", "a:x:1:99999999999:::\n", ":x:1:1:::\n",
	    "::::::\n", " \n"};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		snprintf(text, sizeof(text), ROOT "%s" ROOT, lines[i]);
		assert_false(compare(text));
	}
	assert_false(passwd_compare("a:x:1:1::\0:\n", 12));
}

/* Names that a line ends in, or begins with, are no names. */
static void
whole_names(void **state)
{
	static const char *const names[] = {
	    "", "roo", "root:x", "x", "0", "/root", "roots", "ROOT"};
	struct passwd_table t;
	char *text = strdup(ROOT "r:x:1:1:::\n");

	(void)state;
	assert_true(passwd_table_make(&t, text, strlen(text)));
	assert_non_null(passwd_table_find(&t, "root"));
	assert_string_equal(passwd_table_find(&t, "r")->pw_gecos, "");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_null(passwd_table_find(&t, names[i]));
	passwd_table_free(&t);
	assert_null(passwd_table_find(&t, "root"));
}

/* A line a user; how many lines a file may have. */
static void
many_lines(void **state)
{
	static const size_t counts[] = {100000, PASSWD_LINES_MAX};
	const size_t most = 64;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char *text = malloc(counts[i] * most + 1);
		struct passwd_table t;
		size_t n = 0;

		assert_non_null(text);
		for (size_t u = 0; u < counts[i]; u++)
			n += (size_t)snprintf(text + n, most,
			    "u%zu:x:%zu:1::/h/u%zu:/bin/sh\n", u, u, u);
		/* The last line's end begins one more. */
		assert_true(passwd_table_make(&t, text, n) == (i == 0));
		if (i > 0)
			continue;
		assert_int_equal(
		    passwd_table_find(&t, "u99999")->pw_uid, 99999);
		assert_null(passwd_table_find(&t, "u100000"));
		passwd_table_free(&t);
	}
}

static void
nsswitch(void **state)
{
	static const struct {
		const char *text;
		bool files;
	} cases[] = {{"passwd: files\n", true}, {"passwd:files", true},
	    {"passwd:\tfiles systemd\ngroup: db\n", true},
	    {"# a\n  passwd :  files [", false},
	    {"group: x\n passwd : files # [x]\n", true},
	    {"passwd: files sss [NOTFOUND=return]\n", true}, {"", false},
	    {"group: files\n", false}, {"passwd:\n", false},
	    {"passwd: systemd files\n", false}, {"passwd: compat\n", false},
	    {"passwd: filesystem\n", false}, {"passwd: file\n", false},
	    {"passwd: files [SUCCESS=merge] ldap\n", false},
	    {"passwd: files[SUCCESS=continue] ldap\n", false},
	    {"passwd: files\npasswd: ldap\n", false},
	    {"passwd: files\npasswd_compat: nis\n", false},
	    {"passwd\nfiles\n", false}, {"passwd # :files\n", false},
	    {"#passwd: files\n", false}, {"passwd: files\n#passwd: x\n", true}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (passwd_nss_begins_with_files(
			cases[i].text, strlen(cases[i].text)) != cases[i].files)
			fail_msg("%s", cases[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(plain_lines),
	    cmocka_unit_test(other_lines),
	    cmocka_unit_test(whole_names),
	    cmocka_unit_test(many_lines),
	    cmocka_unit_test(nsswitch),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
