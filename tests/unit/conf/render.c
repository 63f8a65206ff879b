/*
 * What is rendered parses to itself, in braces and as set lines: by hand, and
 * for random configurations made from the schema, so that a new statement is
 * tested by being there.
 */
#include <inttypes.h>

#include "conf/schema.h"
#include "tests/stage/conf.h"

#define RANDOM_CONFIGURATIONS 400

static void
test_braces(void **state)
{
	static const char want[] =
	    "system {\n"
	    "    services {\n"
	    "        ssh {\n"
	    "            inactive: port 2222;\n"
	    "            listen-address [ 127.0.0.1 ::1 ];\n"
	    "            sshd-config \"/etc/a b\";\n"
	    "        }\n"
	    "        inactive: finger;\n"
	    "    }\n"
	    "}\n";
	struct parsed p = parse_ok(want);
	char *text = rendered(p.conf, CONF_BRACES, true);

	(void)state;
	assert_string_equal(text, want);
	free(text);
	text = rendered(p.conf, CONF_SET, true);
	assert_string_equal(text,
	    "set system services ssh port 2222\n"
	    "set system services ssh listen-address [ 127.0.0.1 ::1 ]\n"
	    "set system services ssh sshd-config \"/etc/a b\"\n"
	    "set system services finger\n"
	    "deactivate system services ssh port\n"
	    "deactivate system services finger\n");
	free(text);
	parsed_free(&p);
}

static void
test_masked(void **state)
{
	struct parsed p = services_ok("outbound-ssh { client c { device-id d; "
				      "secret hush; ::1; } }");

	(void)state;
	for (int form = CONF_BRACES; form <= CONF_SET; form++) {
		char *text = rendered(p.conf, (enum conf_form)form, true);
		struct parsed again = parse(text);

		assert_null(strstr(text, "hush"));
		assert_non_null(strstr(text, "secret \"********\""));
		/* It cannot become the secret by being loaded again. */
		assert_int_not_equal(again.err, 0);
		parsed_free(&again);
		free(text);
		text = rendered(p.conf, (enum conf_form)form, false);
		assert_non_null(strstr(text, "secret hush"));
		free(text);
	}
	parsed_free(&p);
}

/* --- random configurations --------------------------------------------------
 */

struct maker {
	FILE *out;
	uint32_t seed;
	unsigned port; /* one each, so that no two listeners meet */
	unsigned label;
	unsigned depth;
};

static uint32_t
draw(struct maker *m, uint32_t below)
{
	m->seed ^= m->seed << 13;
	m->seed ^= m->seed >> 17;
	m->seed ^= m->seed << 5;
	return (m->seed % below);
}

static void
make_text(struct maker *m, unsigned most)
{
	static const char bytes[] = "ab \\\"{};[]#/*'\tz\xc3";
	unsigned n = 1 + draw(m, most);

	fputc('"', m->out);
	for (unsigned i = 0; i < n; i++) {
		char c = bytes[draw(m, sizeof(bytes) - 1)];

		if (c == '"' || c == '\\')
			fputc('\\', m->out);
		fputc(c, m->out);
	}
	fputc('"', m->out);
}

static void
make_word(struct maker *m, const char *words)
{
	unsigned n = draw(m, 8);

	while (n-- > 0 && strchr(words, ' ') != NULL)
		words = strchr(words, ' ') + 1;
	fprintf(m->out, "%.*s", (int)strcspn(words, " "), words);
}

static void
make_addresses(struct maker *m)
{
	static const char *const some[] = {"127.0.0.1", "[ ::1 127.0.0.1 ]",
	    "[ 127.0.0.3 ]", "[ 2001:db8::7 \"::1\" 192.0.2.1 ]"};

	fputs(some[draw(m, 4)], m->out);
}

static void
make_value(struct maker *m, const struct conf_statement *s)
{
	switch (s->type) {
	case TYPE_FLAG:
		break;
	case TYPE_PORT:
		fprintf(m->out, "%u", ++m->port);
		break;
	case TYPE_NUMBER:
		/* Fewer slots than connections, and some of each. */
		if (strcmp(s->name, "slots") == 0) {
			fputs("1", m->out);
			break;
		}
		fprintf(m->out, "%" PRId64,
		    s->low + (strcmp(s->name, "connection-limit") == 0) +
			(int64_t)draw(m, (uint32_t)(s->high - s->low)));
		break;
	case TYPE_OCTAL:
		fprintf(m->out, "0%o", draw(m, (uint32_t)s->high + 1));
		break;
	case TYPE_WORD:
		/* One family would contradict addresses of both. */
		make_word(
		    m, strcmp(s->name, "protocol") == 0 ? "tcp udp" : s->words);
		break;
	case TYPE_LIST:
		fputs("[ ", m->out);
		make_word(m, s->words);
		fputc(' ', m->out);
		make_word(m, s->words);
		fputs(" ]", m->out);
		break;
	case TYPE_PREFIXES:
		fprintf(m->out, "[ 192.0.2.%u 2001:db8:%x::/48 ]", draw(m, 256),
		    1 + draw(m, 0xffff));
		break;
	case TYPE_EARLY:
		fprintf(m->out, "%u:30:100", 1 + draw(m, 100));
		break;
	case TYPE_LINES:
		fprintf(m->out, "[ \"A %u\" \"b c\" ]", draw(m, 100));
		break;
	case TYPE_BOOL:
		make_word(m, "yes no");
		break;
	case TYPE_STRING:
		/* A device-id is sent; what it may hold is its own test. */
		if (s->secret && s->high > CONF_ASKED_SECRET_MAX)
			make_text(m, 40);
		else if (s->secret)
			fprintf(m->out, "s%u", draw(m, 100));
		else
			fprintf(m->out, "\"r %u\"", draw(m, 100));
		break;
	case TYPE_NAME:
		fprintf(m->out, "n%u", draw(m, 100));
		break;
	case TYPE_PATH:
		fprintf(m->out, "\"/etc/a b/%u\"", draw(m, 100));
		break;
	case TYPE_COMMAND:
		fprintf(m->out, "\"/bin/x -%u\"", draw(m, 100));
		break;
	case TYPE_EXEC:
		fprintf(m->out, "\"/bin/x 'a b' \\\"c\\\" -%u\"", draw(m, 9));
		break;
	case TYPE_ADDRESSES:
		make_addresses(m);
		break;
	case TYPE_UIDS:
		fprintf(m->out, "%u-%u", 1 + draw(m, 1000), 2000 + draw(m, 9));
		break;
	case TYPE_ENV:
		fprintf(m->out, "V%u ", draw(m, 4));
		make_text(m, 60);
		break;
	case TYPE_RLIMIT:
		make_word(m, "as core cpu data");
		fprintf(m->out, " %u %s", draw(m, 100),
		    draw(m, 2) ? "unlimited" : "100");
		break;
	default:
		fail();
	}
}

/* A statement that would contradict another is left out. */
static bool
made_conflict(const struct conf_statement *s)
{
	for (size_t i = 0; i < conf_conflict_count; i++) {
		if (strcmp(conf_conflicts[i].b, s->name) == 0)
			return (true);
	}
	return (false);
}

/*
 * A service without its port and program is none, nor a client so, and of two
 * of ssh's statements each needs the other.
 */
static bool
made_always(const struct conf_statement *s, enum conf_block_id in)
{
	return (((s->blocks & (1U << BLOCK_SERVICE)) != 0 &&
		    in == BLOCK_SERVICE && s->type == TYPE_EXEC) ||
		(strcmp(s->name, "port") == 0 && in != BLOCK_SERVER) ||
		strncmp(s->name, "authorized-keys-command", 23) == 0 ||
		(conf_blocks[in].base == BASE_ASKED && s->secret) ||
		in == BLOCK_RESERVE ||
		(in == BLOCK_CLIENT && strcmp(s->name, "device-id") == 0));
}

/* What a program that may accept by itself cannot be held to. */
static bool
made_unheld(const char *name, enum conf_block_id in)
{
	return (in == BLOCK_SERVICE && (strcmp(name, "per-source") == 0 ||
					   strcmp(name, "reserve") == 0 ||
					   strstr(name, "-source") != NULL));
}

static void
make_statements(struct maker *m, enum conf_block_id in)
{
	for (size_t i = 0; i < conf_statement_count; i++) {
		const struct conf_statement *s = &conf_statements[i];
		bool always;

		if ((s->blocks & (1U << in)) == 0 || made_conflict(s) ||
		    made_unheld(s->name, in))
			continue;
		always = made_always(s, in);
		if (!always && draw(m, 2) == 0)
			continue;
		if (!always && draw(m, 6) == 0)
			fputs("inactive: ", m->out);
		fprintf(m->out, "%s ", s->name);
		make_value(m, s);
		fputs(";\n", m->out);
	}
}

/* Without which another would be wrong, or nothing be there. */
static bool
made_needed(enum conf_block_id id)
{
	return (id == BLOCK_SYSTEM || id == BLOCK_SERVICES ||
		id == BLOCK_SERVER || conf_blocks[id].base == BASE_ASKED);
}

static void make_block(struct maker *m, enum conf_block_id id);

static void
make_children(struct maker *m, enum conf_block_id in)
{
	make_statements(m, in);
	for (int id = BLOCK_ROOT + 1; id < BLOCK_COUNT; id++) {
		if (!schema_is_in((enum conf_block_id)id, in) ||
		    made_unheld(conf_blocks[id].name, in))
			continue;
		if (!made_needed((enum conf_block_id)id) && draw(m, 3) == 0)
			continue;
		make_block(m, (enum conf_block_id)id);
		if (conf_blocks[id].key != KEY_NONE && draw(m, 2) == 0)
			make_block(m, (enum conf_block_id)id);
	}
}

static void
make_block(struct maker *m, enum conf_block_id id)
{
	const struct conf_block *b = &conf_blocks[id];

	if (!made_needed(id) && draw(m, 8) == 0)
		fputs("inactive: ", m->out);
	fputs(b->name, m->out);
	if (b->key == KEY_NAME)
		fprintf(m->out, " l%u", m->label++);
	else if (b->key != KEY_NONE)
		fprintf(m->out, " 192.0.2.%u", m->label++ % 250);
	fputs(" {\n", m->out);
	make_children(m, id);
	fputs("}\n", m->out);
}

static void
round_trip(const struct parsed *p, enum conf_form form)
{
	char *text = rendered(p->conf, form, false);
	struct parsed again = parse_ok(text);
	char *twice = rendered(again.conf, form, false);

	assert_true(conf_equal(p->conf, again.conf));
	assert_string_equal(text, twice);
	assert_int_equal(p->conf->service_count, again.conf->service_count);
	for (unsigned i = 0; i < p->conf->service_count; i++) {
		const struct conf_service *a = &p->conf->services[i];
		const struct conf_service *b = &again.conf->services[i];

		assert_string_equal(a->name, b->name);
		assert_int_equal(a->port, b->port);
		assert_int_equal(a->rate_limit, b->rate_limit);
		assert_int_equal(a->listen_count, b->listen_count);
		assert_int_equal(a->exec.argc, b->exec.argc);
		assert_memory_equal(
		    &a->ssh, &b->ssh, offsetof(struct conf_ssh, sshd_config));
	}
	free(text);
	free(twice);
	parsed_free(&again);
}

static void
test_random(void **state)
{
	unsigned services = 0, inactive = 0;

	(void)state;
	for (uint32_t i = 1; i <= RANDOM_CONFIGURATIONS; i++) {
		struct maker m = {.seed = i * 2654435761U, .port = 1000};
		char *text = NULL;
		size_t n = 0;
		struct parsed p;

		m.out = open_memstream(&text, &n);
		assert_non_null(m.out);
		make_block(&m, BLOCK_SYSTEM);
		assert_int_equal(fclose(m.out), 0);
		p = parse_ok(text);
		services += p.conf->service_count;
		inactive += strstr(text, "inactive:") != NULL;
		round_trip(&p, CONF_BRACES);
		round_trip(&p, CONF_SET);
		parsed_free(&p);
		free(text);
	}
	/* The draw was not an empty one. */
	assert_true(services > RANDOM_CONFIGURATIONS);
	assert_true(inactive > RANDOM_CONFIGURATIONS / 2);
}

static void
test_equal(void **state)
{
	static const char *const texts[] = {"", "system;",
	    "system services ssh;", "system services { inactive: ssh; }",
	    "system services ssh port 22;", "system services ssh port 23;",
	    "system services { ssh; finger; }",
	    "system services { finger; ssh; }"};
	const size_t n = sizeof(texts) / sizeof(texts[0]);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++) {
			struct parsed a = parse_ok(texts[i]);
			struct parsed b = parse_ok(texts[j]);

			assert_true(conf_equal(a.conf, b.conf) == (i == j));
			parsed_free(&a);
			parsed_free(&b);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_braces),
	    cmocka_unit_test(test_masked),
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_equal),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
