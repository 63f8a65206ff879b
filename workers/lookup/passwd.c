/*
 * Parsing passwd(5) and nsswitch.conf(5): only what every parser reads alike.
 * In lookup, sealed; pure.
 */
#include <stdlib.h>
#include <string.h>

#include "workers/lookup/passwd.h"

#define FIELDS 7 /* name:password:uid:gid:comment:home:shell */

/* --- a table of names ------------------------------------------------------
 */

/* FNV-1a: it need not withstand who may write /etc/passwd. */
static uint32_t
passwd_hash(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name != '\0'; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return (h);
}

/* A uid or gid as every parser reads it: decimal digits, in 32 bits. */
static bool
passwd_number(const char *field, uint32_t *value)
{
	uint64_t v = 0;
	size_t n = strspn(field, "0123456789");

	if (n == 0 || n > 10 || field[n] != '\0')
		return (false);
	for (size_t i = 0; i < n; i++)
		v = v * 10 + (uint64_t)(field[i] - '0');
	*value = (uint32_t)v;
	return (v <= UINT32_MAX);
}

static const char *
passwd_field(const char *line, unsigned number)
{
	while (number-- > 0)
		line += strlen(line) + 1;
	return (line);
}

/*
 * Where the name is, or the empty slot where it would be; the table is never
 * more than half full.
 */
static uint32_t *
passwd_slot(const struct passwd_table *t, const char *name)
{
	uint32_t i = passwd_hash(name) & t->mask;

	while (t->slots[i] != 0 && strcmp(t->text + t->slots[i] - 1, name) != 0)
		i = (i + 1) & t->mask;
	return (&t->slots[i]);
}

/* A line's colons become ends of fields. False: there are not just six. */
static bool
passwd_cut(char *line)
{
	unsigned fields = 1;

	for (; *line != '\0'; line++) {
		if (*line != ':')
			continue;
		*line = '\0';
		fields++;
	}
	return (fields == FIELDS);
}

/*
 * One line into the table; the first of a name counts. False where it is not
 * plain: of NIS (+ and -), begun by a space, cut short, or with what is no
 * number. Parsers differ in what they make of such a line.
 */
static bool
passwd_add(struct passwd_table *t, char *line)
{
	uint32_t number, *slot;

	if (line[0] == '\0' || line[0] == '#')
		return (true);
	if (strchr(":+- \t\r\v\f", line[0]) != NULL || !passwd_cut(line) ||
	    !passwd_number(passwd_field(line, 2), &number) ||
	    !passwd_number(passwd_field(line, 3), &number))
		return (false);
	slot = passwd_slot(t, line);
	if (*slot == 0)
		*slot = (uint32_t)(line - t->text) + 1;
	return (true);
}

static bool
passwd_make_slots(struct passwd_table *t, size_t lines)
{
	uint32_t size = 64;

	while (size < 2 * lines)
		size *= 2;
	t->slots = calloc(size, sizeof(*t->slots));
	t->mask = size - 1;
	return (t->slots != NULL);
}

bool
passwd_table_make(struct passwd_table *t, char *text, size_t n)
{
	size_t lines = 1;
	bool ok;

	*t = (struct passwd_table){.text = text};
	for (size_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	text[n] = '\0';
	ok = n <= PASSWD_SIZE_MAX && lines <= PASSWD_LINES_MAX &&
	     strlen(text) == n && passwd_make_slots(t, lines);
	for (char *line = text, *end; ok && line != NULL; line = end) {
		end = strchr(line, '\n');
		if (end != NULL)
			*end++ = '\0';
		ok = passwd_add(t, line);
	}
	if (!ok)
		passwd_table_free(t);
	return (ok);
}

void
passwd_table_free(struct passwd_table *t)
{
	free(t->text);
	free(t->slots);
	*t = (struct passwd_table){.text = NULL};
}

const struct passwd *
passwd_table_find(const struct passwd_table *t, const char *name)
{
	static struct passwd pw;
	uint32_t uid = 0, gid = 0;
	char *line;

	if (t->slots == NULL || *passwd_slot(t, name) == 0)
		return (NULL);
	line = t->text + *passwd_slot(t, name) - 1;
	(void)passwd_number(passwd_field(line, 2), &uid);
	(void)passwd_number(passwd_field(line, 3), &gid);
	pw.pw_name = line;
	pw.pw_passwd = line + strlen(line) + 1;
	pw.pw_uid = uid;
	pw.pw_gid = gid;
	pw.pw_gecos = line + (passwd_field(line, 4) - line);
	pw.pw_dir = line + (passwd_field(line, 5) - line);
	pw.pw_shell = line + (passwd_field(line, 6) - line);
	return (&pw);
}

/* --- nsswitch.conf
 * ------------------------------------------------------------ */

/* Past what is in the set. */
static const char *
passwd_skip(const char *p, const char *end, const char *set)
{
	while (p < end && *p != '\0' && strchr(set, *p) != NULL)
		p++;
	return (p);
}

/* "passwd:" and behind it "files", as a word, with no [action] of its own. */
static bool
passwd_nss_line(const char *p, const char *end)
{
	static const char space[] = " \t\r\v\f";

	p = passwd_skip(p + strlen("passwd"), end, space);
	if (p == end || *p++ != ':')
		return (false);
	p = passwd_skip(p, end, space);
	if ((size_t)(end - p) < strlen("files") ||
	    memcmp(p, "files", strlen("files")) != 0)
		return (false);
	p += strlen("files");
	if (p != end && strchr(space, *p) == NULL && *p != '#')
		return (false);
	p = passwd_skip(p, end, space);
	return (p == end || *p != '[');
}

/* A line of another database is passed over; of two for passwd, neither. */
bool
passwd_nss_begins_with_files(const char *text, size_t n)
{
	const char *end = text + n, *line = text, *eol;
	unsigned found = 0, good = 0;

	for (; line < end; line = eol + 1) {
		eol = memchr(line, '\n', (size_t)(end - line));
		if (eol == NULL)
			eol = end;
		line = passwd_skip(line, eol, " \t\r\v\f");
		if ((size_t)(eol - line) < strlen("passwd") ||
		    memcmp(line, "passwd", strlen("passwd")) != 0)
			continue;
		found++;
		good += passwd_nss_line(line, eol);
	}
	return (found == 1 && good == 1);
}
