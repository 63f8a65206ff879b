/*
 * PAM's conversation, relayed to the worker. Login process, root. An answer is
 * a secret: it lives in one message and in what PAM is given, and both are
 * wiped. Texts are cleaned of control characters, as a module may repeat what
 * the peer typed.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "monitor/login/login.h"

#define PROMPTS_MAX 32 /* of one try */
#define RESTS_MOST 100 /* for one message */

void
login_poll_failed(int n)
{
	if (n < 0 && errno != EINTR)
		time_rest(LOGIN_REST_MS);
}

/* One message; ERR_AGAIN at the most until the deadline. */
static int
converse_wait(struct login_run *l)
{
	struct pollfd p = {.fd = l->worker.fd, .events = POLLIN};
	uint64_t now = time_boot_ns();
	int n;

	if (now >= l->deadline)
		return (ERR_TIMEOUT);
	n = poll(&p, 1, (int)((l->deadline - now) / 1000000) + 1);
	login_poll_failed(n);
	return (n == 0 ? ERR_AGAIN : ipc_recv_now(&l->worker, &l->in));
}

int
login_receive(struct login_run *l, enum msg_type type)
{
	unsigned rests = 0;
	int err;

	if (l->broken != 0)
		return (l->broken);
	do {
		err = converse_wait(l);
		if (err == ERR_SHORT && rests++ < RESTS_MOST) {
			time_rest(LOGIN_REST_MS);
			err = ERR_AGAIN;
		}
	} while (err == ERR_AGAIN);
	l->short_ = l->short_ || err == ERR_SHORT;
	/* The permits let one type through; this is for the day they do not. */
	if (err == 0 && l->in.type != type)
		err = ERR_STATE;
	l->answered = time_boot_ns();
	l->broken = err;
	return (err);
}

size_t
login_clean_text(uint8_t *dst, size_t size, const char *text)
{
	size_t n = 0;

	for (; *text != '\0' && n < size; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '\r')
			continue;
		if ((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f)
			c = '?';
		dst[n++] = c;
	}
	return (n);
}

static void
converse_send(struct login_run *l, enum msg_type type, const void *msg)
{
	int err;

	if (l->broken != 0)
		return;
	/* A worker that does not read is not waited for. */
	err = ipc_send(&l->worker, type, msg, NULL, 0);
	l->broken = err == ERR_AGAIN ? ERR_SHORT : err;
}

static int
converse_tell(struct login_run *l, const char *text, bool error)
{
	struct msg_login_text m = {.error = error};

	for (size_t left = strlen(text), n; left > 0; left -= n, text += n) {
		char piece[2048];

		n = left < sizeof(piece) - 1 ? left : sizeof(piece) - 1;
		memcpy(piece, text, n);
		piece[n] = '\0';
		m.text.n = (uint16_t)login_clean_text(
		    m.text.b, sizeof(m.text.b), piece);
		converse_send(l, MSG_LOGIN_TEXT, &m);
	}
	m.text.n = 1;
	m.text.b[0] = '\n';
	converse_send(l, MSG_LOGIN_TEXT, &m);
	return (l->broken == 0 ? PAM_SUCCESS : PAM_CONV_ERR);
}

/* The answer, in memory that PAM frees; NULL when there is none. */
static char *
converse_take_answer(struct login_run *l)
{
	const struct msg_login_answer *m = &l->in.msg.login_answer;
	char *answer = NULL;

	l->said = l->said || m->answer.n > 0;

	if (memchr(m->answer.b, '\0', m->answer.n) == NULL) {
		answer = calloc(1, sizeof(m->answer.b) + 1);
		l->short_ = l->short_ || answer == NULL;
	}
	if (answer != NULL)
		memcpy(answer, m->answer.b, m->answer.n);
	return (answer);
}

static int
converse_ask(struct login_run *l, const char *text, bool echo, char **answer)
{
	struct msg_login_prompt m = {.echo = echo};

	if (l->secrets + l->questions >= PROMPTS_MAX)
		return (PAM_CONV_ERR);
	if (echo)
		l->questions++;
	else
		l->secrets++;
	m.text.n = (uint16_t)login_clean_text(m.text.b, sizeof(m.text.b), text);
	converse_send(l, MSG_LOGIN_PROMPT, &m);
	if (login_receive(l, MSG_LOGIN_ANSWER) == 0)
		*answer = converse_take_answer(l);
	ipc_in_wipe(&l->in);
	return (*answer == NULL ? PAM_CONV_ERR : PAM_SUCCESS);
}

static int
converse_one(
    struct login_run *l, const struct pam_message *m, struct pam_response *r)
{
	const char *text = m->msg != NULL ? m->msg : "";

	switch (m->msg_style) {
	case PAM_PROMPT_ECHO_OFF:
		return (converse_ask(l, text, false, &r->resp));
	case PAM_PROMPT_ECHO_ON:
		return (converse_ask(l, text, true, &r->resp));
	case PAM_ERROR_MSG:
		return (converse_tell(l, text, true));
	case PAM_TEXT_INFO:
		return (converse_tell(l, text, false));
	default:
		return (PAM_CONV_ERR);
	}
}

int
login_converse(int n, const struct pam_message **msg,
    struct pam_response **resp, void *arg)
{
	struct login_run *l = arg;
	struct pam_response *r;
	int status = PAM_SUCCESS;

	*resp = NULL;
	if (n <= 0 || n > PAM_MAX_NUM_MSG)
		return (PAM_CONV_ERR);
	r = calloc((size_t)n, sizeof(*r));
	if (r == NULL) {
		l->short_ = true;
		return (PAM_BUF_ERR);
	}
	for (int i = 0; i < n && status == PAM_SUCCESS; i++)
		status = converse_one(l, msg[i], &r[i]);
	if (status == PAM_SUCCESS) {
		*resp = r;
		return (PAM_SUCCESS);
	}
	for (int i = 0; i < n; i++) {
		if (r[i].resp != NULL)
			explicit_bzero(r[i].resp, strlen(r[i].resp));
		free(r[i].resp);
	}
	free(r);
	return (status);
}

enum policy_method
login_method(const struct login_run *l)
{
	if (l->secrets + l->questions == 0)
		return (LOGIN_METHOD_NONE);
	return (l->secrets == 1 && l->questions == 0
		    ? POLICY_METHOD_PASSWORD
		    : POLICY_METHOD_KEYBOARD_INTERACTIVE);
}

void
login_say_over(struct login_run *l, const char *text)
{
	struct msg_login_over m = {.end_ = 0};

	m.text.n = (uint16_t)login_clean_text(m.text.b, sizeof(m.text.b), text);
	/* Of time or memory, not of the channel. */
	if (l->broken == ERR_TIMEOUT || l->broken == ERR_SHORT)
		l->broken = 0;
	converse_send(l, MSG_LOGIN_OVER, &m);
}

void
login_say_again(struct login_run *l, const char *text)
{
	struct msg_login_again m = {.end_ = 0};

	m.text.n = (uint16_t)login_clean_text(m.text.b, sizeof(m.text.b), text);
	converse_send(l, MSG_LOGIN_AGAIN, &m);
}
