/*
 * Finding, stopping and killing. Ender: own uid, CAP_KILL, sealed.
 */
#include <signal.h>

#include "ender/look.h"
#include "ender/tree.h"
#include "ender/victim.h"
#include "lib/fd.h"

#define MILLISECOND 1000000ull
/* Who was told to stop and has not may never: it waits for a disk. */
#define PATIENCE_NS (50 * MILLISECOND)
#define FREEZE_NS (4000 * MILLISECOND)
#define REST_MS 1

int
tree_add_leader(const struct msg_end_leader *m)
{
	int err = victim_add_leader(m);

	if (err != 0)
		return (err);
	/* Nothing is known of who led that group. */
	if (m->how == END_GROUP)
		look_scan();
	return (look_add_reaper(victim_find(m->pid)->parent));
}

int
tree_freeze(bool all)
{
	uint64_t now = time_boot_ns(), end = now + FREEZE_NS;
	uint64_t patience = now + PATIENCE_NS;
	unsigned quiet = 0;
	struct look l;

	for (;;) {
		l = (struct look){.all = all, .last = now >= patience};
		look_at_everybody(&l);
		now = time_boot_ns();
		quiet = l.fresh || (l.moving && !l.last) ? 0 : quiet + 1;
		if (now >= end || quiet == look_needed())
			break;
		if (l.fresh)
			patience = now + PATIENCE_NS;
		else if (quiet == 0)
			time_rest(REST_MS);
	}
	return (l.err);
}

/*
 * A leader gets a second to close its books (sshd its PAM session); what
 * descends from it gets none, or it could leave something behind.
 */
static int
tree_end_one(struct victim *v, uint32_t place, bool all)
{
	int err;

	if (v->gone || (v->how == END_LAST && !all))
		return (0);
	if (v->how != END_GRACE || all || v->leader != place)
		return (victim_signal(v, SIGKILL));
	err = victim_signal(v, SIGTERM);
	if (err == 0)
		err = victim_signal(v, SIGCONT);
	v->told = false;
	return (err);
}

int
tree_kill(bool all)
{
	int err = 0;

	for (uint32_t i = 0; i < victim_count(); i++) {
		int failed = tree_end_one(victim_at(i), i, all);

		if (err == 0)
			err = failed;
	}
	return (err);
}

uint32_t
tree_wait(uint64_t deadline, bool all)
{
	uint32_t left = 0;

	for (uint32_t i = 0; i < victim_count(); i++) {
		struct victim *v = victim_at(i);

		if (v->how == END_LAST && !all)
			continue;
		v->gone = v->gone || victim_has_ended(v, deadline);
		left += !v->gone;
	}
	return (left);
}

bool
tree_has_orphans(void)
{
	uint64_t patience = time_boot_ns() + PATIENCE_NS;

	for (uint32_t i = 0; i < victim_count() && !look_scans(); i++) {
		if (victim_is_leader(i) &&
		    victim_number_stays(victim_at(i), patience)) {
			look_for_orphans();
			return (true);
		}
	}
	return (false);
}

void
tree_tell(void (*tell)(uint32_t number, int32_t pid))
{
	for (uint32_t i = 0; i < victim_count(); i++) {
		const struct victim *v = victim_at(i);
		const struct victim *leader = victim_at(v->leader);

		if (!v->gone && (v == leader || v->parent == leader->pid))
			tell(leader->number, v->pid);
	}
}
