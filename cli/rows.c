/*
 * Rows of a listing: filled cell by cell, then a table with aligned columns
 * or an array of JSON objects with the columns' names as keys. The portreeve
 * command, as the calling user; every text is escaped on its way out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "cli/print.h"
#include "lib/escape.h"
#include "lib/log.h"

/* Longest text that a message can carry, every byte escaped. */
#define CELL_MAX 2048

void
rows_init(struct rows *r, const char *const *names, size_t columns)
{
	memset(r, 0, sizeof(*r));
	r->names = names;
	r->columns = columns;
}

void
rows_free(struct rows *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->cells[i].text);
	free(r->cells);
	memset(r, 0, sizeof(*r));
}

static struct cell *
rows_next(struct rows *r)
{
	struct cell *cells;
	size_t room;

	if (r->count == r->room) {
		room = r->room == 0 ? 256 : 2 * r->room;
		cells = reallocarray(r->cells, room, sizeof(*cells));
		if (cells == NULL) {
			r->failed = true;
			return (NULL);
		}
		r->cells = cells;
		r->room = room;
	}
	memset(&r->cells[r->count], 0, sizeof(r->cells[0]));
	return (&r->cells[r->count++]);
}

void
rows_unknown(struct rows *r)
{
	rows_next(r);
}

void
rows_text(struct rows *r, const char *text)
{
	struct cell *c = rows_next(r);

	if (c == NULL || *text == '\0')
		return;
	c->text = strdup(text);
	if (c->text == NULL)
		r->failed = true;
	else
		c->kind = CELL_TEXT;
}

void
rows_number(struct rows *r, uint64_t n)
{
	struct cell *c = rows_next(r);

	if (c == NULL)
		return;
	c->kind = CELL_NUMBER;
	c->number = n;
}

void
rows_addr(struct rows *r, const struct addr *a)
{
	static const uint8_t none[sizeof(a->bytes)];
	char text[ADDR_TEXT_MAX];

	if (a->port == 0 && memcmp(a->bytes, none, sizeof(none)) == 0) {
		rows_unknown(r);
		rows_unknown(r);
		return;
	}
	rows_text(r, addr_text(a, text));
	rows_number(r, a->port);
}

void
rows_format_time(uint64_t ns, char text[ROWS_TIME_MAX])
{
	time_t t = (time_t)(ns / 1000000000u);
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(text, ROWS_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		text[0] = '\0';
}

void
rows_time(struct rows *r, uint64_t ns)
{
	char text[ROWS_TIME_MAX] = "";

	if (ns != 0)
		rows_format_time(ns, text);
	rows_text(r, text);
}

static int
rows_compare(const void *a, const void *b)
{
	uint64_t x = ((const struct cell *)a)->number;
	uint64_t y = ((const struct cell *)b)->number;

	return (x < y ? -1 : x > y);
}

void
rows_sort(struct rows *r)
{
	if (r->count > 0 && !r->failed)
		qsort(r->cells, r->count / r->columns,
		    r->columns * sizeof(r->cells[0]), rows_compare);
}

static int
rows_out_of_memory(void)
{
	log_warn("out of memory: the listing is too long for this host's");
	return (1);
}

/* A cell as it stands in a table. */
static size_t
rows_cell_text(const struct cell *c, char buf[CELL_MAX])
{
	switch (c->kind) {
	case CELL_TEXT:
		return (escape_bytes(buf, CELL_MAX, c->text, strlen(c->text)));
	case CELL_NUMBER:
		return ((size_t)snprintf(
		    buf, CELL_MAX, "%llu", (unsigned long long)c->number));
	case CELL_UNKNOWN:
	default:
		return ((size_t)snprintf(buf, CELL_MAX, "-"));
	}
}

/* Colour on a terminal only, and not where it is not wanted
 * (https://no-color.org). */
static bool
rows_has_colour(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return (isatty(STDOUT_FILENO) && (no == NULL || *no == '\0') &&
		term != NULL && strcmp(term, "dumb") != 0);
}

/* One cell, padded but at the line's end; numbers to the right. */
static void
rows_cell(const char *text, size_t width, bool right, bool last)
{
	if (right)
		printf("%*s", (int)width, text);
	else if (last)
		fputs(text, stdout);
	else
		printf("%-*s", (int)width, text);
	if (!last)
		fputs("  ", stdout);
}

int
rows_table(const struct rows *r)
{
	char buf[CELL_MAX];
	size_t *width;
	bool *right, bold = rows_has_colour();

	width = calloc(r->columns, sizeof(*width));
	right = calloc(r->columns, sizeof(*right));
	if (r->failed || width == NULL || right == NULL) {
		free(width);
		free(right);
		return (rows_out_of_memory());
	}
	for (size_t c = 0; c < r->columns; c++)
		width[c] = strlen(r->names[c]);
	for (size_t i = 0; i < r->count; i++) {
		size_t n = rows_cell_text(&r->cells[i], buf);

		if (n > width[i % r->columns])
			width[i % r->columns] = n;
		if (r->cells[i].kind == CELL_NUMBER)
			right[i % r->columns] = true;
	}
	if (bold)
		fputs("\033[1m", stdout);
	for (size_t c = 0; c < r->columns; c++)
		rows_cell(r->names[c], width[c], right[c], c + 1 == r->columns);
	fputs(bold ? "\033[0m\n" : "\n", stdout);
	for (size_t i = 0; i < r->count; i++) {
		size_t c = i % r->columns;

		rows_cell_text(&r->cells[i], buf);
		rows_cell(buf, width[c], right[c], c + 1 == r->columns);
		if (c + 1 == r->columns)
			putchar('\n');
	}
	free(width);
	free(right);
	return (0);
}

/*
 * A text as JSON has it; one that is not UTF-8, or has a control in it that
 * JSON lets stand (DEL), in the escaped form of the logs.
 */
static json_t *
rows_json_cell_text(const char *text)
{
	json_t *j = strchr(text, 0x7f) == NULL ? json_string(text) : NULL;
	char buf[CELL_MAX];

	if (j != NULL)
		return (j);
	escape_bytes(buf, sizeof(buf), text, strlen(text));
	return (json_string(buf));
}

static json_t *
rows_json_cell(const struct cell *c)
{
	char buf[CELL_MAX];

	if (c->kind == CELL_UNKNOWN)
		return (json_null());
	if (c->kind == CELL_TEXT)
		return (rows_json_cell_text(c->text));
	if (c->number <= INT64_MAX)
		return (json_integer((json_int_t)c->number));
	/* Past what JSON's readers take as a whole number. */
	rows_cell_text(c, buf);
	return (json_string(buf));
}

int
rows_json(const struct rows *r)
{
	json_t *array = json_array(), *object = NULL;
	bool failed = r->failed || array == NULL;

	for (size_t i = 0; i < r->count && !failed; i++) {
		size_t c = i % r->columns;

		if (c == 0) {
			object = json_object();
			failed = json_array_append_new(array, object) != 0;
		}
		if (!failed)
			failed = json_object_set_new(object, r->names[c],
				     rows_json_cell(&r->cells[i])) != 0;
	}
	if (!failed)
		failed = json_dumpf(array, stdout,
			     JSON_INDENT(2) | JSON_ENSURE_ASCII) != 0;
	json_decref(array);
	if (failed)
		return (rows_out_of_memory());
	putchar('\n');
	return (0);
}

int
rows_show(const struct rows *r, bool json)
{
	int status = json ? rows_json(r) : rows_table(r);

	return (print_end() != 0 ? 1 : status);
}
