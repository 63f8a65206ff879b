/*
 * Two listeners on one protocol, port and overlapping address: the second could
 * not be bound, or would get what the first was meant to. Pure. Planner and
 * CLI. IPv6 listeners take only IPv6 (IPV6_V6ONLY), so families never overlap.
 */
#include <string.h>

#include "conf/build.h"

static bool
listen_is_any(const struct addr *a)
{
	static const uint8_t zero[16];

	return (memcmp(a->bytes, zero, sizeof(zero)) == 0);
}

static bool
listen_overlap(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family || a->port != b->port)
		return (false);
	if (listen_is_any(a) || listen_is_any(b))
		return (true);
	return (memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0 &&
		a->scope == b->scope);
}

static void
listen_report(const struct conf_service *s, const struct conf_service *before,
    const struct addr *a, struct conf_report *report)
{
	char text[ADDR_TEXT_MAX];

	if (s == before)
		conf_report_add(report, CONF_ERROR, s->pos,
		    "%s listens twice on port %u of %s", s->name, a->port,
		    addr_text(a, text));
	else
		conf_report_add(report, CONF_ERROR, s->pos,
		    "%s and %s (line %u) both listen on port %u of %s: change "
		    "the `port` or `listen-address` of one",
		    s->name, before->name, before->pos.line, a->port,
		    addr_text(a, text));
}

/* One message is enough for two services. */
static void
listen_compare(const struct conf_service *s, const struct conf_service *before,
    struct conf_report *report)
{
	if (s->exec.protocol != before->exec.protocol || s->port == 0)
		return;
	for (unsigned i = 0; i < s->listen_count; i++) {
		unsigned end = s == before ? i : before->listen_count;

		for (unsigned j = 0; j < end; j++) {
			if (!listen_overlap(&s->listen[i], &before->listen[j]))
				continue;
			listen_report(s, before, &s->listen[i], report);
			return;
		}
	}
}

void
check_listeners(const struct conf *conf, struct conf_report *report)
{
	for (unsigned i = 0; i < conf->service_count; i++) {
		for (unsigned j = 0; j <= i; j++)
			listen_compare(
			    &conf->services[i], &conf->services[j], report);
	}
}
