/*
 * The first steps of every role, as the fresh image of an exec by the monitor:
 * take its channel, be told how to seal, seal, say READY. Runs with the
 * monitor's privilege until role_seal() has returned, and with the profile's
 * afterwards. Believes the monitor, and nobody else: nothing but descriptor 3
 * is read here, and only the catalogue's SEAL.
 *
 * What goes wrong is reported to the monitor and ends the process:
 * no role serves unsealed.
 */
#ifndef PORTREEVE_ROLE_ROLE_H
#define PORTREEVE_ROLE_ROLE_H

#include "ipc/channel.h"
#include "sandbox/sandbox.h"

#define ROLE_MONITOR_FD 3

struct role_self {
	struct ipc_channel monitor;
	struct msg_seal seal; /* what the monitor said */
	/* What a role that starts programs may write: set before role_seal() */
	const char *const *writable;
	size_t nwritable;
	/* TCP ports that it reaches, of tacplus: likewise */
	const uint16_t *ports;
	size_t nports;
};

/*
 * Take descriptor 3 and wait for SEAL. Names the process and its log lines by
 * argv[0], "portreeve: ROLE [SERVICE]". Exits when there is no monitor.
 */
void role_receive(struct role_self *s, enum role self, char **argv);

/*
 * Seal as s->seal says and tell READY. Between the two calls a role does what
 * its filter forbids later (signal descriptors, tables read once); all of that
 * concerns only itself, no stranger's byte is near.
 */
void role_seal(struct role_self *s);

/* Both, for a role that prepares nothing. */
void role_start(struct role_self *s, enum role self, char **argv);

/* The answer to a PING. */
void role_pong(struct ipc_channel *monitor, const struct msg_ping *ping);

/*
 * One message of the monitor's, 0: it is the role's to obey, and its
 * descriptors to close. Never waits. ERR_AGAIN: there was none for it (a PING
 * is answered here), or no memory to take it just now. ERR_CLOSED: there is no
 * monitor to go on with; a breach is logged.
 */
int role_hear(struct ipc_channel *monitor, struct ipc_in *in);

/*
 * After each poll() of a role's loop, with what it returned: one that fails is
 * tried again after a moment, and ends the role when it goes on failing.
 */
void role_poll_failed(int n);

/* Tell the monitor why this role cannot go on, log it, exit 1. */
void role_fail(struct role_self *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), noreturn));

/*
 * In a process forked by a zygote: turn "portreeve: zygote SERVICE" into
 * "portreeve: worker SERVICE" in ps. No system call; one page is written.
 */
void role_retitle_worker(void);

#endif
