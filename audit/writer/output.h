/*
 * Where events end: the journal, syslog, or the terminal of a daemon in the
 * foreground. Only audit. One is chosen at start, before sealing.
 */
#ifndef PORTREEVE_AUDIT_WRITER_OUTPUT_H
#define PORTREEVE_AUDIT_WRITER_OUTPUT_H

#include "audit/event.h"

/*
 * One way to write. A file each; functions that a way has no need of are NULL.
 */
struct output {
	const char *name;
	/*
	 * 0 when it can be written to, else an ERR_. First before sealing,
	 * then again and again: it must look at no file.
	 */
	int (*open)(void);
	/* One event: 0, or an ERR_ when it is lost. May wait for its reader. */
	int (*write)(const struct event_view *v);
	/* Whether a batch of events may be read now. NULL: always. */
	int (*has_room)(void);
	/* Descriptor to poll for POLLOUT, or -1 when nothing waits. */
	int (*pending_fd)(void);
	/* Write what waits, as far as it goes without waiting. */
	void (*flush)(void);
	/* Events lost since the last call. */
	uint64_t (*take_lost)(void);
	/* What waits is lost, and counted. */
	void (*lose)(void);
};

/*
 * Choose where to write: descriptor 1 in the foreground, else the journal,
 * else syslog. When neither is there it says so in the log, and events are
 * lost, counted and reported until one comes. Before sealing. ERR_SYSTEM when
 * descriptor 1 cannot be used.
 */
int output_open(int foreground);

/* Write an event, or count its loss; tells losses when it can write again. */
void output_event(const struct event_view *v);

/* The same, of audit's own: b as event_begin() and its fields left it. */
void output_own_event(const struct event_builder *b);

/* An event that is not to be written any more is counted as lost. */
void output_lose_event(const struct event_view *v);

/* At the end: what waits is lost, and the number of the lost waits instead. */
void output_give_up(void);

/* As the functions of the one that was chosen. */
int output_has_room(void);
int output_pending_fd(void);
void output_flush(void);

extern const struct output output_stream;  /* logfmt on descriptor 1 */
extern const struct output output_journal; /* systemd-journald */
extern const struct output output_syslog;  /* /dev/log */

/* Events of one read of a source; has_room() speaks of so many. */
#define OUTPUT_BATCH 32

#endif
