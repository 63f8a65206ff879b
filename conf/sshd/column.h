/*
 * The column SSHD of the schema: what a service's statements say in sshd's
 * words. Planner (root) and CLI. Pure.
 */
#ifndef PORTREEVE_CONF_SSHD_COLUMN_H
#define PORTREEVE_CONF_SSHD_COLUMN_H

#include "conf/conf.h"
#include "conf/schema.h"

/* One line; value is valid during the call. stated: not by our default. */
struct column_line {
	const char *statement; /* ours, or the block of those that say it */
	const char *keyword, *value;
	bool stated;
};

typedef void column_say(void *arg, const struct column_line *line);

/*
 * Each line of the service's block, in the order of the schema; then those
 * that several statements make together.
 */
void column_each(const struct conf *conf, const struct conf_service *service,
    column_say *say, void *arg);

/* Whether hostkey-algorithm lets sshd have a key of that kind. */
bool column_has_hostkey(const struct conf_ssh *ssh, enum conf_hostkey kind);

/* The last statement of ssh's that says a keyword, or NULL. */
const struct conf_statement *column_find(const char *keyword);

#endif
