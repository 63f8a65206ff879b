/*
 * What there is to say of a configuration: to the monitor, or in a check to
 * whoever asked for it. Planner.
 */
#ifndef PORTREEVE_PLANNER_NOTE_H
#define PORTREEVE_PLANNER_NOTE_H

#include "planner/planner.h"

/* Send a note, or write it to standard error; ends the planner on failure. */
void note_send(const struct planner *p, const struct msg_plan_note *note);

/* In a check, that there were more notes than a plan can have. */
void note_lost(const struct planner *p);

#endif
