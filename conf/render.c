/*
 * The configuration as text, in braces or as set lines, that parses to itself:
 * the order is kept, because servers are tried in it. Planner and CLI; nothing
 * is printed here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/tree.h"
#include "lib/err.h"

#define RENDER_DEPTH 8 /* more than the language has */

struct renderer {
	FILE *out;
	bool masked;
	/* From below the root to the block at hand, for set lines. */
	const struct conf_node *path[RENDER_DEPTH];
	unsigned depth;
};

static bool
render_is_bare(const char *text)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789._:/@+%,=-";

	return (text[0] != '\0' && text[strspn(text, safe)] == '\0');
}

static void
render_value(const struct renderer *r, const struct conf_value *v, bool secret)
{
	const char *text = secret && r->masked ? "********" : v->text;

	fputc(' ', r->out);
	if (render_is_bare(text)) {
		fputs(text, r->out);
		return;
	}
	fputc('"', r->out);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', r->out);
		fputc(*text, r->out);
	}
	fputc('"', r->out);
}

static bool
render_is_secret(const struct conf_node *n)
{
	return (n->stmt != NULL && n->stmt->secret);
}

/* A node's name and values: all that stands on its line but its end. */
static void
render_head(const struct renderer *r, const struct conf_node *n)
{
	bool list =
	    n->value_count > 1 && n->stmt != NULL && schema_is_list(n->stmt);

	fputs(tree_name(n), r->out);
	if (list)
		fputs(" [", r->out);
	for (unsigned i = 0; i < n->value_count; i++)
		render_value(r, &n->values[i], render_is_secret(n));
	if (list)
		fputs(" ]", r->out);
}

static void
render_braces(
    const struct renderer *r, const struct conf_node *n, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		fputs("    ", r->out);
	if (n->inactive)
		fputs("inactive: ", r->out);
	render_head(r, n);
	if (n->children == NULL) {
		fputs(";\n", r->out);
		return;
	}
	fputs(" {\n", r->out);
	for (const struct conf_node *c = n->children; c != NULL; c = c->next)
		render_braces(r, c, depth + 1);
	for (unsigned i = 0; i < depth; i++)
		fputs("    ", r->out);
	fputs("}\n", r->out);
}

static void
render_path(const struct renderer *r)
{
	for (unsigned i = 0; i < r->depth; i++) {
		fputc(' ', r->out);
		render_head(r, r->path[i]);
	}
}

/* A statement's path without its values, but for a key. */
static void
render_deactivate(const struct renderer *r, const struct conf_node *n)
{
	fputs("deactivate", r->out);
	render_path(r);
	fputc(' ', r->out);
	if (n->stmt == NULL)
		render_head(r, n);
	else {
		fputs(tree_name(n), r->out);
		if (schema_is_keyed(n->stmt))
			render_value(r, &n->values[0], false);
	}
	fputc('\n', r->out);
}

static void
render_set_line(const struct renderer *r, const struct conf_node *n)
{
	fputs("set", r->out);
	render_path(r);
	fputc(' ', r->out);
	render_head(r, n);
	fputc('\n', r->out);
}

/* All set lines, or all deactivate lines. */
static void
render_set(struct renderer *r, const struct conf_node *n, bool deactivate)
{
	if (deactivate && n->inactive)
		render_deactivate(r, n);
	if (!deactivate && n->children == NULL)
		render_set_line(r, n);
	if (n->children == NULL || r->depth == RENDER_DEPTH)
		return;
	r->path[r->depth++] = n;
	for (const struct conf_node *c = n->children; c != NULL; c = c->next)
		render_set(r, c, deactivate);
	r->depth--;
}

int
conf_render(const struct conf *conf, enum conf_form form, bool masked,
    char **out, size_t *len)
{
	struct renderer r = {.masked = masked};
	const struct conf_node *first = conf->tree->root->children;

	*out = NULL;
	*len = 0;
	r.out = open_memstream(out, len);
	if (r.out == NULL)
		return (ERR_NO_MEMORY);
	for (const struct conf_node *n = first; n != NULL; n = n->next) {
		if (form == CONF_BRACES)
			render_braces(&r, n, 0);
		else
			render_set(&r, n, false);
	}
	if (form == CONF_SET) {
		for (const struct conf_node *n = first; n != NULL; n = n->next)
			render_set(&r, n, true);
	}
	if (fclose(r.out) != 0) {
		free(*out);
		*out = NULL;
		*len = 0;
		return (ERR_NO_MEMORY);
	}
	return (0);
}
