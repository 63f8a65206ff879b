/*
 * The module's side of the socket. In sshd's privileged half, as root. Trusts
 * the answer because only root can have bound or replaced the socket: its path
 * comes from root's own configuration.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ipc/channel.h"
#include "ipc/protocol.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "monitor/pam/ask.h"

#define RETRY_MS 50
#define TACPLUS_MS 120000 /* sshd and login have less, by default */
#define TACPLUS_TRIES 3
#define UPGRADE_MS 60000 /* until the daemon is restarted */
#define ANSWER_MS 30000	 /* of a daemon that is there, on a loaded machine */

static int
ask_left(uint64_t end)
{
	uint64_t now = time_boot_ns();

	return (now >= end ? 0 : (int)((end - now) / 1000000) + 1);
}

static int
ask_connect(
    const struct sockaddr_un *sun, enum role peer, struct ipc_channel *ch)
{
	int fd =
	    socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return (ERR_SYSTEM);
	if (connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) < 0) {
		/* Its queue is full, or it is being started again. */
		int again =
		    errno == EAGAIN || errno == ECONNREFUSED || errno == ENOENT;

		fd_close(&fd);
		return (again ? ERR_AGAIN : ERR_SYSTEM);
	}
	ipc_channel_init(ch, fd, ROLE_LOGIN, peer, ST_NEW);
	return (0);
}

static int
ask_once(struct ipc_channel *ch, enum msg_type type, const void *msg,
    uint64_t end, struct ipc_in *in)
{
	int err = ipc_greet(ch);

	if (err == 0)
		err = ipc_send(ch, type, msg, NULL, 0);
	/* One that has closed already may have said why. */
	if (err != 0 && err != ERR_CLOSED)
		return (err);
	do {
		struct pollfd p = {.fd = ch->fd, .events = POLLIN};
		int left = ask_left(end);

		if (left == 0 || poll(&p, 1, left) == 0)
			return (ERR_AGAIN);
		err = ipc_recv(ch, in);
	} while (err == ERR_AGAIN);
	if (err == 0 && in->type == MSG_OTHER_BUILD)
		return (ERR_BUILD);
	return (err);
}

static int
ask_address(const char *path, struct sockaddr_un *sun)
{
	size_t n = strlen(path);

	if (n >= sizeof(sun->sun_path))
		return (ERR_TOO_LONG);
	sun->sun_family = AF_UNIX;
	memcpy(sun->sun_path, path, n + 1);
	return (0);
}

int
pam_ask(const char *path, enum msg_type type, const void *msg, int patience_ms,
    struct msg_pam_verdict *verdict)
{
	struct timespec pause = {.tv_nsec = RETRY_MS * 1000000L};
	struct sockaddr_un sun;
	uint64_t begin = time_boot_ns();
	uint64_t end = begin + (uint64_t)patience_ms * 1000000;
	uint64_t answer = begin + ANSWER_MS * 1000000ull;
	struct ipc_in in;
	int err = ask_address(path, &sun);

	if (err != 0)
		return (err);
	for (;;) {
		struct ipc_channel ch = {.fd = -1};

		err = ask_connect(&sun, ROLE_MONITOR, &ch);
		if (err == 0)
			err = ask_once(&ch, type, msg,
			    type == MSG_PAM_CLOSE ? end : answer, &in);
		if (err == 0)
			*verdict = in.msg.pam_verdict;
		ipc_channel_close(&ch);
		/*
		 * A monitor that dies while it is asked is asked again; one of
		 * another build is likely to be replaced soon, and a login
		 * rather waits than fails.
		 */
		if (err == ERR_BUILD && type != MSG_PAM_CLOSE)
			end = begin + UPGRADE_MS * 1000000ull;
		if ((err != ERR_AGAIN && err != ERR_CLOSED &&
			err != ERR_BUILD) ||
		    ask_left(end) == 0)
			return (err);
		nanosleep(&pause, NULL);
	}
}

enum tacplus_answer
pam_ask_tacplus(const char *path, const struct msg_tacplus_ask *msg)
{
	uint64_t end = time_boot_ns() + TACPLUS_MS * 1000000ull;
	struct sockaddr_un sun;
	struct ipc_in in;
	int err = ask_address(path, &sun);

	if (err != 0)
		return (TACPLUS_SILENT);
	/* One that was just replaced has not answered all. */
	for (int i = 0; i < TACPLUS_TRIES; i++) {
		struct ipc_channel ch = {.fd = -1};

		err = ask_connect(&sun, ROLE_TACPLUS, &ch);
		if (err == 0)
			err = ask_once(&ch, MSG_TACPLUS_ASK, msg, end, &in);
		ipc_channel_close(&ch);
		if (err != ERR_CLOSED)
			break;
	}
	return (err != 0 ? TACPLUS_SILENT
			 : (enum tacplus_answer)in.msg.tacplus_answer.answer);
}
