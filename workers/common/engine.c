/* The engine's state. Runs in the zygote, sealed; reads nothing. */
#include "workers/common/engine.h"

#include "lib/log.h"

void
engine_change(struct engine *e, enum engine_state state)
{
	static const char *const names[ENGINE_STATES] = {
	    "serves", "retired", "stopping", "finished"};

	if (state <= e->state)
		return;
	log_info("zygote: %s -> %s", names[e->state], names[state]);
	e->state = state;
}
