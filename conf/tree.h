/*
 * A configuration as it was written: blocks and statements, merged, with their
 * places, inactive ones too. What is rendered, and what the model is built
 * from. Planner and CLI; pure.
 */
#ifndef PORTREEVE_CONF_TREE_H
#define PORTREEVE_CONF_TREE_H

#include <stdbool.h>

#include "conf/arena.h"
#include "conf/schema.h"

/* Blocks and statements of one configuration. */
#define CONF_NODES_MAX 20000

struct conf_value {
	const char *text;
	struct conf_pos pos;
};

struct conf_node {
	enum conf_block_id block;	   /* BLOCK_NONE: a statement */
	const struct conf_statement *stmt; /* NULL: a block */
	struct conf_pos pos;
	bool inactive;
	bool wrong;		   /* its values: an error says why */
	struct conf_value *values; /* a block's key is its only one */
	unsigned value_count;
	struct conf_node *next;
	struct conf_node *children, **tail;
	/* Statements that a later one replaced: checked, and no more. */
	struct conf_node *replaced;
	/* A block's statements that could not be read, only by name. */
	struct conf_node *failed;
};

struct conf_tree {
	struct arena arena;
	struct conf_node *root;
	unsigned node_count;
};

/* NULL: no memory. The tree's own memory is in its arena. */
struct conf_tree *tree_new(void);
void tree_free(struct conf_tree *t);

/* The child block with that key (NULL where it has none), or NULL. */
struct conf_node *tree_find_block(
    const struct conf_node *parent, enum conf_block_id block, const char *key);

/*
 * The statement in that block; key is the first value of a keyed one
 * (environment, rlimit) and else not looked at. NULL: none.
 */
struct conf_node *tree_find_statement(const struct conf_node *parent,
    const struct conf_statement *stmt, const char *key);

/* A new child, at the end. NULL: no memory, or too many of them. */
struct conf_node *tree_add(struct conf_tree *t, struct conf_node *parent,
    enum conf_block_id block, const struct conf_statement *stmt,
    struct conf_pos pos);

/* A copy of n values for a node; ERR_NO_MEMORY. */
int tree_set_values(struct conf_tree *t, struct conf_node *node,
    const struct conf_value *values, unsigned n);

/*
 * The new values replace a node's, which are kept aside to be checked.
 * ERR_NO_MEMORY.
 */
int tree_replace(struct conf_tree *t, struct conf_node *node,
    struct conf_pos pos, const struct conf_value *values, unsigned n);

/* A statement of that block could not be read; ERR_NO_MEMORY. */
int tree_fail(struct conf_tree *t, struct conf_node *parent,
    const struct conf_statement *stmt, struct conf_pos pos);

/*
 * Whether a service's block has that statement, or would if it could have been
 * read: what is wrong is not missing.
 */
bool tree_is_written(const struct conf_tree *t,
    const struct conf_service *service, const char *statement);

/* Same statements in the same order, places apart. */
bool tree_equal(const struct conf_node *a, const struct conf_node *b);

/*
 * The active statement of that name in a service's block, or right below
 * `system services` when service is NULL; NULL where there is none.
 */
struct conf_node *tree_find_stated(const struct conf_tree *t,
    const struct conf_service *service, const char *statement);

/* The active statement of that name right below `system`, or NULL. */
struct conf_node *tree_find_system(
    const struct conf_tree *t, const char *statement);

/* Name of a block or statement, for messages. */
const char *tree_name(const struct conf_node *node);

#endif
