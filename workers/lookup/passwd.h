/*
 * A table of the names in a passwd file, and what nsswitch.conf says of it.
 * Runs in lookup and in a fuzzer. Pure. Distrusts the files' form: where a line
 * is one that parsers differ in, there is no table, and getpwnam(3) is asked.
 */
#ifndef PORTREEVE_LOOKUP_PASSWD_H
#define PORTREEVE_LOOKUP_PASSWD_H

#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PASSWD_SIZE_MAX 16777216u /* bytes */
#define PASSWD_LINES_MAX 262144u

/* A file's text, cut into its fields, and where each name is. */
struct passwd_table {
	char *text;
	uint32_t *slots; /* an entry's offset in text + 1; 0: none */
	uint32_t mask;	 /* slots - 1 */
};

/*
 * The table of a file's n bytes; text, from malloc(3), has room for one byte
 * more and is the table's from then on. False, with text freed: a line that is
 * not plain, too much of it, or no memory.
 */
bool passwd_table_make(struct passwd_table *t, char *text, size_t n);
void passwd_table_free(struct passwd_table *t);

/* NULL: the name is not there. Valid until the next call or the table's end. */
const struct passwd *passwd_table_find(
    const struct passwd_table *t, const char *name);

/* Whether nsswitch.conf's n bytes have users from `files` first and plainly. */
bool passwd_nss_begins_with_files(const char *text, size_t n);

#endif
