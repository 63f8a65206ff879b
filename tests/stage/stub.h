/*
 * Plays a zygote to the master: takes orders, and says how sessions ended. For
 * tests/unit/master.
 */
#ifndef PORTREEVE_TESTS_STAGE_STUB_H
#define PORTREEVE_TESTS_STAGE_STUB_H

#include "tests/stage/world.h"

/* A START; as a zygote does, its slot is claimed. */
void stub_start(struct stub *z, struct start *s, int builtin);

/* The worker's side is closed, and the slot says how it ended. */
void stub_finish(
    struct stub *z, struct start *s, enum ended how, int32_t value);
void stub_ended_at(struct stub *z, struct start *s, enum ended how,
    int32_t value, enum step step);
void stub_ended(struct stub *z, struct start *s, enum ended how, int32_t value);

/* A connection from its start: connected, accepted, with the zygote. */
int stub_serve(struct world *w, struct stub *z, const struct addr *a,
    const char *service, struct start *s, int builtin);

void stub_end(struct stub *z);

#endif
