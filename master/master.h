/*
 * What the master's modules share: one struct master a process, passed to
 * every function. Master only: own uid, no capability, empty root. The loop
 * is libuv's; each module is told of messages and readiness by its own
 * functions, and reaches the others through this struct.
 */
#ifndef PORTREEVE_MASTER_MASTER_H
#define PORTREEVE_MASTER_MASTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "audit/event.h"
#include "ipc/channel.h"
#include "master/state.h"
#include "master/watch.h"

struct control;
struct listeners;
struct lookup;
struct penalties;
struct report;
struct resource;
struct services;
struct sessions;
struct zygotes;

struct master {
	uv_loop_t loop;
	struct ipc_channel monitor;
	uv_poll_t monitor_poll;
	uv_timer_t monitor_timer; /* while it rests */
	bool owes_accepting;	  /* ACCEPTING found no room in the channel */
	bool running;		  /* CONFIGURED came at least once */
	uint32_t generation;
	struct state *state; /* NULL until STATE */
	struct watcher watcher;
	struct listeners *listeners;
	struct control *control;
	struct lookup *lookup;
	struct penalties *penalties;
	struct report *report;
	struct resource *resource;
	struct services *services;
	struct sessions *sessions;
	struct zygotes *zygotes;
};

#define CONTAINER_OF(p, type, member)                                          \
	((type *)(void *)((char *)(p)-offsetof(type, member)))

#endif
