/*
 * Every role's sandbox as /proc shows it to others: what sandbox_inspect()
 * says, and that it notices each thing that is amiss.
 */
#include "tests/stage/sealed.h"

#include <sys/prctl.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>

#include "sandbox/caps.h"
#include "sandbox/identity.h"
#include "sandbox/inspect.h"

/* A role that waits to be looked at. */
struct seen {
	pid_t pid;
	int channel;
};

static struct seen
seen_start(enum sandbox_profile id, const struct sandbox_params *params,
    struct sandbox_report *report)
{
	struct seen role;
	int pair[2];

	assert_int_equal(fd_seqpacket_pair(pair), 0);
	role.pid = fork();
	assert_true(role.pid >= 0);
	if (role.pid == 0) {
		close(pair[0]);
		sealed_or_exit(id, params, report);
		(void)send(pair[1], report, sizeof(*report), MSG_NOSIGNAL);
		(void)recv(pair[1], report, 1, 0);
		_exit(0);
	}
	close(pair[1]);
	role.channel = pair[0];
	assert_int_equal(
	    recv(role.channel, report, sizeof(*report), 0), sizeof(*report));
	return (role);
}

static void
seen_end(struct seen *role)
{
	int status;

	fd_close(&role->channel);
	assert_int_equal(waitpid(role->pid, &status, 0), role->pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* root, when nobody of the same uid can look into it. */
static uid_t
proc_owner(pid_t pid)
{
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	return (stat(path, &st) == 0 ? st.st_uid : (uid_t)-1);
}

static void
look_at(enum sandbox_profile id, const struct sandbox_params *params)
{
	struct sandbox_report report;
	struct seen role;
	char why[320] = "";
	bool undumpable;
	int err;

	role = seen_start(id, params, &report);
	err = sandbox_inspect(
	    role.pid, id, params, report.userns, why, sizeof(why));
	undumpable = proc_owner(role.pid) == 0;
	seen_end(&role);
	assert_true(undumpable);
	if (err != 0)
		print_error("%s\n", why);
	assert_int_equal(err, 0);
	assert_string_equal(report.error, "");
	if (!profile_get(id)->sealed)
		return;
	assert_true(report.filtered);
	assert_true(report.landlock_abi >= 2);
	if (params->level != SANDBOX_ROOTLESS) {
		assert_string_equal(report.weaker, "");
		assert_int_equal(report.chrooted, profile_get(id)->empty_root);
	}
}

static void
test_every_profile(void **state)
{
	const gid_t groups[] = {2113929230u, 2113929225u};

	(void)state;
	for (int i = 0; i < SANDBOX_PROFILE_COUNT; i++) {
		enum sandbox_profile id = (enum sandbox_profile)i;
		struct sandbox_params params = sealed_params(id);

		look_at(id, &params);
		if (!sealed_as_root() || !profile_get(id)->sealed)
			continue;
		params.groups = groups;
		params.ngroups = 2;
		look_at(id, &params);
		params.level = SANDBOX_ROOTLESS;
		look_at(id, &params);
	}
}

static void
test_program_starters(void **state)
{
	struct sandbox_params params = sealed_params(SANDBOX_ZYGOTE_EXEC);

	(void)state;
	for (int s = SANDBOX_SESSION_NONE; s <= SANDBOX_SESSION_STRICT; s++) {
		params.session = (enum sandbox_session)s;
		params.program_is_root = false;
		look_at(SANDBOX_ZYGOTE_EXEC, &params);
		look_at(SANDBOX_ZYGOTE_SSH, &params);
		params.program_is_root = true;
		look_at(SANDBOX_ZYGOTE_EXEC, &params);
		params.level = SANDBOX_ROOTLESS;
		look_at(SANDBOX_ZYGOTE_EXEC, &params);
		params = sealed_params(SANDBOX_ZYGOTE_EXEC);
	}
}

/* The line of a file of /proc/PID that begins so, in a static buffer. */
static const char *
proc_line(pid_t pid, const char *file, const char *name)
{
	static char line[256];
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, name, strlen(name)) == 0)
			break;
		line[0] = '\0';
	}
	fclose(f);
	line[strcspn(line, "\n")] = '\0';
	return (line);
}

static const char *
status_line(pid_t pid, const char *name)
{
	return (proc_line(pid, "status", name));
}

/* Not by our own reading of /proc alone: the lines themselves. */
static void
test_plain_lines(void **state)
{
	struct sandbox_params params = sealed_params(SANDBOX_ZYGOTE_FINGER);
	const char *none = "\t0000000000000000",
		   *sets[] = {
		       "CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"};
	struct sandbox_report report;
	struct seen role;
	char own[128], its[128], link[64];
	unsigned long soft = 1, hard = 1;
	ssize_t n;

	(void)state;
	if (!sealed_as_root()) {
		print_message("not applicable: needs root\n");
		skip();
	}
	role = seen_start(SANDBOX_ZYGOTE_FINGER, &params, &report);
	assert_string_equal(status_line(role.pid, "Uid:"),
	    "Uid:\t2113929217\t2113929217\t2113929217\t2113929217");
	assert_string_equal(status_line(role.pid, "Gid:"),
	    "Gid:\t2113929218\t2113929218\t2113929218\t2113929218");
	assert_string_equal(
	    status_line(role.pid, "NoNewPrivs:"), "NoNewPrivs:\t1");
	assert_string_equal(status_line(role.pid, "Seccomp:"), "Seccomp:\t2");
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		assert_string_equal(status_line(role.pid, sets[i]) + 7, none);
	assert_int_equal(sscanf(proc_line(role.pid, "limits", "Max core"),
			     "Max core file size %lu %lu", &soft, &hard),
	    2);
	assert_true(soft == 0 && hard == 0);
	n = readlink("/proc/self/ns/net", own, sizeof(own) - 1);
	assert_true(n > 0);
	own[n] = '\0';
	snprintf(link, sizeof(link), "/proc/%d/ns/net", (int)role.pid);
	n = readlink(link, its, sizeof(its) - 1);
	assert_true(n > 0);
	its[n] = '\0';
	assert_string_not_equal(own, its);
	snprintf(link, sizeof(link), "/proc/%d/root", (int)role.pid);
	n = readlink(link, its, sizeof(its) - 1);
	assert_true(n > 0);
	its[n] = '\0';
	assert_string_equal(its, sealed_root);
	seen_end(&role);
}

/* The word that a refusal must hold when params are not what it was. */
static void
refused(const struct seen *role, const struct sandbox_params *params,
    enum sandbox_profile id, const char *word)
{
	char why[320] = "";

	assert_int_equal(
	    sandbox_inspect(role->pid, id, params, false, why, sizeof(why)),
	    ERR_REFUSED);
	if (strstr(why, word) == NULL)
		print_error("\"%s\" not in: %s\n", word, why);
	assert_non_null(strstr(why, word));
}

static void
test_notices_what_differs(void **state)
{
	struct sandbox_params was = sealed_params(SANDBOX_MASTER), p = was;
	const gid_t group = 5;
	struct sandbox_report report;
	struct seen role;

	(void)state;
	if (!sealed_as_root()) {
		print_message("not applicable: needs root\n");
		skip();
	}
	role = seen_start(SANDBOX_MASTER, &was, &report);
	p.uid++;
	refused(&role, &p, SANDBOX_MASTER, "uid");
	p = was;
	p.gid++;
	refused(&role, &p, SANDBOX_MASTER, "gid");
	p = was;
	p.groups = &group;
	p.ngroups = 1;
	refused(&role, &p, SANDBOX_MASTER, "groups");
	p = was;
	p.root = "/tmp";
	refused(&role, &p, SANDBOX_MASTER, "root");
	refused(&role, &was, SANDBOX_ZYGOTE_SSH, "uid");
	seen_end(&role);
}

/* Half a sandbox, made by hand: each step holds those before it. */
enum half {
	HALF_NOTHING,
	HALF_KEPT,    /* the identity, with capabilities kept over it */
	HALF_UID,     /* the identity */
	HALF_CLOSED,  /* and the way back to capabilities closed */
	HALF_NNP,     /* and NoNewPrivs */
	HALF_THREADS, /* and a filter that allows everything, and a thread */
	HALF_LOOKUP   /* all that lookup has: neither empty root nor network */
};

static void
half_seal(enum half half)
{
	struct sandbox_params params = sealed_params(SANDBOX_LOOKUP);
	struct sandbox_report report;

	params.parent = getppid(); /* the test, and this its role */
	if (half == HALF_NOTHING)
		return;
	if (half == HALF_LOOKUP) {
		sealed_or_exit(SANDBOX_LOOKUP, &params, &report);
		return;
	}
	if (half == HALF_KEPT && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
		_exit(SEALED_FAILED);
	if (half >= HALF_CLOSED && caps_close(false) != 0)
		_exit(SEALED_FAILED);
	if (identity_take(SEALED_UID, SEALED_GID, NULL, 0) != 0)
		_exit(SEALED_FAILED);
	if (half >= HALF_NNP && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		_exit(SEALED_FAILED);
}

static void *
half_thread(void *arg)
{
	pause();
	return (arg);
}

static void
half_add_thread(void)
{
	scmp_filter_ctx ctx;
	pthread_t thread;

	if ((ctx = seccomp_init(SCMP_ACT_ALLOW)) == NULL ||
	    seccomp_load(ctx) != 0 ||
	    pthread_create(&thread, NULL, half_thread, NULL) != 0)
		_exit(SEALED_FAILED);
	seccomp_release(ctx);
}

static void
half_try(enum half half, enum sandbox_profile id, const char *word)
{
	struct sandbox_params p = sealed_params(id);
	struct seen role;
	int pair[2];
	char byte;

	assert_int_equal(fd_seqpacket_pair(pair), 0);
	if ((role.pid = fork()) == 0) {
		close(pair[0]);
		half_seal(half);
		if (half == HALF_THREADS)
			half_add_thread();
		(void)send(pair[1], "x", 1, MSG_NOSIGNAL);
		(void)recv(pair[1], &byte, 1, 0);
		_exit(0);
	}
	close(pair[1]);
	role.channel = pair[0];
	assert_int_equal(recv(pair[0], &byte, 1, 0), 1);
	refused(&role, &p, id, word);
	seen_end(&role);
}

static void
test_notices_halves(void **state)
{
	(void)state;
	if (!sealed_as_root()) {
		print_message("not applicable: needs root\n");
		skip();
	}
	half_try(HALF_NOTHING, SANDBOX_MASTER, "uid 0");
	half_try(HALF_KEPT, SANDBOX_MASTER, "has capabilities");
	half_try(HALF_UID, SANDBOX_MASTER, "bounding set");
	half_try(HALF_CLOSED, SANDBOX_MASTER, "NoNewPrivs");
	half_try(HALF_NNP, SANDBOX_MASTER, "system call filter");
	half_try(HALF_THREADS, SANDBOX_MASTER, "2 threads");
	half_try(HALF_LOOKUP, SANDBOX_AUDIT, "the system's network");
	half_try(HALF_LOOKUP, SANDBOX_CALLER, "root is not the empty one");
}

/* A starter that kept too much, or whose sessions have other than they should.
 */
static void
test_notices_starters(void **state)
{
	struct sandbox_params was = sealed_params(SANDBOX_ZYGOTE_EXEC), p;
	struct sandbox_report report;
	struct seen role;

	(void)state;
	if (!sealed_as_root()) {
		print_message("not applicable: needs root\n");
		skip();
	}
	was.program_is_root = true;
	role = seen_start(SANDBOX_ZYGOTE_EXEC, &was, &report);
	p = was;
	p.program_is_root = false;
	refused(&role, &p, SANDBOX_ZYGOTE_EXEC, "capabilities");
	p = was;
	p.session = SANDBOX_SESSION_NONE;
	refused(&role, &p, SANDBOX_ZYGOTE_EXEC, "filter is 2, not 0");
	seen_end(&role);
	was.session = SANDBOX_SESSION_NONE;
	was.program_is_root = false;
	role = seen_start(SANDBOX_ZYGOTE_EXEC, &was, &report);
	p = was;
	p.session = SANDBOX_SESSION_STRICT;
	refused(&role, &p, SANDBOX_ZYGOTE_EXEC, "filter is 0, not 2");
	p = was;
	p.program_is_root = true;
	refused(&role, &p, SANDBOX_ZYGOTE_EXEC, "capabilities");
	seen_end(&role);
}

static void
test_no_such_process(void **state)
{
	struct sandbox_params p = sealed_params(SANDBOX_MASTER);
	char why[320];

	(void)state;
	assert_int_equal(sandbox_inspect(0x7ffffff0, SANDBOX_MASTER, &p, false,
			     why, sizeof(why)),
	    ERR_NOT_FOUND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_profile),
	    cmocka_unit_test(test_program_starters),
	    cmocka_unit_test(test_plain_lines),
	    cmocka_unit_test(test_notices_what_differs),
	    cmocka_unit_test(test_notices_halves),
	    cmocka_unit_test(test_notices_starters),
	    cmocka_unit_test(test_no_such_process),
	};

	return (cmocka_run_group_tests(tests, sealed_setup, sealed_teardown));
}
