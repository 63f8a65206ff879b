/*
 * A PAM module that asks for a password and takes whatever is answered, an
 * empty line too, whatever the flags say: as some directories' servers do.
 */
#include <security/pam_modules.h>

#include <stdlib.h>

#include <security/pam_ext.h>

int
pam_sm_authenticate(pam_handle_t *pam, int flags, int argc, const char **argv)
{
	char *answer = NULL;
	int status =
	    pam_prompt(pam, PAM_PROMPT_ECHO_OFF, &answer, "Password: ");

	(void)flags;
	(void)argc;
	(void)argv;
	free(answer);
	return (status);
}

int
pam_sm_setcred(pam_handle_t *pam, int flags, int argc, const char **argv)
{
	(void)pam;
	(void)flags;
	(void)argc;
	(void)argv;
	return (PAM_SUCCESS);
}
