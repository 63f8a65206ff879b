/*
 * Plays monitor, zygotes, lookup, audit, clients and strangers to the master's
 * own program, sealed as in life (as root: with an identity and an empty root
 * of its own), over real channels and real loopback connections. Nothing
 * waits for a time to pass: every step waits for what the master says or does,
 * and fails when that does not come. For tests/unit/master.
 */
#ifndef PORTREEVE_TESTS_STAGE_WORLD_H
#define PORTREEVE_TESTS_STAGE_WORLD_H

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <netinet/in.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

#include <cmocka.h>

#include <bsd/string.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/event.h"
#include "tests/stage/stage.h"
#include "ipc/channel.h"
#include "ipc/protocol.h"
#include "ipc/state.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "sandbox/sandbox.h"

#define MASTER_UID 64321 /* nobody's */

/* A zygote that the test plays. */
struct stub {
	struct ipc_channel ch;
	struct slot_table *slots;
	int table;
	uint32_t instance;
};

struct world {
	pid_t master;
	struct ipc_channel mon;	  /* the monitor's end */
	struct ipc_channel audit; /* audit's end */
	int audit_master;	  /* the master's, kept for the next one */
	struct ipc_channel lookup;
	int state;   /* its file */
	int control; /* listening, kept for the next master */
	char dir[64];
	char control_path[108];
	uint32_t generation;
	rlim_t nofile;	       /* 0: as it is */
	bool passes_shortages; /* event_next(): they come when they come */
};

/* A START as a zygote gets it. */
struct start {
	struct msg_start msg;
	int connection;
	struct ipc_channel worker; /* the worker's end */
	int kept;		   /* the zygote's copy of the master's end */
};
void stage_spawn(struct world *w, int channel);
void stage_seal(struct world *w);

/* A master, sealed, that has audit's channel, the state and the socket. */
void world_start_master(struct world *w);
void world_control(struct world *w);
void world_start(struct world *w);

/* Killed as by a fault; what it left stays. */
void world_kill_master(struct world *w);

/* The end of a test: the master is still alive, unless it was ended. */
void world_end(struct world *w);
void world_service(struct world *w, uint16_t number, enum service_kind kind,
    const char *name, uint32_t connections, uint32_t rate);

/* Bound to an address of loopback (or any), a port of the kernel's choice. */
int world_bind(const char *address, int type, struct addr *out);
void world_listener_fd(struct world *w, uint32_t id, uint16_t number,
    const char *name, int fd, const struct addr *a, int datagram, int wait);

/* A listening TCP socket; the test keeps fd. */
int world_listen(struct world *w, uint32_t id, uint16_t number,
    const char *name, const char *address, struct addr *a);

/* Give a master the channel of a zygote that has its slot table already. */
void world_attach(
    struct world *w, struct stub *z, uint16_t number, int retired);
void world_zygote(
    struct world *w, struct stub *z, uint16_t number, uint32_t instance);

/* As the monitor: it has been waited for. */
void world_zygote_gone(struct world *w, const struct stub *z);

/* All is told; returns when the master accepts. */
void world_configured(struct world *w);

/* One whole turn of the master's loop, or more: a client comes and is answered.
 */
void world_turn(struct world *w);

/*
 * The master has done all that was asked of it before, and what followed from
 * it: it says so on the monitor's channel, then its loop has turned twice.
 */
void world_sync(struct world *w);

#endif
