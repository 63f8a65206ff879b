/*
 * What the portreeve command puts on a terminal: text of the daemon's, whose
 * bytes may be a stranger's, tables, and JSON. Runs as the calling user.
 */
#ifndef PORTREEVE_CLI_PRINT_H
#define PORTREEVE_CLI_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/addr.h"

/*
 * n bytes of src as printable text: controls as \xHH, and with `ascii` every
 * byte past 0x7e too. Newline and tab stay with `lines`. Unlike
 * escape_bytes(), quotes and backslashes stay: for sentences and
 * configurations, which have their own. Always terminated; returns the bytes
 * written, without the NUL.
 */
size_t print_escape(
    char *dst, size_t size, const void *src, size_t n, bool lines, bool ascii);

/* A piece of a configuration to stdout, escaped as its terminal needs it. */
void print_text(const void *src, size_t n);

/* "portreeve: SENTENCE" to stderr, where the sentence is the daemon's. */
void print_reason(const char *reason);

/* 0, or 1 with a line on stderr when stdout did not take everything. */
int print_end(void);

/* --- rows --------------------------------------------------------------- */

/* One value of a row. Text is copied. */
enum cell_kind {
	CELL_UNKNOWN, /* "-" in a table, null in JSON */
	CELL_TEXT,
	CELL_NUMBER
};

struct cell {
	enum cell_kind kind;
	char *text; /* CELL_TEXT, malloc'd */
	uint64_t number;
};

/* Rows of `columns` cells each, in the order of names. */
struct rows {
	const char *const *names;
	size_t columns;
	size_t count, room;
	struct cell *cells;
	bool failed; /* out of memory: rows are missing */
};

void rows_init(struct rows *r, const char *const *names, size_t columns);
void rows_free(struct rows *r);

/* The next cell; rows fill from left to right. "" as text is unknown. */
void rows_text(struct rows *r, const char *text);
void rows_number(struct rows *r, uint64_t n);
void rows_unknown(struct rows *r);

/* An address and its port, two cells; port 0 and no address: unknown. */
void rows_addr(struct rows *r, const struct addr *a);

/* Wall clock in ns as RFC 3339 in UTC; "" where that cannot be said. */
#define ROWS_TIME_MAX 32
void rows_format_time(uint64_t ns, char text[ROWS_TIME_MAX]);

/* The same, in a cell; 0 is unknown. */
void rows_time(struct rows *r, uint64_t ns);

/* Order the rows by the number in their first cell. */
void rows_sort(struct rows *r);

/* To stdout. Returns 0, or 1 with a line on stderr when memory ran out. */
int rows_table(const struct rows *r);
int rows_json(const struct rows *r);

/* As one of these, and all of stdout. The same. */
int rows_show(const struct rows *r, bool json);

#endif
