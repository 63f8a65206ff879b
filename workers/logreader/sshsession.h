/*
 * One connection's sshd log, record by record, to what is worth reporting.
 * Pure: (state, record, who wrote it) → actions. It decides nothing about a
 * login; it reports what sshd has decided.
 *
 * Whom it believes: the group's leader with sshd's own uid, its privileged
 * half, for everything; but what that half passes on for the unprivileged one
 * ends in [preauth], and of that only packets are counted and a refusal of
 * PAM's account phase is taken as the reason for a failure that the leader told
 * itself; and a key of a user whom that half does not look at is a failure: of
 * these no other record is made. A process with sshd's own uid, for that PAM's
 * auth phase has passed: keyboard-interactive has one. The process that the
 * leader named as the user's, for the terminal. Nobody else, for anything.
 */
#ifndef PORTREEVE_WORKERS_LOGREADER_SSHSESSION_H
#define PORTREEVE_WORKERS_LOGREADER_SSHSESSION_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "workers/logreader/sshlog.h"

#define SSHSESSION_USER_MAX 256
#define SSHSESSION_METHOD_MAX 32
#define SSHSESSION_TTY_MAX 32
#define SSHSESSION_KEY_MAX 128

/* Keys of users who are not looked at that are reported of one connection. */
#define SSHSESSION_UNSEEN_MAX 32

/* The key of an attempt, as sshd names it. */
struct sshsession_key {
	char fingerprint[SSHSESSION_KEY_MAX]; /* "": none, or unknown */
	char certificate_id[SSHSESSION_USER_MAX];
	uint64_t certificate_serial;
	bool certificate;
};

/* A login without a session yet (ssh -N) counts as opened after this, ns. */
#define SSHSESSION_OPEN_AFTER UINT64_C(2000000000)

/* A failure waits so long for its reason, when nothing else comes, ns. */
#define SSHSESSION_REASON_WITHIN UINT64_C(2000000000)

/* MSG_LOG_SOURCE's root_login, the order of conf/model.h. */
enum sshsession_root {
	SSHSESSION_ROOT_ALLOW,
	SSHSESSION_ROOT_DENY,
	SSHSESSION_ROOT_DENY_PASSWORD
};

struct sshsession_config {
	enum sshsession_root root_login;
	uint32_t packets; /* before authentication; 0 unlimited */
	uid_t privileged; /* sshd's own: 0, or a rootless daemon's user */
	/* Whether a name is uid 0's. */
	bool (*is_root)(const char *name);
};

enum sshsession_state {
	SSHSESSION_NEW,	      /* sshd has not said that it has started */
	SSHSESSION_CONNECTED, /* it has */
	SSHSESSION_TIMED_OUT, /* before a login; reported */
	SSHSESSION_ACCEPTED,  /* logged in, and no session is open */
	SSHSESSION_OPEN,      /* one is */
	SSHSESSION_OVER,      /* ended without a login; what comes is nothing */
	SSHSESSION_CLOSED,    /* a login that has ended; likewise */
	SSHSESSION_STATES
};

enum sshsession_event {
	SSHSESSION_CONNECTS,
	SSHSESSION_TIMES_OUT,
	SSHSESSION_ACCEPTS,
	SSHSESSION_OPENS,
	SSHSESSION_ENDS,
	SSHSESSION_EVENTS
};

/* Why a failure is one; of several, the last in this order. */
enum sshsession_why {
	SSHSESSION_WHY_CREDENTIALS,
	SSHSESSION_WHY_ACCOUNT,
	SSHSESSION_WHY_ROOT_LOGIN,
	SSHSESSION_WHY_REPORTED /* the monitor refused, and has reported it */
};

struct sshsession {
	uint64_t session; /* 0: this one is unused */
	enum sshsession_state state;
	uint32_t packets;
	uint32_t unseen;	 /* keys that sshd did not look at */
	int32_t child;		 /* pid with the user's rights; 0 unknown */
	bool late;		 /* an earlier reader saw its first records */
	bool restricted;	 /* the account is none that may log in */
	bool unknown;		 /* no account has the name */
	bool failing;		 /* a failure waits for its reason */
	enum sshsession_why why; /* of that, or of the failure to come */
	uint64_t accepted_at;	 /* as the caller's clock */
	uint64_t failed_at;
	char method[SSHSESSION_METHOD_MAX];
	char user[SSHSESSION_USER_MAX];
	struct sshsession_key key;
};

enum sshsession_act {
	SSHSESSION_FAILURE, /* user, method ("" for timeout), reason, key */
	SSHSESSION_SUCCESS, /* user, method, key */
	SSHSESSION_OPENED,  /* user, tty; the first of a login */
	SSHSESSION_TTY,	    /* user, tty; one more */
	SSHSESSION_FLOOD,
	SSHSESSION_TROUBLE /* sshd could not start: the record says why */
};

struct sshsession_action {
	enum sshsession_act act;
	const char *reason; /* a constant */
	bool unknown;	    /* no account has the user's name */
	char user[SSHSESSION_USER_MAX];
	char method[SSHSESSION_METHOD_MAX];
	char tty[SSHSESSION_TTY_MAX];
	struct sshsession_key key;
};

#define SSHSESSION_ACTIONS_MAX 3

struct sshsession_actions {
	size_t n;
	struct sshsession_action a[SSHSESSION_ACTIONS_MAX];
};

struct sshsession_writer {
	bool leader; /* of the connection's process group */
	pid_t pid;
	uid_t uid;
};

/* One whose first records an earlier reader has seen. */
void sshsession_resume(struct sshsession *s);

/* Whether there is, or was, a login. */
bool sshsession_is_accepted(const struct sshsession *s);

/* Take one record; now is any monotonic clock in ns. */
void sshsession_record(struct sshsession *s, const struct sshsession_config *c,
    const struct sshsession_writer *w, const char *record, size_t n,
    uint64_t now, struct sshsession_actions *out);

/*
 * Time has passed, or the connection has ended: status is then its leader's
 * exit status, else -1. sshd ends by LoginGraceTime with status 1 (until 9.7)
 * or 3, without a word; with a word its status is 255.
 */
void sshsession_tick(struct sshsession *s, const struct sshsession_config *c,
    int status, uint64_t now, struct sshsession_actions *out);

/* Whether it wants sshsession_tick() soon. */
bool sshsession_waits(const struct sshsession *s);

#endif
