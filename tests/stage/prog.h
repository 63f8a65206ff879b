/*
 * Plays monitor and master to a real program zygote, unsealed (sealing has
 * tests of its own), over real channels. For tests/unit/workers/common.
 */
#ifndef PORTREEVE_TESTS_STAGE_PROG_H
#define PORTREEVE_TESTS_STAGE_PROG_H

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/channel.h"
#include "ipc/state.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "sandbox/raw.h"
#include "tests/stage/stage.h"
#include "workers/common/program.h"

/* As the zygotes' own: a negative errno. */
int raw_execve(const char *path, char *const argv[], char *const envp[]);

struct prog {
	pid_t pid;
	struct ipc_channel monitor, master; /* this side's ends */
	struct ipc_channel reader; /* the logreader's; fd -1: there is none */
	struct slot_table *slots;
};

/* A program's message: argv is ended by NULL; one variable, HOME=/. */
void prog_message(
    struct msg_program *m, const char *path, const char *const *argv);
void prog_attach(struct prog *z);
void prog_send_program(struct prog *z, const struct msg_program *m);

/* Play the logreader too, from now on. */
void prog_attach_log(struct prog *z);

/* A connection's reading end, as the logreader gets it. */
int prog_take_log(struct prog *z, struct msg_log_connection *m);

/* `limit` is called in the zygote, before anything else. */
void prog_new_limited(struct prog *z, const struct program_ops *ops,
    const struct msg_program *program, void (*limit)(void));
void prog_new(struct prog *z, const struct program_ops *ops,
    const struct msg_program *program);
void prog_start_message(struct msg_start *m, uint32_t slot, uint64_t session);

/* Returns the peer's end of the connection. */
int prog_start_one(struct prog *z, uint32_t slot, uint64_t session);
void prog_expect_ended(
    struct prog *z, uint32_t slot, uint64_t session, enum ended how, int value);

/* One read; at most ten seconds. */
size_t read_some(int fd, char *buf, size_t size);

/* One line, without its newline. */
void read_line(int fd, char *buf, size_t size);

/* Wait for the zygote itself; returns its exit status. */
int prog_wait(struct prog *z);
void prog_stop(struct prog *z);

#endif
