/*
 * The orders of sshd's keywords, which keywords.def names. Planner (root).
 * Pure. What has no order is stated by none of our statements.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/sshd/keywords.h"
#include "conf/sshd/order.h"

/* The place of a word, and its number among those of one place; -1. */
static int
order_word_rank(const char *words, const char *word, int *within)
{
	size_t n = strlen(word);
	int rank = 0;

	*within = 0;
	while (*words != '\0') {
		size_t len = strcspn(words, " ,|");

		if (len == n && strncasecmp(words, word, n) == 0)
			return (rank);
		words += len;
		if (*words == ' ') {
			rank++;
			*within = 0;
		} else if (*words == '|') {
			(*within)++;
		}
		words += *words != '\0';
	}
	return (-1);
}

static bool
order_words_looser(const char *words, const char *ours, const char *theirs)
{
	int in_a, in_b, a = order_word_rank(words, ours, &in_a),
			b = order_word_rank(words, theirs, &in_b);

	return (a < 0 || b < 0 || b < a || (a == b && in_a != in_b));
}

/* Zero is no bound at all where `none` is set. */
static bool
order_number_looser(const char *ours, const char *theirs, bool none)
{
	uint64_t a = strtoull(ours, NULL, 10), b = strtoull(theirs, NULL, 10);

	if (none && (a == 0 || b == 0))
		return (a != 0 && b == 0);
	return (b > a);
}

static bool
order_rekey_looser(const char *ours, const char *theirs)
{
	const char *a = strchr(ours, ' '), *b = strchr(theirs, ' ');

	return (order_number_looser(ours, theirs, true) ||
		order_number_looser(
		    a != NULL ? a : "0", b != NULL ? b : "0", true));
}

static bool
order_list_holds(const char *list, const char *word, size_t n)
{
	while (*list != '\0') {
		size_t len = strcspn(list, ",");

		if (len == n && strncmp(list, word, n) == 0)
			return (true);
		list += len;
		list += *list == ',';
	}
	return (false);
}

static bool
order_list_looser(const char *ours, const char *theirs)
{
	if (*theirs == '\0')
		return (true);
	while (*theirs != '\0') {
		size_t len = strcspn(theirs, ",");

		if (!order_list_holds(ours, theirs, len))
			return (true);
		theirs += len;
		theirs += *theirs == ',';
	}
	return (false);
}

bool
order_is_looser(const char *keyword, const char *ours, const char *theirs)
{
	const struct keyword *k = &keywords[keyword_find(keyword)];

	switch (k->order) {
	case ORDER_NONE:
		return (false);
	case ORDER_WORDS:
		return (order_words_looser(k->words, ours, theirs));
	case ORDER_NUMBER:
		return (order_number_looser(ours, theirs, true));
	case ORDER_COUNT:
		return (order_number_looser(ours, theirs, false));
	case ORDER_REKEY:
		return (order_rekey_looser(ours, theirs));
	case ORDER_LIST:
		return (order_list_looser(ours, theirs));
	default:
		return (strcmp(ours, theirs) != 0 &&
			strcasecmp(theirs, "none") != 0);
	}
}

/* The line of a text that begins with that word, whatever its case. */
static const char *
order_find_line(const char *text, const char *keyword)
{
	size_t n = strlen(keyword);

	while (text != NULL && *text != '\0') {
		if (strncasecmp(text, keyword, n) == 0 && text[n] == ' ')
			return (text);
		text = strchr(text, '\n');
		text += text != NULL;
	}
	return (NULL);
}

char *
order_value(const char *dump, const char *keyword)
{
	const char *line = order_find_line(dump, keyword);

	if (line == NULL)
		return (NULL);
	line += strlen(keyword) + 1;
	return (strndup(line, strcspn(line, "\r\n")));
}

const char *
order_stated(const char *text, size_t i, const char **statement, size_t *n)
{
	for (int id = KEYWORD_NONE + 1; id < KEYWORD_COUNT; id++) {
		const struct keyword *k = &keywords[id];
		const char *line = NULL, *above;

		if (k->order != ORDER_NONE)
			line = order_find_line(text, k->name);
		if (line == NULL || i-- > 0)
			continue;
		above = line;
		while (above > text && (above == line || above[-1] != '\n'))
			above--;
		*statement = strncmp(above, "# ", 2) == 0 ? above + 2 : above;
		*n = strcspn(*statement, "\n");
		return (k->name);
	}
	return (NULL);
}
