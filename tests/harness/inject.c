/*
 * Makes another process execute one system call, as code that has taken it
 * over would: inject PID NUMBER [ARG...], an ARG being a number, s:TEXT (a
 * pointer to that text), x:HEX (to those bytes) or z:N (to N zero bytes). With
 * -k before PID it runs on no more, as one that obeys nobody, until somebody
 * kills it (20 s at the most: then `lives` is printed). Run by the system tests
 * as root, against processes that they started. Prints `returned VALUE`,
 * `stopped by SIGNAL` (the call was trapped; the signal is then delivered) or
 * `died by SIGNAL`. Never outlives its one call; x86-64 alone.
 */
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ARGS_MAX 6
#define BELOW 65536 /* of the stack pointer: where texts are put */

static void
inject_write(pid_t pid, uintptr_t where, const void *data, size_t size)
{
	const unsigned char *p = data;
	size_t i, n;
	long word;

	for (i = 0; i < size; i += sizeof(word)) {
		n = size - i < sizeof(word) ? size - i : sizeof(word);
		errno = 0;
		word = ptrace(PTRACE_PEEKDATA, pid, where + i, NULL);
		if (errno != 0)
			err(1, "peek");
		memcpy(&word, p + i, n);
		if (ptrace(PTRACE_POKEDATA, pid, where + i, word) != 0)
			err(1, "poke");
	}
}

/* One argument's value; a text goes to *room, which moves up. */
static uintptr_t
inject_argument(pid_t pid, const char *text, uintptr_t *room)
{
	static const char zero[4096];
	uintptr_t at = *room;
	size_t size;

	if (strncmp(text, "s:", 2) == 0) {
		size = strlen(text + 2) + 1;
		inject_write(pid, at, text + 2, size);
	} else if (strncmp(text, "x:", 2) == 0) {
		unsigned char bytes[256];

		for (size = 0;
		     size < sizeof(bytes) &&
		     sscanf(text + 2 + 2 * size, "%2hhx", &bytes[size]) == 1;)
			size++;
		inject_write(pid, at, bytes, size);
	} else if (strncmp(text, "z:", 2) == 0) {
		size = strtoul(text + 2, NULL, 0);
		if (size > sizeof(zero))
			errx(2, "too much: %s", text);
		inject_write(pid, at, zero, size);
	} else
		return strtoull(text, NULL, 0);
	*room += (size + 15) & ~(size_t)15;
	return at;
}

/* Runs up to the trap behind the call; what became of the process. */
static int
inject_run(pid_t pid, struct user_regs_struct *regs)
{
	int status, signo;

	if (ptrace(PTRACE_CONT, pid, NULL, NULL) != 0)
		err(1, "continue");
	if (waitpid(pid, &status, __WALL) != pid)
		err(1, "wait");
	if (WIFSIGNALED(status)) {
		printf("died by %s\n", sigabbrev_np(WTERMSIG(status)));
		return 0;
	}
	if (WIFEXITED(status)) {
		printf("exited with %d\n", WEXITSTATUS(status));
		return 0;
	}
	signo = WSTOPSIG(status);
	if (signo != SIGTRAP) {
		printf("stopped by %s\n", sigabbrev_np(signo));
		ptrace(PTRACE_DETACH, pid, NULL, signo);
		return 0;
	}
	if (ptrace(PTRACE_GETREGS, pid, NULL, regs) != 0)
		err(1, "registers");
	printf("returned %lld\n", (long long)regs->rax);
	return 1;
}

static void
inject_keep(pid_t pid, struct user_regs_struct *regs)
{
	struct timespec pause = {.tv_nsec = 10000000};
	int status;

	if (!inject_run(pid, regs))
		return;
	for (int i = 0; i < 2000; i++) {
		if (waitpid(pid, &status, __WALL | WNOHANG) == pid &&
		    WIFSIGNALED(status)) {
			printf("died by %s\n", sigabbrev_np(WTERMSIG(status)));
			return;
		}
		nanosleep(&pause, NULL);
	}
	printf("lives\n");
}

int
main(int argc, char **argv)
{
	/* syscall; int3 */
	static const unsigned char call[3] = {0x0f, 0x05, 0xcc};
	struct user_regs_struct old, regs;
	unsigned long long *slots[ARGS_MAX];
	unsigned char code[sizeof(long)];
	uintptr_t room;
	long word;
	pid_t pid;
	int i, status, keep;

	keep = argc > 1 && strcmp(argv[1], "-k") == 0;
	argv += keep;
	argc -= keep;
	if (argc < 3 || argc > 3 + ARGS_MAX)
		errx(2, "usage: inject [-k] PID NUMBER [ARG...]");
	pid = atoi(argv[1]);
	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) != 0)
		err(1, "seize %d", pid);
	if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) != 0 ||
	    waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
		err(1, "interrupt %d", pid);
	if (ptrace(PTRACE_GETREGS, pid, NULL, &old) != 0)
		err(1, "registers");
	regs = old;
	errno = 0;
	word = ptrace(PTRACE_PEEKTEXT, pid, old.rip, NULL);
	if (errno != 0)
		err(1, "peek");
	memcpy(code, &word, sizeof(code));
	inject_write(pid, old.rip, call, sizeof(call));
	room = (old.rsp - BELOW) & ~(uintptr_t)15;
	slots[0] = &regs.rdi;
	slots[1] = &regs.rsi;
	slots[2] = &regs.rdx;
	slots[3] = &regs.r10;
	slots[4] = &regs.r8;
	slots[5] = &regs.r9;
	for (i = 0; i < ARGS_MAX; i++)
		*slots[i] =
		    i + 3 < argc ? inject_argument(pid, argv[i + 3], &room) : 0;
	regs.rax = strtoull(argv[2], NULL, 0);
	regs.orig_rax = (unsigned long long)-1; /* restart nothing */
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs) != 0)
		err(1, "registers");
	if (keep) {
		inject_keep(pid, &regs);
		return 0;
	}
	if (!inject_run(pid, &regs))
		return 0;
	inject_write(pid, old.rip, code, sizeof(code));
	if (ptrace(PTRACE_SETREGS, pid, NULL, &old) != 0 ||
	    ptrace(PTRACE_DETACH, pid, NULL, NULL) != 0)
		err(1, "let go");
	return 0;
}
