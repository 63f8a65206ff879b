/*
 * The parser's state, shared by parse*.c and nobody else.
 */
#ifndef PORTREEVE_CONF_PARSER_H
#define PORTREEVE_CONF_PARSER_H

#include <stdbool.h>

#include "conf/lex.h"
#include "conf/tree.h"

/* A block whose `}` is awaited. */
struct parse_frame {
	const struct parse_frame *up; /* NULL: the whole file's */
	const struct conf_node *block;
	struct conf_pos open; /* of its `{` */
	unsigned indent;      /* column where the line of its `{` begins */
};

/* What is reported once only. */
#define PARSE_REPORTED_EQUALS 0x1u /* of a statement */
#define PARSE_REPORTED_INETD 0x2u  /* a line of inetd.conf */

struct parser {
	struct lexer lexer;
	struct token cur;
	struct token peek;     /* the one after it */
	struct conf_pos end;   /* of the token before it */
	unsigned indent;       /* column of the first token of its line */
	enum conf_block_id in; /* the block that is being read */
	const struct parse_frame *top;
	long missing; /* `}` that the file lacks; below 0: has too many */
	struct conf_pos brace; /* of the token that was reported */
	bool line;   /* within a set line: a statement ends with its line */
	bool secret; /* what follows may be one: not to be shown in a message */
	enum token_type before; /* of the token before this */
	unsigned reported;	/* PARSE_REPORTED_* */
	bool stopped;		/* past a bound: nothing more is read */
	struct conf_tree *tree;
	struct conf_report *report;
};

#define PARSE_NAME_MAX 80 /* bytes of a token in a message */

void parse_advance(struct parser *p);

/* Whether the statement that is being read ends before the current token. */
bool parse_at_end(const struct parser *p);

/* Read nothing more: a bound was passed, and reported. */
void parse_stop(struct parser *p);

/* As parse_stop, when the tree is full; says so. */
void parse_too_many(struct parser *p, struct conf_pos pos);

/* Behind what cannot be understood, to where a statement can begin. */
void parse_skip(struct parser *p);

/* The end of a statement: `;`, or the line's. what: its name, for messages. */
void parse_end(struct parser *p, const char *what);

/* A statement or block in that block, to its end. */
void parse_statement(struct parser *p, struct conf_node *parent);

/* A statement's values; false, and reported, when they are not there. */
bool parse_values(struct parser *p, const struct conf_statement *stmt,
    struct conf_value *values, unsigned *count);

/* Put a statement into its block, beside or over what is there. */
void parse_merge(struct parser *p, struct conf_node *parent,
    const struct conf_statement *stmt, struct conf_pos pos, bool inactive,
    const struct conf_value *values, unsigned n);

/*
 * The block whose key stands here without the word before it (an outbound-ssh
 * address), or BLOCK_NONE.
 */
enum conf_block_id parse_implicit(
    const struct parser *p, enum conf_block_id in);

/* A block's key at the current token; NULL, and reported, when it is none. */
const char *parse_key(struct parser *p, enum conf_block_id block);

/* An error at a place. */
void parse_error(struct parser *p, struct conf_pos pos, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether the current token names something in a block. */
bool parse_is_known(const struct parser *p, enum conf_block_id in);

/* Past a line of inetd.conf, all of which are reported once; whether it is one.
 */
bool parse_inetd_line(struct parser *p);

/*
 * Past a name that the block does not have, and all that belongs to it: whose
 * it is, where it stands, or what was probably meant.
 */
void parse_unknown(struct parser *p, enum conf_block_id in);

/*
 * Whether a block's `{` was forgotten, and so reported: the file has a `}` too
 * many, and the next line has one of the block's names.
 */
bool parse_brace_forgotten(struct parser *p, enum conf_block_id block);

/* Past a `{` behind another that the file has too many; whether it is one. */
bool parse_brace_doubled(struct parser *p);

/* Whether the block at the top ends before the current token, by its `}`... */
bool parse_brace_closes(struct parser *p);

/* ... or, and reported, because its `}` is missing there. */
bool parse_brace_missing(struct parser *p);

/* The file ended before the block at the top did: reported once. */
void parse_brace_end(struct parser *p);

/* A `deactivate PATH` line, from the word behind `deactivate`. */
void parse_deactivate(struct parser *p);

#endif
