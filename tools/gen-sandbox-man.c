/*
 * Prints portreeve-sandbox(7) in mdoc(7) from sandbox/profiles.def. Runs at
 * build time, with the builder's rights; reads nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/profile.h"
#include "tools/mdoc.h"

/* A paragraph's text is gathered, and then printed in lines. */
static FILE *
text_begin(char **text, size_t *size)
{
	FILE *out = open_memstream(text, size);

	if (out == NULL) {
		perror("gen-sandbox-man");
		exit(1);
	}
	return (out);
}

static void
text_end(FILE *out, char **text)
{
	if (fclose(out) != 0) {
		perror("gen-sandbox-man");
		exit(1);
	}
	mdoc_text(*text);
	free(*text);
	*text = NULL;
}

static const char *
text_of_network(enum profile_network network)
{
	switch (network) {
	case NETWORK_NONE:
		return ("none: an empty namespace");
	case NETWORK_RESOLVER:
		return ("the host's; TCP only to port 53");
	case NETWORK_OUTBOUND:
		return ("the host's, to connect; binds nothing");
	case NETWORK_SERVERS:
		return ("the host's; TCP only to its servers' ports");
	case NETWORK_PASSED:
		return ("the host's, for its programs");
	}
	return ("?");
}

static const char *
text_of_files(const struct profile *p)
{
	if (!p->sealed)
		return ("all");
	if (p->programs)
		return ("what its uid may read and execute; to write, those "
			"below the folders of the run-time and the lasting "
			"state, /run/sshd and /dev/null");
	if (p->files == FILES_PROC)
		return ("what its uid may read of /proc; none to write");
	if (p->files == FILES_ALL || p->files == FILES_USER)
		return ("what its uid may read; none to write");
	return (p->empty_root ? "none, and an empty root" : "none");
}

/* How many calls, each counted once however many rows it has. */
static unsigned
count_calls(unsigned id)
{
	const struct profile_rule *rules;
	unsigned count = 0;
	size_t n;

	rules = profile_rules(&n);
	for (size_t i = 0; i < n; i++) {
		size_t j = 0;

		if ((rules[i].profiles >> id & 1) == 0 || rules[i].sanitizer ||
		    rules[i].action != PROFILE_ALLOW)
			continue;
		while (j < i && (strcmp(rules[j].call, rules[i].call) != 0 ||
				    (rules[j].profiles >> id & 1) == 0))
			j++;
		count += j == i;
	}
	return (count);
}

static uint32_t
sealed_profiles(void)
{
	uint32_t set = 0;

	for (unsigned i = 0; i < SANDBOX_PROFILE_COUNT; i++) {
		if (profile_get((enum sandbox_profile)i)->sealed)
			set |= UINT32_C(1) << i;
	}
	return (set);
}

static void
print_set(FILE *out, uint32_t set)
{
	const char *comma = "";

	if (set == sealed_profiles()) {
		fputs("all", out);
		return;
	}
	for (unsigned i = 0; i < SANDBOX_PROFILE_COUNT; i++) {
		if ((set >> i & 1) == 0)
			continue;
		fprintf(out, "%s%s", comma,
		    sandbox_profile_name((enum sandbox_profile)i));
		comma = ", ";
	}
}

/* The end of the text that began after a parenthesis. */
static const char *
matching_parenthesis(const char *p)
{
	for (int depth = 1; *p != '\0'; p++) {
		depth += *p == '(';
		depth -= *p == ')';
		if (depth == 0)
			break;
	}
	return (p);
}

/* Several flags are one value. */
static void
print_code(FILE *out, const char *from, const char *to)
{
	int several =
	    *from != '~' && memchr(from, '|', (size_t)(to - from)) != NULL;

	fprintf(out, "%s%.*s%s", several ? "(" : "", (int)(to - from), from,
	    several ? ")" : "");
}

/* One condition, NAME(argument, words); returns what follows it. */
static const char *
print_condition(FILE *out, const char *p)
{
	static const struct {
		const char *name, *words;
	} kinds[] = {
	    {"EQ(", "="},
	    {"ONLY(", "has only"},
	    {"WITHOUT(", "has no"},
	    {"BELOW(", "<"},
	    {"ABOVE(", ">"},
	    {"BITS(", "&"},
	};
	const char *words = "?", *end, *comma;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strncmp(p, kinds[i].name, strlen(kinds[i].name)) == 0)
			words = kinds[i].words;
	}
	p = strchr(p, '(') + 1;
	end = matching_parenthesis(p);
	fprintf(out, "a%c %s ", *p, words);
	p = strchr(p, ',') + 2;
	comma = end;
	if (*words == '&') { /* the mask, and the value behind it */
		while (comma > p && *comma != ',')
			comma--;
	}
	print_code(out, p, comma);
	if (comma != end) {
		fputs(" = ", out);
		print_code(out, comma + 2, end);
	}
	return (end + 1);
}

static void
print_when(FILE *out, const struct profile_rule *rule)
{
	const char *p = rule->when;

	if (rule->action == PROFILE_REFUSE)
		fprintf(out, ", fails%s (%s)",
		    rule->local ? " once the network is closed" : "",
		    strerror(rule->error));
	if (strncmp(p, "IF(", 3) != 0)
		return;
	fputs(", where ", out);
	p += 3;
	while (*p != '\0' && *p != ')') {
		p = print_condition(out, p);
		if (*p == ',') {
			fputs("; ", out);
			p++;
			p += strspn(p, " ");
		}
	}
}

static void
print_role(enum sandbox_profile id)
{
	const struct profile *p = profile_get(id);
	char *text = NULL;
	size_t size;
	FILE *out;

	printf(".It %s\n", sandbox_profile_name(id));
	out = text_begin(&text, &size);
	fprintf(out, "Identity: %s. Capabilities: %s. ", p->identity,
	    p->capabilities);
	if (p->programs)
		fputs("NoNewPrivs, and all system calls but those that fail "
		      "for it below. ",
		    out);
	else if (p->sealed)
		fprintf(
		    out, "NoNewPrivs, and %u system calls. ", count_calls(id));
	else
		fputs("All system calls but those that session-sandbox "
		      "refuses, and no NoNewPrivs. ",
		    out);
	fprintf(out, "Files: %s. Network: %s.", text_of_files(p),
	    text_of_network(p->network));
	text_end(out, &text);
}

/* Who, when and why: one rule of a system call. */
static void
print_rule(const struct profile_rule *rule)
{
	char *text = NULL;
	size_t size;
	FILE *out = text_begin(&text, &size);

	print_set(out, rule->profiles);
	print_when(out, rule);
	fprintf(out, ": %s%s.", rule->reason,
	    rule->sanitizer ? " (sanitizers' builds only)" : "");
	text_end(out, &text);
}

static void
print_calls(void)
{
	const struct profile_rule *rules;
	size_t n;

	rules = profile_rules(&n);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && strcmp(rules[i].call, rules[i - 1].call) == 0)
			puts(".br");
		else
			printf(".It Fn %s\n", rules[i].call);
		print_rule(&rules[i]);
	}
}

static void
print_session_calls(enum sandbox_session from)
{
	const struct profile_session_rule *rules;
	size_t n;

	rules = profile_session_rules(&n);
	for (size_t i = 0; i < n; i++) {
		if (rules[i].from != from)
			continue;
		printf(".It Fn %s\n", rules[i].call);
		mdoc_text(rules[i].reason);
	}
}

int
main(void)
{
	puts(
	    ".\\\" Made from sandbox/profiles.def by tools/gen-sandbox-man.c.\n"
	    ".Dd November 30, 2026\n"
	    ".Dt PORTREEVE-SANDBOX 7\n"
	    ".Os\n"
	    ".Sh NAME\n"
	    ".Nm portreeve-sandbox\n"
	    ".Nd what each process of portreeved may do\n"
	    ".Sh DESCRIPTION\n"
	    "Each process of\n"
	    ".Xr portreeved 8\n"
	    "seals itself before it reads anything but how to do so.\n"
	    "This page is made from the table that the sandboxes themselves "
	    "are\nbuilt from.\n"
	    "The monitor has no entry: it is root, with the whole bounding "
	    "set and\nno filter, because logins inherit both from it.\n"
	    "A worker has its zygote's sandbox,\n"
	    ".Dv RLIMIT_NPROC\n"
	    "0 and its own two descriptors.\n"
	    ".Sh ROLES\n"
	    ".Bl -tag -width Ds");
	for (int i = 0; i < SANDBOX_PROFILE_COUNT; i++)
		print_role((enum sandbox_profile)i);
	puts(".El\n"
	     ".Sh SYSTEM CALLS\n"
	     "A call that is not here ends the process (not the planner, which "
	     "starts\nother programs) by\n"
	     ".Dv SIGSYS ,\n"
	     "and the event\n"
	     ".Cm worker-failed\n"
	     "names it.\n"
	     "The name comes from the process itself: one that was taken over "
	     "may give a\nwrong name, but it does not survive.\n"
	     "An error of the program that calls\n"
	     ".Xr abort 3\n"
	     "ends a sealed process by\n"
	     ".Dv SIGILL ,\n"
	     "because nothing there may send signals; the event says "
	     "reason=aborted, and the\nlog has a line about it.\n"
	     "Each entry says which roles may make the call, with which "
	     "arguments\n"
	     ".Pq a0 is the first\n"
	     "and what for.\n"
	     ".Bl -tag -width Ds");
	print_calls();
	puts(".El\n"
	     ".Sh SESSIONS AND PROGRAMS\n"
	     "Everything is allowed but these, which fail with\n"
	     ".Er EPERM ,\n"
	     "also in 32-bit programs.\n"
	     "With\n"
	     ".Ic session-sandbox Cm standard\n"
	     "and\n"
	     ".Cm strict :\n"
	     ".Bl -tag -width Ds");
	print_session_calls(SANDBOX_SESSION_STANDARD);
	puts(".El\n"
	     ".Pp\n"
	     "With\n"
	     ".Cm strict\n"
	     "only:\n"
	     ".Bl -tag -width Ds");
	print_session_calls(SANDBOX_SESSION_STRICT);
	puts(".El\n"
	     ".Sh SEE ALSO\n"
	     ".Xr portreeve.conf 5 ,\n"
	     ".Xr capabilities 7 ,\n"
	     ".Xr landlock 7 ,\n"
	     ".Xr portreeved 8");
	return (fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1);
}
