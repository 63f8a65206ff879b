/*
 * The end of a process that made a system call outside its profile. Runs in
 * every sealed process, as a signal handler. Distrusts all memory: the process
 * may be an attacker's by now.
 *
 * Why SIGSYS and a handler, and not the kernel's own killing at once: only so
 * can the event name the call. It is as strong. The call is not made, whatever
 * happens next. The handler cannot be changed: rt_sigaction for SIGSYS is in no
 * profile, nor is code that could be written or made executable. SIGSYS
 * ignored or blocked makes the kernel kill; a stack that cannot hold the
 * signal's frame as well. There is one thread, so that nothing else runs
 * meanwhile. The handler reads only data (no function pointer), never
 * returns, and ends by a call that is in no profile, when the signal is
 * blocked and its action reset (SA_RESETHAND): the kernel then kills with
 * SIGSYS.
 */
#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "lib/err.h"
#include "sandbox/registers.h"
#include "sandbox/sandbox.h"
#include "sandbox/violation.h"

static struct {
	int fd;
	size_t size;
	size_t number_at;
	unsigned char bytes[SANDBOX_MESSAGE_MAX];
} violation_message = {.fd = -1};

int
sandbox_set_violation_message(
    int fd, const void *message, size_t size, size_t number_at)
{
	if (fd == -1) {
		violation_message.fd = -1;
		return (0);
	}
	if (size > SANDBOX_MESSAGE_MAX || size < sizeof(int32_t) ||
	    number_at > size - sizeof(int32_t))
		return (ERR_VALUE);
	memcpy(violation_message.bytes, message, size);
	violation_message.size = size;
	violation_message.number_at = number_at;
	violation_message.fd = fd;
	return (0);
}

static void
violation_send(int32_t nr)
{
	unsigned char out[SANDBOX_MESSAGE_MAX];
	size_t size = violation_message.size;
	size_t at = violation_message.number_at;

	if (violation_message.fd == -1 || size > sizeof(out) ||
	    size < sizeof(nr) || at > size - sizeof(nr))
		return;
	memcpy(out, violation_message.bytes, size);
	memcpy(out + at, &nr, sizeof(nr));
	(void)send(
	    violation_message.fd, out, size, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* A line for developers; snprintf is no handler's to call. */
static void
violation_log(const char *head, int32_t number)
{
	char line[64], digits[12];
	size_t n = 0, used = strlen(head);
	uint32_t rest = (uint32_t)number;

	memcpy(line, head, used);
	do {
		digits[n++] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest != 0);
	while (n > 0)
		line[used++] = digits[--n];
	line[used++] = '\n';
	if (write(STDERR_FILENO, line, used) < 0)
		return; /* nobody is left to tell */
}

static _Noreturn void
violation_handle(int sig, siginfo_t *info, void *context)
{
	const ucontext_t *u = context;

	(void)sig;
	/* abort() is a fault of ours and no violation; SIGABRT is denied. */
	if (info->si_syscall == SYS_tgkill &&
	    (int)REGISTERS_ARGUMENT_0(u) == getpid() &&
	    (int)REGISTERS_ARGUMENT_2(u) == SIGABRT) {
		violation_log("sandbox: abort() was called in process ",
		    (int32_t)getpid());
		__builtin_trap();
	}
	violation_send(info->si_syscall);
	violation_log(
	    "sandbox: forbidden system call ", (int32_t)info->si_syscall);
	for (;;) {
		(void)syscall(SYS_reboot, 0, 0, 0, 0);
		_exit(128 + SIGSYS);
	}
}

int
violation_install_handler(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = violation_handle;
	sa.sa_flags = (int)(SA_SIGINFO | SA_RESETHAND);
	sigfillset(&sa.sa_mask);
	return (sigaction(SIGSYS, &sa, NULL) == 0 ? 0 : ERR_SYSTEM);
}
