/*
 * Who reloads a configuration that names sources may be locking itself out. The
 * caller's own session is the one that has its terminal; without one, sshd's
 * variable says where it came from. The portreeve command, as the calling user;
 * the daemon's answers are escaped where they are shown.
 */
#include "cli/lockout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/print.h"
#include "lib/addr.h"

#define LOCKOUT_SECONDS 10

/* The caller's session, and what `explain` says of its source. */
struct lockout {
	const char *tty; /* without /dev/; NULL: none */
	struct msg_explain ask;
	bool known, refused;
};

static void
lockout_session(const struct ipc_in *in, void *arg)
{
	const struct msg_row_session *m = &in->msg.row_session;
	struct lockout *l = arg;

	if (in->type != MSG_ROW_SESSION || l->tty == NULL ||
	    strcmp(m->tty, l->tty) != 0)
		return;
	l->ask.address = m->source;
	l->ask.address.port = 0;
	snprintf(l->ask.service, sizeof(l->ask.service), "%s", m->service);
	l->known = true;
}

/* "ADDRESS PORT ADDRESS PORT", as sshd sets it. */
static void
lockout_from_sshd(struct lockout *l)
{
	const char *value = getenv("SSH_CONNECTION");
	char text[ADDR_TEXT_MAX];
	size_t n = value != NULL ? strcspn(value, " ") : 0;

	if (n == 0 || n >= sizeof(text))
		return;
	memcpy(text, value, n);
	text[n] = '\0';
	l->known = addr_parse(&l->ask.address, text, 0) == 0;
	snprintf(l->ask.service, sizeof(l->ask.service), "ssh");
}

static void
lockout_rule(const struct ipc_in *in, void *arg)
{
	const struct msg_row_rule *m = &in->msg.row_rule;
	struct lockout *l = arg;

	if (in->type == MSG_ROW_RULE && strcmp(m->rule, "access") == 0)
		l->refused = m->refuses;
}

void
lockout_warn(const char *dir)
{
	struct msg_show_sessions sessions = {0};
	struct lockout l = {.tty = ttyname(STDIN_FILENO)};
	char text[ADDR_TEXT_MAX];

	if (l.tty != NULL && strncmp(l.tty, "/dev/", 5) == 0)
		l.tty += 5;
	if (l.tty != NULL && client_ask(dir, MSG_SHOW_SESSIONS, &sessions,
				 LOCKOUT_SECONDS, lockout_session, &l) != 0)
		return;
	if (!l.known)
		lockout_from_sshd(&l);
	if (!l.known || client_ask(dir, MSG_EXPLAIN, &l.ask, LOCKOUT_SECONDS,
			    lockout_rule, &l) != 0)
		return;
	if (l.refused)
		printf("warning: %s refuses %s from now on, from which you are "
		       "logged in: allow-source or deny-source does\n",
		    l.ask.service, addr_text(&l.ask.address, text));
}
