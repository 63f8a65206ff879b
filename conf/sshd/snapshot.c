/*
 * Copies of an sshd_config and what it includes. Includes are read where sshd
 * reads them: a file that is included in a Match block belongs to that block,
 * and a Match in it ends with it. Planner (root). Size, depth and number are
 * bounded; nothing but regular files is read.
 */
#include <ctype.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/sshd/ours.h"
#include "conf/sshd/snapshot.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/safe.h"

#define FILE_BYTES_MAX 1048576
#define DEPTH_MAX 16 /* sshd's own bound */
#define BLANK " \t\f\v\r"

struct reader {
	const struct snapshot_params *params;
	struct snapshot *snap;
	struct conf_report *report;
	struct conf_pos pos; /* of the statement */
	unsigned file;
	int err;
};

void
snapshot_say(const struct snapshot *s, unsigned file, unsigned line,
    struct conf_report *report, enum conf_severity severity, const char *text)
{
	const struct snapshot_file *f = &s->files[file];

	if (f->values != NULL)
		conf_report_add(report, severity, f->values[line - 1].pos,
		    "sshd-option: %s", text);
	else
		conf_report_add_file(report, severity, f->path,
		    (struct conf_pos){line, 1}, "%s", text);
}

/* What is wrong about a line; of no line, about the statement. */
static void __attribute__((format(printf, 4, 5))) reader_say(struct reader *r,
    enum conf_severity severity, unsigned line, const char *fmt, ...)
{
	char text[CONF_MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (line == 0)
		conf_report_add(
		    r->report, severity, r->pos, "sshd-config: %s", text);
	else
		snapshot_say(r->snap, r->file, line, r->report, severity, text);
	if (severity == CONF_ERROR && r->err == 0)
		r->err = ERR_VALUE;
}

static int
snapshot_no_memory(struct reader *r)
{
	r->err = ERR_NO_MEMORY;
	return (r->err);
}

bool
snapshot_split(const char *line, char *keyword, size_t size, const char **value)
{
	const char *p = line + strspn(line, BLANK "\"");
	size_t n = strcspn(p, BLANK "=\"");

	if (*p == '\0' || *p == '#')
		return (false);
	snprintf(keyword, size, "%.*s", (int)n, p);
	for (char *c = keyword; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	p += n;
	*value = p + strspn(p, BLANK "=\"");
	return (true);
}

static int
snapshot_keep(
    struct reader *r, unsigned block, unsigned number, const char *line)
{
	struct snapshot *s = r->snap;
	struct snapshot_line *grown, *l;

	if (s->line_count == s->line_room) {
		size_t room = s->line_room * 2 + 64;

		grown = reallocarray(s->lines, room, sizeof(*grown));
		if (grown == NULL)
			return (snapshot_no_memory(r));
		s->lines = grown;
		s->line_room = room;
	}
	l = &s->lines[s->line_count];
	*l = (struct snapshot_line){
	    .block = block, .file = r->file, .number = number};
	l->text = strdup(line);
	if (l->text == NULL)
		return (snapshot_no_memory(r));
	s->line_count++;
	return (0);
}

static unsigned snapshot_read_file(struct reader *r, const char *path,
    unsigned line, unsigned block, unsigned depth);

/* One pattern of an Include; the copies' names go into its line. */
static void
snapshot_include_one(struct reader *r, const char *word, unsigned line,
    unsigned block, unsigned depth, FILE *out)
{
	char pattern[4096];
	glob_t g = {0};

	if (word[0] == '/')
		snprintf(pattern, sizeof(pattern), "%s", word);
	else
		snprintf(
		    pattern, sizeof(pattern), "%s/%s", r->params->folder, word);
	if (glob(pattern, 0, NULL, &g) == 0) {
		for (size_t i = 0; r->err == 0 && i < g.gl_pathc; i++) {
			unsigned file = snapshot_read_file(
			    r, g.gl_pathv[i], line, block, depth + 1);

			if (r->err == 0)
				fprintf(
				    out, " \"%s.%u\"", r->params->copies, file);
		}
	}
	globfree(&g);
}

static void
snapshot_include(struct reader *r, const char *value, unsigned line,
    unsigned block, unsigned depth, FILE *out)
{
	char *copy = strdup(value), *save = NULL, *word, *names = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&names, &n);

	if (copy == NULL || f == NULL)
		snapshot_no_memory(r);
	word = copy == NULL ? NULL : strtok_r(copy, BLANK "\"", &save);
	for (; f != NULL && word != NULL && *word != '#';
	     word = strtok_r(NULL, BLANK "\"", &save))
		snapshot_include_one(r, word, line, block, depth, f);
	if (f != NULL && fclose(f) != 0)
		snapshot_no_memory(r);
	if (names != NULL && n > 0)
		fprintf(out, "Include%s\n", names);
	else
		fprintf(out, "# Include of no file\n");
	free(names);
	free(copy);
}

/* One line, to its copy; a Match changes *block. */
static void
snapshot_read_line(struct reader *r, const char *line, unsigned number,
    unsigned *block, unsigned depth, FILE *out)
{
	char keyword[64];
	const char *value, *why = NULL;

	if (!snapshot_split(line, keyword, sizeof(keyword), &value)) {
		fprintf(out, "%s\n", line);
		return;
	}
	if (strcmp(keyword, "include") == 0) {
		snapshot_include(r, value, number, *block, depth, out);
		return;
	}
	if (ours_has(r->params, keyword, value, &why)) {
		if (why != NULL)
			reader_say(r, CONF_WARNING, number,
			    "`%.100s` is left out: %s",
			    line + strspn(line, BLANK), why);
		fprintf(out, "# left out: %s\n", line);
		return;
	}
	fprintf(out, "%s\n", line);
	if (strcmp(keyword, "match") != 0) {
		snapshot_keep(r, *block, number, line);
		return;
	}
	if (r->snap->block_count >= SNAPSHOT_BLOCKS_MAX)
		reader_say(r, CONF_ERROR, number,
		    "more than %d Match blocks: join some",
		    SNAPSHOT_BLOCKS_MAX - 1);
	else
		*block = r->snap->block_count++;
}

static void
snapshot_read_lines(
    struct reader *r, char *text, unsigned block, unsigned depth, FILE *out)
{
	unsigned number = 0, file = r->file;

	for (char *line = text, *end; r->err == 0 && *line != '\0';
	     line = end) {
		end = line + strcspn(line, "\n");
		if (*end != '\0')
			*end++ = '\0';
		line[strcspn(line, "\r")] = '\0';
		snapshot_read_line(r, line, ++number, &block, depth, out);
		/* An Include read others meanwhile. */
		r->file = file;
	}
}

/* The whole of a file that others cannot change; NULL, and told. */
static char *
snapshot_load(struct reader *r, const char *path, unsigned line)
{
	char why[SAFE_REASON_MAX], *text = calloc(1, FILE_BYTES_MAX + 1);
	int fd = safe_open_file(path, r->params->uid, why, sizeof(why));
	size_t n = 0;
	ssize_t got = 0;

	if (text == NULL)
		snapshot_no_memory(r);
	else if (fd < 0)
		reader_say(r, CONF_ERROR, line, "%.120s: %s", path, why);
	while (fd >= 0 && text != NULL && n <= FILE_BYTES_MAX &&
	       (got = read(fd, text + n, FILE_BYTES_MAX + 1 - n)) > 0)
		n += (size_t)got;
	if (fd >= 0 && text != NULL &&
	    (got < 0 || n > FILE_BYTES_MAX || memchr(text, '\0', n) != NULL))
		reader_say(r, CONF_ERROR, line, "%.120s cannot be read: %s",
		    path, got < 0 ? "a read failed" : "too large, or not text");
	fd_close(&fd);
	if (r->err != 0) {
		free(text);
		text = NULL;
	}
	return (text);
}

/* Read a file that is included at a line; its number among the copies. */
static unsigned
snapshot_read_file(struct reader *r, const char *path, unsigned line,
    unsigned block, unsigned depth)
{
	struct snapshot *s = r->snap;
	unsigned number = s->file_count;
	char *text;
	FILE *out;

	if (depth > DEPTH_MAX || number >= SNAPSHOT_FILES_MAX) {
		reader_say(r, CONF_ERROR, line,
		    "%.120s is not included: includes are nested too deep, or "
		    "are more than %d",
		    path, SNAPSHOT_FILES_MAX);
		return (0);
	}
	text = snapshot_load(r, path, line);
	if (text == NULL)
		return (0);
	s->files[number].path = strdup(path);
	out = open_memstream(&s->files[number].text, &s->files[number].n);
	s->file_count++;
	r->file = number;
	if (s->files[number].path == NULL || out == NULL)
		snapshot_no_memory(r);
	else
		snapshot_read_lines(r, text, block, depth, out);
	if (out != NULL && fclose(out) != 0)
		snapshot_no_memory(r);
	free(text);
	return (number);
}

/* Of one line, and so neither a Match nor an Include. */
static void
snapshot_read_option(
    struct reader *r, const char *line, unsigned number, FILE *out)
{
	char keyword[64];
	const char *value;
	unsigned block = 0;

	if (!snapshot_split(line, keyword, sizeof(keyword), &value))
		reader_say(
		    r, CONF_ERROR, number, "`%.100s` says nothing", line);
	else if (strcmp(keyword, "match") == 0 ||
		 strcmp(keyword, "include") == 0)
		reader_say(r, CONF_ERROR, number,
		    "`%.100s`: write it in a file, and name that with "
		    "`sshd-config PATH;`",
		    line);
	else
		snapshot_read_line(r, line, number, &block, 0, out);
}

static void
snapshot_read_options(struct reader *r, const struct conf_node *node)
{
	struct snapshot *s = r->snap;
	struct snapshot_file *f = &s->files[s->file_count];
	FILE *out = open_memstream(&f->text, &f->n);

	if (out == NULL) {
		snapshot_no_memory(r);
		return;
	}
	f->values = node->values;
	r->file = s->file_count++;
	s->options = (int)r->file;
	for (unsigned i = 0; i < node->value_count; i++)
		snapshot_read_option(r, node->values[i].text, i + 1, out);
	if (fclose(out) != 0)
		snapshot_no_memory(r);
}

int
snapshot_read(const struct conf *conf, const struct snapshot_params *p,
    struct snapshot **out, struct conf_report *report)
{
	const struct conf_node *options =
	    tree_find_stated(conf->tree, p->ssh, "sshd-option");
	struct reader r = {.params = p,
	    .report = report,
	    .pos = conf_statement_pos(conf, p->ssh, "sshd-config")};

	*out = NULL;
	r.snap = calloc(1, sizeof(*r.snap));
	if (r.snap == NULL)
		return (ERR_NO_MEMORY);
	r.snap->block_count = 1;
	r.snap->options = r.snap->top = -1;
	if (options != NULL)
		snapshot_read_options(&r, options);
	if (r.err == 0 && p->ssh->ssh.sshd_config != NULL)
		r.snap->top = (int)snapshot_read_file(
		    &r, p->ssh->ssh.sshd_config, 0, 0, 0);
	if (r.err != 0)
		snapshot_free(r.snap);
	else
		*out = r.snap;
	return (r.err);
}

void
snapshot_free(struct snapshot *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; i < s->file_count; i++) {
		free(s->files[i].path);
		free(s->files[i].text);
	}
	for (size_t i = 0; i < s->line_count; i++)
		free(s->lines[i].text);
	free(s->lines);
	free(s);
}
