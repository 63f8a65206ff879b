/*
 * Single values: numbers, words, names, paths. Planner and CLI; distrusts every
 * word, stores nothing that it found wrong.
 */
#include <arpa/inet.h>

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/value.h"
#include "conf/value_list.h"
#include "lib/addr.h"

static void
value_store(void *object, const struct conf_statement *stmt, const void *from)
{
	if (object != NULL && stmt->size != 0)
		memcpy((char *)object + stmt->offset, from, stmt->size);
}

/* Into a member of 2 or 4 bytes; the range was checked. */
static void
value_store_number(void *object, const struct conf_statement *stmt, int64_t n)
{
	uint16_t half = (uint16_t)n;
	uint32_t whole = (uint32_t)n;

	if (stmt->size == sizeof(half))
		value_store(object, stmt, &half);
	else
		value_store(object, stmt, &whole);
}

bool
value_parse_u64(const char *text, uint64_t *out)
{
	char *end;

	if (!isdigit((unsigned char)text[0]) ||
	    (text[0] == '0' && text[1] != '\0'))
		return (false);
	errno = 0;
	*out = strtoull(text, &end, 10);
	return (*end == '\0' && errno == 0);
}

static bool
value_parse_i64(const char *text, int64_t *out)
{
	bool minus = text[0] == '-';
	uint64_t n;

	if (!value_parse_u64(text + minus, &n) || n > INT64_MAX)
		return (false);
	*out = minus ? -(int64_t)n : (int64_t)n;
	return (true);
}

static void
value_report_range(struct value_reader *r, const struct conf_statement *stmt,
    const struct conf_value *v)
{
	const char *format =
	    stmt->type == TYPE_OCTAL
		? "%s: %.40s is out of range %" PRIo64 "-%" PRIo64
		: "%s: %.40s is out of range %" PRId64 "-%" PRId64;
	char text[160];

	snprintf(text, sizeof(text), format, stmt->name, v->text, stmt->low,
	    stmt->wide != 0 && r->extended ? stmt->wide : stmt->high);
	if (stmt->wide != 0 && !r->extended)
		conf_report_add(r->report, CONF_ERROR, v->pos,
		    "%s (up to %" PRId64 " with extended-limits)", text,
		    stmt->wide);
	else
		conf_report_add(r->report, CONF_ERROR, v->pos, "%s", text);
}

static void
value_read_number(struct value_reader *r, const struct conf_statement *stmt,
    const struct conf_value *v, void *object)
{
	int64_t high = stmt->wide != 0 && r->extended ? stmt->wide : stmt->high;
	int64_t n;

	if (!value_parse_i64(v->text, &n)) {
		size_t digits =
		    strspn(v->text + (v->text[0] == '-'), "0123456789");

		/* More digits than fit are a number, and out of its range. */
		if (digits >= 19 && v->text[0] != '0')
			value_report_range(r, stmt, v);
		else
			conf_report_add(r->report, CONF_ERROR, v->pos,
			    "%s: `%.40s` is not a decimal number%s%s",
			    stmt->name, v->text,
			    stmt->unit != NULL ? " of " : "",
			    stmt->unit != NULL ? stmt->unit : "");
		return;
	}
	if (n < stmt->low || n > high) {
		value_report_range(r, stmt, v);
		return;
	}
	value_store_number(object, stmt, n);
}

/* Of a service that says udp the name is looked up again: build.c. */
static void
value_read_port(struct value_reader *r, const struct conf_statement *stmt,
    const struct conf_value *v, void *object)
{
	int port = -1;

	if (strspn(v->text, "+-0123456789") < strlen(v->text))
		port = value_port_by_name(v->text, NULL);
	if (port < 0 && !isalpha((unsigned char)v->text[0]))
		value_read_number(r, stmt, v, object);
	else if (port < 0)
		conf_report_add(r->report, CONF_ERROR, v->pos,
		    "%s: `%.40s` is neither a number nor a service's name in "
		    "/etc/services",
		    stmt->name, v->text);
	else
		value_store_number(object, stmt, port);
}

static void
value_read_octal(struct value_reader *r, const struct conf_statement *stmt,
    const struct conf_value *v, void *object)
{
	size_t n = strlen(v->text);
	long value;

	if (n == 0 || n > 8 || strspn(v->text, "01234567") != n) {
		conf_report_add(r->report, CONF_ERROR, v->pos,
		    "%s: `%.40s` is not an octal number", stmt->name, v->text);
		return;
	}
	value = strtol(v->text, NULL, 8);
	if (value < stmt->low || value > stmt->high)
		value_report_range(r, stmt, v);
	else
		value_store_number(object, stmt, value);
}

int
value_word_index(
    const char *words, const char *word, char list[VALUE_WORDS_MAX])
{
	int found = -1, index = 0;
	size_t used = 0;

	list[0] = '\0';
	while (*words != '\0') {
		size_t n = strcspn(words, " ");

		if (strlen(word) == n && memcmp(word, words, n) == 0)
			found = index;
		snprintf(list + used, VALUE_WORDS_MAX - used, "%s%.*s",
		    index == 0 ? "" : ", ", (int)n, words);
		used = strlen(list);
		index++;
		words += n;
		words += strspn(words, " ");
	}
	return (found);
}

static void
value_read_word(struct value_reader *r, const struct conf_statement *stmt,
    const struct conf_value *v, void *object)
{
	char list[VALUE_WORDS_MAX];
	int index;

	index = value_word_index(
	    stmt->type == TYPE_BOOL ? "no yes" : stmt->words, v->text, list);
	if (index < 0)
		conf_report_add(r->report, CONF_ERROR, v->pos,
		    "%s: `%.40s` is not one of: %s", stmt->name, v->text, list);
	else if (stmt->type == TYPE_BOOL)
		value_store(object, stmt, &(bool){index == 1});
	else
		value_store_number(object, stmt, index);
}

static void
value_read_text(struct value_reader *r, const struct conf_statement *stmt,
    const struct conf_value *v, void *object)
{
	size_t n = strlen(v->text);
	const char *why = NULL;

	if (n < (size_t)stmt->low)
		why = "may not be empty";
	else if (stmt->type == TYPE_NAME &&
		 !value_is_label(v->text, (size_t)stmt->high))
		why = strchr(v->text, ':') != NULL
			  ? "is not a name: set a group with `group`"
			  : "is not a name of letters, digits and . _ -";
	else if (n > (size_t)stmt->high)
		why = "is too long";
	else if (stmt->type == TYPE_PATH && v->text[0] != '/' &&
		 stmt->below == NULL)
		why = "is not an absolute path";
	else if (stmt->type == TYPE_PATH &&
		 strpbrk(v->text, "\"'\\*?[]\t") != NULL)
		why = "may not contain quotes, backslashes, tabs or wildcards";
	else if (stmt->type == TYPE_COMMAND && v->text[0] != '/')
		why = "does not begin with an absolute path";
	else if (stmt->type == TYPE_COMMAND &&
		 strpbrk(v->text, "\"'\\#\t") != NULL)
		why = "may not contain quotes, backslashes, tabs or #";
	/* A secret is not repeated in a message. */
	if (why != NULL && stmt->secret)
		conf_report_add(r->report, CONF_ERROR, v->pos,
		    "%s: the value %s", stmt->name, why);
	else if (why != NULL)
		conf_report_add(r->report, CONF_ERROR, v->pos, "%s: `%.60s` %s",
		    stmt->name, v->text, why);
	else
		value_store(object, stmt, &v->text);
}

/* LOW-HIGH: room for every role, and none of the uids that mean nobody. */
static void
value_read_uids(struct value_reader *r, const struct conf_statement *stmt,
    const struct conf_value *v, void *object)
{
	const char *dash = strchr(v->text, '-');
	struct conf *conf = object;
	char low_text[16];
	uint64_t low, high;

	if (dash == NULL || (size_t)(dash - v->text) >= sizeof(low_text))
		goto syntax;
	memcpy(low_text, v->text, (size_t)(dash - v->text));
	low_text[dash - v->text] = '\0';
	if (!value_parse_u64(low_text, &low) ||
	    !value_parse_u64(dash + 1, &high))
		goto syntax;
	if (low < (uint64_t)stmt->low || high > (uint64_t)stmt->high ||
	    low > high || high - low < 15)
		conf_report_add(r->report, CONF_ERROR, v->pos,
		    "%s: %.40s is not a range of 16 or more uids in %" PRId64
		    "-%" PRId64,
		    stmt->name, v->text, stmt->low, stmt->high);
	else if (low <= 65535 && high >= 65534)
		conf_report_add(r->report, CONF_ERROR, v->pos,
		    "%s: %.40s contains 65534 or 65535, which mean nobody",
		    stmt->name, v->text);
	else if (conf != NULL) {
		conf->role_uid_low = (uint32_t)low;
		conf->role_uid_high = (uint32_t)high;
	}
	return;
syntax:
	conf_report_add(r->report, CONF_ERROR, v->pos,
	    "%s: `%.40s` is not LOW-HIGH, two uids", stmt->name, v->text);
}

/* The number that ends at `end`, in its range; moves *at behind that. */
static bool
value_early_part(const char **at, char end, uint64_t most, uint32_t *out)
{
	const char *stop = strchr(*at, end);
	char text[8];
	uint64_t n;

	if (stop == NULL || (size_t)(stop - *at) >= sizeof(text))
		return (false);
	memcpy(text, *at, (size_t)(stop - *at));
	text[stop - *at] = '\0';
	*at = stop + 1;
	if (!value_parse_u64(text, &n) || n < 1 || n > most)
		return (false);
	*out = (uint32_t)n;
	return (true);
}

/* As MaxStartups of sshd_config(5), of which people know it. */
static void
value_read_early(struct value_reader *r, const struct conf_statement *stmt,
    const struct conf_value *v, void *object)
{
	struct conf_early e = {.full = 0};
	const char *at = v->text;

	if (!value_early_part(&at, ':', 65535, &e.start) ||
	    !value_early_part(&at, ':', 100, &e.rate) ||
	    !value_early_part(&at, '\0', 65535, &e.full) || e.full < e.start)
		conf_report_add(r->report, CONF_ERROR, v->pos,
		    "%s: `%.40s` is not START:RATE:FULL, such as 30:30:75: "
		    "connections, 1 to 100 in a hundred, and as many "
		    "connections or more",
		    stmt->name, v->text);
	else
		value_store(object, stmt, &e);
}

void
value_read(struct value_reader *r, const struct conf_node *node, void *object)
{
	const struct conf_statement *stmt = node->stmt;

	switch (stmt->type) {
	case TYPE_FLAG:
		value_store(object, stmt, &stmt->value);
		break;
	case TYPE_NUMBER:
		value_read_number(r, stmt, &node->values[0], object);
		break;
	case TYPE_PORT:
		value_read_port(r, stmt, &node->values[0], object);
		break;
	case TYPE_OCTAL:
		value_read_octal(r, stmt, &node->values[0], object);
		break;
	case TYPE_WORD:
	case TYPE_BOOL:
		value_read_word(r, stmt, &node->values[0], object);
		break;
	case TYPE_UIDS:
		value_read_uids(r, stmt, &node->values[0], object);
		break;
	case TYPE_LIST:
		value_read_list(r, node, object);
		break;
	case TYPE_LINES:
		value_read_lines(r, node, object);
		break;
	case TYPE_PREFIXES:
		value_read_prefixes(r, node, object);
		break;
	case TYPE_EARLY:
		value_read_early(r, stmt, &node->values[0], object);
		break;
	case TYPE_ADDRESSES:
		value_read_addresses(r, node, object);
		break;
	case TYPE_EXEC:
		value_read_program(r, node, object);
		break;
	case TYPE_ENV:
		value_read_env(r, node, object);
		break;
	case TYPE_RLIMIT:
		value_read_rlimit(r, node, object);
		break;
	default:
		value_read_text(r, stmt, &node->values[0], object);
		break;
	}
}

void
value_default(
    struct value_reader *r, const struct conf_statement *stmt, void *object)
{
	struct conf_value v = {.text = stmt->dflt};
	struct conf_node node = {.stmt = stmt, .values = &v, .value_count = 1};

	if (stmt->dflt != NULL)
		value_read(r, &node, object);
}

int
value_port_by_name(const char *name, const char *protocol)
{
	const struct servent *s = getservbyname(name, protocol);

	return (s == NULL ? -1 : ntohs((uint16_t)s->s_port));
}

bool
value_is_label(const char *text, size_t max)
{
	size_t n = strlen(text);

	if (n == 0 || n > max || text[0] == '-' || text[0] == '.')
		return (false);
	for (; *text != '\0'; text++) {
		if (!isalnum((unsigned char)*text) &&
		    strchr("._-", *text) == NULL)
			return (false);
	}
	return (true);
}

bool
value_is_address(const char *text)
{
	struct addr a;

	return (addr_parse(&a, text, 0) == 0);
}

bool
value_is_host(const char *text)
{
	size_t label = 0, n = strlen(text);

	if (value_is_address(text))
		return (true);
	if (n == 0 || n > 253 || text[n - 1] == '-' || strchr(text, ':'))
		return (false);
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '.') {
			if (label == 0 || text[i - 1] == '-')
				return (false);
			label = 0;
		} else if (isalnum((unsigned char)text[i]) ||
			   (text[i] == '-' && label > 0)) {
			if (++label > 63)
				return (false);
		} else
			return (false);
	}
	return (true);
}
