/*
 * pam_portreeve.so: tells the monitor who logs in over ssh, whatever the
 * method was, in time and out of a stranger's reach; and holds the login to
 * its limits. Loaded into sshd, runs in its privileged half as root. Takes the
 * user's name from PAM, which has checked it, and the uid from the password
 * database, and asks the monitor on a
 * root-only socket; which connection asks, the monitor finds out by itself.
 *
 * It stands in the system's own stack of sshd, so that every other rule of the
 * host for sshd holds as well (tools/install-pam puts it there). It does
 * nothing in a process that our ssh zygote did not start: only that sets
 * PORTREEVE_PAM_SOCKET. The variable is read when the module is loaded,
 * because sshd asks for a keyboard-interactive answer in a child whose
 * environment it has emptied.
 *
 * In a process that the zygote did start it fails closed: no verdict, no login.
 * Only the end of a session never fails, because the daemon may be just being
 * restarted. A refusal is also written to sshd's log, so that its reader does
 * not tell the same failure again.
 *
 * With the argument `order` it is another line, before those that ask for a
 * password: it asks whom authentication-order names (order.h), and goes by a
 * variable of its own, which the login process has as well.
 *
 * A module that comes later (pam_limits) may set the limit of processes anew,
 * so it is set in the session phase and again with the credentials, which sshd
 * asks for last, in the process that becomes the user's.
 */
#include <sys/resource.h>

#include <security/pam_modules.h>
#include <security/pam_ext.h>
#include <security/pam_modutil.h>

#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/usercount.h"
#include "monitor/pam/ask.h"
#include "monitor/pam/key.h"
#include "monitor/pam/order.h"

#define EXPORT __attribute__((visibility("default")))

#define PATIENCE_MS 5000
#define PATIENCE_CLOSE_MS 500

#define DATA_PROCESSES "portreeve_processes"

/* Empty: not ours. "/" cannot be connected to, and so fails closed. */
static char module_socket[PATH_MAX];
static bool module_counts; /* a user's processes, for user-limit */
/* FOLDER, a NUL, and the methods; both empty: no authentication-order. */
static char module_folder[PATH_MAX];
static const char *module_order = "";

/* What cannot be understood names no method, and so nobody gets in. */
static void
module_load_order(void)
{
	const char *text = secure_getenv("PORTREEVE_PAM_ORDER");
	char *colon;

	if (text == NULL)
		return;
	if (strlen(text) >= sizeof(module_folder))
		text = "/:?";
	memcpy(module_folder, text, strlen(text) + 1);
	colon = strrchr(module_folder, ':');
	module_order = colon == NULL || colon[1] == '\0' ? "?" : colon + 1;
	if (colon != NULL)
		*colon = '\0';
}

static void __attribute__((constructor)) module_load(void)
{
	const char *path = secure_getenv("PORTREEVE_PAM_SOCKET");

	module_load_order();
	if (path == NULL)
		return;
	if (path[0] != '/' || strlen(path) >= sizeof(module_socket))
		path = "/";
	memcpy(module_socket, path, strlen(path) + 1);
	module_counts = secure_getenv("PORTREEVE_PAM_COUNT") != NULL;
}

static int
portreeve_copy(char *dst, size_t size, const char *src)
{
	int n = snprintf(dst, size, "%s", src == NULL ? "" : src);

	return (n < 0 || (size_t)n >= size ? ERR_TOO_LONG : 0);
}

static int
portreeve_user(pam_handle_t *pamh, char *dst, size_t size)
{
	const char *user = NULL;

	if (pam_get_user(pamh, &user, NULL) != PAM_SUCCESS || user == NULL ||
	    user[0] == '\0')
		return (ERR_NOT_FOUND);
	return (portreeve_copy(dst, size, user));
}

/*
 * The last line of SSH_AUTH_INFO_0, which sshd fills with a line for each
 * method that was needed: "publickey ssh-ed25519 AAAA…". Its length; 0 when
 * unknown.
 */
static size_t
portreeve_info(pam_handle_t *pamh, const char **line)
{
	const char *info = pam_getenv(pamh, "SSH_AUTH_INFO_0");
	size_t end, start;

	if (info == NULL)
		return (0);
	end = strlen(info);
	while (end > 0 && info[end - 1] == '\n')
		end--;
	for (start = end; start > 0 && info[start - 1] != '\n';)
		start--;
	*line = info + start;
	return (end - start);
}

/* Empty when unknown. */
static void
portreeve_method(pam_handle_t *pamh, char *dst, size_t size)
{
	const char *line = NULL;
	size_t end = portreeve_info(pamh, &line), n = 0;

	while (n < end && n < size - 1 && line[n] != ' ' && line[n] != '/') {
		dst[n] = line[n];
		n++;
	}
	dst[n] = '\0';
}

static void
portreeve_key(pam_handle_t *pamh, struct msg_pam_open *m)
{
	const char *line = NULL;
	size_t n = portreeve_info(pamh, &line);
	struct pam_key key;

	if (n == 0)
		return;
	pam_key_read(line, n, &key);
	memcpy(m->key, key.fingerprint, sizeof(m->key));
	m->certificate = key.certificate;
	m->certificate_serial = key.serial;
	memcpy(m->certificate_id, key.id, sizeof(m->certificate_id));
}

/* For sshd's log, whose reader knows the line by its first bytes. */
static void
portreeve_write(const char *line)
{
	if (write(STDERR_FILENO, line, strlen(line)) < 0)
		return; /* there is no log; the verdict stands */
}

static void
portreeve_write_refusal(const char *reason)
{
	char line[128];

	snprintf(
	    line, sizeof(line), "pam_portreeve: refused %.64s\r\n", reason);
	portreeve_write(line);
}

static void
portreeve_explain(pam_handle_t *pamh, const struct msg_pam_verdict *v)
{
	if (strcmp(v->reason, "user-limit") == 0)
		pam_error(pamh,
		    "You are logged in, or run processes, as often "
		    "as this host allows one user. End a session first.");
	else
		pam_error(pamh,
		    "This host does not let you log in (%.64s). "
		    "Ask its administrator.",
		    v->reason);
	portreeve_write_refusal(v->reason);
}

/* Ask, and say to the user why not. PAM_SUCCESS or `refused`. */
static int
portreeve_ask(pam_handle_t *pamh, enum msg_type type, const void *msg,
    struct msg_pam_verdict *v, int refused)
{
	int err = pam_ask(module_socket, type, msg, PATIENCE_MS, v);

	if (err != 0) {
		pam_syslog(pamh, LOG_ERR,
		    "no verdict from portreeved at %s "
		    "(%s): the login is refused; is the daemon running?",
		    module_socket, err_text(err));
		pam_error(pamh, "The login service does not answer. Try again "
				"in a moment.");
		return (refused);
	}
	if (v->allow)
		return (PAM_SUCCESS);
	portreeve_explain(pamh, v);
	return (refused);
}

/* Never raises a limit that is lower already. */
static int
portreeve_limit(pam_handle_t *pamh, uint32_t processes)
{
	struct rlimit limit;

	if (processes == 0)
		return (PAM_SUCCESS);
	if (getrlimit(RLIMIT_NPROC, &limit) == 0) {
		if (limit.rlim_max > processes)
			limit.rlim_max = processes;
		if (limit.rlim_cur > limit.rlim_max)
			limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NPROC, &limit) == 0)
			return (PAM_SUCCESS);
	}
	pam_syslog(pamh, LOG_ERR, "cannot set the limit of processes: %m");
	return (PAM_SESSION_ERR);
}

static void
portreeve_forget(pam_handle_t *pamh, void *data, int status)
{
	(void)pamh;
	(void)status;
	free(data);
}

/* Set the limit, and remember it for portreeve_limit_again(). */
static int
portreeve_keep_limit(pam_handle_t *pamh, uint32_t processes)
{
	uint32_t *kept = malloc(sizeof(*kept));

	if (kept == NULL)
		return (PAM_BUF_ERR);
	*kept = processes;
	if (pam_set_data(pamh, DATA_PROCESSES, kept, portreeve_forget) !=
	    PAM_SUCCESS) {
		free(kept);
		return (PAM_SESSION_ERR);
	}
	return (portreeve_limit(pamh, processes));
}

static int
portreeve_limit_again(pam_handle_t *pamh)
{
	const void *kept = NULL;

	if (pam_get_data(pamh, DATA_PROCESSES, &kept) != PAM_SUCCESS ||
	    kept == NULL)
		return (PAM_IGNORE);
	return (portreeve_limit(pamh, *(const uint32_t *)kept));
}

/*
 * Reached only when the modules before it have believed the user: what fails
 * after this is the account's fault, and sshd's log does not always say so.
 * Who was to be asked must have been.
 */
static int
portreeve_passed(pam_handle_t *pamh)
{
	if (module_order[0] != '\0' && !pam_order_was_asked(pamh)) {
		pam_syslog(pamh, LOG_ERR,
		    "nobody of authentication-order was asked: an auth line "
		    "`pam_portreeve.so order` is missing");
		return (PAM_AUTH_ERR);
	}
	if (module_socket[0] != '\0')
		portreeve_write("pam_portreeve: passed\r\n");
	return (PAM_IGNORE);
}

EXPORT int
pam_sm_authenticate(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)flags;
	if (pam_order_is_nested())
		return (PAM_IGNORE);
	if (argc != 1 || strcmp(argv[0], "order") != 0)
		return (portreeve_passed(pamh));
	if (module_order[0] == '\0')
		return (PAM_IGNORE);
	return (pam_order_authenticate(pamh, module_folder, module_order));
}

EXPORT int
pam_sm_setcred(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	if (argc == 1 && strcmp(argv[0], "order") == 0)
		return (pam_order_setcred(pamh));
	if (module_socket[0] == '\0' ||
	    ((unsigned)flags & PAM_DELETE_CRED) != 0)
		return (PAM_IGNORE);
	return (portreeve_limit_again(pamh));
}

/*
 * The account's own name, which may be another than sshd's, its uid, and how
 * many processes it has, where that is asked.
 */
static int
portreeve_account(pam_handle_t *pamh, char *user, size_t size, uint32_t *uid,
    uint32_t *processes)
{
	const struct passwd *pw;

	if (portreeve_user(pamh, user, size) != 0)
		return (-1);
	pw = pam_modutil_getpwnam(pamh, user);
	if (pw == NULL || portreeve_copy(user, size, pw->pw_name) != 0)
		return (-1);
	*uid = pw->pw_uid;
	*processes = module_counts ? usercount(pw->pw_uid) : 0;
	return (0);
}

EXPORT int
pam_sm_acct_mgmt(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct msg_pam_account m = {.end_ = 0};
	struct msg_pam_verdict v;

	(void)flags;
	(void)argc;
	(void)argv;
	if (module_socket[0] == '\0')
		return (PAM_IGNORE);
	if (portreeve_account(
		pamh, m.user, sizeof(m.user), &m.uid, &m.processes) != 0)
		return (PAM_USER_UNKNOWN);
	portreeve_method(pamh, m.method, sizeof(m.method));
	return (portreeve_ask(pamh, MSG_PAM_ACCOUNT, &m, &v, PAM_PERM_DENIED));
}

EXPORT int
pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct msg_pam_open m = {.end_ = 0};
	struct msg_pam_verdict v;
	const void *tty = NULL;
	int result;

	(void)flags;
	(void)argc;
	(void)argv;
	if (module_socket[0] == '\0')
		return (PAM_IGNORE);
	if (portreeve_account(
		pamh, m.user, sizeof(m.user), &m.uid, &m.processes) != 0)
		return (PAM_SESSION_ERR);
	if (pam_get_item(pamh, PAM_TTY, &tty) != PAM_SUCCESS ||
	    portreeve_copy(m.tty, sizeof(m.tty), tty) != 0)
		m.tty[0] = '\0';
	portreeve_method(pamh, m.method, sizeof(m.method));
	portreeve_key(pamh, &m);
	result = portreeve_ask(pamh, MSG_PAM_OPEN, &m, &v, PAM_SESSION_ERR);
	if (result != PAM_SUCCESS)
		return (result);
	return (portreeve_keep_limit(pamh, v.processes));
}

EXPORT int
pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct msg_pam_close m = {.end_ = 0};
	struct msg_pam_verdict v;

	(void)flags;
	(void)argc;
	(void)argv;
	if (module_socket[0] == '\0')
		return (PAM_IGNORE);
	/* The end of its process group tells the same, only later. */
	if (portreeve_user(pamh, m.user, sizeof(m.user)) == 0)
		pam_ask(
		    module_socket, MSG_PAM_CLOSE, &m, PATIENCE_CLOSE_MS, &v);
	return (PAM_SUCCESS);
}

EXPORT int
pam_sm_chauthtok(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	(void)pamh;
	(void)flags;
	(void)argc;
	(void)argv;
	return (PAM_IGNORE);
}
