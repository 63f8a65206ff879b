/*
 * The table of profiles itself: names that this machine's libseccomp knows,
 * rows that mean what they seem to mean, and what no profile may ever hold.
 */
#include "tests/stage/sealed.h"

#include <seccomp.h>

static const struct profile_rule *rules;
static size_t rules_count;

static int
rules_load(void **state)
{
	(void)state;
	rules = profile_rules(&rules_count);
	return (rules_count > 100 ? 0 : -1);
}

static void
test_names_and_reasons(void **state)
{
	const struct profile_session_rule *session;
	size_t n;

	(void)state;
	for (size_t i = 0; i < rules_count; i++) {
		assert_int_not_equal(
		    seccomp_syscall_resolve_name(rules[i].call),
		    __NR_SCMP_ERROR);
		assert_true(strlen(rules[i].reason) > 4);
		assert_true(rules[i].profiles != 0);
	}
	session = profile_session_rules(&n);
	assert_true(n > 10);
	for (size_t i = 0; i < n; i++) {
		assert_int_not_equal(
		    seccomp_syscall_resolve_name(session[i].call),
		    __NR_SCMP_ERROR);
		assert_true(strlen(session[i].reason) > 4);
	}
}

/* libseccomp takes one comparison an argument, and six arguments there are. */
static void
test_conditions(void **state)
{
	(void)state;
	for (size_t i = 0; i < rules_count; i++) {
		const struct profile_condition *c = rules[i].conditions;
		unsigned seen = 0, n = 0;

		for (; c[n].compare != COMPARE_NONE; n++) {
			assert_true(n < PROFILE_CONDITIONS_MAX);
			assert_true(c[n].argument < 6);
			assert_true((seen >> c[n].argument & 1) == 0);
			seen |= 1u << c[n].argument;
			if (c[n].compare == COMPARE_BITS) /* else never true */
				assert_true((c[n].value & ~c[n].mask) == 0);
		}
		assert_int_equal(n == 0, strcmp(rules[i].when, "ALWAYS") == 0);
	}
}

/* A row without conditions swallows the others of its call. */
static void
test_no_row_is_swallowed(void **state)
{
	(void)state;
	for (size_t i = 0; i < rules_count; i++) {
		for (size_t j = 0; j < rules_count; j++) {
			uint32_t both = rules[i].profiles & rules[j].profiles;

			/* lookup's sendto is wider than everybody's */
			both &= ~(UINT32_C(1) << SANDBOX_LOOKUP);
			if (i == j || both == 0 ||
			    strcmp(rules[i].call, rules[j].call) != 0 ||
			    rules[i].conditions[0].compare != COMPARE_NONE)
				continue;
			print_error(
			    "%s: one row swallows another\n", rules[i].call);
			fail();
		}
	}
}

/* Programs and sessions keep their rights: no row speaks of their zygotes. */
static void
test_starters_have_no_rows(void **state)
{
	const uint32_t starters = UINT32_C(1) << SANDBOX_ZYGOTE_SSH |
				  UINT32_C(1) << SANDBOX_ZYGOTE_EXEC;

	(void)state;
	assert_false(profile_get(SANDBOX_ZYGOTE_SSH)->sealed);
	assert_false(profile_get(SANDBOX_ZYGOTE_EXEC)->sealed);
	for (size_t i = 0; i < rules_count; i++)
		assert_int_equal(rules[i].profiles & starters, 0);
}

/* sshd would go without its own sandbox, and not say so. */
static void
test_sessions_may_sandbox(void **state)
{
	const struct profile_session_rule *session;
	size_t n;

	(void)state;
	session = profile_session_rules(&n);
	for (size_t i = 0; i < n; i++) {
		assert_string_not_equal(session[i].call, "prctl");
		assert_string_not_equal(session[i].call, "seccomp");
		assert_string_not_equal(session[i].call, "mount");
		assert_int_not_equal(session[i].from, SANDBOX_SESSION_NONE);
	}
}

/* What the workers' page says, of every sealed profile or of most. */
static void
test_never_allowed(void **state)
{
	static const char *const never[] = {"kill", "tkill", "tgkill", "ptrace",
	    "process_vm_readv", "process_vm_writev", "pidfd_getfd", "listen",
	    "accept", "execve", "execveat", "clone3", "unshare", "setns",
	    "mount", "chroot", "setresuid", "seccomp", "bpf", "io_uring_setup",
	    "reboot"};

	(void)state;
	for (size_t i = 0; i < rules_count; i++) {
		if (rules[i].action == PROFILE_REFUSE)
			continue;
		for (size_t j = 0; j < sizeof(never) / sizeof(never[0]); j++)
			assert_string_not_equal(rules[i].call, never[j]);
	}
}

/*
 * Beyond what its zygote needs to hear orders, to fork and to wait for whom it
 * forked, a telnet worker has fewer than 25 system calls.
 */
static void
test_telnet_is_narrow(void **state)
{
	static const char *const zygote[] = {"exit", "exit_group",
	    "restart_syscall", "rt_sigreturn", "rt_sigprocmask", "recvmsg",
	    "sendmsg", "close", "poll", "ppoll", "fcntl", "socketpair", "clone",
	    "set_robust_list", "rseq", "waitid"};
	const uint32_t telnet = UINT32_C(1) << SANDBOX_ZYGOTE_TELNET;
	size_t calls = 0, i, j;

	(void)state;
	for (i = 0; i < rules_count; i++) {
		if ((rules[i].profiles & telnet) == 0 || rules[i].sanitizer)
			continue;
		/* Each once, however many rows it has. */
		for (j = 0; j < i; j++) {
			if ((rules[j].profiles & telnet) != 0 &&
			    strcmp(rules[i].call, rules[j].call) == 0)
				break;
		}
		if (j < i)
			continue;
		for (j = 0; j < sizeof(zygote) / sizeof(zygote[0]); j++) {
			if (strcmp(rules[i].call, zygote[j]) == 0)
				break;
		}
		calls += j == sizeof(zygote) / sizeof(zygote[0]);
	}
	assert_in_range(calls, 5, 24);
}

static void
test_profiles(void **state)
{
	(void)state;
	assert_null(profile_get(SANDBOX_PROFILE_COUNT));
	assert_string_equal(sandbox_profile_name(SANDBOX_PROFILE_COUNT), "?");
	for (unsigned i = 0; i < SANDBOX_PROFILE_COUNT; i++) {
		const struct profile *p = profile_get((enum sandbox_profile)i);

		assert_true(strlen(p->identity) > 0);
		assert_true(
		    p->sealed || (!p->empty_root && p->files == FILES_NONE));
	}
	assert_int_equal(
	    sandbox_profile_for(ROLE_MASTER, SERVICE_COUNT), SANDBOX_MASTER);
	assert_int_equal(
	    sandbox_profile_for(ROLE_AUDIT, SERVICE_COUNT), SANDBOX_AUDIT);
	assert_int_equal(
	    sandbox_profile_for(ROLE_LOOKUP, SERVICE_COUNT), SANDBOX_LOOKUP);
	assert_int_equal(sandbox_profile_for(ROLE_LOGREADER, SERVICE_SSH),
	    SANDBOX_LOGREADER);
	assert_int_equal(
	    sandbox_profile_for(ROLE_CALLER, SERVICE_COUNT), SANDBOX_CALLER);
	assert_int_equal(
	    sandbox_profile_for(ROLE_PLANNER, SERVICE_COUNT), SANDBOX_PLANNER);
	assert_int_equal(
	    sandbox_profile_for(ROLE_ENDER, SERVICE_COUNT), SANDBOX_ENDER);
	assert_int_equal(
	    sandbox_profile_for(ROLE_TACPLUS, SERVICE_COUNT), SANDBOX_TACPLUS);
	assert_int_equal(
	    sandbox_profile_for(ROLE_KEYS, SERVICE_COUNT), SANDBOX_KEYS);
	assert_int_equal(sandbox_profile_for(ROLE_ZYGOTE, SERVICE_FINGER),
	    SANDBOX_ZYGOTE_FINGER);
	assert_int_equal(sandbox_profile_for(ROLE_ZYGOTE, SERVICE_TELNET),
	    SANDBOX_ZYGOTE_TELNET);
	assert_int_equal(
	    sandbox_profile_for(ROLE_ZYGOTE, SERVICE_FTP), SANDBOX_ZYGOTE_FTP);
	assert_int_equal(sandbox_profile_for(ROLE_ZYGOTE, SERVICE_NETCONF),
	    SANDBOX_ZYGOTE_SSH);
	assert_int_equal(sandbox_profile_for(ROLE_ZYGOTE, SERVICE_EXEC),
	    SANDBOX_ZYGOTE_EXEC);
	assert_int_equal(
	    sandbox_profile_for(ROLE_LOGIN, SERVICE_SSH), ERR_NOT_FOUND);
	assert_int_equal(
	    sandbox_profile_for(ROLE_ZYGOTE, SERVICE_COUNT), ERR_NOT_FOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names_and_reasons),
	    cmocka_unit_test(test_conditions),
	    cmocka_unit_test(test_no_row_is_swallowed),
	    cmocka_unit_test(test_starters_have_no_rows),
	    cmocka_unit_test(test_sessions_may_sandbox),
	    cmocka_unit_test(test_never_allowed),
	    cmocka_unit_test(test_telnet_is_narrow),
	    cmocka_unit_test(test_profiles),
	};

	return (cmocka_run_group_tests(tests, rules_load, NULL));
}
