/* All that is around a master. For tests/unit/master. */
#ifndef PORTREEVE_TESTS_STAGE_MASTER_H
#define PORTREEVE_TESTS_STAGE_MASTER_H

#include "tests/stage/client.h"
#include "tests/stage/fixture.h"
#include "tests/stage/heard.h"
#include "tests/stage/peer.h"
#include "tests/stage/stub.h"
#include "tests/stage/world.h"

#endif
