/*
 * A session's environment. Login process, root; monitor/login/env.h says what
 * may be in it. Takes nothing from the peer but the name of its terminal.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "monitor/login/env.h"

#define TERM_MAX 40

/* login.defs(5)'s own defaults, ENV_PATH and ENV_SUPATH. */
#define PATH_USER "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games"
#define PATH_ROOT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static char **
env_find(struct env *e, const char *name, size_t n)
{
	for (unsigned i = 0; i < e->count; i++) {
		if (strncmp(e->vars[i], name, n) == 0 && e->vars[i][n] == '=')
			return (&e->vars[i]);
	}
	return (NULL);
}

int
env_put(struct env *e, const char *var)
{
	const char *equals = strchr(var, '=');
	char **old, *copy;

	if (equals == NULL || equals == var)
		return (ERR_VALUE);
	old = env_find(e, var, (size_t)(equals - var));
	if (old == NULL && e->count == ENV_MAX)
		return (ERR_FULL);
	copy = strdup(var);
	if (copy == NULL)
		return (ERR_NO_MEMORY);
	if (old != NULL) {
		free(*old);
		*old = copy;
		return (0);
	}
	e->vars[e->count++] = copy;
	e->vars[e->count] = NULL;
	return (0);
}

int
env_set(struct env *e, const char *name, const char *value)
{
	char *var = NULL;
	int err;

	if (name[0] == '\0' || strchr(name, '=') != NULL)
		return (ERR_VALUE);
	if (asprintf(&var, "%s=%s", name, value) < 0)
		return (ERR_NO_MEMORY);
	err = env_put(e, var);
	free(var);
	return (err);
}

const char *
env_get(const struct env *e, const char *name)
{
	size_t n = strlen(name);

	for (unsigned i = 0; i < e->count; i++) {
		if (strncmp(e->vars[i], name, n) == 0 && e->vars[i][n] == '=')
			return (e->vars[i] + n + 1);
	}
	return (NULL);
}

static bool
env_is_term(const char *term)
{
	size_t n = strspn(term, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				"abcdefghijklmnopqrstuvwxyz0123456789._+-");

	/* terminfo(5) reads a file of that name: none that begins by a dot. */
	return (n > 0 && n <= TERM_MAX && term[n] == '\0' && term[0] != '.');
}

int
env_fill(struct env *e, const char *user, uid_t uid, const char *home,
    const char *shell, const char *term)
{
	char mail[300];
	int err = env_set(e, "HOME", home);

	snprintf(mail, sizeof(mail), "/var/mail/%s", user);
	if (err == 0)
		err = env_set(e, "SHELL", shell);
	if (err == 0)
		err = env_set(e, "USER", user);
	if (err == 0)
		err = env_set(e, "LOGNAME", user);
	if (err == 0)
		err = env_set(e, "MAIL", mail);
	if (err == 0)
		err = env_set(e, "PATH", uid == 0 ? PATH_ROOT : PATH_USER);
	if (err == 0)
		err = env_set(e, "TERM", env_is_term(term) ? term : "dumb");
	return (err);
}

void
env_free(struct env *e)
{
	for (unsigned i = 0; i < e->count; i++)
		free(e->vars[i]);
	memset(e, 0, sizeof(*e));
}
