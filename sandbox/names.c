/* Which profile is whose, and what it is called. Any process; pure. */
#include <string.h>

#include "lib/err.h"
#include "sandbox/sandbox.h"

static const char *const profile_names[SANDBOX_PROFILE_COUNT] = {
#define X(name, text) [name] = (text),
    SANDBOX_PROFILE_LIST(X)
#undef X
#define SERVICE(...)
#define BUILTIN(id, word, ...) [SANDBOX_ZYGOTE_##id] = "zygote " word,
#include "lib/service.def"
};

const char *
sandbox_profile_name(enum sandbox_profile profile)
{
	if ((unsigned)profile >= SANDBOX_PROFILE_COUNT)
		return ("?");
	return (profile_names[profile]);
}

/* A zygote's is called by its program's name. */
static int
sandbox_zygote_profile(enum service_kind kind)
{
	static const char prefix[] = "zygote ";
	const char *program = service_traits(kind)->program;
	const size_t n = sizeof(prefix) - 1;

	for (int i = 0; i < SANDBOX_PROFILE_COUNT; i++) {
		if (strncmp(profile_names[i], prefix, n) == 0 &&
		    strcmp(profile_names[i] + n, program) == 0)
			return (i);
	}
	return (ERR_NOT_FOUND);
}

int
sandbox_profile_for(enum role role, enum service_kind kind)
{
	switch (role) {
	case ROLE_MASTER:
		return (SANDBOX_MASTER);
	case ROLE_AUDIT:
		return (SANDBOX_AUDIT);
	case ROLE_ZYGOTE:
		return (sandbox_zygote_profile(kind));
	case ROLE_LOOKUP:
		return (SANDBOX_LOOKUP);
	case ROLE_LOGREADER:
		return (SANDBOX_LOGREADER);
	case ROLE_CALLER:
		return (SANDBOX_CALLER);
	case ROLE_PLANNER:
		return (SANDBOX_PLANNER);
	case ROLE_ENDER:
		return (SANDBOX_ENDER);
	case ROLE_TACPLUS:
		return (SANDBOX_TACPLUS);
	case ROLE_KEYS:
		return (SANDBOX_KEYS);
	default:
		return (ERR_NOT_FOUND);
	}
}
