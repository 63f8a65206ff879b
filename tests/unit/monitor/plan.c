/*
 * What a planner that was taken over may send: each message out of order, of
 * another service's, too often, or against what it said before. Whatever is
 * wrong with one, no plan comes of it, and no descriptor stays.
 */
#include "monitor/plan.c" /* NOLINT(bugprone-suspicious-include): its statics */

#include <sys/mman.h>

#include "tests/stage/stage.h"

#define SCRIPT_MAX 32
#define PORT 2000

struct said {
	enum msg_type type;
	union msg_any msg;
};

/* A plan, message by message, that a test changes before it is sent. */
static struct said script[SCRIPT_MAX];
static unsigned steps;
static bool text_is_sealed;
static enum plan_what asked_for;
static const char *asked_service;

enum place {
	AT_PLAN,
	AT_FINGER,
	AT_FINGER_ADDRESS,
	AT_FINGER_PROTECTION,
	AT_TELNET,
	AT_TELNET_ADDRESS,
	AT_TELNET_PROTECTION,
	AT_TELNET_OPTIONS,
	AT_SSH,
	AT_SSH_ADDRESS,
	AT_SSH_PROTECTION,
	AT_ECHO,
	AT_ECHO_ADDRESS,
	AT_ECHO_PROTECTION,
	AT_ECHO_PROGRAM,
	AT_DONE,
	STEPS
};

/* --- the script ------------------------------------------------------------
 */

static void
service(enum place at, enum service_kind kind, const char *name)
{
	struct msg_plan_service *m = &script[at].msg.plan_service;

	script[at].type = MSG_PLAN_SERVICE;
	m->kind = (uint8_t)kind;
	m->port = PORT;
	snprintf(m->name, sizeof(m->name), "%s", name);
	script[at + 1].type = MSG_PLAN_ADDRESS;
	script[at + 1].msg.plan_address.address =
	    (struct addr){.family = FAMILY_INET, .port = PORT};
	script[at + 2].type = MSG_PROTECTION;
}

static void
bytes(uint8_t *b, uint16_t *n, const char *text, size_t len)
{
	memcpy(b, text, len);
	*n = (uint16_t)len;
}

#define BYTES(field, text) bytes((field).b, &(field).n, text, sizeof(text) - 1)

static int
begin(void **state)
{
	struct msg_program *p = &script[AT_ECHO_PROGRAM].msg.program;

	(void)state;
	memset(script, 0, sizeof(script));
	text_is_sealed = true;
	asked_for = PLAN_RELOAD;
	asked_service = "";
	steps = STEPS;
	script[AT_PLAN].type = MSG_PLAN;
	script[AT_PLAN].msg.plan.services = 4;
	script[AT_PLAN].msg.plan.role_uid_low = 60000;
	script[AT_PLAN].msg.plan.role_uid_high = 61000;
	service(AT_FINGER, SERVICE_FINGER, "finger");
	service(AT_TELNET, SERVICE_TELNET, "telnet");
	script[AT_TELNET_OPTIONS].type = MSG_LOGIN_OPTIONS;
	service(AT_SSH, SERVICE_SSH, "ssh");
	snprintf(script[AT_SSH].msg.plan_service.sshd,
	    sizeof(script[AT_SSH].msg.plan_service.sshd), "/usr/sbin/sshd");
	service(AT_ECHO, SERVICE_EXEC, "echo");
	script[AT_ECHO_PROGRAM].type = MSG_PROGRAM;
	p->uid = p->gid = UINT32_MAX;
	snprintf(p->path, sizeof(p->path), "/bin/cat");
	BYTES(p->argv, "cat\0-u\0");
	BYTES(p->environment, "HOME=/\0");
	script[AT_DONE].type = MSG_PLAN_DONE;
	return (0);
}

static void
leave_out(enum place at)
{
	steps--;
	memmove(&script[at], &script[at + 1],
	    (steps - (unsigned)at) * sizeof(script[0]));
}

/* The same message twice. */
static void
repeat(enum place at)
{
	memmove(&script[at + 1], &script[at],
	    (steps - (unsigned)at) * sizeof(script[0]));
	steps++;
}

static int
text_memory(void)
{
	int fd = memfd_create("text", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	if (text_is_sealed)
		assert_int_equal(fcntl(fd, F_ADD_SEALS,
				     F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW |
					 F_SEAL_WRITE),
		    0);
	return (fd);
}

static bool
take(struct plan *plan, const struct said *s, const char **why)
{
	static struct ipc_in in;
	bool taken;

	memset(&in, 0, sizeof(in));
	in.type = s->type;
	in.msg = s->msg;
	if (s->type == MSG_PLAN) {
		while (in.nfds < PLAN_TEXTS)
			in.fds[in.nfds++] = text_memory();
	}
	taken = plan_take(plan, asked_for, asked_service, &in, why);
	ipc_in_close(&in);
	return (taken);
}

/* Sends the script; NULL and a whole plan, or why its last was refused. */
static const char *
run(void)
{
	struct plan *plan = plan_new();
	int before = stage_count_fds(getpid());
	const char *why = NULL;

	assert_non_null(plan);
	for (unsigned i = 0; i < steps && why == NULL; i++) {
		assert_false(plan->whole);
		if (!take(plan, &script[i], &why))
			assert_non_null(why);
	}
	assert_int_equal(plan->whole, why == NULL);
	plan_free(plan);
	assert_int_equal(stage_count_fds(getpid()), before);
	return (why);
}

static void
refused(const char *why)
{
	const char *said = run();

	assert_non_null(said);
	assert_string_equal(said, why);
	begin(NULL);
}

/* --- tests
 * --------------------------------------------------------------------- */

static void
test_whole(void **state)
{
	(void)state;
	assert_null(run());
	asked_for = PLAN_CHECK;
	assert_null(run());
	asked_for = PLAN_START;
	snprintf(script[AT_ECHO].msg.plan_service.waiting, 32, "no program");
	leave_out(AT_ECHO_PROGRAM);
	assert_null(run());
	/* No services are a plan too. */
	script[AT_PLAN].msg.plan.services = 0;
	script[1] = script[steps - 1];
	steps = 2;
	assert_null(run());
}

static void
test_order(void **state)
{
	(void)state;
	leave_out(AT_PLAN);
	refused("a service more than were said");
	leave_out(AT_FINGER);
	refused("an address of no service");
	script[AT_FINGER] = script[AT_ECHO_PROGRAM];
	refused("a program of no service");
	script[AT_FINGER] = script[AT_TELNET_OPTIONS];
	refused("options of no service");
	script[AT_PLAN] = script[AT_DONE];
	refused("a plan that is not whole");
	script[AT_TELNET].type = MSG_READY;
	refused("no message of a planner's");
}

static void
test_twice(void **state)
{
	(void)state;
	repeat(AT_PLAN);
	refused("a second PLAN");
	script[AT_TELNET] = script[AT_FINGER];
	refused("a service's name that is another's");
	repeat(AT_TELNET_OPTIONS);
	refused("options of no service");
	repeat(AT_ECHO_PROGRAM);
	refused("a program of no service");
	for (unsigned i = 0; i < PLAN_ADDRESSES_MAX; i++)
		repeat(AT_FINGER_ADDRESS);
	refused("an address of no service");
}

static void
test_numbers(void **state)
{
	(void)state;
	script[AT_PLAN].msg.plan.services = 5;
	refused("a plan that is not whole");
	script[AT_PLAN].msg.plan.services = 3;
	refused("a service more than were said");
	script[AT_PLAN].msg.plan.role_uid_low = 61001;
	refused("a PLAN that contradicts itself");
	script[AT_DONE].msg.plan_done.errors = 1;
	refused("a plan that is not whole");
	script[AT_DONE].msg.plan_done.refused = 1;
	refused("no error of a refusal");
}

static void
test_roles(void **state)
{
	struct said role = {.type = MSG_PLAN_ROLE};

	(void)state;
	role.msg.plan_role.role = UID_AUDIT;
	role.msg.plan_role.uid = role.msg.plan_role.gid = 60001;
	repeat(AT_FINGER);
	script[AT_FINGER] = role;
	assert_null(run());
	repeat(AT_FINGER);
	refused("a role twice, or in the wrong place");
	script[AT_TELNET] = role;
	refused("a role twice, or in the wrong place");
	script[AT_PLAN] = role;
	refused("a role twice, or in the wrong place");
}

static void
test_texts_that_may_change(void **state)
{
	(void)state;
	text_is_sealed = false;
	refused("a text that is not sealed");
}

static void
name_is(enum place at, const char *name)
{
	snprintf(script[at].msg.plan_service.name,
	    sizeof(script[at].msg.plan_service.name), "%s", name);
	refused("a service's name that is another's");
}

static void
test_names(void **state)
{
	(void)state;
	name_is(AT_FINGER, "telnet");
	name_is(AT_FINGER, "");
	name_is(AT_ECHO, "ssh");
	name_is(AT_ECHO, "../etc");
	name_is(AT_ECHO, "a/b");
	name_is(AT_ECHO, "-x");
	name_is(AT_ECHO, "");
	snprintf(script[AT_TELNET].msg.plan_service.pam_service, 16, "../x");
	refused("a PAM service's name that is none");
}

static void
test_waiting(void **state)
{
	(void)state;
	snprintf(script[AT_ECHO].msg.plan_service.waiting, 16, "no user");
	refused("a service that waits");
	asked_for = PLAN_START;
	snprintf(script[AT_ECHO].msg.plan_service.waiting, 16, "no\nuser");
	refused("a service that waits");
}

static void
test_another_service_than_asked_for(void **state)
{
	(void)state;
	asked_for = PLAN_RETRY;
	asked_service = "telnet";
	refused("a PLAN that contradicts itself");
	asked_for = PLAN_RETRY;
	asked_service = "telnet";
	script[AT_PLAN].msg.plan.services = 1;
	refused("a service that was not asked for");
}

static void
test_what_a_service_is_made_of(void **state)
{
	(void)state;
	leave_out(AT_FINGER_ADDRESS);
	refused("a service without an address");
	leave_out(AT_TELNET_OPTIONS);
	refused("a service with another's options");
	repeat(AT_SSH_ADDRESS);
	script[AT_SSH_ADDRESS + 1] = script[AT_TELNET_OPTIONS];
	refused("a service with another's options");
	leave_out(AT_ECHO_PROGRAM);
	refused("a service with another's program");
	snprintf(script[AT_SSH].msg.plan_service.sshd, 16, "/tmp/sshd");
	refused("a program that is not the system's sshd");
	snprintf(script[AT_FINGER].msg.plan_service.sshd, 16, "/usr/sbin/sshd");
	refused("a program that is not the system's sshd");
	script[AT_FINGER_ADDRESS].msg.plan_address.address.port = PORT + 1;
	refused("an address of no service");
	script[AT_FINGER_ADDRESS].msg.plan_address.address.family =
	    FAMILY_COUNT;
	refused("an address of no service");
}

static struct msg_program *
program(void)
{
	return (&script[AT_ECHO_PROGRAM].msg.program);
}

/* Each service has its own, once, of networks that are some. */
static void
test_protection(void **state)
{
	(void)state;
	leave_out(AT_TELNET_PROTECTION);
	refused("a service without protection");
	repeat(AT_TELNET_PROTECTION);
	refused("protection of no service");
	script[AT_SSH_PROTECTION].msg.protection.deny.n = PREFIX_WIRE;
	script[AT_SSH_PROTECTION].msg.protection.deny.b[1] = 33;
	refused("a network that is none");
	script[AT_SSH_PROTECTION].msg.protection.exempt.n = PREFIX_WIRE - 1;
	refused("a network that is none");
	script[AT_FINGER] = script[AT_FINGER_PROTECTION];
	refused("protection of no service");
}

static void
test_programs(void **state)
{
	static const char why[] = "a program that contradicts itself";

	(void)state;
	snprintf(program()->path, 16, "bin/cat");
	refused(why);
	program()->argv.n = 0;
	refused(why);
	program()->argv.n--;
	refused(why);
	program()->environment.n = 0;
	refused(why);
	BYTES(program()->environment, "=x\0");
	refused(why);
	BYTES(program()->environment, "HOME\0");
	refused(why);
	program()->uid = 0; /* and nobody said which groups */
	refused(why);
	program()->groups.n = 4; /* of the daemon's own user */
	refused(why);
	program()->groups.n = 3;
	refused(why);
	program()->rlimits.n = 1;
	refused(why);
	program()->datagram = 1;
	refused(why);
	program()->wait = 1;
	refused(why);
}

static void
test_notes(void **state)
{
	const struct said note = {.type = MSG_PLAN_NOTE};
	struct plan *plan = plan_new();
	const char *why = NULL;

	(void)state;
	for (unsigned i = 0; i < PLAN_NOTES_MAX; i++)
		assert_true(take(plan, &note, &why));
	assert_false(take(plan, &note, &why));
	assert_string_equal(why, "too many notes");
	plan_free(plan);
	script[AT_PLAN] = note;
	snprintf(script[AT_PLAN].msg.plan_note.text, 8, "\033[2J");
	refused("a note that cannot be printed");
	script[AT_PLAN] = note;
	snprintf(script[AT_PLAN].msg.plan_note.file, 8, "a\nb");
	refused("a note that cannot be printed");
	/* An error, and all the same a plan. */
	repeat(AT_PLAN);
	script[AT_PLAN] = note;
	script[AT_PLAN].msg.plan_note.error = 1;
	refused("a plan that is not whole");
	/* And as a planner refuses. */
	script[AT_PLAN] = note;
	script[AT_PLAN].msg.plan_note.error = 1;
	script[1] = script[AT_DONE];
	script[1].msg.plan_done.refused = 1;
	script[1].msg.plan_done.errors = 1;
	steps = 2;
	assert_null(run());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_whole, begin),
	    cmocka_unit_test_setup(test_order, begin),
	    cmocka_unit_test_setup(test_twice, begin),
	    cmocka_unit_test_setup(test_numbers, begin),
	    cmocka_unit_test_setup(test_roles, begin),
	    cmocka_unit_test_setup(test_texts_that_may_change, begin),
	    cmocka_unit_test_setup(test_names, begin),
	    cmocka_unit_test_setup(test_waiting, begin),
	    cmocka_unit_test_setup(test_another_service_than_asked_for, begin),
	    cmocka_unit_test_setup(test_what_a_service_is_made_of, begin),
	    cmocka_unit_test_setup(test_protection, begin),
	    cmocka_unit_test_setup(test_protection, begin),
	    cmocka_unit_test_setup(test_programs, begin),
	    cmocka_unit_test_setup(test_notes, begin),
	};

	return (cmocka_run_group_tests_name("monitor/plan", tests, NULL, NULL));
}
