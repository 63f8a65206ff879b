/*
 * What libpam tells the kernel's audit by (libaudit), in libaudit's place.
 * Login process, root. A record that could not be written turns libpam's
 * answer into PAM_SYSTEM_ERR, which a module may say of a peer as well: so it
 * is kept here that this host was short of something.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

#include "monitor/login/login.h"

#define PUBLIC __attribute__((visibility("default")))

/* As libaudit.h declares them, which need not be there. */
PUBLIC int audit_open(void);
PUBLIC int audit_log_acct_message(int fd, int type, const char *program,
    const char *op, const char *name, unsigned id, const char *host,
    const char *addr, const char *tty, int result);

/* The next definition behind ours: libaudit's. */
#define NEXT(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

static bool audit_missed;

bool
login_audit_missed(void)
{
	bool missed = audit_missed;

	audit_missed = false;
	return (missed);
}

/* What audit said; of a host without audit libpam knows by itself. */
static int
audit_note(int result)
{
	int error = result == -1 ? errno : -result;

	if (result < 0 && login_is_short(error))
		audit_missed = true;
	return (result);
}

int
audit_open(void)
{
	__typeof__(&audit_open) next = NEXT(audit_open);

	if (next == NULL) {
		errno = EPROTONOSUPPORT;
		return (-1);
	}
	return (audit_note(next()));
}

int
audit_log_acct_message(int fd, int type, const char *program, const char *op,
    const char *name, unsigned id, const char *host, const char *addr,
    const char *tty, int result)
{
	__typeof__(&audit_log_acct_message) next = NEXT(audit_log_acct_message);

	if (next == NULL)
		return (-ENOSYS);
	return (audit_note(
	    next(fd, type, program, op, name, id, host, addr, tty, result)));
}
