/*
 * The login process as it is built, with its two neighbours played: monitor
 * and worker. Runs as root in a mount namespace of its own, where /etc is a
 * copy with users of the tests, and /run, /home and /var/log are empty.
 */
#ifndef PORTREEVE_TESTS_STAGE_LOGIN_H
#define PORTREEVE_TESTS_STAGE_LOGIN_H

#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/channel.h"
#include "ipc/state.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "lib/role.h"
#include "policy/root.h"
#include "tests/stage/stage.h"

#define ALICE_UID 47113u
#define BOB_UID 47114u
#define ALICE "Wonderland-7"
#define ROOTS "Rootwurzel-9"

/* sha512-crypt with 1,000 rounds, made once with crypt(3). */
#define ALICE_HASH                                                             \
	"$6$rounds=1000$portreevetest$7kcj/yfl28J1ohTrdExGLSBMo8Sx5CszzjZ6D"   \
	"3xrYNJ7wkrPRtOagQ0fteBEhfRpj6pK4pqPKnomKQFSYKzUV0"
#define ROOTS_HASH                                                             \
	"$6$rounds=1000$portreevetest$d/iKQ.zH8UTyoYbbe1ORJb3sZ.nquZWcFQYo7"   \
	"6QuDBSaJ146QoKhcMmayk8cUipNxQfAeNQVVKi0PWMNdcb8o0"

struct play {
	pid_t pid;
	struct ipc_channel monitor, worker; /* our ends */
	struct ipc_in in;		    /* the last message received */
	char said[8192];		    /* LOGIN_TEXT so far */
	int tty;			    /* of SESSION_STARTED; -1 */
	struct msg_login_opened opened;
};

extern struct play play;
extern bool have_world;

/* --- the world --------------------------------------------------------- */

void write_file(const char *path, const char *text, mode_t mode);
void append_file(const char *path, const char *text);
void run_program(const char *const argv[]);
void mount_below(const char *name, const char *target);

/* The rows of the tests' users; alice's of shadow may be changed by a test. */
void write_users(const char *alice_hash, const char *alice_rest);

/* PAM as our service file has it; no module that needs more of a system. */
void write_pam(const char *auth);
void reset_world(void);
int enter_world(void **state);
int leave_world(void **state);

/* --- one login --------------------------------------------------------- */

struct msg_login_start default_start(void);

void play_begin(const struct msg_login_start *start);

/* The exit status of the login process; a signal as 1000 + its number. */
int play_status(void);
int play_end(void);

/* After a test, also one that failed: nothing is left. */
int clean_up(void **state);

/* The next message on a channel: its type; MSG_COUNT at its end. */
enum msg_type next_on(struct ipc_channel *ch);
void expect_on(struct ipc_channel *ch, enum msg_type type);

/* The worker's next message that is no LOGIN_TEXT; those are gathered. */
enum msg_type worker_next(void);
void worker_expect(enum msg_type type);

/* The bytes of LOGIN_AGAIN, LOGIN_OVER or LOGIN_PROMPT. */
const char *text_of(void);
void send_user(const char *user, const char *term);
void send_answer(const char *answer);

/* A name and a password, up to PAM's verdict. */
void give(const char *user, const char *password);
void expect_failure(enum login_failure reason);

/* The monitor's verdict, and for a yes the session. */
void let_in(uint32_t processes);

/* --- the session ------------------------------------------------------- */

/* Read the terminal until text is there, or its end; false at the end. */
bool tty_until(char *buf, size_t size, const char *text);
void tty_say(const char *line);

/* A command's output, between marks that its echo does not have. */
const char *tty_run(const char *command);

#define WORLD_TEST(f) cmocka_unit_test_teardown(f, clean_up)
#define NEEDS_WORLD()                                                          \
	do {                                                                   \
		(void)state;                                                   \
		if (!have_world)                                               \
			skip();                                                \
	} while (0)

#endif
