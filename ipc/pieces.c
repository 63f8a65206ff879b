/* Pieces: kind, number, length, text. Both ends are one program's build. */
#include <string.h>

#include "ipc/pieces.h"
#include "lib/err.h"

#define HEAD (sizeof(uint8_t) + sizeof(uint64_t) + sizeof(uint16_t))

int
piece_put(uint8_t *buf, size_t size, size_t *used, const struct piece *p)
{
	uint8_t *to = buf + *used;

	if (size - *used < HEAD + p->n)
		return (ERR_TOO_LONG);
	*to++ = p->kind;
	memcpy(to, &p->number, sizeof(p->number));
	to += sizeof(p->number);
	memcpy(to, &p->n, sizeof(p->n));
	to += sizeof(p->n);
	if (p->n > 0)
		memcpy(to, p->text, p->n);
	*used += HEAD + p->n;
	return (0);
}

int
piece_next(const uint8_t *buf, size_t n, size_t *at, struct piece *p)
{
	const uint8_t *from = buf + *at;

	if (*at >= n)
		return (0);
	if (n - *at < HEAD)
		return (ERR_TRUNCATED);
	p->kind = *from++;
	memcpy(&p->number, from, sizeof(p->number));
	from += sizeof(p->number);
	memcpy(&p->n, from, sizeof(p->n));
	p->text = from + sizeof(p->n);
	if (n - *at - HEAD < p->n)
		return (ERR_TRUNCATED);
	*at += HEAD + p->n;
	return (1);
}
