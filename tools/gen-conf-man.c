/*
 * Prints the manual's section about statements, in mdoc(7), from the language's
 * own table (conf/schema.def): what the parser does not know cannot be in the
 * manual, and what it knows is. Run by make, with the builder's rights; reads
 * nothing.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "conf/schema.h"
#include "tools/mdoc.h"

/* In every service's block, and so in none of them by name. */
static bool
man_is_of_services(const struct conf_block *b)
{
	return ((b->parents & (b->parents - 1)) != 0);
}

static void
man_path(enum conf_block_id id)
{
	const struct conf_block *b = &conf_blocks[id];

	if (man_is_of_services(b)) {
		fputs("system services SERVICE ", stdout);
	} else if ((b->parents & ~(1U << BLOCK_ROOT)) != 0) {
		man_path((enum conf_block_id)(ffs((int)b->parents) - 1));
		putchar(' ');
	}
	fputs(b->name, stdout);
	if (b->key == KEY_NAME)
		fputs(" NAME", stdout);
	else if (b->key != KEY_NONE)
		fputs(" ADDRESS", stdout);
}

static void
man_words(const struct conf_statement *s)
{
	const char *words = s->type == TYPE_BOOL ? "yes no" : s->words;

	while (*words != '\0') {
		size_t n = strcspn(words, " ");

		printf(" Cm %.*s", (int)n, words);
		words += n;
		if (*words != '\0')
			fputs(" |", stdout);
		words += strspn(words, " ");
	}
}

static void
man_head(const struct conf_statement *s)
{
	static const char *const kinds[TYPE_COUNT] = {
	    [TYPE_NUMBER] = " Ar number",
	    [TYPE_PORT] = " Ar port",
	    [TYPE_OCTAL] = " Ar octal",
	    [TYPE_STRING] = " Ar text",
	    [TYPE_NAME] = " Ar name",
	    [TYPE_PATH] = " Ar path",
	    [TYPE_COMMAND] = " Ar command",
	    [TYPE_EXEC] = " Ar command",
	    [TYPE_ADDRESSES] = " Ar address ...",
	    [TYPE_LIST] = " Ar word ...",
	    [TYPE_LINES] = " Ar line",
	    [TYPE_PREFIXES] = " Ar network ...",
	    [TYPE_EARLY] = " Ar start : Ns Ar rate : Ns Ar full",
	    [TYPE_UIDS] = " Ar low Ns - Ns Ar high",
	    [TYPE_ENV] = " Ar name value",
	    [TYPE_RLIMIT] = " Ar name soft hard",
	};

	printf(".It Ic %s", s->name);
	if (s->type == TYPE_WORD || s->type == TYPE_BOOL)
		man_words(s);
	else if (kinds[s->type] != NULL)
		fputs(kinds[s->type], stdout);
	putchar('\n');
}

static void
man_range(const struct conf_statement *s)
{
	if (s->type == TYPE_OCTAL)
		printf("From %" PRIo64 " to 0%" PRIo64, s->low, s->high);
	else
		printf("From %" PRId64 " to %" PRId64, s->low, s->high);
	if (s->unit != NULL)
		printf(" %s", s->unit);
	if (s->wide != 0)
		printf(
		    ",\nor to %" PRId64 " with\n.Ic extended-limits", s->wide);
	puts(s->wide != 0 ? " ." : ".");
}

static void
man_list(const struct conf_statement *s)
{
	fputs("The words are", stdout);
	for (const char *w = s->words; *w != '\0'; w += strspn(w, " ")) {
		size_t n = strcspn(w, " ");

		printf("%s\n.Cm %.*s", w == s->words ? "" : " ,", (int)n, w);
		w += n;
	}
	puts(" .");
}

static void
man_origin(bool extension, const char *needs)
{
	if (needs != NULL)
		printf("Needs %s.\n", needs);
	if (extension)
		puts("(Extension.)");
}

/* The blocks of services, a bit per enum conf_block_id. */
static uint32_t
man_services(void)
{
	uint32_t blocks = 0;

	for (int id = 0; id < BLOCK_COUNT; id++) {
		if (conf_blocks[id].opens &&
		    conf_blocks[id].base == BASE_SERVICE)
			blocks |= 1U << id;
	}
	return (blocks);
}

static void
man_statement(const struct conf_statement *s, bool several)
{
	bool first = true;

	man_head(s);
	mdoc_text(s->help);
	if (s->type == TYPE_NUMBER || s->type == TYPE_PORT ||
	    s->type == TYPE_OCTAL)
		man_range(s);
	if (s->type == TYPE_RLIMIT)
		printf("The names are %s.\n", schema_rlimit_names());
	if (s->type == TYPE_LIST)
		man_list(s);
	if (s->dflt != NULL && s->type == TYPE_FLAG)
		puts("This is the default.");
	else if (s->dflt != NULL)
		printf("The default is %s.\n", s->dflt);
	man_origin(s->extension, s->needs);
	if (!several || s->blocks == man_services())
		return;
	fputs("Belongs to", stdout);
	for (int id = 0; id < BLOCK_COUNT; id++) {
		if ((s->blocks & (1U << id)) == 0)
			continue;
		fputs(first ? "\n.Ql " : " ,\n.Ql ", stdout);
		man_path((enum conf_block_id)id);
		first = false;
	}
	puts(" .");
}

static bool
man_is_several(const struct conf_statement *s)
{
	return ((s->blocks & (s->blocks - 1)) != 0);
}

static void
man_block(enum conf_block_id id)
{
	const struct conf_block *b = &conf_blocks[id];
	bool any = false;

	fputs(".Ss ", stdout);
	man_path(id);
	putchar('\n');
	mdoc_text(b->help);
	if (b->port != 0)
		printf("The default port is %u.\n", b->port);
	man_origin(b->extension, b->needs);
	for (size_t i = 0; i < conf_statement_count; i++) {
		const struct conf_statement *s = &conf_statements[i];

		if ((s->blocks & (1U << id)) == 0 || man_is_several(s))
			continue;
		if (!any)
			puts(".Bl -tag -width Ds");
		any = true;
		man_statement(s, false);
	}
	if (any)
		puts(".El");
}

static void
man_conflicts(void)
{
	puts(".Ss Contradictions\n"
	     "These cannot be written together:\n"
	     ".Bl -bullet -compact");
	for (size_t i = 0; i < conf_conflict_count; i++) {
		const struct conf_conflict *c = &conf_conflicts[i];

		printf(".It\n.Ic %s%s\n", c->a, c->c != NULL ? " ," : "");
		if (c->c != NULL)
			printf(".Ic %s\n", c->b);
		printf(
		    "and\n.Ic %s :\n%s\n", c->c != NULL ? c->c : c->b, c->why);
	}
	puts(".El");
}

int
main(void)
{
	for (int id = BLOCK_SERVICES; id < BLOCK_COUNT; id++) {
		man_block((enum conf_block_id)id);
		if (id != BLOCK_SERVICES)
			continue;
		puts(".Ss Statements of every service\n"
		     "Each of these may stand in the block of any service,\n"
		     "unless it says to which it belongs.\n"
		     ".Bl -tag -width Ds");
		for (size_t i = 0; i < conf_statement_count; i++) {
			if (man_is_several(&conf_statements[i]))
				man_statement(&conf_statements[i], true);
		}
		puts(".El");
	}
	man_conflicts();
	return (fflush(stdout) != 0 || ferror(stdout) ? 1 : 0);
}
