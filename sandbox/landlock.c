/*
 * Landlock by system call: the C library has no wrappers, and its headers may
 * be older than the kernel. Runs in a role that seals itself. Every right that
 * is known to a kernel of that level is handled, and denied unless a rule
 * grants it; descriptors that are open already are not touched by it.
 */
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "sandbox/landlock.h"

/* As in linux/landlock.h of Linux 6.12, by level. */
#define RULE_PATH_BENEATH 1u
#define RULE_NET_PORT 2u
#define CREATE_VERSION (1u << 0)
#define FS_EXECUTE (UINT64_C(1) << 0)
#define FS_WRITE_FILE (UINT64_C(1) << 1)
#define FS_READ_FILE (UINT64_C(1) << 2)
#define FS_READ_DIR (UINT64_C(1) << 3)
/* remove_dir, remove_file, make_dir, make_reg, make_sym */
#define FS_CHANGE_DIR                                                          \
	((UINT64_C(3) << 4) | (UINT64_C(3) << 7) | (UINT64_C(1) << 12))
#define FS_LEVEL_1 ((UINT64_C(1) << 13) - 1) /* execute … make_sym */
#define FS_REFER (UINT64_C(1) << 13)	     /* level 2 */
#define FS_TRUNCATE (UINT64_C(1) << 14)	     /* level 3 */
#define FS_IOCTL_DEV (UINT64_C(1) << 15)     /* level 5 */
#define NET_BIND_TCP (UINT64_C(1) << 0)	     /* level 4 */
#define NET_CONNECT_TCP (UINT64_C(1) << 1)   /* level 4 */
#define SCOPE_ABSTRACT (UINT64_C(1) << 0)    /* level 6 */
#define SCOPE_SIGNAL (UINT64_C(1) << 1)	     /* level 6 */

struct ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

struct path_beneath {
	uint64_t access;
	int32_t fd;
} __attribute__((packed));

struct net_port {
	uint64_t access;
	uint64_t port;
};

int
landlock_get_abi(void)
{
	long abi;

	abi = syscall(
	    SYS_landlock_create_ruleset, NULL, (size_t)0, CREATE_VERSION);
	return (abi < 0 ? 0 : (int)abi);
}

static int
landlock_create(const struct profile *profile, int abi)
{
	struct ruleset set = {FS_LEVEL_1, 0, 0};
	size_t size = sizeof(set.fs);

	if (abi >= 2)
		set.fs |= FS_REFER;
	if (abi >= 3)
		set.fs |= FS_TRUNCATE;
	if (abi >= 4) {
		set.net = NET_BIND_TCP | NET_CONNECT_TCP;
		if (profile->network == NETWORK_OUTBOUND)
			set.net = NET_BIND_TCP;
		size = 2 * sizeof(uint64_t);
	}
	if (abi >= 5)
		set.fs |= FS_IOCTL_DEV;
	if (abi >= 6) {
		set.scoped = SCOPE_ABSTRACT;
		if ((profile->keeps & (UINT64_C(1) << CAP_KILL)) == 0)
			set.scoped |= SCOPE_SIGNAL;
		size = sizeof(set);
	}
	return ((int)syscall(SYS_landlock_create_ruleset, &set, size, 0u));
}

static int
landlock_let(int ruleset, const char *path, uint64_t access)
{
	struct path_beneath rule = {access, -1};
	int fd;
	long rc;

	if ((fd = open(path, O_PATH | O_CLOEXEC)) == -1)
		return (ERR_SYSTEM);
	rule.fd = fd;
	rc = syscall(
	    SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0u);
	fd_close(&fd);
	return (rc == 0 ? 0 : ERR_SYSTEM);
}

/* What may be written, by its kind: a folder's rights are no file's. */
static int
landlock_let_write(int ruleset, const char *path, int abi)
{
	uint64_t access = FS_WRITE_FILE;
	struct stat st;

	if (abi >= 3)
		access |= FS_TRUNCATE;
	if (stat(path, &st) != 0)
		return (errno == ENOENT ? 0 : ERR_SYSTEM);
	if (S_ISDIR(st.st_mode))
		access |= FS_CHANGE_DIR | FS_REFER;
	return (landlock_let(ruleset, path, access));
}

static int
landlock_let_connect(int ruleset, const uint16_t *ports, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct net_port rule = {NET_CONNECT_TCP, ports[i]};

		if (syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT,
			&rule, 0u) != 0)
			return (ERR_SYSTEM);
	}
	return (0);
}

int
landlock_restrict(
    const struct profile *profile, int abi, const struct sandbox_params *params)
{
	static const uint16_t resolver[] = {53};
	const char *readable = profile->files == FILES_PROC ? "/proc" : "/";
	uint64_t reads = FS_READ_FILE | FS_READ_DIR;
	int ruleset, rc = 0;

	if ((ruleset = landlock_create(profile, abi)) == -1)
		return (ERR_SYSTEM);
	if (profile->programs)
		reads |= FS_EXECUTE;
	if (profile->files != FILES_NONE)
		rc = landlock_let(ruleset, readable, reads);
	for (size_t i = 0;
	     rc == 0 && profile->programs && i < params->nwritable; i++)
		rc = landlock_let_write(ruleset, params->writable[i], abi);
	if (rc == 0 && profile->network == NETWORK_RESOLVER && abi >= 4)
		rc = landlock_let_connect(ruleset, resolver, 1);
	if (rc == 0 && profile->network == NETWORK_SERVERS && abi >= 4)
		rc = landlock_let_connect(
		    ruleset, params->ports, params->nports);
	if (rc == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0u) != 0)
		rc = ERR_SYSTEM;
	fd_close(&ruleset);
	return (rc);
}
