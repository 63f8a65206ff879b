/* A PAM module that dies of SIGSEGV, for tests. Loaded into a login process. */
#include <security/pam_modules.h>

#include <signal.h>

#include "tests/system/pam_setcred.h"

int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh;
	(void)flags;
	(void)argc;
	(void)argv;
	raise(SIGSEGV);
	return (PAM_SUCCESS);
}
