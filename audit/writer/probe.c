/*
 * Whether a log daemon is there: libsystemd and syslog(3) both call it a
 * success when none is, and an event that went nowhere is none here. Audit.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "audit/writer/probe.h"
#include "lib/err.h"

int
probe_socket(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int connected;

	if (fd < 0)
		return (ERR_NOT_FOUND);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	connected =
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0 ||
	    errno == EPROTOTYPE; /* a stream: syslog(3) tries that, too */
	close(fd);
	return (connected ? 0 : ERR_NOT_FOUND);
}
