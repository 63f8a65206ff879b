/*
 * The audit process and the host's log: entries of the journal, lines of
 * syslog, and a log daemon that comes late. In a mount namespace, where the
 * sockets are the test's own.
 */
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <sched.h>

#include "tests/stage/audit.h"

/* A /run and a /dev of its own, in which there is a socket of the test's. */
static char stage[64];

static void
stage_isolate(void)
{
	char path[96];
	uid_t uid = getuid();
	gid_t gid = getgid();
	int ordinary = geteuid() != 0;

	if (unshare((ordinary ? CLONE_NEWUSER : 0) | CLONE_NEWNS) < 0)
		goto fail;
	if (ordinary) {
		char map[64];
		int fd;

		snprintf(map, sizeof(map), "%u %u 1", uid, uid);
		if ((fd = open("/proc/self/uid_map", O_WRONLY)) < 0 ||
		    write(fd, map, strlen(map)) < 0)
			goto fail;
		close(fd);
		(void)gid;
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		goto fail;
	snprintf(path, sizeof(path), "%s/run", stage);
	if (mount(path, "/run", NULL, MS_BIND, NULL) < 0)
		goto fail;
	snprintf(path, sizeof(path), "%s/dev", stage);
	if (mount(path, "/dev", NULL, MS_BIND, NULL) < 0)
		goto fail;
	return;
fail:
	perror("the test's mounts");
	_exit(125);
}

static void
stage_make(const char *folder)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", stage, folder);
	assert_int_equal(mkdir(path, 0755), 0);
}

static int
stage_socket(const char *name)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/%s", stage, name);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(chmod(sun.sun_path, 0666), 0);
	return (fd);
}

static void
stage_up(void)
{
	int fd;
	char path[96];

	strlcpy(stage, "/tmp/portreeve-audit-XXXXXX", sizeof(stage));
	assert_non_null(mkdtemp(stage));
	assert_int_equal(chmod(stage, 0755), 0);
	stage_make("run");
	stage_make("run/systemd");
	stage_make("run/systemd/journal");
	stage_make("dev");
	snprintf(path, sizeof(path), "%s/dev/null", stage);
	fd = open(path, O_CREAT | O_WRONLY, 0666);
	assert_true(fd >= 0);
	close(fd);
}

static void
stage_down(void)
{
	static const char *const names[] = {"run/systemd/journal/socket",
	    "run/systemd/journal", "run/systemd", "run", "dev/null", "dev/log",
	    "dev", ""};
	char path[96];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", stage, names[i]);
		remove(path);
	}
}

/* Whether the mounts can be had, asked in a child. */
static int
stage_possible(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		close(2);
		stage_isolate();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return (WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static size_t
receive(int fd, char *buf, size_t size)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t n;

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	n = recv(fd, buf, size - 1, 0);
	assert_true(n > 0);
	buf[n] = '\0';
	return ((size_t)n);
}

static void
hostile_event(struct event_builder *b)
{
	event_begin(b, EV_AUTH_FAILURE);
	event_text(b, FIELD_SERVICE, "ssh");
	event_text(b, FIELD_SOURCE, "::1");
	event_number(b, FIELD_SOURCE_PORT, 40112);
	event_text(b, FIELD_USER, "x\nPORTREEVE_EVENT=auth-success");
	event_text(b, FIELD_METHOD, "password");
	event_text(b, FIELD_REASON, "credentials");
}

/* Entries as the journal's native protocol has them (systemd's
 * JOURNAL_NATIVE_PROTOCOL): NAME=VALUE lines. */
static void
test_journal(void **state)
{
	static const char *const want[] = {"\nPORTREEVE_EVENT=auth-failure\n",
	    "\nPORTREEVE_SERVICE=ssh\n", "\nPORTREEVE_SOURCE=::1\n",
	    "\nPORTREEVE_SOURCE_PORT=40112\n",
	    "\nPORTREEVE_USER=x\\x0aPORTREEVE_EVENT=auth-success\n",
	    "\nPORTREEVE_METHOD=password\n", "\nPORTREEVE_REASON=credentials\n",
	    "\nMESSAGE_ID=0f8c5a4e7d2b4c16b1a0c9b3e5f70006\n", "\nPRIORITY=5\n",
	    "\nSYSLOG_IDENTIFIER=portreeved\n",
	    /* One value. NOLINTNEXTLINE(bugprone-suspicious-missing-comma) */
	    "\nMESSAGE=ssh: login of \"x\\x0aPORTREEVE_EVENT=auth-success\" by "
	    "password from ::1 failed: credentials\n"};
	struct event_builder b;
	char buf[16384] = "\n";
	struct audit a;
	int master, log;

	(void)state;
	stage_up();
	if (!stage_possible()) {
		stage_down();
		print_message("no mount namespace for this user here\n");
		skip();
	}
	log = stage_socket("run/systemd/journal/socket");
	audit_run(&a, 0, stage_isolate);
	master = audit_source(&a, ROLE_LOGREADER, 1);
	hostile_event(&b);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(audit_send_event(master, &b), 0);
		receive(log, buf + 1, sizeof(buf) - 1);
		for (size_t w = 0; w < sizeof(want) / sizeof(want[0]); w++)
			assert_non_null(strstr(buf, want[w]));
		assert_null(strstr(buf, "\nPORTREEVE_EVENT=auth-success"));
	}
	close(log);
	close(master);
	audit_stop(&a);
	stage_down();
}

static void
test_syslog(void **state)
{
	struct event_builder b;
	char buf[16384], *p;
	struct audit a;
	int master, log;

	(void)state;
	stage_up();
	if (!stage_possible()) {
		stage_down();
		print_message("no mount namespace for this user here\n");
		skip();
	}
	log = stage_socket("dev/log");
	audit_run(&a, 0, stage_isolate);
	master = audit_source(&a, ROLE_LOGREADER, 1);
	hostile_event(&b);
	assert_int_equal(audit_send_event(master, &b), 0);
	receive(log, buf, sizeof(buf));
	assert_memory_equal(buf, "<85>", 4); /* authpriv, notice */
	p = strstr(buf, "event=");
	assert_non_null(p);
	assert_string_equal(p,
	    "event=auth-failure service=ssh source=::1 source-port=40112 "
	    "user=\"x\\x0aPORTREEVE_EVENT=auth-success\" method=password "
	    "reason=credentials");
	close(log);
	close(master);
	audit_stop(&a);
	stage_down();
}

/* No log daemon at first: the losses are told when one comes. */
static void
test_log_comes_late(void **state)
{
	struct event_builder b;
	char buf[16384];
	struct audit a;
	int master, log;

	(void)state;
	stage_up();
	if (!stage_possible()) {
		stage_down();
		print_message("no mount namespace for this user here\n");
		skip();
	}
	audit_run(&a, 0, stage_isolate);
	master = audit_source(&a, ROLE_MASTER, 1);
	audit_accepted(&b, 1);
	assert_int_equal(audit_send_event(master, &b), 0);
	log = stage_socket("run/systemd/journal/socket");
	for (;;) {
		struct pollfd p = {.fd = log, .events = POLLIN};

		audit_accepted(&b, 2);
		assert_int_equal(audit_send_event(master, &b), 0);
		if (poll(&p, 1, 100) == 1)
			break;
	}
	receive(log, buf, sizeof(buf));
	assert_non_null(strstr(buf, "PORTREEVE_EVENT=events-dropped\n"));
	assert_non_null(strstr(buf, "PORTREEVE_ROLE=audit\n"));
	/* Once. */
	audit_accepted(&b, 3);
	assert_int_equal(audit_send_event(master, &b), 0);
	do {
		receive(log, buf, sizeof(buf));
		assert_null(strstr(buf, "PORTREEVE_EVENT=events-dropped\n"));
	} while (strstr(buf, "PORTREEVE_SESSION=3\n") == NULL);
	close(log);
	close(master);
	audit_stop(&a);
	stage_down();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_journal),
	    cmocka_unit_test(test_syslog),
	    cmocka_unit_test(test_log_comes_late),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
