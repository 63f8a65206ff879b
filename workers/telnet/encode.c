/*
 * Terminal output to the wire. Pure; in the telnet worker, without privilege.
 * Runs without a special byte are copied as they are. Never queues half of a
 * doubled IAC.
 */
#include "workers/telnet/encode.h"

#include "lib/err.h"
#include "workers/telnet/parser.h"

static const uint8_t nul[1] = {0};
static const uint8_t iac_iac[2] = {TELNET_CMD_IAC, TELNET_CMD_IAC};

/* A CR waits: LF completes it by itself, anything else needs a NUL first. */
static int
encode_cr_end(
    struct telnet_encoder *e, struct telnet_ring *r, uint8_t next, size_t *room)
{
	if (next != '\n') {
		if (*room == 0 || telnet_ring_put(r, nul, 1) < 0)
			return (ERR_FULL);
		--*room;
	}
	e->cr = false;
	return (0);
}

/* p[0..n) up to an IAC or the end, a CR being the run's last byte. */
static size_t
encode_run(struct telnet_encoder *e, struct telnet_ring *r, const uint8_t *p,
    size_t n, size_t *room)
{
	size_t limit = n < *room ? n : *room;
	size_t run = telnet_scan(p, limit, e->binary);
	bool cr = false;

	if (run < limit && p[run] == '\r') {
		run++;
		cr = true;
	}
	if (run == 0 || telnet_ring_put(r, p, run) < 0)
		return (0);
	*room -= run;
	e->cr = cr;
	return (run);
}

size_t
telnet_encode(struct telnet_encoder *e, struct telnet_ring *r, const uint8_t *p,
    size_t n, size_t room)
{
	size_t used = 0, run;

	while (used < n) {
		if (e->cr && encode_cr_end(e, r, p[used], &room) < 0)
			break;
		if (p[used] == TELNET_CMD_IAC) {
			if (room < 2 || telnet_ring_put(r, iac_iac, 2) < 0)
				break;
			room -= 2;
			used++;
			continue;
		}
		run = encode_run(e, r, p + used, n - used, &room);
		if (run == 0)
			break;
		used += run;
	}
	return (used);
}

int
telnet_encode_command(
    struct telnet_encoder *e, struct telnet_ring *r, const uint8_t *p, size_t n)
{
	if (telnet_ring_room(r) < n + e->cr)
		return (ERR_FULL);
	if (e->cr)
		telnet_ring_put(r, nul, 1);
	e->cr = false;
	return (telnet_ring_put(r, p, n));
}

void
telnet_encode_set_binary(struct telnet_encoder *e, bool on)
{
	e->binary = on;
}
