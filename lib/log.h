/*
 * Free text for developers and for a start that fails. Audit is another thing
 * (audit/). Any process; writes to descriptor 2, one line a call, escaped.
 */
#ifndef PORTREEVE_LIB_LOG_H
#define PORTREEVE_LIB_LOG_H

/* The name in front of each line, a constant or a static buffer. */
void log_set_name(const char *name);

/* Where lines go, instead of descriptor 2. It stays the caller's. */
void log_set_fd(int fd);

/* Whether log_info() writes anything; it does not at first. */
void log_set_verbose(int verbose);

/* What means something to developers only, or is an event already. */
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* What an administrator should read, and no event says. */
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* As log_warn, with errno's text. */
void log_errno(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Faults from outside that leave no way on: says so, exits 1. Only in mains. */
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* What cannot happen did: says so, aborts. */
void bug(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
