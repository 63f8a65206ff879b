/* Which profile is whose, and what it is called. Any process; pure. */
#include "lib/err.h"
#include "sandbox/sandbox.h"

static const char *const profile_names[SANDBOX_PROFILE_COUNT] = {
#define X(name, text) [name] = (text),
    SANDBOX_PROFILE_LIST(X)
#undef X
};

const char *
sandbox_profile_name(enum sandbox_profile profile)
{
	if ((unsigned)profile >= SANDBOX_PROFILE_COUNT)
		return ("?");
	return (profile_names[profile]);
}

static int
sandbox_zygote_profile(enum service_kind kind)
{
	switch (kind) {
	case SERVICE_FINGER:
		return (SANDBOX_ZYGOTE_FINGER);
	case SERVICE_TELNET:
		return (SANDBOX_ZYGOTE_TELNET);
	case SERVICE_FTP:
		return (SANDBOX_ZYGOTE_FTP);
	case SERVICE_SSH:
	case SERVICE_NETCONF:
		return (SANDBOX_ZYGOTE_SSH);
	case SERVICE_EXEC:
		return (SANDBOX_ZYGOTE_EXEC);
	case SERVICE_COUNT:
		break;
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
	default:
		return (ERR_NOT_FOUND);
	}
}
