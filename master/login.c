/*
 * The relay of logins; master/login.h says what it may. Master only,
 * unprivileged.
 */
#include "master/login.h"

#include <string.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "master/ask.h"

#define ASKS_MAX 8
#define ASK_AGAIN_NS UINT64_C(1000000000)

void
login_ask(struct master *m, struct session *s, bool late)
{
	uint64_t now = time_boot_ns();

	/* A worker asks again after a while, some times: no monitor's work. */
	if (s->login_asks == ASKS_MAX ||
	    (s->login_asked != 0 && now - s->login_asked < ASK_AGAIN_NS))
		return;
	s->login_asked = now;
	s->login_asks++;
	/* Without room there it goes nowhere; the worker asks again. */
	if (ask_login(m, s->id, s->slot, (now - s->accepted) / 1000000, late,
		s->copy) == 0)
		fd_close(&s->copy);
}

void
login_channel(struct master *m, const struct msg_login_channel *msg, int fd)
{
	struct session *s = session_by_id(m, msg->session);
	struct msg_login_ready ready = {.end_ = 0};

	/* A login process whose worker is gone ends by this close. */
	if (s != NULL && !session_is_over(s))
		(void)ipc_send(
		    &s->worker.channel, MSG_LOGIN_READY, &ready, &fd, 1);
	fd_close(&fd);
}

void
login_refused(struct master *m, const struct msg_login_refused *msg)
{
	struct session *s = session_by_id(m, msg->session);
	struct msg_login_denied denied = {.end_ = 0};

	memcpy(denied.text, msg->text, sizeof(denied.text));
	if (s != NULL && !session_is_over(s))
		(void)ipc_send(
		    &s->worker.channel, MSG_LOGIN_DENIED, &denied, NULL, 0);
}
