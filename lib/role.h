/*
 * The names that every process shares: roles, families, and with them the kinds
 * of service.
 * Any process; pure.
 */
#ifndef PORTREEVE_LIB_ROLE_H
#define PORTREEVE_LIB_ROLE_H

#include "lib/service.h"

#define ROLE_LIST(X)                                                           \
	X(ROLE_MONITOR, "monitor")                                             \
	X(ROLE_MASTER, "master")                                               \
	X(ROLE_AUDIT, "audit")                                                 \
	X(ROLE_ZYGOTE, "zygote")                                               \
	X(ROLE_WORKER, "worker")                                               \
	X(ROLE_LOGREADER, "logreader")                                         \
	X(ROLE_LOOKUP, "lookup")                                               \
	X(ROLE_LOGIN, "login")                                                 \
	X(ROLE_SESSION, "session")                                             \
	X(ROLE_CALLER, "caller")                                               \
	X(ROLE_PLANNER, "planner")                                             \
	X(ROLE_ENDER, "ender")                                                 \
	X(ROLE_CLIENT, "client")                                               \
	X(ROLE_TACPLUS, "tacplus")                                             \
	X(ROLE_KEYS, "keys")

enum role {
#define X(name, text) name,
	ROLE_LIST(X)
#undef X
	    ROLE_COUNT
};

/* Each role's own account or number. */
enum role_uid {
	UID_MASTER,
	UID_AUDIT,
	UID_LOOKUP,
	UID_CALLER,
	UID_ENDER,
	UID_TACPLUS,
	UID_READERS, /* and the kind of service */
	UID_SERVICES = UID_READERS + SERVICE_COUNT, /* likewise */
	UID_COUNT = UID_SERVICES + SERVICE_COUNT
};

enum family { FAMILY_INET, FAMILY_INET6, FAMILY_COUNT };

/* Constant names; "?" for a value that is none. */
const char *role_name(enum role role);
const char *family_name(enum family family); /* "inet" or "inet6" */

#endif
