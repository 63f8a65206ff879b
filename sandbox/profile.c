/*
 * The profiles that sandbox/profiles.def writes down, without their system
 * calls. Linked into every role, and into the monitor, which checks them from
 * outside; holds constants only.
 */
#include <linux/capability.h>

#include "sandbox/profile.h"

#define CAPABILITY(c) (UINT64_C(1) << (c))
#define PROFILE(name, ...) [SANDBOX_##name] = {__VA_ARGS__},
#define ALLOW(...)
#define REFUSE(...)
#define DENY(...)
#define LOCAL(...)
#define SANITIZER(...)
#define SESSION(...)

static const struct profile profiles[SANDBOX_PROFILE_COUNT] = {
#include "sandbox/profiles.def"
};

const struct profile *
profile_get(enum sandbox_profile id)
{
	if ((unsigned)id >= SANDBOX_PROFILE_COUNT)
		return (NULL);
	return (&profiles[id]);
}
