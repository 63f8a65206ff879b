/*
 * pam_portreeve.so as PAM loads it, against a monitor played here: verdicts,
 * limits, what it does when nobody answers, and that it does nothing where the
 * ssh zygote's variable was not there when it was loaded.
 */
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <security/pam_appl.h>

#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/channel.h"
#include "ipc/protocol.h"
#include "tests/stage/stage.h"
#include "lib/fd.h"

static char folder[] = "/tmp/portreeve-pam-XXXXXX";
static char socket_path[64], said[1024];

/* --- PAM's side -------------------------------------------------------------
 */

static int
converse(int n, const struct pam_message **msg, struct pam_response **resp,
    void *arg)
{
	(void)arg;
	for (int i = 0; i < n; i++)
		snprintf(said, sizeof(said), "%s", msg[i]->msg);
	*resp = calloc((size_t)n, sizeof(**resp));
	return (*resp == NULL ? PAM_BUF_ERR : PAM_SUCCESS);
}

/* variable: of the ssh zygote; NULL: this is no sshd of ours. */
static pam_handle_t *
pam_begin(const char *variable)
{
	static const struct pam_conv conv = {.conv = converse};
	const char *module = stage_program("pam_portreeve.so");
	char path[600];
	pam_handle_t *pamh = NULL;
	FILE *f;

	assert_int_equal(access(module, R_OK), 0);
	snprintf(path, sizeof(path), "%s/service", folder);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f,
	    "auth required %s\naccount required %s\n"
	    "session required %s\nsession optional pam_permit.so\n",
	    module, module, module);
	fclose(f);
	if (variable != NULL)
		setenv("PORTREEVE_PAM_SOCKET", variable, 1);
	else
		unsetenv("PORTREEVE_PAM_SOCKET");
	assert_int_equal(
	    pam_start_confdir("service", "root", &conv, folder, &pamh),
	    PAM_SUCCESS);
	assert_int_equal(pam_set_item(pamh, PAM_TTY, "ssh"), PAM_SUCCESS);
	assert_int_equal(
	    pam_putenv(pamh, "SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAA\n"
			     "keyboard-interactive/pam\n"),
	    PAM_SUCCESS);
	said[0] = '\0';
	return (pamh);
}

/* --- the monitor's side ------------------------------------------------------
 */

static int
monitor_listen(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	memcpy(sun.sun_path, socket_path, strlen(socket_path) + 1);
	unlink(socket_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return (fd);
}

/*
 * In a process of its own: answer one question and leave with 0 when it was
 * the one that is expected. hang_up: of so many connections first.
 */
static pid_t
monitor_answer(int listener, enum msg_type type,
    const struct msg_pam_verdict *v, int hang_up)
{
	pid_t pid = fork();
	struct ipc_channel ch;
	struct ipc_in in;
	int fd;

	assert_true(pid >= 0);
	if (pid > 0)
		return (pid);
	while (hang_up-- > 0)
		close(accept(listener, NULL, NULL));
	fd = accept(listener, NULL, NULL);
	ipc_channel_init(&ch, fd, ROLE_MONITOR, ROLE_LOGIN, ST_NEW);
	if (ipc_recv(&ch, &in) != 0 || in.type != MSG_PAM_HELLO ||
	    ipc_judge_hello(&ch, &in) != 0)
		_exit(5);
	if (ipc_recv(&ch, &in) != 0 || in.type != type)
		_exit(1);
	if (type == MSG_PAM_ACCOUNT &&
	    (strcmp(in.msg.pam_account.user, "root") != 0 ||
		strcmp(in.msg.pam_account.method, "keyboard-interactive") != 0))
		_exit(2);
	if (type == MSG_PAM_OPEN && strcmp(in.msg.pam_open.tty, "ssh") != 0)
		_exit(3);
	_exit(ipc_send(&ch, MSG_PAM_VERDICT, v, NULL, 0) == 0 ? 0 : 4);
}

static void
monitor_done(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* --- tests -------------------------------------------------------------------
 */

static void
test_allowed(void **state)
{
	struct msg_pam_verdict v = {.allow = 1};
	pam_handle_t *pamh = pam_begin(socket_path);
	int fd = monitor_listen();
	pid_t pid = monitor_answer(fd, MSG_PAM_ACCOUNT, &v, 0);

	(void)state;
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	monitor_done(pid);
	assert_string_equal(said, "");
	close(fd);
	pam_end(pamh, PAM_SUCCESS);
}

/* The user is told in a sentence, and the log in a line of ours. */
static void
test_refused(void **state)
{
	struct msg_pam_verdict v = {.allow = 0, .reason = "user-limit"};
	pam_handle_t *pamh = pam_begin(socket_path);
	int fd = monitor_listen(), log[2], saved = dup(2);
	pid_t pid = monitor_answer(fd, MSG_PAM_ACCOUNT, &v, 0);
	char line[128];
	ssize_t n;

	(void)state;
	assert_int_equal(fd_seqpacket_pair(log), 0);
	dup2(log[1], 2);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
	dup2(saved, 2);
	close(saved);
	close(log[1]);
	monitor_done(pid);
	assert_non_null(strstr(said, "End a session first"));
	n = read(log[0], line, sizeof(line));
	assert_int_equal(n, strlen("pam_portreeve: refused user-limit\r\n"));
	assert_memory_equal(
	    line, "pam_portreeve: refused user-limit\r\n", (size_t)n);
	close(log[0]);
	close(fd);
	pam_end(pamh, PAM_SUCCESS);
}

static void
test_refused_session(void **state)
{
	struct msg_pam_verdict v = {.allow = 0, .reason = "user-limit"};
	pam_handle_t *pamh = pam_begin(socket_path);
	int fd = monitor_listen();
	pid_t pid = monitor_answer(fd, MSG_PAM_OPEN, &v, 0);

	(void)state;
	assert_int_equal(pam_open_session(pamh, 0), PAM_SESSION_ERR);
	monitor_done(pid);
	close(fd);
	pam_end(pamh, PAM_SUCCESS);
}

/* It lowers the limit of processes, and never raises a lower one. */
static void
test_limit(void **state)
{
	static const rlim_t before[] = {1000, 30}, after[] = {40, 30};
	struct msg_pam_verdict v = {.allow = 1, .processes = 40};

	(void)state;
	for (int i = 0; i < 2; i++) {
		int fd = monitor_listen(), status;
		pid_t answer = monitor_answer(fd, MSG_PAM_OPEN, &v, 0), pid;

		pid = fork();
		if (pid == 0) {
			struct rlimit limit = {before[i], before[i]};
			pam_handle_t *pamh = pam_begin(socket_path);

			if (setrlimit(RLIMIT_NPROC, &limit) != 0 ||
			    pam_open_session(pamh, 0) != PAM_SUCCESS ||
			    getrlimit(RLIMIT_NPROC, &limit) != 0)
				_exit(1);
			_exit(limit.rlim_cur == after[i] &&
				      limit.rlim_max == after[i]
				  ? 0
				  : 2);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		monitor_done(answer);
		close(fd);
	}
}

/* A monitor that is being restarted hangs up; it is asked again. */
static void
test_asked_again(void **state)
{
	struct msg_pam_verdict v = {.allow = 1};
	pam_handle_t *pamh = pam_begin(socket_path);
	int fd = monitor_listen();
	pid_t pid = monitor_answer(fd, MSG_PAM_ACCOUNT, &v, 3);

	(void)state;
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	monitor_done(pid);
	close(fd);
	pam_end(pamh, PAM_SUCCESS);
}

/*
 * After an upgrade the daemon that runs is another build's until it is started
 * again: meanwhile a login waits, and is not refused.
 */
static void
test_another_build_is_waited_for(void **state)
{
	struct msg_pam_verdict v = {.allow = 1};
	pam_handle_t *pamh = pam_begin(socket_path);
	int fd = monitor_listen(), status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		for (int i = 0; i < 2; i++) {
			struct msg_other_build other = {.words = "restart"};
			struct ipc_channel ch;
			struct ipc_in in;

			ipc_channel_init(&ch, accept(fd, NULL, NULL),
			    ROLE_MONITOR, ROLE_LOGIN, ST_NEW);
			if (ipc_recv(&ch, &in) != 0 ||
			    in.msg.pam_hello.protocol !=
				ipc_protocol(ROLE_LOGIN) ||
			    ipc_send(&ch, MSG_OTHER_BUILD, &other, NULL, 0) !=
				0)
				_exit(1);
			ipc_channel_close(&ch);
		}
		pid = monitor_answer(fd, MSG_PAM_ACCOUNT, &v, 0);
		_exit(waitpid(pid, &status, 0) == pid ? status != 0 : 2);
	}
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	monitor_done(pid);
	close(fd);
	pam_end(pamh, PAM_SUCCESS);
}

/* No verdict, no login; but a session may always end. */
static void
test_nobody_answers(void **state)
{
	pam_handle_t *pamh = pam_begin(socket_path);
	int fd;

	(void)state;
	unlink(socket_path);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
	assert_non_null(strstr(said, "does not answer"));
	assert_int_equal(pam_close_session(pamh, 0), PAM_SUCCESS);
	/* Somebody listens and says nothing. */
	fd = monitor_listen();
	assert_int_equal(pam_open_session(pamh, 0), PAM_SESSION_ERR);
	close(fd);
	pam_end(pamh, PAM_SUCCESS);
}

/* In another's sshd it is no part of the stack, and PAM then refuses. */
static void
test_not_ours(void **state)
{
	pam_handle_t *pamh = pam_begin(NULL);
	int fd = monitor_listen();
	struct pollfd p = {.fd = fd, .events = POLLIN};

	(void)state;
	/* A user's variable that comes later changes nothing. */
	setenv("PORTREEVE_PAM_SOCKET", socket_path, 1);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
	assert_int_equal(pam_open_session(pamh, 0), PAM_SUCCESS);
	assert_int_equal(pam_close_session(pamh, 0), PAM_SUCCESS);
	assert_int_equal(poll(&p, 1, 0), 0);
	close(fd);
	pam_end(pamh, PAM_SUCCESS);
}

/* sshd empties the environment of the child that asks for answers. */
static void
test_environment_emptied(void **state)
{
	struct msg_pam_verdict v = {.allow = 0, .reason = "user-limit"};
	pam_handle_t *pamh = pam_begin(socket_path);
	int fd = monitor_listen();
	pid_t pid = monitor_answer(fd, MSG_PAM_ACCOUNT, &v, 0);

	(void)state;
	assert_int_equal(clearenv(), 0);
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
	monitor_done(pid);
	close(fd);
	pam_end(pamh, PAM_SUCCESS);
}

/* What is no path of a socket is ours all the same: nobody gets in. */
static void
test_not_a_path(void **state)
{
	pam_handle_t *pamh = pam_begin("relative/socket");

	(void)state;
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
	assert_non_null(strstr(said, "does not answer"));
	pam_end(pamh, PAM_SUCCESS);
}

struct opening {
	pam_handle_t *pamh;
	int result;
};

static int
open_elsewhere(void *arg)
{
	struct opening *o = arg;

	o->result = pam_open_session(o->pamh, 0);
	_exit(0);
}

/*
 * A module behind ours may raise the limit; the credentials come last. The
 * session is opened in a process that shares memory and no limits, as if the
 * limit had been raised again, which needs a capability.
 */
static int
limit_again(void)
{
	static uint8_t stack[262144] __attribute__((aligned(16)));
	struct rlimit limit = {1000, 1000};
	struct opening o = {.pamh = pam_begin(socket_path), .result = -1};

	if (setrlimit(RLIMIT_NPROC, &limit) != 0 ||
	    clone(open_elsewhere, stack + sizeof(stack), CLONE_VM | CLONE_VFORK,
		&o) < 0 ||
	    o.result != PAM_SUCCESS)
		return (1);
	pam_setcred(o.pamh, PAM_DELETE_CRED);
	if (getrlimit(RLIMIT_NPROC, &limit) != 0 || limit.rlim_max != 1000)
		return (2);
	if (pam_setcred(o.pamh, PAM_ESTABLISH_CRED) != PAM_SUCCESS ||
	    getrlimit(RLIMIT_NPROC, &limit) != 0)
		return (3);
	return (limit.rlim_cur == 40 && limit.rlim_max == 40 ? 0 : 4);
}

static void
test_limit_again(void **state)
{
	struct msg_pam_verdict v = {.allow = 1, .processes = 40};
	int fd = monitor_listen(), status;
	pid_t answer = monitor_answer(fd, MSG_PAM_OPEN, &v, 0), pid = fork();

	(void)state;
	if (pid == 0)
		_exit(limit_again());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	monitor_done(answer);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_allowed),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_refused_session),
	    cmocka_unit_test(test_limit),
	    cmocka_unit_test(test_asked_again),
	    cmocka_unit_test(test_another_build_is_waited_for),
	    cmocka_unit_test(test_nobody_answers),
	    cmocka_unit_test(test_not_ours),
	    cmocka_unit_test(test_environment_emptied),
	    cmocka_unit_test(test_not_a_path),
	    cmocka_unit_test(test_limit_again),
	};
	int failed;

	if (mkdtemp(folder) == NULL)
		return (1);
	snprintf(socket_path, sizeof(socket_path), "%s/socket", folder);
	failed =
	    cmocka_run_group_tests_name("pam_portreeve", tests, NULL, NULL);
	unlink(socket_path);
	snprintf(said, sizeof(said), "%s/service", folder);
	unlink(said);
	rmdir(folder);
	return (failed);
}
