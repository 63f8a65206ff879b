/*
 * Choosing uids for the roles. Monitor (root). No two roles share one, nor
 * does any with nobody, an account, or a process that runs already.
 */
#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/ids.h"
#include "monitor/ptable.h"

static const char *const account_names[UID_COUNT] = {
    [UID_MASTER] = "portreeve-master",
    [UID_AUDIT] = "portreeve-audit",
    [UID_LOOKUP] = "portreeve-lookup",
    [UID_LOGREADER_SSH] = "portreeve-log-ssh",
    [UID_LOGREADER_EXEC] = "portreeve-log-exec",
    [UID_CALLER] = "portreeve-caller",
    [UID_FINGER] = "portreeve-finger",
    [UID_TELNET] = "portreeve-telnet",
    [UID_FTP] = "portreeve-ftp",
};

/* One block of numbers a daemon. */
#define BLOCK 16

_Static_assert(UID_COUNT <= BLOCK, "a block has a number for each role");

static int
open_lock(uint32_t first)
{
	char path[64];

	snprintf(path, sizeof(path), "/run/portreeve-uids-%u.lock", first);
	return (open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
}

static bool
block_is_free(const struct ptable *t, uint32_t first)
{
	for (uint32_t id = first; id < first + BLOCK; id++) {
		if (id == 65534 || getpwuid(id) != NULL ||
		    getgrgid(id) != NULL)
			return (false);
	}
	for (size_t i = 0; i < t->count; i++) {
		if (t->rows[i].uid >= first && t->rows[i].uid < first + BLOCK)
			return (false);
	}
	return (true);
}

/* The first number of a block that is ours until we exit; 0 for none. */
static uint32_t
take_block(const struct conf *conf)
{
	struct ptable t = {0};
	uint32_t found = 0;

	if (ptable_read(&t) < 0)
		log_warn("cannot read the process table");
	for (uint32_t first = conf->role_uid_low;
	     found == 0 && first + BLOCK - 1 <= conf->role_uid_high;
	     first += BLOCK) {
		int fd = open_lock(first);

		/* The lock is kept open, and so held, to the end. */
		if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
		    block_is_free(&t, first))
			found = first;
		else
			fd_close(&fd);
	}
	ptable_free(&t);
	return (found);
}

int
ids_choose(struct monitor *mon, char *reason, size_t size)
{
	uint32_t block = 0;

	if (mon->rootless)
		return (0);
	for (int i = 0; i < UID_COUNT; i++) {
		struct passwd *pw = getpwnam(account_names[i]);

		if (pw != NULL && pw->pw_uid != 0 && pw->pw_uid != 65534) {
			mon->ids[i].uid = pw->pw_uid;
			mon->ids[i].gid = pw->pw_gid;
			continue;
		}
		if (block == 0)
			block = take_block(mon->conf);
		if (block == 0) {
			snprintf(reason, size,
			    "no %d numbers in a row of role-uids %u-%u are "
			    "free of accounts and processes: name another "
			    "range, or make the accounts (`make install`)",
			    BLOCK, mon->conf->role_uid_low,
			    mon->conf->role_uid_high);
			return (ERR_REFUSED);
		}
		mon->ids[i].uid = block + (uint32_t)i;
		mon->ids[i].gid = block + (uint32_t)i;
	}
	return (0);
}
