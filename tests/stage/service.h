/*
 * A service for tests, which does what its one line says, and the master's
 * side of the pool. For tests/unit/workers.
 */
#ifndef PORTREEVE_TESTS_STAGE_SERVICE_H
#define PORTREEVE_TESTS_STAGE_SERVICE_H

#include <sys/resource.h>

#include "tests/stage/zut.h"
#include "workers/common/engine.h"

int say(struct worker *w, const char *text);
int serve(struct worker *w);
int option(const struct ipc_in *in);

static const struct zygote_ops ops = {.option = option, .serve = serve};

struct pooled {
	int32_t pid;
	struct ipc_channel worker;
};

void expect_pooled(struct zut *z, struct pooled *p);
void send_taken(
    struct zut *z, const struct pooled *p, uint32_t slot, uint64_t session);
int send_assign(
    const struct pooled *p, struct sut *s, uint32_t slot, uint64_t session);

#endif
