/*
 * The monitor's own tables: what it was told to do, what it bound, whom it
 * started. Root (or, rootless, the ordinary user). Nothing here comes from a
 * peer; what roles say is checked against these tables first.
 */
#ifndef PORTREEVE_MONITOR_MONITOR_H
#define PORTREEVE_MONITOR_MONITOR_H

#include <sys/queue.h>
#include <sys/types.h>

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "audit/event.h"
#include "ipc/channel.h"
#include "ipc/state.h"
#include "monitor/loop.h"

#define REASON_MAX 512 /* bytes of a sentence, its NUL included */

struct monitor;
struct mon_service;
struct plan;
struct plan_service;

/*
 * Restarts that come fast are spaced: 0.1 s doubled each time, up to 10 s.
 * What is to be started is kept here, so that no memory is needed for it.
 */
struct backoff {
	unsigned fails;
	uint64_t started; /* CLOCK_BOOTTIME ns */
	struct loop_timer timer;
	enum role role;
	enum service_kind kind;
	struct mon_service *service; /* zygote */
};

/* What a role's process is, and what happens to it: roles/proc.c has the table.
 */
enum proc_state {
	PROC_STARTING, /* sealing itself */
	PROC_UP,
	PROC_RETIRED,  /* a zygote that forks no more; lives for its sessions */
	PROC_STOPPING, /* told to finish; its end is no failure */
	PROC_KILLED,   /* by us, for a breach */
	PROC_ENDED,    /* waited for: its number may be another's */
	PROC_STATES
};

enum proc_event {
	PROC_IS_READY,
	PROC_RETIRES,
	PROC_IS_STOPPED,
	PROC_IS_KILLED,
	PROC_ENDS,
	PROC_EVENTS
};

struct proc;

/*
 * A role that is started for one thing and ends when that is done. It is not
 * started again, nobody waits for it to come up, and it is not pinged: `time`
 * ns after its start it is killed.
 */
struct proc_job {
	uint64_t time;
	bool outlives; /* it goes on when the monitor dies */
	/* It is sealed, and found to be so. */
	void (*ready)(struct monitor *mon, struct proc *p, void *arg);
	/* A message of its own; the descriptors are closed afterwards. */
	void (*hear)(
	    struct monitor *mon, struct proc *p, struct ipc_in *in, void *arg);
	/* It has been waited for, and every message was heard; p is gone. */
	void (*over)(struct monitor *mon, int status, void *arg);
};

/* A role's process. */
struct proc {
	TAILQ_ENTRY(proc) next;
	enum role role;
	enum service_kind kind;	     /* zygote, logreader */
	struct mon_service *service; /* zygote; NULL when unconfigured since */
	uint32_t instance;	     /* zygote; never given twice */
	pid_t pid;
	enum proc_state state;
	struct msg_seal seal;	 /* what it was told to be, and is held to */
	bool again;		 /* not its first start: nobody waits for it */
	uint64_t started, up;	 /* CLOCK_BOOTTIME ns; up 0: not yet */
	uint64_t pid_start;	 /* as struct ptable_row has it */
	uint32_t pinged, ponged; /* the last number sent, and answered */
	uint64_t silent_since;	 /* its first ping without answer; 0 none */
	char reason[128];	 /* why it was killed, or its own last words */
	struct ipc_channel ch;
	struct watch *watch;
	STAILQ_HEAD(, outbox_entry) outbox; /* what it has no room for */
	uint64_t outbox_since;
	struct loop_timer outbox_timer;
	const struct proc_job *job; /* what it was started for, or NULL */
	void *job_arg;
	struct loop_timer job_timer;
	struct slot_table *slots; /* zygote */
	int slots_fd;		  /* for the zygote */
	int slots_read_fd; /* the same file, for those who only read it */
};

enum listener_origin {
	LISTENER_OURS,
	LISTENER_HANDED, /* over by the service manager */
	LISTENER_DUAL	 /* the same, of inet6, and serves inet as well */
};

/* A bound socket. */
struct listener {
	TAILQ_ENTRY(listener) next;
	uint32_t id;
	struct mon_service *service; /* NULL: handed over, not configured */
	char name[SERVICE_NAME_MAX];
	struct addr address;
	bool datagram, wait;
	enum listener_origin origin;
	uint32_t wanted;  /* number of the last round in which it was */
	bool told;	  /* the master has it */
	bool failed;	  /* reported that it cannot be bound */
	int error;	  /* errno of the last try, while fd is -1 */
	char why[160];	  /* of it, in words; "" while not reported */
	uint64_t broke;	  /* when accept() failed on it last, ns; 0 */
	uint64_t rebound; /* when it was found shut, CLOCK_BOOTTIME ns; 0 */
	int fd;		  /* -1: not bound yet, retried */
};

/* What the master was told of a service and family: monitor/states.c. */
struct mon_state {
	struct addr address;
	char text[STATE_TEXT_MAX]; /* "": no row */
};

/* A service that is configured, or was and still has sessions. */
struct mon_service {
	bool used;
	bool configured;
	uint16_t number;
	enum service_kind kind;
	char name[SERVICE_NAME_MAX];
	struct plan_service *plan; /* of mon->plan; NULL: no longer */
	bool fresh;	     /* the plan, and no zygote has been told of it */
	struct proc *zygote; /* the present one, or NULL */
	struct backoff backoff;
	uint32_t slots;		  /* that its limit, the last one, needs */
	const char *stopped;	  /* why it is not served at all; NULL */
	char waiting[REASON_MAX]; /* what it lacks of this host; "" */
	struct loop_timer retry;  /* of what waits */
	unsigned tries;
	struct mon_state told[FAMILY_COUNT];
};

/* How far a stop has come: monitor/stop.c. */
enum mon_stage {
	STAGE_RUNNING,
	STAGE_LOGINS,  /* nobody new; who is logging in may do so */
	STAGE_ZYGOTES, /* sessions end (or are let go), zygotes with them */
	STAGE_READY,   /* an audit that is starting becomes ready to write */
	STAGE_MASTER,  /* it writes the last session-closed */
	STAGE_AUDIT,
	STAGE_OVER
};

struct monitor {
	/* The command line. */
	const char *config_path;
	char run_dir[PATH_MAX], state_dir[PATH_MAX];
	bool foreground;
	bool verbose; /* -v, or -d */
	bool rootless;
	char libexec[PATH_MAX];

	struct plan *plan;   /* in force; NULL: none yet */
	uint32_t generation; /* of the configuration in force */
	struct mon_service services[SERVICES_MAX];
	TAILQ_HEAD(, listener) listeners;
	TAILQ_HEAD(, proc) procs;
	watch_cb *hear; /* a proc's channel: who hears is above who starts */
	struct backoff backoffs[ROLE_COUNT][SERVICE_COUNT];
	struct event_sink *sink;
	struct watch *sink_watch;
	struct {
		uid_t uid;
		gid_t gid;
	} ids[UID_COUNT];
	uint32_t next_instance, next_listener;
	int log_fd;	/* descriptor 2 of every role */
	uint32_t slots; /* of each new slot table; never becomes less */
	int state_fd;	/* the master's memory */
	int control_fd; /* the control socket */
	gid_t control_group;
	uint64_t announced; /* when READY=1 was said, CLOCK_BOOTTIME ns; 0 */
	uint32_t accepted;  /* the generation that the master accepts; 0 */
	enum mon_stage stage;
	int exit_status; /* not 0: a role could not be started at all */
	struct loop_timer retry, watchdog, stop_timer;
	uint64_t watchdog_interval; /* ns; 0: none asked for */
};

/* Whether a stop has begun, and no listener is bound; and no role started. */
static inline bool
monitor_is_leaving(const struct monitor *mon)
{
	return (mon->stage != STAGE_RUNNING);
}

/* Whether the master accepts what is in force. */
static inline bool
monitor_is_accepting(const struct monitor *mon)
{
	return (mon->accepted == mon->generation && mon->accepted != 0);
}

static inline bool
monitor_is_stopping(const struct monitor *mon)
{
	return (mon->stage >= STAGE_ZYGOTES);
}

#endif
