/*
 * Sending notes. Planner: sealed, with root's uid, or in a check whoever asked
 * for it. What stands in a note was escaped when it was made.
 */
#include <stdio.h>

#include "ipc/channel.h"
#include "ipc/plan_note.h"
#include "lib/err.h"
#include "lib/log.h"
#include "planner/note.h"

#define NOTE_LINE_MAX 1024

void
note_send(const struct planner *p, const struct msg_plan_note *note)
{
	char line[NOTE_LINE_MAX];
	int err;

	if (p->monitor == NULL) {
		fprintf(stderr, "%s\n",
		    plan_note_text(note, p->path, line, sizeof(line)));
		return;
	}
	err = ipc_send_wait(p->monitor, MSG_PLAN_NOTE, note, NULL, 0);
	if (err != 0)
		die("cannot send PLAN_NOTE: %s", err_text(err));
}

void
note_lost(const struct planner *p)
{
	if (p->monitor == NULL)
		fprintf(
		    stderr, "%s: further messages were left out\n", p->path);
}
