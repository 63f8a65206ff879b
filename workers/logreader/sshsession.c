/*
 * The state of one connection's log. In the logreader, sealed. Pure. A failure
 * is held back until the next record, because its reason may follow it.
 */
#include <string.h>

#include "workers/logreader/sshsession.h"

#define STATUS_GRACE_OLD 1
#define STATUS_GRACE 3

/* State and event: the next state. What has none here changes nothing. */
static const uint8_t sshsession_next[SSHSESSION_STATES][SSHSESSION_EVENTS] = {
    [SSHSESSION_NEW] = {[SSHSESSION_CONNECTS] = SSHSESSION_CONNECTED,
	[SSHSESSION_TIMES_OUT] = SSHSESSION_TIMED_OUT,
	[SSHSESSION_ACCEPTS] = SSHSESSION_ACCEPTED,
	[SSHSESSION_ENDS] = SSHSESSION_OVER},
    [SSHSESSION_CONNECTED] = {[SSHSESSION_TIMES_OUT] = SSHSESSION_TIMED_OUT,
	[SSHSESSION_ACCEPTS] = SSHSESSION_ACCEPTED,
	[SSHSESSION_ENDS] = SSHSESSION_OVER},
    [SSHSESSION_TIMED_OUT] = {[SSHSESSION_CONNECTS] = SSHSESSION_CONNECTED,
	[SSHSESSION_ACCEPTS] = SSHSESSION_ACCEPTED,
	[SSHSESSION_ENDS] = SSHSESSION_OVER},
    [SSHSESSION_ACCEPTED] = {[SSHSESSION_OPENS] = SSHSESSION_OPEN,
	[SSHSESSION_ENDS] = SSHSESSION_CLOSED},
    [SSHSESSION_OPEN] = {[SSHSESSION_ENDS] = SSHSESSION_CLOSED},
};

/* Nothing is logged: each of them has an event. */
static void
sshsession_step(struct sshsession *s, enum sshsession_event event)
{
	uint8_t next = sshsession_next[s->state][event];

	/* Nothing leads back to the first. */
	if (next != SSHSESSION_NEW)
		s->state = (enum sshsession_state)next;
}

void
sshsession_resume(struct sshsession *s)
{
	s->late = true;
	sshsession_step(s, SSHSESSION_CONNECTS);
}

bool
sshsession_is_accepted(const struct sshsession *s)
{
	return (s->state == SSHSESSION_ACCEPTED ||
		s->state == SSHSESSION_OPEN || s->state == SSHSESSION_CLOSED);
}

static bool
sshsession_is_over(const struct sshsession *s)
{
	return (s->state >= SSHSESSION_OVER);
}

static struct sshsession_action *
sshsession_action_add(struct sshsession_actions *out, enum sshsession_act act,
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
sshsession_part_copy(char *dst, size_t size, const struct sshlog_part *part)
{
	size_t n = part->n < size - 1 ? part->n : size - 1;

	if (n > 0)
		memcpy(dst, part->p, n);
	dst[n] = '\0';
}

static bool
sshsession_method_is_key(const char *method)
{
	return (strcmp(method, "publickey") == 0 ||
		strcmp(method, "hostbased") == 0 ||
		strcmp(method, "gssapi-with-mic") == 0);
}

/* A failure of uid 0 by a forbidden method has that reason, whatever else. */
static bool
sshsession_root_is_forbidden(
    const struct sshsession *s, const struct sshsession_config *c)
{
	if (c->root_login == SSHSESSION_ROOT_ALLOW || c->is_root == NULL ||
	    !c->is_root(s->user))
		return (false);
	return (c->root_login == SSHSESSION_ROOT_DENY ||
		!sshsession_method_is_key(s->method));
}

/* Something is known of the failure to come. */
static void
sshsession_learn(struct sshsession *s, enum sshsession_why why)
{
	if (why > s->why)
		s->why = why;
}

/* The failure that was held back is reported now. */
static void
sshsession_fail(struct sshsession *s, const struct sshsession_config *c,
    bool account, struct sshsession_actions *out)
{
	static const char *const reasons[] = {
	    "credentials", "account", "root-login"};

	if (!s->failing)
		return;
	if (account || s->restricted)
		sshsession_learn(s, SSHSESSION_WHY_ACCOUNT);
	if (sshsession_root_is_forbidden(s, c))
		sshsession_learn(s, SSHSESSION_WHY_ROOT_LOGIN);
	if (s->why != SSHSESSION_WHY_REPORTED)
		sshsession_action_add(out, SSHSESSION_FAILURE, s)->reason =
		    reasons[s->why];
	s->failing = false;
	s->why = SSHSESSION_WHY_CREDENTIALS;
}

static void
sshsession_timeout(struct sshsession *s, struct sshsession_actions *out)
{
	struct sshsession_action *a;

	a = sshsession_action_add(out, SSHSESSION_FAILURE, s);
	a->method[0] = '\0';
	memset(&a->key, 0, sizeof(a->key));
	a->reason = "timeout";
}

static void
sshsession_open(struct sshsession *s, const struct sshlog_part *tty,
    struct sshsession_actions *out)
{
	bool again = s->state == SSHSESSION_OPEN;
	struct sshsession_action *a;

	if (again && (tty == NULL || tty->n == 0))
		return;
	a = sshsession_action_add(
	    out, again ? SSHSESSION_TTY : SSHSESSION_OPENED, s);
	if (tty != NULL)
		sshsession_part_copy(a->tty, sizeof(a->tty), tty);
	sshsession_step(s, SSHSESSION_OPENS);
}

static void
sshsession_take_key(struct sshsession *s, const struct sshlog *log)
{
	struct sshsession_key *k = &s->key;

	sshsession_part_copy(k->fingerprint, sizeof(k->fingerprint), &log->key);
	sshsession_part_copy(
	    k->certificate_id, sizeof(k->certificate_id), &log->certificate_id);
	k->certificate = log->certificate;
	k->certificate_serial = log->certificate_serial;
}

/*
 * sshd does not look at the keys of a user who is unknown or may not log in
 * anyway, and its privileged half writes nothing of them.
 */
static void
sshsession_take_unseen_key(struct sshsession *s,
    const struct sshsession_config *c, const struct sshlog *log,
    struct sshsession_actions *out)
{
	if (sshsession_is_accepted(s) || s->unseen++ >= SSHSESSION_UNSEEN_MAX)
		return;
	memcpy(s->method, "publickey", sizeof("publickey"));
	sshsession_take_key(s, log);
	s->failing = true;
	sshsession_fail(s, c, false, out);
}

static void
sshsession_attempt(struct sshsession *s, const struct sshlog *log, uint64_t now,
    struct sshsession_actions *out)
{
	sshsession_part_copy(s->method, sizeof(s->method), &log->method);
	sshsession_part_copy(s->user, sizeof(s->user), &log->user);
	sshsession_take_key(s, log);
	/* Of one who was unknown, nobody here has read so. */
	if (s->late && log->invalid && !s->restricted)
		s->unknown = true;
	if (log->kind == SSHLOG_FAILED) {
		/* "none" asks what else there is; it is no attempt. */
		s->failing = strcmp(s->method, "none") != 0;
		s->failed_at = now;
		return;
	}
	sshsession_step(s, SSHSESSION_ACCEPTS);
	s->why = SSHSESSION_WHY_CREDENTIALS;
	s->accepted_at = now;
	sshsession_action_add(out, SSHSESSION_SUCCESS, s);
}

/* What the privileged half passes on for the other. */
static void
sshsession_preauth(struct sshsession *s, const struct sshsession_config *c,
    const struct sshlog *log, struct sshsession_actions *out)
{
	if (log->kind == SSHLOG_ACCOUNT) {
		sshsession_fail(s, c, true, out);
		return;
	}
	if (log->kind == SSHLOG_KEY_UNSEEN)
		sshsession_take_unseen_key(s, c, log, out);
	/* Counted up to the first that is too many: that is a flood, once. */
	if (log->kind != SSHLOG_PACKET || c->packets == 0 ||
	    s->packets > c->packets)
		return;
	if (++s->packets > c->packets)
		sshsession_action_add(out, SSHSESSION_FLOOD, s);
}

static void
sshsession_leader(struct sshsession *s, const struct sshsession_config *c,
    const struct sshlog *log, uint64_t now, struct sshsession_actions *out)
{
	switch (log->kind) {
	case SSHLOG_CONNECTION:
		sshsession_step(s, SSHSESSION_CONNECTS);
		break;
	case SSHLOG_ACCEPTED:
	case SSHLOG_FAILED:
		if (!sshsession_is_accepted(s))
			sshsession_attempt(s, log, now, out);
		break;
	case SSHLOG_ROOT:
		sshsession_learn(s, SSHSESSION_WHY_ROOT_LOGIN);
		break;
	case SSHLOG_RESTRICTED:
		s->restricted = true;
		sshsession_part_copy(s->user, sizeof(s->user), &log->user);
		break;
	case SSHLOG_UNKNOWN:
		s->unknown = true;
		sshsession_part_copy(s->user, sizeof(s->user), &log->user);
		break;
	case SSHLOG_PAM:
		sshsession_learn(s, SSHSESSION_WHY_ACCOUNT);
		break;
	case SSHLOG_ACCOUNT:
		sshsession_fail(s, c, true, out);
		break;
	case SSHLOG_TOLD:
		sshsession_learn(s, SSHSESSION_WHY_REPORTED);
		break;
	case SSHLOG_CHILD:
		s->child = log->pid;
		break;
	case SSHLOG_STARTING:
		if (sshsession_is_accepted(s))
			sshsession_open(s, &log->tty, out);
		break;
	case SSHLOG_TIMEOUT:
		if (!sshsession_is_accepted(s))
			sshsession_timeout(s, out);
		sshsession_step(s, SSHSESSION_TIMES_OUT);
		break;
	case SSHLOG_OTHER:
		if (s->state < SSHSESSION_ACCEPTED &&
		    s->state != SSHSESSION_CONNECTED)
			sshsession_action_add(out, SSHSESSION_TROUBLE, s);
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
	if (sshsession_is_over(s))
		return;
	sshlog_parse(record, n, &log);
	if (w->leader && w->uid == c->privileged) {
		if (log.kind != SSHLOG_ACCOUNT && log.kind != SSHLOG_DEBUG)
			sshsession_fail(s, c, false, out);
		if (log.kind == SSHLOG_PASSED)
			sshsession_learn(s, SSHSESSION_WHY_ACCOUNT);
		else if (log.preauth)
			sshsession_preauth(s, c, &log, out);
		else
			sshsession_leader(s, c, &log, now, out);
	} else if (w->uid == c->privileged && log.kind == SSHLOG_PASSED) {
		sshsession_fail(s, c, false, out);
		sshsession_learn(s, SSHSESSION_WHY_ACCOUNT);
	} else if (sshsession_is_accepted(s) && w->pid == s->child &&
		   log.kind == SSHLOG_STARTING && !log.preauth) {
		sshsession_open(s, &log.tty, out);
	}
}

void
sshsession_tick(struct sshsession *s, const struct sshsession_config *c,
    int status, uint64_t now, struct sshsession_actions *out)
{
	out->n = 0;
	if (status >= 0 || now - s->failed_at >= SSHSESSION_REASON_WITHIN)
		sshsession_fail(s, c, false, out);
	if (s->state == SSHSESSION_ACCEPTED &&
	    (status >= 0 || now - s->accepted_at >= SSHSESSION_OPEN_AFTER))
		sshsession_open(s, NULL, out);
	if ((status == STATUS_GRACE_OLD || status == STATUS_GRACE) &&
	    s->state == SSHSESSION_CONNECTED)
		sshsession_timeout(s, out);
	if (status >= 0)
		sshsession_step(s, SSHSESSION_ENDS);
}

bool
sshsession_waits(const struct sshsession *s)
{
	return (s->session != 0 && !sshsession_is_over(s) &&
		(s->failing || s->state == SSHSESSION_ACCEPTED));
}
