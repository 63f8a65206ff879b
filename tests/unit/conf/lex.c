/* The lexer: tokens, their places, comments, strings, and what is no token. */
#include "tests/stage/conf.h"

#include "conf/lex.h"
#include "conf/schema.h"

struct lexed {
	struct arena arena;
	struct conf_report report;
	struct lexer lexer;
};

static void
start(struct lexed *l, const char *text, size_t n)
{
	memset(l, 0, sizeof(*l));
	lex_start(&l->lexer, text, n, &l->arena, &l->report);
}

static void
stop(struct lexed *l)
{
	arena_free(&l->arena);
	conf_report_clear(&l->report);
}

static void
expect(struct lexed *l, enum token_type type, unsigned line, unsigned col,
    const char *text)
{
	struct token t = lex_next(&l->lexer);

	assert_int_equal(t.type, type);
	assert_int_equal(t.pos.line, line);
	assert_int_equal(t.pos.col, col);
	if (text != NULL)
		assert_string_equal(t.text, text);
}

static void
test_places(void **state)
{
	static const char text[] = "a b;\n\tc{ }\r\n [d]\n";
	struct lexed l;

	(void)state;
	start(&l, text, strlen(text));
	expect(&l, TOKEN_WORD, 1, 1, "a");
	expect(&l, TOKEN_WORD, 1, 3, "b");
	expect(&l, TOKEN_SEMICOLON, 1, 4, NULL);
	expect(&l, TOKEN_WORD, 2, 2, "c");
	expect(&l, TOKEN_OPEN, 2, 3, NULL);
	expect(&l, TOKEN_CLOSE, 2, 5, NULL);
	expect(&l, TOKEN_LIST, 3, 2, NULL);
	expect(&l, TOKEN_WORD, 3, 3, "d");
	expect(&l, TOKEN_LIST_END, 3, 4, NULL);
	expect(&l, TOKEN_END, 4, 1, NULL);
	expect(&l, TOKEN_END, 4, 1, NULL);
	assert_int_equal(l.report.count, 0);
	stop(&l);
}

static void
test_first_on_line(void **state)
{
	static const char text[] = "a b\n/* x\n */ c d # e\nf";
	static const bool first[] = {true, false, true, false, true};
	struct lexed l;

	(void)state;
	start(&l, text, strlen(text));
	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		assert_int_equal(lex_next(&l.lexer).first, first[i]);
	stop(&l);
}

static void
test_comments(void **state)
{
	/* A mark within a word is the word's: nothing is cut in silence. */
	static const char text[] =
	    "# all\na#b /* c*; */d/*e */ f;#g\n/**/ \"# /* h\"";
	struct lexed l;

	(void)state;
	start(&l, text, strlen(text));
	expect(&l, TOKEN_WORD, 2, 1, "a#b");
	expect(&l, TOKEN_WORD, 2, 14, "d/*e");
	expect(&l, TOKEN_WORD, 2, 19, "*/");
	expect(&l, TOKEN_WORD, 2, 22, "f");
	expect(&l, TOKEN_SEMICOLON, 2, 23, NULL);
	expect(&l, TOKEN_STRING, 3, 6, "# /* h");
	expect(&l, TOKEN_END, 3, 14, NULL);
	stop(&l);
}

static void
test_open_comment(void **state)
{
	struct lexed l;

	(void)state;
	start(&l, "a\n /* b", 7);
	expect(&l, TOKEN_WORD, 1, 1, "a");
	assert_int_equal(lex_next(&l.lexer).type, TOKEN_END);
	assert_int_equal(l.report.errors, 1);
	assert_int_equal(l.report.diags[0].pos.line, 2);
	assert_int_equal(l.report.diags[0].pos.col, 2);
	stop(&l);
}

static void
test_strings(void **state)
{
	static const char text[] =
	    "\"\" \"a b\" \"q\\\"\\\\\" \"{};[]\" \"\xc3\xa9\tx\"";
	struct lexed l;

	(void)state;
	start(&l, text, strlen(text));
	expect(&l, TOKEN_STRING, 1, 1, "");
	expect(&l, TOKEN_STRING, 1, 4, "a b");
	expect(&l, TOKEN_STRING, 1, 10, "q\"\\");
	expect(&l, TOKEN_STRING, 1, 18, "{};[]");
	expect(&l, TOKEN_STRING, 1, 26, "\xc3\xa9\tx");
	expect(&l, TOKEN_END, 1, 32, NULL);
	assert_int_equal(l.report.count, 0);
	stop(&l);
}

/* Each is told once, and the next line is read. */
static void
test_bad_strings(void **state)
{
	static const struct {
		const char *text;
		unsigned col; /* of the message */
	} bad[] = {
	    {"  \"open\nnext", 3},
	    {"\"open\r\nnext", 1},
	    {"\"a\\n\"\nnext", 3},
	    {"\"a\\\nnext", 3},
	    {"\"a\x01z\"\nnext", 3},
	    {"\"a\x7fz\"\nnext", 3},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct lexed l;

		start(&l, bad[i].text, strlen(bad[i].text));
		assert_int_equal(lex_next(&l.lexer).type, TOKEN_BAD);
		expect(&l, TOKEN_WORD, 2, 1, "next");
		assert_int_equal(l.report.count, 1);
		assert_int_equal(l.report.diags[0].pos.line, 1);
		assert_int_equal(l.report.diags[0].pos.col, bad[i].col);
		stop(&l);
	}
}

static void
test_stray_bytes(void **state)
{
	static const char text[] = "a \xff\xfe\x01 b \0 c";
	struct lexed l;

	(void)state;
	start(&l, text, sizeof(text) - 1);
	expect(&l, TOKEN_WORD, 1, 1, "a");
	expect(&l, TOKEN_BAD, 1, 3, NULL);
	expect(&l, TOKEN_WORD, 1, 7, "b");
	expect(&l, TOKEN_BAD, 1, 9, NULL);
	expect(&l, TOKEN_WORD, 1, 11, "c");
	assert_int_equal(l.report.errors, 2);
	stop(&l);
}

static void
test_byte_order_mark(void **state)
{
	struct lexed l;

	(void)state;
	start(&l, "\xef\xbb\xbfsystem", 9);
	expect(&l, TOKEN_WORD, 1, 1, "system");
	stop(&l);
}

/* The longest word and string pass, one byte more does not. */
static void
test_lengths(void **state)
{
	char text[CONF_VALUE_MAX + 2];
	struct lexed l;

	(void)state;
	for (size_t n = CONF_VALUE_MAX - 1; n <= CONF_VALUE_MAX; n++) {
		enum token_type word =
		    n < CONF_VALUE_MAX ? TOKEN_WORD : TOKEN_BAD;

		memset(text, 'x', sizeof(text));
		start(&l, text, n);
		assert_int_equal(lex_next(&l.lexer).type, word);
		assert_int_equal(lex_next(&l.lexer).type, TOKEN_END);
		stop(&l);
		text[0] = text[n + 1] = '"';
		start(&l, text, n + 2);
		assert_int_equal(lex_next(&l.lexer).type,
		    word == TOKEN_WORD ? TOKEN_STRING : TOKEN_BAD);
		assert_int_equal(lex_next(&l.lexer).type, TOKEN_END);
		stop(&l);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_places),
	    cmocka_unit_test(test_first_on_line),
	    cmocka_unit_test(test_comments),
	    cmocka_unit_test(test_open_comment),
	    cmocka_unit_test(test_strings),
	    cmocka_unit_test(test_bad_strings),
	    cmocka_unit_test(test_stray_bytes),
	    cmocka_unit_test(test_byte_order_mark),
	    cmocka_unit_test(test_lengths),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
