/*
 * A PAM module that never comes back, for tests. Loaded into a login process;
 * waits for a signal for ever.
 */
#include <security/pam_modules.h>

#include <unistd.h>

#include "tests/system/pam_setcred.h"

int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh;
	(void)flags;
	(void)argc;
	(void)argv;
	for (;;)
		pause();
}
