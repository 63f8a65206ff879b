/*
 * Opens the roles' programs and runs them. Monitor and its children before
 * their exec (root). Trusts the folder as it trusts its own program, beside
 * which it lies.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "monitor/roles/images.h"

#define IMAGES_MAX 32
/* A child puts its own descriptors below this before it becomes the program. */
#define IMAGE_FD_LEAST 10

static struct image {
	char name[32];
	int fd;
} images[IMAGES_MAX];
static unsigned images_count;

static int
images_find(const char *name)
{
	for (unsigned i = 0; i < images_count; i++) {
		if (strcmp(images[i].name, name) == 0)
			return (images[i].fd);
	}
	errno = ENOENT;
	return (-1);
}

static int
images_add(int folder, const char *name)
{
	struct image *image = &images[images_count];
	int fd;

	if (images_count == IMAGES_MAX || strlen(name) >= sizeof(image->name)) {
		errno = E2BIG;
		return (-1);
	}
	fd = openat(folder, name, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return (-1);
	image->fd = fcntl(fd, F_DUPFD_CLOEXEC, IMAGE_FD_LEAST);
	close(fd);
	if (image->fd < 0)
		return (-1);
	memcpy(image->name, name, strlen(name) + 1);
	images_count++;
	return (0);
}

int
images_open(const char *folder, char *reason, size_t size)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int err = 0;

	if (dir == NULL) {
		snprintf(reason, size, "%s: %s", folder, strerror(errno));
		return (ERR_SYSTEM);
	}
	while (err == 0 && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		err = images_add(dirfd(dir), entry->d_name);
		if (err != 0)
			snprintf(reason, size, "%s/%.64s: %s", folder,
			    entry->d_name, strerror(errno));
	}
	closedir(dir);
	if (err != 0)
		return (ERR_SYSTEM);
	if (images_find("master") >= 0)
		return (0);
	snprintf(
	    reason, size, "%s has no program master: install it whole", folder);
	return (ERR_NOT_FOUND);
}

void
images_exec(const char *name, char *const argv[], char *const env[])
{
	int fd = images_find(name);

	if (fd >= 0)
		execveat(fd, "", argv, env, AT_EMPTY_PATH);
}
