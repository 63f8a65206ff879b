/*
 * Every file of attack bytes below tests/hostile/telnet, sent by a client as
 * its first words, whole and in pieces: NAME.expected says all that comes of
 * it. A name that begins with `urgent` is sent with TCP's urgent flag. Run
 * from the top; with NAME as its argument it prints what NAME brings.
 */
#include "tests/stage/telnet.h"

#include <dirent.h>

#define FOLDER "tests/hostile/telnet/"
#define MAX 65536

struct text {
	size_t n;
	char s[MAX * 4];
};

static void
add(struct text *t, const char *s)
{
	size_t n = strlen(s);

	assert_true(n < sizeof(t->s) - t->n);
	memcpy(t->s + t->n, s, n + 1);
	t->n += n;
}

static void
add_bytes(struct text *t, const uint8_t *p, size_t n)
{
	char one[8];

	for (size_t i = 0; i < n; i++) {
		bool plain = p[i] >= 0x20 && p[i] < 0x7f && p[i] != '\\';

		snprintf(one, sizeof(one), plain ? "%c" : "\\x%02x", p[i]);
		add(t, one);
	}
}

/* What the client is told, one command or run of text on each line. */
static void
add_answers(struct text *t, const uint8_t *p, size_t n)
{
	static const char *const verbs[] = {"will", "wont", "do", "dont"};
	struct telnet_parser parser;
	struct telnet_event ev;
	char line[64];
	size_t at = 0;

	telnet_parser_init(&parser);
	telnet_parser_set_binary(&parser, true);
	while (at < n) {
		at += telnet_parser_next(&parser, p + at, n - at, &ev);
		snprintf(line, sizeof(line), "answer ");
		if (ev.kind == TELNET_EVENT_REQUEST)
			snprintf(line, sizeof(line), "answer %s %u",
			    verbs[ev.command - TELNET_CMD_WILL], ev.option);
		else if (ev.kind == TELNET_EVENT_COMMAND)
			snprintf(line, sizeof(line), "answer %u", ev.command);
		else if (ev.kind == TELNET_EVENT_SUB)
			snprintf(
			    line, sizeof(line), "answer sub %u ", ev.option);
		add(t, line);
		if (ev.kind == TELNET_EVENT_SUB || ev.kind == TELNET_EVENT_DATA)
			add_bytes(t, ev.bytes, ev.n);
		add(t, "\n");
	}
	assert_int_equal(parser.state, TELNET_PS_DATA);
}

struct outcome {
	struct text actions, answers, all;
	uint8_t data[MAX], said[MAX * 8];
	size_t data_n, said_n;
};

static void
flush_data(struct outcome *o)
{
	if (o->data_n > 0) {
		add(&o->actions, "data ");
		add_bytes(&o->actions, o->data, o->data_n);
		add(&o->actions, "\n");
	}
	o->data_n = 0;
}

static void
take(struct outcome *o, struct telnet *t)
{
	o->said_n += harness_take(
	    t, o->said + o->said_n, sizeof(o->said) - o->said_n, NULL);
}

static void
act(struct outcome *o, const struct telnet_input *got)
{
	static const char *const keys[] = {"key interrupt\n", "key quit\n",
	    "key erase\n", "key kill\n", "key eof\n", "key suspend\n"};

	if (got->action == TELNET_DATA) {
		assert_true(got->n <= sizeof(o->data) - o->data_n);
		memcpy(o->data + o->data_n, got->data, got->n);
		o->data_n += got->n;
		return;
	}
	if (got->action == TELNET_MORE || got->action == TELNET_FULL)
		return;
	flush_data(o);
	if (got->action == TELNET_KEY)
		add(&o->actions, keys[got->key]);
	if (got->action == TELNET_FLUSHED)
		add(&o->actions, "flushed\n");
	if (got->action == TELNET_LOGOUT)
		add(&o->actions, "logout\n");
}

static void
add_peer(struct text *t, const struct telnet *telnet)
{
	uint16_t columns, rows;
	char line[160];

	if (telnet_window(telnet, &columns, &rows)) {
		snprintf(line, sizeof(line), "window %u %u\n", columns, rows);
		add(t, line);
	}
	for (size_t i = 0; telnet_terminal(telnet, i) != NULL; i++) {
		snprintf(line, sizeof(line), "terminal %s\n",
		    telnet_terminal(telnet, i));
		add(t, line);
	}
	for (size_t i = 0; telnet_variable(telnet, i) != NULL; i++) {
		const struct telnet_variable *v = telnet_variable(telnet, i);

		snprintf(
		    line, sizeof(line), "variable %s %s\n", v->name, v->value);
		add(t, line);
	}
}

/* The bytes in pieces of `step`; o->all is what came of them. */
static void
play(struct outcome *o, const uint8_t *in, size_t n, size_t step, bool urgent)
{
	static uint8_t queue[TELNET_QUEUE_MIN], copy[MAX];
	struct telnet t;
	struct telnet_input got;

	assert_int_equal(telnet_init(&t, queue, sizeof(queue)), 0);
	take(o, &t);
	o->actions.n = o->answers.n = o->all.n = 0;
	o->data_n = o->said_n = 0;
	if (urgent)
		telnet_urgent(&t);
	memcpy(copy, in, n);
	for (size_t at = 0; at < n; at += step) {
		size_t piece = n - at < step ? n - at : step, used = 0;

		do {
			used += telnet_receive(
			    &t, copy + at + used, piece - used, &got);
			act(o, &got);
			if (got.action == TELNET_FULL)
				take(o, &t);
		} while (got.action != TELNET_MORE);
		assert_int_equal(used, piece);
	}
	flush_data(o);
	take(o, &t);
	add_answers(&o->answers, o->said, o->said_n);
	if (o->actions.n > 0)
		add(&o->all, o->actions.s);
	if (o->answers.n > 0)
		add(&o->all, o->answers.s);
	add_peer(&o->all, &t);
	if (t.parser.state != TELNET_PS_DATA)
		add(&o->all, "unfinished\n");
	if (o->all.n == 0)
		add(&o->all, "nothing\n");
}

static size_t
read_file(const char *name, const char *end, uint8_t *out, size_t size)
{
	char path[300];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), FOLDER "%s%s", name, end);
	f = fopen(path, "r");
	if (f == NULL)
		fail_msg("%s is missing", path);
	n = fread(out, 1, size, f);
	assert_true(n < size);
	fclose(f);
	return (n);
}

static void
check_file(const char *name)
{
	static const size_t steps[] = {MAX, 1, 2, 3, 7, 64, 513};
	static struct outcome o;
	static uint8_t in[MAX];
	static char expected[sizeof(o.all.s)];
	size_t n = read_file(name, "", in, sizeof(in)), expected_n;
	bool urgent = strncmp(name, "urgent", 6) == 0;

	expected_n =
	    read_file(name, ".expected", (uint8_t *)expected, sizeof(expected));
	expected[expected_n] = '\0';
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		play(&o, in, n, steps[i], urgent);
		if (strcmp(o.all.s, expected) != 0)
			fail_msg("%s in pieces of %zu:\n%.2000s", name,
			    steps[i], o.all.s);
	}
}

static void
test_every_file(void **state)
{
	DIR *d = opendir(FOLDER);
	struct dirent *entry;
	int files = 0;

	(void)state;
	assert_non_null(d);
	while ((entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.' ||
		    strstr(entry->d_name, ".expected") != NULL)
			continue;
		check_file(entry->d_name);
		files++;
	}
	closedir(d);
	assert_true(files > 30);
}

static int
print_outcome(const char *name)
{
	static struct outcome o;
	static uint8_t in[MAX];
	size_t n = read_file(name, "", in, sizeof(in));

	play(&o, in, n, MAX, strncmp(name, "urgent", 6) == 0);
	return (fputs(o.all.s, stdout) < 0);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_file),
	};

	if (argc > 1)
		return (print_outcome(argv[1]));
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
