/*
 * A name that its block does not have: the sentence says whose it is, where it
 * stands, or which one was probably meant. Planner and CLI; distrusts the whole
 * text.
 */
#include <stdio.h>
#include <string.h>

#include "conf/others.h"
#include "conf/parser.h"

/* Names of a block that a message lists; of more it says where they are. */
#define NAMES_MAX 6

bool
parse_is_known(const struct parser *p, enum conf_block_id in)
{
	return (p->cur.type == TOKEN_WORD &&
		(schema_knows(in, p->cur.text) ||
		    strcmp(p->cur.text, "inactive:") == 0));
}

/* "telnet", or "here" at the top. */
static const char *
unknown_block(enum conf_block_id in)
{
	return (in == BLOCK_ROOT ? "here" : conf_blocks[in].name);
}

/* " in telnet", or nothing at the top. */
static const char *
unknown_in(enum conf_block_id in, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s", in == BLOCK_ROOT ? "" : " in ",
	    in == BLOCK_ROOT ? "" : conf_blocks[in].name);
	return (buf);
}

/* Where a name stands that is in its wrong place. */
static void
unknown_place(struct parser *p, enum conf_block_id in, const char *name)
{
	uint32_t places = schema_places(name);
	char path[SCHEMA_PATH_MAX], list[3 * SCHEMA_PATH_MAX];
	unsigned count = 0;
	size_t used = 0;

	for (int id = BLOCK_ROOT; id < BLOCK_COUNT; id++)
		count += (places >> id) & 1;
	list[0] = '\0';
	for (int id = BLOCK_ROOT; id < BLOCK_COUNT && count <= 3; id++) {
		if ((places >> id & 1) == 0)
			continue;
		used += (size_t)snprintf(list + used, sizeof(list) - used,
		    "%s`%s`", used == 0 ? "" : " or ",
		    schema_path((enum conf_block_id)id, path));
	}
	if (count > 3)
		snprintf(list, sizeof(list), "a service's block, such as `%s`",
		    schema_path(BLOCK_SSH, path));
	parse_error(p, p->cur.pos, "`%s` belongs in %s, not %s%s", name, list,
	    in == BLOCK_ROOT ? "" : "in ", unknown_block(in));
}

/* All that a small block has, or where to read it. */
static void
unknown_list(struct parser *p, enum conf_block_id in)
{
	char list[200] = "", where[SCHEMA_PATH_MAX];
	unsigned count = 0;
	size_t used = 0;

	for (int id = BLOCK_ROOT + 1; id < BLOCK_COUNT; id++) {
		if (!schema_is_in((enum conf_block_id)id, in) ||
		    ++count > NAMES_MAX)
			continue;
		used += (size_t)snprintf(list + used, sizeof(list) - used,
		    "%s`%s`", used == 0 ? "" : ", ", conf_blocks[id].name);
	}
	for (size_t i = 0; i < conf_statement_count; i++) {
		if ((conf_statements[i].blocks & (1U << in)) == 0 ||
		    ++count > NAMES_MAX)
			continue;
		used += (size_t)snprintf(list + used, sizeof(list) - used,
		    "%s`%s`", used == 0 ? "" : ", ", conf_statements[i].name);
	}
	unknown_in(in, where, sizeof(where));
	if (count > NAMES_MAX)
		parse_error(p, p->cur.pos,
		    "unknown statement `%.60s`%s; portreeve.conf(5) lists all "
		    "statements",
		    p->cur.text, where);
	else
		parse_error(p, p->cur.pos,
		    "unknown statement `%.60s`%s; there %s %s", p->cur.text,
		    where, count == 1 ? "is only" : "are", list);
}

/* `port=22` and `port: 22`; true when it was told. */
static bool
unknown_glued(struct parser *p, enum conf_block_id in)
{
	size_t n = strcspn(p->cur.text, "=:");
	char name[PARSE_NAME_MAX];

	if (p->cur.text[n] == '\0' || n == 0 || n >= sizeof(name))
		return (false);
	memcpy(name, p->cur.text, n);
	name[n] = '\0';
	if (schema_knows(in, name))
		parse_error(p, p->cur.pos,
		    "no `%c` is allowed after `%s`: write `%s VALUE%s`",
		    p->cur.text[n], name, name, p->line ? "" : ";");
	else if (schema_places(name) != 0)
		parse_error(p, p->cur.pos,
		    "no `%c` is allowed after `%s`: write `NAME VALUE;`, or "
		    "`NAME { ... }`",
		    p->cur.text[n], name);
	else
		return (false);
	return (true);
}

/* What is no name of anything; true when it was told. */
static bool
unknown_form(struct parser *p, enum conf_block_id in)
{
	const char *word = p->cur.text;
	size_t n = strlen(word);

	if (strcmp(word, "set") == 0 || strcmp(word, "deactivate") == 0)
		parse_error(p, p->cur.pos,
		    "a `%s` line must be outside braces: move it after the "
		    "last `}`",
		    word);
	else if (strncmp(word, "//", 2) == 0 || word[0] == '!' ||
		 strcmp(word, "--") == 0)
		parse_error(p, p->cur.pos,
		    "a comment is from # to the end of the line, or between "
		    "/* and */");
	else if (word[0] == '<')
		parse_error(p, p->cur.pos,
		    "`<...>` is not allowed here: write the statements in "
		    "braces, or as `set` lines");
	else if (strchr(word, '@') != NULL &&
		 (word[n - 1] == '#' || word[n - 1] == '>'))
		parse_error(p, p->cur.pos,
		    "this is a prompt: remove it, and begin with what was "
		    "typed");
	else if (strcmp(word, "=") == 0)
		parse_error(p, p->cur.pos,
		    "no `=` is allowed in a statement: write `NAME VALUE;`");
	else
		return (unknown_glued(p, in));
	return (true);
}

static void
unknown_tell(struct parser *p, enum conf_block_id in)
{
	const char *word = p->cur.text, *meant;
	char text[CONF_MESSAGE_MAX];
	unsigned distance = 0;

	/* The search for what was meant takes its time. */
	if (conf_report_is_full(p->report)) {
		parse_error(p, p->cur.pos, "unknown statement");
		return;
	}
	if (unknown_form(p, in))
		return;
	/* One letter from a name of this block: that is meant. */
	meant = schema_nearest(in, word, &distance);
	if (meant != NULL && distance <= 1 && schema_places(word) != 0) {
		parse_error(p, p->cur.pos,
		    "unknown statement `%.60s`; the nearest known one is `%s`",
		    word, meant);
		return;
	}
	if (schema_places(word) != 0 && !other_is_here(in, word)) {
		unknown_place(p, in, word);
		return;
	}
	if (other_find(in, word) != OTHER_NONE) {
		other_text(in, word, text, sizeof(text));
		parse_error(p, p->cur.pos, "%s", text);
		return;
	}
	meant = schema_meant(in, word);
	if (meant != NULL) {
		parse_error(p, p->cur.pos,
		    "unknown statement `%.60s`; the nearest known one is `%s`",
		    word, meant);
		return;
	}
	meant = schema_meant_elsewhere(word);
	if (meant != NULL)
		parse_error(p, p->cur.pos,
		    "unknown statement `%.60s`%s; the nearest one elsewhere is "
		    "`%s`",
		    word, unknown_in(in, text, sizeof(text)), meant);
	else
		unknown_list(p, in);
}

bool
parse_inetd_line(struct parser *p)
{
	size_t at = p->cur.at;

	if (!p->cur.first || p->cur.type == TOKEN_END ||
	    !other_is_inetd_line(p->lexer.text + at, p->lexer.size - at))
		return (false);
	if ((p->reported & PARSE_REPORTED_INETD) == 0)
		parse_error(p, p->cur.pos, "%s", other_form_text(OTHER_INETD));
	p->reported |= PARSE_REPORTED_INETD;
	do
		parse_advance(p);
	while (!p->cur.first && p->cur.type != TOKEN_END);
	return (true);
}

void
parse_unknown(struct parser *p, enum conf_block_id in)
{
	unknown_tell(p, in);
	parse_advance(p);
	/* What stands on the next line is the next statement. */
	if (p->cur.type != TOKEN_WORD || !p->cur.first)
		parse_skip(p);
}
