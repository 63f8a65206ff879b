/* Accounts of roles. Monitor and planner; pure. */
#ifndef PORTREEVE_LIB_ACCOUNT_H
#define PORTREEVE_LIB_ACCOUNT_H

#include "lib/role.h"

/*
 * The name of the account that a role has where the host has it, or NULL: a
 * kind of service without one, or one that shares another's.
 */
const char *account_of_role(enum role_uid uid);

#endif
