/*
 * One service with a listener and a zygote around a master, configured. For
 * tests/unit/master.
 */
#ifndef PORTREEVE_TESTS_STAGE_FIXTURE_H
#define PORTREEVE_TESTS_STAGE_FIXTURE_H

#include "tests/stage/stub.h"
#include "tests/stage/world.h"

#define FIXTURE_NUMBER 1 /* the service's */

struct fixture {
	struct world w;
	struct stub z;
	struct addr a, a6;
	int listener, listener6; /* listener6 -1: there is none */
	struct ipc_channel lookup;
};

struct fixture_service {
	enum service_kind kind;
	const char *name;
	uint32_t connections, rate;
	rlim_t nofile; /* the master's descriptors; 0: as it is */
	int both;      /* IPv6 too */
};

/* The service, as the monitor says it, with the limits that it has now. */
void fixture_configure(struct fixture *f, const struct fixture_service *s);

/* A master that accepts for this service. */
void fixture_begin(struct fixture *f, const struct fixture_service *s);

/* Nothing more was reported, and the master is alive. */
void fixture_end(struct fixture *f);

/* A lookup that the test plays. */
void fixture_lookup(struct fixture *f);

/* A session exits with 0: it is reported, and its peer reads the end. */
void fixture_over(struct fixture *f, struct stub *z, struct start *s, int peer);

#endif
