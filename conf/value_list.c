/*
 * Values of several words: listen addresses, and what starts a program. Planner
 * and CLI; distrusts every word. No shell and no string-built command line:
 * exec is split here, once, into what execve takes.
 */
#include <sys/resource.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "conf/value_list.h"
#include "lib/addr.h"
#include "lib/err.h"
#include "lib/prefix.h"

static bool
addr_is_mapped(const struct addr *a)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return (a->family == FAMILY_INET6 &&
		memcmp(a->bytes, prefix, sizeof(prefix)) == 0);
}

static bool
addr_is_link_local(const struct addr *a)
{
	return (a->family == FAMILY_INET6 && a->bytes[0] == 0xfe &&
		(a->bytes[1] & 0xc0) == 0x80);
}

static bool
addr_is_multicast(const struct addr *a)
{
	return (a->family == FAMILY_INET ? (a->bytes[0] & 0xf0) == 0xe0
					 : a->bytes[0] == 0xff);
}

/* What is no address, and what was probably meant by it. */
static const char *
value_no_address(const char *text)
{
	const char *colon = strchr(text, ':');

	if (strcmp(text, "*") == 0 || strcmp(text, "any") == 0 ||
	    strcmp(text, "all") == 0)
		return ("is not an IPv4 or IPv6 address: without "
			"listen-address the service listens on all of both");
	if (strcmp(text, "localhost") == 0)
		return (
		    "is not an IPv4 or IPv6 address: write [ 127.0.0.1 ::1 ]");
	if (strchr(text, '/') != NULL)
		return ("is not an IPv4 or IPv6 address but a network: name an "
			"address of this host");
	if (text[0] == '[' || strchr(text, ']') != NULL ||
	    (colon != NULL && strchr(colon + 1, ':') == NULL))
		return (
		    "is not an IPv4 or IPv6 address: set the port with `port`");
	if (strchr(text, ',') != NULL)
		return ("is not an IPv4 or IPv6 address: write a list as [ "
			"192.0.2.1 192.0.2.2 ]");
	if (strchr(text, '%') != NULL)
		return ("is not an address, or its interface does not exist");
	return ("is not an IPv4 or IPv6 address");
}

static const char *
value_address_fault(const char *text, struct addr *a)
{
	if (addr_parse(a, text, 0) != 0)
		return (value_no_address(text));
	if (addr_is_mapped(a))
		return ("is IPv4 mapped into IPv6: write the IPv4 address");
	if (addr_is_link_local(a) && a->scope == 0)
		return ("is link-local: add its interface, as in fe80::1%eth0");
	if (addr_is_multicast(a))
		return ("is a multicast address: nobody connects to it");
	return (NULL);
}

void
value_read_addresses(struct value_reader *r, const struct conf_node *node,
    struct conf_service *service)
{
	for (unsigned i = 0; i < node->value_count; i++) {
		const struct conf_value *v = &node->values[i];
		struct addr a;
		const char *why = value_address_fault(v->text, &a);

		if (why != NULL) {
			conf_report_add(r->report, CONF_ERROR, v->pos,
			    "%s: `%.60s` %s", node->stmt->name, v->text, why);
			continue;
		}
		if (i == CONF_LISTEN_MAX) {
			conf_report_add(r->report, CONF_ERROR, v->pos,
			    "%s: more than %d addresses", node->stmt->name,
			    CONF_LISTEN_MAX);
			return;
		}
		if (service != NULL)
			service->listen[service->listen_count++] = a;
	}
}

/* What is wrong with a network, in words; false: nothing. */
static bool
value_prefix_fault(
    const char *text, struct prefix *p, char why[VALUE_WORDS_MAX])
{
	char network[PREFIX_TEXT_MAX];

	switch (prefix_parse(p, text)) {
	case 0:
		return (false);
	case ERR_VALUE:
		snprintf(why, VALUE_WORDS_MAX,
		    "has bits set behind its length: its network is %s",
		    prefix_text(p, network));
		return (true);
	case ERR_TOO_LONG:
		snprintf(why, VALUE_WORDS_MAX,
		    "has a length of more than 32 bits, or 128 of IPv6");
		return (true);
	default:
		snprintf(why, VALUE_WORDS_MAX,
		    "is not a network, such as 192.0.2.0/24 or 2001:db8::/32, "
		    "nor an address");
		return (true);
	}
}

void
value_read_prefixes(
    struct value_reader *r, const struct conf_node *node, void *object)
{
	struct prefix *list =
	    arena_alloc(r->arena, node->value_count * sizeof(*list));
	struct conf_prefixes found = {.at = list};
	char why[VALUE_WORDS_MAX];

	if (list == NULL) {
		r->no_memory = true;
		return;
	}
	for (unsigned i = 0; i < node->value_count; i++) {
		const struct conf_value *v = &node->values[i];

		if (!value_prefix_fault(v->text, &list[found.count], why))
			found.count++;
		else
			conf_report_add(r->report, CONF_ERROR, v->pos,
			    "%s: `%.60s` %s", node->stmt->name, v->text, why);
	}
	if (object != NULL)
		memcpy(
		    (char *)object + node->stmt->offset, &found, sizeof(found));
}

static void
value_report_word(struct value_reader *r, const struct conf_statement *stmt,
    const struct conf_value *v, const char *list)
{
	if (strchr(v->text, ',') != NULL)
		conf_report_add(r->report, CONF_ERROR, v->pos,
		    "%s: write a list as [ WORD WORD ], without commas",
		    stmt->name);
	else if (strchr("+-^", v->text[0]) != NULL)
		conf_report_add(r->report, CONF_ERROR, v->pos,
		    "%s: `%.60s`: sshd's own list cannot be added to or "
		    "subtracted from: name all that are allowed",
		    stmt->name, v->text);
	else
		conf_report_add(r->report, CONF_ERROR, v->pos,
		    "%s: `%.60s` is not one of: %s", stmt->name, v->text, list);
}

void
value_read_list(
    struct value_reader *r, const struct conf_node *node, void *object)
{
	const struct conf_statement *stmt = node->stmt;
	struct conf_words words = {.count = 0};
	char list[VALUE_WORDS_MAX];

	for (unsigned i = 0; i < node->value_count; i++) {
		const struct conf_value *v = &node->values[i];

		if (value_word_index(stmt->words, v->text, list) < 0) {
			value_report_word(r, stmt, v, list);
			return;
		}
		words.words[words.count++] = v->text;
	}
	if (object != NULL)
		memcpy((char *)object + stmt->offset, &words, sizeof(words));
}

void
value_read_lines(
    struct value_reader *r, const struct conf_node *node, void *object)
{
	const struct conf_statement *stmt = node->stmt;
	struct conf_words lines = {.count = 0};

	for (unsigned i = 0; i < node->value_count; i++) {
		const struct conf_value *v = &node->values[i];
		size_t n = strlen(v->text);
		const char *why = NULL;

		if (n < (size_t)stmt->low)
			why = "may not be empty";
		else if (n > (size_t)stmt->high)
			why = "is too long";
		else if (strpbrk(v->text, "\r\n") != NULL)
			why = "is more than one line";
		if (why != NULL) {
			conf_report_add(r->report, CONF_ERROR, v->pos,
			    "%s: `%.60s` %s", stmt->name, v->text, why);
			return;
		}
		lines.words[lines.count++] = v->text;
	}
	if (object != NULL)
		memcpy((char *)object + stmt->offset, &lines, sizeof(lines));
}

/*
 * One word of a command into dst (room for all of *at): quotes, double or
 * single, keep spaces and go. false: a quote is not closed.
 */
static bool
program_word(const char **at, char *dst)
{
	char quote = '\0';
	const char *p;

	for (p = *at; *p != '\0'; p++) {
		if (quote != '\0') {
			if (*p == quote)
				quote = '\0';
			else
				*dst++ = *p;
		} else if (*p == '"' || *p == '\'')
			quote = *p;
		else if (*p == ' ' || *p == '\t')
			break;
		else
			*dst++ = *p;
	}
	*dst = '\0';
	*at = p;
	return (quote == '\0');
}

/* Splits into e->argv; what is wrong, or NULL. */
static const char *
program_split(struct value_reader *r, const char *text, struct conf_exec *e)
{
	char word[CONF_VALUE_MAX];

	for (;;) {
		text += strspn(text, " \t");
		if (*text == '\0')
			return (e->argc == 0 ? "names no program" : NULL);
		if (e->argc == CONF_ARGV_MAX)
			return ("has too many words");
		if (!program_word(&text, word))
			return ("has a quote that is not closed");
		e->argv[e->argc] = arena_text(r->arena, word, strlen(word));
		if (e->argv[e->argc] == NULL) {
			r->no_memory = true;
			return ("needs more memory than there is");
		}
		e->argc++;
	}
}

void
value_read_program(struct value_reader *r, const struct conf_node *node,
    struct conf_service *service)
{
	const struct conf_value *v = &node->values[0];
	struct conf_exec split = {.argc = 0};
	const char *why, *last = NULL;

	why = program_split(r, v->text, &split);
	if (why == NULL && split.argv[0][0] != '/')
		why = "does not begin with an absolute path";
	if (why == NULL) {
		last = strrchr(split.argv[0], '/') + 1;
		if (*last == '\0')
			why = "names a folder, not a program";
	}
	if (why != NULL) {
		conf_report_add(r->report, CONF_ERROR, v->pos, "%s: `%.60s` %s",
		    node->stmt->name, v->text, why);
		return;
	}
	if (service == NULL)
		return;
	service->exec.path = split.argv[0];
	memcpy(service->exec.argv, split.argv, sizeof(split.argv));
	service->exec.argv[0] = last;
	service->exec.argc = split.argc;
}

static bool
env_name_ok(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > 64 || isdigit((unsigned char)name[0]))
		return (false);
	for (; *name != '\0'; name++) {
		if (!isalnum((unsigned char)*name) && *name != '_')
			return (false);
	}
	return (true);
}

void
value_read_env(struct value_reader *r, const struct conf_node *node,
    struct conf_service *service)
{
	const struct conf_value *name = &node->values[0];
	const struct conf_value *value = &node->values[1];
	char text[CONF_VALUE_MAX + 80];
	struct conf_exec *e;

	if (!env_name_ok(name->text)) {
		conf_report_add(r->report, CONF_ERROR, name->pos,
		    "environment: `%.60s` is not a name of letters, digits and "
		    "_ that begins with no digit",
		    name->text);
		return;
	}
	if (service == NULL)
		return;
	e = &service->exec;
	if (e->env_count == CONF_ENV_MAX) {
		conf_report_add(r->report, CONF_ERROR, node->pos,
		    "environment: more than %d variables", CONF_ENV_MAX);
		return;
	}
	snprintf(text, sizeof(text), "%s=%s", name->text, value->text);
	e->env[e->env_count] = arena_text(r->arena, text, strlen(text));
	if (e->env[e->env_count] == NULL)
		r->no_memory = true;
	else
		e->env_count++;
}

static bool
rlimit_amount(struct value_reader *r, const struct conf_value *v, uint64_t *out)
{
	if (strcmp(v->text, "unlimited") == 0) {
		*out = RLIM_INFINITY;
		return (true);
	}
	if (value_parse_u64(v->text, out) && *out < RLIM_INFINITY)
		return (true);
	conf_report_add(r->report, CONF_ERROR, v->pos,
	    "rlimit: `%.40s` is neither a number nor unlimited%s", v->text,
	    v->text[0] >= '0' && v->text[0] <= '9'
		? ": write it in full, without a unit"
		: "");
	return (false);
}

void
value_read_rlimit(struct value_reader *r, const struct conf_node *node,
    struct conf_service *service)
{
	const struct conf_value *v = node->values;
	struct conf_rlimit l = {.resource = schema_rlimit_resource(v[0].text)};
	bool ok = true;

	if (l.resource < 0) {
		conf_report_add(r->report, CONF_ERROR, v[0].pos,
		    "rlimit: `%.40s` is not one of: %s", v[0].text,
		    schema_rlimit_names());
		ok = false;
	}
	ok = rlimit_amount(r, &v[1], &l.soft) && ok;
	ok = rlimit_amount(r, &v[2], &l.hard) && ok;
	if (ok && l.soft > l.hard) {
		conf_report_add(r->report, CONF_ERROR, v[1].pos,
		    "rlimit: the soft limit %.40s is above the hard limit "
		    "%.40s",
		    v[1].text, v[2].text);
		ok = false;
	}
	/* One statement a name: there are no more of them than names. */
	if (ok && service != NULL)
		service->exec.rlimits[service->exec.rlimit_count++] = l;
}
