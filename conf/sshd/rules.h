/*
 * Which lines of an sshd_config restrict, and which of our statements say the
 * same. Only for scan.c. Pure.
 */
#ifndef PORTREEVE_CONF_SSHD_RULES_H
#define PORTREEVE_CONF_SSHD_RULES_H

#include <stdbool.h>

#include "conf/conf.h"

struct sshd_rule {
	const char *keyword; /* lower case */
	/* The values, lower case, that restrict; NULL: every one does. */
	const char *values;
	/* Whether the configuration says as much; NULL: it has no words. */
	bool (*carried)(const struct conf_service *ssh, const char *value);
	const char *ours; /* words of ours that do it; NULL: none */
};

/* The rule of a keyword with that value (both lower case), or NULL. */
const struct sshd_rule *sshd_find_rule(const char *keyword, const char *value);

#endif
