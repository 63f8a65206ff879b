/*
 * The memory that outlives the master: which sessions there are, what each
 * service has accepted and refused, and its rate windows. The monitor made
 * the file and keeps it for the next master; nobody else reads it. What is
 * found there is distrusted: a master may have been killed between any two
 * stores. Everything is keyed by the service's name or the session's slot, so
 * that a reload, a new master and a new daemon find it again.
 */
#ifndef PORTREEVE_MASTER_STATE_H
#define PORTREEVE_MASTER_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "ipc/msg.h"
#include "ipc/state.h"
#include "policy/penalty.h"
#include "policy/rate.h"

struct state;

/* What is remembered of one session while it lives. */
struct journal {
	uint64_t session;  /* 0: none */
	uint64_t accepted; /* CLOCK_BOOTTIME, ns */
	uint64_t since;	   /* wall clock, ns */
	struct addr peer;
	uint32_t instance;   /* the zygote that has it; 0: none yet */
	uint32_t listener;   /* MSG_LISTENER's id */
	uint16_t service;    /* number of state_service_*() */
	bool announced;	     /* connection-accepted was sent */
	bool holds_listener; /* wait yes, datagrams: one at a time */
};

enum state_counter { STATE_ACCEPTED, STATE_REFUSED };

/*
 * Map the file of a STATE message; fd stays the caller's. 0, ERR_TRUNCATED
 * (shorter than STATE_HEAD), ERR_SYSTEM, ERR_NO_MEMORY. Contents of another
 * version are replaced by nothing.
 */
int state_open(struct state **out, int fd);
void state_close(struct state *st);

/*
 * The table of penalties, an earlier master's or a new one. NULL: there is none
 * and none is to be made, or the file system has no room for it.
 */
struct policy_penalties *state_penalties(struct state *st, bool make);

/* A number that no session had before; never 0. */
uint64_t state_new_session(struct state *st);
/* A session of this number exists: later ones are higher. */
void state_see_session(struct state *st, uint64_t session);

/* The number of a service's name, or ERR_NOT_FOUND. */
int state_service_find(const struct state *st, const char *name);
/* The name of number, or NULL when it has none. */
const char *state_service_name(const struct state *st, unsigned number);
/* Gives number to name and forgets what it held for another. */
void state_service_claim(struct state *st, unsigned number, const char *name);

void state_count(struct state *st, unsigned number, enum family family,
    enum state_counter counter);
uint64_t state_counter(const struct state *st, unsigned number,
    enum family family, enum state_counter counter);

/*
 * The rate window of a service and family, with the history that is there;
 * again with another limit, the history moves along. 0, ERR_VALUE, or
 * ERR_SYSTEM when the file system has no room for one.
 */
int state_window(struct state *st, unsigned number, enum family family,
    uint32_t limit, uint64_t now, struct policy_window *window);

/* Slots below this number may have an entry. */
uint32_t state_journal_high(const struct state *st);
/* ERR_SYSTEM with errno when the file system has no room for it. */
int state_journal_write(
    struct state *st, uint32_t slot, const struct journal *j);
/* ERR_NOT_FOUND when there is none or it makes no sense. */
int state_journal_read(
    const struct state *st, uint32_t slot, struct journal *out);
void state_journal_instance(struct state *st, uint32_t slot, uint32_t instance);
void state_journal_announced(struct state *st, uint32_t slot);
void state_journal_clear(struct state *st, uint32_t slot);
/* Undo the two above: what they told did not come about. */
void state_journal_restore(
    struct state *st, uint32_t slot, uint64_t session, bool announced);

/* Who is logged in; cut to the bounds of MSG_SESSION_USER. */
void state_login_set(
    struct state *st, uint32_t slot, const char *user, const char *tty);
/* "" when unknown; point into the state, NUL-ended. */
const char *state_login_user(const struct state *st, uint32_t slot);
const char *state_login_tty(const struct state *st, uint32_t slot);

#endif
