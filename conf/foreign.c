/*
 * Whose configuration a text is, when it is not ours: a pasted inetd.conf would
 * else be answered by a hundred errors. Only the first line that says something
 * is judged, and only as what no text of ours can be. Planner and CLI; pure,
 * distrusts every byte.
 */
#include <stdio.h>
#include <string.h>

#include "conf/others.h"

#define LINE_WORDS 8
#define LINE_WORD_MAX 64

/* A line's first words, each cut to its bound. */
struct line {
	char words[LINE_WORDS][LINE_WORD_MAX];
	unsigned count;
};

static bool
line_is_blank(char c)
{
	return (c == ' ' || c == '\t' || c == '\r');
}

static void
line_split(struct line *l, const char *text, size_t n)
{
	size_t at = 0;

	memset(l, 0, sizeof(*l));
	while (l->count < LINE_WORDS) {
		char *word = l->words[l->count];
		size_t used = 0;

		while (at < n && line_is_blank(text[at]))
			at++;
		if (at == n)
			return;
		for (; at < n && !line_is_blank(text[at]); at++) {
			if (used < LINE_WORD_MAX - 1)
				word[used++] = text[at];
		}
		l->count++;
	}
}

static bool
word_is_one_of(const char *word, const char *const list[])
{
	for (unsigned i = 0; list[i] != NULL; i++) {
		if (strcmp(word, list[i]) == 0)
			return (true);
	}
	return (false);
}

static bool
word_begins_as(const char *word, const char *const list[])
{
	for (unsigned i = 0; list[i] != NULL; i++) {
		if (strncmp(word, list[i], strlen(list[i])) == 0)
			return (true);
	}
	return (false);
}

/* service socktype proto wait[.max] user server [arguments] */
static bool
line_is_inetd(const struct line *l)
{
	static const char *const types[] = {
	    "stream", "dgram", "raw", "rdm", "seqpacket", NULL};
	static const char *const protocols[] = {
	    "tcp", "udp", "rpc/", "unix", "sctp", "icmp", NULL};

	return (l->count >= 5 && word_is_one_of(l->words[1], types) &&
		word_begins_as(l->words[2], protocols) &&
		(strncmp(l->words[3], "wait", 4) == 0 ||
		    strncmp(l->words[3], "nowait", 6) == 0));
}

/* `defaults` or `service NAME`, and behind its brace a NAME = VALUE. */
static bool
text_is_xinetd(const struct line *l, const char *rest, const char *end)
{
	bool opened = strcmp(l->words[l->count - 1], "{") == 0;
	unsigned names = l->count - opened;
	struct line next;

	if (strcmp(l->words[0], "includedir") == 0)
		return (true);
	if (!(names == 1 && strcmp(l->words[0], "defaults") == 0) &&
	    !(names == 2 && strcmp(l->words[0], "service") == 0))
		return (false);
	while (rest < end) {
		const char *eol = memchr(rest, '\n', (size_t)(end - rest));

		if (eol == NULL)
			eol = end;
		line_split(&next, rest, (size_t)(eol - rest));
		rest = eol < end ? eol + 1 : end;
		if (next.count == 0 || next.words[0][0] == '#')
			continue;
		if (!opened && next.count == 1 &&
		    strcmp(next.words[0], "{") == 0)
			opened = true;
		else
			return (opened && next.count >= 2 &&
				(next.words[1][0] == '=' ||
				    strcmp(next.words[1], "+=") == 0 ||
				    strcmp(next.words[1], "-=") == 0));
	}
	return (false);
}

/* A keyword of theirs, and none of our punctuation. */
static bool
line_is_sshd(const struct line *l, const char *text, size_t n)
{
	return (l->count >= 2 && memchr(text, '{', n) == NULL &&
		memchr(text, ';', n) == NULL &&
		other_find(BLOCK_ROOT, l->words[0]) == OTHER_SSHD);
}

static bool
line_is_vsftpd(const struct line *l)
{
	char name[LINE_WORD_MAX];
	size_t n = strcspn(l->words[0], "=");

	if (l->words[0][n] != '=')
		return (false);
	memcpy(name, l->words[0], n);
	name[n] = '\0';
	return (strcmp(name, "listen") == 0 ||
		other_find(BLOCK_ROOT, name) == OTHER_VSFTPD);
}

static bool
line_is_proftpd(const struct line *l, const char *text, size_t n)
{
	return (l->count >= 2 && memchr(text, '{', n) == NULL &&
		memchr(text, ';', n) == NULL &&
		other_find(BLOCK_ROOT, l->words[0]) == OTHER_PROFTPD);
}

/* daemons: clients */
static bool
line_is_tcpd(const struct line *l, const char *text, size_t n)
{
	char name[LINE_WORD_MAX];
	size_t length = strcspn(l->words[0], ":");

	memcpy(name, l->words[0], length);
	name[length] = '\0';
	return (
	    l->count >= 2 && memchr(text, '{', n) == NULL &&
	    memchr(text, ';', n) == NULL &&
	    (strcmp(l->words[0] + length, ":") == 0 || l->words[1][0] == ':') &&
	    strcmp(name, "inactive") != 0 && schema_places(name) == 0 &&
	    other_find(BLOCK_ROOT, l->words[0]) == OTHER_NONE);
}

static bool
line_is_unit(const struct line *l)
{
	static const char *const sections[] = {
	    "[Unit]", "[Socket]", "[Service]", "[Install]", NULL};

	return (l->count == 1 && word_is_one_of(l->words[0], sections));
}

/* NetBSD's inetd: an address for the lines below, alone on its line. */
static bool
line_is_address(const struct line *l)
{
	size_t n = strlen(l->words[0]);

	return (l->count == 1 && n > 1 && l->words[0][n - 1] == ':');
}

enum other_owner
other_form(const char *text, size_t n, unsigned *number)
{
	const char *end = text + n;
	bool address = false;
	struct line l;

	*number = 1;
	if (n >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 ||
			  memcmp(text, "\xfe\xff", 2) == 0))
		return (OTHER_UTF16);
	*number = 0;
	while (text < end) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));
		const char *rest = eol != NULL ? eol + 1 : end;
		size_t length = (size_t)((eol != NULL ? eol : end) - text);

		++*number;
		line_split(&l, text, length);
		if (l.count == 0 || l.words[0][0] == '#') {
			text = rest;
			continue;
		}
		if (l.words[0][0] == '<')
			return (OTHER_XML);
		if (l.words[0][0] == '{')
			return (OTHER_JSON);
		if (line_is_inetd(&l))
			return (OTHER_INETD);
		if (address)
			return (OTHER_NONE);
		address = line_is_address(&l);
		if (address) {
			text = rest;
			continue;
		}
		if (text_is_xinetd(&l, rest, end))
			return (OTHER_XINETD);
		if (line_is_sshd(&l, text, length))
			return (OTHER_SSHD);
		if (line_is_unit(&l))
			return (OTHER_SYSTEMD);
		if (line_is_vsftpd(&l))
			return (OTHER_VSFTPD);
		if (line_is_proftpd(&l, text, length))
			return (OTHER_PROFTPD);
		if (line_is_tcpd(&l, text, length))
			return (OTHER_TCPD);
		return (OTHER_NONE);
	}
	return (OTHER_NONE);
}

bool
other_is_inetd_line(const char *line, size_t n)
{
	const char *eol = memchr(line, '\n', n);
	struct line l;

	line_split(&l, line, eol != NULL ? (size_t)(eol - line) : n);
	return (line_is_inetd(&l));
}

const char *
other_form_text(enum other_owner owner)
{
	static const char *const texts[OTHER_COUNT] = {
	    [OTHER_INETD] =
		"this is inetd.conf's form: write for each line, below "
		"`system services`, `service NAME { port N; user USER; exec "
		"\"PATH ARGUMENTS\"; }`; see MOVING in portreeve.conf(5)",
	    [OTHER_XINETD] =
		"this is xinetd's form: write for each service, below `system "
		"services`, `service NAME { port N; user USER; exec \"PATH "
		"ARGUMENTS\"; }`; see MOVING in portreeve.conf(5)",
	    [OTHER_SSHD] =
		"this is sshd_config's form: write `system { services { ssh { "
		"sshd-config FILE; } } }`, which names such a file; see MOVING "
		"in portreeve.conf(5)",
	    [OTHER_SYSTEMD] =
		"this is a unit of systemd's: write `system { services { "
		"service NAME { port N; user USER; exec \"PATH ARGUMENTS\"; } "
		"} }`; see MOVING in portreeve.conf(5)",
	    [OTHER_VSFTPD] =
		"this is vsftpd.conf's form: write `system { services { ftp; } "
		"}`; see portreeve.conf(5)",
	    [OTHER_PROFTPD] =
		"this is proftpd.conf's form: write `system { services { ftp; "
		"} }`; see portreeve.conf(5)",
	    [OTHER_TCPD] =
		"this is the form of hosts.allow and hosts.deny, which stay in "
		"files of their own",
	    [OTHER_UTF16] = "this is UTF-16: save it as plain text, in ASCII",
	    [OTHER_XML] = "`<...>` is not allowed here: write the statements "
			  "in braces, or as `set` lines",
	    [OTHER_JSON] =
		"this is JSON, or a block without its name: write the "
		"statements in braces, each block behind its name",
	};

	return (texts[owner] != NULL ? texts[owner] : "");
}
