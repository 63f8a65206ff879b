/*
 * The keywords of sshd_config that are ours to say, whatever a file says. Only
 * for snapshot.c. Pure.
 */
#ifndef PORTREEVE_CONF_SSHD_OURS_H
#define PORTREEVE_CONF_SSHD_OURS_H

#include "conf/sshd/snapshot.h"

/*
 * Whether a line with that keyword (lower case) is left out. *why is what to
 * do instead, or NULL where nothing is lost: it says what holds anyway.
 */
bool ours_has(const struct snapshot_params *p, const char *keyword,
    const char *value, const char **why);

#endif
