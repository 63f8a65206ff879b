/*
 * Who has a port: the socket's inode from /proc/net, its process from the
 * descriptors below /proc, as far as the calling user may see them. Names of
 * processes are anybody's to choose and are escaped.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/escape.h"
#include "cli/holder.h"

/* The inode of the listening socket on that port; 0 for none. */
static unsigned long
holder_find_inode(const char *table, unsigned port, bool datagram)
{
	char line[512];
	unsigned long inode, found = 0;
	unsigned local, state;
	FILE *f = fopen(table, "re");

	if (f == NULL)
		return (0);
	while (found == 0 && fgets(line, sizeof(line), f) != NULL) {
		/* NOLINTNEXTLINE(cert-err34-c): the kernel's own numbers */
		if (sscanf(line,
			" %*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*x:%*x "
			"%*x:%*x %*x %*u %*u %lu",
			&local, &state, &inode) != 3)
			continue;
		if (local == port && (datagram || state == 0x0a))
			found = inode;
	}
	fclose(f);
	return (found);
}

static bool
holder_has_inode(const char *pid, unsigned long inode)
{
	char path[320], link[64], want[64];
	struct dirent *e;
	bool found = false;
	DIR *d;

	snprintf(want, sizeof(want), "socket:[%lu]", inode);
	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	d = opendir(path);
	if (d == NULL)
		return (false);
	while (!found && (e = readdir(d)) != NULL) {
		ssize_t n =
		    readlinkat(dirfd(d), e->d_name, link, sizeof(link) - 1);

		if (n <= 0)
			continue;
		link[n] = '\0';
		found = strcmp(link, want) == 0;
	}
	closedir(d);
	return (found);
}

static void
holder_describe(const char *pid, char *buf, size_t size)
{
	char path[320], comm[64], text[128];
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, comm, sizeof(comm));
		close(fd);
	}
	if (n > 0 && comm[n - 1] == '\n')
		n--;
	escape_bytes(text, sizeof(text), comm, n > 0 ? (size_t)n : 0);
	snprintf(buf, size, "by %s, process %s", text, pid);
}

void
holder_of_port(
    const struct addr *address, bool datagram, char *buf, size_t size)
{
	static const char *const tables[2][FAMILY_COUNT] = {
	    {"/proc/net/tcp", "/proc/net/tcp6"},
	    {"/proc/net/udp", "/proc/net/udp6"}};
	unsigned long inode = 0;
	struct dirent *e;
	DIR *d;

	buf[0] = '\0';
	/* A socket of the other family may hold it too. */
	for (int i = 0; i < FAMILY_COUNT && inode == 0; i++) {
		int f = i == 0 ? address->family : !address->family;

		inode = holder_find_inode(
		    tables[datagram][f], address->port, datagram);
	}
	if (inode == 0 || (d = opendir("/proc")) == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		if (isdigit((unsigned char)e->d_name[0]) &&
		    holder_has_inode(e->d_name, inode)) {
			holder_describe(e->d_name, buf, size);
			break;
		}
	}
	closedir(d);
}
