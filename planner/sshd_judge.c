/*
 * A block of the sshd-config FILE (what is global, or the body of one Match) is
 * given to `sshd -T` in front of what we say, as it would hold for whom it
 * matches; what sshd then prints is compared with what it prints of ours alone.
 * The line that loosens is found by trying fewer of the block's lines. Planner;
 * writes one file below the run-time folder.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
		conf_report_add_file(j->report, CONF_ERROR,
		    j->file->files[file].path, (struct conf_pos){line, 1}, "%s",
		    text);
}

/*
 * One line of sshd's complaints, told at the file that the copy was made of:
 * "COPIES.I: line N: TEXT", or without the first colon. False when it is none
 * about a copy.
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

/* sshd's own words, one line each; they name the file and the line. */
static void
judge_complain(const struct sshd_judge *j, char *out)
{
	char *save = NULL;
	bool told = false;

	for (char *p = strtok_r(out, "\r\n", &save); p != NULL;
	     p = strtok_r(NULL, "\r\n", &save)) {
		if (judge_complaint(j, p)) {
			told = true;
		} else if (!told) {
			judge_say(j, 0, 0,
			    "sshd refuses what this becomes: %.200s", p);
			return;
		}
	}
	if (!told)
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
 * without lines: ours alone.
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
