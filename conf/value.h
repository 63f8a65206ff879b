/*
 * Values: from a statement's words to the model's members, checked on the way.
 * One reading serves both, so what is checked is what is stored. Planner and
 * CLI; distrusts every word.
 */
#ifndef PORTREEVE_CONF_VALUE_H
#define PORTREEVE_CONF_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/arena.h"
#include "conf/conf.h"
#include "conf/tree.h"

struct value_reader {
	struct arena *arena;
	struct conf_report *report;
	bool extended; /* extended-limits is active */
	bool no_memory;
};

/*
 * Check a statement's values, and store them in object, the struct of the
 * statement's block; NULL: only check. Reports what is wrong and then leaves
 * the object as it was.
 */
void value_read(
    struct value_reader *r, const struct conf_node *node, void *object);

/* Store the default of a statement, if it has one. */
void value_default(
    struct value_reader *r, const struct conf_statement *stmt, void *object);

/* Letters, digits and ._- up to max bytes, not beginning with . or -. */
/* A port of services(5); protocol "tcp", "udp" or NULL for any. -1: none. */
int value_port_by_name(const char *name, const char *protocol);

bool value_is_label(const char *text, size_t max);

/* An address, or a host name (RFC 1123, 2.1). */
bool value_is_host(const char *text);
bool value_is_address(const char *text);

#endif
