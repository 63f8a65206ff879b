/*
 * The language as a table, from schema.def: everything that knows a statement
 * by name reads it here (parser, checks, defaults, rendering, the manual).
 * Planner and CLI; pure, constant.
 */
#ifndef PORTREEVE_CONF_SCHEMA_H
#define PORTREEVE_CONF_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/model.h"

/* Bytes of one value, and values of one statement. */
#define CONF_VALUE_MAX 1024
#define CONF_VALUES_MAX 64

/* Lines of sshd_config that one statement makes. */
#define SCHEMA_SSHD_MAX 3

enum conf_block_id {
	BLOCK_NONE,
#define BLOCK(id, ...) BLOCK_##id,
#define STATEMENT(...)
#define CONFLICT(...)
#include "conf/schema.def"
#undef BLOCK
#undef STATEMENT
#undef CONFLICT
	BLOCK_COUNT
};

/* What a value is. The word in the comment is how messages call it. */
enum conf_type {
	TYPE_FLAG,	/* no value */
	TYPE_NUMBER,	/* decimal, in a range */
	TYPE_PORT,	/* decimal, in a range, or a name of services(5) */
	TYPE_OCTAL,	/* octal, in a range */
	TYPE_WORD,	/* one of a list of words */
	TYPE_BOOL,	/* yes or no */
	TYPE_STRING,	/* any text */
	TYPE_NAME,	/* a user, a group, a label */
	TYPE_PATH,	/* absolute path */
	TYPE_COMMAND,	/* absolute path and words, kept as text */
	TYPE_EXEC,	/* as TYPE_COMMAND, split into conf_exec */
	TYPE_ADDRESSES, /* IPv4 and IPv6 addresses, a list */
	TYPE_UIDS,	/* LOW-HIGH */
	TYPE_ENV,	/* NAME VALUE, one statement a name */
	TYPE_RLIMIT,	/* NAME SOFT HARD, one statement a name */
	TYPE_LIST,	/* some of a list of words, in the order written */
	TYPE_LINES,	/* any texts of one line, in the order written */
	TYPE_PREFIXES,	/* networks of IPv4 and IPv6, a list */
	TYPE_EARLY,	/* START:RATE:FULL */
	TYPE_COUNT
};

/* What follows a block's name. */
enum conf_key {
	KEY_NONE,
	KEY_NAME,   /* a label: service NAME, client ID */
	KEY_HOST,   /* an address or host name; the word before it may lack */
	KEY_ADDRESS /* an address */
};

/* The struct that a block's statements are stored in. */
enum conf_base {
	BASE_CONF,
	BASE_SERVICE,
	BASE_CLIENT,
	BASE_SERVER,
	BASE_ASKED
};

struct conf_block {
	const char *name;
	uint32_t parents; /* the blocks that it is in, a bit for each */
	enum conf_key key;
	enum conf_base base;
	bool opens; /* a new object of base starts with this block */
	enum service_kind kind; /* where base is a service */
	uint16_t port;		/* its default port; 0: none */
	const char *since;
	bool extension; /* ours, not Junos's */
	const char *needs;
	const char *help;
};

struct conf_statement {
	const char *name;
	uint32_t blocks; /* a bit per enum conf_block_id */
	enum conf_type type;
	size_t offset; /* of the member in the block's struct */
	size_t size;
	int64_t low, high; /* numbers; lengths of texts */
	int64_t wide;	   /* high under extended-limits; 0: the same */
	bool value;	   /* what a flag stores */
	bool secret;
	const char *words; /* TYPE_WORD: in the order of the enum's values;
			      TYPE_LIST: those that there are */
	/*
	 * What it says in sshd_config's words. value: of words, sshd's for each
	 * of ours in their order, NULL where they are the same; else the value
	 * itself, and NULL where it is ours.
	 */
	struct {
		const char *keyword, *value;
	} sshd[SCHEMA_SSHD_MAX];
	bool sshd_always;      /* its default goes to sshd, too */
	const char *below;     /* the folder of a path that is relative */
	const char *arguments; /* of a command that is written without any */
	const char *dflt;      /* in the language's own words; NULL: nothing */
	const char *unit;      /* for the manual: "seconds" */
	const char *since;
	bool extension;
	const char *needs; /* what it takes beyond ourselves; NULL: nothing */
	const char *help;
};

/* Two flags of one block that cannot both be meant. */
struct conf_conflict {
	const char *a, *b;
	const char *c; /* NULL, or the third of three */
	uint32_t blocks;
	const char *why;
};

extern const struct conf_block conf_blocks[BLOCK_COUNT];
extern const struct conf_statement conf_statements[];
extern const size_t conf_statement_count;
extern const struct conf_conflict conf_conflicts[];
extern const size_t conf_conflict_count;

/* NULL where the block has no such statement or block. */
const struct conf_statement *schema_find_statement(
    enum conf_block_id in, const char *name);
enum conf_block_id schema_find_block(enum conf_block_id in, const char *name);

/* Whether a block is one of those in another. */
bool schema_is_in(enum conf_block_id id, enum conf_block_id in);

/* Whether a block has a statement or block of that name. */
bool schema_knows(enum conf_block_id in, const char *name);

/* The block in `in` whose word before the key may lack, or BLOCK_NONE. */
enum conf_block_id schema_implicit_block(enum conf_block_id in);

/*
 * The name known in a block that is nearest to word, or NULL in a block
 * without names. *distance (may be NULL) in single edits.
 */
const char *schema_nearest(
    enum conf_block_id in, const char *word, unsigned *distance);

/*
 * The name known in a block, or in any, that a word was probably meant for:
 * a slip of the pen away, or begun so. NULL: none is near enough.
 */
const char *schema_meant(enum conf_block_id in, const char *word);
const char *schema_meant_elsewhere(const char *word);

/*
 * "system services ssh": a block's whole path; NAME stands for its key, and the
 * first that it is in for all.
 */
#define SCHEMA_PATH_MAX 96
const char *schema_path(enum conf_block_id id, char buf[SCHEMA_PATH_MAX]);

/* The blocks that know a name, a bit per enum conf_block_id. */
uint32_t schema_places(const char *name);

/* Values a statement takes: 0, 1, 2 or 3; lists say 1. */
unsigned schema_arity(const struct conf_statement *s);

/* Repeated statements add to one another instead of replacing. */
bool schema_is_list(const struct conf_statement *s);

/* The first value names the statement: environment, rlimit. */
bool schema_is_keyed(const struct conf_statement *s);

/* The limit resources that `rlimit` knows: RLIMIT_*, or -1. */
int schema_rlimit_resource(const char *name);
const char *schema_rlimit_names(void); /* all of them, with commas */

/* What kind of value a statement takes, as messages and the manual say it. */
const char *schema_type_name(enum conf_type type);

#endif
