/*
 * One service with a listener and a zygote around a master, configured. For
 * tests/unit/master.
 */
#include "tests/stage/fixture.h"

#include "tests/stage/heard.h"
#include "tests/stage/peer.h"

void
fixture_configure(struct fixture *f, const struct fixture_service *s)
{
	world_service(
	    &f->w, FIXTURE_NUMBER, s->kind, s->name, s->connections, s->rate);
	world_listener_fd(
	    &f->w, 7, FIXTURE_NUMBER, s->name, f->listener, &f->a, 0, 0);
	if (s->both)
		world_listener_fd(&f->w, 8, FIXTURE_NUMBER, s->name,
		    f->listener6, &f->a6, 0, 0);
}

void
fixture_begin(struct fixture *f, const struct fixture_service *s)
{
	memset(f, 0, sizeof(*f));
	f->w.nofile = s->nofile;
	f->lookup.fd = f->listener6 = -1;
	world_start(&f->w);
	f->listener = world_bind("127.0.0.1", SOCK_STREAM, &f->a);
	if (s->both)
		f->listener6 = world_bind("::1", SOCK_STREAM, &f->a6);
	fixture_configure(f, s);
	world_zygote(&f->w, &f->z, FIXTURE_NUMBER, 1);
	world_configured(&f->w);
}

void
fixture_end(struct fixture *f)
{
	event_none(&f->w);
	ipc_channel_close(&f->lookup);
	world_end(&f->w);
	stub_end(&f->z);
	close(f->listener);
	fd_close(&f->listener6);
}

void
fixture_lookup(struct fixture *f)
{
	struct msg_lookup m = {.end_ = 0};
	int pair[2];

	stage_pair(pair);
	stage_tell(&f->w.mon, MSG_LOOKUP, &m, &pair[1], 1);
	close(pair[1]);
	ipc_channel_close(&f->lookup);
	ipc_channel_init(&f->lookup, pair[0], ROLE_LOOKUP, ROLE_MASTER, ST_UP);
}

void
fixture_over(struct fixture *f, struct stub *z, struct start *s, int peer)
{
	stub_ended(z, s, ENDED_EXITED, 0);
	event_closed(&f->w, s->msg.session, "0");
	peer_reads(peer, "");
}
