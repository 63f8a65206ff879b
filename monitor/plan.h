/*
 * A plan: what a planner made of the configuration, and the only form in which
 * the monitor knows it. Monitor (root). Each message was checked against the
 * catalogue; here it is judged against the rules that a planner which was taken
 * over would break. A plan is taken whole or not at all.
 */
#ifndef PORTREEVE_MONITOR_PLAN_H
#define PORTREEVE_MONITOR_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "ipc/channel.h"
#include "ipc/plan.h"
#include "lib/role.h"

struct plan_service {
	struct msg_plan_service is;
	struct addr addresses[PLAN_ADDRESSES_MAX];
	unsigned address_count;
	struct msg_protection protection;
	bool protects;			   /* it came */
	struct msg_program *program;	   /* of an inetd-style program */
	struct msg_login_options *options; /* of a built-in one with logins */
};

struct plan_role {
	uid_t uid; /* 0: not given */
	gid_t gid;
	bool account; /* the host's, and no number of role-uids */
};

struct plan {
	struct msg_plan is;
	struct plan_role roles[UID_COUNT];	     /* of a start */
	struct msg_plan_asked asked[PLAN_ASKED_MAX]; /* their secrets too */
	unsigned asked_count;
	struct plan_service *services;
	unsigned service_count;
	int texts[PLAN_TEXTS]; /* sealed; -1 */
	struct msg_plan_note *notes;
	size_t note_count;
	struct msg_plan_user user; /* of a start, or one that was asked for */
	bool has_user;
	struct msg_plan_done done;
	bool whole; /* every message of it was taken */
};

/* NULL when out of memory. */
struct plan *plan_new(void);

/* NULL is allowed. */
void plan_free(struct plan *plan);

/*
 * One message of a planner that was asked for `what`, only `name` if it is a
 * retry. Descriptors that are kept are taken out of in. False, with a few
 * words, when it is none that may come: the plan is to be thrown away.
 */
bool plan_take(struct plan *plan, enum plan_what what, const char *name,
    struct ipc_in *in, const char **why);

/* The service of that name, or NULL. */
struct plan_service *plan_find(const struct plan *plan, const char *name);

/* The first error of its notes, or NULL. */
const struct msg_plan_note *plan_error(const struct plan *plan);

/* Whether two messages of a type say the same; either may be NULL. */
bool plan_same_message(enum msg_type type, const void *a, const void *b);

#endif
