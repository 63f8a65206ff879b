/*
 * From a statement's values to a line of sshd_config, as the row in schema.def
 * says. Planner (root) and CLI. Pure; the values were checked before.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "conf/sshd/column.h"
#include "conf/tree.h"

#define COLUMN_VALUE_MAX (CONF_VALUES_MAX * CONF_WORD_MAX)

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

static void
column_value(const struct conf_statement *stmt, const char *sshd,
    const struct conf_node *node, char *buf, size_t size)
{
	size_t used = 0;

	if (stmt->type == TYPE_FLAG) {
		snprintf(buf, size, "%s", sshd);
		return;
	}
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
column_lines(const struct conf_statement *stmt, const struct conf_node *node,
    bool stated, column_say *say, void *arg)
{
	char value[COLUMN_VALUE_MAX];

	for (unsigned i = 0; i < SCHEMA_SSHD_MAX; i++) {
		struct column_line line = {.stmt = stmt,
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
