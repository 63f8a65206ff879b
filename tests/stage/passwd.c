/* fgetpwent(3) parses as the `files` service does. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/stage/passwd.h"
#include "workers/lookup/passwd.h"

#define NAMES_MAX 4096

static char *names[NAMES_MAX];
static size_t names_count;

static void
must(bool is)
{
	if (!is)
		abort();
}

/* Whether it is the first of that name. */
static bool
is_new(const char *name)
{
	for (size_t i = 0; i < names_count; i++) {
		if (strcmp(names[i], name) == 0)
			return (false);
	}
	must(names_count < NAMES_MAX);
	names[names_count] = strdup(name);
	must(names[names_count++] != NULL);
	return (true);
}

static void
must_be_same(const struct passwd *ours, const struct passwd *theirs)
{
	must(ours != NULL && strcmp(ours->pw_name, theirs->pw_name) == 0 &&
	     strcmp(ours->pw_passwd, theirs->pw_passwd) == 0 &&
	     ours->pw_uid == theirs->pw_uid && ours->pw_gid == theirs->pw_gid &&
	     strcmp(ours->pw_gecos, theirs->pw_gecos) == 0 &&
	     strcmp(ours->pw_dir, theirs->pw_dir) == 0 &&
	     strcmp(ours->pw_shell, theirs->pw_shell) == 0);
}

/* The library's first entry of each name is the table's, which has no other. */
static void
compare(const struct passwd_table *t, char *bytes, size_t n)
{
	FILE *file = fmemopen(bytes, n, "r");
	const struct passwd *theirs;
	size_t used = 0;

	must(file != NULL);
	while ((theirs = fgetpwent(file)) != NULL) {
		if (is_new(theirs->pw_name))
			must_be_same(
			    passwd_table_find(t, theirs->pw_name), theirs);
	}
	fclose(file);
	for (uint32_t i = 0; i <= t->mask; i++)
		used += t->slots[i] != 0;
	must(used == names_count);
	while (names_count > 0)
		free(names[--names_count]);
}

bool
passwd_compare(const char *bytes, size_t n)
{
	struct passwd_table t;
	char *text = malloc(n + 1), *again = malloc(n + 1);
	bool made;

	must(text != NULL && again != NULL);
	memcpy(text, bytes, n);
	memcpy(again, bytes, n);
	made = passwd_table_make(&t, text, n);
	if (made && n > 0)
		compare(&t, again, n);
	passwd_table_free(&t);
	free(again);
	return (made);
}
