/*
 * A PAM module that asks twice, once with echo, for tests: the first answer
 * must be `open`, the second `sesame`. Says something before, with an escape
 * sequence in it, as a module that repeats a peer's bytes would.
 */
#include <security/pam_modules.h>
#include <security/pam_ext.h>

#include <stdlib.h>
#include <string.h>

#include "tests/system/pam_setcred.h"

int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	char *first = NULL, *second = NULL;
	int status = PAM_AUTH_ERR;

	(void)flags;
	(void)argc;
	(void)argv;
	pam_info(pamh, "two\033[2Jwords");
	if (pam_prompt(pamh, PAM_PROMPT_ECHO_ON, &first, "First: ") ==
		PAM_SUCCESS &&
	    pam_prompt(pamh, PAM_PROMPT_ECHO_OFF, &second, "Second: ") ==
		PAM_SUCCESS &&
	    strcmp(first, "open") == 0 && strcmp(second, "sesame") == 0)
		status = PAM_SUCCESS;
	free(first);
	free(second);
	return (status);
}
