/*
 * An internet address and port in a form that fits a message: no sockaddr
 * crosses a channel. Any process; pure.
 */
#ifndef PORTREEVE_LIB_ADDR_H
#define PORTREEVE_LIB_ADDR_H

#include <sys/socket.h>

#include <stdbool.h>
#include <stdint.h>

#include "lib/role.h"

/* The longest text of an address without its port, NUL included. */
#define ADDR_TEXT_MAX 64

struct addr {
	uint8_t family;	   /* enum family */
	uint8_t bytes[16]; /* network order; IPv4 in the first four */
	uint16_t port;	   /* host order */
	uint32_t scope;	   /* IPv6 link-local interface index, else 0 */
};

/*
 * From what the kernel gave. An IPv4-mapped IPv6 address becomes IPv4
 * (RFC 4291, 2.5.5.2). ERR_VALUE when it is neither IPv4 nor IPv6.
 */
int addr_from_sockaddr(
    struct addr *out, const struct sockaddr *sa, socklen_t len);

/* The sockaddr of an address; *len receives its size. */
void addr_to_sockaddr(
    const struct addr *a, struct sockaddr_storage *out, socklen_t *len);

/* Numeric text only, no name look-up. ERR_SYNTAX otherwise. */
int addr_parse(struct addr *out, const char *text, uint16_t port);

/* Numeric text without the port (RFC 5952 for IPv6); returns buf. */
const char *addr_text(const struct addr *a, char buf[ADDR_TEXT_MAX]);

bool addr_is_loopback(const struct addr *a);

/* Same family, address, scope and port. */
bool addr_equal(const struct addr *a, const struct addr *b);

#endif
