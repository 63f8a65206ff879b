/* The reserve: copies of /dev/null that hold places. Monitor (root). */
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/roles/reserve.h"

/* A zygote's channel, slot file (twice) and log, and a look into /proc. */
#define PLACES 12

static int null = -1;
static int places[PLACES];
static unsigned users;

static void
reserve_fill(void)
{
	for (size_t i = 0; i < PLACES; i++) {
		if (places[i] < 0)
			places[i] = fcntl(null, F_DUPFD_CLOEXEC, 3);
	}
}

void
reserve_open(void)
{
	for (size_t i = 0; i < PLACES; i++)
		places[i] = -1;
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null < 0)
		log_errno("no descriptors in reserve");
	else
		reserve_fill();
}

void
reserve_use(void)
{
	if (users++ > 0 || null < 0)
		return;
	for (size_t i = 0; i < PLACES; i++)
		fd_close(&places[i]);
}

void
reserve_keep(void)
{
	if (--users == 0 && null >= 0)
		reserve_fill();
}
