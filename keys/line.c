/*
 * Options, type, base64, comment: authorized_keys' format of sshd(8). Reader of
 * keys: the bytes are the user's. Pure. A key counts when its name is the one
 * that is written in it (RFC 4253, 6.6), so that text which only looks like one
 * makes no event.
 */
#include <sys/types.h>

#include <sha2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "keys/line.h"
#include "lib/err.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Bytes in sight. */
struct cursor {
	const char *p, *end;
};

static bool
line_is_space(const struct cursor *c)
{
	return (c->p < c->end && (*c->p == ' ' || *c->p == '\t'));
}

static void
line_skip_space(struct cursor *c)
{
	while (line_is_space(c))
		c->p++;
}

/* A word's length. */
static size_t
line_word(const struct cursor *c)
{
	struct cursor w = *c;

	while (w.p < w.end && !line_is_space(&w))
		w.p++;
	return ((size_t)(w.p - c->p));
}

/* Up to the blank behind the options; ERR_SYNTAX in a quote without an end. */
static int
line_skip_options(struct cursor *c)
{
	bool quoted = false;

	for (; c->p < c->end && (quoted || !line_is_space(c)); c->p++) {
		if (*c->p == '\\' && c->end - c->p > 1 && c->p[1] == '"')
			c->p++;
		else if (*c->p == '"')
			quoted = !quoted;
	}
	return (quoted ? ERR_SYNTAX : 0);
}

/* The next byte of base64 in *out: 1; 0 at its end; ERR_SYNTAX. */
struct decoder {
	struct cursor in;
	uint32_t bits;
	unsigned count; /* of bits that are kept */
};

static int
line_decode(struct decoder *d, uint8_t *out)
{
	while (d->count < 8) {
		const char *at;

		if (d->in.p == d->in.end || *d->in.p == '=')
			return (0);
		at = memchr(alphabet, *d->in.p, sizeof(alphabet) - 1);
		if (at == NULL)
			return (ERR_SYNTAX);
		d->bits = (d->bits << 6 | (uint32_t)(at - alphabet)) & 0xffff;
		d->count += 6;
		d->in.p++;
	}
	d->count -= 8;
	*out = (uint8_t)(d->bits >> d->count);
	return (1);
}

/* At most two = at the end, and all bits that are left are 0. */
static bool
line_ends_well(const struct decoder *d)
{
	size_t left = (size_t)(d->in.end - d->in.p);

	return (left <= 2 && (left == 0 || *d->in.p == '=') &&
		(left < 2 || d->in.p[1] == '=') && d->count < 6 &&
		(d->bits & ((1u << d->count) - 1)) == 0);
}

/*
 * The digest of what is encoded, which begins with the length of the key's name
 * and the name.
 */
static int
line_digest(struct cursor in, const char *type, size_t n, struct key *key)
{
	struct decoder d = {.in = in};
	size_t at = 0;
	uint8_t byte;
	SHA2_CTX sha;
	int got;

	SHA256Init(&sha);
	for (; (got = line_decode(&d, &byte)) == 1; at++) {
		uint8_t wanted = at < 3 ? 0
				 : at == 3
				     ? (uint8_t)n
				     : (uint8_t)type[at - 4 < n ? at - 4 : 0];

		if (at < n + 4 && byte != wanted)
			return (ERR_SYNTAX);
		SHA256Update(&sha, &byte, 1);
	}
	if (got != 0 || at <= n + 4 || !line_ends_well(&d))
		return (ERR_SYNTAX);
	SHA256Final(key->digest, &sha);
	return (0);
}

static bool
line_is_type(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] <= ' ' || p[i] > '~' || p[i] == '"' || p[i] == '\\')
			return (false);
	}
	return (n > 0 && n < KEYS_TYPE_MAX);
}

/* A type and its key, here. */
static int
line_read(struct cursor c, struct key *key)
{
	const char *type = c.p;
	size_t n = line_word(&c);

	if (!line_is_type(type, n))
		return (ERR_SYNTAX);
	c.p += n;
	line_skip_space(&c);
	c.end = c.p + line_word(&c);
	memset(key, 0, sizeof(*key));
	memcpy(key->type, type, n);
	return (line_digest(c, type, n, key));
}

int
line_parse(const char *line, size_t n, struct key *key)
{
	struct cursor c = {line, line + n};

	if (n > 0 && line[n - 1] == '\r')
		c.end--;
	line_skip_space(&c);
	if (c.p == c.end || *c.p == '#')
		return (ERR_NOT_FOUND);
	if (line_read(c, key) == 0)
		return (0);
	if (line_skip_options(&c) != 0)
		return (ERR_SYNTAX);
	line_skip_space(&c);
	return (line_read(c, key));
}

void
line_fingerprint(const struct key *key, char out[KEYS_FINGERPRINT_MAX])
{
	size_t at = (size_t)snprintf(out, KEYS_FINGERPRINT_MAX, "SHA256:");
	uint32_t bits = 0;
	unsigned count = 0;

	for (size_t i = 0; i < KEYS_DIGEST; i++) {
		bits = (bits << 8 | key->digest[i]) & 0xffff;
		for (count += 8; count >= 6; count -= 6)
			out[at++] = alphabet[bits >> (count - 6) & 63];
	}
	out[at++] = alphabet[bits << (6 - count) & 63];
	out[at] = '\0';
}
