/*
 * The profile that starts programs which are not ours: it is root still, so
 * what it may not do is tried from inside, and that its programs run.
 */
#include "tests/stage/sealed.h"

#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>

static char folder[64];

#define NEED(what)                                                             \
	do {                                                                   \
		if (!(what))                                                   \
			return (__LINE__ % 90 + 1);                            \
	} while (0)

/* A call that fails for want of the right to it. */
static bool
denied(long rc)
{
	return (rc < 0 && (errno == EPERM || errno == EACCES));
}

static const char *
path_below(const char *where, const char *name)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s/%s", where, name);
	return (path);
}

static int
act_calls(const void *arg)
{
	(void)arg;
	NEED(denied(kill(getppid(), 0)));
	NEED(denied(syscall(SYS_tgkill, getppid(), getppid(), 0)));
	NEED(denied(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL)));
	NEED(denied(chown(path_below(folder, "x"), 0, 0)));
	NEED(denied(mount("a", "/", "tmpfs", 0, NULL)));
	NEED(denied(unshare(CLONE_NEWUSER)));
	NEED(denied(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0)));
	NEED(denied(setuid(0)));
	for (long number = 0; number < SIGRTMAX; number++)
		NEED(number == SIGKILL ||
		     denied(syscall(SYS_prctl,
			 (uint64_t)(number & 1) << 32 | PR_SET_PDEATHSIG,
			 number)));
	NEED(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0);
	NEED(denied(syscall(SYS_open_by_handle_at, -1, NULL, 0)));
	NEED(denied(
	    open(path_below(folder, "suid"), O_CREAT | O_WRONLY, 04755)));
	NEED(open(path_below(folder, "x"), O_CREAT | O_WRONLY, 0755) >= 0);
	NEED(denied(chmod(path_below(folder, "x"), 04755)));
	return (0);
}

/* The families of sockets, and what is left without the network. */
static int
act_sockets(const void *arg)
{
	(void)arg;
	for (int family = 0; family < 50; family++) {
		int fd = socket(family, SOCK_DGRAM, 0);
		bool nss = family == AF_UNIX || family == AF_NETLINK;

		if (family == AF_INET || family == AF_INET6)
			NEED(fd >= 0);
		else
			NEED(family == 0 || nss || denied(fd));
	}
	NEED(denied(
	    syscall(SYS_socket, (uint64_t)1 << 32 | AF_INET, SOCK_DGRAM, 0)));
	NEED(sandbox_close_network(SANDBOX_PLANNER) == 0);
	for (int family = 1; family < 50; family++) {
		int fd = socket(family, SOCK_DGRAM, 0);

		if (family == AF_UNIX || family == AF_NETLINK)
			NEED(fd >= 0);
		else
			NEED(denied(fd) || errno == EAFNOSUPPORT);
	}
	NEED(if_nametoindex("lo") > 0);
	return (0);
}

static int
act_files(const void *arg)
{
	(void)arg;
	NEED(open("/etc/passwd", O_RDONLY) >= 0);
	NEED(open("/dev/null", O_RDWR) >= 0);
	NEED(denied(open("/proc/sys/kernel/domainname", O_WRONLY)));
	NEED(denied(open("/proc/self/oom_score_adj", O_WRONLY)));
	NEED(denied(
	    open(path_below(sealed_root, "x"), O_CREAT | O_WRONLY, 0600)));
	NEED(open(path_below(folder, "x"), O_CREAT | O_WRONLY, 0600) >= 0);
	NEED(symlink("x", path_below(folder, "y")) == 0);
	NEED(unlink(path_below(folder, "y")) == 0);
	NEED(unlink(path_below(folder, "x")) == 0);
	return (0);
}

/* What root's own program has: no more than its starter. */
static int
act_program(const void *arg)
{
	(void)arg;
	execl("/bin/sh", "sh", "-c",
	    "test $(id -u) != 0 || grep -q '^CapEff:.0000000000000004$' "
	    "/proc/self/status",
	    (char *)NULL);
	return (1);
}

static void
try_act(int (*act)(const void *), int expected)
{
	const char *const writable[] = {folder, "/dev/null", "/no/such/place"};
	struct sandbox_params params = sealed_params(SANDBOX_PLANNER);
	struct outcome out;

	params.writable = writable;
	params.nwritable = 3;
	out = sealed_run_with(SANDBOX_PLANNER, &params, act, NULL);
	if (out.signal != 0 || out.status != expected)
		print_error("signal %d, status %d\n", out.signal, out.status);
	assert_int_equal(out.signal, 0);
	assert_int_equal(out.status, expected);
}

static void
test_calls(void **state)
{
	(void)state;
	try_act(act_calls, 0);
}

static void
test_sockets(void **state)
{
	(void)state;
	try_act(act_sockets, 0);
}

static void
test_files(void **state)
{
	(void)state;
	try_act(act_files, 0);
}

static void
test_program(void **state)
{
	(void)state;
	try_act(act_program, 0);
}

static int
setup(void **state)
{
	strcpy(folder, "/tmp/portreeve-writable-XXXXXX");
	return (mkdtemp(folder) == NULL ? -1 : sealed_setup(state));
}

static int
teardown(void **state)
{
	unlink(path_below(folder, "x"));
	return (rmdir(folder) == 0 ? sealed_teardown(state) : -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_calls),
	    cmocka_unit_test(test_sockets),
	    cmocka_unit_test(test_files),
	    cmocka_unit_test(test_program),
	};

	return (cmocka_run_group_tests(tests, setup, teardown));
}
