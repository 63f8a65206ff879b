/*
 * The profiles as data (sandbox/profiles.def), for those who build a sandbox
 * from them, those who check one from outside, and the generator of
 * portreeve-sandbox(7). Any process; constants only.
 */
#ifndef PORTREEVE_SANDBOX_PROFILE_H
#define PORTREEVE_SANDBOX_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/sandbox.h"

/*
 * An address sanitizer's run-time makes system calls of its own; their rules
 * are rows like the others and count only in its builds.
 */
#ifdef PORTREEVE_SANITIZE
#define PROFILE_SANITIZED true
#else
#define PROFILE_SANITIZED false
#endif

#define PROFILE_CONDITIONS_MAX 3

enum profile_compare {
	COMPARE_NONE,  /* ends a rule's conditions */
	COMPARE_BITS,  /* (argument & mask) == value, of all 64 bits */
	COMPARE_BELOW, /* argument < value, unsigned */
	COMPARE_ABOVE  /* argument > value, unsigned */
};

struct profile_condition {
	enum profile_compare compare;
	unsigned argument; /* from 0 */
	uint64_t mask;
	uint64_t value;
};

enum profile_action {
	PROFILE_ALLOW,
	PROFILE_REFUSE /* fails with error, and harms nobody */
};

/*
 * A system call that some profiles allow or refuse gently. Whatever has no
 * rule ends the process, but where the profile starts programs. Rules of one
 * call are alternatives.
 */
struct profile_rule {
	uint32_t profiles; /* bits by enum sandbox_profile */
	const char *call;
	enum profile_action action;
	int error; /* PROFILE_REFUSE's errno */
	struct profile_condition conditions[PROFILE_CONDITIONS_MAX + 1];
	const char *when;   /* the conditions as they stand in the table */
	const char *reason; /* why it is needed */
	bool sanitizer;	    /* only in sanitizers' builds */
	bool local;	    /* only after sandbox_close_network() */
};

/* What a session may not call: the statement session-sandbox. */
struct profile_session_rule {
	enum sandbox_session from; /* and every stricter one */
	const char *call;
	const char *reason;
};

enum profile_network {
	NETWORK_NONE,	  /* an own namespace, with nothing in it */
	NETWORK_RESOLVER, /* the system's; TCP only to port 53 */
	NETWORK_OUTBOUND, /* the system's; connects, binds nothing */
	NETWORK_SERVERS,  /* the system's; TCP only to sandbox_params.ports */
	NETWORK_PASSED	  /* the system's, for the programs that it starts */
};

/* What Landlock lets it read, of what its uid may. */
enum profile_files {
	FILES_NONE,
	FILES_ALL,
	FILES_PROC,
	FILES_USER /* all, as a user of the host, who may be root */
};

struct profile {
	const char *identity;	  /* for people */
	const char *capabilities; /* for people */
	bool sealed; /* no capability, NoNewPrivs, allow-list, Landlock */
	bool empty_root;
	enum profile_files files;
	enum profile_network network;
	/* The capabilities that it keeps, as bits. */
	uint64_t keeps;
	/*
	 * Starts programs that are not ours: it keeps the monitor's uid, which
	 * goes with its capabilities; Landlock lets it execute, and write below
	 * sandbox_params.writable; what has no rule is allowed.
	 */
	bool programs;
};

/* NULL for a value that is none. */
const struct profile *profile_get(enum sandbox_profile id);

/* The tables, constant; *n receives their lengths. */
const struct profile_rule *profile_rules(size_t *n);
const struct profile_session_rule *profile_session_rules(size_t *n);

#endif
