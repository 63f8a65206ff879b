/*
 * The monitor's event loop (root). A watch that is deleted while a turn runs
 * is only marked, and freed after it, so that callbacks may end each other.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/loop.h"
#include "monitor/poller.h"

struct watch {
	struct watch *next; /* of the deleted */
	int fd;
	watch_cb *cb; /* NULL: deleted */
	void *arg;
};

static struct watch *deleted;
static struct loop_timer *timers;

static volatile sig_atomic_t signal_seen[NSIG];
static volatile sig_atomic_t signal_any;
static int signal_pipe[2] = {-1, -1};
static void (*signal_cb)(int, void *);
static void *signal_arg;

struct watch *
loop_watch(int fd, int events, watch_cb *cb, void *arg)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return (NULL);
	w->fd = fd;
	w->cb = cb;
	w->arg = arg;
	if (poller_add(fd, events, w) == 0)
		return (w);
	free(w);
	return (NULL);
}

void
loop_watch_events(struct watch *w, int events)
{
	poller_change(w->fd, events, w);
}

void
loop_unwatch(struct watch **w)
{
	if (*w == NULL)
		return;
	poller_remove((*w)->fd);
	(*w)->cb = NULL;
	(*w)->next = deleted;
	deleted = *w;
	*w = NULL;
}

static void
loop_sweep(void)
{
	while (deleted != NULL) {
		struct watch *w = deleted;

		deleted = w->next;
		free(w);
	}
}

void
loop_timer_in(
    struct loop_timer *t, uint64_t delay, void (*cb)(void *arg), void *arg)
{
	t->at = time_boot_ns() + delay;
	t->cb = cb;
	t->arg = arg;
	if (!t->linked) {
		t->next = timers;
		timers = t;
		t->linked = true;
	}
}

void
loop_timer_clear(struct loop_timer *t)
{
	t->at = 0;
	if (!t->linked)
		return;
	for (struct loop_timer **p = &timers; *p != NULL; p = &(*p)->next) {
		if (*p == t) {
			*p = t->next;
			break;
		}
	}
	t->linked = false;
}

static void
loop_run_timers(void)
{
	uint64_t now = time_boot_ns();
	bool again = true;

	/* A callback may change the list: look from its head each time. */
	while (again) {
		again = false;
		for (struct loop_timer *t = timers; t != NULL; t = t->next) {
			if (t->at == 0 || t->at > now)
				continue;
			loop_timer_clear(t);
			t->cb(t->arg);
			again = true;
			break;
		}
	}
}

static int
loop_timeout(void)
{
	uint64_t now = time_boot_ns(), best = UINT64_MAX;

	for (struct loop_timer *t = timers; t != NULL; t = t->next) {
		if (t->at != 0 && t->at < best)
			best = t->at;
	}
	if (best == UINT64_MAX)
		return (-1);
	if (best <= now)
		return (0);
	best = (best - now) / MILLISECOND + 1;
	return (best > 60000 ? 60000 : (int)best);
}

static void
loop_on_signal(int sig)
{
	int saved = errno;

	signal_seen[sig] = 1;
	signal_any = 1;
	if (write(signal_pipe[1], "", 1) < 0)
		errno = saved; /* full: a wake-up is under way already */
	errno = saved;
}

static void
loop_signals_readable(void *arg, int revents)
{
	char junk[64];

	(void)arg;
	(void)revents;
	while (read(signal_pipe[0], junk, sizeof(junk)) > 0)
		continue;
}

/* Whether the pipe took a byte or not: a signal ends a wait as well. */
static void
loop_run_signals(void)
{
	if (!signal_any)
		return;
	signal_any = 0;
	for (int i = 1; i < NSIG; i++) {
		if (!signal_seen[i])
			continue;
		signal_seen[i] = 0;
		signal_cb(i, signal_arg);
	}
}

int
loop_signals(const int *signals, unsigned n, void (*cb)(int signal, void *arg),
    void *arg)
{
	struct sigaction sa = {
	    .sa_handler = loop_on_signal, .sa_flags = SA_RESTART};

	sigfillset(&sa.sa_mask);
	if (pipe(signal_pipe) < 0)
		return (ERR_SYSTEM);
	for (int i = 0; i < 2; i++) {
		fd_set_nonblock(signal_pipe[i], 1);
		fd_set_cloexec(signal_pipe[i], 1);
	}
	signal_cb = cb;
	signal_arg = arg;
	for (unsigned i = 0; i < n; i++) {
		if (sigaction(signals[i], &sa, NULL) < 0)
			return (ERR_SYSTEM);
	}
	if (loop_watch(signal_pipe[0], POLLIN, loop_signals_readable, NULL) ==
	    NULL)
		return (ERR_NO_MEMORY);
	return (0);
}

static void
loop_tell(void *who, int revents)
{
	struct watch *w = who;

	if (w->cb != NULL)
		w->cb(w->arg, revents);
}

void
loop_turn(void)
{
	loop_sweep();
	poller_wait(loop_timeout(), loop_tell);
	loop_run_signals();
	loop_run_timers();
}
