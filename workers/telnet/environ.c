/*
 * NEW-ENVIRON's body (RFC 1572, 4). Pure; in the telnet worker, without
 * privilege. Distrusts every byte: names and values are read into bounded
 * buffers, and what is too long is read to its end and forgotten.
 */
#include "workers/telnet/environ.h"

#include <string.h>

#include "workers/telnet/terminal.h"

enum { VAR = 0, VALUE = 1, ESC = 2, USERVAR = 3 };

struct reader {
	const uint8_t *p;
	size_t n, at;
};

/* A name or a value: its text, or n > sizeof(text) when too long. */
struct token {
	char text[TELNET_ENVIRON_VALUE];
	size_t n;
};

static const uint8_t wanted[] = "\3TERM\3LANG\3COLORTERM\3LC_ALL\3LC_CTYPE"
				"\3LC_MESSAGES\3LC_TIME\3LC_COLLATE"
				"\3LC_NUMERIC\3LC_MONETARY";

const uint8_t *
telnet_environ_wanted(size_t *n)
{
	*n = sizeof(wanted) - 1;
	return (wanted);
}

/* Up to the next VAR, VALUE or USERVAR. False: ESC escapes nothing. */
static bool
environ_token(struct reader *r, struct token *t)
{
	t->n = 0;
	while (r->at < r->n) {
		uint8_t c = r->p[r->at];

		if (c == ESC) {
			if (++r->at == r->n)
				return (false);
			c = r->p[r->at];
		} else if (c == VAR || c == VALUE || c == USERVAR) {
			return (true);
		}
		r->at++;
		if (t->n < sizeof(t->text))
			t->text[t->n] = (char)c;
		t->n++;
	}
	return (true);
}

static bool
environ_is_upper(char c)
{
	return (c >= 'A' && c <= 'Z');
}

static bool
environ_name_is(const struct token *t, const char *name)
{
	return (t->n == strlen(name) && memcmp(t->text, name, t->n) == 0);
}

/* LC_ and capitals; the rest by name. */
static bool
environ_name_allowed(const struct token *t)
{
	if (environ_name_is(t, "TERM") || environ_name_is(t, "LANG") ||
	    environ_name_is(t, "COLORTERM"))
		return (true);
	if (t->n < 4 || t->n >= TELNET_ENVIRON_NAME ||
	    memcmp(t->text, "LC_", 3) != 0)
		return (false);
	for (size_t i = 3; i < t->n; i++) {
		if (!environ_is_upper(t->text[i]))
			return (false);
	}
	return (true);
}

/* Of a locale or of a colour: en_US.UTF-8@euro, truecolor. */
static bool
environ_value_allowed(const struct token *t)
{
	static const char others[] = "._@+,:=-";

	if (t->n == 0 || t->n >= TELNET_ENVIRON_VALUE)
		return (false);
	for (size_t i = 0; i < t->n; i++) {
		char c = t->text[i];

		if (!environ_is_upper(c) && !(c >= 'a' && c <= 'z') &&
		    !(c >= '0' && c <= '9') &&
		    memchr(others, c, sizeof(others) - 1) == NULL)
			return (false);
	}
	return (true);
}

static struct telnet_variable *
environ_find(struct telnet_environ *e, const struct token *name)
{
	for (size_t i = 0; i < e->n; i++) {
		if (environ_name_is(name, e->v[i].name))
			return (&e->v[i]);
	}
	return (NULL);
}

static bool
environ_forget(struct telnet_environ *e, const struct token *name)
{
	struct telnet_variable *v = environ_find(e, name);

	if (v == NULL)
		return (false);
	*v = e->v[--e->n];
	return (true);
}

static bool
environ_set(struct telnet_environ *e, const struct token *name,
    const char *value, size_t n)
{
	struct telnet_variable *v = environ_find(e, name);

	if (v == NULL && e->n == TELNET_ENVIRON_MAX)
		return (false);
	if (v == NULL) {
		v = &e->v[e->n++];
		memcpy(v->name, name->text, name->n);
		v->name[name->n] = '\0';
	}
	memcpy(v->value, value, n);
	v->value[n] = '\0';
	return (true);
}

static bool
environ_take(struct telnet_environ *e, const struct token *name,
    const struct token *value)
{
	char terminal[TELNET_TERMINAL_MAX + 1];

	if (!environ_name_allowed(name))
		return (false);
	if (!environ_value_allowed(value))
		return (environ_forget(e, name));
	if (!environ_name_is(name, "TERM"))
		return (environ_set(e, name, value->text, value->n));
	if (!telnet_terminal_read(
		terminal, (const uint8_t *)value->text, value->n))
		return (environ_forget(e, name));
	return (environ_set(e, name, terminal, value->n));
}

bool
telnet_environ_receive(struct telnet_environ *e, const uint8_t *p, size_t n)
{
	struct reader r = {.p = p, .n = n};
	struct token name, value;
	bool changed = false;

	while (r.at < r.n) {
		uint8_t type = r.p[r.at++];

		if (type != VAR && type != USERVAR)
			break;
		if (!environ_token(&r, &name))
			break;
		value.n = 0;
		if (r.at < r.n && r.p[r.at] == VALUE) {
			r.at++;
			if (!environ_token(&r, &value))
				break;
		}
		changed |= environ_take(e, &name, &value);
	}
	return (changed);
}

const char *
telnet_environ_get(const struct telnet_environ *e, const char *name)
{
	for (size_t i = 0; i < e->n; i++) {
		if (strcmp(e->v[i].name, name) == 0)
			return (e->v[i].value);
	}
	return (NULL);
}
