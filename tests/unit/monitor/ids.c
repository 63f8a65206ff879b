/*
 * The uids that a planner which was taken over may send: another's, a role's,
 * nobody's, one that no lock holds, or one that another name once had.
 */
#include "monitor/ids.c" /* NOLINT(bugprone-suspicious-include): its statics */

#include "lib/account.h"
#include "tests/stage/stage.h"

#define LOW 60000u
#define HIGH 60099u
#define FREE (HIGH - 1)

static struct monitor mon;
static struct plan plan;
static struct plan_service services[3];
static struct msg_program own = {.uid = UINT32_MAX, .gid = UINT32_MAX};
static struct msg_program users = {.uid = 1000, .gid = 1000};

/* What a planner of ours sends at a start: numbers for all. */
static int
begin(void **state)
{
	uint32_t next = LOW;

	(void)state;
	memset(&mon, 0, sizeof(mon));
	memset(&plan, 0, sizeof(plan));
	memset(services, 0, sizeof(services));
	ids_given_count = ids_first = 0;
	ids_lock_count = 0;
	for (uint32_t n = LOW; n <= HIGH; n += IDS_LOCK_NUMBERS)
		ids_locks[ids_lock_count++] = n - n % IDS_LOCK_NUMBERS;
	ids_locks[ids_lock_count++] = HIGH - HIGH % IDS_LOCK_NUMBERS;
	plan.is.role_uid_low = LOW;
	plan.is.role_uid_high = HIGH;
	for (int i = 0; i < UID_COUNT; i++) {
		if (account_of_role((enum role_uid)i) == NULL)
			continue;
		plan.roles[i].uid = plan.roles[i].gid = next++;
	}
	plan.services = services;
	plan.service_count = 3;
	services[0].program = &users;
	services[1].program = &own;
	services[1].is.own_uid = FREE;
	services[2].program = &own;
	services[2].is.own_uid = FREE - 1;
	for (int i = 0; i < 3; i++)
		snprintf(services[i].is.name, sizeof(services[i].is.name),
		    "service-%d", i);
	return (0);
}

static void
refused(const char *why)
{
	const char *judged = ids_judge(&mon, &plan, true);

	if (judged == NULL)
		fail_msg("taken in spite of %s", why);
	else
		assert_string_equal(judged, why);
	begin(NULL);
}

static void
test_whole(void **state)
{
	(void)state;
	assert_null(ids_judge(&mon, &plan, true));
	/* Accounts, wherever they lie. */
	plan.roles[UID_MASTER] =
	    (struct plan_role){.uid = 990, .gid = 991, .account = true};
	assert_null(ids_judge(&mon, &plan, true));
	ids_take(&mon, &plan);
	assert_int_equal(mon.ids[UID_MASTER].uid, 990);
	assert_int_equal(mon.ids[UID_MASTER].gid, 991);
	assert_int_equal(mon.ids[UID_AUDIT].uid, LOW + 1);
	assert_int_equal(ids_block(), LOW + 1);
	/* A reload brings none of a role, and the same of services. */
	memset(plan.roles, 0, sizeof(plan.roles));
	assert_null(ids_judge(&mon, &plan, false));
	/* One that waits has no program, and no uid. */
	services[1].program = NULL;
	services[1].is.own_uid = 0;
	assert_null(ids_judge(&mon, &plan, false));
}

static void
test_an_ordinary_users(void **state)
{
	(void)state;
	mon.rootless = true;
	refused("a role's uid after the start");
	mon.rootless = true;
	memset(plan.roles, 0, sizeof(plan.roles));
	refused("a service without a uid, or with one that is not to have it");
	mon.rootless = true;
	memset(plan.roles, 0, sizeof(plan.roles));
	services[1].is.own_uid = services[2].is.own_uid = 0;
	assert_null(ids_judge(&mon, &plan, true));
}

static void
test_roles(void **state)
{
	static const char range[] = "a role's uid that is not of role-uids";
	struct plan_role *r = &plan.roles[UID_LOOKUP];

	(void)state;
	assert_non_null(ids_judge(&mon, &plan, false));
	r->uid = 0;
	refused("a role without a uid, or one that has none");
	r->uid = r->gid = LOW - 1;
	refused(range);
	r->uid = r->gid = HIGH + 1;
	refused(range);
	r->gid = 0;
	refused("a role with nobody's uid or root's group");
	r->uid = r->gid = 65534;
	r->account = true;
	refused("a role with nobody's uid or root's group");
	r->gid++;
	refused(range);
	ids_lock_count = 0;
	refused(range);
	*r = plan.roles[UID_MASTER];
	refused("two roles with one uid");
	/* An account that is another role's too. */
	r->uid = plan.roles[UID_AUDIT].uid;
	r->account = true;
	refused("two roles with one uid");
}

static void
test_services(void **state)
{
	static const char range[] = "a service's uid that is not of role-uids";
	uint32_t *id = &services[2].is.own_uid;

	(void)state;
	*id = 0;
	refused("a service without a uid, or with one that is not to have it");
	services[0].is.own_uid = HIGH;
	refused("a service without a uid, or with one that is not to have it");
	*id = 1000;
	refused(range);
	*id = HIGH + 1;
	refused(range);
	ids_locks[ids_lock_count - 1] = ids_locks[ids_lock_count - 2] = LOW;
	ids_locks[ids_lock_count - 3] = LOW;
	refused("a service's uid that is not of role-uids");
	*id = plan.roles[UID_AUDIT].uid;
	refused("a service's uid that is a role's");
	*id = services[1].is.own_uid;
	refused("a service's uid that is another's");
}

static void
test_a_role_of_the_start(void **state)
{
	(void)state;
	ids_take(&mon, &plan);
	memset(plan.roles, 0, sizeof(plan.roles));
	services[2].is.own_uid = mon.ids[UID_ENDER].uid;
	assert_string_equal(
	    ids_judge(&mon, &plan, false), "a service's uid that is a role's");
}

static void
test_never_given_to_another_name(void **state)
{
	(void)state;
	ids_take(&mon, &plan);
	memset(plan.roles, 0, sizeof(plan.roles));
	/* The one that had it is gone meanwhile. */
	plan.service_count = 2;
	snprintf(services[1].is.name, sizeof(services[1].is.name), "another");
	assert_string_equal(
	    ids_judge(&mon, &plan, false), "a service's uid that is another's");
	services[1].is.own_uid = FREE - 2;
	assert_null(ids_judge(&mon, &plan, false));
	ids_given_count = IDS_GIVEN_MAX - 1;
	assert_string_equal(ids_judge(&mon, &plan, false),
	    "more services than uids can be remembered for");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_whole, begin),
	    cmocka_unit_test_setup(test_an_ordinary_users, begin),
	    cmocka_unit_test_setup(test_roles, begin),
	    cmocka_unit_test_setup(test_services, begin),
	    cmocka_unit_test_setup(test_a_role_of_the_start, begin),
	    cmocka_unit_test_setup(test_never_given_to_another_name, begin),
	};

	return (cmocka_run_group_tests_name("monitor/ids", tests, NULL, NULL));
}
