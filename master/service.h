/*
 * The services that the monitor named, and those of which only sessions are
 * left: limits, counts by family, the zygote that serves, and what waits for
 * it. A service is known by its name; its number is the monitor's.
 * Master only.
 */
#ifndef PORTREEVE_MASTER_SERVICE_H
#define PORTREEVE_MASTER_SERVICE_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include "lib/role.h"
#include "master/master.h"
#include "policy/access.h"
#include "policy/limits.h"

struct session;
struct zygote;
TAILQ_HEAD(session_list, session);

/* Why a service's listeners rest; the kernel's backlog holds who comes. */
enum service_block {
	BLOCK_ZYGOTE = 1, /* none serves */
	BLOCK_FULL = 2	  /* the zygote's channel has no room */
};

/* How the monitor says that a family of it stands, and where. */
struct service_row {
	struct addr address;
	char state[STATE_TEXT_MAX]; /* "": no row */
};

struct service {
	char name[SERVICE_NAME_MAX];
	int number;	/* the monitor's; -1: not configured any more */
	uint16_t index; /* in the state */
	enum service_kind kind;
	bool builtin;		   /* its workers have channels to the master */
	bool status_means_nothing; /* sshd's: 255 after a good session */
	struct policy_limiter limiter[FAMILY_COUNT];
	void *private_window[FAMILY_COUNT]; /* when the state has no room */
	struct policy_access access;
	struct policy_prefixes reserved; /* whom the reserved slots are for */
	bool penalties;			 /* what was done before counts */
	uint32_t rate_limit;
	unsigned blocked; /* enum service_block */
	bool told_killed; /* that what its program leaves is killed */
	struct zygote *zygote;
	struct session_list held; /* not handed over yet, in order */
	uint32_t sessions;	  /* that point here */
	struct service_row row[FAMILY_COUNT];
};

int services_init(struct master *m);

/* SERVICE: new, or its limits changed. 0 or ERR_FULL, ERR_NO_MEMORY. */
int service_configure(struct master *m, const struct msg_service *msg);

/*
 * PROTECTION: whom it takes. ERR_NOT_FOUND, ERR_VALUE. *changed: what makes a
 * source, or who is exempt, is another, of all services: nobody is counted any
 * more, and claim_recount() is due.
 */
int service_protect(
    struct master *m, const struct msg_protection *msg, bool *changed);

/* The networks that no source is held back in, and what makes a source. */
const struct policy_prefixes *services_exempt(const struct master *m);
unsigned services_prefix(const struct master *m, enum family family);

/* SERVICE_STATE: its row of a family. ERR_NOT_FOUND. */
int service_stands(struct master *m, const struct msg_service_state *msg);

/* SERVICE_GONE. It stays known while it has sessions. */
void service_retire(struct master *m, unsigned number);

/* By the monitor's number, or by the state's index; NULL when there is none. */
struct service *service_by_number(struct master *m, unsigned number);
struct service *service_by_index(struct master *m, unsigned index);

/*
 * The service that an entry of the journal belongs to, made when it is not
 * known yet. NULL when out of memory.
 */
struct service *service_recall(struct master *m, unsigned index);

/* Forget it if nothing needs it. */
void service_release(struct master *m, struct service *sv);

/* Change why its listeners rest; they start or stop accordingly. */
void service_block(
    struct master *m, struct service *sv, enum service_block why);
void service_unblock(
    struct master *m, struct service *sv, enum service_block why);

#endif
