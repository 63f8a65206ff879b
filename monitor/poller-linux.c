/* Waiting for descriptors by epoll(7), whose events are poll(2)'s. Monitor
 * (root). */
#include <sys/epoll.h>

#include <errno.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/poller.h"

#define EVENTS_A_TURN 64
#define NAP_MS 20

static int epoll = -1;

int
poller_add(int fd, int events, void *who)
{
	struct epoll_event e = {.events = (uint32_t)events, .data.ptr = who};

	if (epoll < 0)
		epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) < 0)
		return (ERR_SYSTEM);
	return (0);
}

void
poller_change(int fd, int events, void *who)
{
	struct epoll_event e = {.events = (uint32_t)events, .data.ptr = who};

	if (epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &e) < 0)
		log_errno("descriptor %d is not waited for", fd);
}

void
poller_remove(int fd)
{
	(void)epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL);
}

void
poller_wait(int timeout, void (*tell)(void *who, int revents))
{
	struct epoll_event events[EVENTS_A_TURN];
	int n = epoll_wait(epoll, events, EVENTS_A_TURN, timeout);

	if (n < 0 && errno != EINTR) {
		log_errno("cannot wait for descriptors");
		time_rest(NAP_MS);
	}
	for (int i = 0; i < n; i++)
		tell(events[i].data.ptr, (int)events[i].events);
}
