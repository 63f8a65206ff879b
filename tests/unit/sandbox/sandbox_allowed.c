/*
 * What each role's work needs is possible in its profile; each act returns the
 * line at which it failed, 0 when everything worked.
 */
#include "tests/stage/sealed.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <termios.h>
#include <time.h>
#include <utmpx.h>

#include "sandbox/landlock.h"

/* The line of what was false, modulo 98: SEALED_FAILED is never hit. */
#define NEED(x)                                                                \
	do {                                                                   \
		if (!(x))                                                      \
			return (__LINE__ % 98 + 1);                            \
	} while (0)

static int compare_calls;

static int
compare_bytes(const void *a, const void *b)
{
	compare_calls++;
	return (*(const char *)a - *(const char *)b);
}

static int
act_memory(void)
{
	char *p, *more;
	const size_t size = 1 << 20;

	NEED((p = malloc(size)) != NULL);
	memset(p, 1, size);
	NEED((more = realloc(p, 64 * size)) != NULL);
	p = more;
	qsort(p, 4096, 1, compare_bytes);
	free(p);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
	    -1, 0);
	NEED(p != MAP_FAILED && madvise(p, size, MADV_DONTFORK) == 0);
	NEED(mprotect(p, size, PROT_READ) == 0 && munmap(p, size) == 0);
	return (0);
}

/* Descriptors and bytes over a channel, as every role has one. */
static int
act_channel(int pair[2])
{
	char byte = 'x', control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	struct pollfd wait = {pair[1], POLLIN, 0};
	int fd;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &pair[0], sizeof(int));
	NEED(sendmsg(pair[0], &msg, MSG_NOSIGNAL) == 1);
	NEED(poll(&wait, 1, 1000) == 1);
	NEED(recvmsg(pair[1], &msg, MSG_CMSG_CLOEXEC) == 1);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	NEED(send(fd, "y", 1, 0) == 1 && recv(pair[1], &byte, 1, 0) == 1);
	NEED(fd_set_nonblock(fd, 1) == 0 && fd_set_cloexec(fd, 1) == 0);
	NEED(dup2(fd, fd + 1) == fd + 1 && close(fd + 1) == 0);
	NEED(shutdown(fd, SHUT_WR) == 0);
	close(fd);
	return (0);
}

static int
act_common(const void *arg)
{
	int *pair = (int *)(uintptr_t)arg;
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct timespec now;
	struct rlimit limit;
	struct stat st;
	char bytes[16];
	int rc;

	if ((rc = act_memory()) != 0 || (rc = act_channel(pair)) != 0)
		return (rc);
	NEED(getrandom(bytes, sizeof(bytes), 0) == sizeof(bytes));
	NEED(clock_gettime(CLOCK_BOOTTIME, &now) == 0);
	NEED(syscall(SYS_clock_gettime, CLOCK_REALTIME, &now) == 0);
	NEED(time(NULL) > 0 && getpid() > 1 && getppid() > 0);
	NEED(prctl(PR_SET_NAME, "sealed") == 0);
	NEED(getrlimit(RLIMIT_NPROC, &limit) == 0);
	limit.rlim_cur = limit.rlim_max = 0;
	NEED(setrlimit(RLIMIT_NPROC, &limit) == 0);
	NEED(fstat(0, &st) == 0);
	NEED(sigaction(SIGPIPE, &ignore, NULL) == 0);
	NEED(signal(SIGRTMAX, SIG_DFL) != SIG_ERR);
	NEED(signal(SIGRTMIN, SIG_DFL) != SIG_ERR);
	NEED(close_range(100, ~0u, 0) == 0);
	return (0);
}

static void
check(struct outcome out, enum sandbox_profile id)
{
	char name[SANDBOX_SYSCALL_NAME_MAX];

	if (out.signal == 0 && out.status == 0)
		return;
	print_error("%s: signal %d, status %d, call %s\n",
	    sandbox_profile_name(id), out.signal, out.status,
	    sandbox_syscall_name(out.number, name, sizeof(name)));
	fail();
}

static void
test_common(void **state)
{
	int pair[2];

	(void)state;
	for (int i = 0; i < SANDBOX_PROFILE_COUNT; i++) {
		enum sandbox_profile id = (enum sandbox_profile)i;

		/* Narrower: test_telnet, test_ender, test_tacplus, test_keys.
		 */
		if (!profile_get(id)->sealed || id == SANDBOX_ZYGOTE_TELNET ||
		    id == SANDBOX_ENDER || id == SANDBOX_TACPLUS ||
		    id == SANDBOX_KEYS)
			continue;
		assert_int_equal(fd_seqpacket_pair(pair), 0);
		check(sealed_run(id, act_common, pair), id);
		fd_close(&pair[0]);
		fd_close(&pair[1]);
	}
}

static int
listener(struct sockaddr_in *sin)
{
	socklen_t len = sizeof(*sin);
	int fd;

	memset(sin, 0, sizeof(*sin));
	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)sin, len), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)sin, &len), 0);
	return (fd);
}

static int
connected(const struct sockaddr_in *sin)
{
	int fd;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(
	    connect(fd, (const struct sockaddr *)sin, sizeof(*sin)), 0);
	return (fd);
}

/* What the master does for a connection; fds: listener, epoll. */
static int
act_master(const void *arg)
{
	const int *fds = arg;
	struct epoll_event ev = {.events = EPOLLIN};
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	int pair[2], conn, on = 1;

	NEED(epoll_ctl(fds[1], EPOLL_CTL_ADD, fds[0], &ev) == 0);
	NEED(epoll_wait(fds[1], &ev, 1, 5000) == 1);
	conn = accept4(fds[0], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	NEED(conn >= 0);
	NEED(getpeername(conn, (struct sockaddr *)&sin, &len) == 0);
	NEED(setsockopt(conn, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0);
	NEED(fd_seqpacket_pair(pair) == 0);
	NEED(write(conn, "hello", 5) == 5);
	NEED(recv(conn, &on, sizeof(on), MSG_TRUNC) == -1 && errno == EAGAIN);
	len = sizeof(on);
	NEED(getsockopt(conn, SOL_SOCKET, SO_ERROR, &on, &len) == 0);
	NEED(ioctl(conn, FIONBIO, &on) == 0);
	NEED(shutdown(conn, SHUT_WR) == 0);
	return (0);
}

static void
test_master(void **state)
{
	struct sockaddr_in sin;
	int fds[2], peer;

	(void)state;
	fds[0] = listener(&sin);
	fds[1] = epoll_create1(EPOLL_CLOEXEC);
	peer = connected(&sin);
	check(sealed_run(SANDBOX_MASTER, act_master, fds), SANDBOX_MASTER);
	close(peer);
	close(fds[0]);
	close(fds[1]);
}

static pid_t
worker_clone(void)
{
	return ((pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

static int
worker_forks_in_vain(void)
{
	const struct rlimit none = {0, 0};

	NEED(setrlimit(RLIMIT_NPROC, &none) == 0);
	if (geteuid() == 0)
		return (0); /* the limit does not bind root */
	NEED(fork() == -1 && errno == EAGAIN);
	return (0);
}

/* A zygote: workers that it makes, and waits for. */
static int
act_zygote(const void *arg)
{
	siginfo_t info;
	pid_t pid;

	(void)arg;
	if ((pid = worker_clone()) == 0)
		_exit(worker_forks_in_vain());
	NEED(pid > 0);
	NEED(waitid(P_ALL, 0, &info, WEXITED) == 0);
	NEED(info.si_code == CLD_EXITED);
	if (info.si_status != 0)
		return (info.si_status);
	if ((pid = fork()) == 0)
		_exit(0);
	NEED(waitid(P_PID, (id_t)pid, &info, WEXITED) == 0);
	return (0);
}

static void
test_zygote(void **state)
{
	(void)state;
	check(sealed_run(SANDBOX_ZYGOTE_FINGER, act_zygote, NULL),
	    SANDBOX_ZYGOTE_FINGER);
	check(sealed_run(SANDBOX_ZYGOTE_FTP, act_zygote, NULL),
	    SANDBOX_ZYGOTE_FTP);
}

/* A telnet zygote's own: memory, a worker, its channel, its end. */
static int
act_telnet_zygote(void)
{
	siginfo_t info;
	struct stat st;
	char *p;
	pid_t pid;

	p = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	NEED(p != MAP_FAILED && madvise(p, 1 << 16, MADV_DONTFORK) == 0);
	NEED(munmap(p, 1 << 16) == 0);
	NEED((p = malloc(1 << 20)) != NULL);
	free(p);
	NEED(fstat(0, &st) == 0);
	if ((pid = _Fork()) == 0)
		_exit(3);
	NEED(pid > 0);
	NEED(waitid(P_PID, (id_t)pid, &info, WEXITED) == 0);
	NEED(info.si_code == CLD_EXITED && info.si_status == 3);
	return (0);
}

/* A telnet worker: descriptors are a pty, a connection, a channel. */
static int
act_telnet(const void *arg)
{
	const int *fds = arg;
	static const struct rlimit none = {0, 0};
	struct winsize ws = {24, 80, 0, 0};
	struct timespec now;
	struct termios t;
	int on = 1, rc;

	if ((rc = act_telnet_zygote()) != 0 ||
	    (rc = act_channel((int *)(uintptr_t)fds + 2)) != 0)
		return (rc);
	NEED(close_range(100, ~0u, 0) == 0);
	NEED(setrlimit(RLIMIT_NPROC, &none) == 0);
	NEED(syscall(SYS_clock_gettime, CLOCK_BOOTTIME, &now) == 0);
	NEED(ioctl(fds[0], TIOCSWINSZ, &ws) == 0);
	NEED(ioctl(fds[0], TIOCPKT, &on) == 0);
	NEED(ioctl(fds[0], TIOCSIG, SIGINT) == 0);
	NEED(tcgetattr(fds[0], &t) == 0);
	NEED(write(fds[0], "x", 1) == 1);
	NEED(
	    setsockopt(fds[1], SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on)) == 0);
	NEED(
	    setsockopt(fds[1], SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)) == 0);
	NEED(
	    setsockopt(fds[1], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0);
	NEED(send(fds[1], "x", 1, MSG_OOB | MSG_NOSIGNAL) == 1);
	NEED(shutdown(fds[1], SHUT_WR) == 0);
	return (0);
}

static void
test_telnet(void **state)
{
	struct sockaddr_in sin;
	int fds[4], lis;

	(void)state;
	lis = listener(&sin);
	fds[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	fds[1] = connected(&sin);
	assert_int_equal(fd_seqpacket_pair(fds + 2), 0);
	check(sealed_run(SANDBOX_ZYGOTE_TELNET, act_telnet, fds),
	    SANDBOX_ZYGOTE_TELNET);
	close(fds[0]);
	close(fds[1]);
	close(fds[2]);
	close(fds[3]);
	close(lis);
}

/* To the journal's kind of socket, by name; and a file that it cannot have. */
static int
act_audit(const void *arg)
{
	const struct sockaddr_un *sun = arg;
	struct iovec iov = {(void *)(uintptr_t) "event", 5};
	struct msghdr msg = {.msg_name = (void *)(uintptr_t)sun,
	    .msg_namelen = sizeof(*sun),
	    .msg_iov = &iov,
	    .msg_iovlen = 1};
	int fd;

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	NEED(fd >= 0 && sendmsg(fd, &msg, MSG_NOSIGNAL) == 5);
	NEED(connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0);
	NEED(send(fd, "again", 5, MSG_NOSIGNAL) == 5);
	NEED(open("/etc/passwd", O_RDONLY) == -1 && errno == EACCES);
	NEED(memfd_create("large", MFD_ALLOW_SEALING | MFD_CLOEXEC) >= 0);
	return (0);
}

static void
test_audit(void **state)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	char dir[] = "/tmp/portreeve-audit-XXXXXX", got[16];
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0711), 0);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/socket", dir);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(chmod(sun.sun_path, 0666), 0);
	check(sealed_run(SANDBOX_AUDIT, act_audit, &sun), SANDBOX_AUDIT);
	assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), 5);
	assert_memory_equal(got, "event", 5);
	assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), 5);
	close(fd);
	unlink(sun.sun_path);
	rmdir(dir);
}

static int landlock_abi; /* a sealed process cannot ask */

/* Names, files to read, and no TCP but the resolver's. */
static int
act_lookup(const void *arg)
{
	struct sockaddr_in sin = *(const struct sockaddr_in *)arg;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
	char host[64], byte;
	int fd;

	NEED(getpwnam("root") != NULL);
	NEED(getpwnam("no-such-user-here") == NULL);
	hints.ai_flags = AI_ADDRCONFIG;
	if (getaddrinfo("localhost", NULL, &hints, &found) == 0)
		freeaddrinfo(found);
	(void)getnameinfo((struct sockaddr *)&sin, sizeof(sin), host,
	    sizeof(host), NULL, 0, 0);
	setutxent();
	while (getutxent() != NULL)
		;
	endutxent();
	fd = open("/etc/passwd", O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
	NEED(fd >= 0 && pread(fd, &byte, 1, 0) == 1);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	NEED(fd >= 0);
	if (landlock_abi >= 4) {
		NEED(connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1);
		NEED(errno == EACCES);
	}
	sin.sin_port = htons(53);
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1)
		NEED(errno != EACCES);
	return (0);
}

static void
test_lookup(void **state)
{
	struct sockaddr_in sin;
	int lis;

	(void)state;
	landlock_abi = landlock_get_abi();
	if (landlock_abi < 4)
		print_message("not applicable: Landlock of level %d knows no "
			      "TCP ports\n",
		    landlock_abi);
	lis = listener(&sin);
	check(sealed_run(SANDBOX_LOOKUP, act_lookup, &sin), SANDBOX_LOOKUP);
	close(lis);
}

static int
act_caller(const void *arg)
{
	const struct sockaddr_in *sin = arg;
	int fd;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	NEED(fd >= 0);
	NEED(connect(fd, (const struct sockaddr *)sin, sizeof(*sin)) == 0);
	return (0);
}

static void
test_caller(void **state)
{
	struct sockaddr_in sin;
	int lis;

	(void)state;
	lis = listener(&sin);
	check(sealed_run(SANDBOX_CALLER, act_caller, &sin), SANDBOX_CALLER);
	close(lis);
}

/* From Landlock 4 on it reaches its servers' ports alone; here it has none. */
static int
act_tacplus(const void *arg)
{
	const struct sockaddr_in *sin = arg;
	int fd, one = 0;
	socklen_t len = sizeof(one);

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	NEED(fd >= 0);
	NEED(connect(fd, (const struct sockaddr *)sin, sizeof(*sin)) == 0 ||
	     errno == EACCES);
	NEED(getsockopt(fd, SOL_SOCKET, SO_ERROR, &one, &len) == 0);
	return (0);
}

static void
test_tacplus(void **state)
{
	struct sockaddr_in sin;
	int lis;

	(void)state;
	lis = listener(&sin);
	check(sealed_run(SANDBOX_TACPLUS, act_tacplus, &sin), SANDBOX_TACPLUS);
	close(lis);
}

/* Another user's process is seen, stopped and killed; its files are not. */
static int
act_ender(const void *arg)
{
	const pid_t *pid = arg;
	char path[64], text[512] = "";
	int fd, pidfd = (int)syscall(SYS_pidfd_open, *pid, 0);
	struct pollfd end = {pidfd, POLLIN, 0};

	NEED(pidfd >= 0);
	NEED(syscall(SYS_pidfd_send_signal, pidfd, SIGSTOP, NULL, 0) == 0);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", *pid, *pid);
	while (strstr(text, ") T ") == NULL) {
		NEED((fd = open(path, O_RDONLY | O_CLOEXEC)) >= 0);
		NEED(read(fd, text, sizeof(text) - 1) > 0);
		close(fd);
	}
	NEED(getpgid(*pid) > 0 && getsid(*pid) >= 0);
	NEED((fd = open("/proc", O_RDONLY | O_DIRECTORY)) >= 0);
	NEED(open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES);
	NEED(syscall(SYS_pidfd_send_signal, pidfd, SIGCONT, NULL, 0) == 0);
	NEED(syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0) == 0);
	NEED(syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) == 0);
	NEED(poll(&end, 1, 10000) == 1);
	return (0);
}

static void
test_ender(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	if (pid == 0) {
		signal(SIGTERM, SIG_IGN);
		for (;;)
			pause();
	}
	check(sealed_run(SANDBOX_ENDER, act_ender, &pid), SANDBOX_ENDER);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

/* A user's file, and the set that it was given. */
static int
act_keys(const void *arg)
{
	const int *last = arg;
	char bytes[8];
	struct stat st;
	int fd;

	NEED((fd = open("/etc/passwd",
		  O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)) >= 0);
	NEED(fstat(fd, &st) == 0 && S_ISREG(st.st_mode));
	NEED(read(fd, bytes, sizeof(bytes)) == sizeof(bytes));
	NEED(close(fd) == 0);
	NEED(open("/etc/shadow", O_RDONLY) < 0 && errno == EACCES);
	NEED(read(*last, bytes, sizeof(bytes)) == 0);
	NEED(pwrite(*last, "keys", 4, 0) == 4 && ftruncate(*last, 2) == 0);
	return (0);
}

static void
test_keys(void **state)
{
	FILE *last = tmpfile();
	struct stat st;
	int fd;

	(void)state;
	assert_non_null(last);
	fd = fileno(last);
	check(sealed_run(SANDBOX_KEYS, act_keys, &fd), SANDBOX_KEYS);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 2);
	fclose(last);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_common),
	    cmocka_unit_test(test_master),
	    cmocka_unit_test(test_zygote),
	    cmocka_unit_test(test_telnet),
	    cmocka_unit_test(test_audit),
	    cmocka_unit_test(test_lookup),
	    cmocka_unit_test(test_caller),
	    cmocka_unit_test(test_tacplus),
	    cmocka_unit_test(test_ender),
	    cmocka_unit_test(test_keys),
	};

	return (cmocka_run_group_tests(tests, sealed_setup, sealed_teardown));
}
