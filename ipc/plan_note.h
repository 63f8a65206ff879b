/*
 * A planner's note as people read it. Monitor and planner.
 */
#ifndef PORTREEVE_IPC_PLAN_NOTE_H
#define PORTREEVE_IPC_PLAN_NOTE_H

#include "ipc/msg.h"

/* "FILE:LINE:COL: error: TEXT" of a note; name is the configuration's file. */
const char *plan_note_text(
    const struct msg_plan_note *note, const char *name, char *buf, size_t size);

#endif
