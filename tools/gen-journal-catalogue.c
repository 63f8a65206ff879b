/*
 * Prints the journal's message catalogue (journalctl -x) from audit/events.def,
 * in the form of systemd's catalog files: a block per MESSAGE_ID, in which
 * @FIELD@ stands for the entry's field. Runs at build time.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "audit/event.h"

#define WIDTH 78

/* The sentence, its {source-port} as @PORTREEVE_SOURCE_PORT@. */
static void
print_subject(const char *sentence)
{
	int inside = 0;

	printf("Subject: ");
	for (const char *p = sentence; *p != '\0'; p++) {
		if (*p == '{' || *p == '}') {
			inside = *p == '{';
			fputs(inside ? "@PORTREEVE_" : "@", stdout);
		} else if (inside) {
			putchar(*p == '-' ? '_' : toupper((unsigned char)*p));
		} else {
			putchar(*p);
		}
	}
	putchar('\n');
}

/* Words in lines of at most WIDTH. */
static void
print_wrapped(const char *text)
{
	size_t column = 0;

	while (*text != '\0') {
		size_t n = strcspn(text, " ");

		if (column > 0 && column + 1 + n > WIDTH) {
			putchar('\n');
			column = 0;
		}
		column += (size_t)printf(
		    "%s%.*s", column > 0 ? " " : "", (int)n, text);
		text += n;
		text += strspn(text, " ");
	}
	putchar('\n');
}

int
main(void)
{
	printf("# Portreeve's events for journalctl -x; portreeve-events(5) "
	       "has the list.\n");
	for (int e = 0; e < EV_COUNT; e++) {
		const struct event_info *i = &event_infos[e];

		printf("\n-- %s\n", i->message_id);
		print_subject(i->sentence);
		printf("Defined-By: Portreeve\n"
		       "Support: man:portreeved(8)\n"
		       "Documentation: man:portreeve-events(5)\n\n");
		print_wrapped(i->explanation);
	}
	return (fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1);
}
