/*
 * What no sealed process can do, tried from inside by the bare system call:
 * each ends the process by SIGSYS, and the number reaches the channel.
 */
#include "tests/stage/sealed.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>

#define P(name) (UINT32_C(1) << SANDBOX_##name)
#define P_BUILTIN ((uint32_t)SANDBOX_BUILTIN)
#define P_CALLS (P(CALLER) | P(TACPLUS))
#define EVERYONE 0

/* A call and those who may make it after all; EVERYONE is forbidden else. */
struct attempt {
	const char *what;
	uint32_t but;
	long call;
	long args[6];
};

static const char path[] = "/etc/passwd";
static const struct sockaddr_un address = {AF_UNIX, "/run/x"};
static const struct sockaddr unspec = {.sa_family = AF_UNSPEC};
static char *const argv_true[] = {(char *)"true", NULL};
static const struct rlimit limit = {10, 10};

#define HIGH (INT64_C(1) << 32)
#define A(p) ((long)(uintptr_t)(p))

static const struct attempt attempts[] = {
    /* others of the same uid */
    {"kill", 0, SYS_kill, {1, 9}},
    {"kill everyone", 0, SYS_kill, {-1, 0}},
    {"tkill", 0, SYS_tkill, {1, 9}},
    {"tgkill", 0, SYS_tgkill, {1, 1, 9}},
    {"tgkill SIGABRT", 0, SYS_tgkill, {1, 1, SIGABRT}},
    {"rt_sigqueueinfo", 0, SYS_rt_sigqueueinfo, {1, 9, 0}},
    {"rt_tgsigqueueinfo", 0, SYS_rt_tgsigqueueinfo, {1, 1, 9, 0}},
    {"ptrace", 0, SYS_ptrace, {16 /* ATTACH */, 1}},
    {"process_vm_readv", 0, SYS_process_vm_readv, {1}},
    {"process_vm_writev", 0, SYS_process_vm_writev, {1}},
    {"process_madvise", 0, SYS_process_madvise, {-1}},
    {"pidfd_open", P(ENDER), SYS_pidfd_open, {1}},
    {"pidfd_getfd", 0, SYS_pidfd_getfd, {0, 0}},
    {"pidfd_send_signal", P(ENDER), SYS_pidfd_send_signal, {-1, 9}},
    {"pidfd_send_signal SIGSTOP", P(ENDER), SYS_pidfd_send_signal, {-1, 19}},
    {"pidfd_send_signal SIGUSR1", 0, SYS_pidfd_send_signal, {-1, 10}},
    {"pidfd_send_signal to a group", 0, SYS_pidfd_send_signal,
	{-10000, 9, 0, 4}},
    {"prlimit64", 0, SYS_prlimit64, {1, RLIMIT_NPROC, A(&limit)}},
    {"prlimit64, high bits", 0, SYS_prlimit64, {HIGH, 0, A(&limit)}},
    {"setpriority", 0, SYS_setpriority, {2, 0, 19}},
    {"ioprio_set", 0, SYS_ioprio_set, {1, 1, 0}},
    {"sched_setaffinity", 0, SYS_sched_setaffinity, {1}},
    {"setpgid", 0, SYS_setpgid, {0, 0}},
    {"setsid", 0, SYS_setsid, {0}},
    {"kcmp", 0, SYS_kcmp, {1, 1}},
    {"fcntl F_SETOWN", 0, SYS_fcntl, {0, F_SETOWN, 1}},
    {"fcntl F_SETSIG", 0, SYS_fcntl, {0, F_SETSIG, 9}},
    {"timer_create", 0, SYS_timer_create, {0}},
    /* the network */
    {"socket AF_INET", P(LOOKUP) | P_CALLS, SYS_socket, {2, 1, 0}},
    {"socket AF_INET UDP", P(LOOKUP), SYS_socket, {2, 2, 0}},
    {"socket AF_INET6", P(LOOKUP) | P_CALLS, SYS_socket, {10, 1, 0}},
    {"socket AF_INET MPTCP", P(LOOKUP) | P(CALLER), SYS_socket, {2, 1, 262}},
    {"socket raw", 0, SYS_socket, {2, SOCK_RAW, 1}},
    {"socket packet", 0, SYS_socket, {17, SOCK_RAW, 0}},
    {"socket AF_UNIX", P(LOOKUP) | P(AUDIT), SYS_socket, {1, 2, 0}},
    {"socket netlink route", P(LOOKUP), SYS_socket, {16, 3, 0}},
    {"socket netlink netfilter", 0, SYS_socket, {16, 3, 12}},
    {"socket AF_ALG", 0, SYS_socket, {38, 5, 0}},
    {"socket AF_VSOCK", 0, SYS_socket, {40, 1, 0}},
    {"connect", P(LOOKUP) | P_CALLS | P(AUDIT), SYS_connect,
	{0, A(&address), sizeof(address)}},
    {"connect AF_UNSPEC", P(LOOKUP) | P_CALLS | P(AUDIT), SYS_connect,
	{0, A(&unspec), sizeof(unspec)}},
    {"bind", P(LOOKUP), SYS_bind, {0, A(&address), sizeof(address)}},
    {"listen", 0, SYS_listen, {0, 5}},
    {"accept", 0, SYS_accept, {0}},
    {"accept4", P(MASTER) | P(TACPLUS), SYS_accept4, {0}},
    {"sendto an address", P(LOOKUP), SYS_sendto,
	{0, A(path), 1, MSG_DONTWAIT, A(&address), sizeof(address)}},
    {"socketpair datagram", 0, SYS_socketpair, {1, SOCK_DGRAM, 0}},
    {"socketpair AF_TIPC", 0, SYS_socketpair, {30, SOCK_SEQPACKET}},
    {"setsockopt filter", 0, SYS_setsockopt, {0, 1, SO_ATTACH_FILTER}},
    {"setsockopt device", 0, SYS_setsockopt, {0, 1, SO_BINDTODEVICE}},
    {"setsockopt pidfd", 0, SYS_setsockopt, {0, 1, 76 /* PASSPIDFD */}},
    {"setsockopt linger", 0, SYS_setsockopt, {0, 1, SO_LINGER}},
    {"setsockopt room",
	~P(MASTER) & ~P(ZYGOTE_TELNET) & ~P(ENDER) & ~P(TACPLUS) & ~P(KEYS),
	SYS_setsockopt, {0, 1, SO_RCVBUF}},
    {"shutdown reading", ~P(MASTER) & ~P(TACPLUS), SYS_shutdown, {0, SHUT_RD}},
    {"shutdown both", ~P(MASTER) & ~P(TACPLUS), SYS_shutdown, {0, SHUT_RDWR}},
    {"getsockopt pidfd", 0, SYS_getsockopt, {0, 1, 77 /* PEERPIDFD */}},
    {"getsockopt, high bits", 0, SYS_getsockopt, {0, 1, HIGH | 4}},
    {"getsockopt netfilter", 0, SYS_getsockopt, {0, 0, 64}},
    {"setsockopt ULP", 0, SYS_setsockopt, {0, IPPROTO_TCP, 31}},
    {"setsockopt netfilter", 0, SYS_setsockopt, {0, 0, 64}},
    /* files */
    {"openat", P(LOOKUP) | P(AUDIT) | P(ENDER) | P(KEYS), SYS_openat,
	{AT_FDCWD, A(path)}},
    {"openat to write", P(AUDIT), SYS_openat, {AT_FDCWD, A(path), O_WRONLY}},
    {"openat to create", P(AUDIT), SYS_openat,
	{AT_FDCWD, A("/tmp/x"), O_RDONLY | O_CREAT, 0600}},
    {"openat O_TMPFILE", P(AUDIT), SYS_openat,
	{AT_FDCWD, A("/tmp"), O_TMPFILE | O_RDWR, 0600}},
    {"openat2", P(LOOKUP), SYS_openat2, {AT_FDCWD, A(path), 0, 0}},
    {"open_by_handle_at", 0, SYS_open_by_handle_at, {0}},
    {"name_to_handle_at", 0, SYS_name_to_handle_at, {0}},
    {"newfstatat", P(LOOKUP), SYS_newfstatat, {AT_FDCWD, A(path), 0}},
    {"statx", P(LOOKUP) | P(AUDIT), SYS_statx, {AT_FDCWD, A(path)}},
    {"getdents64", P(LOOKUP) | P(ENDER), SYS_getdents64, {0}},
    {"unlinkat", 0, SYS_unlinkat, {AT_FDCWD, A("/x")}},
    {"renameat2", 0, SYS_renameat2, {AT_FDCWD, A("/x"), 0, A("/y")}},
    {"linkat", 0, SYS_linkat, {AT_FDCWD, A(path), 0, A("/y")}},
    {"symlinkat", 0, SYS_symlinkat, {A(path), AT_FDCWD, A("/y")}},
    {"mkdirat", 0, SYS_mkdirat, {AT_FDCWD, A("/x")}},
    {"mknodat", 0, SYS_mknodat, {AT_FDCWD, A("/x")}},
    {"fchmod", 0, SYS_fchmod, {0, 0777}},
    {"fchmodat", 0, SYS_fchmodat, {AT_FDCWD, A("/x")}},
    {"fchown", 0, SYS_fchown, {0, 0, 0}},
    {"fchownat", 0, SYS_fchownat, {AT_FDCWD, A("/x")}},
    {"ftruncate", P(AUDIT) | P(KEYS), SYS_ftruncate, {0, 0}},
    {"pwrite64", P(KEYS), SYS_pwrite64, {-1, 0, 0, 0}},
    {"chdir", 0, SYS_chdir, {A("/")}},
    {"fchdir", 0, SYS_fchdir, {0}},
    {"memfd_create", P(AUDIT), SYS_memfd_create, {A("x")}},
    {"inotify_init1", 0, SYS_inotify_init1, {0}},
    {"fanotify_init", 0, SYS_fanotify_init, {0}},
    /* programs and processes */
    {"execve", 0, SYS_execve, {A("/bin/true"), A(argv_true)}},
    {"execveat", 0, SYS_execveat, {AT_FDCWD, A("/bin/true")}},
    {"clone", P_BUILTIN, SYS_clone, {SIGCHLD}},
    {"clone CLONE_NEWUSER", 0, SYS_clone, {CLONE_NEWUSER | SIGCHLD}},
    {"clone CLONE_NEWNET", 0, SYS_clone, {CLONE_NEWNET | SIGCHLD}},
    {"clone CLONE_VM", 0, SYS_clone, {CLONE_VM | SIGCHLD}},
    {"clone CLONE_PARENT", 0, SYS_clone, {CLONE_PARENT | SIGCHLD}},
    {"clone3", 0, SYS_clone3, {0}},
    {"unshare", 0, SYS_unshare, {CLONE_NEWUSER}},
    {"setns", 0, SYS_setns, {0}},
    {"mmap code", P(LOOKUP), SYS_mmap,
	{0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1}},
    {"mmap code to write", 0, SYS_mmap,
	{0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1}},
    {"mprotect code", 0, SYS_mprotect, {0, 4096, PROT_EXEC}},
    {"pkey_mprotect", 0, SYS_pkey_mprotect, {0, 4096, PROT_EXEC, -1}},
    {"personality", 0, SYS_personality, {0x0400000}},
    {"shmat", 0, SYS_shmat, {0}},
    /* its own sandbox */
    {"rt_sigaction SIGSYS", 0, SYS_rt_sigaction, {SIGSYS, 0, 0, 8}},
    {"rt_sigaction SIGSYS, high bits", 0, SYS_rt_sigaction,
	{HIGH | SIGSYS, 0, 0, 8}},
    {"prctl PR_SET_DUMPABLE", 0, SYS_prctl, {PR_SET_DUMPABLE, 1}},
    {"prctl PR_SET_SECCOMP", 0, SYS_prctl, {PR_SET_SECCOMP, 2}},
    {"prctl PR_SET_PTRACER", 0, SYS_prctl, {PR_SET_PTRACER, -1}},
    {"prctl PR_SET_MM", 0, SYS_prctl, {PR_SET_MM}},
    {"seccomp", 0, SYS_seccomp, {1, 0, 0}},
    {"landlock_create_ruleset", 0, SYS_landlock_create_ruleset, {0, 0, 1}},
    {"setuid", 0, SYS_setuid, {0}},
    {"setresuid", 0, SYS_setresuid, {0, 0, 0}},
    {"setresgid", 0, SYS_setresgid, {0, 0, 0}},
    {"setgroups", 0, SYS_setgroups, {0, 0}},
    {"capset", 0, SYS_capset, {0, 0}},
    {"chroot", 0, SYS_chroot, {A("/")}},
    {"pivot_root", 0, SYS_pivot_root, {A("/"), A("/")}},
    {"mount", 0, SYS_mount, {0}},
    {"umount2", 0, SYS_umount2, {A("/")}},
    {"open_tree", 0, SYS_open_tree, {AT_FDCWD, A("/")}},
    /* the kernel's wider faces */
    {"bpf", 0, SYS_bpf, {0}},
    {"perf_event_open", 0, SYS_perf_event_open, {0}},
    {"io_uring_setup", 0, SYS_io_uring_setup, {1, 0}},
    {"io_setup", 0, SYS_io_setup, {1, 0}},
    {"userfaultfd", 0, SYS_userfaultfd, {0}},
    {"add_key", 0, SYS_add_key, {0}},
    {"keyctl", 0, SYS_keyctl, {0}},
    {"init_module", 0, SYS_init_module, {0}},
    {"kexec_load", 0, SYS_kexec_load, {0}},
    {"reboot", 0, SYS_reboot, {0}},
    {"syslog", 0, SYS_syslog, {3}},
    {"mbind", 0, SYS_mbind, {0}},
    {"msgget", 0, SYS_msgget, {0, 0}},
    {"mq_open", 0, SYS_mq_open, {A("/x")}},
    {"splice", 0, SYS_splice, {0}},
    {"vmsplice", 0, SYS_vmsplice, {0}},
    {"ioctl TIOCSTI", 0, SYS_ioctl, {0, TIOCSTI, A("x")}},
    {"ioctl TIOCSCTTY", 0, SYS_ioctl, {0, TIOCSCTTY, 0}},
    {"ioctl TIOCLINUX", 0, SYS_ioctl, {0, TIOCLINUX, 0}},
    {"ioctl FIOSETOWN", 0, SYS_ioctl, {0, 0x8901, 0}},
    {"ioctl TIOCSWINSZ", P(ZYGOTE_TELNET), SYS_ioctl, {0, TIOCSWINSZ, 0}},
};

static int
attempt_make(const void *arg)
{
	const struct attempt *a = arg;

	syscall(a->call, a->args[0], a->args[1], a->args[2], a->args[3],
	    a->args[4], a->args[5]);
	return (77); /* survived */
}

static void
forbidden_try_profile(enum sandbox_profile id)
{
	unsigned bad = 0, n = 0;

	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		const struct attempt *a = &attempts[i];
		struct outcome out;

		if ((a->but & (UINT32_C(1) << id)) != 0)
			continue;
		n++;
		out = sealed_run(id, attempt_make, a);
		if (out.signal == SIGSYS && out.number == a->call)
			continue;
		bad++;
		print_error("%s: %s: signal %d, status %d, number %d\n",
		    sandbox_profile_name(id), a->what, out.signal, out.status,
		    out.number);
	}
	assert_int_equal(bad, 0);
	assert_true(n > 100);
}

static void
test_forbidden(void **state)
{
	(void)state;
	for (int id = 0; id < SANDBOX_PROFILE_COUNT; id++) {
		const struct profile *p = profile_get((enum sandbox_profile)id);

		/* What starts programs: tests/unit/sandbox/sandbox_programs.c.
		 */
		if (p->sealed && !p->programs)
			forbidden_try_profile((enum sandbox_profile)id);
	}
}

static int
act_retry_blocked(const void *arg)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	return (attempt_make(arg));
}

/* Blocking SIGSYS makes nothing survivable; there is just no message. */
static void
test_blocked_signal(void **state)
{
	const struct attempt kill_init = {"", 0, SYS_kill, {1, 9}};
	struct outcome out;

	(void)state;
	out = sealed_run(SANDBOX_ZYGOTE_FINGER, act_retry_blocked, &kill_init);
	assert_int_equal(out.signal, SIGSYS);
}

static int
act_smash_message(const void *arg)
{
	/* As an attacker would: a descriptor that is not there. */
	sandbox_set_violation_message(1 << 20, "12345678", 8, 4);
	close(2);
	return (attempt_make(arg));
}

static void
test_broken_message(void **state)
{
	const struct attempt open_file = {"", 0, SYS_openat, {AT_FDCWD}};
	struct outcome out;

	(void)state;
	out = sealed_run(SANDBOX_ZYGOTE_FINGER, act_smash_message, &open_file);
	assert_int_equal(out.signal, SIGSYS);
	assert_int_equal(out.number, -1);
}

static int
act_abort(const void *arg)
{
	(void)arg;
	abort();
}

/* A fault of ours is told apart from a violation. */
static void
test_abort(void **state)
{
	struct outcome out;

	(void)state;
	out = sealed_run(SANDBOX_ZYGOTE_FINGER, act_abort, NULL);
	assert_int_equal(out.signal, SIGILL);
	assert_int_equal(out.number, -1);
}

#ifdef __x86_64__
static int
act_32_bit_call(const void *arg)
{
	long nr = 20; /* getpid, for a 32-bit program */

	(void)arg;
	__asm__ volatile("int $0x80"
			 : "+a"(nr)
			 :
			 : "memory", "r8", "r9", "r10", "r11");
	return (77);
}

static int
act_x32_call(const void *arg)
{
	(void)arg;
	syscall(0x40000000 | SYS_getpid);
	return (77);
}

static void
test_other_architectures(void **state)
{
	struct outcome out;

	(void)state;
	out = sealed_run(SANDBOX_ZYGOTE_FINGER, act_32_bit_call, NULL);
	assert_int_equal(out.signal, SIGSYS);
	out = sealed_run(SANDBOX_ZYGOTE_FINGER, act_x32_call, NULL);
	assert_int_equal(out.signal, SIGSYS);
}
#endif

static void
test_message_bounds(void **state)
{
	char big[SANDBOX_MESSAGE_MAX + 1] = {0};

	(void)state;
	assert_int_equal(
	    sandbox_set_violation_message(0, big, sizeof(big), 0), ERR_VALUE);
	assert_int_equal(
	    sandbox_set_violation_message(0, big, 8, 5), ERR_VALUE);
	assert_int_equal(
	    sandbox_set_violation_message(0, big, 3, 0), ERR_VALUE);
	assert_int_equal(sandbox_set_violation_message(0, big, 8, 4), 0);
	assert_int_equal(sandbox_set_violation_message(-1, NULL, 0, 0), 0);
}

static void
test_syscall_names(void **state)
{
	char name[SANDBOX_SYSCALL_NAME_MAX];

	(void)state;
	assert_string_equal(
	    sandbox_syscall_name(SYS_connect, name, sizeof(name)), "connect");
	assert_string_equal(
	    sandbox_syscall_name(99999, name, sizeof(name)), "syscall-99999");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_forbidden),
	    cmocka_unit_test(test_blocked_signal),
	    cmocka_unit_test(test_broken_message),
	    cmocka_unit_test(test_abort),
#ifdef __x86_64__
	    cmocka_unit_test(test_other_architectures),
#endif
	    cmocka_unit_test(test_message_bounds),
	    cmocka_unit_test(test_syscall_names),
	};

	return (cmocka_run_group_tests(tests, sealed_setup, sealed_teardown));
}
