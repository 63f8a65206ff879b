/*
 * The kernel's name for a boot (proc_sys_kernel(5)), kept beside the state that
 * is true for only that boot. Monitor (root); trusts its own folder.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/boot.h"

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define BOOT_SIZE 64

/* A file's first line, "" when there is none. */
static void
boot_read(const char *path, char line[BOOT_SIZE])
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, line, BOOT_SIZE - 1);

	line[n > 0 ? n : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	fd_close(&fd);
}

/* All but the lock, which is held. */
static void
boot_empty(const char *path)
{
	struct dirent *e;
	DIR *d = opendir(path);

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_name[0] != '.' && strcmp(e->d_name, "lock") != 0 &&
		    unlinkat(dirfd(d), e->d_name, 0) < 0)
			log_errno("%s/%s cannot be removed", path, e->d_name);
	}
	if (d != NULL)
		closedir(d);
}

void
boot_forget_others(struct monitor *mon)
{
	char folder[PATH_MAX + 16], path[PATH_MAX + 32];
	char now[BOOT_SIZE], before[BOOT_SIZE];
	int fd;

	snprintf(folder, sizeof(folder), "%s/state", mon->run_dir);
	snprintf(path, sizeof(path), "%s/boot", folder);
	boot_read(BOOT_ID, now);
	boot_read(path, before);
	if (now[0] == '\0' || strcmp(now, before) == 0)
		return;
	if (before[0] != '\0')
		boot_empty(folder);
	fd = open(
	    path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || fd_write_all(fd, now, strlen(now)) != 0)
		log_errno("cannot write %s", path);
	fd_close(&fd);
}
