/*
 * Which lines of the system's sshd_config change what a user or an
 * administrator gets, and which of our statements say the same. Only for
 * scan.c. Pure.
 */
#ifndef PORTREEVE_CONF_SSHD_RULES_H
#define PORTREEVE_CONF_SSHD_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"

/*
 * Whether a line with that keyword and value (both lower case) is missed here:
 * it says something else than holds here anyway. can (size bytes) is what can
 * say it.
 */
bool rules_miss(const struct conf *conf, const struct conf_service *ssh,
    const char *keyword, const char *value, char *can, size_t size);

#endif
