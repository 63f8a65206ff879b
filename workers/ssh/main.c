/*
 * The zygote of ssh and of NETCONF over SSH: starts `sshd -i` for each
 * connection. Runs as uid 0 with the whole bounding set and without NoNewPrivs,
 * because what a login has through it is what it has through the system's own
 * sshd; under the session sandbox alone. Reads only typed messages, never a
 * stranger's byte.
 *
 * sshd is the leader of a session and process group of its own; the connection
 * is over when every process of that group has been waited for. What a user
 * runs is in sessions of its own and may outlive it.
 */
#include <unistd.h>

#include "workers/common/program.h"

int
main(int argc, char **argv)
{
	static const struct program_ops ops = {
	    .exec = execve, .whole_group = true, .peer_environment = false};
	struct start s;

	(void)argc;
	start_receive(&s, ROLE_ZYGOTE, argv);
	program_zygote_prepare(&s, &ops);
	start_seal(&s);
	return (program_zygote_serve(&s));
}
