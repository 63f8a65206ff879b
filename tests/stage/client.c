/*
 * Plays the portreeve command to the master. For tests/unit/master.
 */
#include "tests/stage/client.h"

void
client_connect_only(struct world *w, struct ipc_channel *ch)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strlcpy(un.sun_path, w->control_path, sizeof(un.sun_path));
	assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	ipc_channel_init(ch, fd, ROLE_CLIENT, ROLE_MASTER, ST_NEW);
}

void
client_connect(struct world *w, struct ipc_channel *ch)
{
	client_connect_only(w, ch);
	assert_int_equal(ipc_greet(ch), 0);
}

void
client_service(struct world *w, const char *service, enum family family,
    struct msg_row_service *row)
{
	struct msg_show_services ask = {.end_ = 0};
	struct ipc_channel ch;
	struct ipc_in in;
	int found = 0;

	client_connect(w, &ch);
	stage_tell(&ch, MSG_SHOW_SERVICES, &ask, NULL, 0);
	for (;;) {
		stage_readable(ch.fd);
		assert_int_equal(ipc_recv(&ch, &in), 0);
		if (in.type == MSG_DONE)
			break;
		assert_int_equal(in.type, MSG_ROW_SERVICE);
		if (strcmp(in.msg.row_service.service, service) != 0 ||
		    in.msg.row_service.family != family)
			continue;
		*row = in.msg.row_service;
		found++;
	}
	assert_int_equal(found, 1);
	ipc_channel_close(&ch);
}

uint32_t
client_sessions(struct world *w, const char *service, enum family family)
{
	struct msg_row_service row;

	client_service(w, service, family, &row);
	return (row.sessions);
}
