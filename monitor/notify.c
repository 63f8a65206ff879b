/*
 * The service manager's protocol (sd_notify(3)). Monitor (root).
 */
#include <time.h>

#include <systemd/sd-daemon.h>

#include "lib/fd.h"
#include "monitor/notify.h"
#include "monitor/report.h"
#include "monitor/show.h"
#include "monitor/states.h"

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

/* What is served, behind READY=1 or alone; and what cannot be bound yet. */
static void
notify_serving(struct monitor *mon, const char *before)
{
	char waiting[512], services[512];

	states_waiting(mon, waiting, sizeof(waiting));
	report_services(mon, true, services, sizeof(services));
	sd_notifyf(0, "%sSTATUS=Serving %s%s%s", before,
	    services[0] != '\0'	 ? services
	    : waiting[0] != '\0' ? "nothing yet"
				 : "nothing: no service is active",
	    waiting[0] != '\0' ? "; " : "", waiting);
}

void
notify_changed(struct monitor *mon)
{
	if (monitor_is_accepting(mon))
		notify_serving(mon, "");
}

void
notify_accepting(struct monitor *mon)
{
	mon->accepted = mon->generation;
	notify_serving(mon, "READY=1\n");
	if (mon->announced)
		return;
	mon->announced = time_boot_ns();
	report_ready(mon);
	if (mon->foreground)
		show_table(mon);
}
