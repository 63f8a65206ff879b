/*
 * A role's sandbox seen from outside. Runs in the monitor, as root, and reads
 * /proc of a process that it started. Never trusts what that process says;
 * what cannot be read is a refusal.
 */
#include <sys/stat.h>

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "sandbox/inspect.h"
#include "sandbox/profile.h"

#define INSPECT_GROUPS_MAX 64

/* Of /proc/PID/status. */
struct inspect_status {
	uid_t uid[4];
	gid_t gid[4];
	gid_t groups[INSPECT_GROUPS_MAX];
	size_t ngroups;
	uint64_t inheritable, permitted, effective, bounding, ambient;
	unsigned no_new_privs, seccomp, threads;
	unsigned lines; /* how many of the above were there */
};

/* What one inspection is about. */
struct inspection {
	pid_t pid;
	enum sandbox_profile id;
	const struct profile *profile;
	const struct sandbox_params *params;
	bool userns;
	struct inspect_status own, its;
	char *why;
	size_t size;
};

static int __attribute__((format(printf, 2, 3)))
inspect_refuse(const struct inspection *in, const char *fmt, ...)
{
	char what[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	snprintf(in->why, in->size, "The %s (process %d) is not sealed as it "
	    "should be: %s.", sandbox_profile_name(in->id), (int)in->pid, what);
	return (ERR_REFUSED);
}

static void
inspect_parse_groups(struct inspect_status *st, const char *text)
{
	char *end;

	st->ngroups = 0;
	for (;;) {
		unsigned long g = strtoul(text, &end, 10);

		if (end == text || st->ngroups == INSPECT_GROUPS_MAX)
			return;
		st->groups[st->ngroups++] = (gid_t)g;
		text = end;
	}
}

static void
inspect_parse_line(struct inspect_status *st, const char *line)
{
	const struct {
		const char *name;
		uint64_t *set;
	} caps[] = {
		{ "CapInh:", &st->inheritable }, { "CapPrm:", &st->permitted },
		{ "CapEff:", &st->effective }, { "CapBnd:", &st->bounding },
		{ "CapAmb:", &st->ambient },
	};
	bool hit;

	hit = sscanf(line, "Uid: %u %u %u %u", &st->uid[0], &st->uid[1],
		  &st->uid[2], &st->uid[3]) == 4 ||
	    sscanf(line, "Gid: %u %u %u %u", &st->gid[0], &st->gid[1],
		&st->gid[2], &st->gid[3]) == 4 ||
	    sscanf(line, "NoNewPrivs: %u", &st->no_new_privs) == 1 ||
	    sscanf(line, "Seccomp: %u", &st->seccomp) == 1 ||
	    sscanf(line, "Threads: %u", &st->threads) == 1;
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		size_t n = strlen(caps[i].name);

		if (strncmp(line, caps[i].name, n) == 0)
			hit = sscanf(line + n, "%" SCNx64, caps[i].set) == 1;
	}
	if (strncmp(line, "Groups:", 7) == 0) {
		inspect_parse_groups(st, line + 7);
		hit = true;
	}
	st->lines += hit;
}

#define INSPECT_LINES 11 /* uid gid groups, five sets, three numbers */

static int
inspect_read_status(pid_t pid, struct inspect_status *st)
{
	char path[64], *line = NULL;
	size_t room = 0;
	FILE *f;

	memset(st, 0, sizeof(*st));
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if ((f = fopen(path, "re")) == NULL)
		return (ERR_NOT_FOUND);
	while (getline(&line, &room, f) > 0)
		inspect_parse_line(st, line);
	free(line);
	fclose(f);
	return (st->lines == INSPECT_LINES ? 0 : ERR_NOT_FOUND);
}

static int
inspect_identity(const struct inspection *in)
{
	bool rootless = in->params->level == SANDBOX_ROOTLESS;
	uid_t uid = in->params->uid;
	gid_t gid = in->params->gid;

	if (rootless || !in->profile->sealed) {
		uid = in->own.uid[1];
		gid = in->own.gid[1];
	}
	for (unsigned i = 0; i < 4; i++) {
		if (in->its.uid[i] != uid)
			return (inspect_refuse(in, "it has uid %u, not %u",
			    in->its.uid[i], uid));
		if (in->its.gid[i] != gid)
			return (inspect_refuse(in, "it has gid %u, not %u",
			    in->its.gid[i], gid));
	}
	if (rootless || !in->profile->sealed)
		return (0);
	/* The kernel keeps groups sorted; ours are in any order. */
	if (in->its.ngroups != in->params->ngroups)
		return (inspect_refuse(in, "it has %zu groups, not %zu",
		    in->its.ngroups, in->params->ngroups));
	for (size_t i = 0; i < in->its.ngroups; i++) {
		size_t j = 0;

		while (j < in->params->ngroups &&
		    in->params->groups[j] != in->its.groups[i])
			j++;
		if (j == in->params->ngroups)
			return (inspect_refuse(in, "it is in group %u",
			    in->its.groups[i]));
	}
	return (0);
}

static int
inspect_sealed(const struct inspection *in)
{
	const struct inspect_status *st = &in->its;
	bool closed = in->params->level != SANDBOX_ROOTLESS || in->userns;

	if ((st->inheritable | st->permitted | st->effective | st->ambient) != 0)
		return (inspect_refuse(in, "it has capabilities %" PRIx64,
		    st->inheritable | st->permitted | st->effective |
		    st->ambient));
	if (closed && st->bounding != 0)
		return (inspect_refuse(in, "its bounding set is %" PRIx64,
		    st->bounding));
	if (st->no_new_privs != 1)
		return (inspect_refuse(in, "it has no NoNewPrivs"));
	if (st->seccomp != 2)
		return (inspect_refuse(in, "it has no system call filter"));
	if (st->threads != 1)
		return (inspect_refuse(in, "it has %u threads", st->threads));
	return (0);
}

/* The zygotes of ssh and exec: what they keep is checked as well. */
static int
inspect_starter(const struct inspection *in)
{
	const struct inspect_status *st = &in->its;
	bool filtered = in->params->session != SANDBOX_SESSION_NONE &&
	    in->params->level != SANDBOX_ROOTLESS;

	if (st->bounding != in->own.bounding)
		return (inspect_refuse(in, "its bounding set is %" PRIx64
		    ", not %" PRIx64, st->bounding, in->own.bounding));
	if (st->no_new_privs != in->own.no_new_privs)
		return (inspect_refuse(in, "NoNewPrivs would take su and sudo "
		    "from its sessions"));
	if (filtered && st->seccomp != 2)
		return (inspect_refuse(in, "it has no session-sandbox"));
	if (!filtered && st->seccomp != in->own.seccomp)
		return (inspect_refuse(in, "it has a filter"));
	if (in->params->level == SANDBOX_ROOTLESS)
		return (0);
	if (in->id == SANDBOX_ZYGOTE_EXEC && !in->params->program_is_root &&
	    st->permitted == in->own.permitted)
		return (inspect_refuse(in, "it kept every capability"));
	if ((in->id == SANDBOX_ZYGOTE_SSH || in->params->program_is_root) &&
	    st->permitted != in->own.permitted)
		return (inspect_refuse(in, "it lacks capabilities"));
	return (0);
}

static int
inspect_network(const struct inspection *in)
{
	struct stat own, its;
	char path[64];

	if (in->profile->network != NETWORK_NONE)
		return (0);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)in->pid);
	if (stat(path, &its) != 0 || stat("/proc/self/ns/net", &own) != 0)
		return (inspect_refuse(in, "its network namespace cannot be "
		    "read: %s", strerror(errno)));
	if (own.st_dev == its.st_dev && own.st_ino == its.st_ino)
		return (inspect_refuse(in, "it has the system's network"));
	return (0);
}

static int
inspect_root(const struct inspection *in)
{
	struct stat empty, its;
	char path[64];

	if (!in->profile->empty_root)
		return (0);
	snprintf(path, sizeof(path), "/proc/%d/root/", (int)in->pid);
	if (stat(path, &its) != 0)
		return (inspect_refuse(in, "its root cannot be read: %s",
		    strerror(errno)));
	if (in->params->root == NULL || stat(in->params->root, &empty) != 0 ||
	    empty.st_dev != its.st_dev || empty.st_ino != its.st_ino)
		return (inspect_refuse(in, "its root is not the empty one"));
	return (0);
}

int
sandbox_inspect(pid_t pid, enum sandbox_profile id,
    const struct sandbox_params *params, bool userns, char *why, size_t size)
{
	struct inspection in = {
		.pid = pid, .id = id, .profile = profile_get(id),
		.params = params, .userns = userns, .why = why, .size = size,
	};
	int err;

	if (in.profile == NULL)
		return (inspect_refuse(&in, "there is no such profile"));
	if (inspect_read_status(getpid(), &in.own) != 0 ||
	    inspect_read_status(pid, &in.its) != 0) {
		snprintf(why, size, "There is no process %d to be read in "
		    "/proc.", (int)pid);
		return (ERR_NOT_FOUND);
	}
	if ((err = inspect_identity(&in)) != 0)
		return (err);
	if (!in.profile->sealed)
		return (inspect_starter(&in));
	if ((err = inspect_sealed(&in)) != 0)
		return (err);
	if (params->level == SANDBOX_ROOTLESS)
		return (0);
	if ((err = inspect_network(&in)) != 0)
		return (err);
	return (inspect_root(&in));
}
