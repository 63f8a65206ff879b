/*
 * Runs sshd -t, sshd -T, sshd -V and ssh-keygen. Planner: sealed, with root's
 * uid and CAP_DAC_READ_SEARCH, which its programs have too, and no more. Fixed
 * paths, no shell, arguments as a vector, a bound on time and on output, which
 * is not trusted. The planner can send no signal: the program has an alarm, and
 * dies with the planner.
 */
#include <sys/prctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "lib/fd.h"
#include "planner/run.h"

#define REST_MS 20 /* where poll() fails */
#define MILLISECOND 1000000u
#define SECOND 1000000000u

static void
run_child(const char *const argv[], unsigned seconds, int out)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	static char home[] = "HOME=/";
	static char *env[] = {path, home, NULL};
	union {
		const char *const *in;
		char *const *out;
	} vector = {.in = argv};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 ||
	    dup2(out, 2) < 0 || close_range(3, ~0U, 0) < 0)
		_exit(127);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		_exit(127);
	alarm(seconds);
	execve(argv[0], vector.out, env);
	_exit(127);
}

/* Read until the end or the deadline; what does not fit is thrown away. */
static int
run_collect(int fd, uint64_t deadline, char *out, size_t size)
{
	char junk[1024];
	size_t n = 0;

	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		uint64_t now = time_boot_ns();
		ssize_t r;
		int got;

		if (now >= deadline)
			return (ERR_REFUSED);
		got = poll(&p, 1, (int)((deadline - now) / MILLISECOND) + 1);
		if (got < 0 && errno != EINTR)
			time_rest(REST_MS);
		if (got <= 0)
			continue;
		r = n + 1 < size ? read(fd, out + n, size - 1 - n)
				 : read(fd, junk, sizeof(junk));
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			break;
		if (n + 1 < size)
			n += (size_t)r;
	}
	if (size > 0)
		out[n] = '\0';
	return (0);
}

int
run_program(const char *const argv[], unsigned seconds, char *out, size_t size)
{
	/* After its alarm. */
	uint64_t deadline = time_boot_ns() + (seconds + 1ull) * SECOND;
	int fds[2], status, err;
	pid_t pid;

	if (size > 0)
		out[0] = '\0';
	if (access(argv[0], X_OK) < 0)
		return (ERR_NOT_FOUND);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return (ERR_SYSTEM);
	pid = fork();
	if (pid == 0)
		run_child(argv, seconds, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return (ERR_SYSTEM);
	}
	err = run_collect(fds[0], deadline, out, size);
	close(fds[0]);
	if (err < 0) /* stopped, or deaf to its alarm: it ends with us */
		return (err);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return (ERR_SYSTEM);
	}
	if (!WIFEXITED(status))
		return (ERR_REFUSED);
	return (
	    WEXITSTATUS(status) == 127 ? ERR_NOT_FOUND : WEXITSTATUS(status));
}
