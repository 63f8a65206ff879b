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

#define NAP_MS 20

struct watch {
	struct watch *next;
	int fd, events;
	watch_cb *cb; /* NULL: deleted */
	void *arg;
};

static struct watch *watches;
static unsigned watch_count;
static struct loop_timer *timers;
static struct pollfd *polls;
static struct watch **polled;
static unsigned poll_room;

static volatile sig_atomic_t signal_seen[NSIG];
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
	w->events = events;
	w->cb = cb;
	w->arg = arg;
	w->next = watches;
	watches = w;
	watch_count++;
	return (w);
}

void
loop_watch_events(struct watch *w, int events)
{
	w->events = events;
}

void
loop_unwatch(struct watch **w)
{
	if (*w == NULL)
		return;
	(*w)->cb = NULL;
	*w = NULL;
}

static void
loop_sweep(void)
{
	for (struct watch **p = &watches; *p != NULL;) {
		struct watch *w = *p;

		if (w->cb != NULL) {
			p = &w->next;
			continue;
		}
		*p = w->next;
		free(w);
		watch_count--;
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
on_signal(int sig)
{
	int saved = errno;

	signal_seen[sig] = 1;
	if (write(signal_pipe[1], "", 1) < 0)
		errno = saved; /* full: a wake-up is under way already */
	errno = saved;
}

static void
signals_readable(void *arg, int revents)
{
	char junk[64];

	(void)arg;
	(void)revents;
	while (read(signal_pipe[0], junk, sizeof(junk)) > 0)
		continue;
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
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

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
	if (loop_watch(signal_pipe[0], POLLIN, signals_readable, NULL) == NULL)
		return (ERR_NO_MEMORY);
	return (0);
}

/* Grow the poll arrays; false when out of memory (then wait a little). */
static bool
loop_make_room(void)
{
	struct pollfd *p;
	struct watch **w;
	size_t room = watch_count + 64;

	if (watch_count <= poll_room)
		return (true);
	p = reallocarray(polls, room, sizeof(polls[0]));
	if (p == NULL)
		return (false);
	polls = p;
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers are stored */
	w = reallocarray(polled, room, sizeof(polled[0]));
	if (w == NULL)
		return (false);
	polled = w;
	poll_room = (unsigned)room;
	return (true);
}

/*
 * What poll(2) does not take at once, for a limit on descriptors (EINVAL) or
 * memory, it may take one by one. Never waits but for a moment: it must not
 * spin, and the timers go on.
 */
static void
loop_poll_singly(unsigned n)
{
	bool some = false;

	for (unsigned i = 0; i < n; i++)
		polls[i].revents = 0;
	for (unsigned i = 0; i < n; i++) {
		int got = poll(&polls[i], 1, 0);

		if (got < 0 && errno != EINTR)
			break; /* nor that */
		some = some || got > 0;
	}
	if (!some)
		time_rest(NAP_MS);
}

/* Whether there is something to look for in the revents. */
static bool
loop_poll(unsigned n)
{
	static uint64_t told;
	uint64_t now;
	int got = poll(polls, n, loop_timeout());

	if (got >= 0)
		return (got > 0);
	if (errno == EINTR)
		return (false);
	now = time_boot_ns();
	if (told == 0 || now - told > 10ull * SECOND)
		log_errno("cannot wait for %u descriptors at once", n);
	told = now;
	loop_poll_singly(n);
	return (true);
}

void
loop_turn(void)
{
	unsigned n = 0;

	loop_sweep();
	if (!loop_make_room()) {
		log_warn("out of memory; waiting a moment");
		time_rest(100);
		return;
	}
	for (struct watch *w = watches; w != NULL; w = w->next) {
		polls[n] =
		    (struct pollfd){.fd = w->fd, .events = (short)w->events};
		polled[n++] = w;
	}
	if (loop_poll(n)) {
		for (unsigned i = 0; i < n; i++) {
			if (polls[i].revents != 0 && polled[i]->cb != NULL)
				polled[i]->cb(polled[i]->arg, polls[i].revents);
		}
	}
	loop_run_timers();
}
