/*
 * Addresses from text, as a statement has them. Planner and CLI; the text is
 * not trusted, and an interface's name is looked up by a unix socket.
 */
#include <arpa/inet.h>
#include <net/if.h>

#include <string.h>

#include "lib/addr.h"
#include "lib/err.h"

int
addr_parse(struct addr *out, const char *text, uint16_t port)
{
	char copy[ADDR_TEXT_MAX];
	char *percent;

	memset(out, 0, sizeof(*out));
	out->port = port;
	if (inet_pton(AF_INET, text, out->bytes) == 1) {
		out->family = FAMILY_INET;
		return (0);
	}
	if (strlen(text) >= sizeof(copy))
		return (ERR_SYNTAX);
	memcpy(copy, text, strlen(text) + 1);
	percent = strchr(copy, '%');
	if (percent != NULL) {
		*percent++ = '\0';
		out->scope = if_nametoindex(percent);
		if (out->scope == 0)
			return (ERR_SYNTAX);
	}
	if (inet_pton(AF_INET6, copy, out->bytes) != 1)
		return (ERR_SYNTAX);
	out->family = FAMILY_INET6;
	return (0);
}
