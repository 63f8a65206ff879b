/*
 * Other programs' words, from others.def. Planner and CLI; pure.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "conf/others.h"

struct other {
	const char *word;
	const char *advice; /* NULL: the owner's */
	enum other_owner owner;
	enum conf_block_id in; /* BLOCK_NONE: anywhere */
};

#define ADVICE(text) .advice = text
#define IN(block) .in = BLOCK_##block

static const struct other others[] = {
#define OTHER(o, w, ...) {.owner = OTHER_##o, .word = (w), ##__VA_ARGS__},
#include "conf/others.def"
#undef OTHER
};

#define OTHERS (sizeof(others) / sizeof(others[0]))

static bool
other_same(const char *a, const char *b)
{
	for (;; a++, b++) {
		a += strspn(a, "-_");
		b += strspn(b, "-_");
		if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
			return (false);
		if (*a == '\0')
			return (true);
	}
}

/* How well a row fits: the block's own first, then the word to the letter. */
static unsigned
other_fit(const struct other *o, enum conf_block_id in, const char *word)
{
	if (!other_same(o->word, word) || (o->in != BLOCK_NONE && o->in != in))
		return (0);
	return (
	    1U + (strcmp(o->word, word) == 0 ? 1 : 0) + (o->in == in ? 2 : 0));
}

static const struct other *
other_row(enum conf_block_id in, const char *word)
{
	const struct other *found = NULL;
	unsigned best = 0;

	for (size_t i = 0; i < OTHERS; i++) {
		unsigned fit = other_fit(&others[i], in, word);

		if (fit > best) {
			best = fit;
			found = &others[i];
		}
	}
	return (found);
}

enum other_owner
other_find(enum conf_block_id in, const char *word)
{
	const struct other *o = other_row(in, word);

	return (o != NULL ? o->owner : OTHER_NONE);
}

bool
other_is_here(enum conf_block_id in, const char *word)
{
	const struct other *o = other_row(in, word);

	return (o != NULL && o->in != BLOCK_NONE);
}

void
other_text(enum conf_block_id in, const char *word, char *buf, size_t size)
{
	static const struct {
		const char *whose, *advice;
	} owners[OTHER_COUNT] = {
	    [OTHER_NONE] = {"is not known here", ""},
	    [OTHER_INETD] = {"is inetd's", ""},
	    [OTHER_XINETD] = {"is xinetd's", "there is no equivalent"},
	    [OTHER_SSHD] = {"is sshd_config's",
		"a file named by `sshd-config` can set it"},
	    [OTHER_JUNOS] =
		{"is a Junos statement that Portreeve does not support",
		    "remove it"},
	    [OTHER_SYSTEMD] = {"is systemd's", "there is no equivalent"},
	    [OTHER_VSFTPD] = {"is vsftpd's", "there is no equivalent"},
	    [OTHER_PROFTPD] = {"is proftpd's", "there is no equivalent"},
	    [OTHER_TCPD] = {"is hosts.allow's", ""},
	    [OTHER_UTF16] = {"is UTF-16", ""},
	    [OTHER_XML] = {"is XML's", ""},
	    [OTHER_JSON] = {"is JSON's", ""},
	    [OTHER_PLAIN] = {"is not a statement", "remove it"},
	};
	const struct other *o = other_row(in, word);
	enum other_owner owner = o != NULL ? o->owner : OTHER_NONE;

	snprintf(buf, size, "`%.40s` %s: %s", word, owners[owner].whose,
	    o != NULL && o->advice != NULL ? o->advice : owners[owner].advice);
}
