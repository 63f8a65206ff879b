/*
 * Answering a client's request, through the master, which has its connection.
 * Monitor (root).
 */
#include <stdio.h>

#include "monitor/reply.h"
#include "monitor/roles/proc.h"
#include "monitor/states.h"

void
reply_done(struct monitor *mon, uint32_t request, bool ok, const char *reason)
{
	struct msg_answer_done m = {.request = request, .status = !ok};

	snprintf(m.reason, sizeof(m.reason), "%s", reason);
	proc_to_master(mon, MSG_ANSWER_DONE, &m);
}

void
reply_applied(struct monitor *mon, uint32_t request)
{
	struct msg_answer_text m = {.request = request};
	char waiting[1024];
	int n = 0;

	states_waiting(mon, waiting, sizeof(waiting));
	if (waiting[0] != '\0')
		n = snprintf(
		    (char *)m.text.b, sizeof(m.text.b), "%s\n", waiting);
	m.text.n = (uint16_t)n;
	if (n > 0)
		proc_to_master(mon, MSG_ANSWER_TEXT, &m);
	reply_done(mon, request, true, "");
}
