/*
 * The login process's last word to the monitor: how the session ended. Login
 * process, root. The channel of the start is long closed, by a monitor that
 * holds no descriptor for a session that runs, or that is another one by now;
 * so this goes by the monitor's root-only socket. It waits until the monitor
 * has taken it, since the worker, and so the books, wait for our end: on a
 * machine with more to do than it can, that takes seconds. Nobody listens when
 * there is no monitor, and one that never answers holds a session's end up for
 * HEARD_S.
 */
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/login/login.h"

#define HEARD_S 30

/* ERR_SYSTEM when nobody listens: the monitor is gone. */
static int
closed_connect(const char *path, struct ipc_channel *ch)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct timeval heard = {.tv_sec = HEARD_S};
	size_t n = strlen(path);
	int fd;

	if (n == 0 || n >= sizeof(sun.sun_path))
		return (ERR_NOT_FOUND);
	memcpy(sun.sun_path, path, n + 1);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return (ERR_SYSTEM);
	/* Where many end at once, there is a queue. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &heard, sizeof(heard)) <
		0 ||
	    connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) < 0) {
		fd_close(&fd);
		return (ERR_SYSTEM);
	}
	ipc_channel_init(ch, fd, ROLE_LOGIN, ROLE_MONITOR, ST_SESSION);
	return (0);
}

void
login_tell_closed(const struct login_run *l, int status)
{
	struct msg_login_closed m = {.how = ENDED_EXITED};
	struct ipc_channel ch = {.fd = -1};
	struct pollfd p = {.events = POLLIN};

	if (WIFSIGNALED(status)) {
		m.how = ENDED_SIGNAL;
		m.value = WTERMSIG(status);
	} else {
		m.value = WEXITSTATUS(status);
	}
	if (closed_connect(l->start.socket, &ch) != 0)
		return;
	p.fd = ch.fd;
	/* Its close says that it has passed it on. */
	if (ipc_send(&ch, MSG_LOGIN_CLOSED, &m, NULL, 0) != 0 ||
	    poll(&p, 1, HEARD_S * 1000) != 1)
		log_info("cannot report the end of session %llu to the monitor",
		    (unsigned long long)l->start.session);
	ipc_channel_close(&ch);
}
