/*
 * Names of terminals (RFC 1091). Pure; in the telnet worker, without
 * privilege. Distrusts every byte; never asks more than TELNET_TERMINALS
 * times, however often the option goes off and on.
 */
#include "workers/telnet/terminal.h"

#include <string.h>

static bool
terminal_is_terminal_byte(uint8_t c)
{
	return ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		(c >= '0' && c <= '9') || c == '.' || c == '_' || c == '+' ||
		c == '-');
}

bool
telnet_terminal_read(
    char out[TELNET_TERMINAL_MAX + 1], const uint8_t *p, size_t n)
{
	out[0] = '\0';
	if (n == 0 || n > TELNET_TERMINAL_MAX || p[0] == '.')
		return (false);
	for (size_t i = 0; i < n; i++) {
		if (!terminal_is_terminal_byte(p[i])) {
			out[0] = '\0';
			return (false);
		}
		out[i] = (char)(p[i] >= 'A' && p[i] <= 'Z' ? p[i] + 32 : p[i]);
	}
	out[n] = '\0';
	return (true);
}

bool
telnet_terminals_ask(struct telnet_terminals *t)
{
	if (t->back) {
		t->back = false;
		return (true);
	}
	if (t->open || t->done)
		return (false);
	if (t->sends == TELNET_TERMINALS) {
		t->done = true;
		return (false);
	}
	t->sends++;
	t->open = true;
	return (true);
}

bool
telnet_terminals_receive(struct telnet_terminals *t, const uint8_t *p, size_t n)
{
	char *name;

	if (!t->open)
		return (false);
	t->open = false;
	name = t->name[t->n];
	if (!telnet_terminal_read(name, p, n))
		return (false);
	for (size_t i = 0; i < t->n; i++) {
		if (strcmp(t->name[i], name) == 0) {
			t->done = true;
			t->back = i > 0;
			return (false);
		}
	}
	t->n++;
	return (true);
}
