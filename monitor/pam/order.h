/*
 * authentication-order within PAM: who is asked about the one password that
 * was given. In sshd's privileged half and in the login process, as root,
 * inside another project's program.
 */
#ifndef PORTREEVE_MONITOR_PAM_ORDER_H
#define PORTREEVE_MONITOR_PAM_ORDER_H

#include <security/pam_modules.h>

#include <stdbool.h>

/*
 * Ask for the password, and the methods of `order` ("radius,password") about
 * it; folder has the files that the monitor wrote for them. PAM_SUCCESS: one of
 * the servers has accepted it. PAM_IGNORE: the lines behind ours decide, which
 * are what `password` means. Else nobody is let in.
 */
int pam_order_authenticate(
    pam_handle_t *pamh, const char *folder, const char *order);

/* Whether this is a stack that was begun to ask `password`: it is not ours. */
bool pam_order_is_nested(void);

/* Whether pam_order_authenticate() was in this conversation with PAM. */
bool pam_order_was_asked(pam_handle_t *pamh);

/* What setcred is to say: that it was we who believed the user, or nothing. */
int pam_order_setcred(pam_handle_t *pamh);

#endif
