/*
 * What sshd tells PAM of a public key, to a fingerprint and a certificate's
 * words. The keys are ssh-keygen's, the fingerprints those of ssh-keygen -l.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/pam/key.c" /* NOLINT(bugprone-suspicious-include): its statics */

#define ED25519 "SHA256:BJB0znqun/6SeLVK/+zluo5EeoeuummbzsKqX8qvia8"
#define ECDSA "SHA256:YwZ/ejuKnq3/63t0TtYLsTczEbTtcAz7nibxsaLf1NE"

static const char ed25519[] =
    "publickey ssh-ed25519 "
    "AAAAC3NzaC1lZDI1NTE5AAAAIAB63AIBGbfRF2LsU3AOu8WpCLvkcPFMMQtrzHCKyU"
    "13";
static const char ed25519_certificate[] =
    "publickey ssh-ed25519-cert-v01@openssh.com "
    "AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIMZqMuUvigrdby"
    "7tJiAdx6pcgCvRMdLH3sOT5SthMbTlAAAAIAB63AIBGbfRF2LsU3AOu8WpCLvkcPFM"
    "MQtrzHCKyU13//////////8AAAABAAAADHdobyAic2lnbmVkIgAAAAkAAAAFYWxpY2"
    "UAAAAAAAAAAP//////////AAAAAAAAAIIAAAAVcGVybWl0LVgxMS1mb3J3YXJkaW5n"
    "AAAAAAAAABdwZXJtaXQtYWdlbnQtZm9yd2FyZGluZwAAAAAAAAAWcGVybWl0LXBvcn"
    "QtZm9yd2FyZGluZwAAAAAAAAAKcGVybWl0LXB0eQAAAAAAAAAOcGVybWl0LXVzZXIt"
    "cmMAAAAAAAAAAAAAADMAAAALc3NoLWVkMjU1MTkAAAAgnpItzMv/43BZp2FJXbJm6Y"
    "B2LJr1iVTc67GeJEHHZr8AAABTAAAAC3NzaC1lZDI1NTE5AAAAQKs5abLXU0LhA2ZH"
    "6KYzYHamPXiL1oUY2XdDSj9GJxgrKa8CfC5/yP9MDyjqw+pcCjbZsYzvPGTCzTveyN"
    "kfeg8=";
static const char ecdsa[] =
    "publickey ecdsa-sha2-nistp256 "
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBPiMzj9FegTCmG"
    "AuZMIqw8WAWFSkWnA1Yngee+p6aiU+SGZW1tcqQ5lT3BwfxrwrsU8n6Hjb3OvxVTnm"
    "UyLc4Yw=";
static const char ecdsa_certificate[] =
    "publickey ecdsa-sha2-nistp256-cert-v01@openssh.com "
    "AAAAKGVjZHNhLXNoYTItbmlzdHAyNTYtY2VydC12MDFAb3BlbnNzaC5jb20AAAAgDL"
    "RizkZlb1cNk00h/kkif0+bH1wvN2o/uJAxJ9eo9/oAAAAIbmlzdHAyNTYAAABBBPiM"
    "zj9FegTCmGAuZMIqw8WAWFSkWnA1Yngee+p6aiU+SGZW1tcqQ5lT3BwfxrwrsU8n6H"
    "jb3OvxVTnmUyLc4YwAAAAAAAAABwAAAAEAAAABeAAAAAkAAAAFYWxpY2UAAAAAAAAA"
    "AP//////////AAAAAAAAAIIAAAAVcGVybWl0LVgxMS1mb3J3YXJkaW5nAAAAAAAAAB"
    "dwZXJtaXQtYWdlbnQtZm9yd2FyZGluZwAAAAAAAAAWcGVybWl0LXBvcnQtZm9yd2Fy"
    "ZGluZwAAAAAAAAAKcGVybWl0LXB0eQAAAAAAAAAOcGVybWl0LXVzZXItcmMAAAAAAA"
    "AAAAAAADMAAAALc3NoLWVkMjU1MTkAAAAgnpItzMv/43BZp2FJXbJm6YB2LJr1iVTc"
    "67GeJEHHZr8AAABTAAAAC3NzaC1lZDI1NTE5AAAAQK95RsmumTiMcb2mI3cYT4Qelt"
    "z6NrhLDUfN9f4SBO2z4sMX+Rvub5Xnfq85WEsU3q0WSYove91wOyUHUKR++g8=";

static struct pam_key
read_key(const char *line)
{
	struct pam_key key;

	pam_key_read(line, strlen(line), &key);
	return (key);
}

static void
test_keys(void **state)
{
	struct pam_key key = read_key(ed25519);
	char more[512];

	(void)state;
	assert_string_equal(key.fingerprint, ED25519);
	assert_false(key.certificate);
	assert_string_equal(read_key(ecdsa).fingerprint, ECDSA);
	/* sshd may add what it knows of the method. */
	snprintf(more, sizeof(more), "%s and more", ed25519);
	assert_string_equal(read_key(more).fingerprint, ED25519);
}

/* The fingerprint is the key's, with or without a certificate. */
static void
test_certificates(void **state)
{
	struct pam_key key = read_key(ed25519_certificate);

	(void)state;
	assert_string_equal(key.fingerprint, ED25519);
	assert_true(key.certificate);
	assert_string_equal(key.id, "who \"signed\"");
	assert_true(key.serial == UINT64_MAX);
	key = read_key(ecdsa_certificate);
	assert_string_equal(key.fingerprint, ECDSA);
	assert_string_equal(key.id, "x");
	assert_true(key.serial == 7);
}

static void
test_others(void **state)
{
	static const char *const others[] = {"", "publickey", "publickey ",
	    "publickey ssh-ed25519", "publickey ssh-ed25519 ",
	    "publickey ssh-ed25519 ====", "publickey ssh-ed25519 A-B_",
	    "publickey ssh-ed25519 /////w==", "password",
	    "keyboard-interactive/pam", "hostbased ssh-ed25519 AAAA",
	    /* A string "new-cert-v01@openssh.com", and nothing else. */
	    "publickey x AAAAGG5ldy1jZXJ0LXYwMUBvcGVuc3NoLmNvbQ=="};

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct pam_key key = read_key(others[i]);

		assert_string_equal(key.fingerprint, "");
		assert_false(key.certificate);
	}
}

/*
 * Cut anywhere, it says nothing false and reads nothing that is not there: the
 * key of a certificate needs all up to its id.
 */
static void
test_every_prefix(void **state)
{
	static const char *const lines[] = {
	    ed25519_certificate, ecdsa_certificate};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		size_t whole = strlen(lines[i]);

		for (size_t n = 0; n < whole; n++) {
			char *copy = malloc(n + 1);
			struct pam_key key;

			assert_non_null(copy);
			memcpy(copy, lines[i], n);
			pam_key_read(copy, n, &key);
			assert_true(key.fingerprint[0] == '\0' ||
				    strcmp(key.fingerprint,
					i == 0 ? ED25519 : ECDSA) == 0);
			assert_true(
			    key.certificate == (key.fingerprint[0] != '\0'));
			free(copy);
		}
	}
}

/* Lengths that lie, one byte after the other. */
static void
test_every_byte(void **state)
{
	char line[sizeof(ed25519_certificate)];
	struct pam_key key;

	(void)state;
	for (size_t i = 0; i < sizeof(line) - 1; i++) {
		memcpy(line, ed25519_certificate, sizeof(line));
		for (const char *c = "A/+9"; *c != '\0'; c++) {
			line[i] = *c;
			pam_key_read(line, sizeof(line) - 1, &key);
			assert_true(strlen(key.fingerprint) == 0 ||
				    strlen(key.fingerprint) == strlen(ED25519));
			assert_true(
			    memchr(key.id, '\0', sizeof(key.id)) != NULL);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_certificates),
	    cmocka_unit_test(test_others),
	    cmocka_unit_test(test_every_prefix),
	    cmocka_unit_test(test_every_byte),
	};

	return (cmocka_run_group_tests_name("PAM's key", tests, NULL, NULL));
}
