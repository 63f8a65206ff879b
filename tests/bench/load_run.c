/*
 * The load generator's loop: so many connections at a time by one epoll, each
 * timed from connect() to the end of the answer. One thread, few system calls
 * a connection, since it shares two cores with what it measures.
 */
#include <netinet/in.h>
#include <sys/epoll.h>

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/load.h"

#define EVENTS 64
#define HEAD sizeof("Too many connections")

struct connection {
	int fd; /* -1: none */
	bool sent;
	uint64_t start;	   /* ns */
	uint64_t received; /* bytes */
	char head[HEAD];   /* the answer's first bytes */
};

struct loop {
	const struct load_options *options;
	struct load_result *result;
	struct connection *connections;
	uint64_t begun, end; /* ns; end 0: none */
	uint64_t next;	     /* ns: none is started before */
	uint64_t started;    /* connections so far */
	unsigned open;
	int epoll;
};

uint64_t
load_clock(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) < 0)
		err(1, "clock_gettime");
	return ((uint64_t)now.tv_sec * UINT64_C(1000000000) +
		(uint64_t)now.tv_nsec);
}

static int
bind_source(int fd, const struct load_options *options, uint64_t number)
{
	struct sockaddr_in source = {.sin_family = AF_INET};
	int on = 1;

	if (options->sources == 0)
		return (0);
	source.sin_addr.s_addr =
	    htonl(INADDR_LOOPBACK + (uint32_t)(number % options->sources));
	if (setsockopt(
		fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) < 0)
		return (-1);
	return (bind(fd, (const struct sockaddr *)&source, sizeof(source)));
}

int
load_connect(const struct load_options *options, uint64_t number)
{
	int fd = socket(options->to.ss_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return (-1);
	if (bind_source(fd, options, number) == 0 &&
	    (connect(fd, (const struct sockaddr *)&options->to,
		 options->to_len) == 0 ||
		errno == EINPROGRESS))
		return (fd);
	close(fd);
	return (-1);
}

static void
record_latency(struct load_result *result, uint64_t latency)
{
	if (result->latency_count == result->latency_room) {
		result->latency_room = result->latency_room * 2 + 4096;
		result->latencies = reallocarray(result->latencies,
		    result->latency_room, sizeof(result->latencies[0]));
		if (result->latencies == NULL)
			err(1, "cannot keep the latencies");
	}
	result->latencies[result->latency_count++] = latency;
}

static void
connection_end(
    struct loop *loop, struct connection *connection, enum load_outcome outcome)
{
	struct load_result *result = loop->result;

	result->outcomes[outcome]++;
	result->elapsed = load_clock() - loop->begun;
	if (outcome == LOAD_SERVED) {
		record_latency(
		    result, result->elapsed + loop->begun - connection->start);
		result->bytes = connection->received;
	}
	close(connection->fd);
	connection->fd = -1;
	loop->open--;
}

/* The whole answer is here: what was it? */
static enum load_outcome
connection_judge(const struct loop *loop, const struct connection *connection)
{
	static const char line[] = "Too many connections";

	if (connection->received == 0)
		return (LOAD_EMPTY);
	if (connection->received >= sizeof(line) - 1 &&
	    memcmp(connection->head, line, sizeof(line) - 1) == 0)
		return (LOAD_REFUSED);
	if (loop->options->expect != 0 &&
	    connection->received != loop->options->expect)
		return (LOAD_WRONG);
	return (LOAD_SERVED);
}

/* True when sent, or not yet to be sent; a query is smaller than a buffer. */
static bool
connection_send(struct loop *loop, struct connection *connection)
{
	const struct load_options *options = loop->options;
	ssize_t n;

	if (connection->sent || options->query_len == 0)
		return (true);
	n = send(
	    connection->fd, options->query, options->query_len, MSG_NOSIGNAL);
	if (n == (ssize_t)options->query_len)
		connection->sent = true;
	/* One that was refused already is judged by what can be read. */
	return (n >= 0 || errno == EAGAIN || errno == ENOTCONN ||
		errno == EPIPE || errno == ECONNRESET);
}

static void
connection_read(struct loop *loop, struct connection *connection)
{
	char buffer[4096];
	enum load_outcome outcome;
	ssize_t n;

	while ((n = recv(connection->fd, buffer, sizeof(buffer), 0)) > 0) {
		if (connection->received < HEAD) {
			size_t room = HEAD - (size_t)connection->received;

			memcpy(connection->head + connection->received, buffer,
			    (size_t)n < room ? (size_t)n : room);
		}
		connection->received += (uint64_t)n;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	outcome = connection_judge(loop, connection);
	if (n < 0 && outcome != LOAD_REFUSED)
		outcome = errno == ECONNRESET ? LOAD_RESET : LOAD_FAILED;
	connection_end(loop, connection, outcome);
}

static void
connection_start(struct loop *loop, struct connection *connection)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET};

	connection->start = load_clock();
	/* Without a pace the clock has no say: all begin at once. */
	if (loop->options->pace != 0)
		loop->next = connection->start + loop->options->pace;
	connection->received = 0;
	connection->sent = false;
	connection->fd = load_connect(loop->options, loop->started++);
	if (connection->fd < 0) {
		loop->result->outcomes[LOAD_FAILED]++;
		return;
	}
	if (++loop->open > loop->result->most)
		loop->result->most = loop->open;
	event.data.ptr = connection;
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, connection->fd, &event) < 0)
		err(1, "epoll_ctl");
	if (!connection_send(loop, connection))
		connection_end(loop, connection, LOAD_FAILED);
}

/* More are to be started, now or when it is time. */
static bool
loop_goes_on(const struct loop *loop, uint64_t now)
{
	const struct load_options *options = loop->options;

	if (options->count != 0 && loop->started >= options->count)
		return (false);
	return (loop->end == 0 || now < loop->end);
}

static bool
loop_starts_more(const struct loop *loop, uint64_t now)
{
	return (now >= loop->next && loop_goes_on(loop, now));
}

/* Fills every free place, and ends what takes too long. */
static void
loop_fill(struct loop *loop)
{
	uint64_t now = load_clock();

	for (unsigned i = 0; i < loop->options->parallel; i++) {
		struct connection *connection = &loop->connections[i];

		if (connection->fd >= 0 && now > connection->start &&
		    now - connection->start > loop->options->timeout)
			connection_end(loop, connection, LOAD_TIMEOUT);
		if (connection->fd < 0 && loop_starts_more(loop, now))
			connection_start(loop, connection);
	}
}

static void
loop_wait(struct loop *loop)
{
	struct epoll_event events[EVENTS];
	int timeout = loop->options->pace != 0 ? 1 : 100;
	int n = epoll_wait(loop->epoll, events, EVENTS, timeout);

	if (n < 0 && errno != EINTR)
		err(1, "epoll_wait");
	for (int i = 0; i < n; i++) {
		struct connection *connection = events[i].data.ptr;

		if (connection->fd < 0)
			continue;
		if (connection_send(loop, connection))
			connection_read(loop, connection);
		else
			connection_end(loop, connection, LOAD_FAILED);
		if (connection->fd < 0 && loop_starts_more(loop, load_clock()))
			connection_start(loop, connection);
	}
	if (n <= 0)
		loop_fill(loop);
}

void
load_run(const struct load_options *options, struct load_result *result)
{
	struct loop loop = {.options = options, .result = result};

	loop.connections =
	    calloc(options->parallel, sizeof(loop.connections[0]));
	loop.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop.connections == NULL || loop.epoll < 0)
		err(1, "cannot begin");
	for (unsigned i = 0; i < options->parallel; i++)
		loop.connections[i].fd = -1;
	loop.begun = load_clock();
	if (options->duration != 0)
		loop.end = loop.begun + options->duration;
	loop_fill(&loop);
	while (loop.open > 0 || loop_goes_on(&loop, load_clock()))
		loop_wait(&loop);
	close(loop.epoll);
	free(loop.connections);
}
