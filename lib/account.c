/* Names of roles' accounts. Monitor and planner; pure. */
#include "lib/account.h"

static const char *const account_names[UID_READERS] = {
    [UID_MASTER] = "portreeve-master",
    [UID_AUDIT] = "portreeve-audit",
    [UID_LOOKUP] = "portreeve-lookup",
    [UID_CALLER] = "portreeve-caller",
    [UID_ENDER] = "portreeve-ender",
    [UID_TACPLUS] = "portreeve-tacplus",
};

const char *
account_of_role(enum role_uid uid)
{
	enum service_kind kind;

	if (uid < UID_READERS)
		return (account_names[uid]);
	if (uid >= UID_SERVICES)
		return (service_traits((enum service_kind)(uid - UID_SERVICES))
			    ->account);
	kind = (enum service_kind)(uid - UID_READERS);
	return (
	    service_reader(kind) == kind ? service_traits(kind)->log : NULL);
}
