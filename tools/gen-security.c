/*
 * SECURITY.md's tables, from the sandbox's profiles. Run by `make security`
 * and `make check`, by whoever builds; needs no privilege.
 *
 *     gen-security            prints the tables
 *     gen-security -c FILE    0 when FILE's part between the marks is the
 *                             tables, 1 with a sentence when it is not
 *     gen-security -w FILE    puts them there
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sandbox/profile.h"

#define MARK_BEGIN "<!-- made by `make security`: begin -->\n"
#define MARK_END "<!-- made by `make security`: end -->\n"

/* --- the tables ----------------------------------------------------------- */

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
	if (p->reads_files)
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

static void
print_roles(FILE *out)
{
	fputs("| role | identity | capabilities | NoNewPrivs | system calls | "
	      "files | network |\n|---|---|---|---|---|---|---|\n",
	    out);
	for (unsigned i = 0; i < SANDBOX_PROFILE_COUNT; i++) {
		const struct profile *p = profile_get((enum sandbox_profile)i);

		fprintf(out, "| %s | %s | %s | ",
		    sandbox_profile_name((enum sandbox_profile)i), p->identity,
		    p->capabilities);
		if (p->sealed)
			fprintf(out, "yes | %u |", count_calls(i));
		else
			fputs("no | all but session-sandbox's |", out);
		fprintf(out, " %s | %s |\n", text_of_files(p),
		    text_of_network(p->network));
	}
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

/* `|` would end a Markdown cell; several flags are one value. */
static void
print_code(FILE *out, const char *from, const char *to)
{
	int several =
	    *from != '~' && memchr(from, '|', (size_t)(to - from)) != NULL;

	fputs(several ? "(" : "", out);
	for (; from < to; from++) {
		if (*from == '|')
			fputc('\\', out);
		fputc(*from, out);
	}
	fputs(several ? ")" : "", out);
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

	if (rule->action == PROFILE_REFUSE) {
		fprintf(out, "fails: %s", strerror(rule->error));
		return;
	}
	if (strncmp(p, "IF(", 3) != 0)
		return;
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
print_calls(FILE *out)
{
	const struct profile_rule *rules;
	size_t n;

	fputs("| system call | only when | who | why |\n|---|---|---|---|\n",
	    out);
	rules = profile_rules(&n);
	for (size_t i = 0; i < n; i++) {
		fprintf(out, "| %s | ", rules[i].call);
		print_when(out, &rules[i]);
		fputs(" | ", out);
		print_set(out, rules[i].profiles);
		fprintf(out, " | %s%s |\n", rules[i].reason,
		    rules[i].sanitizer ? " (sanitizers' builds only)" : "");
	}
}

static void
print_session_calls(FILE *out)
{
	const struct profile_session_rule *rules;
	size_t n;

	fputs("| session-sandbox from | refused with EPERM | why |\n"
	      "|---|---|---|\n",
	    out);
	rules = profile_session_rules(&n);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "| %s | %s | %s |\n",
		    rules[i].from == SANDBOX_SESSION_STANDARD ? "standard"
							      : "strict",
		    rules[i].call, rules[i].reason);
}

static void
print_tables(FILE *out)
{
	fputs("\n### Roles\n\nA worker has its zygote's sandbox, "
	      "RLIMIT_NPROC 0 and its own two descriptors.\n\n",
	    out);
	print_roles(out);
	fputs("\n### System calls\n\nWhat is not here ends the process by "
	      "SIGSYS. a0 is a call's first argument.\n\n",
	    out);
	print_calls(out);
	fputs("\n### Sessions and programs\n\nEverything is allowed but "
	      "this, to 32-bit programs as well.\n\n",
	    out);
	print_session_calls(out);
	fputs("\n", out);
}

/* --- the file -------------------------------------------------------------- */

static char *
tables_text(void)
{
	char *text = NULL;
	size_t size;
	FILE *out;

	if ((out = open_memstream(&text, &size)) == NULL)
		return (NULL);
	print_tables(out);
	return (fclose(out) == 0 ? text : NULL);
}

static char *
file_text(const char *path)
{
	char *text = NULL;
	size_t room = 0;
	FILE *in;

	if ((in = fopen(path, "re")) == NULL)
		return (NULL);
	if (getdelim(&text, &room, '\0', in) < 0) {
		free(text);
		text = NULL;
	}
	fclose(in);
	return (text);
}

static int
write_file(const char *path, const char *old, const char *begin,
    const char *tables, const char *end)
{
	FILE *out;

	if ((out = fopen(path, "we")) == NULL)
		return (1);
	fwrite(old, 1, (size_t)(begin - old), out);
	fputs(tables, out);
	fputs(end, out);
	return (fclose(out) == 0 ? 0 : 1);
}

/* Compare, or replace, what is between the marks. */
static int
handle_file(const char *path, const char *tables, int write)
{
	char *text, *begin, *end;
	int rc = 1;

	if ((text = file_text(path)) == NULL) {
		perror(path);
		return (1);
	}
	begin = strstr(text, MARK_BEGIN);
	end = strstr(text, MARK_END);
	if (begin == NULL || end == NULL || end < begin) {
		fprintf(
		    stderr, "%s: the marks of the tables are missing\n", path);
		goto out;
	}
	begin += strlen(MARK_BEGIN);
	if (write) {
		if ((rc = write_file(path, text, begin, tables, end)) != 0)
			perror(path);
		goto out;
	}
	rc = (size_t)(end - begin) != strlen(tables) ||
	     memcmp(begin, tables, strlen(tables)) != 0;
	if (rc != 0)
		fprintf(stderr,
		    "%s: its tables are not the profiles': run "
		    "make security\n",
		    path);
out:
	free(text);
	return (rc);
}

int
main(int argc, char **argv)
{
	char *tables;
	int rc;

	if (argc == 1) {
		print_tables(stdout);
		return (0);
	}
	if (argc != 3 ||
	    (strcmp(argv[1], "-c") != 0 && strcmp(argv[1], "-w") != 0)) {
		fputs("usage: gen-security [-c FILE | -w FILE]\n", stderr);
		return (2);
	}
	if ((tables = tables_text()) == NULL) {
		perror("gen-security");
		return (1);
	}
	rc = handle_file(argv[2], tables, argv[1][1] == 'w');
	free(tables);
	return (rc);
}
