/*
 * A question is read, and then a START is written to the first server, whose
 * REPLY is the answer; a server that cannot be reached, says nothing in its
 * time, or says what is none, is followed by the next one. Who asks and goes
 * away is asked for no more. Role tacplus, one process, no call that waits.
 */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#include "ipc/channel.h"
#include "ipc/plan.h"
#include "ipc/protocol.h"
#include "lib/addr.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "workers/tacplus/asks.h"
#include "workers/tacplus/packet.h"

#define SECOND_NS UINT64_C(1000000000)
#define ASK_NS (10 * SECOND_NS) /* to say what is asked */

enum ask_state {
	ASK_FREE,
	ASK_NEW,	/* the question is awaited */
	ASK_CONNECTING, /* to server */
	ASK_SENDING,
	ASK_READING
};

struct ask {
	size_t server; /* of servers */
	uint64_t deadline;
	size_t out_n, sent, got;
	enum ask_state state;
	int fd; /* to the server */
	uint32_t session;
	struct ipc_channel ch; /* to who asks */
	short events;	       /* of fd, for poll(2) */
	struct msg_tacplus_ask question;
	uint8_t out[PACKET_START_MAX];
	uint8_t
	    in[PACKET_REPLY_MAX + 1]; /* one more shows that it is too long */
};

static struct ask asks[ASKS_MAX];
static struct msg_tacplus_server servers[ASKS_SERVERS];
static size_t server_count;
static struct ipc_in in;

void
asks_set_servers(const struct msg_tacplus_server *from, size_t n)
{
	server_count = n < ASKS_SERVERS ? n : ASKS_SERVERS;
	memcpy(servers, from, server_count * sizeof(*from));
}

/* --- one question ----------------------------------------------------------
 */

/* Its secrets with it. */
static void
ask_end(struct ask *a)
{
	ipc_channel_close(&a->ch);
	fd_close(&a->fd);
	explicit_bzero(a, sizeof(*a));
	a->fd = a->ch.fd = -1;
}

static void
ask_answer(struct ask *a, enum tacplus_answer answer)
{
	struct msg_tacplus_answer m = {.answer = (uint8_t)answer};

	(void)ipc_send(&a->ch, MSG_TACPLUS_ANSWER, &m, NULL, 0);
	ask_end(a);
}

static void
ask_server_text(const struct ask *a, char buf[ADDR_TEXT_MAX])
{
	addr_text(&servers[a->server].address, buf);
}

static int
ask_connect(struct ask *a)
{
	const struct msg_tacplus_server *s = &servers[a->server];
	struct sockaddr_storage sa;
	socklen_t len;

	addr_to_sockaddr(&s->address, &sa, &len);
	a->fd =
	    socket(sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (a->fd < 0)
		return (ERR_SYSTEM);
	if (connect(a->fd, (struct sockaddr *)&sa, len) < 0 &&
	    errno != EINPROGRESS)
		return (ERR_SYSTEM);
	a->state = ASK_CONNECTING;
	a->events = POLLOUT;
	a->deadline = time_boot_ns() + s->timeout * SECOND_NS;
	return (0);
}

static int
ask_begin_server(struct ask *a)
{
	const struct msg_tacplus_ask *q = &a->question;
	const struct packet_start start = {.user = q->user,
	    .password = q->password,
	    .port = q->port,
	    .source = q->source};

	fd_close(&a->fd);
	a->sent = a->got = 0;
	a->session = arc4random();
	a->out_n = packet_write_start(
	    &start, servers[a->server].secret, a->session, a->out);
	return (a->out_n == 0 ? ERR_TOO_LONG : ask_connect(a));
}

/* From that server on, the first that can be begun with. */
static void
ask_begin(struct ask *a, size_t server)
{
	char text[ADDR_TEXT_MAX];

	for (a->server = server; a->server < server_count; a->server++) {
		int err = ask_begin_server(a);

		if (err == 0)
			return;
		ask_server_text(a, text);
		log_info("TACACS+ server %s: %s", text,
		    err == ERR_SYSTEM ? strerror(errno) : err_text(err));
	}
	ask_answer(a, TACPLUS_SILENT);
}

static void
ask_next(struct ask *a, const char *why)
{
	char text[ADDR_TEXT_MAX];

	ask_server_text(a, text);
	log_info("TACACS+ server %s: %s", text, why);
	ask_begin(a, a->server + 1);
}

static void
ask_send(struct ask *a)
{
	int error = 0;
	socklen_t len = sizeof(error);
	ssize_t n;

	if (a->state == ASK_CONNECTING &&
	    (getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 ||
		error != 0)) {
		ask_next(a, strerror(error != 0 ? error : errno));
		return;
	}
	a->state = ASK_SENDING;
	n = send(a->fd, a->out + a->sent, a->out_n - a->sent, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		ask_next(a, strerror(errno));
		return;
	}
	a->sent += n > 0 ? (size_t)n : 0;
	if (a->sent < a->out_n)
		return;
	explicit_bzero(a->out, sizeof(a->out));
	a->state = ASK_READING;
	a->events = POLLIN;
}

static void
ask_read(struct ask *a)
{
	ssize_t n = recv(a->fd, a->in + a->got, sizeof(a->in) - a->got, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		ask_next(a, n < 0 ? strerror(errno)
				  : "it closed the connection unasked");
		return;
	}
	a->got += (size_t)n;
	switch (packet_read_reply(
	    a->in, a->got, servers[a->server].secret, a->session)) {
	case PACKET_PASS:
		ask_answer(a, TACPLUS_PASS);
		break;
	case PACKET_FAIL:
		ask_answer(a, TACPLUS_FAIL);
		break;
	case PACKET_ERROR:
		ask_next(a, "an error, or an answer that cannot be read (has "
			    "it another secret?)");
		break;
	case PACKET_MORE:
		break;
	}
}

/* --- who asks --------------------------------------------------------------
 */

int
asks_have_room(void)
{
	for (size_t i = 0; i < ASKS_MAX; i++) {
		if (asks[i].state == ASK_FREE)
			return (1);
	}
	return (0);
}

/* The socket lies in a folder of root's; this holds if that should fail. */
static int
asks_is_roots(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	return (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
		cred.uid == 0);
}

void
asks_add(int fd)
{
	struct ask *a = NULL;

	for (size_t i = 0; a == NULL && i < ASKS_MAX; i++) {
		if (asks[i].state == ASK_FREE)
			a = &asks[i];
	}
	if (a == NULL || !asks_is_roots(fd)) {
		close(fd);
		return;
	}
	memset(a, 0, sizeof(*a));
	a->state = ASK_NEW;
	a->fd = -1;
	a->deadline = time_boot_ns() + ASK_NS;
	ipc_channel_init(&a->ch, fd, ROLE_TACPLUS, ROLE_LOGIN, ST_NEW);
}

/* The greeting, then the question; the end at any time. */
static void
ask_hear(struct ask *a)
{
	int err = ipc_recv_now(&a->ch, &in);

	if (err == ERR_AGAIN)
		return;
	if (err == 0 && in.type == MSG_PAM_HELLO)
		err = ipc_judge_hello(&a->ch, &in);
	else if (err == 0 && in.type == MSG_TACPLUS_ASK &&
		 a->state == ASK_NEW) {
		a->question = in.msg.tacplus_ask;
		ipc_in_wipe(&in);
		ask_begin(a, 0);
		return;
	}
	ipc_in_wipe(&in);
	if (err != 0)
		ask_end(a);
}

size_t
asks_fill(struct pollfd *p, int *wait_ms)
{
	uint64_t now = time_boot_ns(), first = UINT64_MAX;
	size_t n = 0;

	for (size_t i = 0; i < ASKS_MAX; i++) {
		struct ask *a = &asks[i];

		if (a->state == ASK_FREE)
			continue;
		p[n++] = (struct pollfd){.fd = a->ch.fd, .events = POLLIN};
		p[n++] = (struct pollfd){.fd = a->state == ASK_NEW ? -1 : a->fd,
		    .events = a->events};
		if (a->deadline < first)
			first = a->deadline;
	}
	*wait_ms = first == UINT64_MAX ? -1
		   : first <= now      ? 0
				       : (int)((first - now) / 1000000) + 1;
	return (n);
}

static void
ask_go_on(
    struct ask *a, const struct pollfd *client, const struct pollfd *server)
{
	if (client->revents != 0) {
		ask_hear(a);
		return;
	}
	if (server->fd >= 0 && server->revents != 0) {
		if (a->state == ASK_READING)
			ask_read(a);
		else
			ask_send(a);
		return;
	}
	if (time_boot_ns() < a->deadline)
		return;
	if (a->state == ASK_NEW)
		ask_end(a);
	else
		ask_next(a, "no answer in time");
}

void
asks_go_on(const struct pollfd *p, size_t n)
{
	size_t at = 0;

	/* Each has two places, in the order in which they were filled. */
	for (size_t i = 0; i < ASKS_MAX && at + 1 < n; i++) {
		if (asks[i].state == ASK_FREE)
			continue;
		ask_go_on(&asks[i], &p[at], &p[at + 1]);
		at += 2;
	}
}
