/*
 * Fuzzer of the configuration: whatever parses is rendered in both forms, and
 * what was rendered parses to the same; whatever does not has at least one
 * message, in the order of the file. sshd's words are written along.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/conf.h"
#include "conf/sshd/sshd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

static void
check_report(const struct conf_report *r, bool failed)
{
	char line[1024];

	require((r->errors > 0) == failed, "an error without a message");
	require(r->lost || r->count >= r->errors, "an error was not told");
	for (size_t i = 0; i < r->count; i++) {
		conf_diag_text(&r->diags[i], "fuzz", line, sizeof(line));
		for (const char *p = line; *p != '\0'; p++)
			require(*p >= ' ' && *p <= '~', "a byte unescaped");
		require(
		    i == 0 || r->diags[i].severity < r->diags[i - 1].severity ||
			(r->diags[i].severity == r->diags[i - 1].severity &&
			    r->diags[i].pos.line >= r->diags[i - 1].pos.line),
		    "messages out of order");
	}
}

static void
check_round(const struct conf *conf, enum conf_form form)
{
	struct conf_report report = {0};
	struct conf *again;
	char *text;
	size_t n;

	require(conf_render(conf, form, false, &text, &n) == 0, "no memory");
	if (n <= CONF_FILE_MAX) {
		int err = conf_parse(text, n, &again, &report);

		require(err == 0, text);
		require(conf_equal(conf, again), text);
		conf_free(again);
	}
	free(text);
	conf_report_clear(&report);
	require(conf_render(conf, form, true, &text, &n) == 0, "no memory");
	free(text);
}

static void
check_sshd(const struct conf *conf)
{
	static const char *const keys[] = {"/k"};
	const struct sshd_params params = {.version = {9, 8},
	    .pam = true,
	    .pam_service = "sshd",
	    .host_keys = keys,
	    .host_key_count = 1,
	    .file_path = "/f"};
	const struct conf_service *ssh = conf_find_service(conf, "ssh");
	char *text;

	if (ssh == NULL)
		return;
	require(sshd_render(conf, ssh, &params, &text) == 0, "sshd");
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_report report = {0};
	struct conf *conf;
	int err = conf_parse(data, size, &conf, &report);

	check_report(&report, err != 0);
	if (conf != NULL) {
		check_round(conf, CONF_BRACES);
		check_round(conf, CONF_SET);
		check_sshd(conf);
	}
	conf_free(conf);
	conf_report_clear(&report);
	return (0);
}
