/*
 * The login process: portreeve: login SERVICE. One for each login of a
 * built-in service, started by the monitor when a worker's peer has given a
 * name. Root, with the whole bounding set and no filter (rootless: the
 * ordinary user). Reads typed, bounded requests from its worker and orders
 * from the monitor, nothing else; holds no secret but the answer that PAM is
 * asking for. What breaks the catalogue ends it: fail closed.
 */
#include <sys/prctl.h>

#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/login/login.h"
#include "sandbox/leaks.h"

/* Large, for its one message; and the only one. */
static struct login_run run;

/* Past the time, and past the monitor's own patience with us. */
#define LATE_NS UINT64_C(5000000000)

/*
 * The monitor kills a login whose module hangs. One whose monitor has died is
 * ended by the kernel, with a signal that no module can take away.
 */
static timer_t
login_set_end(const struct login_run *l)
{
	struct sigevent end = {
	    .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
	uint64_t at = l->deadline + LATE_NS;
	struct itimerspec when = {
	    .it_value = {.tv_sec = (time_t)(at / UINT64_C(1000000000)),
		.tv_nsec = (long)(at % UINT64_C(1000000000))}};
	timer_t timer;

	if (timer_create(CLOCK_BOOTTIME, &end, &timer) < 0 ||
	    timer_settime(timer, TIMER_ABSTIME, &when, NULL) < 0)
		die("no timer can be had for a login's end");
	return (timer);
}

static void
login_begin(struct login_run *l, char **argv)
{
	int err;

	if (argv[0] != NULL)
		log_set_name(argv[0]);
	prctl(PR_SET_NAME, "portreeve");
	/* No core, no tracer: passwords pass through. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	leaks_end_search();
	signal(SIGPIPE, SIG_IGN);
	/* PAM may bound the size of files, records included. */
	signal(SIGXFSZ, SIG_IGN);
	fd_set_cloexec(LOGIN_MONITOR_FD, 1);
	fd_set_cloexec(LOGIN_WORKER_FD, 1);
	ipc_channel_init(
	    &l->monitor, LOGIN_MONITOR_FD, ROLE_LOGIN, ROLE_MONITOR, ST_NEW);
	ipc_channel_init(
	    &l->worker, LOGIN_WORKER_FD, ROLE_LOGIN, ROLE_WORKER, ST_LOGIN);
	err = ipc_recv(&l->monitor, &l->in);
	if (err == ERR_SYSTEM)
		die("descriptor %d is not a channel to the monitor: only "
		    "portreeved starts this program",
		    LOGIN_MONITOR_FD);
	if (err != 0)
		die("no LOGIN_START from the monitor: %s", err_text(err));
	l->start = l->in.msg.login_start;
	log_set_verbose(l->start.verbose);
	l->deadline =
	    time_boot_ns() + (uint64_t)l->start.grace * UINT64_C(1000000);
	l->end = login_set_end(l);
	addr_text(&l->start.peer, l->peer);
	/* What a session leaves in the background stays below us. */
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

/* At the prompt for a name: out of time, or of memory. */
static void
login_no_name(struct login_run *l)
{
	bool late = l->broken == ERR_TIMEOUT;
	struct msg_login_failure m = {.method = LOGIN_METHOD_NONE,
	    .reason = late ? LOGIN_FAILED_TIMEOUT : LOGIN_FAILED_RESOURCES};

	(void)ipc_send(&l->monitor, MSG_LOGIN_FAILURE, &m, NULL, 0);
	login_say_over(l, late ? "\nLogin timed out.\n" : LOGIN_LATER);
}

/* Names, until one is let in, or there are no more tries. */
static bool
login_tries(struct login_run *l)
{
	for (unsigned i = 1; i <= l->start.tries; i++) {
		enum login_result result;

		if (login_receive(l, MSG_LOGIN_USER) != 0) {
			if (l->broken == ERR_TIMEOUT || l->broken == ERR_SHORT)
				login_no_name(l);
			return (false);
		}
		l->wish = l->in.msg.login_user;
		result = login_try(l, i == l->start.tries);
		if (result != LOGIN_RETRY)
			return (result == LOGIN_DONE);
	}
	return (false);
}

int
main(int argc, char **argv)
{
	struct login_run *l = &run;

	(void)argc;
	login_begin(l, argv);
	if (!login_tries(l)) {
		if (ipc_error_is_breach(l->broken))
			log_info("the worker of session %llu sent %s: %s",
			    (unsigned long long)l->start.session,
			    msg_name(l->in.type), err_text(l->broken));
		return (l->unheard ? LOGIN_EXIT_GAVE_UP : LOGIN_EXIT_NO_LOGIN);
	}
	return (login_session(l));
}
