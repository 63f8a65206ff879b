/*
 * Between the files about login processes: loginproc.c (the table),
 * loginproc_end.c (their ends), loginproc_talk.c (what they say, and that they
 * ended), loginproc_start.c, loginproc_ask.c (who gets one), loginproc_adopt.c
 * (a daemon's before). Monitor (root).
 */
#ifndef PORTREEVE_MONITOR_LOGINS_LOGINPROC_PRIVATE_H
#define PORTREEVE_MONITOR_LOGINS_LOGINPROC_PRIVATE_H

#include "monitor/logins/loginproc.h"
#include "policy/root.h"

#define LOGIN_TRIES 3

/* What a login process is at, and what happens: loginproc.c has the table. */
enum loginproc_state {
	LOGINPROC_NEW,	   /* no process yet */
	LOGINPROC_WAITING, /* for a name */
	LOGINPROC_TRYING,  /* no outcome was reported yet */
	LOGINPROC_ALLOWED, /* by user-limit too: in the table of logins */
	LOGINPROC_OPEN,	   /* it has its session */
	LOGINPROC_OVER,
	LOGINPROC_STATES
};

enum loginproc_does {
	LOGINPROC_NEVER, /* no event: in the table, what may not be */
	LOGINPROC_STARTS,
	LOGINPROC_TRIES,
	LOGINPROC_FAILS,
	LOGINPROC_MAY,
	LOGINPROC_OPENS,
	LOGINPROC_ENDS,
	LOGINPROC_EVENTS
};

enum loginproc_ending {
	LOGINPROC_BY_ITSELF,
	LOGINPROC_LATE,	     /* killed for its time */
	LOGINPROC_ON_PURPOSE /* a session that was to be ended */
};

struct loginproc {
	TAILQ_ENTRY(loginproc) next;
	struct monitor *mon;
	uint64_t session;
	enum service_kind kind;
	char service[SERVICE_NAME_MAX];
	char pam_service[CONF_PAM_SERVICE_MAX];
	char order[32]; /* authentication-order; "" none */
	struct addr peer;
	/*
	 * 0: it has ended, after at least one try, a session perhaps. Kept as
	 * long as the connection, which gets no second one.
	 */
	pid_t pid;
	uint64_t pid_start;
	int pidfd; /* adopted: it is no child of ours; -1 */
	struct ipc_channel ch;
	struct watch *watch; /* of the channel; adopted: of the pidfd */
	struct watch *words; /* of the channel made for its last words */
	struct loop_timer grace;
	enum conf_root_login root_login;

	uint32_t slot; /* of its worker; SLOTS_MAX not known */

	char user[256];	  /* being tried, or logged in */
	bool unknown;	  /* no account has that name */
	bool log_unknown; /* log-unknown-users */
	int status;	  /* as it has ended by itself */
	unsigned tries;
	enum loginproc_state state;
	enum loginproc_ending ending;
	bool gone; /* waited for: its number may be another's */
	enum policy_method method;
	pid_t leader; /* of the session */
	uint64_t leader_start;
};

/* A new one in the table, or NULL when out of memory. */
struct loginproc *loginproc_new(struct monitor *mon, uint64_t session);

/* Its process, for which there is room after loginproc_reserve(); or that it
 * has ended. ERR_NO_MEMORY. */
int loginproc_reserve(void);
int loginproc_set_pid(struct loginproc *p, pid_t pid);
void loginproc_clear_pid(struct loginproc *p);

/*
 * It does something: false, and nothing changes, when it may not do that now.
 */
bool loginproc_step(struct loginproc *p, enum loginproc_does does);

/* Whether it has a try whose outcome was not reported. */
bool loginproc_tries(const struct loginproc *p);

void loginproc_free(struct loginproc *p);
struct loginproc *loginproc_find(uint64_t session);

/* Logins being made; the rest have their session. */
unsigned loginproc_making(void);

/* Forget some of those that had their tries and whose connections are gone. */
void loginproc_prune(void);

/*
 * The zygote of a service with logins whose worker has this session, verified,
 * and its slot; NULL for none. number: of the slot, so that it costs one look
 * however many are logged in; SLOTS_MAX: not known.
 */
struct proc *loginproc_find_zygote(
    struct monitor *mon, uint64_t session, uint32_t number, struct slot *slot);

/*
 * Fork and exec it, tell it what to do in so many ms, and send the worker's
 * end of its channel to the master. On an error p->pid says whether it lives.
 */
int loginproc_start(struct monitor *mon, struct loginproc *p, uint32_t grace);

/* Read what it says. */
void loginproc_readable(void *arg, int revents);

/* It was waited for, or its pidfd says so: its last words, and its end. signal:
 * 0 for none. */
void loginproc_gone(struct loginproc *p, int signal);

/* It broke the catalogue, or hangs: SIGKILL; its end is then handled. */
void loginproc_kill(struct loginproc *p, const char *why);

/* auth-failure for the present try. */
void loginproc_failed(struct loginproc *p, const char *reason);

/* An event about this connection, with its user if there is one. */
struct event_builder;
void loginproc_event(
    struct loginproc *p, struct event_builder *b, enum event event);

/* It has ended, and all that it said was heard: its session with it, its
 * records. */
void loginproc_over(struct loginproc *p, int signal);

#endif
