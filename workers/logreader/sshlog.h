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
	SSHLOG_RESTRICTED, /* a configured user list or the shell said no */
	SSHLOG_TOLD,	   /* pam_portreeve: the monitor refused, and told */
	SSHLOG_CHILD,	   /* pid: the process with the user's rights */
	SSHLOG_STARTING,   /* tty, empty for none */
	SSHLOG_TIMEOUT,
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
	int32_t pid;
};

/* The constant's name, without its prefix; for tests and logs. */
const char *sshlog_kind_name(enum sshlog_kind kind);

/* Any n bytes; the parts of *out point into record. */
void sshlog_parse(const char *record, size_t n, struct sshlog *out);

#endif
