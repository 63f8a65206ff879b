/*
 * Landlock alone, without the filter that hides it in whole profiles: files,
 * TCP ports, abstract sockets and foreign processes.
 */
#include "tests/stage/sealed.h"

#include <sys/prctl.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>

#include "sandbox/landlock.h"

#define NEED(x)                                                                \
	do {                                                                   \
		if (!(x))                                                      \
			return (__LINE__ % 98 + 1);                            \
	} while (0)

static const uint16_t ports[] = {1};
static const struct sandbox_params params = {.ports = ports, .nports = 1};

static int
run(int (*act)(int abi, const void *arg), enum sandbox_profile id, int abi,
    const void *arg)
{
	int status;
	pid_t pid;

	fflush(NULL);
	if ((pid = fork()) == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		    landlock_restrict(profile_get(id), abi, &params) != 0)
			_exit(SEALED_FAILED);
		_exit(act(abi, arg));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return (WEXITSTATUS(status));
}

static bool
denied(int fd)
{
	return (fd == -1 && errno == EACCES);
}

static int
act_no_files(int abi, const void *arg)
{
	char path[96], other[96];

	(void)abi;
	(void)arg;
	NEED(denied(open("/etc/passwd", O_RDONLY)));
	NEED(denied(open("/etc", O_RDONLY | O_DIRECTORY)));
	NEED(denied(open("/dev/null", O_WRONLY)));
	snprintf(path, sizeof(path), "%s/x", sealed_root);
	snprintf(other, sizeof(other), "%s/y", sealed_root);
	NEED(denied(open(path, O_CREAT | O_WRONLY, 0600)));
	NEED(denied(mkdir(path, 0700)));
	NEED(denied(symlink("/", path)));
	NEED(denied(mkfifo(path, 0600)));
	NEED(denied(unlink("/etc/passwd")));
	NEED(denied(rename("/etc/passwd", other)));
	execl("/bin/true", "true", (char *)NULL);
	NEED(errno == EACCES);
	return (0);
}

static int
act_read_only(int abi, const void *arg)
{
	char path[96];

	(void)abi;
	(void)arg;
	NEED(open("/etc/passwd", O_RDONLY) >= 0);
	NEED(open("/etc", O_RDONLY | O_DIRECTORY) >= 0);
	NEED(denied(open("/dev/null", O_WRONLY)));
	snprintf(path, sizeof(path), "%s/x", sealed_root);
	NEED(denied(open(path, O_CREAT | O_WRONLY, 0600)));
	execl("/bin/true", "true", (char *)NULL);
	NEED(errno == EACCES);
	return (0);
}

/* The ender's: /proc, and signals to everybody. */
static int
act_processes(int abi, const void *arg)
{
	(void)abi;
	(void)arg;
	NEED(open("/proc/self/stat", O_RDONLY) >= 0);
	NEED(open("/proc", O_RDONLY | O_DIRECTORY) >= 0);
	NEED(denied(open("/proc/self/comm", O_WRONLY)));
	NEED(denied(open("/etc/passwd", O_RDONLY)));
	NEED(denied(open("/", O_RDONLY | O_DIRECTORY)));
	NEED(kill(getppid(), 0) == 0);
	return (0);
}

static void
test_files(void **state)
{
	int abi = landlock_get_abi();

	(void)state;
	assert_true(abi >= 2);
	/* Every level that this kernel can play. */
	for (int level = 1; level <= abi; level++) {
		assert_int_equal(
		    run(act_no_files, SANDBOX_MASTER, level, NULL), 0);
		assert_int_equal(
		    run(act_read_only, SANDBOX_LOOKUP, level, NULL), 0);
		assert_int_equal(
		    run(act_processes, SANDBOX_ENDER, level, NULL), 0);
	}
}

static int
tcp_try(int (*call)(int, const struct sockaddr *, socklen_t), uint16_t port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd, rc;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	rc = call(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0 ? 0 : errno;
	close(fd);
	return (rc);
}

/* arg: the ports' rights of a profile, as connect to 1, connect to 53, bind. */
static int
act_ports(int abi, const void *arg)
{
	const bool *may = arg;
	bool held = abi >= 4;

	NEED((tcp_try(connect, 1) == EACCES) == (held && !may[0]));
	NEED((tcp_try(connect, 53) == EACCES) == (held && !may[1]));
	NEED((tcp_try(bind, 0) == EACCES) == (held && !may[2]));
	return (0);
}

static void
test_ports(void **state)
{
	static const bool none[] = {false, false, false};
	static const bool resolver[] = {false, true, false};
	static const bool servers[] = {true, false, false};
	static const bool outbound[] = {true, true, false};
	int abi = landlock_get_abi();

	(void)state;
	if (abi < 4)
		print_message("not applicable: Landlock of level %d knows no "
			      "TCP ports\n",
		    abi);
	for (int level = 2; level <= abi; level++) {
		assert_int_equal(
		    run(act_ports, SANDBOX_ZYGOTE_FTP, level, none), 0);
		assert_int_equal(
		    run(act_ports, SANDBOX_LOOKUP, level, resolver), 0);
		assert_int_equal(
		    run(act_ports, SANDBOX_TACPLUS, level, servers), 0);
		assert_int_equal(
		    run(act_ports, SANDBOX_CALLER, level, outbound), 0);
	}
}

static int
act_others(int abi, const void *arg)
{
	const struct sockaddr_un *sun = arg;
	bool held = abi >= 6;
	int fd;

	NEED((kill(getppid(), 0) == -1) == held);
	NEED(kill(getpid(), 0) == 0);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	NEED((connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == -1) ==
	     held);
	return (0);
}

static void
test_others(void **state)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int abi = landlock_get_abi(), fd;

	(void)state;
	if (abi < 6)
		print_message("not applicable: Landlock of level %d knows no "
			      "scopes\n",
		    abi);
	snprintf(sun.sun_path + 1, sizeof(sun.sun_path) - 1,
	    "portreeve-landlock-%d", (int)getpid());
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(fd, 16), 0);
	for (int level = 2; level <= abi; level++)
		assert_int_equal(
		    run(act_others, SANDBOX_MASTER, level, &sun), 0);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_files),
	    cmocka_unit_test(test_ports),
	    cmocka_unit_test(test_others),
	};

	return (cmocka_run_group_tests(tests, sealed_setup, sealed_teardown));
}
