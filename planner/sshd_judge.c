/*
 * A block of the sshd-config FILE (what is global, or the body of one Match) is
 * given to `sshd -T` in front of what we say, as it would hold for whom it
 * matches; what sshd then prints is compared with what it prints of ours by
 * itself. The line that loosens is found by trying fewer of the block's lines.
 * Planner: sealed, with root's uid and CAP_DAC_READ_SEARCH (in a check, whoever
 * asked for it). Distrusts the block, and trusts what sshd prints; writes one
 * file below the run-time folder.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/schema.h"
#include "conf/sshd/order.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "planner/run.h"
#include "planner/sshd_judge.h"

#define DUMP_MAX 65536
#define SECONDS 20

static void __attribute__((format(printf, 4, 5)))
judge_say(const struct sshd_judge *j, unsigned file, unsigned line,
    const char *fmt, ...)
{
	char text[CONF_MESSAGE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (line == 0)
		conf_report_add(j->report, CONF_ERROR, j->pos, "%s", text);
	else
		snapshot_say(j->file, file, line, j->report, CONF_ERROR, text);
}

/*
 * One line of sshd's complaints, reported at the file that the copy was made
 * of: "COPIES.I: line N: TEXT", or without the first colon. False when it is
 * none about a copy.
 */
static bool
judge_complaint(const struct sshd_judge *j, const char *line)
{
	size_t n = strlen(j->copies);
	unsigned long file, number;
	char *end;

	if (j->file == NULL || strncmp(line, j->copies, n) != 0 ||
	    line[n] != '.')
		return (false);
	file = strtoul(line + n + 1, &end, 10);
	end += *end == ':';
	if (file >= j->file->file_count || strncmp(end, " line ", 6) != 0)
		return (false);
	number = strtoul(end + 6, &end, 10);
	end += *end == ':';
	judge_say(j, (unsigned)file, (unsigned)number, "sshd: %.200s",
	    end + strspn(end, " "));
	return (true);
}

/* The lists of which `ssh -Q` prints what there is. */
static const struct judge_list {
	const char *statement, *query;
} judge_lists[] = {
    {"ciphers", "cipher"},
    {"macs", "mac"},
    {"key-exchange", "kex"},
    {"hostkey-algorithm", "key-sig"},
};

/* "; this OpenSSH has A, B and so on", or nothing where it cannot be asked. */
static void
judge_choices(const char *statement, char *buf, size_t size)
{
	const char *argv[] = {"/usr/bin/ssh", "-Q", NULL, NULL};
	char out[DUMP_MAX / 16];

	buf[0] = '\0';
	for (size_t i = 0; i < sizeof(judge_lists) / sizeof(judge_lists[0]);
	     i++) {
		if (strcmp(judge_lists[i].statement, statement) == 0)
			argv[2] = judge_lists[i].query;
	}
	if (argv[2] == NULL ||
	    run_program(argv, SECONDS, out, sizeof(out)) != 0)
		return;
	for (char *p = out; *p != '\0'; p++) {
		if (*p == '\n')
			*p = p[1] != '\0' ? ' ' : '\0';
	}
	snprintf(buf, size, "; this OpenSSH has %.400s", out);
}

/* The statement that the comment above a line of our text names. */
static bool
judge_statement(
    const struct sshd_judge *j, unsigned long number, char *name, size_t size)
{
	const char *line = j->text;

	for (unsigned long i = 2; i < number && line != NULL; i++) {
		line = strchr(line, '\n');
		line += line != NULL;
	}
	if (line == NULL || strncmp(line, "# ", 2) != 0)
		return (false);
	snprintf(name, size, "%.*s", (int)strcspn(line + 2, "\n"), line + 2);
	return (schema_knows(BLOCK_SSH, name));
}

/*
 * A complaint about our own text, reported at the statement that it was made
 * of: "CONFIG line N: TEXT". False when it is none.
 */
static bool
judge_own_complaint(const struct sshd_judge *j, const char *line)
{
	size_t n = strlen(j->config);
	char name[64], choices[CONF_MESSAGE_MAX];
	unsigned long number;
	char *end;

	if (strncmp(line, j->config, n) != 0)
		return (false);
	line += n + (line[n] == ':');
	if (strncmp(line, " line ", 6) != 0)
		return (false);
	number = strtoul(line + 6, &end, 10);
	end += *end == ':';
	if (!judge_statement(j, number, name, sizeof(name)))
		return (false);
	end += strspn(end, " ");
	judge_choices(name, choices, sizeof(choices));
	conf_report_add(j->report, CONF_ERROR,
	    conf_statement_pos(j->conf, j->ssh, name), "%s: sshd: %.*s%s", name,
	    (int)strcspn(end, "."), end, choices);
	return (true);
}

/*
 * sshd's own words, one line each. Those that name a line are reported there;
 * where there are none, the first of the others is.
 */
static void
judge_complain(const struct sshd_judge *j, char *out)
{
	const char *other = NULL;
	char *save = NULL;
	bool placed = false;

	for (char *p = strtok_r(out, "\r\n", &save); p != NULL;
	     p = strtok_r(NULL, "\r\n", &save)) {
		if (judge_complaint(j, p) || judge_own_complaint(j, p))
			placed = true;
		else if (other == NULL)
			other = p;
	}
	if (!placed && other != NULL)
		judge_say(
		    j, 0, 0, "sshd refuses what this becomes: %.200s", other);
	else if (!placed)
		judge_say(j, 0, 0,
		    "sshd refuses what this becomes, and gives no reason");
}

static void
put_lines(FILE *f, const struct snapshot *s, unsigned block, size_t count)
{
	for (size_t i = 0; i < s->line_count && count > 0; i++) {
		if (s->lines[i].block != block)
			continue;
		fprintf(f, "%s\n", s->lines[i].text);
		count--;
	}
}

static int
judge_write(const struct sshd_judge *j, unsigned block, size_t count)
{
	int fd;
	FILE *f;

	unlink(j->trial);
	fd = open(j->trial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	f = fd < 0 ? NULL : fdopen(fd, "we");
	if (f == NULL) {
		fd_close(&fd);
		return (ERR_SYSTEM);
	}
	put_lines(f, j->file, block, count);
	if (block != 0)
		put_lines(f, j->file, 0, SIZE_MAX);
	fputs(j->ours, f);
	return (fclose(f) == 0 ? 0 : ERR_SYSTEM);
}

/*
 * What `sshd -T` prints of the first `count` lines of a block, of what is
 * global in FILE, and of ours; malloc'd, NULL when sshd refuses it. Of block 0
 * without lines: ours by itself.
 */
static char *
judge_try(const struct sshd_judge *j, unsigned block, size_t count)
{
	const char *argv[] = {j->sshd, "-T", "-f", j->trial, NULL};
	char *out = malloc(DUMP_MAX);

	if (out != NULL && judge_write(j, block, count) == 0 &&
	    run_program(argv, SECONDS, out, DUMP_MAX) == 0)
		return (out);
	free(out);
	return (NULL);
}

static bool
judge_is_looser(const char *keyword, const char *base, const char *dump)
{
	char *ours = order_value(base, keyword);
	char *theirs = order_value(dump, keyword);
	bool looser = ours != NULL && theirs != NULL &&
		      order_is_looser(keyword, ours, theirs);

	free(ours);
	free(theirs);
	return (looser);
}

/* How many of the block's first lines it takes for the keyword to be looser. */
static size_t
judge_bisect(const struct sshd_judge *j, unsigned block, size_t count,
    const char *keyword, const char *base)
{
	size_t low = 0, high = count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		char *dump = judge_try(j, block, middle);

		/* What sshd refuses is half of a pair: the other half more. */
		if (dump != NULL && judge_is_looser(keyword, base, dump))
			high = middle;
		else
			low = middle;
		free(dump);
	}
	return (high);
}

static const struct snapshot_line *
find_line(const struct snapshot *s, unsigned block, size_t number)
{
	for (size_t i = 0; i < s->line_count; i++) {
		if (s->lines[i].block == block && --number == 0)
			return (&s->lines[i]);
	}
	return (&s->lines[0]);
}

static size_t
count_lines(const struct snapshot *s, unsigned block)
{
	size_t n = 0;

	for (size_t i = 0; i < s->line_count; i++)
		n += s->lines[i].block == block;
	return (n);
}

/* Every keyword of ours that the block loosens, but those that globals do. */
static void
judge_block(const struct sshd_judge *j, unsigned block, const char *base,
    const char *global)
{
	size_t count = count_lines(j->file, block), n;
	char *dump = count > 0 ? judge_try(j, block, count) : NULL;
	const char *keyword, *statement;
	const struct snapshot_line *l;

	if (count > 0 && dump == NULL) {
		l = find_line(j->file, block, 1);
		judge_say(j, l->file, l->number,
		    "sshd refuses what begins here when it is in force");
	}
	for (size_t i = 0; dump != NULL && (keyword = order_stated(j->ours, i,
						&statement, &n)) != NULL;
	     i++) {
		if (!judge_is_looser(keyword, base, dump) ||
		    (global != NULL && judge_is_looser(keyword, base, global)))
			continue;
		l = find_line(j->file, block,
		    judge_bisect(j, block, count, keyword, base));
		judge_say(j, l->file, l->number,
		    "`%.100s` loosens what %.*s says here: take the line out, "
		    "or change the statement",
		    l->text + strspn(l->text, " \t"), (int)n, statement);
	}
	free(dump);
}

static void
judge_blocks(const struct sshd_judge *j)
{
	size_t errors = j->report->errors;
	char *base = judge_try(j, 0, 0), *global;

	if (base == NULL) {
		unlink(j->trial);
		judge_say(j, 0, 0,
		    "sshd -T does not print what holds without "
		    "the file of sshd-config");
		return;
	}
	global = judge_try(j, 0, SIZE_MAX);
	for (unsigned b = 0; b < j->file->block_count; b++)
		judge_block(j, b, base, b == 0 ? NULL : global);
	if (global == NULL && j->report->errors == errors)
		judge_say(j, 0, 0, "sshd refuses the file of sshd-config");
	free(base);
	free(global);
	unlink(j->trial);
}

int
sshd_judge(const struct sshd_judge *j)
{
	const char *argv[] = {j->sshd, "-t", "-f", j->config, NULL};
	size_t errors = j->report->errors;
	char *out = malloc(DUMP_MAX);

	if (out == NULL)
		judge_say(j, 0, 0, "out of memory");
	else if (run_program(argv, SECONDS, out, DUMP_MAX) != 0)
		judge_complain(j, out);
	else if (j->file != NULL)
		judge_blocks(j);
	free(out);
	return (j->report->errors == errors ? 0 : ERR_REFUSED);
}
