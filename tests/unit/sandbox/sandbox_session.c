/*
 * What descends from the zygotes of ssh and exec has what it would have on
 * this host without us: setuid programs, mounts, 32-bit programs, filters of
 * its own; only the calls that session-sandbox names are refused.
 */
#include "tests/stage/sealed.h"

#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sched.h>
#include <seccomp.h>

#include "sandbox/user.h"

#define NEED(x)                                                                \
	do {                                                                   \
		if (!(x))                                                      \
			return (__LINE__ % 98 + 1);                            \
	} while (0)

static int
needs_root(void **state)
{
	(void)state;
	if (sealed_as_root())
		return (0);
	print_message("not applicable: needs root\n");
	return (1);
}

static void
check(struct outcome out)
{
	if (out.signal != 0 || out.status != 0)
		print_error("signal %d, status %d\n", out.signal, out.status);
	assert_int_equal(out.signal, 0);
	assert_int_equal(out.status, 0);
}

static struct sandbox_params
with(enum sandbox_profile id, enum sandbox_session session, bool program_root)
{
	struct sandbox_params p = sealed_params(id);

	p.session = session;
	p.program_is_root = program_root;
	return (p);
}

/* A file system of our own at the empty directory; it goes with the process. */
static int
own_mount(void)
{
	NEED(unshare(CLONE_NEWNS) == 0);
	NEED(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	NEED(mount("tmpfs", sealed_root, "tmpfs", 0, "mode=0755") == 0);
	return (0);
}

/* A program's exit status; -1 when a signal ended it. */
static int
run_as(uid_t uid, const char *path, const char *command)
{
	int status;
	pid_t pid;

	if ((pid = fork()) == 0) {
		if (sandbox_become_user(uid, SEALED_GID, NULL, 0) != 0)
			_exit(97);
		if (command != NULL)
			execl(path, path, "-pc", command, (char *)NULL);
		else
			execl(path, path, (char *)NULL);
		_exit(errno == ENOEXEC ? 95 : 96);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return (-1);
	return (WEXITSTATUS(status));
}

static int
copy_file(const char *from, const char *to, mode_t mode)
{
	char buf[65536];
	ssize_t n;
	int in, out;

	NEED((in = open(from, O_RDONLY | O_CLOEXEC)) >= 0);
	NEED((out = open(to, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) >= 0);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		NEED(write(out, buf, (size_t)n) == n);
	NEED(n == 0 && fchmod(out, mode) == 0);
	close(in);
	close(out);
	return (0);
}

/* What sudo does: from a user's process to root, and a mount. */
static int
act_setuid_program(const void *arg)
{
	char path[96], command[256];
	int rc;

	(void)arg;
	if ((rc = own_mount()) != 0)
		return (rc);
	snprintf(path, sizeof(path), "%s/shell", sealed_root);
	if ((rc = copy_file("/bin/sh", path, 04755)) != 0)
		return (rc);
	NEED(run_as(SEALED_UID, path, "test $(id -u) = 0") == 0);
	snprintf(command, sizeof(command),
	    "mkdir %s/m && mount -t tmpfs x "
	    "%s/m && umount %s/m",
	    sealed_root, sealed_root, sealed_root);
	/* mount(8) asks for the real uid, and setpriv makes it root's. */
	snprintf(path, sizeof(path), "%s/setpriv", sealed_root);
	if ((rc = copy_file("/usr/bin/setpriv", path, 04755)) != 0)
		return (rc);
	if ((rc = fork()) == 0) {
		if (sandbox_become_user(SEALED_UID, SEALED_GID, NULL, 0) != 0)
			_exit(97);
		execl(path, path, "--reuid=0", "--regid=0", "--clear-groups",
		    "sh", "-c", command, (char *)NULL);
		_exit(96);
	}
	NEED(rc > 0);
	NEED(waitpid(rc, &rc, 0) > 0 && WIFEXITED(rc));
	NEED(WEXITSTATUS(rc) == 0);
	return (0);
}

static void
test_setuid_program_mounts(void **state)
{
	struct sandbox_params p;

	(void)state;
	if (needs_root(state))
		skip();
	p = with(SANDBOX_ZYGOTE_SSH, SANDBOX_SESSION_STRICT, false);
	check(
	    sealed_run_with(SANDBOX_ZYGOTE_SSH, &p, act_setuid_program, NULL));
	p = with(SANDBOX_ZYGOTE_EXEC, SANDBOX_SESSION_STRICT, true);
	check(
	    sealed_run_with(SANDBOX_ZYGOTE_EXEC, &p, act_setuid_program, NULL));
}

/* A call that would fail in its own way, and fails by EPERM when denied. */
struct denied {
	const char *what;
	long call;
	long args[5];
	enum sandbox_session from;
};

static const struct denied denied[] = {
#ifdef SYS_iopl
    {"iopl", SYS_iopl, {99}, SANDBOX_SESSION_STANDARD},
    {"ioperm", SYS_ioperm, {-1, 1, 1}, SANDBOX_SESSION_STANDARD},
    {"uselib", SYS_uselib, {0}, SANDBOX_SESSION_STANDARD},
    {"_sysctl", SYS__sysctl, {0}, SANDBOX_SESSION_STANDARD},
#endif
    {"init_module", SYS_init_module, {0, 0, 0}, SANDBOX_SESSION_STRICT},
    {"finit_module", SYS_finit_module, {-1, 0, 0}, SANDBOX_SESSION_STRICT},
    {"delete_module", SYS_delete_module, {0}, SANDBOX_SESSION_STRICT},
    {"kexec_load", SYS_kexec_load, {0, 0, 0, 0xffff}, SANDBOX_SESSION_STRICT},
    {"kexec_file_load", SYS_kexec_file_load, {-1, -1, 0, 0, 0xffff},
	SANDBOX_SESSION_STRICT},
    {"bpf", SYS_bpf, {9999}, SANDBOX_SESSION_STRICT},
    {"perf_event_open", SYS_perf_event_open, {0}, SANDBOX_SESSION_STRICT},
    {"open_by_handle_at", SYS_open_by_handle_at, {-1, 0, 0},
	SANDBOX_SESSION_STRICT},
};

#define DENIED_COUNT (sizeof(denied) / sizeof(denied[0]))

static int
denied_call(const struct denied *d)
{
	if (syscall(d->call, d->args[0], d->args[1], d->args[2], d->args[3],
		d->args[4]) != -1)
		return (0);
	return (errno);
}

/* What each call gives without us, when root asks. */
static int denied_plain[DENIED_COUNT];

static int
act_denied(const void *arg)
{
	enum sandbox_session level = *(const enum sandbox_session *)arg;
	int bad = 0;

	for (size_t i = 0; i < DENIED_COUNT; i++) {
		int want = denied[i].from <= level ? EPERM : denied_plain[i];

		bad += denied_call(&denied[i]) != want;
	}
	return (bad);
}

static void
test_denied(void **state)
{
	unsigned told_apart = 0;

	if (needs_root(state))
		skip();
	for (size_t i = 0; i < DENIED_COUNT; i++) {
		denied_plain[i] = denied_call(&denied[i]);
		if (denied_plain[i] == EPERM)
			print_message("not applicable: this host denies %s "
				      "itself\n",
			    denied[i].what);
		else
			told_apart++;
	}
	assert_true(told_apart > 4);
	for (int s = SANDBOX_SESSION_NONE; s <= SANDBOX_SESSION_STRICT; s++) {
		enum sandbox_session level = (enum sandbox_session)s;
		struct sandbox_params p;

		p = with(SANDBOX_ZYGOTE_SSH, level, false);
		check(sealed_run_with(
		    SANDBOX_ZYGOTE_SSH, &p, act_denied, &level));
		p = with(SANDBOX_ZYGOTE_EXEC, level, true);
		check(sealed_run_with(
		    SANDBOX_ZYGOTE_EXEC, &p, act_denied, &level));
	}
}

/* sshd's own sandbox, and whoever else makes one, is not hindered. */
static int
act_own_sandbox(const void *arg)
{
	uint32_t action = SECCOMP_RET_KILL_PROCESS;
	scmp_filter_ctx ctx;

	(void)arg;
	NEED(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0);
	NEED(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
	NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	NEED((ctx = seccomp_init(SCMP_ACT_ALLOW)) != NULL);
	NEED(seccomp_rule_add(
		 ctx, SCMP_ACT_ERRNO(ENODEV), SCMP_SYS(sethostname), 0) == 0);
	NEED(seccomp_load(ctx) == 0);
	seccomp_release(ctx);
	NEED(syscall(SYS_sethostname, 0, 0) == -1 && errno == ENODEV);
	return (0);
}

static void
test_own_sandbox(void **state)
{
	struct sandbox_params p;

	(void)state;
	p = with(SANDBOX_ZYGOTE_SSH, SANDBOX_SESSION_STRICT, false);
	check(sealed_run_with(SANDBOX_ZYGOTE_SSH, &p, act_own_sandbox, NULL));
}

#ifdef __x86_64__
/*
 * A 32-bit program, whole: its exit status is the errno of iopl(99), which
 * always fails, and with EPERM only when it is denied.
 */
static const unsigned char program_32[] = {
    /* ELF header */
    0x7f,
    'E',
    'L',
    'F',
    1,
    1,
    1,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    2,
    0,
    3,
    0,
    1,
    0,
    0,
    0,
    0x54,
    0x80,
    0x04,
    0x08,
    52,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    52,
    0,
    32,
    0,
    1,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    /* one segment, the file whole, at 0x08048000, to read and execute */
    1,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0x00,
    0x80,
    0x04,
    0x08,
    0x00,
    0x80,
    0x04,
    0x08,
    0x6c,
    0,
    0,
    0,
    0x6c,
    0,
    0,
    0,
    5,
    0,
    0,
    0,
    0,
    0x10,
    0,
    0,
    /* iopl(99); exit(-result) */
    0xb8,
    110,
    0,
    0,
    0,
    0xbb,
    99,
    0,
    0,
    0,
    0xcd,
    0x80,
    0xf7,
    0xd8,
    0x89,
    0xc3,
    0xb8,
    1,
    0,
    0,
    0,
    0xcd,
    0x80,
    0xf4,
};

static int
act_program_32(const void *arg)
{
	enum sandbox_session level = *(const enum sandbox_session *)arg;
	bool deny = level != SANDBOX_SESSION_NONE;
	char path[96];
	int fd, rc;

	if ((rc = own_mount()) != 0)
		return (rc);
	snprintf(path, sizeof(path), "%s/program", sealed_root);
	NEED((fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0700)) >= 0);
	NEED(fd_write_all(fd, program_32, sizeof(program_32)) == 0);
	NEED(close(fd) == 0);
	rc = run_as(0, path, NULL);
	if (rc == 95)
		return (95);
	NEED(deny ? rc == EPERM : rc == EINVAL || rc == ENOSYS);
	return (0);
}

static void
test_program_32(void **state)
{
	if (needs_root(state))
		skip();
	for (int s = SANDBOX_SESSION_NONE; s <= SANDBOX_SESSION_STRICT; s++) {
		enum sandbox_session level = (enum sandbox_session)s;
		struct sandbox_params p;
		struct outcome out;

		p = with(SANDBOX_ZYGOTE_SSH, level, false);
		out = sealed_run_with(
		    SANDBOX_ZYGOTE_SSH, &p, act_program_32, &level);
		if (out.status == 95) {
			print_message("not applicable: no 32-bit programs\n");
			skip();
		}
		check(out);
	}
}
#endif

static uint64_t
capability_set(const char *name)
{
	char line[256];
	uint64_t set = 0;
	size_t n = strlen(name);
	FILE *f;

	if ((f = fopen("/proc/self/status", "re")) == NULL)
		return (UINT64_MAX);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, name, n) == 0)
			set = strtoull(line + n, NULL, 16);
	}
	fclose(f);
	return (set);
}

static uint64_t own_permitted, own_bounding;

/* The zygote of a program that is not root's, and its child. */
static int
act_starter(const void *arg)
{
	const uint64_t most =
	    (UINT64_C(1) << CAP_SETUID) | (UINT64_C(1) << CAP_SETGID) |
	    (UINT64_C(1) << CAP_KILL) | (UINT64_C(1) << CAP_SYS_NICE) |
	    (UINT64_C(1) << CAP_SYS_RESOURCE);
	const gid_t group = 2113929220u;

	(void)arg;
	NEED(capability_set("CapPrm:") == (own_permitted & most));
	NEED(capability_set("CapEff:") == (own_permitted & most));
	NEED(capability_set("CapInh:") == 0 && capability_set("CapAmb:") == 0);
	NEED(capability_set("CapBnd:") == own_bounding);
	NEED(mount("tmpfs", sealed_root, "tmpfs", 0, NULL) == -1);
	NEED(sandbox_become_user(SEALED_UID, SEALED_GID, &group, 1) == 0);
	NEED(getuid() == SEALED_UID && getgroups(0, NULL) == 1);
	NEED(capability_set("CapPrm:") == 0 && capability_set("CapEff:") == 0);
	NEED(setuid(0) == -1);
	return (0);
}

static void
test_starter(void **state)
{
	struct sandbox_params p;

	if (needs_root(state))
		skip();
	own_permitted = capability_set("CapPrm:");
	own_bounding = capability_set("CapBnd:");
	p = with(SANDBOX_ZYGOTE_EXEC, SANDBOX_SESSION_STANDARD, false);
	check(sealed_run_with(SANDBOX_ZYGOTE_EXEC, &p, act_starter, NULL));
}

/* Nothing is inherited that a session would notice: limits, signals. */
struct inherited {
	struct rlimit core;
	struct sigaction sigsys;
};

static int
act_inherited(const void *arg)
{
	const struct inherited *was = arg;
	struct sigaction sa;
	struct rlimit core;

	NEED(getrlimit(RLIMIT_CORE, &core) == 0);
	NEED(core.rlim_cur == was->core.rlim_cur);
	NEED(core.rlim_max == was->core.rlim_max);
	NEED(sigaction(SIGSYS, NULL, &sa) == 0);
	NEED(sa.sa_handler == was->sigsys.sa_handler);
	NEED(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
	return (0);
}

static void
test_inherited(void **state)
{
	struct inherited was;
	struct sandbox_params p;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_CORE, &was.core), 0);
	assert_int_equal(sigaction(SIGSYS, NULL, &was.sigsys), 0);
	p = with(SANDBOX_ZYGOTE_SSH, SANDBOX_SESSION_STANDARD, false);
	check(sealed_run_with(SANDBOX_ZYGOTE_SSH, &p, act_inherited, &was));
	p = with(SANDBOX_ZYGOTE_EXEC, SANDBOX_SESSION_STANDARD, false);
	check(sealed_run_with(SANDBOX_ZYGOTE_EXEC, &p, act_inherited, &was));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_setuid_program_mounts),
	    cmocka_unit_test(test_denied),
	    cmocka_unit_test(test_own_sandbox),
#ifdef __x86_64__
	    cmocka_unit_test(test_program_32),
#endif
	    cmocka_unit_test(test_starter),
	    cmocka_unit_test(test_inherited),
	};

	return (cmocka_run_group_tests(tests, sealed_setup, sealed_teardown));
}
