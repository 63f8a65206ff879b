/*
 * What a kind of service is, as lib/service.def says. Any process; pure.
 */
#ifndef PORTREEVE_LIB_SERVICE_H
#define PORTREEVE_LIB_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

/* A service's name, its NUL included; statement `service NAME`. */
#define SERVICE_NAME_MAX 33

enum service_kind {
#define SERVICE(id, ...) SERVICE_##id,
#include "lib/service.def"
	SERVICE_COUNT
};

/* Who serves a kind's connections. */
enum service_by { BY_NOBODY, BY_WORKER, BY_SSHD, BY_PROGRAM };

/* Methods by which users log in. */
#define LOGIN_KEYS 0x1u
#define LOGIN_PASSWORDS 0x2u /* or what else PAM asks for */

/* What one source, or a crowd before login, is not asked about; as bits. */
#define SERVICE_NO_SOURCE_LIMIT 0x1u
#define SERVICE_NO_SOURCE_RATE 0x2u
#define SERVICE_NO_EARLY_DROP 0x4u
#define SERVICE_NO_PENALTIES 0x8u
#define SERVICE_UNPROTECTED 0xfu /* none of these */

/* The columns of lib/service.def, which says what each means. */
struct service_traits {
	const char *word;
	const char *program;
	const char *account; /* or NULL */
	enum service_by by;
	const char *log; /* or NULL */
	bool subsystem;
	unsigned logins;
	bool clear;
	bool lookup;
	const char *refusal; /* or NULL */
	const char *doing;   /* or NULL */
	const char *client;  /* or NULL */
	bool served;
};

/* Never NULL: a value that is no kind has no trait, and the word "?". */
const struct service_traits *service_traits(enum service_kind kind);

/*
 * The first kind that shares a kind's log reader; SERVICE_COUNT where it has
 * none.
 */
enum service_kind service_reader(enum service_kind kind);

/* The word; "?" for a value that is none. */
const char *service_kind_name(enum service_kind kind);

#endif
