/*
 * The keywords of sshd_config as a table, from keywords.def. Planner (root) and
 * CLI. Pure, constant.
 */
#ifndef PORTREEVE_CONF_SSHD_KEYWORDS_H
#define PORTREEVE_CONF_SSHD_KEYWORDS_H

#include <stdbool.h>

enum keyword_id {
	KEYWORD_NONE,
#define KEYWORD(id, ...) KEYWORD_##id,
#include "conf/sshd/keywords.def"
#undef KEYWORD
	KEYWORD_COUNT
};

enum keyword_order {
	ORDER_NONE,
	ORDER_WORDS,
	ORDER_NUMBER,
	ORDER_COUNT,
	ORDER_REKEY,
	ORDER_LIST,
	ORDER_PATH
};

struct keyword {
	const char *name;
	const char *same;
	const char *can;
	const char *ours;
	const char *words; /* of ORDER_WORDS */
	enum keyword_order order;
	enum keyword_id by;
	bool useless;
};

extern const struct keyword keywords[KEYWORD_COUNT];

/* By its name in lower case; KEYWORD_NONE: it has no row. */
enum keyword_id keyword_find(const char *name);

#endif
