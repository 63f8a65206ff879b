/*
 * Which modules the host's PAM runs for a service, as its files say. Monitor
 * (root), login and CLI. Reads files of root's, and runs nothing.
 */
#ifndef PORTREEVE_LIB_PAMSTACK_H
#define PORTREEVE_LIB_PAMSTACK_H

#include <stdbool.h>
#include <stddef.h>

/* Where PAM looks for a service's file, the first that has it; NULL ends. */
extern const char *const pamstack_folders[];

/*
 * Whether a line of that type ("auth", "account", "session", "password") in
 * the service's file, or in one that it includes, runs the module; module is
 * the file's last part, such as "pam_limits.so". Of a service without a file
 * the lines are those of `other`. How the lines before it may end the stack is
 * not looked at. path, unless NULL, gets the module as the line has it.
 */
bool pamstack_runs(const char *const *folders, const char *service,
    const char *type, const char *module, char *path, size_t size);

/*
 * Whether pam_portreeve.so runs in the account and the session lines of the
 * service, and is installed; why gets half a sentence when not, and may be
 * NULL.
 */
bool pamstack_has_ours(const char *service, char *why, size_t size);

/*
 * Whether an auth line of the service runs pam_portreeve.so with the argument
 * `order`, which asks whom authentication-order names.
 */
bool pamstack_has_order(const char *const *folders, const char *service);

/*
 * Whether a module of the service's lines is not in this process, which has
 * called pam_start(3), and can be loaded now: for a moment it could not, and
 * PAM went on without it.
 */
bool pamstack_lacks_module(const char *const *folders, const char *service);

/*
 * Whether the module is there: at its path, or, written without one, beside
 * the system's pam_unix.so.
 */
bool pamstack_is_installed(const char *module);

#endif
