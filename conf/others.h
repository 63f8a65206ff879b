/*
 * Words of inetd's, xinetd's, sshd's and Junos's configurations that are none
 * of ours: what stands for each here. Planner and CLI; pure, constant.
 */
#ifndef PORTREEVE_CONF_OTHERS_H
#define PORTREEVE_CONF_OTHERS_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/schema.h"

enum other_owner {
	OTHER_NONE,
	OTHER_INETD,
	OTHER_XINETD,
	OTHER_SSHD,
	OTHER_JUNOS,
	OTHER_SYSTEMD,
	OTHER_VSFTPD,
	OTHER_PROFTPD,
	OTHER_TCPD, /* hosts.allow, hosts.deny */
	OTHER_UTF16,
	OTHER_XML,
	OTHER_JSON,
	OTHER_PLAIN,
	OTHER_COUNT
};

/* Whose a word is, within a block; OTHER_NONE: nobody's that is known. */
enum other_owner other_find(enum conf_block_id in, const char *word);

/* Whether the word of that owner stands in that block and no other. */
bool other_is_here(enum conf_block_id in, const char *word);

/* The sentence about such a word: whose it is, and what to write. */
void other_text(
    enum conf_block_id in, const char *word, char *buf, size_t size);

/*
 * Whose form n bytes of text have, by their first line that says something,
 * and in *line its number; OTHER_NONE: no one's that is known.
 */
enum other_owner other_form(const char *text, size_t n, unsigned *line);

/* Whose a single line is, to its end, wherever it is: only inetd's. */
bool other_is_inetd_line(const char *line, size_t n);

/* The sentence about such a text. */
const char *other_form_text(enum other_owner owner);

#endif
