/*
 * The public key of a login, from what sshd tells PAM of it, to what events
 * say: its fingerprint, and what its certificate has of its signer. In sshd's
 * privileged half, as root, inside another project's program: pure, no
 * globals. sshd has accepted the key, but who made it chose its bytes, so they
 * are distrusted; what is not understood yields nothing.
 */
#ifndef PORTREEVE_MONITOR_PAM_KEY_H
#define PORTREEVE_MONITOR_PAM_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pam_key {
	char fingerprint[64]; /* "SHA256:…", as sshd logs it; "" unknown */
	bool certificate;
	char id[256]; /* cut where it is longer */
	uint64_t serial;
};

/*
 * Of n bytes, "publickey TYPE BASE64[ MORE]": one line of SSH_AUTH_INFO_0. All
 * empty when it is none, or is of a kind that is not known.
 */
void pam_key_read(const char *line, size_t n, struct pam_key *out);

#endif
