/*
 * Which of the files that planners write for sshd is in force. Monitor (root).
 * They lie in the run-time folder, and a link names the one; none is put in
 * place whose plan was not taken.
 */
#include <sys/stat.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/log.h"
#include "monitor/sshd.h"

#define FOLDER "/run/sshd"

static uint32_t committed, before; /* in place; the one before it */
static bool by_pam;

void
sshd_make_folder(const struct monitor *mon)
{
	static const char *const paths[] = {PLAN_SSHDS};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (mon->rootless || access(paths[i], X_OK) < 0)
			continue;
		if (mkdir(FOLDER, 0755) < 0 && errno != EEXIST)
			log_errno("cannot make " FOLDER);
		return;
	}
}

void
sshd_keep_folder(const struct monitor *mon)
{
	if (committed == 0 || mon->rootless || access(FOLDER, F_OK) == 0)
		return;
	log_info(FOLDER " went missing: made again");
	sshd_make_folder(mon);
}

uint32_t
sshd_next_number(void)
{
	return (committed + 1);
}

bool
sshd_by_pam(void)
{
	return (by_pam);
}

void
sshd_config_path(struct monitor *mon, char *buf, size_t size)
{
	snprintf(buf, size, "%s/sshd_config", mon->run_dir);
}

/* The copies of an sshd-config FILE have numbers, from 0 without a gap. */
static void
remove_numbered(struct monitor *mon, uint32_t number)
{
	char path[PATH_MAX + 96];

	if (number == 0)
		return;
	snprintf(path, sizeof(path), "%s/sshd_config.%u", mon->run_dir, number);
	unlink(path);
	for (unsigned i = 0; i < PLAN_SSHD_FILES_MAX; i++) {
		snprintf(path, sizeof(path), "%s/sshd_file.%u.%u", mon->run_dir,
		    number, i);
		if (unlink(path) < 0)
			break;
	}
}

int
sshd_commit(struct monitor *mon, const struct plan_service *ssh)
{
	char target[64], link[PATH_MAX + 64], path[PATH_MAX + 64];

	snprintf(target, sizeof(target), "sshd_config.%u", committed + 1);
	snprintf(link, sizeof(link), "%s/sshd_config.link", mon->run_dir);
	sshd_config_path(mon, path, sizeof(path));
	unlink(link);
	if (symlink(target, link) < 0 || rename(link, path) < 0) {
		log_errno("cannot put %s in place", path);
		return (ERR_SYSTEM);
	}
	/* An sshd that starts just now may still be reading the last one. */
	remove_numbered(mon, before);
	before = committed++;
	by_pam = ssh->is.by_pam != 0;
	return (0);
}
