/* The table that a person sees under -d. Monitor; the configuration's words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/escape.h"
#include "monitor/plan.h"
#include "monitor/sessions/table.h"
#include "monitor/show.h"
#include "policy/root.h"

static struct {
	uid_t uid;
	char name[64]; /* "": not known */
} show_person;

const char *
show_person_name(const struct monitor *mon)
{
	const char *name =
	    mon->foreground && !mon->rootless ? getenv("SUDO_USER") : NULL;

	return (name != NULL ? name : "");
}

void
show_take_person(const struct msg_plan_user *user)
{
	show_person.uid = user->uid;
	escape_bytes(show_person.name, sizeof(show_person.name), user->name,
	    strlen(user->name));
}

/* As far as the service may know: system users are not told of. */
static const char *
try_user(const struct service_traits *traits)
{
	if ((traits->lookup && show_person.uid < 1000) ||
	    (traits->logins != 0 && show_person.uid == 0))
		return ("");
	return (show_person.name);
}

/* A column .client, its words replaced; an empty USER takes its @ or space. */
static void
try_expand(const char *client, const char *user, const char *address,
    const char *port, FILE *to)
{
	static const char *const words[] = {"USER", "ADDRESS", "PORT"};
	const char *const values[] = {user, address, port};

	while (*client != '\0') {
		size_t i, n = 0;

		for (i = 0; i < 3; i++) {
			n = strlen(words[i]);
			if (strncmp(client, words[i], n) == 0)
				break;
		}
		if (i == 3) {
			fputc(*client++, to);
			continue;
		}
		fputs(values[i], to);
		client += n;
		if (values[i][0] == '\0' && *client != '\0')
			client++;
	}
}

static void
try_print(const struct listener *l, const char *address)
{
	const struct service_traits *traits;
	const char *client = "nc ADDRESS PORT";
	char port[8];

	if (l->service == NULL) {
		fputs("(no statement says this service)", stdout);
		return;
	}
	traits = service_traits(l->service->kind);
	if (traits->client != NULL)
		client = traits->client;
	else if (l->datagram)
		client = "nc -u ADDRESS PORT";
	snprintf(port, sizeof(port), "%u", l->address.port);
	try_expand(client, try_user(traits), address, port, stdout);
}

/* One that listens nowhere, and why. */
static void
show_still(const struct mon_service *s)
{
	if (!s->used || !s->configured || table_service_runs(s))
		return;
	printf("%-12s %-6s %-18s %-6u (%s: %s)\n", s->name, "-", "-",
	    s->plan->is.port, s->stopped != NULL ? "stopped" : "waiting",
	    s->stopped != NULL ? s->stopped : s->waiting);
}

/* Whom a service that logs in lets in by what; root is tried first. */
static void
show_who(const struct monitor *mon, const struct mon_service *s)
{
	const struct service_traits *traits = service_traits(s->kind);

	if (!s->used || !s->configured || !table_service_runs(s) ||
	    traits->logins == 0)
		return;
	if (mon->rootless)
		printf("%s: logs in %s, and nobody else%s\n", s->name,
		    show_person.name[0] != '\0' ? show_person.name : "you",
		    traits->by == BY_SSHD
			? ", by a key in ~/.ssh/authorized_keys"
			: "");
	else if (s->plan->is.root_login == ROOT_LOGIN_DENY_PASSWORD &&
		 (traits->logins & LOGIN_KEYS) != 0)
		printf("%s: root by key only; `root-login allow;` there lets "
		       "root's password in\n",
		    s->name);
	else if (s->plan->is.root_login != ROOT_LOGIN_ALLOW)
		printf("%s: root not at all; `root-login allow;` there lets "
		       "root in\n",
		    s->name);
}

void
show_table(struct monitor *mon)
{
	char address[ADDR_TEXT_MAX];
	struct listener *l;

	printf("%-12s %-6s %-18s %-6s %s\n", "service", "family", "address",
	    "port", "try");
	TAILQ_FOREACH (l, &mon->listeners, next) {
		const char *name =
		    l->address.family == FAMILY_INET ? "127.0.0.1" : "::1";

		addr_text(&l->address, address);
		if (addr_is_loopback(&l->address))
			name = address;
		printf("%-12s %-6s %-18s %-6u ", l->name,
		    family_name((enum family)l->address.family), address,
		    l->address.port);
		if (l->fd < 0)
			fputs("(waiting: cannot be bound yet)", stdout);
		else
			try_print(l, name);
		putchar('\n');
	}
	for (unsigned i = 0; i < SERVICES_MAX; i++)
		show_still(&mon->services[i]);
	for (unsigned i = 0; i < SERVICES_MAX; i++)
		show_who(mon, &mon->services[i]);
	fflush(stdout);
}
