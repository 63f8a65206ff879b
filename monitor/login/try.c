/*
 * One name through PAM and policy. Login process, root. Whatever is wrong (no
 * such user, wrong password, root where root may not), the peer gets the same
 * words after the same time; the monitor is told the reason at once.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/login/login.h"
#include "monitor/login/records.h"

#define NS_PER_S UINT64_C(1000000000)
/*
 * From the peer's last word to the refusal, at the least; PAM's modules may
 * ask for more. Long enough for any password hash to hide in.
 */
#define FAIL_DELAY (2 * NS_PER_S + NS_PER_S / 2)
#define FAIL_JITTER_MS 500
#define VERDICT_MS 10000

#define WORDS "Login incorrect\n"

/* PAM's own wait is not slept but added up: ours is the one and only. */
static void
try_delay(int status, unsigned usec, void *arg)
{
	struct login_run *l = arg;

	if (status != PAM_SUCCESS && l != NULL)
		l->pam_delay = (uint64_t)usec * 1000;
}

/*
 * Sleep until the refusal is due; a worker that has gone ends it early. The end
 * of the login's time does not: an answer in its last moment would show by how
 * soon the refusal comes whether a hash had to be computed for that name. (What
 * a module asks for beyond our own delay is cut there.)
 */
static void
try_wait(struct login_run *l)
{
	uint64_t least =
	    l->pam_delay > FAIL_DELAY ? l->pam_delay : FAIL_DELAY;
	uint64_t due = l->answered + least +
	    arc4random_uniform(FAIL_JITTER_MS) * UINT64_C(1000000);
	uint64_t last = l->deadline + FAIL_DELAY +
	    FAIL_JITTER_MS * UINT64_C(1000000);
	struct pollfd p = {.fd = l->worker.fd, .events = POLLRDHUP};

	if (due > last)
		due = last;
	for (;;) {
		uint64_t now = time_boot_ns();

		/* Gone, or in breach: it gets no other try to be held from. */
		if (now >= due || l->broken != 0)
			return;
		if (poll(&p, 1, (int)((due - now) / 1000000) + 1) > 0)
			l->broken = ERR_CLOSED;
	}
}

/*
 * For lastb(1), as the system's own login does. Of a peer that has said all it
 * was asked: who leaves at the prompt has tried nothing.
 */
static void
try_record(const struct login_run *l)
{
	const struct passwd *pw;

	if (l->start.rootless || l->broken != 0)
		return;
	pw = getpwnam(l->wish.user);
	login_records_failed(l->start.service,
	    pw != NULL ? pw->pw_name : NULL, &l->start.peer);
}

static enum login_result
try_failed(struct login_run *l, enum login_failure reason, bool last)
{
	struct msg_login_failure m = {.method = (uint8_t)login_method(l),
	    .reason = (uint8_t)reason};

	if (l->broken == ERR_TIMEOUT)
		m.reason = LOGIN_FAILED_TIMEOUT;
	if (ipc_send_wait(&l->monitor, MSG_LOGIN_FAILURE, &m, NULL, 0) != 0)
		last = true; /* nobody counts any more: no more tries */
	if (l->broken == ERR_TIMEOUT) {
		login_say_over(l, "\nLogin timed out.\n");
		return (LOGIN_END);
	}
	try_record(l);
	try_wait(l);
	if (last || l->broken != 0 || time_boot_ns() >= l->deadline) {
		login_say_over(l, WORDS);
		return (LOGIN_END);
	}
	login_say_again(l, WORDS);
	return (LOGIN_RETRY);
}

/* PAM has let the name in, but not now: it is told why, and that is all. */
static enum login_result
try_no_account(struct login_run *l, int status)
{
	struct msg_login_failure m = {.method = (uint8_t)login_method(l),
	    .reason = l->broken == ERR_TIMEOUT ? LOGIN_FAILED_TIMEOUT
					       : LOGIN_FAILED_ACCOUNT};
	char text[256];

	ipc_send_wait(&l->monitor, MSG_LOGIN_FAILURE, &m, NULL, 0);
	try_record(l);
	snprintf(text, sizeof(text), "%s\n",
	    l->broken == ERR_TIMEOUT ? "\nLogin timed out."
				     : pam_strerror(l->pam, status));
	login_say_over(l, text);
	return (LOGIN_END);
}

/* The name that PAM ended with, in the password database. */
static bool
try_know_user(struct login_run *l)
{
	const void *name = NULL;
	struct passwd *pw;

	if (pam_get_item(l->pam, PAM_USER, &name) != PAM_SUCCESS ||
	    name == NULL)
		return (false);
	pw = getpwnam(name);
	if (pw == NULL || strlen(pw->pw_name) >= sizeof(l->user) ||
	    strlen(pw->pw_dir) >= sizeof(l->home) ||
	    strlen(pw->pw_shell) >= sizeof(l->shell))
		return (false);
	strlcpy(l->user, pw->pw_name, sizeof(l->user));
	strlcpy(l->home, pw->pw_dir, sizeof(l->home));
	strlcpy(l->shell, pw->pw_shell[0] != '\0' ? pw->pw_shell : "/bin/sh",
	    sizeof(l->shell));
	l->uid = pw->pw_uid;
	l->gid = pw->pw_gid;
	/* An ordinary user's daemon can make nobody else of itself. */
	return (!l->start.rootless || l->uid == geteuid());
}

/* The account phase, and a password that is past its day. */
static int
try_account(struct login_run *l)
{
	int status = pam_acct_mgmt(l->pam, 0);

	if (status == PAM_NEW_AUTHTOK_REQD)
		status = pam_chauthtok(l->pam, PAM_CHANGE_EXPIRED_AUTHTOK);
	if (status == PAM_SUCCESS && l->broken != 0)
		status = PAM_CONV_ERR;
	return (status);
}

/* user-limit is the monitor's to know: it has the table of all logins. */
static bool
try_verdict(struct login_run *l, enum policy_method method)
{
	struct msg_login_may m = {.method = (uint8_t)method, .uid = l->uid};
	struct pollfd p = {.fd = l->monitor.fd, .events = POLLIN};

	strlcpy(m.user, l->user, sizeof(m.user));
	if (ipc_send_wait(&l->monitor, MSG_LOGIN_MAY, &m, NULL, 0) != 0 ||
	    poll(&p, 1, VERDICT_MS) <= 0 ||
	    ipc_recv_now(&l->monitor, &l->in) != 0) {
		login_say_over(l, "The login service was restarted; please "
				  "connect again.\n");
		return (false);
	}
	l->processes = l->in.msg.login_verdict.processes;
	if (l->in.msg.login_verdict.allow)
		return (true);
	try_record(l);
	login_say_over(l, "You have as many sessions or processes as this "
			  "host lets a user have.\n");
	return (false);
}

/*
 * PAM's modules write the name to the system's log as it is, and some daemons
 * begin a new line there where it has a line's end. A control character is in
 * no name of an account: the try takes its way, for a name that nobody has.
 */
static void
try_clean_name(char *dst, const char *src)
{
	unsigned char before = 0;

	do {
		unsigned char c = (unsigned char)*src;

		/* C1's, in UTF-8, as well. */
		if ((c > 0 && c < 0x20) || c == 0x7f ||
		    (before == 0xc2 && c >= 0x80 && c < 0xa0))
			c = '?';
		*dst++ = (char)c;
		before = c;
	} while (*src++ != '\0');
}

static int
try_pam_start(struct login_run *l)
{
	/* libpam calls it with the conversation's argument. */
	union {
		void (*fn)(int, unsigned, void *);
		const void *item;
	} delay = {.fn = try_delay};
	struct pam_conv conv = {.conv = login_converse, .appdata_ptr = l};
	char user[sizeof(l->wish.user)];
	int status;

	try_clean_name(user, l->wish.user);
	/* Where its file is missing, PAM takes `other`; start has said so. */
	status = pam_start(l->start.pam_service, user, &conv, &l->pam);
	if (status != PAM_SUCCESS) {
		l->pam = NULL;
		return (status);
	}
	status = pam_set_item(l->pam, PAM_RHOST, l->peer);
	/* There is no terminal yet; root is none of securetty's here. */
	if (status == PAM_SUCCESS)
		status = pam_set_item(l->pam, PAM_TTY, l->start.service);
	if (status == PAM_SUCCESS)
		status = pam_set_item(l->pam, PAM_FAIL_DELAY, delay.item);
	return (status);
}

void
login_pam_end(struct login_run *l, int status)
{
	if (l->pam != NULL)
		pam_end(l->pam, status);
	l->pam = NULL;
}

/*
 * A user refused before anything was asked (nologin in the auth phase, as some
 * systems have it) was not refused for want of credentials.
 */
static enum login_failure
try_reason(const struct login_run *l, int status)
{
	if (login_method(l) == LOGIN_METHOD_NONE && l->broken == 0 &&
	    status != PAM_USER_UNKNOWN)
		return (LOGIN_FAILED_ACCOUNT);
	return (LOGIN_FAILED_CREDENTIALS);
}

static enum login_result
try_run(struct login_run *l, bool last)
{
	enum policy_method method;
	int status = try_pam_start(l);

	if (status != PAM_SUCCESS) {
		log_warn("PAM cannot be used: %s",
		    pam_strerror(l->pam, status));
		return (try_failed(l, LOGIN_FAILED_ACCOUNT, last));
	}
	status = pam_authenticate(l->pam, 0);
	method = login_method(l);
	if (status != PAM_SUCCESS || l->broken != 0)
		return (try_failed(l, try_reason(l, status), last));
	if (!try_know_user(l))
		return (try_failed(l, LOGIN_FAILED_CREDENTIALS, last));
	if (method == LOGIN_METHOD_NONE)
		method = POLICY_METHOD_PASSWORD; /* a user without one */
	if (!policy_root_login(l->uid, method,
		(enum conf_root_login)l->start.root_login,
		(enum service_kind)l->start.kind)
		 .allow)
		return (try_failed(l, LOGIN_FAILED_ROOT, last));
	status = try_account(l);
	if (status != PAM_SUCCESS)
		return (try_no_account(l, status));
	return (try_verdict(l, method) ? LOGIN_DONE : LOGIN_END);
}

enum login_result
login_try(struct login_run *l, bool last)
{
	struct msg_login_try m = {.end_ = 0};
	enum login_result result;

	l->secrets = l->questions = 0;
	l->pam_delay = 0;
	memcpy(m.user, l->wish.user, sizeof(m.user));
	/* Not told, not tried: every try is audited. */
	if (ipc_send_wait(&l->monitor, MSG_LOGIN_TRY, &m, NULL, 0) != 0) {
		login_say_over(l, "The login service was restarted; please "
				  "connect again.\n");
		return (LOGIN_END);
	}
	result = try_run(l, last);
	if (result != LOGIN_DONE)
		login_pam_end(l, PAM_AUTH_ERR);
	return (result);
}
