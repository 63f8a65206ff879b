/* What the load generator counted, as one JSON object on standard output. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/load.h"

static int
compare(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return ((a > b) - (a < b));
}

/* In µs: the smallest latency that so many in a thousand do not exceed. */
static double
percentile(const struct load_result *result, size_t thousandths)
{
	size_t n = result->latency_count;
	size_t at = (n * thousandths + 999) / 1000;

	if (n == 0)
		return (0);
	return ((double)result->latencies[at > 0 ? at - 1 : 0] / 1000.0);
}

void
load_print(struct load_result *result)
{
	static const char *const names[LOAD_OUTCOMES] = {
	    [LOAD_SERVED] = "served",
	    [LOAD_REFUSED] = "refused",
	    [LOAD_EMPTY] = "empty",
	    [LOAD_WRONG] = "wrong",
	    [LOAD_RESET] = "reset",
	    [LOAD_TIMEOUT] = "timeout",
	    [LOAD_FAILED] = "failed",
	};
	double seconds = (double)result->elapsed / 1e9;

	if (result->latency_count > 0)
		qsort(result->latencies, result->latency_count,
		    sizeof(result->latencies[0]), compare);
	printf("{");
	for (int i = 0; i < LOAD_OUTCOMES; i++)
		printf("\"%s\": %" PRIu64 ", ", names[i], result->outcomes[i]);
	printf("\"seconds\": %.6f, \"bytes\": %" PRIu64 ", ", seconds,
	    result->bytes);
	printf("\"most\": %u, ", result->most);
	printf("\"rate\": %.1f, ",
	    seconds > 0 ? (double)result->outcomes[LOAD_SERVED] / seconds : 0);
	printf("\"p50_us\": %.1f, \"p99_us\": %.1f, \"max_us\": %.1f}\n",
	    percentile(result, 500), percentile(result, 990),
	    percentile(result, 1000));
}
