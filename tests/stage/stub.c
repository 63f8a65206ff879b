/*
 * Plays a zygote to the master: takes orders, and says how sessions ended. For
 * tests/unit/master.
 */
#include "tests/stage/stub.h"

#include "tests/stage/heard.h"
#include "tests/stage/peer.h"

void
stub_start(struct stub *z, struct start *s, int builtin)
{
	struct ipc_in in;

	stage_expect(&z->ch, MSG_START, &in);
	assert_int_equal(in.nfds, builtin ? 3 : 1);
	s->msg = in.msg.start;
	s->connection = in.fds[0];
	s->worker.fd = s->kept = -1;
	if (builtin) {
		ipc_channel_init(
		    &s->worker, in.fds[1], ROLE_WORKER, ROLE_MASTER, ST_UP);
		s->kept = in.fds[2];
	}
	slot_claim(z->slots, s->msg.slot, s->msg.session, &s->msg.peer,
	    time_boot_ns());
	z->slots->slots[s->msg.slot].pid = 4242;
}

void
stub_finish(struct stub *z, struct start *s, enum ended how, int32_t value)
{
	fd_close(&s->connection);
	ipc_channel_close(&s->worker);
	fd_close(&s->kept);
	slot_end(z->slots, s->msg.slot, how, value);
}

void
stub_ended_at(struct stub *z, struct start *s, enum ended how, int32_t value,
    enum step step)
{
	struct msg_ended m = {.slot = s->msg.slot,
	    .session = s->msg.session,
	    .pid = 4242,
	    .how = (uint8_t)how,
	    .value = value,
	    .step = (uint8_t)step};

	stub_finish(z, s, how, value);
	stage_tell(&z->ch, MSG_ENDED, &m, NULL, 0);
}

void
stub_ended(struct stub *z, struct start *s, enum ended how, int32_t value)
{
	stub_ended_at(z, s, how, value, STEP_NONE);
}

int
stub_serve(struct world *w, struct stub *z, const struct addr *a,
    const char *service, struct start *s, int builtin)
{
	int peer = peer_connect(a);

	stub_start(z, s, builtin);
	assert_int_equal(event_accepted(w, service), s->msg.session);
	return (peer);
}

void
stub_end(struct stub *z)
{
	ipc_channel_close(&z->ch);
	slot_table_unmap(z->slots);
	close(z->table);
}
