/*
 * The choice of where events go, and the count of those that went nowhere.
 * Only audit; no input of its own.
 */
#include <time.h>

#include "audit/writer/output.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/log.h"

/*
 * How often to look whether the one that was chosen is still there: the
 * libraries do not tell when it has gone (audit/writer/probe.c).
 */
#define LOOK_NS 1000000000u

static const struct output *const outputs[] = {&output_journal, &output_syslog};

static const struct output *output;
static uint64_t lost;
static uint64_t look_at; /* not before this time */
static int absent;	 /* at the last look there was none */

static int
output_choose(void)
{
	for (size_t i = 0; i < sizeof(outputs) / sizeof(outputs[0]); i++) {
		if (outputs[i]->open() == 0) {
			output = outputs[i];
			return (0);
		}
	}
	return (ERR_NOT_FOUND);
}

int
output_open(int foreground)
{
	tzset(); /* for syslog(3): reads its files now, later it may not */
	output = &output_stream;
	if (foreground)
		return (output->open());
	if (output_choose() == 0)
		return (0);
	output = outputs[0];
	absent = 1;
	look_at = time_boot_ns() + LOOK_NS;
	log_warn("no journal and no /dev/log: events are lost until one of "
		 "them exists; start systemd-journald or a syslog daemon, or "
		 "run portreeved -d");
	return (0);
}

static int
output_write(const struct event_view *v)
{
	uint64_t now;

	if (output == &output_stream)
		return (output->write(v));
	now = time_boot_ns();
	if (now >= look_at) {
		absent = output->open() != 0 && output_choose() != 0;
		look_at = now + LOOK_NS;
	}
	return (absent ? ERR_NOT_FOUND : output->write(v));
}

/* 0 when no loss is left to be reported. */
static int
output_tell_lost(void)
{
	struct event_builder b;
	struct event_view v;
	int err;

	if (output->take_lost != NULL)
		lost += output->take_lost();
	if (lost == 0)
		return (0);
	event_begin(&b, EV_EVENTS_DROPPED);
	event_text(&b, FIELD_ROLE, role_name(ROLE_AUDIT));
	event_number(&b, FIELD_COUNT, lost);
	err = event_decode(&b.msg, ROLE_AUDIT, &v);
	if (err != 0)
		bug("events-dropped does not decode: %s", err_text(err));
	err = output_write(&v);
	if (err == 0)
		lost = 0;
	return (err);
}

void
output_event(const struct event_view *v)
{
	if (output_tell_lost() != 0 || output_write(v) != 0)
		lost++;
}

void
output_own_event(const struct event_builder *b)
{
	struct event_view v;
	int err = b->err;

	if (err == 0)
		err = event_decode(&b->msg, ROLE_AUDIT, &v);
	if (err != 0)
		bug("audit's own event: %s", err_text(err));
	output_event(&v);
}

void
output_lose_event(const struct event_view *v)
{
	(void)v;
	lost++;
}

void
output_give_up(void)
{
	if (output->lose != NULL)
		output->lose();
	(void)output_tell_lost();
	output_flush();
}

int
output_has_room(void)
{
	return (output->has_room == NULL || output->has_room());
}

int
output_pending_fd(void)
{
	return (output->pending_fd == NULL ? -1 : output->pending_fd());
}

void
output_flush(void)
{
	if (output->flush != NULL)
		output->flush();
}
