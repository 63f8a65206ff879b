/*
 * TACACS+ packets of one exchange by PAP (RFC 8907, 5.4.2.2): a START, and the
 * REPLY that ends it. Pure: bytes and structs, no descriptors, no clock. Role
 * tacplus; distrusts every byte of a reply, whose obfuscation (4.5) protects
 * nothing against who can change it on its way.
 */
#ifndef PORTREEVE_WORKERS_TACPLUS_PACKET_H
#define PORTREEVE_WORKERS_TACPLUS_PACKET_H

#include <stddef.h>
#include <stdint.h>

#define PACKET_HEADER 12
#define PACKET_FIELD_MAX 255 /* bytes of a text in a START */
/* A START's bytes at most. */
#define PACKET_START_MAX (PACKET_HEADER + 8 + 4 * PACKET_FIELD_MAX)
#define PACKET_REPLY_MAX 8192 /* bytes of a reply, header included */

/* Who wants in; texts of PACKET_FIELD_MAX bytes at most. */
struct packet_start {
	const char *user;
	const char *password;
	const char *port;   /* what the user comes by: "ssh" */
	const char *source; /* an address; "" unknown */
};

enum packet_answer {
	PACKET_PASS,
	PACKET_FAIL,
	PACKET_ERROR, /* the server could not tell, or speaks otherwise */
	PACKET_MORE   /* the reply is not whole yet */
};

/*
 * The START of a session: its bytes in out, and how many; 0 when a text is too
 * long. The bytes hold the password; whoever has them wipes them.
 */
size_t packet_write_start(const struct packet_start *start, const char *secret,
    uint32_t session, uint8_t out[PACKET_START_MAX]);

/*
 * What n bytes say to that START. More than a whole reply is PACKET_ERROR, as
 * is what is of another session, longer than PACKET_REPLY_MAX, of lengths that
 * do not agree (another secret, for one), or not obfuscated.
 */
enum packet_answer packet_read_reply(
    const uint8_t *in, size_t n, const char *secret, uint32_t session);

#endif
