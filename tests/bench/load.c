/*
 * A client that makes many connections and tells how they went, as JSON:
 *
 *	load -p PORT [-a ADDRESS] [-s SOURCES] [-c PARALLEL] [-q QUERY]
 *	    [-e BYTES] [-t SECONDS] [-w SECONDS] (-n COUNT | -d SECONDS)
 *	load -p PORT [...] -k COUNT	(hold idle connections)
 *
 * Each connects, sends QUERY if any, reads to the end; -w lets so much time
 * pass from the start of one to that of the next. Loopback only; runs
 * as anybody. It distrusts the server only as far as to count what is wrong.
 */
#include <netinet/in.h>
#include <arpa/inet.h>
#include <sys/resource.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/load.h"

#define NS 1000000000.0

static _Noreturn void
usage(void)
{
	errx(2, "usage: load -p PORT [-a ADDRESS] [-s SOURCES] [-c PARALLEL]"
		" [-q QUERY] [-e BYTES] [-t SECONDS] [-w SECONDS] (-n COUNT | "
		"-d SECONDS |"
		" -k COUNT)");
}

static uint64_t
parse_number(const char *text, uint64_t min, uint64_t max)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);

	if (*text == '\0' || *end != '\0' || value < min || value > max)
		errx(2, "%s: not a number from %llu to %llu", text,
		    (unsigned long long)min, (unsigned long long)max);
	return ((uint64_t)value);
}

static uint64_t
parse_seconds(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (*text == '\0' || *end != '\0' || !(value > 0 && value <= 3600))
		errx(2, "%s: not a number of seconds up to 3600", text);
	return ((uint64_t)(value * NS));
}

static void
parse_target(struct load_options *options, const char *address, uint16_t port)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&options->to;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&options->to;

	if (inet_pton(AF_INET, address, &in->sin_addr) == 1) {
		if (ntohl(in->sin_addr.s_addr) >> 24 != 127)
			errx(2, "%s: not a loopback address", address);
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		options->to_len = sizeof(*in);
	} else if (inet_pton(AF_INET6, address, &in6->sin6_addr) == 1) {
		if (!IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr))
			errx(2, "%s: not a loopback address", address);
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		options->to_len = sizeof(*in6);
		options->sources = 0;
	} else {
		errx(2, "%s: not an address", address);
	}
}

/* True: connections are to be held, not to be made one after the other. */
static bool
parse_options(struct load_options *options, int argc, char **argv)
{
	const char *address = "127.0.0.1";
	uint16_t port = 0;
	bool hold = false;
	int option;

	while ((option = getopt(argc, argv, "a:c:d:e:k:n:p:q:s:t:w:")) != -1) {
		switch (option) {
		case 'a':
			address = optarg;
			break;
		case 'c':
			options->parallel =
			    (unsigned)parse_number(optarg, 1, 65535);
			break;
		case 'd':
			options->duration = parse_seconds(optarg);
			break;
		case 'e':
			options->expect = parse_number(optarg, 0, UINT32_MAX);
			break;
		case 'k':
			hold = true;
			options->count = parse_number(optarg, 1, 65535);
			break;
		case 'n':
			options->count = parse_number(optarg, 1, UINT32_MAX);
			break;
		case 'p':
			port = (uint16_t)parse_number(optarg, 1, 65535);
			break;
		case 'q':
			options->query = optarg;
			options->query_len = strlen(optarg);
			break;
		case 's':
			options->sources =
			    (unsigned)parse_number(optarg, 0, 250);
			break;
		case 't':
			options->timeout = parse_seconds(optarg);
			break;
		case 'w':
			options->pace = parse_seconds(optarg);
			break;
		default:
			usage();
		}
	}
	if (optind != argc || port == 0 ||
	    (options->count == 0 && options->duration == 0))
		usage();
	parse_target(options, address, port);
	return (hold);
}

/* As many descriptors as we may have: 10,000 connections need as many. */
static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		err(1, "getrlimit");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		err(1, "setrlimit");
}

int
main(int argc, char **argv)
{
	struct load_options options = {
	    .sources = 32,
	    .parallel = 16,
	    .timeout = (uint64_t)(10 * NS),
	    .query = "",
	};
	struct load_result result = {.elapsed = 0};

	raise_descriptors();
	if (parse_options(&options, argc, argv)) {
		load_hold(&options);
		return (0);
	}
	load_run(&options, &result);
	load_print(&result);
	free(result.latencies);
	return (0);
}
