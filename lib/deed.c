/* The table of deeds. Any process; pure. */
#include "lib/deed.h"

#include <string.h>

static const struct {
	const char *word;
	uint32_t seconds;
} deeds[DEED_COUNT] = {
#define X(id, word, seconds) [id] = {word, seconds},
    DEED_LIST(X)
#undef X
};

bool
deed_of_failure(const char *reason, bool unknown, enum deed *out)
{
	if (strcmp(reason, "timeout") == 0)
		*out = DEED_TIMEOUT;
	else if (strcmp(reason, "credentials") == 0 ||
		 strcmp(reason, "root-login") == 0)
		*out = unknown ? DEED_UNKNOWN_USER : DEED_FAILURE;
	else
		return (false);
	return (true);
}

const char *
deed_name(enum deed deed)
{
	return (deed < DEED_COUNT ? deeds[deed].word : "?");
}

uint32_t
deed_seconds(enum deed deed)
{
	return (deed < DEED_COUNT ? deeds[deed].seconds : 0);
}
