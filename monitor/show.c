/* The table that a person sees under -d. Monitor; the configuration's words. */
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "monitor/show.h"
#include "monitor/table.h"

static const char *
try_it(const struct listener *l, const char *address, char *buf, size_t size)
{
	const struct passwd *pw = getpwuid(geteuid());
	enum service_kind kind = l->service != NULL ? l->service->kind
						    : SERVICE_COUNT;
	char user[64] = "";

	if (pw != NULL && pw->pw_uid >= 1000)
		snprintf(user, sizeof(user), "%s ", pw->pw_name);
	switch (kind) {
	case SERVICE_SSH:
		snprintf(buf, size, "ssh -p %u %s%s%s", l->address.port,
		    pw != NULL && geteuid() != 0 ? pw->pw_name : "",
		    pw != NULL && geteuid() != 0 ? "@" : "", address);
		break;
	case SERVICE_TELNET:
		snprintf(buf, size, "telnet %s %u", address, l->address.port);
		break;
	case SERVICE_FINGER:
		/* System users are nobody's to ask about. */
		snprintf(buf, size, "echo %s| nc -N %s %u",
		    user, address, l->address.port);
		break;
	case SERVICE_COUNT:
		snprintf(buf, size, "(no statement says this service)");
		break;
	default:
		snprintf(buf, size, "nc %s%s %u", l->datagram ? "-u " : "",
		    address, l->address.port);
	}
	return (buf);
}

/* One that listens nowhere, and why. */
static void
show_still(const struct mon_service *s)
{
	if (!s->used || !s->configured || table_service_runs(s))
		return;
	printf("%-12s %-6s %-18s %-6u (%s: %s)\n", s->name, "-", "-",
	    s->conf->port, s->stopped != NULL ? "stopped" : "waiting",
	    s->stopped != NULL ? s->stopped : s->waiting);
}

void
show_table(struct monitor *mon)
{
	char address[ADDR_TEXT_MAX], try[192];
	struct listener *l;

	printf("%-12s %-6s %-18s %-6s %s\n", "service", "family", "address",
	    "port", "try");
	TAILQ_FOREACH(l, &mon->listeners, next)
	{
		const char *name = l->address.family == FAMILY_INET
		    ? "127.0.0.1" : "::1";

		addr_text(&l->address, address);
		if (addr_is_loopback(&l->address))
			name = address;
		printf("%-12s %-6s %-18s %-6u %s\n", l->name,
		    family_name((enum family)l->address.family), address,
		    l->address.port,
		    l->fd < 0 ? "(waiting: cannot be bound yet)"
			      : try_it(l, name, try, sizeof(try)));
	}
	for (unsigned i = 0; i < SERVICES_MAX; i++)
		show_still(&mon->services[i]);
	fflush(stdout);
}
