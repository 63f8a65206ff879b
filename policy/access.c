/* Lists of networks; policy/access.h says what holds. Master. Pure. */
#include "policy/access.h"

#include "lib/err.h"

int
policy_prefixes_read(
    struct policy_prefixes *out, const uint8_t *bytes, size_t n)
{
	out->count = 0;
	if (n % PREFIX_WIRE != 0 || n / PREFIX_WIRE > POLICY_PREFIXES_MAX)
		return (ERR_VALUE);
	for (size_t i = 0; i < n / PREFIX_WIRE; i++) {
		if (!prefix_get(&out->at[i], bytes + i * PREFIX_WIRE))
			return (ERR_VALUE);
	}
	out->count = (unsigned)(n / PREFIX_WIRE);
	return (0);
}

const struct prefix *
policy_prefixes_find(const struct policy_prefixes *list, const struct addr *a)
{
	const struct prefix *found = NULL;

	for (unsigned i = 0; i < list->count; i++) {
		const struct prefix *p = &list->at[i];

		if ((found == NULL || p->length > found->length) &&
		    prefix_has(p, a))
			found = p;
	}
	return (found);
}

bool
policy_access_allows(const struct policy_access *access, const struct addr *a,
    const struct prefix **by)
{
	const struct prefix *allow = policy_prefixes_find(&access->allow, a);
	const struct prefix *deny = policy_prefixes_find(&access->deny, a);
	bool denied =
	    deny != NULL && (allow == NULL || deny->length >= allow->length);

	if (by != NULL)
		*by = denied ? deny : allow;
	if (denied)
		return (false);
	return (allow != NULL || access->allow.count == 0);
}
