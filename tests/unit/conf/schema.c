/*
 * The schema itself, and every numeric statement at, below and above its
 * range: driven by the rows, so that a new statement is tested by being there.
 */
#include <ctype.h>
#include <inttypes.h>

#include "conf/schema.h"
#include "conf/sshd/keywords.h"
#include "tests/stage/conf.h"

/* Where a block is in set form, and what it needs beside to be valid. */
static const struct place {
	const char *path;
	const char *needs;
} places[BLOCK_COUNT] = {
#define ASKED                                                                  \
	"set system radius-server 192.0.2.1 secret s\n"                        \
	"set system tacplus-server 192.0.2.1 secret s\n"
    [BLOCK_SYSTEM] = {"system", ASKED},
    [BLOCK_SERVICES] = {"system services", ""},
    [BLOCK_SSH] = {"system services ssh", ASKED},
    [BLOCK_REKEY] = {"system services ssh rekey", ""},
    [BLOCK_HOSTKEY_ALGORITHM] = {"system services ssh hostkey-algorithm", ""},
    [BLOCK_TELNET] = {"system services telnet", ""},
    [BLOCK_FTP] = {"system services ftp", ""},
    [BLOCK_FINGER] = {"system services finger", ""},
    [BLOCK_NETCONF] = {"system services netconf", ""},
    [BLOCK_NETCONF_SSH] = {"system services netconf ssh", ""},
    [BLOCK_OUTBOUND_SSH] = {"system services outbound-ssh", ""},
    [BLOCK_PROTECTION] = {"system services protection", ""},
    [BLOCK_SERVICE_PROTECTION] = {"system services ssh protection", ""},
    [BLOCK_PER_SOURCE] = {"system services ssh per-source", ""},
    [BLOCK_RESERVE] = {"system services ssh reserve",
	"set system services ssh connection-limit 250\n"
	"set system services ssh reserve slots 2\n"
	"set system services ssh reserve source 192.0.2.0/24\n"},
    [BLOCK_USER_LIMIT] = {"system services user-limit", ""},
    [BLOCK_SERVICE] = {"system services service x",
	"set system services service x port 7\n"
	"set system services service x exec /bin/true\n"},
#define CLIENT                                                                 \
	"set system services outbound-ssh client c device-id d\n"              \
	"set system services outbound-ssh client c address 192.0.2.1\n"
    [BLOCK_CLIENT] = {"system services outbound-ssh client c", CLIENT},
    [BLOCK_KEEP_ALIVE] = {"system services outbound-ssh client c keep-alive",
	CLIENT},
    [BLOCK_CLIENT_SERVICES] = {"system services outbound-ssh client c services",
	CLIENT},
    [BLOCK_RADIUS_SERVER] = {"system radius-server 192.0.2.1",
	"set system radius-server 192.0.2.1 secret s\n"},
    [BLOCK_TACPLUS_SERVER] = {"system tacplus-server 192.0.2.1",
	"set system tacplus-server 192.0.2.1 secret s\n"},
    [BLOCK_SERVER] = {"system services outbound-ssh client c "
		      "address 192.0.2.1",
	CLIENT},
};

static const void *
object_of(const struct conf *conf, enum conf_base base)
{
	switch (base) {
	case BASE_SERVICE:
		assert_int_equal(conf->service_count, 1);
		return (&conf->services[0]);
	case BASE_CLIENT:
		return (&conf->clients[0]);
	case BASE_SERVER:
		return (&conf->clients[0].servers[0]);
	case BASE_ASKED:
		return (conf->radius.count > 0 ? &conf->radius.servers[0]
					       : &conf->tacplus.servers[0]);
	default:
		return (conf);
	}
}

static int64_t
stored(const struct conf *conf, const struct conf_statement *s,
    enum conf_block_id in)
{
	const char *member =
	    (const char *)object_of(conf, conf_blocks[in].base) + s->offset;
	uint16_t half;
	int32_t whole;

	if (s->size == sizeof(half)) {
		memcpy(&half, member, sizeof(half));
		return (half);
	}
	assert_int_equal(s->size, sizeof(whole));
	memcpy(&whole, member, sizeof(whole));
	return (s->low < 0 ? whole : (int64_t)(uint32_t)whole);
}

/* One value in one place; valid or out of range, and told where. */
static void
try(const struct conf_statement *s, enum conf_block_id in, int64_t value,
    bool extended, bool valid)
{
	const struct place *at = &places[in];
	char text[1024];
	unsigned line = 2;
	struct parsed p;

	for (const char *c = at->needs; *c != '\0'; c++)
		line += *c == '\n';
	snprintf(text, sizeof(text),
	    s->type == TYPE_OCTAL ? "%s\n%sset %s %s %" PRIo64 "\n"
				  : "%s\n%sset %s %s %" PRId64 "\n",
	    extended ? "set system services extended-limits" : "#", at->needs,
	    at->path, s->name, value);
	p = parse(text);
	if ((p.err == 0) != valid) {
		print_message("%s", text);
		parsed_print(&p);
		fail();
	}
	if (valid)
		assert_int_equal(stored(p.conf, s, in), value);
	else {
		const struct conf_diag *d = p.report.diags;

		while (d->severity != CONF_ERROR)
			d++;
		assert_int_equal(p.report.errors, 1);
		assert_int_equal(d->pos.line, line);
		assert_int_equal(
		    d->pos.col, strlen(at->path) + strlen(s->name) + 7);
		assert_non_null(strstr(d->text, "is out of range"));
	}
	parsed_free(&p);
}

static void
try_all(const struct conf_statement *s, enum conf_block_id in)
{
	/* An octal number has no sign to be below 0 with. */
	if (s->type != TYPE_OCTAL || s->low > 0)
		try(s, in, s->low - 1, false, false);
	try(s, in, s->low, false, true);
	try(s, in, s->high, false, true);
	try(s, in, s->high + 1, false, false);
	if (s->wide == 0) {
		try(s, in, s->high + 1, true, false);
		return;
	}
	try(s, in, s->high + 1, true, true);
	try(s, in, s->wide, true, true);
	try(s, in, s->wide + 1, true, false);
	try(s, in, s->low - 1, true, false);
}

static void
test_ranges(void **state)
{
	unsigned tried = 0;

	(void)state;
	for (size_t i = 0; i < conf_statement_count; i++) {
		const struct conf_statement *s = &conf_statements[i];

		if (s->type != TYPE_NUMBER && s->type != TYPE_PORT &&
		    s->type != TYPE_OCTAL)
			continue;
		for (int in = 0; in < BLOCK_COUNT; in++) {
			if ((s->blocks & (1U << in)) == 0)
				continue;
			assert_non_null(places[in].path);
			try_all(s, (enum conf_block_id)in);
			tried++;
		}
	}
	assert_true(tried >= 34);
}

/* What the interface promises, said once more by hand. */
static void
test_promised(void **state)
{
	static const struct {
		const char *name;
		enum conf_block_id in;
		int64_t low, high, wide;
		const char *dflt;
	} promised[] = {
	    {"connection-limit", BLOCK_FINGER, 1, 250, 65535, "75"},
	    {"rate-limit", BLOCK_SERVICE, 1, 250, 10000000, "150"},
	    {"port", BLOCK_SSH, 1, 65535, 0, NULL},
	    {"login-limit", BLOCK_SERVICES, 1, 250, 0, "20"},
	    {"processes", BLOCK_USER_LIMIT, 1, 65535, 0, NULL},
	    {"sessions", BLOCK_USER_LIMIT, 1, 65535, 0, NULL},
	    {"client-alive-interval", BLOCK_SSH, 0, 65535, 0, "0"},
	    {"client-alive-count-max", BLOCK_SSH, 0, 255, 0, "3"},
	    {"max-sessions-per-connection", BLOCK_SSH, 1, 65535, 0, "10"},
	    {"max-pre-authentication-packets", BLOCK_SSH, 20, 2147483647, 0,
		"128"},
	};
	static const struct {
		enum conf_block_id in;
		uint16_t port;
	} ports[] = {{BLOCK_SSH, 22}, {BLOCK_TELNET, 23}, {BLOCK_FTP, 21},
	    {BLOCK_FINGER, 79}, {BLOCK_NETCONF_SSH, 830}, {BLOCK_SERVICE, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(promised) / sizeof(promised[0]); i++) {
		const struct conf_statement *s =
		    schema_find_statement(promised[i].in, promised[i].name);

		assert_non_null(s);
		assert_int_equal(s->low, promised[i].low);
		assert_int_equal(s->high, promised[i].high);
		assert_int_equal(s->wide, promised[i].wide);
		if (promised[i].dflt == NULL)
			assert_null(s->dflt);
		else
			assert_string_equal(s->dflt, promised[i].dflt);
	}
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		assert_int_equal(conf_blocks[ports[i].in].port, ports[i].port);
}

static unsigned
count_words(const char *words)
{
	unsigned n = 0;

	for (; *words != '\0'; n++) {
		words += strcspn(words, " ");
		words += strspn(words, " ");
	}
	return (n);
}

/*
 * A word of sshd's for each of ours, and an order for the keyword, without
 * which nobody could tell that an sshd-config FILE loosens it.
 */
static void
check_sshd(const struct conf_statement *s)
{
	for (unsigned i = 0; i < SCHEMA_SSHD_MAX; i++) {
		const char *value = s->sshd[i].value;
		char keyword[64];

		if (s->sshd[i].keyword == NULL)
			continue;
		assert_true((s->type == TYPE_FLAG) <= (value != NULL));
		if (s->words != NULL && value != NULL)
			assert_int_equal(
			    count_words(value), count_words(s->words));
		snprintf(keyword, sizeof(keyword), "%s", s->sshd[i].keyword);
		for (char *c = keyword; *c != '\0'; c++)
			*c = (char)tolower((unsigned char)*c);
		assert_true(
		    keywords[keyword_find(keyword)].order != ORDER_NONE ||
		    strcmp(keyword, "subsystem") == 0);
	}
}

/* Every row is whole, and says a thing once. */
static void
test_rows(void **state)
{
	(void)state;
	for (int id = BLOCK_ROOT + 1; id < BLOCK_COUNT; id++) {
		assert_int_not_equal(conf_blocks[id].parents, 0);
		assert_true(strlen(conf_blocks[id].help) > 0);
		assert_non_null(conf_blocks[id].since);
	}
	for (size_t i = 0; i < conf_statement_count; i++) {
		const struct conf_statement *s = &conf_statements[i];

		assert_true(strlen(s->help) > 0);
		assert_true(s->help[strlen(s->help) - 1] == '.');
		assert_non_null(s->since);
		assert_int_not_equal(s->blocks, 0);
		assert_true((s->type == TYPE_WORD || s->type == TYPE_LIST) ==
			    (s->words != NULL));
		check_sshd(s);
		for (int in = 0; in < BLOCK_COUNT; in++) {
			enum conf_block_id id = (enum conf_block_id)in;

			if ((s->blocks & (1U << in)) == 0)
				continue;
			/* No name twice in a block, nor a block's. */
			assert_ptr_equal(schema_find_statement(id, s->name), s);
			assert_int_equal(
			    schema_find_block(id, s->name), BLOCK_NONE);
		}
	}
	for (size_t i = 0; i < conf_conflict_count; i++) {
		const struct conf_conflict *c = &conf_conflicts[i];

		for (int in = 0; in < BLOCK_COUNT; in++) {
			if ((c->blocks & (1U << in)) == 0)
				continue;
			assert_non_null(schema_find_statement(
			    (enum conf_block_id)in, c->a));
			assert_non_null(schema_find_statement(
			    (enum conf_block_id)in, c->b));
			assert_true(c->c == NULL ||
				    schema_find_statement(
					(enum conf_block_id)in, c->c) != NULL);
		}
	}
}

/* Every word of every statement that takes one. */
static void
test_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < conf_statement_count; i++) {
		const struct conf_statement *s = &conf_statements[i];
		enum conf_block_id in = BLOCK_ROOT;
		const char *w = s->words;
		int64_t index = 0;

		if (s->type != TYPE_WORD && s->type != TYPE_LIST)
			continue;
		while ((s->blocks & (1U << in)) == 0)
			in++;
		for (; *w != '\0'; index++) {
			size_t n = strcspn(w, " ");
			char text[1024];
			struct parsed p;

			snprintf(text, sizeof(text), "%sset %s %s %.*s\n",
			    places[in].needs, places[in].path, s->name, (int)n,
			    w);
			p = parse_ok(text);
			if (s->size != 0 && s->type == TYPE_WORD)
				assert_int_equal(stored(p.conf, s, in), index);
			parsed_free(&p);
			w += n + (w[n] == ' ');
		}
	}
}

static void
test_nearest(void **state)
{
	unsigned distance;

	(void)state;
	assert_string_equal(
	    schema_nearest(BLOCK_SSH, "root-logn", &distance), "root-login");
	assert_int_equal(distance, 1);
	assert_string_equal(
	    schema_nearest(BLOCK_SSH, "prot", &distance), "port");
	assert_int_equal(distance, 1); /* a swap is one slip */
	assert_string_equal(
	    schema_nearest(BLOCK_SERVICES, "fniger", &distance), "finger");
	assert_non_null(schema_nearest(BLOCK_SSH,
	    "a-word-that-is-much-longer-than-any-statement-there-is", NULL));
	assert_null(schema_nearest(BLOCK_NONE, "x", NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ranges),
	    cmocka_unit_test(test_promised),
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_words),
	    cmocka_unit_test(test_nearest),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
