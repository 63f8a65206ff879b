/*
 * TACACS+ (RFC 8907). Role tacplus; pure. Section numbers are the RFC's.
 */
#include <md5.h>
#include <string.h>

#include "workers/tacplus/packet.h"

/* 4.1: major version 12, and 1, which PAP needs. */
#define PACKET_VERSION 0xc1
#define MAJOR_MASK 0xf0
#define TYPE_AUTHEN 1
#define FLAG_UNENCRYPTED 0x01

#define SEQ_START 1
#define SEQ_REPLY 2

#define START_BODY 8
#define REPLY_BODY 6

/* 5.1 */
#define ACTION_LOGIN 1
#define PRIVILEGE_USER 1
#define AUTHEN_PAP 2
#define SERVICE_LOGIN 1

/* 5.2; every other one asks for what PAP has not, or sends elsewhere. */
#define STATUS_PASS 1
#define STATUS_FAIL 2
#define STATUS_FOLLOW 0x21

static void
packet_put_number(uint8_t *out, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(n >> (24 - 8 * i));
}

static uint32_t
packet_number(const uint8_t *in, size_t size)
{
	uint32_t n = 0;

	for (size_t i = 0; i < size; i++)
		n = n << 8 | in[i];
	return (n);
}

/*
 * 4.5: each 16 bytes are hidden by the MD5 of session, secret, version,
 * sequence number, and the 16 before them. Its own inverse. header: of the
 * packet.
 */
static void
packet_hide(const uint8_t *header, const char *secret, uint8_t *body, size_t n)
{
	uint8_t pad[MD5_DIGEST_LENGTH];

	for (size_t at = 0; at < n; at++) {
		size_t i = at % sizeof(pad);
		MD5_CTX hash;

		if (i == 0) {
			MD5Init(&hash);
			MD5Update(&hash, header + 4, 4);
			MD5Update(
			    &hash, (const uint8_t *)secret, strlen(secret));
			MD5Update(&hash, header, 1);
			MD5Update(&hash, header + 2, 1);
			if (at > 0)
				MD5Update(&hash, pad, sizeof(pad));
			MD5Final(pad, &hash);
			explicit_bzero(&hash, sizeof(hash));
		}
		body[at] ^= pad[i];
	}
	explicit_bzero(pad, sizeof(pad));
}

/* Without its NUL: the length stands before all texts. */
static void
packet_put_text(uint8_t *body, size_t *n, uint8_t *length, const char *text)
{
	*length = 0;
	for (; *text != '\0'; text++, (*length)++)
		body[(*n)++] = (uint8_t)*text;
}

size_t
packet_write_start(const struct packet_start *start, const char *secret,
    uint32_t session, uint8_t out[PACKET_START_MAX])
{
	uint8_t *body = out + PACKET_HEADER;
	size_t n = START_BODY;

	if (strlen(start->user) > PACKET_FIELD_MAX ||
	    strlen(start->password) > PACKET_FIELD_MAX ||
	    strlen(start->port) > PACKET_FIELD_MAX ||
	    strlen(start->source) > PACKET_FIELD_MAX)
		return (0);
	out[0] = PACKET_VERSION;
	out[1] = TYPE_AUTHEN;
	out[2] = SEQ_START;
	out[3] = 0;
	packet_put_number(out + 4, session);
	body[0] = ACTION_LOGIN;
	body[1] = PRIVILEGE_USER;
	body[2] = AUTHEN_PAP;
	body[3] = SERVICE_LOGIN;
	packet_put_text(body, &n, &body[4], start->user);
	packet_put_text(body, &n, &body[5], start->port);
	packet_put_text(body, &n, &body[6], start->source);
	packet_put_text(body, &n, &body[7], start->password);
	packet_put_number(out + 8, (uint32_t)n);
	packet_hide(out, secret, body, n);
	return (PACKET_HEADER + n);
}

/* 5.4.1: who is sent elsewhere has been refused here. */
static enum packet_answer
packet_status(uint8_t status)
{
	switch (status) {
	case STATUS_PASS:
		return (PACKET_PASS);
	case STATUS_FAIL:
	case STATUS_FOLLOW:
		return (PACKET_FAIL);
	default:
		return (PACKET_ERROR);
	}
}

enum packet_answer
packet_read_reply(
    const uint8_t *in, size_t n, const char *secret, uint32_t session)
{
	uint8_t body[REPLY_BODY];
	uint32_t length;

	if (n < PACKET_HEADER)
		return (PACKET_MORE);
	length = packet_number(in + 8, 4);
	if ((in[0] & MAJOR_MASK) != (PACKET_VERSION & MAJOR_MASK) ||
	    in[1] != TYPE_AUTHEN || in[2] != SEQ_REPLY ||
	    (in[3] & FLAG_UNENCRYPTED) != 0 ||
	    packet_number(in + 4, 4) != session || length < REPLY_BODY ||
	    length > PACKET_REPLY_MAX - PACKET_HEADER ||
	    n > PACKET_HEADER + length)
		return (PACKET_ERROR);
	if (n < PACKET_HEADER + length)
		return (PACKET_MORE);
	memcpy(body, in + PACKET_HEADER, sizeof(body));
	packet_hide(in, secret, body, sizeof(body));
	/* The message and the data behind are for nobody. */
	if (REPLY_BODY + packet_number(body + 2, 2) +
		packet_number(body + 4, 2) !=
	    length)
		return (PACKET_ERROR);
	return (packet_status(body[0]));
}
