/*
 * One question and its answer over the control socket. The portreeve command,
 * as the calling user. Distrusts the answer as any channel does.
 */
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/print.h"
#include "ipc/protocol.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"

#define SYSTEM_DIR "/run/portreeve"
#define CONTROL_SOCKET "control.sock"

/*
 * A daemon of this user's own (rootless) comes before the host's; it lies where
 * portreeved puts it.
 */
const char *
client_default_dir(void)
{
	static char dir[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	const char *base = getenv("XDG_RUNTIME_DIR"), *home = getenv("HOME");
	char path[sizeof(dir) + sizeof(CONTROL_SOCKET) + 1];
	int n;

	if (geteuid() == 0)
		return (SYSTEM_DIR);
	if (base != NULL && *base == '/')
		n = snprintf(dir, sizeof(dir), "%s/portreeve", base);
	else if (home != NULL && *home == '/')
		n = snprintf(dir, sizeof(dir), "%s/.cache/portreeve", home);
	else
		return (SYSTEM_DIR);
	if (n < 0 || (size_t)n >= sizeof(dir))
		return (SYSTEM_DIR);
	snprintf(path, sizeof(path), "%s/%s", dir, CONTROL_SOCKET);
	return (access(path, F_OK) == 0 ? dir : SYSTEM_DIR);
}

static void
client_tell_connect(const char *path)
{
	switch (errno) {
	case ENOENT:
	case ECONNREFUSED:
		log_warn("no daemon answers at %s: start portreeved, or name "
			 "its run-time folder by -r DIR",
		    path);
		return;
	case EACCES:
	case EPERM:
		log_warn("no permission to use %s: be root, or a member of "
			 "the group portreeve",
		    path);
		return;
	case EAGAIN:
		log_warn("the daemon at %s does not take connections: look at "
			 "its log, or restart it",
		    path);
		return;
	default:
		log_errno("cannot connect to %s", path);
	}
}

/* The connected channel, or -1 and a line on stderr. */
static int
client_connect(const char *dir, int seconds, struct ipc_channel *ch)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct timeval limit = {.tv_sec = seconds};
	int fd, n;

	n = snprintf(
	    sun.sun_path, sizeof(sun.sun_path), "%s/%s", dir, CONTROL_SOCKET);
	if (n < 0 || (size_t)n >= sizeof(sun.sun_path)) {
		log_warn("the folder's path is too long for a socket: %s", dir);
		return (-1);
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		log_errno("cannot make a socket");
		return (-1);
	}
	/* connect() waits while the daemon's backlog is full (unix(7)). */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) <
		0 ||
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0) {
		client_tell_connect(sun.sun_path);
		fd_close(&fd);
		return (-1);
	}
	ipc_channel_init(ch, fd, ROLE_CLIENT, ROLE_MASTER, ST_NEW);
	return (0);
}

/* Why no answer came, or none that can be read. */
static void
client_tell_error(int err)
{
	if (ipc_error_is_breach(err))
		log_warn("the daemon's answer is not understood (%s): are "
			 "portreeve and portreeved of the same version?",
		    err_text(err));
	else if (err == ERR_CLOSED)
		log_warn("the daemon closed the connection without an answer: "
			 "is this user root or in the group portreeve, and the "
			 "daemon of this command's version?");
	else
		log_errno("cannot talk to the daemon");
}

/* A message within the time, or an error that has been told. */
static int
client_receive(struct ipc_channel *ch, struct ipc_in *in, int seconds)
{
	struct pollfd p = {.fd = ch->fd, .events = POLLIN};
	int n, err;

	do {
		n = poll(&p, 1, seconds * 1000);
	} while (n < 0 && errno == EINTR);
	if (n == 0) {
		log_warn("the daemon has not answered for %d seconds: it may "
			 "yet do what was asked; look at its log",
		    seconds);
		return (ERR_AGAIN);
	}
	err = n < 0 ? ERR_SYSTEM : ipc_recv(ch, in);
	if (err != 0)
		client_tell_error(err);
	return (err);
}

int
client_ask(const char *dir, enum msg_type type, const void *msg, int seconds,
    void (*take)(const struct ipc_in *in, void *arg), void *arg)
{
	struct ipc_channel ch;
	struct ipc_in in;
	int err, status = 1;

	if (client_connect(dir, seconds, &ch) != 0)
		return (1);
	err = ipc_greet(&ch);
	if (err == 0)
		err = ipc_send(&ch, type, msg, NULL, 0);
	/* One that has closed already may have said why. */
	if (err != 0 && err != ERR_CLOSED) {
		client_tell_error(err);
		goto out;
	}
	while (client_receive(&ch, &in, seconds) == 0) {
		if (in.type == MSG_OTHER_BUILD) {
			print_reason(in.msg.other_build.words);
			break;
		}
		if (in.type != MSG_DONE) {
			if (take != NULL)
				take(&in, arg);
			continue;
		}
		status = in.msg.done.status;
		if (status != 0)
			print_reason(
			    in.msg.done.reason[0] != '\0'
				? in.msg.done.reason
				: "the daemon gave no reason; look at its log");
		break;
	}
out:
	ipc_channel_close(&ch);
	return (status);
}
