/*
 * Plays audit to the master: what it hears, event by event. For
 * tests/unit/master.
 */
#ifndef PORTREEVE_TESTS_STAGE_HEARD_H
#define PORTREEVE_TESTS_STAGE_HEARD_H

#include "tests/stage/world.h"

/* The next event, which must be this one; view points into a static buffer. */
void event_next(struct world *w, enum event event, struct event_view *view);

/* A field's text is this; NULL: it is absent. */
void event_has(
    const struct event_view *v, enum event_field f, const char *text);
void event_counts(
    const struct event_view *v, enum event_field f, uint64_t number);

/* Nothing more was reported: whatever there is came before an answer. */
void event_none(struct world *w);
void event_refused(struct world *w, const char *service, const char *reason);

/* Returns the session. */
uint64_t event_accepted(struct world *w, const char *service);
void event_closed(struct world *w, uint64_t session, const char *how);

#endif
