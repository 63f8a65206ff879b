/*
 * What telnet's protocol costs: bytes a second through the parser and through
 * the encoder and its queue, on one core, for plain text in long runs, for
 * lines of 80, and for bytes at random. Run by hand; prints a row for each,
 * and exits 1 when plain data falls below 1 GB/s in either direction.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "workers/telnet/telnet.h"

#define CHUNK 65536
#define ROUNDS 16384 /* of CHUNK: 1 GiB */

static uint8_t queue[65536];
static uint8_t source[CHUNK];
static uint8_t copy[CHUNK];
static volatile uint8_t sink;

/* Processor time, since the machine has other work. */
static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return ((double)t.tv_sec + (double)t.tv_nsec / 1e9);
}

/* Network to terminal; the copy stands for the read and is not counted. */
static double
receive(unsigned rounds)
{
	struct telnet t;
	double spent = 0;

	(void)telnet_init(&t, queue, sizeof(queue));
	for (unsigned i = 0; i < rounds; i++) {
		struct telnet_input got;
		size_t used = 0;
		double start;

		memcpy(copy, source, sizeof(copy));
		start = now();
		do {
			used += telnet_receive(
			    &t, copy + used, sizeof(copy) - used, &got);
			sink = got.n > 0 ? got.data[got.n - 1] : 0;
			if (got.action == TELNET_FULL) {
				const uint8_t *p;
				bool urgent;

				telnet_sent(
				    &t, telnet_pending(&t, &p, &urgent));
			}
		} while (got.action != TELNET_MORE);
		spent += now() - start;
	}
	return (spent);
}

/* Terminal to network, through the queue. */
static double
output(unsigned rounds)
{
	struct telnet t;
	double start;

	(void)telnet_init(&t, queue, sizeof(queue));
	start = now();
	for (unsigned i = 0; i < rounds; i++) {
		size_t used = 0, n;

		while (used < sizeof(source)) {
			const uint8_t *p;
			bool urgent;

			used += telnet_output(
			    &t, source + used, sizeof(source) - used);
			while ((n = telnet_pending(&t, &p, &urgent)) > 0) {
				sink = p[n - 1];
				telnet_sent(&t, n);
			}
		}
	}
	return (now() - start);
}

static int
row(const char *name, unsigned rounds, double least)
{
	double bytes = (double)rounds * CHUNK / 1e9;
	double in = bytes / receive(rounds), out = bytes / output(rounds);

	printf("%-20s %8.2f GB/s from the network %8.2f GB/s to it\n", name, in,
	    out);
	return (in < least || out < least);
}

int
main(void)
{
	uint32_t seed = 1;
	int slow;

	memset(source, 'x', sizeof(source));
	slow = row("plain", ROUNDS, 1.0);
	for (size_t i = 80; i + 1 < sizeof(source); i += 82) {
		source[i] = '\r';
		source[i + 1] = '\n';
	}
	(void)row("lines of 80", ROUNDS / 4, 0);
	for (size_t i = 0; i < sizeof(source); i++) {
		seed = seed * 1664525 + 1013904223;
		source[i] = (uint8_t)(seed >> 24);
	}
	(void)row("bytes at random", ROUNDS / 16, 0);
	memset(source, 0xff, sizeof(source));
	(void)row("IAC alone", ROUNDS / 64, 0);
	for (size_t i = 1; i < sizeof(source); i += 2)
		source[i] = 0xf6;
	(void)row("AYT alone", ROUNDS / 64, 0);
	return (slow);
}
