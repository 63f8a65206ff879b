/*
 * Prints portreeve-events(5) in mdoc(7) from audit/events.def. Runs at build
 * time.
 */
#include <stdio.h>
#include <string.h>

#include "audit/event.h"
#include "lib/role.h"
#include "tools/mdoc.h"

static const char *const priorities[] = {
    "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"};

static void
print_head(void)
{
	printf(".\\\" Made from audit/events.def by tools/gen-events-man.c.\n"
	       ".Dd %s\n"
	       ".Dt PORTREEVE-EVENTS 5\n"
	       ".Os\n"
	       ".Sh NAME\n"
	       ".Nm portreeve-events\n"
	       ".Nd events that portreeved records\n"
	       ".Sh DESCRIPTION\n"
	       "Every connection, login, session and change of\n"
	       ".Xr portreeved 8\n"
	       "is recorded as an event: a name and fields.\n"
	       "In the journal an entry has the event's name as\n"
	       ".Dv PORTREEVE_EVENT ,\n"
	       "each field as\n"
	       ".Dv PORTREEVE_\n"
	       "and its name in capitals, with an underscore for each hyphen,\n"
	       "a\n"
	       ".Dv MESSAGE_ID\n"
	       "of the event's own, and a sentence as\n"
	       ".Dv MESSAGE .\n"
	       "Without a journal they go to\n"
	       ".Xr syslog 3 ,\n"
	       "and with\n"
	       ".Fl d\n"
	       "to standard error, as one line each:\n"
	       ".Pp\n"
	       ".Dl event=connection-refused service=finger family=inet "
	       "source=192.0.2.7 source-port=40112 session=5 "
	       "reason=connection-limit\n"
	       ".Pp\n"
	       "There, a value that has other characters than letters, digits "
	       "and\n"
	       ".Li \\&._:/@+-\n"
	       "stands in double quotes.\n"
	       "Whatever a peer sent is escaped wherever it is written: a "
	       "double quote\n"
	       "and a backslash by a backslash, all that is not printable "
	       "ASCII as\n"
	       ".Li \\exHH .\n",
	    "November 23, 2026");
}

static void
print_event(const struct event_info *i)
{
	char fields[1024] = "Fields:";
	size_t n = strlen(fields);

	printf(".It %s\n", i->name);
	mdoc_text(i->explanation);
	printf(".br\nPriority %s, message id\n.Li %s .\n",
	    priorities[i->priority], i->message_id);
	if (i->fields == 0)
		return;
	printf(".br\n");
	for (int f = 0; f < EVENT_FIELDS; f++) {
		if ((i->fields & (1u << f)) != 0)
			n += (size_t)snprintf(fields + n, sizeof(fields) - n,
			    " %s,", event_field_name((enum event_field)f));
	}
	fields[n - 1] = '.'; /* the last comma */
	mdoc_text(fields);
}

int
main(void)
{
	print_head();
	printf(".Sh EVENTS\n.Bl -tag -width Ds\n");
	for (int e = 0; e < EV_COUNT; e++)
		print_event(&event_infos[e]);
	printf(".El\n.Sh EVENT FIELDS\nIn the order in which they stand on a "
	       "line; "
	       "one that is not known is absent.\n"
	       ".Bl -tag -width \"source-port\"\n");
	for (int f = 0; f < EVENT_FIELDS; f++) {
		printf(".It %s\n", event_field_name((enum event_field)f));
		mdoc_text(event_field_help((enum event_field)f));
	}
	printf(".El\n.Sh EXAMPLES\n"
	       "What was refused today, and every login that failed, as "
	       "JSON:\n.Bd -literal -offset indent\n"
	       "# journalctl -t portreeved --since today \\e\n"
	       "    PORTREEVE_EVENT=connection-refused\n"
	       "# journalctl -t portreeved -o json "
	       "PORTREEVE_EVENT=auth-failure\n"
	       ".Ed\n.Pp\nOne connection from its begin to its end, and what "
	       "an event means:\n"
	       ".Bd -literal -offset indent\n"
	       "# journalctl -t portreeved PORTREEVE_SESSION=5\n"
	       "# journalctl -x -t portreeved -n 5\n"
	       ".Ed\n");
	printf(".Sh SEE ALSO\n"
	       ".Xr journalctl 1 ,\n"
	       ".Xr portreeve 1 ,\n"
	       ".Xr systemd.journal-fields 7 ,\n"
	       ".Xr portreeved 8\n");
	return (fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1);
}
