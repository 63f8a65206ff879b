/*
 * A session's rest behind its client's last byte. In the telnet worker, without
 * privilege. Pure: no clock, no terminal; workers/telnet/tail.h says the rest.
 */
#include "workers/telnet/tail.h"

#define NS_PER_S UINT64_C(1000000000)
#define WAIT_FIRST (1 * NS_PER_S)
#define WAIT_LAST (256 * NS_PER_S)
#define TYPED_SOON 8 /* as many readers as stand behind one another */

void
telnet_tail_begin(struct telnet_tail *t, uint64_t now)
{
	t->since = now;
	t->wait = WAIT_FIRST;
	t->typed = 0;
}

void
telnet_tail_heard(struct telnet_tail *t, uint64_t now)
{
	t->since = now;
}

uint64_t
telnet_tail_due(const struct telnet_tail *t)
{
	return (t->wait == 0 ? UINT64_MAX : t->since + t->wait);
}

enum telnet_tail_act
telnet_tail_act(struct telnet_tail *t, uint64_t now)
{
	if (now < telnet_tail_due(t))
		return (TELNET_TAIL_WAIT);
	if (t->wait == WAIT_LAST)
		return (TELNET_TAIL_END);
	t->since = now;
	if (++t->typed >= TYPED_SOON)
		t->wait *= 2;
	/* The first ends a last line that had no end, the next is the end. */
	return (t->typed <= 2 ? TELNET_TAIL_TYPE : TELNET_TAIL_AFRESH);
}
