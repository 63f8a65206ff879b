/*
 * A role's sandbox seen from outside. Runs in the monitor, as root, and reads
 * /proc of a process that it started. Never trusts what that process says;
 * what cannot be read is a refusal.
 */
#include <sys/stat.h>

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
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
	uint64_t uid[4];
	uint64_t gid[4];
	uint64_t groups[INSPECT_GROUPS_MAX];
	size_t ngroups;
	uint64_t inheritable, permitted, effective, bounding, ambient;
	uint64_t no_new_privs, seccomp, threads;
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
	snprintf(in->why, in->size,
	    "The %s (process %d) is not sealed as it "
	    "should be: %s.",
	    sandbox_profile_name(in->id), (int)in->pid, what);
	return (ERR_REFUSED);
}

/* The numbers of a line, at most max; how many there were. */
static size_t
inspect_parse_numbers(const char *text, int base, uint64_t *out, size_t max)
{
	size_t n = 0;
	char *end;

	while (n < max) {
		out[n] = strtoull(text, &end, base);
		if (end == text)
			break;
		text = end;
		n++;
	}
	return (n);
}

static void
inspect_parse_line(struct inspect_status *st, const char *line)
{
	const struct {
		const char *name;
		int base;
		uint64_t *out;
		size_t count;
	} fields[] = {
	    {"Uid:", 10, st->uid, 4},
	    {"Gid:", 10, st->gid, 4},
	    {"CapInh:", 16, &st->inheritable, 1},
	    {"CapPrm:", 16, &st->permitted, 1},
	    {"CapEff:", 16, &st->effective, 1},
	    {"CapBnd:", 16, &st->bounding, 1},
	    {"CapAmb:", 16, &st->ambient, 1},
	    {"NoNewPrivs:", 10, &st->no_new_privs, 1},
	    {"Seccomp:", 10, &st->seccomp, 1},
	    {"Threads:", 10, &st->threads, 1},
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		size_t n = strlen(fields[i].name);

		if (strncmp(line, fields[i].name, n) == 0)
			st->lines += inspect_parse_numbers(line + n,
					 fields[i].base, fields[i].out,
					 fields[i].count) == fields[i].count;
	}
	if (strncmp(line, "Groups:", 7) == 0) {
		st->ngroups = inspect_parse_numbers(
		    line + 7, 10, st->groups, INSPECT_GROUPS_MAX);
		st->lines++;
	}
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
	bool same = in->own.uid[1] != 0 || !in->profile->sealed ||
		    in->profile->programs;
	uint64_t uid = in->params->uid;
	uint64_t gid = in->params->gid;

	if (same) {
		uid = in->own.uid[1];
		gid = in->own.gid[1];
	} else if (in->profile->files == FILES_USER && uid == (uid_t)-1) {
		/* Which user's it is was for itself to find out. */
		uid = in->its.uid[1];
		gid = in->its.gid[1];
	}
	for (unsigned i = 0; i < 4; i++) {
		if (in->its.uid[i] != uid)
			return (inspect_refuse(in,
			    "it has uid %" PRIu64 ", not %" PRIu64,
			    in->its.uid[i], uid));
		if (in->its.gid[i] != gid)
			return (inspect_refuse(in,
			    "it has gid %" PRIu64 ", not %" PRIu64,
			    in->its.gid[i], gid));
	}
	if (same)
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
			return (inspect_refuse(
			    in, "it is in group %" PRIu64, in->its.groups[i]));
	}
	return (0);
}

static int
inspect_sealed(const struct inspection *in)
{
	const struct inspect_status *st = &in->its;
	bool closed = in->params->level != SANDBOX_ROOTLESS || in->userns;
	uint64_t has =
	    st->inheritable | st->permitted | st->effective | st->ambient;
	uint64_t keeps = in->own.permitted & in->profile->keeps;

	if ((has & ~keeps) != 0)
		return (
		    inspect_refuse(in, "it has capabilities %" PRIx64, has));
	if (closed && (st->bounding & ~keeps) != 0)
		return (inspect_refuse(
		    in, "its bounding set is %" PRIx64, st->bounding));
	if (st->no_new_privs != 1)
		return (inspect_refuse(in, "it has no NoNewPrivs"));
	if (st->seccomp != 2)
		return (inspect_refuse(in, "it has no system call filter"));
	if (st->threads != 1)
		return (inspect_refuse(
		    in, "it has %" PRIu64 " threads", st->threads));
	return (0);
}

#define BIT(cap) (UINT64_C(1) << (cap))
#define STARTER_CAPS                                                           \
	(BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_KILL) |                   \
	    BIT(CAP_SYS_NICE) | BIT(CAP_SYS_RESOURCE))

/* The zygotes of ssh and exec: what they keep is checked as well. */
static int
inspect_starter(const struct inspection *in)
{
	const struct inspect_status *st = &in->its, *own = &in->own;
	uint64_t keeps = own->permitted;
	bool root = own->uid[1] == 0;
	uint64_t filter = own->seccomp;

	if (in->id == SANDBOX_ZYGOTE_EXEC && !in->params->program_is_root &&
	    root)
		keeps &= STARTER_CAPS;
	if (root && in->params->session != SANDBOX_SESSION_NONE)
		filter = 2;
	if (st->bounding != own->bounding)
		return (inspect_refuse(in,
		    "its bounding set is %" PRIx64 ", not %" PRIx64,
		    st->bounding, own->bounding));
	if (st->permitted != keeps)
		return (inspect_refuse(in,
		    "it has capabilities %" PRIx64 ", not %" PRIx64,
		    st->permitted, keeps));
	if (st->no_new_privs != own->no_new_privs)
		return (inspect_refuse(in,
		    "NoNewPrivs would disable su and sudo in its sessions"));
	/* A container's root may have had no right to one. */
	if (st->seccomp != filter &&
	    (!root || in->params->level != SANDBOX_ROOTLESS))
		return (inspect_refuse(in,
		    "its system call filter is %" PRIu64 ", not %" PRIu64,
		    st->seccomp, filter));
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
		return (inspect_refuse(in,
		    "its network namespace cannot be "
		    "read: %s",
		    strerror(errno)));
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
		return (inspect_refuse(
		    in, "its root cannot be read: %s", strerror(errno)));
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
	    .pid = pid,
	    .id = id,
	    .profile = profile_get(id),
	    .params = params,
	    .userns = userns,
	    .why = why,
	    .size = size,
	};
	int err;

	if (in.profile == NULL)
		return (inspect_refuse(&in, "there is no such profile"));
	if (inspect_read_status(getpid(), &in.own) != 0 ||
	    inspect_read_status(pid, &in.its) != 0) {
		snprintf(why, size,
		    "There is no process %d to be read in "
		    "/proc.",
		    (int)pid);
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
