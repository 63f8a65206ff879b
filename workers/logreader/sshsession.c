/*
 * The state of one connection's log. In the logreader, sealed. Pure. A failure
 * is held back until the next record, because its reason may follow it.
 */
#include <string.h>

#include "workers/logreader/sshsession.h"

#define STATUS_GRACE_OLD 1
#define STATUS_GRACE 3

static struct sshsession_action *
action_add(struct sshsession_actions *out, enum sshsession_act act,
    const struct sshsession *s)
{
	struct sshsession_action *a;

	/* A record has fewer; one too many would take the last one's place. */
	if (out->n < SSHSESSION_ACTIONS_MAX)
		out->n++;
	a = &out->a[out->n - 1];
	a->act = act;
	a->reason = NULL;
	a->unknown = s->unknown;
	a->tty[0] = '\0';
	memcpy(a->user, s->user, sizeof(a->user));
	memcpy(a->method, s->method, sizeof(a->method));
	a->key = s->key;
	return (a);
}

static void
part_copy(char *dst, size_t size, const struct sshlog_part *part)
{
	size_t n = part->n < size - 1 ? part->n : size - 1;

	if (n > 0)
		memcpy(dst, part->p, n);
	dst[n] = '\0';
}

static bool
method_is_key(const char *method)
{
	return (strcmp(method, "publickey") == 0 ||
		strcmp(method, "hostbased") == 0 ||
		strcmp(method, "gssapi-with-mic") == 0);
}

/* A failure of uid 0 by a forbidden method has that reason, whatever else. */
static bool
root_is_forbidden(const struct sshsession *s, const struct sshsession_config *c)
{
	if (s->root_refused)
		return (true);
	if (c->root_login == SSHSESSION_ROOT_ALLOW || c->is_root == NULL ||
	    !c->is_root(s->user))
		return (false);
	return (
	    c->root_login == SSHSESSION_ROOT_DENY || !method_is_key(s->method));
}

/* The failure that was held back is told now. */
static void
session_fail(struct sshsession *s, const struct sshsession_config *c,
    bool account, struct sshsession_actions *out)
{
	struct sshsession_action *a;

	if (!s->failing)
		return;
	s->failing = false;
	if (!s->told) {
		a = action_add(out, SSHSESSION_FAILURE, s);
		if (root_is_forbidden(s, c))
			a->reason = "root-login";
		else if (account || s->restricted || s->passed)
			a->reason = "account";
		else
			a->reason = "credentials";
	}
	s->told = s->root_refused = s->passed = false;
}

static void
session_timeout(struct sshsession *s, struct sshsession_actions *out)
{
	struct sshsession_action *a;

	a = action_add(out, SSHSESSION_FAILURE, s);
	a->method[0] = '\0';
	memset(&a->key, 0, sizeof(a->key));
	a->reason = "timeout";
}

static void
session_open(struct sshsession *s, const struct sshlog_part *tty,
    struct sshsession_actions *out)
{
	struct sshsession_action *a;

	if (s->opened && (tty == NULL || tty->n == 0))
		return;
	a = action_add(out, s->opened ? SSHSESSION_TTY : SSHSESSION_OPENED, s);
	if (tty != NULL)
		part_copy(a->tty, sizeof(a->tty), tty);
	s->opened = true;
}

static void
session_key(struct sshsession *s, const struct sshlog *log)
{
	struct sshsession_key *k = &s->key;

	part_copy(k->fingerprint, sizeof(k->fingerprint), &log->key);
	part_copy(
	    k->certificate_id, sizeof(k->certificate_id), &log->certificate_id);
	k->certificate = log->certificate;
	k->certificate_serial = log->certificate_serial;
}

/*
 * sshd does not look at the keys of a user who is unknown or may not log in
 * anyway, and its privileged half writes nothing of them.
 */
static void
session_key_unseen(struct sshsession *s, const struct sshsession_config *c,
    const struct sshlog *log, struct sshsession_actions *out)
{
	if (s->accepted || s->unseen++ >= SSHSESSION_UNSEEN_MAX)
		return;
	memcpy(s->method, "publickey", sizeof("publickey"));
	session_key(s, log);
	s->failing = true;
	session_fail(s, c, false, out);
}

static void
session_attempt(struct sshsession *s, const struct sshlog *log, uint64_t now,
    struct sshsession_actions *out)
{
	part_copy(s->method, sizeof(s->method), &log->method);
	part_copy(s->user, sizeof(s->user), &log->user);
	session_key(s, log);
	/* Of one who was unknown, nobody here has read so. */
	if (s->late && log->invalid && !s->restricted)
		s->unknown = true;
	if (log->kind == SSHLOG_FAILED) {
		/* "none" asks what else there is; it is no attempt. */
		s->failing = strcmp(s->method, "none") != 0;
		s->failed_at = now;
		return;
	}
	s->accepted = true;
	s->told = s->passed = false;
	s->accepted_at = now;
	action_add(out, SSHSESSION_SUCCESS, s);
}

/* What the privileged half passes on for the other. */
static void
session_preauth(struct sshsession *s, const struct sshsession_config *c,
    const struct sshlog *log, struct sshsession_actions *out)
{
	if (log->kind == SSHLOG_ACCOUNT) {
		session_fail(s, c, true, out);
		return;
	}
	if (log->kind == SSHLOG_KEY_UNSEEN)
		session_key_unseen(s, c, log, out);
	if (log->kind != SSHLOG_PACKET)
		return;
	s->packets++;
	if (c->packets != 0 && s->packets > c->packets && !s->flooded) {
		s->flooded = true;
		action_add(out, SSHSESSION_FLOOD, s);
	}
}

static void
session_leader(struct sshsession *s, const struct sshsession_config *c,
    const struct sshlog *log, uint64_t now, struct sshsession_actions *out)
{
	switch (log->kind) {
	case SSHLOG_CONNECTION:
		s->connected = true;
		break;
	case SSHLOG_ACCEPTED:
	case SSHLOG_FAILED:
		if (!s->accepted)
			session_attempt(s, log, now, out);
		break;
	case SSHLOG_ROOT:
		s->root_refused = true;
		break;
	case SSHLOG_RESTRICTED:
		s->restricted = true;
		part_copy(s->user, sizeof(s->user), &log->user);
		break;
	case SSHLOG_UNKNOWN:
		s->unknown = true;
		part_copy(s->user, sizeof(s->user), &log->user);
		break;
	case SSHLOG_PAM:
		s->passed = true;
		break;
	case SSHLOG_ACCOUNT:
		session_fail(s, c, true, out);
		break;
	case SSHLOG_TOLD:
		s->told = true;
		break;
	case SSHLOG_CHILD:
		s->child = log->pid;
		break;
	case SSHLOG_STARTING:
		if (s->accepted)
			session_open(s, &log->tty, out);
		break;
	case SSHLOG_TIMEOUT:
		if (!s->accepted)
			session_timeout(s, out);
		s->connected = false; /* not once more at its end */
		break;
	case SSHLOG_OTHER:
		if (!s->connected)
			action_add(out, SSHSESSION_TROUBLE, s);
		break;
	default:
		break;
	}
}

void
sshsession_record(struct sshsession *s, const struct sshsession_config *c,
    const struct sshsession_writer *w, const char *record, size_t n,
    uint64_t now, struct sshsession_actions *out)
{
	struct sshlog log;

	out->n = 0;
	if (s->over)
		return;
	sshlog_parse(record, n, &log);
	if (w->leader && w->uid == c->privileged) {
		if (log.kind != SSHLOG_ACCOUNT && log.kind != SSHLOG_DEBUG)
			session_fail(s, c, false, out);
		if (log.kind == SSHLOG_PASSED)
			s->passed = true;
		else if (log.preauth)
			session_preauth(s, c, &log, out);
		else
			session_leader(s, c, &log, now, out);
	} else if (w->uid == c->privileged && log.kind == SSHLOG_PASSED) {
		session_fail(s, c, false, out);
		s->passed = true;
	} else if (s->accepted && w->pid == s->child &&
		   log.kind == SSHLOG_STARTING && !log.preauth) {
		session_open(s, &log.tty, out);
	}
}

void
sshsession_tick(struct sshsession *s, const struct sshsession_config *c,
    int status, uint64_t now, struct sshsession_actions *out)
{
	out->n = 0;
	if (status >= 0 || now - s->failed_at >= SSHSESSION_REASON_WITHIN)
		session_fail(s, c, false, out);
	if (s->accepted && !s->opened &&
	    (status >= 0 || now - s->accepted_at >= SSHSESSION_OPEN_AFTER))
		session_open(s, NULL, out);
	if ((status == STATUS_GRACE_OLD || status == STATUS_GRACE) &&
	    s->connected && !s->accepted)
		session_timeout(s, out);
	s->over = status >= 0;
}

bool
sshsession_waits(const struct sshsession *s)
{
	return (s->session != 0 && !s->over &&
		(s->failing || (s->accepted && !s->opened)));
}
