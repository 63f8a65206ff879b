/*
 * tacplus: asks TACACS+ servers about passwords, for the PAM module. Runs as an
 * account of its own, sealed: an empty root, no files, and TCP to its servers'
 * ports only, where Landlock has that (level 4). It is told the servers before
 * it seals itself, and is replaced when they change. Reads typed questions of
 * root's, with passwords, and distrusts what servers answer.
 */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "role/role.h"
#include "workers/tacplus/asks.h"

#define PAUSE_MS 10 /* no descriptors */

static struct ipc_in in;
static int listener = -1;

/* Until the socket comes, which is the last that is told. */
static void
tacplus_learn(struct role_self *s)
{
	static struct msg_tacplus_server servers[ASKS_SERVERS];
	static uint16_t ports[ASKS_SERVERS];
	size_t n = 0;

	while (listener < 0) {
		int err = ipc_recv(&s->monitor, &in);

		if (err != 0)
			role_fail(s, "no servers from the monitor: %s",
			    err_text(err));
		if (in.type == MSG_TACPLUS_LISTENER) {
			listener = in.fds[0];
			in.nfds = 0;
		} else if (in.type == MSG_TACPLUS_SERVER && n < ASKS_SERVERS) {
			servers[n] = in.msg.tacplus_server;
			ports[n] = servers[n].address.port;
			n++;
		} else
			role_fail(
			    s, "%s is not for tacplus", msg_name(in.type));
		ipc_in_wipe(&in);
	}
	asks_set_servers(servers, n);
	explicit_bzero(servers, sizeof(servers));
	s->ports = ports;
	s->nports = n;
	fd_set_nonblock(listener, 1);
}

/* Whether to go on. */
static int
tacplus_hear(struct role_self *s)
{
	int err = role_hear(&s->monitor, &in);

	if (err == ERR_AGAIN)
		return (1);
	if (err == 0 && in.type != MSG_STOP)
		log_info("%s is not for tacplus", msg_name(in.type));
	return (0);
}

static void
tacplus_accept(void)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		asks_add(fd);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		 errno == ENOMEM)
		time_rest(PAUSE_MS);
}

int
main(int argc, char **argv)
{
	static struct pollfd p[2 + 2 * ASKS_MAX];
	struct role_self self;

	(void)argc;
	role_receive(&self, ROLE_TACPLUS, argv);
	tacplus_learn(&self);
	role_seal(&self);
	for (;;) {
		int wait_ms;
		size_t n = asks_fill(p + 2, &wait_ms);

		p[0] = (struct pollfd){.fd = self.monitor.fd, .events = POLLIN};
		p[1] = (struct pollfd){
		    .fd = asks_have_room() ? listener : -1, .events = POLLIN};
		role_poll_failed(poll(p, 2 + n, wait_ms));
		if (p[0].revents != 0 && !tacplus_hear(&self))
			return (0);
		asks_go_on(p + 2, n);
		if (p[1].fd >= 0 && p[1].revents != 0)
			tacplus_accept();
	}
}
