/*
 * The zygote of ssh and of NETCONF over SSH: starts `sshd -i` for each
 * connection. Runs as uid 0 with the whole bounding set and without NoNewPrivs,
 * because what a login has through it is what it has through the system's own
 * sshd; under only the session sandbox. Reads only typed messages, never a
 * stranger's byte.
 *
 * sshd is the leader of a session and process group of its own; the connection
 * is over when every process of that group has been waited for. What a user
 * runs is in sessions of its own and may outlive it.
 */
#include <sys/syscall.h>

#include "sandbox/raw.h"
#include "workers/common/program.h"

/* execve() that leaves errno alone: program_exec's contract. */
static int
ssh_exec_program(const char *path, char *const argv[], char *const envp[])
{
	return (
	    (int)raw_syscall3(SYS_execve, (long)path, (long)argv, (long)envp));
}

/*
 * What it runs is the monitor's to say (MSG_PROGRAM; monitor/program.c):
 *     path   the installed sshd
 *     argv   NAME -i -e -f DIR/sshd_config. NAME is sshd's own path, which
 *	      libwrap's rules, and before OpenSSH 9.8 PAM's, know it by: its
 *	      last part is `sshd`, unless `pam-service` says another before 9.8
 *	      (since 9.8 PAMServiceName in the file says that).
 *     environment  PATH, and PORTREEVE_PAM_* for pam_portreeve.so
 *     uid    unchanged; no rlimits: PAM sets the session's
 *     stderr a SOCK_SEQPACKET socket: -e writes a record a line
 * sshd_config wants LogLevel VERBOSE and LogVerbose for packet.c
 * (workers/logreader/sshlog.h).
 */
int
main(int argc, char **argv)
{
	static const struct program_ops ops = {.exec = ssh_exec_program,
	    .whole_group = true,
	    .peer_environment = false};
	struct role_self s;

	(void)argc;
	role_receive(&s, ROLE_ZYGOTE, argv);
	program_zygote_prepare(&s, &ops);
	role_seal(&s);
	return (program_zygote_serve(&s));
}
