/*
 * The load generator's parts: options, what is counted, the two ways to run.
 * Loopback only; an ordinary user's program. What a server answers is
 * counted and measured, never shown.
 */
#ifndef PORTREEVE_TESTS_BENCH_LOAD_H
#define PORTREEVE_TESTS_BENCH_LOAD_H

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct load_options {
	struct sockaddr_storage to;
	socklen_t to_len;
	unsigned sources;  /* 127.0.0.1 to 127.0.0.N in turn; 0: unbound */
	unsigned parallel; /* connections at a time */
	uint64_t count;	   /* connections in all; 0: as many as there is time */
	uint64_t duration; /* ns; 0: until count is reached */
	uint64_t pace;	   /* ns from one start to the next; 0: at once */
	uint64_t timeout;  /* ns, for one connection */
	const char *query; /* sent when connected */
	size_t query_len;
	uint64_t expect; /* bytes of a whole answer; 0: any but none */
};

/* Every connection ends as one of these. */
enum load_outcome {
	LOAD_SERVED,
	LOAD_REFUSED, /* by the line that says so */
	LOAD_EMPTY,   /* closed without a byte */
	LOAD_WRONG,   /* an answer of another length than expected */
	LOAD_RESET,
	LOAD_TIMEOUT,
	LOAD_FAILED, /* no socket, or no connection */
	LOAD_OUTCOMES
};

struct load_result {
	uint64_t outcomes[LOAD_OUTCOMES];
	uint64_t elapsed;    /* ns, first connect to last close */
	uint64_t bytes;	     /* of the last answer served */
	uint64_t *latencies; /* ns, of those served; connect to close */
	size_t latency_count, latency_room;
	unsigned most; /* open at a time */
};

/* CLOCK_MONOTONIC, ns. */
uint64_t load_clock(void);

/*
 * A non-blocking socket that is connected or connecting, from the source
 * address whose turn it is; -1 with errno.
 */
int load_connect(const struct load_options *options, uint64_t number);

/* Runs until count or duration; the caller frees latencies. Exits on error. */
void load_run(const struct load_options *options, struct load_result *result);

/* Prints a result as one JSON object. Sorts the latencies. */
void load_print(struct load_result *result);

/*
 * Opens count connections, sends the query, prints {"held": N}, keeps them
 * until standard input ends, prints {"alive": N}. Exits on error.
 */
void load_hold(const struct load_options *options);

#endif
