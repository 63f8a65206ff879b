/*
 * The configuration: from a file or from memory to struct conf, and back to
 * text. Runs in the planner (root), before anything of it takes effect, and in
 * the CLI. Distrusts the whole text: size, depth, tokens, lists and the number
 * of messages are bounded. Never exits, never prints, changes nothing outside.
 */
#ifndef PORTREEVE_CONF_CONF_H
#define PORTREEVE_CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/model.h"

#define CONF_FILE_MAX 1048576 /* bytes of a file */
#define CONF_STDIN "-"	      /* for a path: standard input, for a check */
#define CONF_MESSAGE_MAX 512  /* bytes of a message, NUL included */

enum conf_severity { CONF_WARNING, CONF_ERROR };

/* One message; line 0 when it is about the file as a whole. */
struct conf_diag {
	enum conf_severity severity;
	struct conf_pos pos;
	char file[256]; /* "" for the configuration itself; else another file */
	char text[CONF_MESSAGE_MAX]; /* one line, escaped */
};

/*
 * Messages: errors first, then warnings, each in the order of the file and
 * before what is said of other files. Start from {0}; conf_report_clear
 * ends.
 */
struct conf_report {
	struct conf_diag *diags;
	size_t count;
	size_t room;
	size_t errors;
	bool lost; /* out of memory or past the cap: more there were */
};

/* Adds a message; counts an error even when there is no memory to tell it. */
void conf_report_add(struct conf_report *r, enum conf_severity severity,
    struct conf_pos pos, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* As conf_report_add, about a line of another file than the configuration. */
void conf_report_add_file(struct conf_report *r, enum conf_severity severity,
    const char *file, struct conf_pos pos, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Whether further messages are counted, and no more: none is worth its making.
 */
bool conf_report_is_full(const struct conf_report *r);

/*
 * "FILE:LINE:COL: error: TEXT" without a newline (1:1 where it is about the
 * whole file); name is the configuration's file. Returns buf, always
 * terminated.
 */
const char *conf_diag_text(
    const struct conf_diag *d, const char *name, char *buf, size_t size);

void conf_report_clear(struct conf_report *r);

/*
 * Parse and check n bytes. 0 and *out (owned by the caller, conf_free) when
 * there is no error, with warnings perhaps; else ERR_SYNTAX, ERR_TOO_LONG or
 * ERR_NO_MEMORY, *out NULL, and at least one error in the report. Asks nothing
 * of the host but interface names in link-local addresses.
 */
int conf_parse(
    const void *text, size_t n, struct conf **out, struct conf_report *report);

/*
 * As conf_parse, but with ERR_SYNTAX *out is what could be read, for checks
 * that find more errors: a value with an error is as if it were not written.
 * It must never take effect. NULL where it is another program's file.
 */
int conf_parse_all(
    const void *text, size_t n, struct conf **out, struct conf_report *report);

/*
 * As conf_parse_all, from a file: it must be a regular file, owned by root or
 * by the running uid, and writable by nobody but its owner (a symbolic link is
 * followed: what it points to must be so). CONF_STDIN is read as it is, and is
 * not to take effect. ERR_NOT_FOUND when it is missing,
 * ERR_REFUSED when it may not be trusted, ERR_SYSTEM for what else keeps it
 * from being read; one sentence in the report says what to do.
 */
int conf_load(const char *path, struct conf **out, struct conf_report *report);

/*
 * What only this host can tell, and needs no privilege: users and groups
 * exist, programs can be executed, named files can be read. Takes what
 * conf_parse_all gives, too. Adds to the report; ERR_VALUE when it added an
 * error.
 */
int conf_check_host(const struct conf *conf, struct conf_report *report);

/* The same of one of its services. */
int conf_check_host_service(const struct conf *conf,
    const struct conf_service *service, struct conf_report *report);

enum conf_form { CONF_BRACES, CONF_SET };

/*
 * The configuration as text that parses to itself, inactive statements
 * included. masked: secrets as ********, which the parser refuses. *out is
 * malloc'd, terminated, and the caller's to free. ERR_NO_MEMORY.
 */
int conf_render(const struct conf *conf, enum conf_form form, bool masked,
    char **out, size_t *len);

/*
 * Where a statement was written, for messages of later checks: service is one
 * of conf's, or NULL for a statement right below `system services`. The
 * service's own place when it has no such statement.
 */
struct conf_pos conf_statement_pos(const struct conf *conf,
    const struct conf_service *service, const char *statement);

/* The service of that name, or NULL. */
/* Whether an order names that method; whether any service's does. */
bool conf_order_has(const struct conf_words *order, const char *method);
bool conf_asks(const struct conf *conf, const char *method);

const struct conf_service *conf_find_service(
    const struct conf *conf, const char *name);

/* Whether both say the same, places in the file apart. */
bool conf_equal(const struct conf *a, const struct conf *b);

/* NULL is allowed. Secrets are overwritten. */
void conf_free(struct conf *conf);

#endif
