/* Descriptors and clocks. Any process. */
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"

void
fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	/* Unchanged, it is not written: the page may be a copy to be made. */
	if (errno != saved)
		errno = saved;
}

int
fd_set_nonblock(int fd, int on)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return (ERR_SYSTEM);
	flags = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	return (fcntl(fd, F_SETFL, flags) < 0 ? ERR_SYSTEM : 0);
}

int
fd_set_cloexec(int fd, int on)
{
	return (fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) < 0 ? ERR_SYSTEM : 0);
}

int
fd_write_all(int fd, const void *buf, size_t n)
{
	const char *p = buf;

	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return (ERR_SYSTEM);
		p += w;
		n -= (size_t)w;
	}
	return (0);
}

int
fd_seqpacket_pair(int pair[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		pair[0] = pair[1] = -1;
		return (ERR_SYSTEM);
	}
	return (0);
}

static uint64_t
time_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ((uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec);
}

uint64_t
time_boot_ns(void)
{
	return (time_ns(CLOCK_BOOTTIME));
}

uint64_t
time_wall_ns(void)
{
	return (time_ns(CLOCK_REALTIME));
}

void
time_rest(unsigned ms)
{
	struct timespec ts = {
	    .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	(void)ppoll(NULL, 0, &ts, NULL);
}
