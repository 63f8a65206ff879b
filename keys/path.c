/* AuthorizedKeysFile, one word at a time. Reader of keys. Pure. */
#include <stdio.h>
#include <string.h>

#include "keys/path.h"
#include "lib/err.h"

static int
path_add(char *out, const char *text, size_t n)
{
	size_t used = strlen(out);

	if (n >= KEYS_PATH_MAX - used)
		return (ERR_TOO_LONG);
	memcpy(out + used, text, n);
	out[used + n] = '\0';
	return (0);
}

static int
path_add_token(char *out, char token, const struct key_user *user)
{
	char number[16];

	switch (token) {
	case '%':
		return (path_add(out, "%", 1));
	case 'h':
		return (path_add(out, user->home, strlen(user->home)));
	case 'u':
		return (path_add(out, user->name, strlen(user->name)));
	case 'U':
		snprintf(number, sizeof(number), "%u", (unsigned)user->uid);
		return (path_add(out, number, strlen(number)));
	default:
		return (ERR_SYNTAX);
	}
}

static int
path_expand(const char *word, size_t n, const struct key_user *user, char *out)
{
	int err = 0;

	out[0] = '\0';
	if (word[0] != '/' && strncmp(word, "%h", 2) != 0) {
		err = path_add_token(out, 'h', user);
		if (err == 0)
			err = path_add(out, "/", 1);
	}
	for (size_t i = 0; i < n && err == 0; i++) {
		if (word[i] != '%')
			err = path_add(out, word + i, 1);
		else if (++i == n)
			err = ERR_SYNTAX;
		else
			err = path_add_token(out, word[i], user);
	}
	return (err);
}

int
path_of(const char *list, unsigned place, const struct key_user *user,
    char out[KEYS_PATH_MAX])
{
	size_t n;

	for (;; list += n) {
		list += strspn(list, " \t");
		n = strcspn(list, " \t");
		if (n == 0)
			return (ERR_NOT_FOUND);
		if (place-- == 0)
			break;
	}
	if (n == 4 && strncmp(list, "none", 4) == 0)
		return (ERR_NOT_FOUND);
	return (path_expand(list, n, user, out));
}
