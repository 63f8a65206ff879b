/*
 * Idle connections: opened, kept while another client measures, looked at
 * once more at the end. Told what to do by its standard input's end.
 */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/bench/load.h"

/* Up to this many wait for the server at a time: its backlog is finite. */
#define CONNECTING_MAX 64

static void
wait_connected(struct pollfd *fds, nfds_t count, int timeout)
{
	for (nfds_t i = 0; i < count; i++) {
		fds[i].events = POLLOUT;
		if (poll(&fds[i], 1, timeout) != 1 ||
		    (fds[i].revents & (POLLERR | POLLHUP)) != 0)
			errx(1, "a connection to be held was not made");
	}
}

static void
hold_open(const struct load_options *options, struct pollfd *fds)
{
	int timeout = (int)(options->timeout / 1000000);
	uint64_t done = 0;

	for (uint64_t i = 0; i < options->count; i++) {
		fds[i].fd = load_connect(options, i);
		if (fds[i].fd < 0)
			err(1, "connection %llu", (unsigned long long)i);
		if (i - done == CONNECTING_MAX || i + 1 == options->count) {
			wait_connected(&fds[done], i + 1 - done, timeout);
			done = i + 1;
		}
	}
	for (uint64_t i = 0; i < options->count; i++) {
		if (send(fds[i].fd, options->query, options->query_len,
			MSG_NOSIGNAL) != (ssize_t)options->query_len)
			err(1, "send");
	}
}

/* Open still, and nothing came: held is what is idle, not what is refused. */
static uint64_t
hold_count_idle(struct pollfd *fds, uint64_t count)
{
	uint64_t idle = 0;

	for (uint64_t i = 0; i < count; i++)
		fds[i].events = POLLIN | POLLRDHUP;
	if (poll(fds, count, 0) < 0)
		err(1, "poll");
	for (uint64_t i = 0; i < count; i++)
		idle += fds[i].revents == 0;
	return (idle);
}

void
load_hold(const struct load_options *options)
{
	struct pollfd *fds = calloc(options->count, sizeof(fds[0]));
	char byte;
	ssize_t n;

	if (fds == NULL)
		err(1, "calloc");
	hold_open(options, fds);
	printf("{\"held\": %llu}\n", (unsigned long long)options->count);
	if (fflush(stdout) != 0)
		err(1, "cannot tell that they are held");
	do {
		n = read(STDIN_FILENO, &byte, 1);
	} while (n > 0 || (n < 0 && errno == EINTR));
	printf("{\"alive\": %llu}\n",
	    (unsigned long long)hold_count_idle(fds, options->count));
	for (uint64_t i = 0; i < options->count; i++)
		close(fds[i].fd);
	free(fds);
}
