/*
 * Text to tree: the grammar, both forms of it. Planner and CLI; distrusts the
 * whole text.
 */
#ifndef PORTREEVE_CONF_PARSE_H
#define PORTREEVE_CONF_PARSE_H

#include <stddef.h>

#include "conf/conf.h"
#include "conf/tree.h"

/*
 * Fill an empty tree. Every error goes to the report and the parser goes on
 * behind it. ERR_NO_MEMORY when it could not; else 0, errors or not.
 */
int parse_text(struct conf_tree *tree, const char *text, size_t n,
    struct conf_report *report);

#endif
