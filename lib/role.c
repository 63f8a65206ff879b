/* Names of roles and families. Any process; pure. */
#include "lib/role.h"

static const char *const role_names[ROLE_COUNT] = {
#define X(name, text) [name] = (text),
    ROLE_LIST(X)
#undef X
};

const char *
role_name(enum role role)
{
	return ((unsigned)role < ROLE_COUNT ? role_names[role] : "?");
}

const char *
family_name(enum family family)
{
	if (family == FAMILY_INET)
		return ("inet");
	return (family == FAMILY_INET6 ? "inet6" : "?");
}
