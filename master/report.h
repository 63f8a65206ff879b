/*
 * Events of the master, and the books that go with them: the journal says that
 * a session was announced, or forgets it, at the moment its event goes out, so
 * that a master killed at any time leaves nothing reported twice or not at all.
 * Events leave together, those of some milliseconds at most. Master only.
 */
#ifndef PORTREEVE_MASTER_REPORT_H
#define PORTREEVE_MASTER_REPORT_H

#include "master/master.h"
#include "master/session.h"
#include "policy/verdict.h"

/* 0 or ERR_NO_MEMORY, ERR_SYSTEM. */
int report_init(struct master *m);

/* AUDIT_CHANNEL: takes fd over. */
void report_attach(struct master *m, int fd);

/* connection-accepted, if it is not reported yet. */
void report_accepted(struct master *m, struct session *s);

/*
 * connection-accepted as soon as the session has its process, or a moment has
 * passed: until then it may turn out to be a refusal.
 */
void report_await(struct master *m, struct session *s);

/* Nothing was reported of it, and nothing is to be. */
void report_forget(struct master *m, struct session *s);

/* worker-failed where it applies, and session-closed. */
void report_closed(
    struct master *m, struct session *s, const struct session_end *end);

/* connection-refused; service is its name; session a number of its own. */
void report_refused(struct master *m, const char *service,
    const struct addr *peer, enum policy_reason reason);

/* A worker broke the message catalogue; its session goes on without channel. */
void report_breach(struct master *m, struct session *s);

/* resources-short, of that role: counted, and reported once in a while. */
void report_short(struct master *m, enum role role, const char *service,
    int error, uint64_t count);

/*
 * The slot of one session that is over, and whose last event audit does not
 * take, is given up for another's: its books are closed now. false: there is
 * none.
 */
bool report_give_up(struct master *m);

/* Send what is queued and settle the books. */
void report_flush(struct master *m);

/* The same, of the last there is: waits for audit, for a second at the most. */
void report_finish(struct master *m);

#endif
