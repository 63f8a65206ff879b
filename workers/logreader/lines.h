/*
 * What the processes of one connection write, joined to lines: each process's
 * writes by themselves, until a newline or LINE_MAX bytes. In the logreader,
 * sealed. Pure but for memory. The bytes are distrusted; who wrote them is the
 * caller's to know.
 */
#ifndef PORTREEVE_WORKERS_LOGREADER_LINES_H
#define PORTREEVE_WORKERS_LOGREADER_LINES_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#define LINE_MAX_BYTES 4096

/* A connection's processes with half a line; of more the oldest is reported. */
#define LINES_PARTS 16

/* Bytes of half lines of all connections; what is past it is not joined. */
#define LINES_HELD_MAX (16u << 20)

struct line_part;

/* All zero is empty. */
struct lines {
	struct line_part *parts; /* the oldest first */
	unsigned count;
};

/* n is never 0 and never more than LINE_MAX_BYTES; no newline is among them. */
typedef void lines_tell(void *arg, pid_t pid, const char *line, size_t n);

/* Take n bytes that pid has written, and tell every line that is whole. */
void lines_take(struct lines *l, pid_t pid, const char *p, size_t n,
    uint64_t now, lines_tell *tell, void *arg);

/* Tell the half lines that were begun at `until` or before; tell may be NULL.
 */
void lines_flush(struct lines *l, uint64_t until, lines_tell *tell, void *arg);

#endif
