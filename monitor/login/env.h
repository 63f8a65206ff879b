/*
 * The environment of a user's session: constants, the password database, what
 * PAM's modules set, and TERM, which is the one word of the peer's and holds
 * [A-Za-z0-9._+-] only. Login process, root; pure but for allocation.
 */
#ifndef PORTREEVE_MONITOR_LOGIN_ENV_H
#define PORTREEVE_MONITOR_LOGIN_ENV_H

#include <sys/types.h>

#define ENV_MAX 256 /* variables */

struct env {
	char *vars[ENV_MAX + 1]; /* NAME=VALUE, NULL at the end */
	unsigned count;
};

/*
 * Set NAME to value, replacing it. ERR_NO_MEMORY, ERR_FULL, or ERR_VALUE when
 * name is empty or holds '='.
 */
int env_set(struct env *e, const char *name, const char *value);

/* The same from "NAME=VALUE", as PAM has them. ERR_VALUE without a '='. */
int env_put(struct env *e, const char *var);

/* What every session has; `term` is checked here, "" becomes dumb. */
int env_fill(struct env *e, const char *user, uid_t uid, const char *home,
    const char *shell, const char *term);

/* NULL when it is not set. */
const char *env_get(const struct env *e, const char *name);

void env_free(struct env *e);

#endif
