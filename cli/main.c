/*
 * The portreeve command: a client of a running portreeved. Runs as the calling
 * user and holds no privilege: the daemon reads who asks from the socket and
 * decides. Distrusts what it is sent (a listing has strangers' bytes in it).
 * Exit status: 0 done, 1 failed, 2 usage; one line on stderr says why.
 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/print.h"
#include "lib/log.h"
#include "lib/near.h"

enum { FLAG_JSON = 1, FLAG_SET = 2 };

/* A command: its words, the name of its argument if it has one, its flags. */
struct command {
	const char *words[3];
	const char *argument, *second;
	int flags;
	int (*run)(const struct request *rq);
	const char *help;
};

static const struct command commands[] = {
    {{"show", "services"}, NULL, NULL, FLAG_JSON, command_show_services,
	"listeners, their limits and counts"},
    {{"show", "sessions"}, NULL, NULL, FLAG_JSON, command_show_sessions,
	"every connection being served"},
    {{"show", "penalties"}, NULL, NULL, FLAG_JSON, command_show_penalties,
	"sources that failed, and until when they are refused"},
    {{"show", "configuration"}, NULL, NULL, FLAG_SET,
	command_show_configuration,
	"what the daemon runs with; --set: as set lines"},
    {{"explain"}, "ADDRESS", "SERVICE", FLAG_JSON, command_explain,
	"whether a service would take an address, and why"},
    {{"check"}, "FILE", NULL, 0, command_check,
	"check a file for errors; -: standard input"},
    {{"reload"}, NULL, NULL, 0, command_reload,
	"read the configuration again, and wait"},
    {{"clear", "session"}, "ID", NULL, 0, command_clear_session,
	"end one connection and all its processes"},
    {{"clear", "penalty"}, "SOURCE", NULL, 0, command_clear_penalty,
	"take a source that failed back"},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* The command line, taken apart. */
struct line {
	const char *words[4];
	size_t count;
	const char *dir;
	int flags, help, version;
};

static int
cli_usage(const char *what, const char *word)
{
	char buf[256];

	print_escape(buf, sizeof(buf), word, strlen(word), false, true);
	log_warn("%s%s; `portreeve --help` lists all commands", what, buf);
	return (2);
}

/* "show services" */
static const char *
command_text(const struct command *c, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s", c->words[0],
	    c->words[1] == NULL ? "" : " ",
	    c->words[1] == NULL ? "" : c->words[1]);
	return (buf);
}

static int
cli_help(void)
{
	printf("usage: portreeve [-r DIR] COMMAND\n\n");
	for (size_t i = 0; i < COMMANDS; i++) {
		const struct command *c = &commands[i];
		char text[64], words[32];

		snprintf(text, sizeof(text), "%s%s%s%s%s%s%s",
		    command_text(c, words, sizeof(words)),
		    c->argument == NULL ? "" : " ",
		    c->argument == NULL ? "" : c->argument,
		    c->second == NULL ? "" : " ",
		    c->second == NULL ? "" : c->second,
		    (c->flags & FLAG_JSON) != 0 ? " [--json]" : "",
		    (c->flags & FLAG_SET) != 0 ? " [--set]" : "");
		printf("  %-28s  %s\n", text, c->help);
	}
	printf("\n"
	       "  -r DIR     the daemon's run-time folder (/run/portreeve)\n"
	       "  --json     an array of objects instead of a table\n"
	       "  --help     this text\n"
	       "  --version  the version\n"
	       "\n"
	       "Exit status: 0 done, 1 failed, 2 wrong usage. portreeve(1) "
	       "says more.\n");
	return (print_end());
}

/* 0, or 2 when an option is not known (told). */
static int
cli_line_option(struct line *l, int argc, char *argv[], int *i)
{
	const char *a = argv[*i];

	if (strcmp(a, "--json") == 0) {
		l->flags |= FLAG_JSON;
	} else if (strcmp(a, "--set") == 0) {
		l->flags |= FLAG_SET;
	} else if (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0) {
		l->help = 1;
	} else if (strcmp(a, "--version") == 0) {
		l->version = 1;
	} else if (strncmp(a, "-r", 2) == 0) {
		if (a[2] == '\0' && *i + 1 >= argc)
			return (cli_usage("-r needs a folder", ""));
		l->dir = a[2] != '\0' ? a + 2 : argv[++*i];
		if (*l->dir == '\0')
			return (cli_usage("-r needs a folder", ""));
	} else {
		return (cli_usage("no such option: ", a));
	}
	return (0);
}

static int
cli_line_parse(struct line *l, int argc, char *argv[])
{
	int options = 1;

	for (int i = 1; i < argc; i++) {
		if (options && strcmp(argv[i], "--") == 0) {
			options = 0;
			continue;
		}
		if (options && argv[i][0] == '-' && argv[i][1] != '\0') {
			int status = cli_line_option(l, argc, argv, &i);

			if (status != 0)
				return (status);
			continue;
		}
		if (l->count == sizeof(l->words) / sizeof(l->words[0]))
			return (cli_usage("one word too many: ", argv[i]));
		l->words[l->count++] = argv[i];
	}
	return (0);
}

/* How many of the command's words the line begins with; all: it is meant. */
static size_t
cli_line_match(const struct line *l, const struct command *c)
{
	size_t n = 0;

	while (n < l->count && c->words[n] != NULL &&
	       strcmp(l->words[n], c->words[n]) == 0)
		n++;
	return (n);
}

static int
cli_line_run(const struct line *l, const struct command *c)
{
	struct request rq = {.dir = l->dir};
	size_t words = c->words[1] == NULL ? 1 : 2;

	if (c->argument != NULL && l->count <= words)
		return (cli_usage("this command needs ", c->argument));
	if (c->argument != NULL)
		rq.argument = l->words[words++];
	if (c->second != NULL && l->count <= words)
		return (cli_usage("this command needs ", c->second));
	if (c->second != NULL)
		rq.second = l->words[words++];
	if (l->count > words)
		return (cli_usage("one word too many: ", l->words[words]));
	if ((l->flags & ~c->flags) != 0)
		return (cli_usage("this command has no ",
		    (l->flags & ~c->flags & FLAG_JSON) != 0 ? "--json"
							    : "--set"));
	rq.json = (l->flags & FLAG_JSON) != 0;
	rq.set = (l->flags & FLAG_SET) != 0;
	if (rq.dir == NULL)
		rq.dir = client_default_dir();
	return (c->run(&rq));
}

/* What is asked for by other programs' words; NULL: by none of these. */
static const char *
cli_line_others(const char *word)
{
	static const char *const words[][2] = {
	    {"status", "portreeve show services"},
	    {"list", "portreeve show sessions"},
	    {"who", "portreeve show sessions"},
	    {"kill", "portreeve clear session ID"},
	    {"unban", "portreeve clear penalty SOURCE"},
	    {"test", "portreeve check FILE"},
	    {"validate", "portreeve check FILE"},
	    {"commit", "portreeve reload"},
	    {"help", "portreeve --help"},
	    {"version", "portreeve --version"},
	    {"start", "systemctl start portreeve"},
	    {"stop", "systemctl stop portreeve"},
	    {"restart", "systemctl restart portreeve"},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i][0]) == 0)
			return (words[i][1]);
	}
	return (NULL);
}

/*
 * No command begins so: the nearest is named. best: how many of the line's
 * words were understood.
 */
static int
cli_line_unknown(const struct line *l, size_t best)
{
	const struct command *c, *meant = NULL;
	const char *other = best == 0 ? cli_line_others(l->words[0]) : NULL;
	char text[64], word[256];
	struct near n;

	if (other != NULL) {
		log_warn(
		    "no such command: %s; `%s` does that", l->words[0], other);
		return (2);
	}
	near_start(&n, l->words[best]);
	for (size_t i = 0; i < COMMANDS; i++) {
		c = &commands[i];
		if (cli_line_match(l, c) == best)
			near_try(&n, c->words[best]);
		/* `portreeve sessions`: the first word was left out. */
		if (best == 0 && c->words[1] != NULL)
			near_try(&n, c->words[1]);
	}
	for (size_t i = 0; i < COMMANDS && near_meant(&n) != NULL; i++) {
		c = &commands[i];
		if (cli_line_match(l, c) == best &&
		    (c->words[best] == near_meant(&n) ||
			(best == 0 && c->words[1] == near_meant(&n)))) {
			meant = c;
			break;
		}
	}
	if (meant == NULL)
		return (cli_usage("no such command: ", l->words[best]));
	print_escape(word, sizeof(word), l->words[best], strlen(l->words[best]),
	    false, true);
	log_warn("no such command: %s; the nearest is `portreeve %s`", word,
	    best == 0 && meant->words[0] == near_meant(&n)
		? meant->words[0]
		: command_text(meant, text, sizeof(text)));
	return (2);
}

/* `portreeve show`: what may stand behind it. */
static int
cli_line_short(const struct line *l, size_t best)
{
	char list[128] = "";
	size_t used = 0;

	for (size_t i = 0; i < COMMANDS; i++) {
		if (cli_line_match(l, &commands[i]) == best &&
		    used < sizeof(list))
			used += (size_t)snprintf(list + used,
			    sizeof(list) - used, "%s%s", used == 0 ? "" : ", ",
			    commands[i].words[best]);
	}
	log_warn("%s needs one word more: %s", l->words[best - 1], list);
	return (2);
}

int
main(int argc, char *argv[])
{
	struct line l = {0};
	size_t best = 0;
	int status = cli_line_parse(&l, argc, argv);

	if (status != 0)
		return (status);
	if (l.help)
		return (cli_help());
	if (l.version) {
		printf("portreeve %s\n", VERSION);
		return (print_end());
	}
	if (l.count == 0)
		return (cli_usage("no command", ""));
	for (size_t i = 0; i < COMMANDS; i++) {
		size_t n = cli_line_match(&l, &commands[i]);

		if (commands[i].words[n] == NULL)
			return (cli_line_run(&l, &commands[i]));
		if (n > best)
			best = n;
	}
	return (best == l.count ? cli_line_short(&l, best)
				: cli_line_unknown(&l, best));
}
