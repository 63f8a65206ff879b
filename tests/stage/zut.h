/*
 * Plays monitor and master to a real zygote of a built-in service over real
 * channels: unsealed in a fork of the test, or the program itself, sealed.
 * For tests/unit/workers.
 */
#ifndef PORTREEVE_TESTS_STAGE_ZUT_H
#define PORTREEVE_TESTS_STAGE_ZUT_H

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/channel.h"
#include "ipc/state.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "tests/stage/stage.h"
#include "workers/common/zygote.h"

/* For what another process does to memory or to /proc: no event tells it. */
#define WAIT_UNTIL(condition)                                                  \
	do {                                                                   \
		uint64_t deadline_ = worker_deadline(PATIENCE_MS);             \
                                                                               \
		while (!(condition)) {                                         \
			assert_true(time_boot_ns() < deadline_);               \
			sched_yield();                                         \
		}                                                              \
	} while (0)

struct zut { /* zygote under test */
	pid_t pid;
	struct ipc_channel monitor, master; /* this side's ends */
	struct slot_table *slots;
	int table; /* the slot table's file */
};

/* A session under test. */
struct sut {
	uint32_t slot;
	uint64_t session;
	int peer;		   /* the stranger's end */
	struct ipc_channel worker; /* the master's end */
};

/* A channel of the master's to the zygote; ATTACHED is read. */
void zut_attach(struct zut *z, uint16_t pool);
void zut_table(struct zut *z);
void zut_send_table(struct zut *z);

/*
 * A zygote unsealed, in a fork; its table may be an earlier one's. before(), if
 * any, is called in it first.
 */
void zut_fork(
    struct zut *z, const struct zygote_ops *ops, void (*before)(void));
void zut_new_limited(struct zut *z, const struct zygote_ops *ops, uint16_t pool,
    void (*before)(void));
void zut_new(struct zut *z, const struct zygote_ops *ops, uint16_t pool);

/*
 * A role's own program, as the monitor starts it; sealed whole as root, at the
 * level rootless as anybody else; before() runs first. Waits for READY.
 */
void zut_exec(struct zut *z, enum role role, const char *path, char *title,
    struct msg_seal *seal, void (*before)(void));
void sut_addresses(struct addr *peer, struct addr *local);

/* START for the session; fails as ipc_send() does. */
int sut_try_start(
    struct zut *z, struct sut *s, uint32_t slot, uint64_t session);
void sut_start(struct zut *z, struct sut *s, uint32_t slot, uint64_t session);
void sut_say(struct sut *s, const char *text);

/* All that the worker says until it ends. */
size_t sut_read(struct sut *s, char *buf, size_t size);
void sut_close(struct sut *s);

/* It is ENDED for this session, and the slot says the same. */
int32_t zut_check_ended(struct zut *z, const struct sut *s,
    const struct ipc_in *in, enum ended how, int value);
int32_t zut_expect_ended(
    struct zut *z, const struct sut *s, enum ended how, int value);
uint32_t zut_running(const struct zut *z);

/* Wait for the zygote itself; returns its exit status. */
int zut_wait(struct zut *z);
void zut_free(struct zut *z);
void zut_stop(struct zut *z);

#endif
