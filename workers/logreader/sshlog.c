/*
 * The parser of sshd's log records: OpenSSH 8.x to 10.x, which agree on what
 * is read here. In the logreader, sealed; every byte is distrusted. Pure.
 */
#include <string.h>

#include "workers/logreader/sshlog.h"

#define LITERAL(s) (s), sizeof(s) - 1

/* Take a prefix off; the rest stays. */
static bool
sshlog_part_skip(struct sshlog_part *s, const char *prefix, size_t n)
{
	if (s->n < n || memcmp(s->p, prefix, n) != 0)
		return (false);
	s->p += n;
	s->n -= n;
	return (true);
}

static bool
sshlog_part_drop_end(struct sshlog_part *s, const char *end, size_t n)
{
	if (s->n < n || memcmp(s->p + s->n - n, end, n) != 0)
		return (false);
	s->n -= n;
	return (true);
}

/* Up to the next separator, which is taken off too. */
static bool
sshlog_part_word(
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
sshlog_part_digits(struct sshlog_part *s, int32_t *value)
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
sshlog_tail_is_peer(struct sshlog_part s)
{
	struct sshlog_part address;
	int32_t port;

	if (!sshlog_part_word(&s, &address, LITERAL(" port ")))
		return (false);
	if (address.n == 0 || memchr(address.p, ' ', address.n) != NULL)
		return (false);
	return (sshlog_part_digits(&s, &port) &&
		sshlog_part_skip(&s, LITERAL(" ssh2")) &&
		(s.n == 0 || s.p[0] == ':'));
}

/*
 * "USER from ADDR port N ssh2…". A name may itself hold such a tail, so the
 * last one counts; but behind a public key stand words of its certificate, so
 * there the first.
 */
static bool
sshlog_parse_user(struct sshlog_part s, bool key, struct sshlog_part *user,
    struct sshlog_part *tail)
{
	struct sshlog_part rest = s, skipped;
	bool found = false;

	while ((!found || !key) &&
	       sshlog_part_word(&rest, &skipped, LITERAL(" from "))) {
		if (!sshlog_tail_is_peer(rest))
			continue;
		user->p = s.p;
		user->n = (size_t)(rest.p - s.p) - (sizeof(" from ") - 1);
		*tail = rest;
		found = true;
	}
	return (found);
}

static bool
sshlog_part_is_fingerprint(struct sshlog_part s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') &&
		    !(s.p[i] >= 'A' && s.p[i] <= 'Z') &&
		    !(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != ':' &&
		    s.p[i] != '+' && s.p[i] != '/' && s.p[i] != '=')
			return (false);
	}
	return (s.n > 0 && s.n < 128 && memchr(s.p, ':', s.n) != NULL);
}

static uint64_t
sshlog_part_number(struct sshlog_part s)
{
	uint64_t n = 0;

	for (; s.n > 0 && s.p[0] >= '0' && s.p[0] <= '9'; s.p++, s.n--)
		n = n * 10 + (uint64_t)(s.p[0] - '0');
	return (n);
}

/*
 * "ID WORDS (serial N) CA TYPE FINGERPRINT": the words are whatever who signed
 * the certificate wrote, so the last serial counts.
 */
static void
sshlog_parse_certificate(struct sshlog_part s, struct sshlog *out)
{
	struct sshlog_part rest = s, skipped;

	while (sshlog_part_word(&rest, &skipped, LITERAL(" (serial "))) {
		out->certificate = true;
		out->certificate_id.p = s.p;
		out->certificate_id.n =
		    (size_t)(rest.p - s.p) - (sizeof(" (serial ") - 1);
		out->certificate_serial = sshlog_part_number(rest);
	}
}

/* "ADDR port N ssh2: TYPE FINGERPRINT[ ID …]" */
static void
sshlog_parse_key(struct sshlog_part s, struct sshlog *out)
{
	struct sshlog_part word, key;

	if (!sshlog_part_word(&s, &word, LITERAL(" ssh2: ")) ||
	    !sshlog_part_word(&s, &word, LITERAL(" ")))
		return;
	if (!sshlog_part_word(&s, &key, LITERAL(" "))) {
		key = s;
		s.n = 0;
	}
	if (!sshlog_part_is_fingerprint(key))
		return;
	out->key = key;
	if (sshlog_part_skip(&s, LITERAL("ID ")))
		sshlog_parse_certificate(s, out);
}

/* "METHOD[/submethod] for [invalid user ]USER from …" */
static void
sshlog_parse_attempt(
    struct sshlog_part s, enum sshlog_kind kind, struct sshlog *out)
{
	struct sshlog_part method, slash, tail = {0};
	bool key;

	if (!sshlog_part_word(&s, &method, LITERAL(" for ")))
		return;
	if (method.n == 0 || memchr(method.p, ' ', method.n) != NULL)
		return;
	slash = method;
	sshlog_part_word(&slash, &method, LITERAL("/"));
	key = method.n == 9 && memcmp(method.p, "publickey", 9) == 0;
	if (kind == SSHLOG_FAILED)
		out->invalid = sshlog_part_skip(&s, LITERAL("invalid user "));
	if (!sshlog_parse_user(s, key, &out->user, &tail))
		return;
	if (key)
		sshlog_parse_key(tail, out);
	out->method = method;
	out->kind = kind;
}

static bool
sshlog_part_is_tty(struct sshlog_part s)
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
sshlog_parse_starting(struct sshlog_part s, struct sshlog *out)
{
	struct sshlog_part tty, quoted;

	out->kind = SSHLOG_STARTING;
	if (!sshlog_part_skip(&s, LITERAL("shell")) &&
	    !sshlog_part_skip(&s, LITERAL("command"))) {
		while (sshlog_part_word(&s, &quoted, LITERAL("'")))
			continue;
	}
	if (sshlog_part_skip(&s, LITERAL(" on ")) &&
	    sshlog_part_word(&s, &tty, LITERAL(" for ")) &&
	    sshlog_part_is_tty(tty))
		out->tty = tty;
}

static bool
sshlog_parse_packet(struct sshlog_part s)
{
	return (sshlog_part_skip(&s, LITERAL("debug3: packet.c:")) &&
		memmem(s.p, s.n, LITERAL("receive packet: type ")) != NULL);
}

static void
sshlog_parse_child(struct sshlog_part s, struct sshlog *out)
{
	if (sshlog_part_digits(&s, &out->pid) && s.n == 0 && out->pid > 0)
		out->kind = SSHLOG_CHILD;
}

/* "USER [from HOST ]not allowed because …", of a user that there is. */
static void
sshlog_parse_restricted(struct sshlog_part s, struct sshlog *out)
{
	struct sshlog_part user, from;

	if (!sshlog_part_word(&s, &user, LITERAL(" not allowed because ")))
		return;
	out->kind = SSHLOG_RESTRICTED;
	out->user = user;
	if (sshlog_part_word(&user, &from, LITERAL(" from ")))
		out->user = from;
}

/* "USER from ADDR port N": a name may hold such a tail, so the last counts. */
static void
sshlog_parse_unknown(struct sshlog_part s, struct sshlog *out)
{
	struct sshlog_part rest = s, skipped;

	while (sshlog_part_word(&rest, &skipped, LITERAL(" from "))) {
		out->kind = SSHLOG_UNKNOWN;
		out->user.p = s.p;
		out->user.n = (size_t)(rest.p - s.p) - (sizeof(" from ") - 1);
	}
}

/*
 * pam_strerror()'s texts of the account phase, which keyboard-interactive asks
 * for before it says that it failed.
 */
static void
sshlog_parse_pam(struct sshlog_part s, struct sshlog *out)
{
	out->kind = SSHLOG_ROUTINE;
	if (sshlog_part_skip(&s, LITERAL("User account has expired for ")) ||
	    sshlog_part_skip(&s, LITERAL("Permission denied for ")) ||
	    sshlog_part_skip(&s, LITERAL("Authentication token expired for ")))
		out->kind = SSHLOG_PAM;
	else if (!sshlog_part_skip(
		     &s, LITERAL("Authentication failure for ")) &&
		 !sshlog_part_skip(
		     &s, LITERAL("User not known to the underlying ")))
		out->kind = SSHLOG_OTHER;
}

/* The one line of auth2-pubkey.c that is of use. */
static void
sshlog_parse_debug(struct sshlog_part s, struct sshlog *out)
{
	static const char at[] = "debug2: auth2-pubkey.c:userauth_pubkey():";

	out->kind = SSHLOG_DEBUG;
	if (out->preauth && sshlog_parse_packet(s))
		out->kind = SSHLOG_PACKET;
	else if (out->preauth && sshlog_part_skip(&s, at, sizeof(at) - 1) &&
		 memmem(s.p, s.n,
		     LITERAL("disabled because of invalid user")) != NULL)
		out->kind = SSHLOG_KEY_UNSEEN;
}

/* "ADDR port N:CODE: TEXT"; 11 is the peer's own wish. */
static bool
sshlog_part_is_farewell(struct sshlog_part s)
{
	struct sshlog_part address;
	int32_t port;

	return (sshlog_part_word(&s, &address, LITERAL(" port ")) &&
		sshlog_part_digits(&s, &port) &&
		sshlog_part_skip(&s, LITERAL(":11:")));
}

/* What a connection's usual way writes, and other events carry. */
static bool
sshlog_part_is_routine(struct sshlog_part s)
{
	static const char *const starts[] = {"Postponed ", "Accepted key ",
	    "Accepted certificate ", "Connection closed by ",
	    "Connection reset by ", "Disconnected from ",
	    "Close session: ", "Closing connection to ",
	    "Transferred: ", "User child is on pid "};

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		if (sshlog_part_skip(&s, starts[i], strlen(starts[i])))
			return (true);
	}
	return (sshlog_part_skip(&s, LITERAL("Received disconnect from ")) &&
		sshlog_part_is_farewell(s));
}

bool
sshlog_is_output(const struct sshlog *log)
{
	return (log->kind == SSHLOG_OTHER || log->kind == SSHLOG_RESTRICTED ||
		log->kind == SSHLOG_UNKNOWN || log->kind == SSHLOG_PAM ||
		log->kind == SSHLOG_ROOT);
}

static void
sshlog_parse_denied(struct sshlog_part s, struct sshlog *out)
{
	if (!sshlog_part_drop_end(&s, LITERAL(" by PAM account configuration")))
		return;
	out->user = s;
	out->kind = SSHLOG_ACCOUNT;
}

void
sshlog_parse(const char *record, size_t n, struct sshlog *out)
{
	struct sshlog_part s = {.p = record, .n = n};

	memset(out, 0, sizeof(*out));
	out->kind = SSHLOG_ROUTINE;
	while (s.n > 0 && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
		s.n--;
	out->preauth = sshlog_part_drop_end(&s, LITERAL(" [preauth]"));
	if (s.n == 0)
		return;
	out->kind = sshlog_part_is_routine(s) ? SSHLOG_ROUTINE : SSHLOG_OTHER;
	switch (s.p[0]) {
	case 'A':
		if (sshlog_part_skip(&s, LITERAL("Accepted ")))
			sshlog_parse_attempt(s, SSHLOG_ACCEPTED, out);
		else if (sshlog_part_skip(
			     &s, LITERAL("Access denied for user ")))
			sshlog_parse_denied(s, out);
		break;
	case 'C':
		if (sshlog_part_skip(&s, LITERAL("Connection from ")))
			out->kind = SSHLOG_CONNECTION;
		break;
	case 'F':
		if (sshlog_part_skip(&s, LITERAL("Failed ")))
			sshlog_parse_attempt(s, SSHLOG_FAILED, out);
		break;
	case 'I':
		if (sshlog_part_skip(&s, LITERAL("Invalid user ")))
			sshlog_parse_unknown(s, out);
		break;
	case 'P':
		if (sshlog_part_skip(&s, LITERAL("PAM: ")))
			sshlog_parse_pam(s, out);
		break;
	case 'R':
		if (sshlog_part_skip(&s, LITERAL("ROOT LOGIN REFUSED FROM ")))
			out->kind = SSHLOG_ROOT;
		break;
	case 'S':
		if (sshlog_part_skip(&s, LITERAL("Starting session: ")))
			sshlog_parse_starting(s, out);
		break;
	case 'T':
		if (sshlog_part_skip(
			&s, LITERAL("Timeout before authentication")))
			out->kind = SSHLOG_TIMEOUT;
		break;
	case 'U':
		if (sshlog_part_skip(&s, LITERAL("User child is on pid ")))
			sshlog_parse_child(s, out);
		else if (sshlog_part_skip(&s, LITERAL("User ")))
			sshlog_parse_restricted(s, out);
		break;
	case 'd':
		if (sshlog_part_skip(&s, LITERAL("debug")))
			sshlog_parse_debug(
			    (struct sshlog_part){.p = s.p - 5, .n = s.n + 5},
			    out);
		break;
	case 'p':
		if (sshlog_part_skip(&s, LITERAL("pam_portreeve: refused ")))
			out->kind = SSHLOG_TOLD;
		else if (sshlog_part_skip(&s, LITERAL("pam_portreeve: passed")))
			out->kind = SSHLOG_PASSED;
		break;
	default:
		break;
	}
}

/* So much of a name is enough to know it by, where sshd has cut it. */
#define NAME_KNOWN 32

/* How many bytes at p are the name. */
static size_t
sshlog_name_length(const char *p, size_t n, const char *name, size_t whole)
{
	size_t at = 0;

	while (at < n && at < whole && p[at] == name[at])
		at++;
	return (at == whole || at >= NAME_KNOWN ? at : 0);
}

size_t
sshlog_hide(
    const char *record, size_t n, const char *name, char *out, size_t size)
{
	static const char hidden[] = "(hidden)";
	size_t whole = strlen(name), used = 0;

	for (size_t i = 0; i < n;) {
		size_t length =
		    sshlog_name_length(record + i, n - i, name, whole);
		const char *from = length > 0 ? hidden : record + i;
		size_t put = length > 0 ? sizeof(hidden) - 1 : 1;

		if (put > size - used)
			break;
		memcpy(out + used, from, put);
		used += put;
		i += length > 0 ? length : 1;
	}
	return (used);
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
	    [SSHLOG_UNKNOWN] = "UNKNOWN",
	    [SSHLOG_KEY_UNSEEN] = "KEY_UNSEEN",
	    [SSHLOG_PAM] = "PAM",
	    [SSHLOG_PASSED] = "PASSED",
	    [SSHLOG_DEBUG] = "DEBUG",
	    [SSHLOG_ROUTINE] = "ROUTINE",
	};

	return ((unsigned)kind < SSHLOG_KINDS ? names[kind] : "?");
}
