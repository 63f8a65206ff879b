/*
 * Prints the channels from ipc/catalogue.def, as the part of ARCHITECTURE.md
 * that lists them: who may send what to whom. Runs at build time, with the
 * builder's rights; reads nothing.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "ipc/msg.h"
#include "lib/role.h"

#define WIDTH 95

static void
print_roles(uint32_t roles)
{
	const char *comma = "";

	for (unsigned i = 0; i < ROLE_COUNT; i++) {
		if ((roles >> i & 1) == 0)
			continue;
		printf("%s%s", comma, role_name((enum role)i));
		comma = ", ";
	}
}

static int
is_same_channel(const struct msg_permit *a, const struct msg_permit *b)
{
	return (a->from == b->from && a->to == b->to);
}

/* The names of all messages with these senders and receivers. */
static void
print_messages(const struct msg_permit *first)
{
	size_t column = WIDTH;

	for (const struct msg_permit *p = first; p < msg_permits + MSG_COUNT;
	     p++) {
		size_t n = strlen(p->name);

		if (!is_same_channel(p, first))
			continue;
		if (column + 1 + n > WIDTH) {
			printf("\n       ");
			column = 7;
		}
		printf(" %s", p->name);
		column += 1 + n;
	}
	putchar('\n');
}

static int
is_first(const struct msg_permit *p)
{
	for (const struct msg_permit *q = msg_permits; q < p; q++) {
		if (is_same_channel(q, p))
			return (0);
	}
	return (1);
}

int
main(void)
{
	for (const struct msg_permit *p = msg_permits;
	     p < msg_permits + MSG_COUNT; p++) {
		if (!is_first(p))
			continue;
		printf("    ");
		print_roles(p->from);
		printf(" → ");
		print_roles(p->to);
		print_messages(p);
	}
	return (fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1);
}
