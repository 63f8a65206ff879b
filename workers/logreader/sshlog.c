/*
 * The parser of sshd's log records: OpenSSH 8.x to 10.x, which agree on what
 * is read here. In the logreader, sealed; every byte is distrusted. Pure.
 */
#include <string.h>

#include "workers/logreader/sshlog.h"

#define LITERAL(s) (s), sizeof(s) - 1

/* Take a prefix off; the rest stays. */
static bool
part_skip(struct sshlog_part *s, const char *prefix, size_t n)
{
	if (s->n < n || memcmp(s->p, prefix, n) != 0)
		return (false);
	s->p += n;
	s->n -= n;
	return (true);
}

static bool
part_drop_end(struct sshlog_part *s, const char *end, size_t n)
{
	if (s->n < n || memcmp(s->p + s->n - n, end, n) != 0)
		return (false);
	s->n -= n;
	return (true);
}

/* Up to the next separator, which is taken off too. */
static bool
part_word(
    struct sshlog_part *s, struct sshlog_part *word, const char *sep, size_t n)
{
	const char *at = s->n == 0 ? NULL : memmem(s->p, s->n, sep, n);

	if (at == NULL)
		return (false);
	word->p = s->p;
	word->n = (size_t)(at - s->p);
	s->n -= word->n + n;
	s->p = at + n;
	return (true);
}

static bool
part_digits(struct sshlog_part *s, int32_t *value)
{
	size_t i = 0;

	*value = 0;
	while (i < s->n && i < 9 && s->p[i] >= '0' && s->p[i] <= '9')
		*value = *value * 10 + (s->p[i++] - '0');
	s->p += i;
	s->n -= i;
	return (i > 0);
}

/* "ADDR port N ssh2", then the end or ": KEY". */
static bool
tail_is_peer(struct sshlog_part s)
{
	struct sshlog_part address;
	int32_t port;

	if (!part_word(&s, &address, LITERAL(" port ")))
		return (false);
	if (address.n == 0 || memchr(address.p, ' ', address.n) != NULL)
		return (false);
	return (part_digits(&s, &port) && part_skip(&s, LITERAL(" ssh2")) &&
		(s.n == 0 || s.p[0] == ':'));
}

/*
 * "USER from ADDR port N ssh2…". A name may itself hold such a tail, so the
 * last one counts; but behind a public key stand words of its certificate, so
 * there the first.
 */
static bool
parse_user(struct sshlog_part s, bool key, struct sshlog_part *user)
{
	struct sshlog_part rest = s, skipped;
	bool found = false;

	while (
	    (!found || !key) && part_word(&rest, &skipped, LITERAL(" from "))) {
		if (!tail_is_peer(rest))
			continue;
		user->p = s.p;
		user->n = (size_t)(rest.p - s.p) - (sizeof(" from ") - 1);
		found = true;
	}
	return (found);
}

/* "METHOD[/submethod] for [invalid user ]USER from …" */
static void
parse_attempt(struct sshlog_part s, enum sshlog_kind kind, struct sshlog *out)
{
	struct sshlog_part method, slash;
	bool key;

	if (!part_word(&s, &method, LITERAL(" for ")))
		return;
	if (method.n == 0 || memchr(method.p, ' ', method.n) != NULL)
		return;
	slash = method;
	part_word(&slash, &method, LITERAL("/"));
	key = method.n == 9 && memcmp(method.p, "publickey", 9) == 0;
	if (kind == SSHLOG_FAILED)
		part_skip(&s, LITERAL("invalid user "));
	if (!parse_user(s, key, &out->user))
		return;
	out->method = method;
	out->kind = kind;
}

static bool
part_is_tty(struct sshlog_part s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && s.p[i] != '/' &&
		    !(s.p[i] >= '0' && s.p[i] <= '9'))
			return (false);
	}
	return (s.n > 0 && s.n < 32);
}

/*
 * "WHAT[ on TTY] for USER from …", where WHAT is a word, or ends in a quoted
 * command or subsystem.
 */
static void
parse_starting(struct sshlog_part s, struct sshlog *out)
{
	struct sshlog_part tty, quoted;

	out->kind = SSHLOG_STARTING;
	if (!part_skip(&s, LITERAL("shell")) &&
	    !part_skip(&s, LITERAL("command"))) {
		while (part_word(&s, &quoted, LITERAL("'")))
			continue;
	}
	if (part_skip(&s, LITERAL(" on ")) &&
	    part_word(&s, &tty, LITERAL(" for ")) && part_is_tty(tty))
		out->tty = tty;
}

static bool
parse_packet(struct sshlog_part s)
{
	return (part_skip(&s, LITERAL("debug3: packet.c:")) &&
		memmem(s.p, s.n, LITERAL("receive packet: type ")) != NULL);
}

static void
parse_child(struct sshlog_part s, struct sshlog *out)
{
	if (part_digits(&s, &out->pid) && s.n == 0 && out->pid > 0)
		out->kind = SSHLOG_CHILD;
}

static void
parse_restricted(struct sshlog_part s, struct sshlog *out)
{
	if (s.n > 0 &&
	    memmem(s.p, s.n, LITERAL(" not allowed because ")) != NULL)
		out->kind = SSHLOG_RESTRICTED;
}

static void
parse_denied(struct sshlog_part s, struct sshlog *out)
{
	if (!part_drop_end(&s, LITERAL(" by PAM account configuration")))
		return;
	out->user = s;
	out->kind = SSHLOG_ACCOUNT;
}

void
sshlog_parse(const char *record, size_t n, struct sshlog *out)
{
	struct sshlog_part s = {.p = record, .n = n};

	memset(out, 0, sizeof(*out));
	while (s.n > 0 && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
		s.n--;
	out->preauth = part_drop_end(&s, LITERAL(" [preauth]"));
	if (s.n == 0)
		return;
	switch (s.p[0]) {
	case 'A':
		if (part_skip(&s, LITERAL("Accepted ")))
			parse_attempt(s, SSHLOG_ACCEPTED, out);
		else if (part_skip(&s, LITERAL("Access denied for user ")))
			parse_denied(s, out);
		break;
	case 'C':
		if (part_skip(&s, LITERAL("Connection from ")))
			out->kind = SSHLOG_CONNECTION;
		break;
	case 'F':
		if (part_skip(&s, LITERAL("Failed ")))
			parse_attempt(s, SSHLOG_FAILED, out);
		break;
	case 'R':
		if (part_skip(&s, LITERAL("ROOT LOGIN REFUSED FROM ")))
			out->kind = SSHLOG_ROOT;
		break;
	case 'S':
		if (part_skip(&s, LITERAL("Starting session: ")))
			parse_starting(s, out);
		break;
	case 'T':
		if (part_skip(&s, LITERAL("Timeout before authentication")))
			out->kind = SSHLOG_TIMEOUT;
		break;
	case 'U':
		if (part_skip(&s, LITERAL("User child is on pid ")))
			parse_child(s, out);
		else if (part_skip(&s, LITERAL("User ")))
			parse_restricted(s, out);
		break;
	case 'd':
		if (out->preauth && parse_packet(s))
			out->kind = SSHLOG_PACKET;
		break;
	case 'p':
		if (part_skip(&s, LITERAL("pam_portreeve: refused ")))
			out->kind = SSHLOG_TOLD;
		break;
	default:
		break;
	}
}

const char *
sshlog_kind_name(enum sshlog_kind kind)
{
	static const char *const names[SSHLOG_KINDS] = {
	    [SSHLOG_OTHER] = "OTHER",
	    [SSHLOG_CONNECTION] = "CONNECTION",
	    [SSHLOG_PACKET] = "PACKET",
	    [SSHLOG_ACCEPTED] = "ACCEPTED",
	    [SSHLOG_FAILED] = "FAILED",
	    [SSHLOG_ROOT] = "ROOT",
	    [SSHLOG_ACCOUNT] = "ACCOUNT",
	    [SSHLOG_RESTRICTED] = "RESTRICTED",
	    [SSHLOG_TOLD] = "TOLD",
	    [SSHLOG_CHILD] = "CHILD",
	    [SSHLOG_STARTING] = "STARTING",
	    [SSHLOG_TIMEOUT] = "TIMEOUT",
	};

	return ((unsigned)kind < SSHLOG_KINDS ? names[kind] : "?");
}
