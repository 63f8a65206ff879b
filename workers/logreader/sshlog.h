/*
 * One record of sshd's log, as `sshd -i -e` writes it, to what it says. Pure.
 *
 * A record is one write of one process. Strangers choose parts of it: sshd
 * writes a user name as it came, newlines and all, so that a name can hold
 * whole false lines. Hence a record is matched at its first bytes only, and
 * never looked through for the start of a line. What a record may be believed
 * depends on who wrote it; workers/logreader/sshsession.h decides that.
 */
#ifndef PORTREEVE_WORKERS_LOGREADER_SSHLOG_H
#define PORTREEVE_WORKERS_LOGREADER_SSHLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sshlog_kind {
	SSHLOG_OTHER,
	SSHLOG_CONNECTION, /* "Connection from": sshd has started */
	SSHLOG_PACKET,	   /* a packet was received before authentication */
	SSHLOG_ACCEPTED,   /* method, user */
	SSHLOG_FAILED,	   /* method, user */
	SSHLOG_ROOT,	   /* "ROOT LOGIN REFUSED" */
	SSHLOG_ACCOUNT,	   /* PAM's account phase said no; after a FAILED */
	SSHLOG_RESTRICTED, /* user: a configured list or the shell said no */
	SSHLOG_UNKNOWN,	   /* user: of whom there is no account */
	SSHLOG_KEY_UNSEEN, /* a key of a user who is not looked at */
	SSHLOG_PAM,	   /* PAM's word, of a failure to come: the account's */
	SSHLOG_PASSED,	   /* pam_portreeve: PAM's auth phase said yes */
	SSHLOG_TOLD,	   /* pam_portreeve: the monitor refused, and said so */
	SSHLOG_CHILD,	   /* pid: the process with the user's rights */
	SSHLOG_STARTING,   /* tty, empty for none */
	SSHLOG_TIMEOUT,
	SSHLOG_DEBUG,	/* comes anywhere, and means nothing */
	SSHLOG_ROUTINE, /* what events carry, or nobody has to know */
	SSHLOG_KINDS
};

/* Part of a record; p is never NULL where n is not 0. */
struct sshlog_part {
	const char *p;
	size_t n;
};

struct sshlog {
	enum sshlog_kind kind;
	bool preauth; /* written for the unprivileged half: ends in [preauth] */
	struct sshlog_part method; /* as events have it: no "/pam" */
	struct sshlog_part user;
	struct sshlog_part tty;
	/* Of a public key: its fingerprint, and of a certificate the rest. */
	struct sshlog_part key;
	struct sshlog_part certificate_id;
	uint64_t certificate_serial;
	bool certificate;
	bool invalid; /* FAILED: of a user that is not looked at */
	int32_t pid;
};

/* The constant's name, without its prefix; for tests and logs. */
const char *sshlog_kind_name(enum sshlog_kind kind);

/*
 * Whether a record says something that no other event does, so that it is to
 * be told as sshd wrote it.
 */
bool sshlog_is_output(const struct sshlog *log);

/*
 * A record without a name: "(hidden)" stands for it wherever it is, whole or
 * cut short. Up to size bytes into out, no NUL; how many.
 */
size_t sshlog_hide(
    const char *record, size_t n, const char *name, char *out, size_t size);

/* Any n bytes; the parts of *out point into record. */
void sshlog_parse(const char *record, size_t n, struct sshlog *out);

#endif
