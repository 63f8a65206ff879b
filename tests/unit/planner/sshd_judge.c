/*
 * What sshd complains of, reported at the statement that it is about. A script
 * takes sshd's place: no installed sshd refuses a word that ours has.
 */
#include <sys/stat.h>

#include <unistd.h>

#include "planner/sshd_judge.h"
#include "tests/stage/conf.h"

static char folder[] = "/tmp/portreeve-judge-XXXXXX";
static char sshd[64], config[64];

static const char text[] = "# Written by us.\n"
			   "# ciphers\nCiphers 3des-cbc\n"
			   "# key-exchange\nKexAlgorithms old\n"
			   "# rekey\nRekeyLimit 1 2\n";

static void
complain(const char *words)
{
	FILE *f = fopen(sshd, "we");

	assert_non_null(f);
	fprintf(f, "#!/bin/sh\ncat >&2 <<'END'\n%s\nEND\nexit 255\n", words);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(sshd, 0755), 0);
}

static struct parsed
judge(const char *words)
{
	struct parsed p = services_ok(
	    "ssh {\nciphers 3des-cbc;\nkey-exchange dh-group1-sha1;\n"
	    "rekey {\ndata-limit 51200; } }");
	struct sshd_judge j = {.sshd = sshd,
	    .conf = p.conf,
	    .ssh = service_of(&p, "ssh"),
	    .config = config,
	    .copies = "/nowhere",
	    .text = text,
	    .ours = text,
	    .report = &p.report};

	j.pos = j.ssh->pos;
	complain(words);
	assert_int_not_equal(sshd_judge(&j), 0);
	return (p);
}

static void
expect(const char *words, unsigned line, const char *begin)
{
	struct parsed p = judge(words);

	assert_int_equal(p.report.errors, 1);
	if (p.report.diags[0].pos.line != line ||
	    strncmp(p.report.diags[0].text, begin, strlen(begin)) != 0)
		parsed_print(&p);
	assert_int_equal(p.report.diags[0].pos.line, line);
	assert_int_equal(
	    strncmp(p.report.diags[0].text, begin, strlen(begin)), 0);
	parsed_free(&p);
}

/* The services begin in line 2 of what is parsed. */
static void
test_places(void **state)
{
	struct parsed p;
	char words[256];

	(void)state;
	snprintf(words, sizeof(words),
	    "%s line 3: Bad SSH2 cipher spec '3des-cbc'.", config);
	expect(words, 3, "ciphers: sshd: Bad SSH2 cipher spec '3des-cbc'");
	snprintf(words, sizeof(words),
	    "Unsupported KEX algorithm \"old\"\n"
	    "%s line 5: Bad SSH2 KexAlgorithms 'old'.",
	    config);
	expect(words, 4, "key-exchange: sshd: Bad SSH2 KexAlgorithms 'old'");
	/* Not the list alone: what there is to choose from. */
	p = judge(words);
	assert_non_null(strstr(
	    p.report.diags[0].text, "; this OpenSSH has diffie-hellman-group"));
	parsed_free(&p);
}

static void
test_elsewhere(void **state)
{
	char words[256];

	(void)state;
	expect("no such thing", 2, "sshd refuses what this becomes: no such");
	expect("", 2, "sshd refuses what this becomes, and gives no reason");
	/* A line that is no statement's, and one past the end. */
	snprintf(words, sizeof(words), "%s line 1: what", config);
	expect(words, 2, "sshd refuses what this becomes: ");
	snprintf(words, sizeof(words), "%s line 99: what", config);
	expect(words, 2, "sshd refuses what this becomes: ");
}

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return (-1);
	snprintf(sshd, sizeof(sshd), "%s/sshd", folder);
	snprintf(config, sizeof(config), "%s/sshd_config.1", folder);
	return (0);
}

static int
teardown(void **state)
{
	(void)state;
	unlink(sshd);
	return (rmdir(folder));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_places),
	    cmocka_unit_test(test_elsewhere),
	};

	return (cmocka_run_group_tests(tests, setup, teardown));
}
