/*
 * MSG_PROGRAM to argv and environment. In program zygotes; pure. Distrusts the
 * shape of the lists, not their content: they are the monitor's.
 */
#include <stdio.h>
#include <string.h>

#include "lib/err.h"
#include "workers/common/program_spec.h"

/* Pointers to the NUL-ended texts of a block. */
static int
spec_split(uint8_t *block, size_t n, char **out, size_t most, size_t *count)
{
	size_t at = 0;

	*count = 0;
	if (n > 0 && block[n - 1] != '\0')
		return (ERR_VALUE);
	while (at < n) {
		if (*count >= most)
			return (ERR_TOO_LONG);
		out[(*count)++] = (char *)block + at;
		at += strlen((char *)block + at) + 1;
	}
	return (0);
}

/* Whether an entry NAME=VALUE is of that name. */
static bool
spec_env_is(const char *entry, const char *name, size_t length)
{
	return (strncmp(entry, name, length) == 0 && entry[length] == '=');
}

/* Of two of one name the later counts: getenv(3) would find the first. */
static void
spec_unique(struct program_spec *spec)
{
	size_t kept = 0;

	for (size_t i = 0; i < spec->env_count; i++) {
		const char *entry = spec->env[i];
		bool again = false;

		for (size_t j = i + 1; j < spec->env_count && !again; j++)
			again = spec_env_is(
			    spec->env[j], entry, strcspn(entry, "="));
		if (!again)
			spec->env[kept++] = spec->env[i];
	}
	spec->env_count = kept;
}

int
program_spec_set(struct program_spec *spec, const struct msg_program *msg)
{
	size_t args;
	int err;

	memset(spec, 0, sizeof(*spec));
	spec->msg = *msg;
	err = spec_split(spec->msg.argv.b, spec->msg.argv.n, spec->argv,
	    PROGRAM_ARGS_MAX, &args);
	if (err != 0)
		return (err);
	if (args == 0 || spec->msg.path[0] != '/')
		return (ERR_VALUE);
	err = spec_split(spec->msg.environment.b, spec->msg.environment.n,
	    spec->env, PROGRAM_ENV_MAX, &spec->env_count);
	if (err != 0)
		return (err);
	spec_unique(spec);

	spec->group_count = msg->groups.n / sizeof(spec->groups[0]);
	spec->rlimit_count = msg->rlimits.n / sizeof(spec->rlimits[0]);
	if (msg->groups.n % sizeof(spec->groups[0]) != 0 ||
	    msg->rlimits.n % sizeof(spec->rlimits[0]) != 0)
		return (ERR_VALUE);
	if (spec->group_count > PROGRAM_GROUPS_MAX ||
	    spec->rlimit_count > PROGRAM_RLIMITS_MAX)
		return (ERR_TOO_LONG);
	memcpy(spec->groups, msg->groups.b, msg->groups.n);
	memcpy(spec->rlimits, msg->rlimits.b, msg->rlimits.n);
	return (0);
}

static void
spec_env_put(
    struct program_env *env, size_t *n, const char *name, const char *value)
{
	snprintf(env->text[*n], sizeof(env->text[*n]), "%s=%s", name, value);
	env->vector[*n] = env->text[*n];
	(*n)++;
}

static void
spec_env_put_port(
    struct program_env *env, size_t *n, const char *name, uint16_t port)
{
	char value[8];

	snprintf(value, sizeof(value), "%u", (unsigned)port);
	spec_env_put(env, n, name, value);
}

static void
spec_env_put_peer(struct program_env *env, size_t *n, const struct addr *from,
    const struct addr *local)
{
	char text[ADDR_TEXT_MAX];

	addr_text(from, text);
	spec_env_put(env, n, "REMOTE_HOST", text);
	spec_env_put_port(env, n, "REMOTE_PORT", from->port);
	spec_env_put(env, n, "TCPREMOTEIP", text);
	spec_env_put_port(env, n, "TCPREMOTEPORT", from->port);
	spec_env_put(env, n, "TCPLOCALIP", addr_text(local, text));
	spec_env_put_port(env, n, "TCPLOCALPORT", local->port);
}

static bool
spec_says(const struct program_spec *spec, const char *entry)
{
	for (size_t i = 0; i < spec->env_count; i++) {
		if (spec_env_is(spec->env[i], entry, strcspn(entry, "=")))
			return (true);
	}
	return (false);
}

void
program_environment(const struct program_spec *spec, bool peer,
    const struct addr *from, const struct addr *local, struct program_env *env)
{
	bool listener = spec->msg.wait != 0 || spec->msg.datagram != 0;
	size_t n = 0, ours;

	if (peer) {
		spec_env_put(
		    env, &n, "PROTO", spec->msg.datagram ? "UDP" : "TCP");
		if (!listener)
			spec_env_put_peer(env, &n, from, local);
	}
	/* What the configuration says of one of these counts. */
	ours = n;
	n = 0;
	for (size_t i = 0; i < ours; i++) {
		if (!spec_says(spec, env->vector[i]))
			env->vector[n++] = env->vector[i];
	}
	memcpy(
	    &env->vector[n], spec->env, spec->env_count * sizeof(spec->env[0]));
	env->vector[n + spec->env_count] = NULL;
}
