/*
 * pam_portreeve.so as PAM loads it, against a monitor played here: verdicts,
 * limits, and what it does when nobody answers.
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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipc/channel.h"
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

/* The module's path: beside this program's folder, in the build. */
static void
module_path(char *path, size_t size)
{
	char self[512];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *end;

	assert_true(n > 0);
	self[n] = '\0';
	end = strstr(self, "/tests/unit/");
	assert_non_null(end);
	*end = '\0';
	assert_true(
	    (size_t)snprintf(path, size, "%s/pam_portreeve.so", self) < size);
}

static pam_handle_t *
pam_begin(const char *option)
{
	static const struct pam_conv conv = {.conv = converse};
	char path[600], module[512];
	pam_handle_t *pamh = NULL;
	FILE *f;

	module_path(module, sizeof(module));
	assert_int_equal(access(module, R_OK), 0);
	snprintf(path, sizeof(path), "%s/service", folder);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "account required %s %s\nsession required %s %s\n", module,
	    option, module, option);
	fclose(f);
	assert_int_equal(
	    pam_start_confdir("service", "alice", &conv, folder, &pamh),
	    PAM_SUCCESS);
	assert_int_equal(pam_set_item(pamh, PAM_TTY, "ssh"), PAM_SUCCESS);
	assert_int_equal(
	    pam_putenv(pamh, "SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAA\n"
			     "keyboard-interactive/pam\n"),
	    PAM_SUCCESS);
	said[0] = '\0';
	return (pamh);
}

static const char *
with_socket(void)
{
	static char option[80];

	snprintf(option, sizeof(option), "socket=%s", socket_path);
	return (option);
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
	ipc_channel_init(&ch, fd, ROLE_MONITOR, ROLE_LOGIN, ST_UP);
	if (ipc_recv(&ch, &in) != 0 || in.type != type)
		_exit(1);
	if (type == MSG_PAM_ACCOUNT &&
	    (strcmp(in.msg.pam_account.user, "alice") != 0 ||
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
	pam_handle_t *pamh = pam_begin(with_socket());
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
	pam_handle_t *pamh = pam_begin(with_socket());
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
	pam_handle_t *pamh = pam_begin(with_socket());
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
			pam_handle_t *pamh = pam_begin(with_socket());

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
	pam_handle_t *pamh = pam_begin(with_socket());
	int fd = monitor_listen();
	pid_t pid = monitor_answer(fd, MSG_PAM_ACCOUNT, &v, 3);

	(void)state;
	assert_int_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	monitor_done(pid);
	close(fd);
	pam_end(pamh, PAM_SUCCESS);
}

/* No verdict, no login; but a session may always end. */
static void
test_nobody_answers(void **state)
{
	pam_handle_t *pamh = pam_begin(with_socket());
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

/* Without a socket it is no part of the stack, and PAM then refuses. */
static void
test_no_socket(void **state)
{
	pam_handle_t *pamh = pam_begin("");

	(void)state;
	assert_int_not_equal(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	pam_end(pamh, PAM_SUCCESS);
}

/* The daemon's own path, in sshd's environment, comes before the file's. */
static void
test_environment(void **state)
{
	struct msg_pam_verdict v = {.allow = 1};
	pam_handle_t *pamh = pam_begin("socket=/nonexistent/socket");
	int fd = monitor_listen();
	pid_t pid = monitor_answer(fd, MSG_PAM_CLOSE, &v, 0);

	(void)state;
	setenv("PORTREEVE_PAM_SOCKET", socket_path, 1);
	assert_int_equal(pam_close_session(pamh, 0), PAM_SUCCESS);
	unsetenv("PORTREEVE_PAM_SOCKET");
	monitor_done(pid);
	close(fd);
	pam_end(pamh, PAM_SUCCESS);
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
	    cmocka_unit_test(test_nobody_answers),
	    cmocka_unit_test(test_no_socket),
	    cmocka_unit_test(test_environment),
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
