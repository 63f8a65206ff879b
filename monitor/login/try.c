/*
 * One name through PAM and policy. Login process, root. Whatever is wrong (no
 * such user, wrong password, root where root may not), the peer gets the same
 * words after the same time; the monitor has the reason at once.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "lib/pamstack.h"
#include "lib/usercount.h"
#include "monitor/login/login.h"
#include "monitor/login/records.h"

#define NS_PER_S UINT64_C(1000000000)
/*
 * From the peer's last word to the refusal, at the least; PAM's modules may
 * ask for more. Long enough for any password hash to hide in.
 */
#define FAIL_DELAY (2 * NS_PER_S + NS_PER_S / 2)
#define FAIL_JITTER_MS 500
#define VERDICT_MS 30000 /* a monitor that has died closes at once */

#define WORDS "Login incorrect\n"

/* PAM's own wait is not slept but added up: ours is the one and only. */
static void
try_delay(int status, unsigned usec, void *arg)
{
	struct login_run *l = arg;

	if (status != PAM_SUCCESS && l != NULL)
		l->pam_delay = (uint64_t)usec * 1000;
}

/* --- what the host is short of -----------------------------------------------
 */

/* What PAM and its modules open at a time, and take. */
#define SHORT_FILES 8
#define SHORT_BYTES (1u << 20)

bool
login_is_short(int error)
{
	return (error == EMFILE || error == ENFILE || error == ENOMEM ||
		error == ENOBUFS || error == EIO || error == EAGAIN);
}

/* A file that PAM reads is there, and cannot be opened. */
static bool
try_short_of_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is_short = fd < 0 && login_is_short(errno);

	fd_close(&fd);
	return (is_short);
}

/*
 * Whether a login's verdict would be the host's want and not the peer's fault:
 * modules take what they cannot open for what is not there, and say no.
 */
static bool
try_is_short(struct login_run *l)
{
	int fds[SHORT_FILES];
	char pam[sizeof(l->start.pam_service) + sizeof("/etc/pam.d/")];
	void *memory;

	snprintf(pam, sizeof(pam), "/etc/pam.d/%s", l->start.pam_service);
	for (int i = 0; i < SHORT_FILES; i++) {
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		l->short_ = l->short_ || (fds[i] < 0 && login_is_short(errno));
	}
	for (int i = 0; i < SHORT_FILES; i++)
		fd_close(&fds[i]);
	memory = malloc(SHORT_BYTES);
	if (memory == NULL || try_short_of_file(pam) || login_audit_missed() ||
	    (l->pam != NULL && pamstack_lacks_module(
				   pamstack_folders, l->start.pam_service)) ||
	    try_short_of_file("/etc/passwd") ||
	    try_short_of_file("/etc/shadow"))
		l->short_ = true;
	free(memory);
	return (l->short_);
}

/*
 * What PAM says where it could not ask. Not PAM_SYSTEM_ERR, which pam_exec says
 * for a program's no, nor PAM_CONV_ERR, which a peer can bring about.
 */
static bool
try_is_fault(int status)
{
	return (status == PAM_OPEN_ERR || status == PAM_SYMBOL_ERR ||
		status == PAM_BUF_ERR || status == PAM_ABORT ||
		status == PAM_MODULE_UNKNOWN || status == PAM_AUTHINFO_UNAVAIL);
}

/* --- refusals
 * ------------------------------------------------------------------ */

/*
 * Sleep until the refusal is due; a worker that has gone ends it early. The end
 * of the login's time does not: an answer in its last moment would show by how
 * soon the refusal comes whether a hash had to be computed for that name. (What
 * a module asks for beyond our own delay is cut there.)
 */
static void
try_wait(struct login_run *l)
{
	uint64_t least = l->pam_delay > FAIL_DELAY ? l->pam_delay : FAIL_DELAY;
	uint64_t due = l->answered + least +
		       arc4random_uniform(FAIL_JITTER_MS) * UINT64_C(1000000);
	uint64_t last =
	    l->deadline + FAIL_DELAY + FAIL_JITTER_MS * UINT64_C(1000000);
	struct pollfd p = {.fd = l->worker.fd, .events = POLLRDHUP};
	int n;

	if (due > last)
		due = last;
	for (;;) {
		uint64_t now = time_boot_ns();

		/* Gone, or in breach: it gets no other try to be held from. */
		if (now >= due || l->broken != 0)
			return;
		n = poll(&p, 1, (int)((due - now) / 1000000) + 1);
		login_poll_failed(n);
		if (n > 0)
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

	/* Of a failure that was the host's nobody is to be reported as a
	 * peer's. */
	if (l->start.rootless || l->broken != 0 || l->short_)
		return;
	pw = login_database_user(l->wish.user);
	login_records_failed(
	    l->start.service, pw != NULL ? pw->pw_name : NULL, &l->start.peer);
}

static enum login_result
try_failed(struct login_run *l, enum login_failure reason, bool last)
{
	struct msg_login_failure m = {
	    .method = (uint8_t)login_method(l), .reason = (uint8_t)reason};

	if (l->broken == ERR_TIMEOUT)
		m.reason = LOGIN_FAILED_TIMEOUT;
	/* Nobody counts any more, or it would be the same: no more tries. */
	if (ipc_send_wait(&l->monitor, MSG_LOGIN_FAILURE, &m, NULL, 0) != 0 ||
	    l->short_)
		last = true;
	if (l->broken == ERR_TIMEOUT) {
		login_say_over(l, "\nLogin timed out.\n");
		return (LOGIN_END);
	}
	try_record(l);
	try_wait(l);
	if (last || l->broken != 0 || time_boot_ns() >= l->deadline) {
		login_say_over(l, l->short_ ? LOGIN_LATER : WORDS);
		return (LOGIN_END);
	}
	login_say_again(l, WORDS);
	return (LOGIN_RETRY);
}

/* PAM has let the name in, but not now: it is told why, and that is all. */
static enum login_failure
try_why_not_now(struct login_run *l, int status)
{
	if (l->broken == ERR_TIMEOUT)
		return (LOGIN_FAILED_TIMEOUT);
	if (l->broken == 0 && (try_is_fault(status) || try_is_short(l)))
		return (LOGIN_FAILED_RESOURCES);
	return (LOGIN_FAILED_ACCOUNT);
}

static enum login_result
try_no_account(struct login_run *l, int status)
{
	enum login_failure reason = try_why_not_now(l, status);
	struct msg_login_failure m = {
	    .method = (uint8_t)login_method(l), .reason = (uint8_t)reason};
	char text[256];

	ipc_send_wait(&l->monitor, MSG_LOGIN_FAILURE, &m, NULL, 0);
	if (reason != LOGIN_FAILED_RESOURCES)
		try_record(l);
	snprintf(text, sizeof(text), "%s\n",
	    reason == LOGIN_FAILED_TIMEOUT ? "\nLogin timed out."
					   : pam_strerror(l->pam, status));
	login_say_over(
	    l, reason == LOGIN_FAILED_RESOURCES ? LOGIN_LATER : text);
	return (LOGIN_END);
}

void
login_fail_session(struct login_run *l, int status, const char *words)
{
	struct msg_login_failure m = {.method = (uint8_t)login_method(l),
	    .reason = words == NULL ? LOGIN_FAILED_RESOURCES
				    : (uint8_t)try_why_not_now(l, status)};

	(void)ipc_send_wait(&l->monitor, MSG_LOGIN_FAILURE, &m, NULL, 0);
	login_say_over(l, m.reason == LOGIN_FAILED_RESOURCES || words == NULL
			      ? LOGIN_LATER
			      : words);
}

/*
 * sshd's rule, which binds its logins: the shell is a program. Whoever has
 * none, or one that was taken away, has no login.
 */
static bool
try_has_shell(const struct login_run *l)
{
	struct stat st;

	return (stat(l->shell, &st) == 0 && S_ISREG(st.st_mode) &&
		(st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0);
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
	pw = login_database_user(name);
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
	int status = pam_acct_mgmt(l->pam, PAM_DISALLOW_NULL_AUTHTOK);

	if (status == PAM_NEW_AUTHTOK_REQD)
		status = pam_chauthtok(l->pam, PAM_CHANGE_EXPIRED_AUTHTOK);
	if (status == PAM_SUCCESS && l->broken != 0)
		status = PAM_CONV_ERR;
	return (status);
}

static int
try_hear_verdict(struct login_run *l)
{
	struct pollfd p = {.fd = l->monitor.fd, .events = POLLIN};
	uint64_t last = time_boot_ns() + VERDICT_MS * UINT64_C(1000000);
	int err;

	do {
		login_poll_failed(poll(&p, 1, VERDICT_MS));
		err = ipc_recv_now(&l->monitor, &l->in);
		if (err == ERR_SHORT)
			time_rest(LOGIN_REST_MS);
	} while (
	    (err == ERR_AGAIN || err == ERR_SHORT) && time_boot_ns() < last);
	return (err);
}

/* user-limit is the monitor's to know: it has the table of all logins. */
static bool
try_verdict(struct login_run *l, enum policy_method method)
{
	struct msg_login_may m = {.method = (uint8_t)method, .uid = l->uid};

	if (l->start.count)
		m.processes = usercount(l->uid);
	strlcpy(m.user, l->user, sizeof(m.user));
	if (ipc_send_wait(&l->monitor, MSG_LOGIN_MAY, &m, NULL, 0) != 0 ||
	    try_hear_verdict(l) != 0) {
		login_say_over(l, "The login service was restarted; please "
				  "connect again.\n");
		return (false);
	}
	l->processes = l->in.msg.login_verdict.processes;
	if (l->in.msg.login_verdict.allow)
		return (true);
	if (l->in.msg.login_verdict.later) {
		login_say_over(l, LOGIN_LATER);
		return (false);
	}
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
try_reason(struct login_run *l, int status)
{
	if (l->broken == ERR_SHORT)
		return (LOGIN_FAILED_RESOURCES);
	/*
	 * The same words as ever where it may hang on the name: a directory
	 * that is away knows some users, whose passwords it had kept.
	 */
	if (l->broken == 0 && try_is_fault(status)) {
		l->short_ = l->short_ || status != PAM_AUTHINFO_UNAVAIL;
		return (LOGIN_FAILED_RESOURCES);
	}
	if (l->broken == 0 && try_is_short(l))
		return (LOGIN_FAILED_RESOURCES);
	if (login_method(l) == LOGIN_METHOD_NONE && l->broken == 0 &&
	    status != PAM_USER_UNKNOWN)
		return (LOGIN_FAILED_ACCOUNT);
	return (LOGIN_FAILED_CREDENTIALS);
}

static enum login_result
try_run(struct login_run *l, bool last)
{
	enum policy_method method;
	int status;

	if (try_is_short(l))
		return (try_failed(l, LOGIN_FAILED_RESOURCES, last));
	status = try_pam_start(l);
	if (status != PAM_SUCCESS) {
		log_warn(
		    "PAM cannot be used: %s", pam_strerror(l->pam, status));
		l->short_ = true;
		return (try_failed(l, LOGIN_FAILED_RESOURCES, last));
	}
	status = pam_authenticate(l->pam, PAM_DISALLOW_NULL_AUTHTOK);
	method = login_method(l);
	if (status != PAM_SUCCESS || l->broken != 0)
		return (try_failed(l, try_reason(l, status), last));
	/* No answer is no login, whatever a module makes of it. */
	if (!l->said)
		return (try_failed(l, LOGIN_FAILED_CREDENTIALS, last));
	if (!try_know_user(l))
		return (try_failed(l,
		    try_is_short(l) ? LOGIN_FAILED_RESOURCES
				    : LOGIN_FAILED_CREDENTIALS,
		    last));
	if (!try_has_shell(l))
		return (try_failed(l, LOGIN_FAILED_ACCOUNT, last));
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

/* A name that is none may be a password: it is not to be written down. */
static bool
try_is_account(struct login_run *l)
{
	struct passwd *pw;

	errno = 0;
	pw = login_database_user(l->wish.user);
	if (pw == NULL && login_is_short(errno))
		l->short_ = true;
	return (pw != NULL);
}

enum login_result
login_try(struct login_run *l, bool last)
{
	struct msg_login_try m = {.end_ = 0};
	enum login_result result;
	int err;

	l->secrets = l->questions = 0;
	l->said = false;
	l->pam_delay = 0;
	memcpy(m.user, l->wish.user, sizeof(m.user));
	m.unknown = !try_is_account(l);
	/* Not reported, not tried: every try is audited. */
	err = ipc_send_wait(&l->monitor, MSG_LOGIN_TRY, &m, NULL, 0);
	if (err != 0) {
		l->unheard = err != ERR_CLOSED;
		login_say_over(l, "The login service was restarted; please "
				  "connect again.\n");
		return (LOGIN_END);
	}
	result = try_run(l, last);
	if (result != LOGIN_DONE)
		login_pam_end(l, PAM_AUTH_ERR);
	return (result);
}
