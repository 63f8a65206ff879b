/*
 * One line of an authorized_keys file, as sshd(8) reads it. Reader of keys (the
 * user's uid, sealed): the line is the user's. Pure.
 */
#ifndef PORTREEVE_KEYS_LINE_H
#define PORTREEVE_KEYS_LINE_H

#include <stddef.h>
#include <stdint.h>

#define KEYS_DIGEST 32	 /* bytes of SHA-256 */
#define KEYS_TYPE_MAX 48 /* with NUL: the longest name that sshd has is 46 */

struct key {
	uint8_t digest[KEYS_DIGEST]; /* of the public key, decoded */
	char type[KEYS_TYPE_MAX];    /* ssh-ed25519 */
	uint8_t file;		     /* which of the user's files */
};

/*
 * The key of a line of n bytes without its newline; what stands before it
 * (options) and behind it (a comment) is passed over. 0; ERR_NOT_FOUND where
 * there is none, ERR_SYNTAX where sshd would read none. The file is not set.
 */
int line_parse(const char *line, size_t n, struct key *key);

/* "SHA256:" and 43 characters, as ssh-keygen -l has it. */
#define KEYS_FINGERPRINT_MAX 52
void line_fingerprint(const struct key *key, char out[KEYS_FINGERPRINT_MAX]);

#endif
