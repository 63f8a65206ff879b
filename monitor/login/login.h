/*
 * What the parts of the login process share: main.c (start, tries), try.c (one
 * name through PAM), converse.c (PAM's questions, relayed), session.c and
 * closed.c (the user's session, to its end), child.c and env.c (the user's
 * shell), pty.c, records.h (utmp, wtmp, lastlog). Root (rootless: the ordinary
 * user), with the whole bounding set and no filter, because the session
 * inherits both. Distrusts its worker, which may be taken over: of it come only
 * the typed, bounded messages of the catalogue, and nothing else of the peer's.
 */
#ifndef PORTREEVE_MONITOR_LOGIN_LOGIN_H
#define PORTREEVE_MONITOR_LOGIN_LOGIN_H

#include <sys/types.h>

#include <security/pam_appl.h>

#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "ipc/channel.h"
#include "ipc/state.h"
#include "policy/root.h"

#define LOGIN_MONITOR_FD 3
#define LOGIN_WORKER_FD 4

/* POLICY_METHOD_COUNT in a message: nothing was asked, so no method. */
#define LOGIN_METHOD_NONE POLICY_METHOD_COUNT

#define LOGIN_REST_MS 20 /* out of memory, before the next try */

/* To a peer whose login failed for what this host is short of. */
#define LOGIN_LATER "This host cannot log you in now; try again later.\n"

struct login_run {
	struct ipc_channel monitor, worker;
	struct msg_login_start start;
	uint64_t deadline; /* CLOCK_BOOTTIME ns; no longer once logged in */
	timer_t end;	   /* of the process, some time after it; likewise */
	char peer[ADDR_TEXT_MAX];

	/* The present try; names and window as the worker gave them. */
	struct msg_login_user wish;
	pam_handle_t *pam;
	unsigned secrets, questions; /* prompts without and with echo */
	bool said;	    /* one answer was more than an empty line */
	bool short_;	    /* something that a login takes could not be had */
	bool unheard;	    /* the try could not be reported to the monitor */
	uint64_t answered;  /* when the last word of the peer came */
	uint64_t pam_delay; /* ns, that PAM's modules ask for on failure */
	int broken;	    /* ERR_ of the worker's channel, ERR_TIMEOUT; 0 */

	/* Who it is, once known; copies of the password database's. */
	char user[256];
	uid_t uid;
	gid_t gid;
	char home[1024], shell[1024];
	uint32_t processes; /* RLIMIT_NPROC; 0 none */

	struct ipc_in in; /* the one message under way; large, so the last */
};

/* How a try ended. */
enum login_result {
	LOGIN_DONE,  /* may have its session */
	LOGIN_RETRY, /* failed: the worker was told to ask for a name again */
	LOGIN_END    /* there will be no session; the worker was told */
};

/* --- converse.c ---------------------------------------------------------- */

/*
 * The worker's next message, of that type. 0; ERR_TIMEOUT at the deadline;
 * ERR_CLOSED; or how it broke the catalogue. All but 0 are kept in l->broken.
 */
int login_receive(struct login_run *l, enum msg_type type);

/*
 * After each poll(), with what it returned: where one fails for want of memory
 * the next comes a moment later. Receiving waits for nobody, and so is tried
 * all the same.
 */
void login_poll_failed(int n);

/* PAM's conversation function; arg is the struct login_run. */
int login_converse(int n, const struct pam_message **msg,
    struct pam_response **resp, void *arg);

/*
 * The account of that name, in the C library's memory; NULL when there is none,
 * with errno as getpwnam(3) has it. Asked for twice, as PAM's modules ask here:
 * see monitor/login/database.c.
 */
struct passwd *login_database_user(const char *name);

/* How the user proved who it is, as far as the prompts tell. */
enum policy_method login_method(const struct login_run *l);

/* The last words to a worker: no session. Nothing happens if it is gone. */
void login_say_over(struct login_run *l, const char *text);

/* The same words as ever, and another name. */
void login_say_again(struct login_run *l, const char *text);

/*
 * Copy text for a terminal: printable bytes, UTF-8's included, "\n" and "\t";
 * each other control character becomes "?". Returns the bytes written, at most
 * size.
 */
size_t login_clean_text(uint8_t *dst, size_t size, const char *text);

/*
 * Whether libpam could not write a record for the kernel's audit since this
 * was last asked, for what the host is short of (monitor/login/audit-linux.c).
 */
bool login_audit_missed(void);

/* Whether a call failed for what a host may be short of for a while. */
bool login_is_short(int error);

/* --- try.c --------------------------------------------------------------- */

/* Take l->wish through PAM and policy. `last`: there is no try after it. */
enum login_result login_try(struct login_run *l, bool last);

/*
 * The monitor's event for a try that was allowed and comes to nothing. The
 * status is PAM's; `words`, for the peer, NULL for those of a shortage.
 */
void login_fail_session(struct login_run *l, int status, const char *words);

/* PAM's handle, closed with the last status; safe without one. */
void login_pam_end(struct login_run *l, int status);

/* --- session.c ----------------------------------------------------------- */

/*
 * Open the session of l->user, run its shell, stay until it has ended, and
 * close everything. Returns the exit status of the login process.
 */
int login_session(struct login_run *l);

/* --- closed.c ------------------------------------------------------------ */

/*
 * Tell the monitor how the session's leader ended (waitpid()'s status), and
 * wait until it has passed that on; a second at the most.
 */
void login_tell_closed(const struct login_run *l, int status);

#endif
