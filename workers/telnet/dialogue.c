/*
 * From the connection to the user's session: greeting, name, PAM's questions.
 * Worker, without privilege. Decides nothing: who may log in is the login
 * process's word, and tries and time are counted there. Distrusts the peer's
 * bytes; what may be a password is in one line's buffer, one message and the
 * input, and is wiped in all three once it is sent.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "workers/telnet/conn.h"

#define NS_PER_MS 1000000u
/* A client is asked for a name when it says no more, or after so long. */
#define GREETING_MS 1500
#define QUIET_MS 500
#define ASK_MS 1500 /* then the master may be dead: asked again */
#define ASK_TIMES 4
/* Past the login process's own deadline: it would have spoken. */
#define GRACE_SLACK_MS 10000

#define SAY(c, text) conn_say(c, text, sizeof(text) - 1)

static void
dialogue_end(struct conn *c, const char *text)
{
	conn_say(c, text, strlen(text));
	conn_step(c, PHASE_ENDS);
}

void
dialogue_greet(struct conn *c)
{
	conn_say(c, c->options->banner.b, c->options->banner.n);
}

static void
dialogue_ask_name(struct conn *c)
{
	char prompt[256];
	int n = snprintf(prompt, sizeof(prompt), "%s login: ", c->host);

	conn_say(c, prompt, (size_t)n);
	telnet_line_begin(&c->line, CONN_NAME_MAX, true);
	conn_step(c, PHASE_ASKS_NAME);
}

/* --- asking ------------------------------------------------------------------
 */

static void
dialogue_ask(struct conn *c, bool late)
{
	struct msg_login_ask ask = {.late = late};

	c->asked++;
	c->asked_at = time_boot_ns();
	conn_step(c, late ? PHASE_IS_LATE : PHASE_ASKS_LOGIN);
	/* No room or no master: asked again soon. */
	(void)ipc_send(&c->w->master, MSG_LOGIN_ASK, &ask, NULL, 0);
}

/* TERM as its own variable, for a client that knows no RFC 1091. */
static const char *
dialogue_terminal(const struct conn *c)
{
	const char *name = telnet_terminal(&c->telnet, 0);
	const struct telnet_variable *v;

	for (size_t i = 0;
	     name == NULL && (v = telnet_variable(&c->telnet, i)) != NULL; i++)
		if (strcmp(v->name, "TERM") == 0)
			name = v->value;
	return (name != NULL ? name : "");
}

static void
dialogue_try(struct conn *c)
{
	struct msg_login_user m = {0};
	char term[TELNET_TERMINAL_MAX + 1];
	const char *name = dialogue_terminal(c);

	memcpy(m.user, c->user, sizeof(m.user));
	if (telnet_terminal_read(term, (const uint8_t *)name, strlen(name)))
		memcpy(m.term, term, sizeof(m.term));
	(void)telnet_window(&c->telnet, &m.columns, &m.rows);
	if (ipc_send(&c->login, MSG_LOGIN_USER, &m, NULL, 0) != 0)
		dialogue_end(c, "\nThe login service does not answer.\n");
	else
		conn_step(c, PHASE_TRIES);
}

static void
dialogue_answer(struct conn *c)
{
	struct msg_login_answer m = {0};
	int err;

	m.answer.n = (uint16_t)c->line.n;
	memcpy(m.answer.b, c->line.bytes, c->line.n);
	err = ipc_send(&c->login, MSG_LOGIN_ANSWER, &m, NULL, 0);
	explicit_bzero(&m, sizeof(m));
	telnet_line_begin(&c->line, 0, false);
	conn_wipe(c);
	if (err != 0)
		dialogue_end(c, "\nThe login service does not answer.\n");
	else
		conn_step(c, PHASE_TRIES);
}

static void
dialogue_line(struct conn *c)
{
	if (c->phase == PHASE_PROMPT) {
		dialogue_answer(c);
		return;
	}
	if (c->line.n == 0) {
		dialogue_ask_name(c);
		return;
	}
	memset(c->user, 0, sizeof(c->user));
	memcpy(c->user, c->line.bytes, c->line.n);
	if (c->login.fd >= 0)
		dialogue_try(c);
	else
		dialogue_ask(c, false);
}

/* The master's answer is awaited. */
static bool
dialogue_is_asked(const struct conn *c)
{
	return (c->phase == PHASE_ASKED || c->phase == PHASE_LATE);
}

/* --- the peer's bytes
 * --------------------------------------------------------- */

static void
dialogue_put(struct conn *c, uint8_t byte)
{
	struct telnet_line_echo echo;
	enum telnet_line_end end = telnet_line_put(&c->line, byte, &echo);

	if (!telnet_echo_is_denied(&c->telnet))
		(void)telnet_output(&c->telnet, echo.bytes, echo.n);
	explicit_bzero(echo.bytes, echo.n);
	if (end == TELNET_LINE_DONE)
		dialogue_line(c);
	else if (end == TELNET_LINE_QUIT)
		dialogue_end(c, "\n");
}

static bool
dialogue_reads_line(const struct conn *c)
{
	return ((c->phase == PHASE_NAME || c->phase == PHASE_PROMPT) &&
		telnet_room(&c->telnet) >= TELNET_LINE_ECHO_MAX);
}

bool
dialogue_take(struct conn *c)
{
	/* Who types has agreed on what it wants to agree on. */
	if (c->phase == PHASE_GREETING)
		dialogue_ask_name(c);
	while (c->n > 0 && dialogue_reads_line(c)) {
		c->n--;
		dialogue_put(c, *c->data++);
	}
	return (c->n == 0);
}

/* Nobody is left to answer a prompt; a verdict is still to be read. */
void
dialogue_last(struct conn *c)
{
	if (!dialogue_is_asked(c) && c->phase != PHASE_TRYING)
		conn_step(c, PHASE_ENDS);
}

void
dialogue_key(struct conn *c, enum telnet_key key)
{
	static const uint8_t keys[] = {
	    [TELNET_KEY_INTERRUPT] = 0x03,
	    [TELNET_KEY_QUIT] = 0x03,
	    [TELNET_KEY_ERASE] = 0x7f,
	    [TELNET_KEY_KILL] = 0x15,
	    [TELNET_KEY_EOF] = 0x04,
	    [TELNET_KEY_SUSPEND] = 0,
	};

	if (dialogue_reads_line(c))
		dialogue_put(c, keys[key]);
}

/* --- the master's and the login process's words
 * -------------------------------- */

struct ipc_channel *
dialogue_channel(struct conn *c)
{
	/* A text must fit, whatever it is. */
	if (telnet_room(&c->telnet) <
	    2 * sizeof(c->message.msg.login_text.text.b))
		return (NULL);
	if (dialogue_is_asked(c))
		return (&c->w->master);
	return (c->login.fd >= 0 && c->phase != PHASE_OVER ? &c->login : NULL);
}

static void
dialogue_begin_login(struct conn *c)
{
	ipc_channel_init(
	    &c->login, c->message.fds[0], ROLE_WORKER, ROLE_LOGIN, ST_LOGIN);
	c->message.nfds = 0;
	dialogue_try(c);
}

static void
dialogue_prompt(struct conn *c, const struct msg_login_prompt *m)
{
	conn_say(c, m->text.b, m->text.n);
	telnet_line_begin(&c->line, TELNET_LINE_MAX, m->echo != 0);
	conn_step(c, PHASE_IS_PROMPTED);
}

static void
dialogue_obey(struct conn *c)
{
	const union msg_any *m = &c->message.msg;

	switch (c->message.type) {
	case MSG_LOGIN_READY:
		dialogue_begin_login(c);
		break;
	case MSG_LOGIN_DENIED:
		if (c->phase == PHASE_LATE)
			SAY(c, "\n");
		dialogue_end(c, m->login_denied.text);
		SAY(c, "\n");
		break;
	case MSG_LOGIN_PROMPT:
		dialogue_prompt(c, &m->login_prompt);
		break;
	case MSG_LOGIN_TEXT:
		conn_say(c, m->login_text.text.b, m->login_text.text.n);
		break;
	case MSG_LOGIN_AGAIN:
		conn_say(c, m->login_again.text.b, m->login_again.text.n);
		dialogue_ask_name(c);
		break;
	case MSG_LOGIN_OVER:
		conn_say(c, m->login_over.text.b, m->login_over.text.n);
		conn_step(c, PHASE_ENDS);
		break;
	case MSG_SESSION_STARTED:
		session_begin(c, c->message.fds[0]);
		c->message.nfds = 0;
		break;
	case MSG_SESSION_ENDED:
		session_over(c);
		break;
	case MSG_DISMISS:
		break; /* of a worker that has no connection */
	default:
		conn_step(c, PHASE_ENDS);
		break;
	}
	ipc_in_close(&c->message);
}

void
dialogue_hear(struct conn *c)
{
	struct ipc_channel *channel = dialogue_channel(c);
	int err;

	if (channel == NULL)
		return;
	err = ipc_recv_now(channel, &c->message);
	if (err == ERR_AGAIN)
		return;
	if (err == 0)
		dialogue_obey(c);
	else if (c->phase == PHASE_SESSION)
		session_over(c);
	else
		dialogue_end(c, "\nThe login service has ended.\n");
}

/* --- time
 * ------------------------------------------------------------------------ */

static uint64_t
dialogue_grace(const struct conn *c)
{
	uint64_t ms = (uint64_t)c->options->login_grace * 1000;

	return (worker_deadline_since(
	    c->w, c->login.fd >= 0 ? ms + GRACE_SLACK_MS : ms));
}

/* Options may be agreed on later as well: nothing waits for them but this. */
static uint64_t
dialogue_greeted(const struct conn *c)
{
	uint64_t quiet = c->heard + (uint64_t)QUIET_MS * NS_PER_MS;
	uint64_t last = worker_deadline_since(c->w, GREETING_MS);

	return (quiet < last ? quiet : last);
}

uint64_t
dialogue_due(const struct conn *c)
{
	uint64_t due = dialogue_grace(c), soon = due;

	/* Its time is counted by who answers. */
	if (dialogue_is_asked(c))
		return (c->asked_at + (uint64_t)ASK_MS * NS_PER_MS);
	if (c->phase == PHASE_GREETING)
		soon = dialogue_greeted(c);
	return (soon < due ? soon : due);
}

/* No name in all its time: the monitor tells that, and then it ends. */
static void
dialogue_late(struct conn *c)
{
	if (c->login.fd >= 0) {
		dialogue_end(c, "\nLogin timed out.\n");
		return;
	}
	dialogue_ask(c, true);
}

void
dialogue_tick(struct conn *c, uint64_t now)
{
	if (c->phase == PHASE_GREETING &&
	    (telnet_settled(&c->telnet) || now >= dialogue_greeted(c)))
		dialogue_ask_name(c);
	if (now < dialogue_due(c))
		return;
	if (!dialogue_is_asked(c))
		dialogue_late(c);
	else if (c->asked < ASK_TIMES)
		dialogue_ask(c, c->phase == PHASE_LATE);
	else
		dialogue_end(c, c->phase == PHASE_LATE
				    ? "\nLogin timed out.\n"
				    : "\nThe login service does not answer.\n");
}
