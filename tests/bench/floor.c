/*
 * The floors that Portreeve is measured against: servers with nothing in them
 * but what the kernel must do. They hold no limit, drop no privilege, write
 * no event, and must never be used for anything else. Listens on loopback
 * only, prints its port, and dies with its parent.
 *
 *	floor fork N		fork; the child reads a line, writes N bytes
 *	floor exec PROGRAM	vfork; the child executes PROGRAM on it
 *	floor close		write the refusal's line and close
 *	floor pty PROGRAM	PROGRAM on a terminal, copied to it and back
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 4096
#define ANSWER_MAX 4096
#define COPY_SIZE 65536

static const char refusal[] = "Too many connections\r\n";
static char answer[ANSWER_MAX];

/* Bound to a free port of 127.0.0.1, which is printed. */
static int
floor_listen(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		err(1, "cannot listen on loopback");
	printf("%u\n", (unsigned)ntohs(address.sin_port));
	if (fflush(stdout) != 0)
		err(1, "cannot tell the port");
	return (fd);
}

static int
floor_accept(int listener)
{
	int fd;

	do {
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	} while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	if (fd < 0)
		err(1, "accept4");
	return (fd);
}

static _Noreturn void
fork_child(int fd, size_t len)
{
	char line[512];
	ssize_t n;

	do {
		n = read(fd, line, sizeof(line));
	} while (n > 0 && memchr(line, '\n', (size_t)n) == NULL);
	_exit(write(fd, answer, len) == (ssize_t)len ? 0 : 1);
}

static _Noreturn void
floor_fork(int listener, size_t len)
{
	for (;;) {
		int fd = floor_accept(listener);
		pid_t pid = fork();

		if (pid == 0)
			fork_child(fd, len);
		if (pid < 0)
			warn("fork");
		close(fd);
	}
}

static _Noreturn void
floor_exec(int listener, const char *program)
{
	char *const none[] = {NULL};
	char *const argv[] = {strdup(program), NULL};

	for (;;) {
		int fd = floor_accept(listener);
		pid_t pid = vfork(); /* NOLINT(*vfork): what is measured */

		if (pid == 0) {
			/* NOLINTNEXTLINE(*Vfork): plain system calls, in C */
			if (dup2(fd, STDIN_FILENO) >= 0 &&
			    dup2(fd, STDOUT_FILENO) >= 0)
				execve(program, argv, none);
			_exit(127);
		}
		if (pid < 0)
			warn("vfork");
		close(fd);
	}
}

static _Noreturn void
floor_close(int listener)
{
	for (;;) {
		int fd = floor_accept(listener);

		/* A peer that has gone already is none of a floor's concern. */
		(void)!write(fd, refusal, sizeof(refusal) - 1);
		close(fd);
	}
}

/* A process for each direction, so that none has to ask which is ready. */
static _Noreturn void
pty_copy(int from, int to)
{
	static char buf[COPY_SIZE];
	ssize_t n;

	while ((n = read(from, buf, sizeof(buf))) > 0)
		for (ssize_t done = 0, one; done < n; done += one) {
			one = write(to, buf + done, (size_t)(n - done));
			if (one <= 0)
				_exit(0);
		}
	_exit(0);
}

static _Noreturn void
pty_child(int fd, const char *program)
{
	char *const argv[] = {strdup(program), NULL};
	const int on = 1;
	int master = -1;
	pid_t pid = forkpty(&master, NULL, NULL, NULL);

	if (pid == 0) {
		/* A shell waits for what it runs. */
		if (signal(SIGCHLD, SIG_DFL) != SIG_ERR)
			execv(program, argv);
		_exit(127);
	}
	if (pid < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
		err(1, "cannot begin a terminal");
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0)
		pty_copy(fd, master);
	pty_copy(master, fd);
}

static _Noreturn void
floor_pty(int listener, const char *program)
{
	for (;;) {
		int fd = floor_accept(listener);
		pid_t pid = fork();

		if (pid == 0)
			pty_child(fd, program);
		if (pid < 0)
			warn("fork");
		close(fd);
	}
}

static _Noreturn void
usage(void)
{
	errx(2, "usage: floor fork N | exec PROGRAM | close | pty PROGRAM");
}

int
main(int argc, char **argv)
{
	size_t len;
	int listener;

	if (argc < 2)
		usage();
	/* The kernel reaps the children, a peer's reset kills nothing. */
	if (signal(SIGCHLD, SIG_IGN) == SIG_ERR ||
	    signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		err(1, "cannot begin");
	listener = floor_listen();
	memset(answer, 'x', sizeof(answer));
	if (strcmp(argv[1], "fork") == 0 && argc == 3) {
		len = (size_t)strtoul(argv[2], NULL, 10);
		if (len > sizeof(answer))
			errx(2, "an answer has %d bytes at most", ANSWER_MAX);
		floor_fork(listener, len);
	} else if (strcmp(argv[1], "exec") == 0 && argc == 3) {
		floor_exec(listener, argv[2]);
	} else if (strcmp(argv[1], "close") == 0 && argc == 2) {
		floor_close(listener);
	} else if (strcmp(argv[1], "pty") == 0 && argc == 3) {
		floor_pty(listener, argv[2]);
	}
	usage();
}
