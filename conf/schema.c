/*
 * schema.def as constant tables, and how to look things up in them. Planner
 * and CLI; pure.
 */
#include <sys/resource.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "conf/schema.h"

#define SINCE(v) .since = v
#define EXTENSION .extension = true
#define NEEDS(text) .needs = text
#define HELP(text) .help = text

/* Columns of blocks. */
#define NAME(word) .name = word
#define IN_BLOCK(b) .parents = IN(b)
#define IN_EACH(list) .parents = (list)
#define KEYED(k) .key = KEY_##k
#define INTO_BASE(b) .base = BASE_##b
#define PORT(n) .port = n
#define OPENS(...) OPENS_(__VA_ARGS__, SSH)
#define OPENS_(b, k, ...) .base = BASE_##b, .opens = true, .kind = SERVICE_##k

/* Columns of statements. */
#define IN(b) (1U << BLOCK_##b)
enum {
	LISTENERS = IN(SSH) | IN(NETCONF_SSH) | IN(SERVICE)
#define SERVICE(...)
#define BUILTIN(id, ...) | IN(id)
#include "lib/service.def"
	    ,
	/* By which users log in with passwords, through our own login. */
	PASSWORD_LOGINS = 0U
#define SERVICE(...)
#define BUILTIN(...)
#define BUILTIN_LOGIN(id, ...) | IN(id)
#include "lib/service.def"
};
/* NOLINTBEGIN(bugprone-macro-parentheses): neither takes parentheses. */
#define INTO(s, m)                                                             \
	.offset = offsetof(struct s, m), .size = sizeof(((struct s *)0)->m)
/* NOLINTEND(bugprone-macro-parentheses) */
#define DEFAULT(text) .dflt = text
#define WIDE(n) .wide = n
#define UNIT(word) .unit = word
#define SECRET .secret = true
#define FLAG(v) .type = TYPE_FLAG, .value = v
#define NUMBER(l, h) .type = TYPE_NUMBER, .low = (l), .high = (h)
#define PORT_NUMBER(l, h) .type = TYPE_PORT, .low = (l), .high = (h)
#define OCTAL(l, h) .type = TYPE_OCTAL, .low = (l), .high = (h)
#define WORD(list) .type = TYPE_WORD, .words = list
#define BOOL .type = TYPE_BOOL
#define STRING(n) .type = TYPE_STRING, .low = 1, .high = n
#define LABEL(n) .type = TYPE_NAME, .low = 1, .high = n
#define PATH .type = TYPE_PATH, .low = 1, .high = CONF_VALUE_MAX - 1
#define COMMAND .type = TYPE_COMMAND, .low = 1, .high = CONF_VALUE_MAX - 1
#define PROGRAM .type = TYPE_EXEC, .low = 1, .high = CONF_VALUE_MAX - 1
#define ADDRESSES .type = TYPE_ADDRESSES
#define UIDS .type = TYPE_UIDS, .low = 1, .high = 4294967293
#define ENV .type = TYPE_ENV
#define RLIMIT .type = TYPE_RLIMIT
#define LIST(w) .type = TYPE_LIST, .words = w
#define LINES(n) .type = TYPE_LINES, .low = 1, .high = n
#define PREFIXES .type = TYPE_PREFIXES
#define EARLY .type = TYPE_EARLY
#define ARGUMENTS(text) .arguments = text
#define BELOW(folder) .below = folder
#define SSHD(...) SSHD_(__VA_ARGS__, NULL)
#define SSHD_(k, v, ...) .sshd[0] = {k, v}
#define SSHD_ALSO(k, v) .sshd[1] = {k, v}
#define SSHD_AND(k, v) .sshd[2] = {k, v}
#define SSHD_ALWAYS .sshd_always = true

_Static_assert(BLOCK_COUNT <= 32, "a block needs a bit of its own");

const struct conf_block conf_blocks[BLOCK_COUNT] = {
#define BLOCK(id, ...) [BLOCK_##id] = {__VA_ARGS__},
#define STATEMENT(...)
#define CONFLICT(...)
#include "conf/schema.def"
#undef BLOCK
#undef STATEMENT
#undef CONFLICT
};

const struct conf_statement conf_statements[] = {
#define BLOCK(...)
#define STATEMENT(n, b, ...) {.name = n, .blocks = b, __VA_ARGS__},
#define CONFLICT(...)
#include "conf/schema.def"
#undef BLOCK
#undef STATEMENT
#undef CONFLICT
};
const size_t conf_statement_count =
    sizeof(conf_statements) / sizeof(conf_statements[0]);

const struct conf_conflict conf_conflicts[] = {
#define BLOCK(...)
#define STATEMENT(...)
#define WITH(third) .c = (third)
#define CONFLICT(x, y, in, text, ...)                                          \
	{.a = (x), .b = (y), .blocks = (in), .why = (text), ##__VA_ARGS__},
#include "conf/schema.def"
#undef BLOCK
#undef STATEMENT
#undef CONFLICT
#undef WITH
};
const size_t conf_conflict_count =
    sizeof(conf_conflicts) / sizeof(conf_conflicts[0]);

#define RLIMITS(X)                                                             \
	X("as", RLIMIT_AS)                                                     \
	X("core", RLIMIT_CORE)                                                 \
	X("cpu", RLIMIT_CPU)                                                   \
	X("data", RLIMIT_DATA)                                                 \
	X("fsize", RLIMIT_FSIZE)                                               \
	X("memlock", RLIMIT_MEMLOCK)                                           \
	X("nofile", RLIMIT_NOFILE)                                             \
	X("nproc", RLIMIT_NPROC)                                               \
	X("rss", RLIMIT_RSS)                                                   \
	X("stack", RLIMIT_STACK)

static const struct {
	const char *name;
	int resource;
} rlimit_names[] = {
#define X(word, value) {word, value},
    RLIMITS(X)
#undef X
};
_Static_assert(
    sizeof(rlimit_names) / sizeof(rlimit_names[0]) <= CONF_RLIMIT_MAX,
    "a service can have one limit of each");

const struct conf_statement *
schema_find_statement(enum conf_block_id in, const char *name)
{
	for (size_t i = 0; i < conf_statement_count; i++) {
		const struct conf_statement *s = &conf_statements[i];

		if ((s->blocks & (1U << in)) != 0 && strcmp(s->name, name) == 0)
			return (s);
	}
	return (NULL);
}

bool
schema_is_in(enum conf_block_id id, enum conf_block_id in)
{
	return ((conf_blocks[id].parents >> in & 1) != 0);
}

enum conf_block_id
schema_find_block(enum conf_block_id in, const char *name)
{
	for (int id = BLOCK_ROOT + 1; id < BLOCK_COUNT; id++) {
		if (schema_is_in((enum conf_block_id)id, in) &&
		    strcmp(conf_blocks[id].name, name) == 0)
			return ((enum conf_block_id)id);
	}
	return (BLOCK_NONE);
}

bool
schema_knows(enum conf_block_id in, const char *name)
{
	return (schema_find_block(in, name) != BLOCK_NONE ||
		schema_find_statement(in, name) != NULL);
}

enum conf_block_id
schema_implicit_block(enum conf_block_id in)
{
	for (int id = BLOCK_ROOT + 1; id < BLOCK_COUNT; id++) {
		if (schema_is_in((enum conf_block_id)id, in) &&
		    conf_blocks[id].key == KEY_HOST)
			return ((enum conf_block_id)id);
	}
	return (BLOCK_NONE);
}

const char *
schema_path(enum conf_block_id id, char buf[SCHEMA_PATH_MAX])
{
	enum conf_block_id chain[BLOCK_COUNT];
	size_t depth = 0, used = 0;

	buf[0] = '\0';
	for (; id > BLOCK_ROOT;
	     id = (enum conf_block_id)(ffs((int)conf_blocks[id].parents) - 1))
		chain[depth++] = id;
	while (depth > 0 && used < SCHEMA_PATH_MAX) {
		const struct conf_block *b = &conf_blocks[chain[--depth]];

		used += (size_t)snprintf(buf + used, SCHEMA_PATH_MAX - used,
		    "%s%s%s", used == 0 ? "" : " ", b->name,
		    b->key == KEY_NONE	    ? ""
		    : b->key == KEY_ADDRESS ? " ADDRESS"
					    : " NAME");
	}
	return (buf);
}

uint32_t
schema_places(const char *name)
{
	uint32_t places = 0;

	for (int id = BLOCK_ROOT + 1; id < BLOCK_COUNT; id++) {
		if (strcmp(conf_blocks[id].name, name) == 0)
			places |= conf_blocks[id].parents;
	}
	for (size_t i = 0; i < conf_statement_count; i++) {
		if (strcmp(conf_statements[i].name, name) == 0)
			places |= conf_statements[i].blocks;
	}
	return (places);
}

unsigned
schema_arity(const struct conf_statement *s)
{
	switch (s->type) {
	case TYPE_FLAG:
		return (0);
	case TYPE_ENV:
		return (2);
	case TYPE_RLIMIT:
		return (3);
	default:
		return (1);
	}
}

bool
schema_is_list(const struct conf_statement *s)
{
	return (s->type == TYPE_ADDRESSES || s->type == TYPE_LIST ||
		s->type == TYPE_LINES || s->type == TYPE_PREFIXES);
}

bool
schema_is_keyed(const struct conf_statement *s)
{
	return (s->type == TYPE_ENV || s->type == TYPE_RLIMIT);
}

int
schema_rlimit_resource(const char *name)
{
	for (size_t i = 0; i < sizeof(rlimit_names) / sizeof(rlimit_names[0]);
	     i++) {
		if (strcmp(rlimit_names[i].name, name) == 0)
			return (rlimit_names[i].resource);
	}
	return (-1);
}

const char *
schema_rlimit_names(void)
{
#define X(word, value) ", " word
	static const char names[] = RLIMITS(X);
#undef X

	return (names + 2);
}

const char *
schema_type_name(enum conf_type type)
{
	static const char *const names[TYPE_COUNT] = {
	    [TYPE_FLAG] = "nothing",
	    [TYPE_NUMBER] = "a number",
	    [TYPE_PORT] = "a number",
	    [TYPE_OCTAL] = "an octal number",
	    [TYPE_WORD] = "a word",
	    [TYPE_BOOL] = "yes or no",
	    [TYPE_STRING] = "a string",
	    [TYPE_NAME] = "a name",
	    [TYPE_PATH] = "an absolute path",
	    [TYPE_COMMAND] = "a command",
	    [TYPE_EXEC] = "a command",
	    [TYPE_ADDRESSES] = "addresses",
	    [TYPE_UIDS] = "a range LOW-HIGH",
	    [TYPE_ENV] = "a name and a value",
	    [TYPE_RLIMIT] = "a resource, a soft and a hard limit",
	    [TYPE_LIST] = "words",
	    [TYPE_LINES] = "a line",
	    [TYPE_PREFIXES] = "networks",
	    [TYPE_EARLY] = "START:RATE:FULL",
	};

	return (names[type]);
}
