/*
 * The keys that sshd proves this host by, their certificate, and the keys of
 * those who sign users' certificates. Planner.
 */
#ifndef PORTREEVE_PLANNER_SSHD_KEYS_H
#define PORTREEVE_PLANNER_SSHD_KEYS_H

#include "planner/planner.h"

/* Private keys' absolute paths; valid for a planner's life. */
struct sshd_keys {
	const char *paths[HOSTKEY_COUNT];
	unsigned count;
};

/*
 * Find the host keys of the kinds that hostkey-algorithm allows, in /etc/ssh,
 * or below the lasting state, where they are made if there are none. 0, or an
 * ERR_ with an error in the report.
 */
int sshd_keys_find(const struct planner *p, const struct conf *conf,
    const struct conf_service *ssh, struct sshd_keys *keys,
    struct conf_report *report);

/*
 * Whether trusted-user-ca-key-file has public keys, and host-certificate-file
 * is the certificate of one of the keys: sshd reports neither before somebody
 * connects. Errors and warnings go to the report.
 */
void sshd_keys_judge(const struct conf *conf, const struct conf_service *ssh,
    const struct sshd_keys *keys, struct conf_report *report);

/* Remove what was made. */
void sshd_keys_remove(const struct planner *p);

#endif
