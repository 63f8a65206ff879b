/*
 * The service manager's protocol (sd_notify(3)). Monitor (root). WATCHDOG=1 is
 * sent only when the master has just answered: a master that hangs is killed
 * after half the interval, and replaced, before the manager loses patience.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <systemd/sd-daemon.h>

#include "lib/fd.h"
#include "lib/log.h"
#include "monitor/bind.h"
#include "monitor/notify.h"
#include "monitor/proc.h"
#include "monitor/report.h"
#include "monitor/show.h"
#include "monitor/sshd.h"

/* How often the master is asked when no service manager asks us. */
#define PING_NS (5ull * SECOND)

static uint32_t answered;
static unsigned missed;

static void
ping_due(void *arg)
{
	struct monitor *mon = arg;
	struct proc *master = proc_find_up(mon, ROLE_MASTER, SERVICE_COUNT);
	struct msg_ping m;

	loop_timer_in(&mon->watchdog, mon->watchdog_interval, ping_due, mon);
	sshd_keep_folder(mon);
	if (master == NULL) {
		missed = 0;
		return;
	}
	if (mon->ping != answered && ++missed >= 2) {
		missed = 0;
		answered = mon->ping;
		proc_kill(mon, master, "does not answer");
		return;
	}
	m.number = ++mon->ping;
	proc_send(mon, master, MSG_PING, &m, NULL, 0);
}

void
notify_open(struct monitor *mon)
{
	uint64_t usec = 0;

	mon->watchdog_interval = PING_NS;
	/* Two missed answers and a restart must fit into the interval. */
	if (sd_watchdog_enabled(0, &usec) > 0 && usec * 1000 / 5 < PING_NS)
		mon->watchdog_interval = usec * 1000 / 5;
	loop_timer_in(&mon->watchdog, mon->watchdog_interval, ping_due, mon);
}

void
notify_alive(struct monitor *mon, uint32_t number)
{
	if (number != mon->ping)
		return;
	answered = number;
	missed = 0;
	sd_notify(0, "WATCHDOG=1");
}

void
notify_reloading(struct monitor *mon)
{
	struct timespec now;

	(void)mon;
	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
	    (unsigned long long)now.tv_sec * 1000000ull +
		(unsigned long long)now.tv_nsec / 1000);
}

void
notify_accepting(struct monitor *mon)
{
	char waiting[512], services[512];

	mon->accepting = true;
	bind_waiting_text(mon, waiting, sizeof(waiting));
	report_services(mon, services, sizeof(services));
	sd_notifyf(0, "READY=1\nSTATUS=Serving %s%s%s",
	    services[0] != '\0' ? services : "nothing: no service is active",
	    waiting[0] != '\0' ? "; " : "", waiting);
	if (mon->announced)
		return;
	mon->announced = true;
	report_ready(mon);
	if (mon->foreground)
		show_table(mon);
}
