/* Addresses that fit a message. Any process; pure. */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <stdio.h>
#include <string.h>

#include "lib/addr.h"
#include "lib/err.h"

int
addr_from_sockaddr(struct addr *out, const struct sockaddr *sa, socklen_t len)
{
	memset(out, 0, sizeof(*out));
	if (sa->sa_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
		struct sockaddr_in in;

		memcpy(&in, sa, sizeof(in));
		out->family = FAMILY_INET;
		memcpy(out->bytes, &in.sin_addr, 4);
		out->port = ntohs(in.sin_port);
		return (0);
	}
	if (sa->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
		struct sockaddr_in6 in6;

		memcpy(&in6, sa, sizeof(in6));
		out->port = ntohs(in6.sin6_port);
		if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
			out->family = FAMILY_INET;
			memcpy(out->bytes, &in6.sin6_addr.s6_addr[12], 4);
			return (0);
		}
		out->family = FAMILY_INET6;
		memcpy(out->bytes, &in6.sin6_addr, 16);
		out->scope = in6.sin6_scope_id;
		return (0);
	}
	return (ERR_VALUE);
}

void
addr_to_sockaddr(
    const struct addr *a, struct sockaddr_storage *out, socklen_t *len)
{
	memset(out, 0, sizeof(*out));
	if (a->family == FAMILY_INET) {
		struct sockaddr_in in = {
		    .sin_family = AF_INET, .sin_port = htons(a->port)};

		memcpy(&in.sin_addr, a->bytes, 4);
		memcpy(out, &in, sizeof(in));
		*len = sizeof(in);
	} else {
		struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
		    .sin6_port = htons(a->port),
		    .sin6_scope_id = a->scope};

		memcpy(&in6.sin6_addr, a->bytes, 16);
		memcpy(out, &in6, sizeof(in6));
		*len = sizeof(in6);
	}
}

const char *
addr_text(const struct addr *a, char buf[ADDR_TEXT_MAX])
{
	int af = a->family == FAMILY_INET ? AF_INET : AF_INET6;
	size_t n;

	if (inet_ntop(af, a->bytes, buf, ADDR_TEXT_MAX) == NULL)
		buf[0] = '\0';
	if (a->scope != 0) {
		n = strlen(buf);
		snprintf(buf + n, ADDR_TEXT_MAX - n, "%%%u", a->scope);
	}
	return (buf);
}

bool
addr_is_loopback(const struct addr *a)
{
	static const uint8_t one[16] = {[15] = 1};

	if (a->family == FAMILY_INET)
		return (a->bytes[0] == 127);
	return (memcmp(a->bytes, one, sizeof(one)) == 0);
}

bool
addr_equal(const struct addr *a, const struct addr *b)
{
	return (a->family == b->family && a->port == b->port &&
		a->scope == b->scope && memcmp(a->bytes, b->bytes, 16) == 0);
}
