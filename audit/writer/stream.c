/*
 * Events as lines on descriptor 1: the daemon's own stderr, when it runs in
 * the foreground. Only audit. The descriptor's open file is shared with
 * whoever started the daemon, so it is never made non-blocking: it is asked by
 * poll, and no more is written than a pipe that has room takes at once
 * (pipe(7): PIPE_BUF), whole lines together.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "audit/text.h"
#include "audit/writer/output.h"
#include "lib/err.h"
#include "lib/fd.h"

#define STREAM_FD 1

/* Lines of a batch, each with its newline; two batches are kept at most. */
#define STREAM_BATCH ((size_t)OUTPUT_BATCH * (EVENT_LINE_MAX + 1))
#define STREAM_SIZE (2 * STREAM_BATCH)

#define STREAM_CHUNK PIPE_BUF
#define FILE_CHUNK 65536
#define REST_MS 10
#define PIPE_SIZE (1024 * 1024) /* as much as anybody may have: pipe(7) */

static struct {
	char buf[STREAM_SIZE];
	size_t from, to;
	size_t chunk;
	uint64_t lost;
} stream;

static int
stream_open(void)
{
	struct stat st;

	if (fstat(STREAM_FD, &st) < 0)
		return (ERR_SYSTEM);
	stream.chunk = S_ISREG(st.st_mode) ? FILE_CHUNK : STREAM_CHUNK;
	/* Room for some thousands of lines that nobody has read yet. */
	if (S_ISFIFO(st.st_mode))
		(void)fcntl(STREAM_FD, F_SETPIPE_SZ, PIPE_SIZE);
	return (0);
}

static int
stream_has_room(void)
{
	return (STREAM_SIZE - (stream.to - stream.from) >= STREAM_BATCH);
}

static int
stream_write(const struct event_view *v)
{
	if (STREAM_SIZE - stream.to < EVENT_LINE_MAX + 1) {
		memmove(stream.buf, stream.buf + stream.from,
		    stream.to - stream.from);
		stream.to -= stream.from;
		stream.from = 0;
	}
	if (STREAM_SIZE - stream.to < EVENT_LINE_MAX + 1)
		return (ERR_FULL);
	stream.to += event_logfmt(v, stream.buf + stream.to, EVENT_LINE_MAX);
	stream.buf[stream.to++] = '\n';
	return (0);
}

static int
stream_pending_fd(void)
{
	return (stream.from < stream.to ? STREAM_FD : -1);
}

/* Whole lines of at most a chunk; a line that is longer goes in parts. */
static size_t
stream_next(void)
{
	const char *p = stream.buf + stream.from, *newline;
	size_t n = stream.to - stream.from;

	if (n <= stream.chunk)
		return (n);
	newline = memrchr(p, '\n', stream.chunk);
	return (newline == NULL ? stream.chunk : (size_t)(newline - p) + 1);
}

/* Nobody reads any more: what waits is lost, and counted. */
static void
stream_lose(void)
{
	for (size_t i = stream.from; i < stream.to; i++)
		stream.lost += stream.buf[i] == '\n';
	stream.from = stream.to = 0;
}

static void
stream_flush(void)
{
	while (stream.from < stream.to) {
		struct pollfd p = {.fd = STREAM_FD, .events = POLLOUT};
		ssize_t n;

		if (poll(&p, 1, 0) <= 0)
			return;
		n = write(STREAM_FD, stream.buf + stream.from, stream_next());
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			/* There is room, and there is none. */
			time_rest(REST_MS);
			return;
		}
		if (n < 0) {
			stream_lose();
			return;
		}
		stream.from += (size_t)n;
	}
	stream.from = stream.to = 0;
}

/* Of a line that was begun the rest is lost, but not its end. */
static void
stream_give_up(void)
{
	bool begun = stream.from > 0 && stream.from < stream.to &&
		     stream.buf[stream.from - 1] != '\n';

	stream_lose();
	if (begun)
		stream.buf[stream.to++] = '\n';
}

static uint64_t
stream_take_lost(void)
{
	uint64_t lost = stream.lost;

	stream.lost = 0;
	return (lost);
}

const struct output output_stream = {
    .name = "descriptor 1",
    .open = stream_open,
    .write = stream_write,
    .has_room = stream_has_room,
    .pending_fd = stream_pending_fd,
    .flush = stream_flush,
    .take_lost = stream_take_lost,
    .lose = stream_give_up,
};
