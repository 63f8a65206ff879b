/*
 * From a statement's values to a line of sshd_config, as the row in schema.def
 * says. Planner (root) and CLI. Pure; the values were checked before.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "conf/sshd/column.h"
#include "conf/tree.h"

#define COLUMN_VALUE_MAX (CONF_VALUES_MAX * CONF_WORD_MAX)
#define COLUMN_HOSTKEYS_MAX 512 /* more than all of them take */

/* The n-th word of a list, counted from 0, and its length. */
static const char *
column_nth(const char *words, unsigned n, size_t *len)
{
	while (n-- > 0) {
		words += strcspn(words, " ");
		words += strspn(words, " ");
	}
	*len = strcspn(words, " ");
	return (words);
}

/* Sshd's word for one of a list of ours. */
static const char *
column_word(const struct conf_statement *stmt, const char *sshd,
    const char *word, size_t *len)
{
	size_t n;

	*len = strlen(word);
	if (sshd == NULL || stmt->words == NULL)
		return (word);
	for (unsigned i = 0;; i++) {
		const char *ours = column_nth(stmt->words, i, &n);

		if (n == *len && memcmp(ours, word, n) == 0)
			return (column_nth(sshd, i, len));
		if (n == 0)
			return (word);
	}
}

/* A path may have spaces, which quotes keep together. */
static void
column_path(
    const struct conf_statement *stmt, const char *path, char *buf, size_t size)
{
	const char *quote = strpbrk(path, " #") != NULL ? "\"" : "";
	bool below = stmt->below != NULL && path[0] != '/';

	snprintf(buf, size, "%s%s%s%s%s", quote, below ? stmt->below : "",
	    below ? "/" : "", path, quote);
}

static void
column_command(const struct conf_statement *stmt, const char *command,
    char *buf, size_t size)
{
	bool alone = stmt->arguments != NULL && strchr(command, ' ') == NULL;

	snprintf(buf, size, "%s%s%s", command, alone ? " " : "",
	    alone ? stmt->arguments : "");
}

static void
column_words(const struct conf_statement *stmt, const char *sshd,
    const struct conf_node *node, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < node->value_count && used < size; i++) {
		size_t n;
		const char *word =
		    column_word(stmt, sshd, node->values[i].text, &n);

		used += (size_t)snprintf(buf + used, size - used, "%s%.*s",
		    i == 0 ? "" : ",", (int)n, word);
	}
}

static void
column_value(const struct conf_statement *stmt, const char *sshd,
    const struct conf_node *node, char *buf, size_t size)
{
	if (stmt->words == NULL && sshd != NULL)
		snprintf(buf, size, "%s", sshd);
	else if (stmt->type == TYPE_PATH)
		column_path(stmt, node->values[0].text, buf, size);
	else if (stmt->type == TYPE_COMMAND)
		column_command(stmt, node->values[0].text, buf, size);
	else
		column_words(stmt, sshd, node, buf, size);
}

static void
column_lines(const struct conf_statement *stmt, const struct conf_node *node,
    bool stated, column_say *say, void *arg)
{
	char value[COLUMN_VALUE_MAX];

	for (unsigned i = 0; i < SCHEMA_SSHD_MAX; i++) {
		struct column_line line = {.statement = stmt->name,
		    .keyword = stmt->sshd[i].keyword,
		    .value = value,
		    .stated = stated};

		if (line.keyword == NULL)
			break;
		column_value(
		    stmt, stmt->sshd[i].value, node, value, sizeof(value));
		say(arg, &line);
	}
}

/* RekeyLimit has both limits. */
static void
column_rekey(const struct conf_ssh *ssh, column_say *say, void *arg)
{
	char data[16] = "default", limits[40];
	struct column_line line = {.statement = "rekey",
	    .keyword = "RekeyLimit",
	    .value = limits,
	    .stated = true};

	if (ssh->rekey_data == 0 && ssh->rekey_time == 0)
		return;
	if (ssh->rekey_data != 0)
		snprintf(data, sizeof(data), "%" PRIu32, ssh->rekey_data);
	if (ssh->rekey_time != 0)
		snprintf(limits, sizeof(limits), "%s %" PRIu32 "m", data,
		    ssh->rekey_time);
	else
		snprintf(limits, sizeof(limits), "%s none", data);
	say(arg, &line);
}

bool
column_has_hostkey(const struct conf_ssh *ssh, enum conf_hostkey kind)
{
	return ((kind != HOSTKEY_DSS) != ssh->hostkey_differs[kind]);
}

/* A kind's names for sshd, with those of its certificates. */
static void
column_add_hostkey(
    char *list, size_t size, enum conf_hostkey kind, bool certificate)
{
	static const char *const names[HOSTKEY_COUNT] = {
	    [HOSTKEY_ED25519] = "ssh-ed25519",
	    [HOSTKEY_ECDSA] = "ecdsa-sha2-nistp256 ecdsa-sha2-nistp384 "
			      "ecdsa-sha2-nistp521",
	    [HOSTKEY_RSA] = "rsa-sha2-512 rsa-sha2-256",
	    [HOSTKEY_DSS] = "ssh-dss",
	};
	size_t n, used = strlen(list);

	for (const char *p = names[kind]; *p != '\0'; p += strspn(p, " ")) {
		n = strcspn(p, " ");
		used += (size_t)snprintf(list + used, size - used, "%s%.*s",
		    used > 0 ? "," : "", (int)n, p);
		if (certificate)
			used += (size_t)snprintf(list + used, size - used,
			    ",%.*s-cert-v01@openssh.com", (int)n, p);
		p += n;
	}
}

/* Unless it says what sshd has anyway. */
static void
column_hostkeys(const struct conf_ssh *ssh, column_say *say, void *arg)
{
	char list[COLUMN_HOSTKEYS_MAX] = "";
	struct column_line line = {.statement = "hostkey-algorithm",
	    .keyword = "HostKeyAlgorithms",
	    .value = list,
	    .stated = true};
	bool differs = false;

	for (int i = 0; i < HOSTKEY_COUNT; i++) {
		enum conf_hostkey kind = (enum conf_hostkey)i;

		differs = differs || ssh->hostkey_differs[kind];
		if (column_has_hostkey(ssh, kind))
			column_add_hostkey(list, sizeof(list), kind,
			    ssh->host_certificate != NULL);
	}
	if (differs && list[0] != '\0')
		say(arg, &line);
}

void
column_each(const struct conf *conf, const struct conf_service *service,
    column_say *say, void *arg)
{
	for (size_t i = 0; i < conf_statement_count; i++) {
		const struct conf_statement *stmt = &conf_statements[i];
		struct conf_value dflt = {.text = stmt->dflt};
		struct conf_node ours = {
		    .stmt = stmt, .values = &dflt, .value_count = 1};
		const struct conf_node *node;

		if (stmt->sshd[0].keyword == NULL)
			continue;
		node = tree_find_stated(conf->tree, service, stmt->name);
		/* A wrong value is as good as none: it was reported. */
		if (node != NULL && !node->wrong)
			column_lines(stmt, node, true, say, arg);
		else if (stmt->sshd_always)
			column_lines(stmt, &ours, false, say, arg);
	}
	column_rekey(&service->ssh, say, arg);
	column_hostkeys(&service->ssh, say, arg);
}

const struct conf_statement *
column_find(const char *keyword)
{
	const struct conf_statement *found = NULL;

	for (size_t i = 0; i < conf_statement_count; i++) {
		const struct conf_statement *stmt = &conf_statements[i];

		for (unsigned k = 0; k < SCHEMA_SSHD_MAX; k++) {
			if (stmt->sshd[k].keyword != NULL &&
			    strcasecmp(stmt->sshd[k].keyword, keyword) == 0)
				found = stmt;
		}
	}
	return (found);
}
