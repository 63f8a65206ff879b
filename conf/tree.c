/* The configuration as written. Planner and CLI; pure. */
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/tree.h"
#include "lib/err.h"

struct conf_tree *
tree_new(void)
{
	struct conf_tree *t = calloc(1, sizeof(*t));
	struct conf_pos none = {0, 0};

	if (t == NULL)
		return (NULL);
	t->root = tree_add(t, NULL, BLOCK_ROOT, NULL, none);
	if (t->root == NULL) {
		tree_free(t);
		return (NULL);
	}
	return (t);
}

void
tree_free(struct conf_tree *t)
{
	if (t == NULL)
		return;
	arena_free(&t->arena);
	free(t);
}

struct conf_node *
tree_find_block(
    const struct conf_node *parent, enum conf_block_id block, const char *key)
{
	for (struct conf_node *n = parent->children; n != NULL; n = n->next) {
		if (n->block != block || n->stmt != NULL)
			continue;
		if (key == NULL || strcmp(n->values[0].text, key) == 0)
			return (n);
	}
	return (NULL);
}

struct conf_node *
tree_find_statement(const struct conf_node *parent,
    const struct conf_statement *stmt, const char *key)
{
	for (struct conf_node *n = parent->children; n != NULL; n = n->next) {
		if (n->stmt != stmt)
			continue;
		if (key == NULL || !schema_is_keyed(stmt) ||
		    strcmp(n->values[0].text, key) == 0)
			return (n);
	}
	return (NULL);
}

struct conf_node *
tree_add(struct conf_tree *t, struct conf_node *parent,
    enum conf_block_id block, const struct conf_statement *stmt,
    struct conf_pos pos)
{
	struct conf_node *n;

	if (t->node_count >= CONF_NODES_MAX)
		return (NULL);
	n = arena_alloc(&t->arena, sizeof(*n));
	if (n == NULL)
		return (NULL);
	t->node_count++;
	n->block = block;
	n->stmt = stmt;
	n->pos = pos;
	n->tail = &n->children;
	if (parent != NULL) {
		*parent->tail = n;
		parent->tail = &n->next;
	}
	return (n);
}

int
tree_set_values(struct conf_tree *t, struct conf_node *node,
    const struct conf_value *values, unsigned n)
{
	node->values = NULL;
	node->value_count = 0;
	if (n == 0)
		return (0);
	node->values = arena_alloc(&t->arena, n * sizeof(*values));
	if (node->values == NULL)
		return (ERR_NO_MEMORY);
	memcpy(node->values, values, n * sizeof(*values));
	node->value_count = n;
	return (0);
}

int
tree_replace(struct conf_tree *t, struct conf_node *node, struct conf_pos pos,
    const struct conf_value *values, unsigned n)
{
	struct conf_node *old;

	old = tree_add(t, NULL, BLOCK_NONE, node->stmt, node->pos);
	if (old == NULL)
		return (ERR_NO_MEMORY);
	old->values = node->values;
	old->value_count = node->value_count;
	old->replaced = node->replaced;
	node->replaced = old;
	node->pos = pos;
	return (tree_set_values(t, node, values, n));
}

int
tree_fail(struct conf_tree *t, struct conf_node *parent,
    const struct conf_statement *stmt, struct conf_pos pos)
{
	struct conf_node *n = tree_add(t, NULL, BLOCK_NONE, stmt, pos);

	if (n == NULL)
		return (ERR_NO_MEMORY);
	n->next = parent->failed;
	parent->failed = n;
	return (0);
}

static bool
tree_node_equal(const struct conf_node *a, const struct conf_node *b)
{
	if (a->block != b->block || a->stmt != b->stmt ||
	    a->inactive != b->inactive || a->value_count != b->value_count)
		return (false);
	for (unsigned i = 0; i < a->value_count; i++) {
		if (strcmp(a->values[i].text, b->values[i].text) != 0)
			return (false);
	}
	return (true);
}

bool
tree_equal(const struct conf_node *a, const struct conf_node *b)
{
	const struct conf_node *x, *y;

	if (!tree_node_equal(a, b))
		return (false);
	for (x = a->children, y = b->children; x != NULL && y != NULL;
	     x = x->next, y = y->next) {
		if (!tree_equal(x, y))
			return (false);
	}
	return (x == NULL && y == NULL);
}

const char *
tree_name(const struct conf_node *node)
{
	return (node->stmt != NULL ? node->stmt->name
				   : conf_blocks[node->block].name);
}

/*
 * The block of a service, looked for by its kind, and by its name where the
 * block has one.
 */
static struct conf_node *
tree_find_service(struct conf_node *parent, const struct conf_service *s)
{
	for (struct conf_node *n = parent->children; n != NULL; n = n->next) {
		const struct conf_block *b = &conf_blocks[n->block];
		struct conf_node *below;

		if (n->stmt != NULL)
			continue;
		if (b->opens && b->base == BASE_SERVICE && b->kind == s->kind &&
		    (b->key == KEY_NONE ||
			strcmp(n->values[0].text, s->name) == 0))
			return (n);
		below = tree_find_service(n, s);
		if (below != NULL)
			return (below);
	}
	return (NULL);
}

/* The service's block, or `system services`; NULL: there is none. */
static struct conf_node *
tree_find_services(
    const struct conf_tree *t, const struct conf_service *service)
{
	struct conf_node *n = t->root;

	n = tree_find_block(n, BLOCK_SYSTEM, NULL);
	if (n != NULL)
		n = tree_find_block(n, BLOCK_SERVICES, NULL);
	if (n != NULL && service != NULL)
		n = tree_find_service(n, service);
	return (n);
}

bool
tree_is_written(const struct conf_tree *t, const struct conf_service *service,
    const char *statement)
{
	const struct conf_node *block = tree_find_services(t, service);

	if (tree_find_stated(t, service, statement) != NULL)
		return (true);
	if (block == NULL)
		return (false);
	for (const struct conf_node *n = block->failed; n != NULL;
	     n = n->next) {
		if (strcmp(n->stmt->name, statement) == 0)
			return (true);
	}
	return (false);
}

/*
 * A statement of a block, or of one inside it that is part of the same object;
 * an inactive one is none.
 */
static struct conf_node *
tree_find_active(const struct conf_node *block, const char *name)
{
	const struct conf_statement *stmt =
	    schema_find_statement(block->block, name);
	struct conf_node *found = NULL;

	if (stmt != NULL)
		found = tree_find_statement(block, stmt, NULL);
	for (const struct conf_node *n = block->children;
	     stmt == NULL && found == NULL && n != NULL; n = n->next) {
		if (n->stmt == NULL && !n->inactive &&
		    conf_blocks[n->block].base == BASE_SERVICE &&
		    !conf_blocks[n->block].opens)
			found = tree_find_active(n, name);
	}
	return (found == NULL || found->inactive ? NULL : found);
}

struct conf_node *
tree_find_system(const struct conf_tree *t, const char *statement)
{
	const struct conf_node *n =
	    tree_find_block(t->root, BLOCK_SYSTEM, NULL);

	return (
	    n == NULL || n->inactive ? NULL : tree_find_active(n, statement));
}

struct conf_node *
tree_find_stated(const struct conf_tree *t, const struct conf_service *service,
    const char *statement)
{
	const struct conf_node *n = tree_find_services(t, service);

	return (n == NULL ? NULL : tree_find_active(n, statement));
}

struct conf_pos
conf_statement_pos(const struct conf *conf, const struct conf_service *service,
    const char *statement)
{
	struct conf_pos none = {0, 0};
	const struct conf_node *n;

	n = tree_find_stated(conf->tree, service, statement);
	if (n != NULL)
		return (n->pos);
	return (service != NULL ? service->pos : none);
}
