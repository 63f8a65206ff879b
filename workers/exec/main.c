/*
 * The zygote of one inetd-style `service`. Runs with what its program's user
 * needs (uid 0 with the capabilities to change identity, to signal and to
 * limit), its session sandbox, and the host's own files and network, because
 * its programs have them; started, told and stopped by the monitor. Reads only
 * typed messages, never a stranger's byte, and runs only the program that the
 * configuration names, by execve, never by a shell.
 *
 * A connection is over at its leader's exit; the rest of its process group is
 * killed then unless the statement `detach` is there.
 */
#include <sys/syscall.h>

#include "sandbox/raw.h"
#include "workers/common/program.h"

/* execve() that leaves errno alone: program_exec's contract. */
static int
exec_program(const char *path, char *const argv[], char *const envp[])
{
	return (
	    (int)raw_syscall3(SYS_execve, (long)path, (long)argv, (long)envp));
}

int
main(int argc, char **argv)
{
	static const struct program_ops ops = {.exec = exec_program,
	    .whole_group = false,
	    .peer_environment = true};
	struct role_self s;

	(void)argc;
	role_receive(&s, ROLE_ZYGOTE, argv);
	program_zygote_prepare(&s, &ops);
	role_seal(&s);
	return (program_zygote_serve(&s));
}
