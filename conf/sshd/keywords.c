/* keywords.def as a constant table. Planner (root) and CLI. Pure. */
#include <string.h>

#include "conf/sshd/keywords.h"

#define SAME(values) .same = values
#define USELESS .useless = true
#define BY(id) .by = KEYWORD_##id
#define CAN(text) .can = text
#define OURS(text) .ours = text
#define WORDS(list) .order = ORDER_WORDS, .words = list
#define NUMBERS .order = ORDER_NUMBER
#define COUNTS .order = ORDER_COUNT
#define REKEYS .order = ORDER_REKEY
#define LISTS .order = ORDER_LIST
#define PATHS .order = ORDER_PATH

const struct keyword keywords[KEYWORD_COUNT] = {
#define KEYWORD(id, word, ...) [KEYWORD_##id] = {.name = word, ##__VA_ARGS__},
#include "conf/sshd/keywords.def"
#undef KEYWORD
};

enum keyword_id
keyword_find(const char *name)
{
	for (int id = KEYWORD_NONE + 1; id < KEYWORD_COUNT; id++) {
		if (strcmp(keywords[id].name, name) == 0)
			return ((enum keyword_id)id);
	}
	return (KEYWORD_NONE);
}
