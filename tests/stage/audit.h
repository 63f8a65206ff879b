/*
 * The audit process, started and sealed as in life: the test plays the monitor
 * and the sources. As root with the full sandbox, as an ordinary user with the
 * rootless one.
 */
#ifndef PORTREEVE_TESTS_STAGE_AUDIT_H
#define PORTREEVE_TESTS_STAGE_AUDIT_H

#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bsd/string.h>
#include <unistd.h>

#include <cmocka.h>

#include "audit/event.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "sandbox/sandbox.h"
#include "tests/stage/stage.h"

#define TEST_ID 61234 /* nobody's uid and gid */

struct audit {
	pid_t pid;
	struct ipc_channel ch; /* the monitor's end */
	int out;	       /* what it writes in the foreground, or -1 */
	char buf[65536];
	size_t used;
};

/* fds 0 and 1 as given, 3 the channel, 2 the test's own. */
void audit_exec(int channel, int out);
/* isolate (may be NULL) runs in the child, before the exec. */
void audit_run(struct audit *a, int foreground, void (*isolate)(void));

/* A new source; returns the other end, to be closed by the caller. */
int audit_source(struct audit *a, enum role role, uint32_t number);
void audit_wait_exit(struct audit *a, int want);
void audit_stop(struct audit *a);

/* The next line that it writes, waited for; "" at the end. */
const char *audit_line(struct audit *a);
void audit_accepted(struct event_builder *b, uint64_t session);
int audit_send_event(int fd, const struct event_builder *b);

#endif
