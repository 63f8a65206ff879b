/*
 * The values that are more than one word: addresses, commands, environment and
 * limits of `service`. Only for value.c.
 */
#ifndef PORTREEVE_CONF_VALUE_LIST_H
#define PORTREEVE_CONF_VALUE_LIST_H

#include "conf/value.h"

/* Bytes of a list of words, for people. */
#define VALUE_WORDS_MAX 640

/*
 * The place of a word in a list of words, or -1; *list is those words with
 * commas, for people.
 */
int value_word_index(
    const char *words, const char *word, char list[VALUE_WORDS_MAX]);

void value_read_list(
    struct value_reader *r, const struct conf_node *node, void *object);

void value_read_lines(
    struct value_reader *r, const struct conf_node *node, void *object);

void value_read_prefixes(
    struct value_reader *r, const struct conf_node *node, void *object);

/* As value_read, for one type each; service may be NULL. */
void value_read_addresses(struct value_reader *r, const struct conf_node *node,
    struct conf_service *service);
void value_read_program(struct value_reader *r, const struct conf_node *node,
    struct conf_service *service);
void value_read_env(struct value_reader *r, const struct conf_node *node,
    struct conf_service *service);
void value_read_rlimit(struct value_reader *r, const struct conf_node *node,
    struct conf_service *service);

/* Only digits, no needless zero in front; false otherwise or past UINT64_MAX.
 */
bool value_parse_u64(const char *text, uint64_t *out);

#endif
