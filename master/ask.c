/* What the master asks of the monitor. Master only, unprivileged. */
#include "master/ask.h"

int
ask_zygote(struct master *m, uint32_t instance, bool broke)
{
	struct msg_zygote_lost lost = {.instance = instance, .broke = broke};

	return (ipc_send(&m->monitor, MSG_ZYGOTE_LOST, &lost, NULL, 0));
}

int
ask_lookup(struct master *m, bool hangs)
{
	struct msg_lookup_lost lost = {.hangs = hangs};

	return (ipc_send(&m->monitor, MSG_LOOKUP_LOST, &lost, NULL, 0));
}

int
ask_reload(struct master *m, uint32_t request, int client)
{
	struct msg_ask_reload ask = {.request = request};

	return (ipc_send(&m->monitor, MSG_ASK_RELOAD, &ask, &client, 1));
}

int
ask_clear(struct master *m, uint32_t request, int client, uint64_t session)
{
	struct msg_ask_clear ask = {.request = request, .session = session};

	return (ipc_send(&m->monitor, MSG_ASK_CLEAR, &ask, &client, 1));
}

int
ask_configuration(struct master *m, uint32_t request, int client, uint8_t set)
{
	struct msg_ask_configuration ask = {.request = request, .set = set};

	return (ipc_send(&m->monitor, MSG_ASK_CONFIGURATION, &ask, &client, 1));
}

int
ask_client(struct master *m, uint32_t request, int client)
{
	struct msg_ask_client ask = {.request = request};

	return (ipc_send(&m->monitor, MSG_ASK_CLIENT, &ask, &client, 1));
}

void
ask_listener(struct master *m, uint32_t listener, int error)
{
	struct msg_listener_broken told = {.id = listener, .error = error};

	(void)ipc_send(&m->monitor, MSG_LISTENER_BROKEN, &told, NULL, 0);
}

int
ask_login(struct master *m, uint64_t session, uint32_t slot, uint64_t age,
    bool late, int connection)
{
	struct msg_ask_login ask = {
	    .session = session, .slot = slot, .age = age, .late = late};

	return (ipc_send(&m->monitor, MSG_ASK_LOGIN, &ask, &connection,
	    connection >= 0 ? 1 : 0));
}
