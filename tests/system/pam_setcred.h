/* What the PAM modules for tests have to say of credentials: nothing. */
#include <security/pam_modules.h>

int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh;
	(void)flags;
	(void)argc;
	(void)argv;
	return (PAM_IGNORE);
}
