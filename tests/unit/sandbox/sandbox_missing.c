/*
 * A mechanism that is missing, a kernel that refuses, an identity or a root
 * that does not fit: sealing fails with a sentence, and only what a level
 * names may be missing. The kernel's refusals are made by a filter that the
 * child puts on itself before it seals.
 */
#include "tests/stage/sealed.h"

#include <sys/prctl.h>
#include <sys/syscall.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>

/* What sealing said; shared with the child that tried. */
struct attempt {
	int err;
	struct sandbox_report report;
};

/* One call of the kernel that does not do what it should. */
struct lack {
	int call;
	int error; /* 0: it says that it did, and did not */
	int first; /* only with this first argument; -1: always */
};

static void
lack_install(const struct lack *lacks, size_t n)
{
	scmp_filter_ctx ctx;
	bool root = sealed_as_root();

	if (n == 0)
		return;
	if ((ctx = seccomp_init(SCMP_ACT_ALLOW)) == NULL)
		_exit(SEALED_FAILED);
	if (root && seccomp_attr_set(ctx, SCMP_FLTATR_CTL_NNP, 0) != 0)
		_exit(SEALED_FAILED);
	for (size_t i = 0; i < n; i++) {
		uint32_t act = SCMP_ACT_ERRNO((uint16_t)lacks[i].error);
		int rc;

		if (lacks[i].first == -1)
			rc = seccomp_rule_add(ctx, act, lacks[i].call, 0);
		else
			rc = seccomp_rule_add(ctx, act, lacks[i].call, 1,
			    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)lacks[i].first));
		if (rc != 0)
			_exit(SEALED_FAILED);
	}
	if (seccomp_load(ctx) != 0)
		_exit(SEALED_FAILED);
	seccomp_release(ctx);
}

static struct attempt
try_any(enum sandbox_profile id, const struct sandbox_params *params,
    enum sandbox_level level, const struct lack *lacks, size_t n)
{
	struct attempt got;
	int pair[2], status;
	pid_t pid;

	assert_int_equal(fd_seqpacket_pair(pair), 0);
	if ((pid = fork()) == 0) {
		lack_install(lacks, n);
		got.err = params != NULL ? sandbox_seal(id, params, &got.report)
					 : sandbox_try(level, &got.report);
		(void)send(pair[1], &got, sizeof(got), MSG_NOSIGNAL);
		_exit(0);
	}
	close(pair[1]);
	assert_int_equal(recv(pair[0], &got, sizeof(got), 0), sizeof(got));
	close(pair[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return (got);
}

static struct attempt
try_lacking(enum sandbox_profile id, const struct sandbox_params *params,
    const struct lack *lacks, size_t n)
{
	return (try_any(id, params, params->level, lacks, n));
}

/* As portreeved -n asks. */
static struct attempt
try_asking(enum sandbox_level level, const struct lack *lacks, size_t n)
{
	return (try_any(SANDBOX_MASTER, NULL, level, lacks, n));
}

/* It failed so, in a sentence that holds the word. */
static void
failed(const struct attempt *got, int err, const char *word)
{
	const char *said = got->report.error;
	size_t n = strlen(said);

	if (got->err != err || strstr(said, word) == NULL)
		print_error("error %d, wanted %d with \"%s\": %s\n", got->err,
		    err, word, said);
	assert_int_equal(got->err, err);
	assert_non_null(strstr(said, word));
	assert_true(n > 20 && said[n - 1] == '.');
	assert_null(strchr(said, '\n'));
	assert_true(said[0] >= 'A' && said[0] <= 'Z');
}

#define LACKS(...)                                                             \
	(const struct lack[]){__VA_ARGS__},                                    \
	    sizeof((const struct lack[]){__VA_ARGS__}) / sizeof(struct lack)

static const struct lack no_landlock = {
    SCMP_SYS(landlock_create_ruleset), EOPNOTSUPP, -1};
static const struct lack no_unshare = {SCMP_SYS(unshare), EPERM, -1};

static void
test_landlock(void **state)
{
	struct sandbox_params p = sealed_params(SANDBOX_MASTER);
	struct attempt got;

	(void)state;
	got = try_lacking(SANDBOX_MASTER, &p, &no_landlock, 1);
	failed(&got, ERR_UNSUPPORTED, "Landlock");
	if (!sealed_as_root())
		return;
	p.level = SANDBOX_LANDLOCK_OPTIONAL;
	got = try_lacking(SANDBOX_MASTER, &p, &no_landlock, 1);
	assert_int_equal(got.err, 0);
	assert_int_equal(got.report.landlock_abi, 0);
	assert_true(got.report.filtered && got.report.netns);
	assert_string_equal(got.report.weaker, "No Landlock.");
	got = try_lacking(SANDBOX_MASTER, &p, NULL, 0);
	assert_int_equal(got.err, 0);
	assert_true(got.report.landlock_abi >= 2);
	assert_string_equal(got.report.weaker, "");
}

/* A container's filter is not blamed on the kernel, nor the kernel on it. */
static void
test_a_filter_from_outside_is_named(void **state)
{
	static const int answers[] = {EPERM, ENOSYS};
	struct sandbox_params p = sealed_params(SANDBOX_MASTER);
	struct attempt got;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct lack lack = no_landlock;

		lack.error = answers[i];
		got = try_lacking(SANDBOX_MASTER, &p, &lack, 1);
		failed(&got, ERR_UNSUPPORTED, "filter from outside");
		failed(&got, ERR_UNSUPPORTED, strerrorname_np(answers[i]));
		got = try_asking(p.level, &lack, 1);
		failed(&got, ERR_UNSUPPORTED, "filter from outside");
	}
	got = try_asking(p.level, &no_landlock, 1);
	failed(&got, ERR_UNSUPPORTED, "This kernel");
	got = try_asking(SANDBOX_LANDLOCK_OPTIONAL, &no_landlock, 1);
	assert_int_equal(got.err, 0);
	got = try_asking(p.level, NULL, 0);
	assert_int_equal(got.err, 0);
	if (!sealed_as_root())
		return;
	got = try_asking(SANDBOX_FULL, &no_unshare, 1);
	failed(&got, ERR_UNSUPPORTED, "CAP_SYS_ADMIN");
	got = try_asking(SANDBOX_ROOTLESS, &no_unshare, 1);
	assert_int_equal(got.err, 0);
}

static void
test_landlock_refuses(void **state)
{
	struct sandbox_params p = sealed_params(SANDBOX_LOOKUP);
	struct attempt got;

	(void)state;
	got = try_lacking(SANDBOX_LOOKUP, &p,
	    LACKS({SCMP_SYS(landlock_restrict_self), EPERM, -1}));
	failed(&got, ERR_SYSTEM, "Landlock");
	got = try_lacking(SANDBOX_LOOKUP, &p,
	    LACKS({SCMP_SYS(landlock_add_rule), EINVAL, -1}));
	failed(&got, ERR_SYSTEM, "Landlock");
}

static void
test_no_filter(void **state)
{
	struct sandbox_params p = sealed_params(SANDBOX_AUDIT);
	struct attempt got;

	(void)state;
	got = try_lacking(SANDBOX_AUDIT, &p,
	    LACKS({SCMP_SYS(seccomp), ENOSYS, -1},
		{SCMP_SYS(prctl), EINVAL, PR_SET_SECCOMP}));
	failed(&got, ERR_UNSUPPORTED, "filter");
	assert_false(got.report.filtered);
	if (!sealed_as_root())
		return;
	p.level = SANDBOX_LANDLOCK_OPTIONAL; /* loosens nothing else */
	got = try_lacking(SANDBOX_AUDIT, &p,
	    LACKS({SCMP_SYS(seccomp), ENOSYS, -1},
		{SCMP_SYS(prctl), EINVAL, PR_SET_SECCOMP}));
	failed(&got, ERR_UNSUPPORTED, "filter");
	p = sealed_params(SANDBOX_ZYGOTE_SSH);
	got = try_lacking(SANDBOX_ZYGOTE_SSH, &p,
	    LACKS({SCMP_SYS(seccomp), ENOSYS, -1},
		{SCMP_SYS(prctl), EINVAL, PR_SET_SECCOMP}));
	failed(&got, ERR_UNSUPPORTED, "session-sandbox");
}

static void
test_no_new_privs(void **state)
{
	struct sandbox_params p = sealed_params(SANDBOX_AUDIT);
	struct attempt got;

	(void)state;
	got = try_lacking(SANDBOX_AUDIT, &p,
	    LACKS({SCMP_SYS(prctl), EINVAL, PR_SET_NO_NEW_PRIVS}));
	failed(&got, ERR_UNSUPPORTED, "NoNewPrivs");
	if (!sealed_as_root())
		return; /* this test's own filter has set it already */
	got = try_lacking(SANDBOX_AUDIT, &p,
	    LACKS({SCMP_SYS(prctl), 0, PR_SET_NO_NEW_PRIVS}));
	assert_int_not_equal(got.err, 0);
}

static void
needs_root(void)
{
	if (sealed_as_root())
		return;
	print_message("not applicable: needs root\n");
	skip();
}

static void
test_namespace(void **state)
{
	struct sandbox_params p = sealed_params(SANDBOX_MASTER);
	struct attempt got;

	(void)state;
	needs_root();
	got = try_lacking(SANDBOX_MASTER, &p, &no_unshare, 1);
	failed(&got, ERR_UNSUPPORTED, "network");
	p.level = SANDBOX_LANDLOCK_OPTIONAL;
	got = try_lacking(SANDBOX_MASTER, &p, &no_unshare, 1);
	failed(&got, ERR_UNSUPPORTED, "network");
}

static void
test_chroot(void **state)
{
	struct sandbox_params p = sealed_params(SANDBOX_MASTER);
	struct attempt got;

	(void)state;
	needs_root();
	got = try_lacking(
	    SANDBOX_MASTER, &p, LACKS({SCMP_SYS(chroot), EPERM, -1}));
	failed(&got, ERR_SYSTEM, "empty root");
}

/* Calls that fail, and calls that only say that they succeeded. */
static void
test_identity(void **state)
{
	const gid_t group = 2113929220u;
	struct sandbox_params p = sealed_params(SANDBOX_LOGREADER);
	const int calls[] = {
	    SCMP_SYS(setresuid), SCMP_SYS(setresgid), SCMP_SYS(setgroups)};
	struct attempt got;

	(void)state;
	needs_root();
	p.groups = &group;
	p.ngroups = 1;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		got = try_lacking(
		    SANDBOX_LOGREADER, &p, LACKS({calls[i], EPERM, -1}));
		failed(&got, ERR_SYSTEM, "privileges");
		got = try_lacking(
		    SANDBOX_LOGREADER, &p, LACKS({calls[i], 0, -1}));
		failed(&got, ERR_SYSTEM, "privileges");
	}
}

static void
test_capabilities(void **state)
{
	struct sandbox_params p = sealed_params(SANDBOX_LOGREADER);
	struct attempt got;

	(void)state;
	needs_root();
	got = try_lacking(SANDBOX_LOGREADER, &p,
	    LACKS({SCMP_SYS(prctl), EPERM, PR_CAPBSET_DROP}));
	failed(&got, ERR_SYSTEM, "privileges");
	got = try_lacking(SANDBOX_LOGREADER, &p,
	    LACKS({SCMP_SYS(prctl), EPERM, PR_SET_SECUREBITS}));
	failed(&got, ERR_SYSTEM, "privileges");
	got = try_lacking(
	    SANDBOX_LOGREADER, &p, LACKS({SCMP_SYS(capset), EPERM, -1}));
	failed(&got, ERR_SYSTEM, "privileges");
	p = sealed_params(SANDBOX_ZYGOTE_EXEC);
	got = try_lacking(
	    SANDBOX_ZYGOTE_EXEC, &p, LACKS({SCMP_SYS(capset), EPERM, -1}));
	failed(&got, ERR_SYSTEM, "privileges");
}

static void
test_parameters(void **state)
{
	const gid_t root_group = 0;
	const struct sandbox_params good = sealed_params(SANDBOX_MASTER);
	struct sandbox_params bad[6];
	struct attempt got;

	(void)state;
	needs_root();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		bad[i] = good;
	bad[0].uid = 0;
	bad[1].gid = 0;
	bad[2].uid = (uid_t)-1;
	bad[3].groups = &root_group;
	bad[3].ngroups = 1;
	bad[4].root = NULL;
	bad[5].ngroups = 1;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		got = try_lacking(SANDBOX_MASTER, &bad[i], NULL, 0);
		failed(&got, ERR_VALUE, "");
	}
	got = try_lacking(SANDBOX_PROFILE_COUNT, &good, NULL, 0);
	failed(&got, ERR_VALUE, "profile");
	bad[0] = good;
	bad[0].level = (enum sandbox_level)7;
	got = try_lacking(SANDBOX_MASTER, &bad[0], NULL, 0);
	failed(&got, ERR_VALUE, "range");
}

/* A root that is not empty, or not for long, or not there. */
static void
test_bad_roots(void **state)
{
	struct sandbox_params p = sealed_params(SANDBOX_MASTER);
	char file[96], link[96];
	struct attempt got;
	int fd;

	(void)state;
	needs_root();
	snprintf(file, sizeof(file), "%s/file", sealed_root);
	fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	got = try_lacking(SANDBOX_MASTER, &p, NULL, 0);
	unlink(file);
	failed(&got, ERR_VALUE, "not empty");
	assert_int_equal(chmod(sealed_root, 0575), 0);
	got = try_lacking(SANDBOX_MASTER, &p, NULL, 0);
	failed(&got, ERR_VALUE, "written by others");
	assert_int_equal(chmod(sealed_root, 0555), 0);
	assert_int_equal(chown(sealed_root, SEALED_UID, 0), 0);
	got = try_lacking(SANDBOX_MASTER, &p, NULL, 0);
	failed(&got, ERR_VALUE, "written by others");
	assert_int_equal(chown(sealed_root, 0, 0), 0);
	snprintf(link, sizeof(link), "%s-link", sealed_root);
	assert_int_equal(symlink(sealed_root, link), 0);
	p.root = link;
	got = try_lacking(SANDBOX_MASTER, &p, NULL, 0);
	unlink(link);
	failed(&got, ERR_SYSTEM, "empty root");
	p.root = "/nonexistent/empty";
	got = try_lacking(SANDBOX_MASTER, &p, NULL, 0);
	failed(&got, ERR_SYSTEM, "empty root");
}

static void *
thread_wait(void *arg)
{
	char byte;

	return (read(*(int *)arg, &byte, 1) < 0 ? arg : NULL);
}

/* A filter holds for one thread: a second one would go without. */
static void
test_second_thread(void **state)
{
	struct sandbox_params p = sealed_params(SANDBOX_MASTER);
	struct sandbox_report report;
	int pair[2], status;
	pthread_t thread;
	pid_t pid;

	(void)state;
	assert_int_equal(fd_seqpacket_pair(pair), 0);
	if ((pid = fork()) == 0) {
		if (pthread_create(&thread, NULL, thread_wait, &pair[0]) != 0)
			_exit(SEALED_FAILED);
		_exit(sandbox_seal(SANDBOX_MASTER, &p, &report) ==
				  ERR_UNSUPPORTED &&
			      strstr(report.error, "thread") != NULL
			  ? 0
			  : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(pair[0]);
	close(pair[1]);
}

/* Without root, full is refused, and rootless says what it lets go. */
static void
test_ordinary_user(void **state)
{
	struct sandbox_params p = sealed_params(SANDBOX_MASTER);
	struct attempt got;

	(void)state;
	if (sealed_as_root()) {
		print_message("not applicable: needs an ordinary user\n");
		skip();
	}
	p.level = SANDBOX_FULL;
	got = try_lacking(SANDBOX_MASTER, &p, NULL, 0);
	failed(&got, ERR_UNSUPPORTED, "as root");
	p.level = SANDBOX_LANDLOCK_OPTIONAL;
	got = try_lacking(SANDBOX_MASTER, &p, NULL, 0);
	failed(&got, ERR_UNSUPPORTED, "as root");
	p.level = SANDBOX_ROOTLESS;
	got = try_lacking(SANDBOX_MASTER, &p, &no_unshare, 1);
	assert_int_equal(got.err, 0);
	assert_non_null(strstr(got.report.weaker, "user namespace"));
	assert_true(got.report.filtered && got.report.landlock_abi >= 2);
	assert_false(got.report.userns || got.report.chrooted);
}

/* A container's root, who may do less: the identity is given up all the same.
 */
static void
test_rootless_root(void **state)
{
	struct sandbox_params p = sealed_params(SANDBOX_MASTER);
	struct attempt got;

	(void)state;
	needs_root();
	p.level = SANDBOX_ROOTLESS;
	got = try_lacking(SANDBOX_MASTER, &p, NULL, 0);
	assert_int_equal(got.err, 0);
	assert_string_equal(got.report.weaker, "");
	assert_true(got.report.netns && got.report.chrooted);
	got = try_lacking(SANDBOX_MASTER, &p,
	    LACKS(
		{SCMP_SYS(unshare), EPERM, -1}, {SCMP_SYS(chroot), EPERM, -1}));
	assert_int_equal(got.err, 0);
	assert_non_null(strstr(got.report.weaker, "No empty network"));
	assert_non_null(strstr(got.report.weaker, "No empty root"));
	assert_true(got.report.filtered);
	got = try_lacking(
	    SANDBOX_MASTER, &p, LACKS({SCMP_SYS(setresuid), EPERM, -1}));
	failed(&got, ERR_SYSTEM, "privileges");
	p.uid = 0;
	got = try_lacking(SANDBOX_MASTER, &p, NULL, 0);
	failed(&got, ERR_VALUE, "uid of its own");
	p = sealed_params(SANDBOX_ZYGOTE_SSH);
	p.level = SANDBOX_ROOTLESS;
	got = try_lacking(SANDBOX_ZYGOTE_SSH, &p,
	    LACKS({SCMP_SYS(seccomp), ENOSYS, -1},
		{SCMP_SYS(prctl), EINVAL, PR_SET_SECCOMP}));
	assert_int_equal(got.err, 0);
	assert_non_null(strstr(got.report.weaker, "session-sandbox"));
}

/* A user namespace that cannot be set up whole is no sandbox. */
static void
test_broken_user_namespace(void **state)
{
	struct sandbox_params p = sealed_params(SANDBOX_MASTER);
	struct attempt got;

	(void)state;
	if (sealed_as_root()) {
		print_message("not applicable: needs an ordinary user\n");
		skip();
	}
	got = try_lacking(SANDBOX_MASTER, &p, NULL, 0);
	assert_int_equal(got.err, 0);
	if (!got.report.userns) {
		print_message("not applicable: no user namespaces here\n");
		skip();
	}
	assert_true(got.report.chrooted && got.report.netns);
	got = try_lacking(
	    SANDBOX_MASTER, &p, LACKS({SCMP_SYS(chroot), EPERM, -1}));
	failed(&got, ERR_SYSTEM, "empty root");
	got = try_lacking(SANDBOX_MASTER, &p, LACKS({SCMP_SYS(capset), 0, -1}));
	failed(&got, ERR_UNSUPPORTED, "privileges");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_landlock),
	    cmocka_unit_test(test_a_filter_from_outside_is_named),
	    cmocka_unit_test(test_landlock_refuses),
	    cmocka_unit_test(test_no_filter),
	    cmocka_unit_test(test_no_new_privs),
	    cmocka_unit_test(test_namespace),
	    cmocka_unit_test(test_chroot),
	    cmocka_unit_test(test_identity),
	    cmocka_unit_test(test_capabilities),
	    cmocka_unit_test(test_parameters),
	    cmocka_unit_test(test_bad_roots),
	    cmocka_unit_test(test_second_thread),
	    cmocka_unit_test(test_ordinary_user),
	    cmocka_unit_test(test_rootless_root),
	    cmocka_unit_test(test_broken_user_namespace),
	};

	return (cmocka_run_group_tests(tests, sealed_setup, sealed_teardown));
}
