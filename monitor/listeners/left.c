/*
 * A program under `wait yes` has the listening socket, and a reload ends no
 * session: a port that was taken out of the configuration stays open as long as
 * that program lives, and somebody has to say so. Monitor (root). The slot
 * tables are the zygotes' word; nothing but a sentence is made of them.
 */
#include <stdio.h>

#include "monitor/listeners/left.h"
#include "monitor/report.h"

static void
left_tell(
    struct monitor *mon, const struct listener *l, const struct slot *slot)
{
	char text[ADDR_TEXT_MAX], reason[224];

	snprintf(reason, sizeof(reason),
	    "its program, process %d, still has the socket of port %u of %s, "
	    "which stays open until it ends: `portreeve clear session %llu` "
	    "ends it",
	    slot->pid, l->address.port, addr_text(&l->address, text),
	    (unsigned long long)slot->session);
	report_warning(mon, l->name, reason);
}

void
left_report(struct monitor *mon, const struct listener *l)
{
	struct proc *p;
	struct slot slot;

	if (!l->wait || l->service == NULL)
		return;
	TAILQ_FOREACH (p, &mon->procs, next) {
		if (p->service != l->service || p->slots == NULL)
			continue;
		for (uint32_t i = 0; i < p->slots->high && i < SLOTS_MAX; i++) {
			if (slot_read(p->slots, i, &slot) == 0 &&
			    slot.use == SLOT_RUNNING &&
			    slot.family == (uint8_t)l->address.family)
				left_tell(mon, l, &slot);
		}
	}
}
