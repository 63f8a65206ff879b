/*
 * What all unit tests share that play one end of a channel: every step waits
 * for what the program under test says or does, and fails when that does not
 * come in PATIENCE_MS. For tests/unit and tests/state.
 */
#ifndef PORTREEVE_TESTS_STAGE_STAGE_H
#define PORTREEVE_TESTS_STAGE_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/types.h>

#include "ipc/channel.h"
#include "lib/err.h"
#include "lib/fd.h"

#define PATIENCE_MS 15000

/* Wait until fd is readable. */
void stage_readable(int fd);

/*
 * The next message, of this type, or the test fails. What a program may say at
 * any time (RETIRED, ZYGOTE_LOST, LOOKUP_LOST) is read over. The descriptors in
 * it are the caller's.
 */
void stage_expect(
    struct ipc_channel *ch, enum msg_type type, struct ipc_in *in);

/* The channel's end, RETIRED read over. */
void stage_expect_closed(struct ipc_channel *ch);

/* Send; fds stay the caller's. */
void stage_tell(struct ipc_channel *ch, enum msg_type type, const void *msg,
    const int *fds, size_t nfds);

/* Two ends of a channel, close-on-exec. */
void stage_pair(int pair[2]);

/*
 * Give a zygote, instance 7, its master's channel: both ends that the test
 * plays. pool: workers to be forked ahead of time.
 */
void stage_attach(
    struct ipc_channel *monitor, struct ipc_channel *master, uint16_t pool);

/* Memory of so many bytes, all zero. */
int stage_memfd(size_t size);

/* build/NAME, from the path of the test itself; a static buffer. */
const char *stage_program(const char *name);

/* Everything until the end of the stream, as text; its length. */
size_t stage_read_all(int fd, char *buf, size_t size);

/* How many descriptors a process has open. */
int stage_count_fds(pid_t pid);

/* Wait for a process: the status that it exited with. */
int stage_exit_status(pid_t pid);

#endif
