/*
 * Lookup's pieces as lines (RFC 1288, 2.5.4 and 3.2). In the finger worker,
 * without privilege. Pure apart from the time zone, which the zygote has read
 * before it was sealed. Every text goes through safe.c.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "workers/finger/answer.h"

#define SECOND_COLUMN 40
#define SPARE 128 /* bytes kept free for the last words */

void
answer_init(
    struct answer *a, uint8_t *buf, size_t size, bool list, bool verbose)
{
	memset(a, 0, sizeof(*a));
	safe_init(&a->out, buf, size > SPARE ? size - SPARE : 0);
	a->verbose = verbose;
	if (list)
		a->form = verbose ? ANSWER_LIST : ANSWER_TABLE;
}

/* "Mon 2026-11-23 07:56 (UTC)", or nothing for what is no time. */
static void
answer_put_time(struct answer *a, uint64_t seconds)
{
	char text[64];
	time_t t = (time_t)seconds;
	struct tm tm;

	if (seconds > INT32_MAX * 2ull || localtime_r(&t, &tm) == NULL ||
	    strftime(text, sizeof(text), "%a %Y-%m-%d %H:%M (%Z)", &tm) == 0) {
		safe_constant(&a->out, "?");
		return;
	}
	safe_field(&a->out, text, strlen(text));
}

/* "3d", "2:05" or "7" minutes, as w(1) has it. */
static void
answer_put_idle(struct answer *a, uint64_t seconds)
{
	uint64_t minutes = seconds / 60, days = minutes / 24 / 60;
	char text[32];

	if (days > 0)
		snprintf(text, sizeof(text), "%llud", (unsigned long long)days);
	else if (minutes >= 60)
		snprintf(text, sizeof(text), "%u:%02u",
		    (unsigned)(minutes / 60), (unsigned)(minutes % 60));
	else
		snprintf(text, sizeof(text), "%u", (unsigned)minutes);
	safe_constant(&a->out, text);
}

static void
answer_keep_cell(struct answer_text *t, const void *text, size_t n)
{
	t->n = (uint8_t)(n > sizeof(t->b) ? sizeof(t->b) : n);
	memcpy(t->b, text, t->n);
}

static void
answer_put_cell(struct answer *a, const struct answer_text *t, size_t column)
{
	struct answer_text cell = *t;

	/* A column's width in bytes is one in characters or more. */
	if (cell.n > 20)
		cell.n = 20;
	safe_field(&a->out, cell.b, cell.n);
	safe_pad(&a->out, column);
}

static void
answer_put_table_row(struct answer *a)
{
	answer_put_cell(a, &a->login, 17);
	answer_put_cell(a, &a->name, 38);
	answer_put_cell(a, &a->tty, 47);
	if (a->idle >= 60)
		answer_put_idle(a, a->idle);
	safe_pad(&a->out, 53);
	if (a->since != 0)
		answer_put_time(a, a->since);
	if (a->host.n > 0) {
		safe_constant(&a->out, " ");
		safe_field(&a->out, a->host.b, a->host.n);
	}
	safe_newline(&a->out);
}

static void
answer_put_login_line(struct answer *a)
{
	safe_constant(&a->out, "On");
	if (a->since != 0) {
		safe_constant(&a->out, " since ");
		answer_put_time(a, a->since);
		safe_constant(&a->out, " on");
	}
	safe_constant(&a->out, " ");
	safe_field(&a->out, a->tty.b, a->tty.n);
	if (a->host.n > 0) {
		safe_constant(&a->out, " from ");
		safe_field(&a->out, a->host.b, a->host.n);
	}
	if (a->idle >= 60) {
		safe_constant(&a->out, ", idle ");
		answer_put_idle(a, a->idle);
	}
	safe_newline(&a->out);
}

/* The login that was gathered is complete. */
static void
answer_end_row(struct answer *a)
{
	if (a->form == ANSWER_TABLE)
		answer_put_table_row(a);
	else
		answer_put_login_line(a);
	a->tty.n = a->host.n = 0;
	a->since = a->idle = 0;
}

/* The one way from a place to the next: what was open is ended. */
static void
answer_go(struct answer *a, enum answer_place next)
{
	if (a->place == ANSWER_IN_LINE)
		safe_newline(&a->out);
	else if (a->place == ANSWER_IN_ROW)
		answer_end_row(a);
	else if (a->place == ANSWER_IN_FILE)
		safe_file_end(&a->out);
	a->place = next;
}

/* A label and its text, two to a line. */
static void
answer_put_pair(
    struct answer *a, const char *label, const void *text, size_t n, bool right)
{
	if (right && a->place == ANSWER_IN_LINE)
		safe_pad(&a->out, SECOND_COLUMN);
	else
		answer_go(a, ANSWER_IN_LINE);
	safe_constant(&a->out, label);
	safe_field(&a->out, text, n);
	if (right)
		answer_go(a, ANSWER_AT_LINE);
}

static void
answer_put_file(
    struct answer *a, enum lookup_piece piece, const void *text, size_t n)
{
	if (piece == PIECE_PUBKEY && !a->verbose)
		return;
	if (a->place != ANSWER_IN_FILE || a->file != piece) {
		answer_go(a, ANSWER_IN_FILE);
		safe_constant(&a->out, piece == PIECE_PLAN	? "Plan:"
				       : piece == PIECE_PROJECT ? "Project:"
								: "PGP key:");
		safe_newline(&a->out);
		a->file = piece;
	}
	if (piece == PIECE_PLAN)
		a->had_plan = true;
	safe_file(&a->out, text, n);
}

static void
answer_put_dated(struct answer *a, const char *label, uint64_t number)
{
	answer_go(a, ANSWER_AT_LINE);
	safe_constant(&a->out, label);
	answer_put_time(a, number);
	safe_newline(&a->out);
}

static void
answer_begin_user(struct answer *a, const void *text, size_t n)
{
	answer_go(a, ANSWER_AT_LINE);
	answer_keep_cell(&a->login, text, n);
	a->name.n = 0;
	if (a->form == ANSWER_TABLE) {
		if (!a->any)
			safe_constant(&a->out,
			    "Login            Name                 "
			    "Tty      Idle  When\r\n");
		/* The header's own line end is no column. */
		a->out.column = 0;
		return;
	}
	if (a->any)
		safe_newline(&a->out);
	answer_put_pair(a, "Login: ", text, n, false);
}

static void
answer_begin_login(struct answer *a, const void *text, size_t n)
{
	answer_go(a, ANSWER_IN_ROW);
	answer_keep_cell(&a->tty, text, n);
}

/* What belongs to a person, not to a login; the table has only the name. */
static void
answer_put_person(struct answer *a, unsigned piece, const void *text, size_t n)
{
	if (piece == PIECE_NAME)
		answer_keep_cell(&a->name, text, n);
	if (a->form == ANSWER_TABLE)
		return;
	if (a->place == ANSWER_IN_ROW)
		answer_go(a, ANSWER_AT_LINE);
	if (piece == PIECE_NAME)
		answer_put_pair(a, "Name: ", text, n, true);
	else if (piece == PIECE_HOME)
		answer_put_pair(a, "Directory: ", text, n, false);
	else if (piece == PIECE_SHELL)
		answer_put_pair(a, "Shell: ", text, n, true);
	else if (!a->verbose)
		return;
	else if (piece == PIECE_OFFICE)
		answer_put_pair(a, "Office: ", text, n, false);
	else if (piece == PIECE_OFFICE_PHONE)
		answer_put_pair(a, "Office Phone: ", text, n, true);
	else
		answer_put_pair(a, "Home Phone: ", text, n, false);
}

void
answer_piece(struct answer *a, unsigned piece, uint64_t number,
    const void *text, size_t n)
{
	if (a->place == ANSWER_IN_FILE && piece != a->file)
		answer_go(a, ANSWER_AT_LINE);
	switch (piece) {
	case PIECE_LOGIN:
		answer_begin_user(a, text, n);
		break;
	case PIECE_NAME:
	case PIECE_OFFICE:
	case PIECE_OFFICE_PHONE:
	case PIECE_HOME_PHONE:
	case PIECE_HOME:
	case PIECE_SHELL:
		answer_put_person(a, piece, text, n);
		break;
	case PIECE_TTY:
		answer_begin_login(a, text, n);
		break;
	case PIECE_HOST:
		answer_keep_cell(&a->host, text, n);
		break;
	case PIECE_SINCE:
		a->since = number;
		break;
	case PIECE_IDLE:
		a->idle = number;
		break;
	case PIECE_LAST_LOGIN:
		answer_put_dated(a, "Last login ", number);
		break;
	case PIECE_MAIL:
		answer_put_dated(a, "New mail since ", number);
		break;
	case PIECE_PLAN:
	case PIECE_PROJECT:
	case PIECE_PUBKEY:
		answer_put_file(a, (enum lookup_piece)piece, text, n);
		break;
	default:
		return;
	}
	a->any = true;
}

size_t
answer_end(struct answer *a)
{
	answer_go(a, ANSWER_AT_LINE);
	if (a->out.n == 0)
		safe_constant(&a->out, a->form != ANSWER_USER
					   ? "No one is logged in.\r\n"
					   : FINGER_SAYS_NOBODY);
	else if (a->form == ANSWER_USER && !a->had_plan)
		safe_constant(&a->out, "No plan.\r\n");
	if (a->out.cut) {
		a->out.size += SPARE;
		a->out.cut = false;
		safe_constant(&a->out, "\r\n(The rest is left out.)\r\n");
	}
	return (a->out.n);
}
