/*
 * Fuzzer of finger's parser and formatter. The input's first line is a query;
 * what follows is an answer's pieces: kind, length, bytes. No name may hold
 * other than its characters, no output a byte that a terminal obeys.
 */
#include <stdlib.h>
#include <string.h>

#include "workers/finger/answer.h"
#include "workers/finger/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fuzz_query(const uint8_t *data, size_t n, struct finger_query *q)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789._-";
	size_t length;

	finger_query_parse(q, data, n);
	length = strnlen(q->name, sizeof(q->name));
	if (length >= sizeof(q->name) || strspn(q->name, allowed) != length ||
	    (length > 0) != (q->want == FINGER_USER))
		abort();
	if (n > 0 && memchr(data, '@', n) != NULL && q->want != FINGER_FORWARD)
		abort();
}

static void
check_output(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\r' && i + 1 < n && p[i + 1] == '\n')
			i++;
		else if (p[i] < 0x20 || p[i] == 0x7f || p[i] == 0xc0 ||
			 p[i] == 0xc1 || p[i] > 0xf4)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t buf[65536];
	const uint8_t *lf = size == 0 ? NULL : memchr(data, '\n', size);
	size_t at = lf == NULL ? size : (size_t)(lf - data), n;
	struct finger_query q;
	struct answer a;

	fuzz_query(data, at, &q);
	answer_init(&a, buf, 1024 + size % (sizeof(buf) - 1024),
	    q.want == FINGER_LIST, q.verbose);
	for (at++; at + 2 <= size; at += 2 + n) {
		n = data[at + 1];
		if (n > size - at - 2)
			n = size - at - 2;
		answer_piece(&a, data[at] % (PIECE_COUNT + 1),
		    (uint64_t)n << (data[at] % 60), data + at + 2, n);
	}
	n = answer_end(&a);
	if (n > 1024 + size % (sizeof(buf) - 1024) || n < 2)
		abort();
	check_output(buf, n);
	return (0);
}
