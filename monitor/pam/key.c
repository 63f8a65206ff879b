/*
 * A public key's fingerprint and its certificate's words (OpenSSH's
 * PROTOCOL.certkeys; RFC 4253, 6.6; RFC 4251, 5). In sshd's privileged half;
 * every length is checked against what is left.
 */
#include <sha2.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/pam/key.h"

#define CERTIFICATE "-cert-v01@openssh.com"
#define BLOB_MAX 65536 /* sshd's own bound of a packet is 256 kB */

struct part {
	const uint8_t *p;
	size_t n;
};

/* Certificates' types, the plain key's, and how many strings that has. */
static const struct key_type {
	const char *certificate, *plain;
	unsigned strings;
} key_types[] = {
    {"ssh-rsa" CERTIFICATE, "ssh-rsa", 2},
    {"ssh-dss" CERTIFICATE, "ssh-dss", 4},
    {"ssh-ed25519" CERTIFICATE, "ssh-ed25519", 1},
    {"ecdsa-sha2-nistp256" CERTIFICATE, "ecdsa-sha2-nistp256", 2},
    {"ecdsa-sha2-nistp384" CERTIFICATE, "ecdsa-sha2-nistp384", 2},
    {"ecdsa-sha2-nistp521" CERTIFICATE, "ecdsa-sha2-nistp521", 2},
    {"sk-ssh-ed25519" CERTIFICATE, "sk-ssh-ed25519@openssh.com", 2},
    {"sk-ecdsa-sha2-nistp256" CERTIFICATE, "sk-ecdsa-sha2-nistp256@openssh.com",
	3},
};

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Bytes into out, which has room for n / 4 * 3; 0 when it is no base64. */
static size_t
key_base64_read(const char *text, size_t n, uint8_t *out)
{
	uint32_t bits = 0;
	size_t have = 0, size = 0;

	while (n > 0 && text[n - 1] == '=')
		n--;
	for (size_t i = 0; i < n; i++) {
		const char *at =
		    text[i] == '\0' ? NULL : strchr(digits, text[i]);

		if (at == NULL)
			return (0);
		bits = bits << 6 | (uint32_t)(at - digits);
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[size++] = (uint8_t)(bits >> have);
		}
	}
	return (size);
}

/* Without padding, as fingerprints are written. */
static void
key_base64_write(const uint8_t *p, size_t n, char *out)
{
	uint32_t bits = 0;
	size_t have = 0;

	for (size_t i = 0; i < n; i++) {
		bits = bits << 8 | p[i];
		for (have += 8; have >= 6; have -= 6)
			*out++ = digits[bits >> (have - 6) & 63];
	}
	if (have > 0)
		*out++ = digits[bits << (6 - have) & 63];
	*out = '\0';
}

/* An integer of so many bytes, taken off. */
static bool
key_part_number(struct part *s, size_t size, uint64_t *value)
{
	if (s->n < size)
		return (false);
	*value = 0;
	for (size_t i = 0; i < size; i++)
		*value = *value << 8 | s->p[i];
	s->p += size;
	s->n -= size;
	return (true);
}

static bool
key_part_string(struct part *s, struct part *string)
{
	uint64_t n;

	if (!key_part_number(s, 4, &n) || n > s->n)
		return (false);
	*string = (struct part){s->p, (size_t)n};
	s->p += n;
	s->n -= (size_t)n;
	return (true);
}

static bool
key_part_is(const struct part *s, const char *text)
{
	return (s->n == strlen(text) && memcmp(s->p, text, s->n) == 0);
}

static void
key_print(const char *plain, const struct part *rest, struct pam_key *out)
{
	static const char name[] = "SHA256:";
	uint8_t digest[SHA256_DIGEST_LENGTH];
	SHA2_CTX hash;

	SHA256Init(&hash);
	if (plain != NULL) {
		uint8_t n[4] = {0, 0, 0, (uint8_t)strlen(plain)};

		SHA256Update(&hash, n, sizeof(n));
		SHA256Update(&hash, (const uint8_t *)plain, n[3]);
	}
	SHA256Update(&hash, rest->p, rest->n);
	SHA256Final(digest, &hash);
	memcpy(out->fingerprint, name, sizeof(name));
	key_base64_write(
	    digest, sizeof(digest), out->fingerprint + sizeof(name) - 1);
}

/* A certificate's fingerprint is that of the key in it. */
static void
key_certificate_read(
    const struct key_type *type, struct part s, struct pam_key *out)
{
	struct part key, string;
	uint64_t serial, kind;

	if (!key_part_string(&s, &string)) /* the nonce */
		return;
	key.p = s.p;
	for (unsigned i = 0; i < type->strings; i++) {
		if (!key_part_string(&s, &string))
			return;
	}
	key.n = (size_t)(s.p - key.p);
	if (!key_part_number(&s, 8, &serial) ||
	    !key_part_number(&s, 4, &kind) || !key_part_string(&s, &string))
		return;
	out->certificate = true;
	out->serial = serial;
	if (string.n >= sizeof(out->id))
		string.n = sizeof(out->id) - 1;
	memcpy(out->id, string.p, string.n);
	key_print(type->plain, &key, out);
}

static void
key_blob_read(struct part blob, struct pam_key *out)
{
	static const char end[] = CERTIFICATE;
	const size_t n = sizeof(end) - 1;
	struct part s = blob, type;

	if (!key_part_string(&s, &type))
		return;
	for (size_t i = 0; i < sizeof(key_types) / sizeof(key_types[0]); i++) {
		if (key_part_is(&type, key_types[i].certificate)) {
			key_certificate_read(&key_types[i], s, out);
			return;
		}
	}
	/* The key of an unknown kind of certificate cannot be known. */
	if (type.n < n || memcmp(type.p + type.n - n, end, n) != 0)
		key_print(NULL, &blob, out);
}

void
pam_key_read(const char *line, size_t n, struct pam_key *out)
{
	static const char method[] = "publickey ";
	const char *type, *end;
	struct part blob;
	uint8_t *bytes;

	memset(out, 0, sizeof(*out));
	if (n < sizeof(method) - 1 ||
	    memcmp(line, method, sizeof(method) - 1) != 0)
		return;
	type = line + sizeof(method) - 1;
	n -= sizeof(method) - 1;
	end = memchr(type, ' ', n);
	if (end == NULL)
		return;
	n -= (size_t)(end + 1 - type);
	line = end + 1;
	end = memchr(line, ' ', n);
	if (end != NULL)
		n = (size_t)(end - line);
	if (n > BLOB_MAX || (bytes = malloc(n + 1)) == NULL)
		return;
	blob = (struct part){bytes, key_base64_read(line, n, bytes)};
	key_blob_read(blob, out);
	free(bytes);
}
