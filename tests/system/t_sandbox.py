#!/usr/bin/python3
"""Every process's sandbox, asserted from outside by /proc; and what a worker
that was taken over gets from the kernel, tried by a debugger that makes it
execute the forbidden calls."""
import errno
import os
import platform
import re
import socket
import subprocess

from harness.inject import inject, sealed
from harness import (BOTH, Connection, Daemon, Skip, authorize, check, equal,
                     finger, free_port, key, limit, main, needs, needs_root,
                     one_service, processes, ssh, ssh_start, wait_until, world)

PIECES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
NONE = "0000000000000000"
#: Roles with a filter, a uid of their own and no capability.
SEALED = ("master", "audit", "lookup", "logreader", "zygote finger",
          "worker finger", "zygote telnet", "worker telnet")
WORKERS = ("worker finger", "worker telnet")
#: Of those, the ones that see an empty root and a network of nothing.
OWN_NETWORK = ("zygote finger", "zygote telnet") + WORKERS
EMPTY_ROOT = ("master", "logreader") + OWN_NETWORK

#: x86-64's numbers. What a worker may try, and what must come of it.
FORBIDDEN = {
    "kill": (62, "{other}", "0"),
    "tgkill": (234, "{other}", "{other}", "0"),
    "tkill": (200, "{other}", "0"),
    "ptrace": (101, "16", "{other}", "0", "0"),
    "process_vm_readv": (310, "{other}", "z:16", "1", "z:16", "1", "0"),
    "process_vm_writev": (311, "{other}", "z:16", "1", "z:16", "1", "0"),
    "pidfd_open": (434, "{other}", "0"),
    "pidfd_getfd": (438, "3", "0", "0"),
    "pidfd_send_signal": (424, "3", "0", "0", "0"),
    "prlimit64": (302, "{other}", "7", "0", "z:16"),
    "connect": (42, "3", "z:16", "16"),
    "bind": (49, "3", "z:16", "16"),
    "listen": (50, "3", "1"),
    "accept": (43, "3", "0", "0"),
    "accept4": (288, "3", "0", "0", "0"),
    "socket": (41, "2", "1", "0"),
    "open": (2, "s:/etc/passwd", "0", "0"),
    "openat": (257, "-100", "s:/", "0", "0"),
    "openat2": (437, "-100", "s:/", "z:24", "24"),
    "execve": (59, "s:/bin/sh", "0", "0"),
    "execveat": (322, "-100", "s:/bin/sh", "0", "0", "0"),
    "chroot": (161, "s:/"),
    "mount": (165, "s:a", "s:/", "s:tmpfs", "0", "0"),
    "setuid": (105, "0"),
    "unshare": (272, "0x10000000"),
    "bpf": (321, "0", "z:64", "64"),
    "io_uring_setup": (425, "1", "z:120"),
    "userfaultfd": (323, "0"),
    "memfd_create": (319, "s:x", "0"),
    "keyctl": (250, "0", "0"),
    "perf_event_open": (298, "z:64", "0", "-1", "-1", "0"),
}


def start(more="", statements=""):
    return one_service("finger", statements, more)


def everything():
    telnet = free_port()
    daemon = start(" ssh { port %d; %s } service echo { port %d; protocol tcp; "
                   "wait no; user nobody; exec \"/bin/cat\"; %s } "
                   "telnet { port %d; %s } " % (
                       free_port(), BOTH, free_port(), BOTH, telnet, BOTH))
    daemon.telnet = telnet
    return daemon


def number(value):
    return int(value, 16)


@needs_root
@needs("sshd")
def test_every_process_from_outside():
    with everything() as daemon, Connection(daemon.port) as client, \
            Connection(daemon.telnet) as other:
        daemon.wait("connection-accepted", source_port=client.port)
        other.read_until(b" login: ")
        wait_until(lambda: "worker finger" in daemon.roles(), "a worker")
        roles = daemon.roles()
        for name in SEALED:
            check(name in roles, "no process is `%s`: %s" % (
                name, list(roles)))
        here = processes.namespace("self", "net")
        for name, some in roles.items():
            for process in some:
                assert_process(name, process, here)
        users = {}
        for name, some in roles.items():
            for process in some:
                if process.uid == 0:
                    continue
                owner = name.replace("worker ", "zygote ")
                if owner == "logreader":
                    owner += " %d" % process.pid
                users.setdefault(process.uid, set()).add(owner)
        for uid, owners in users.items():
            equal(len(owners), 1, "roles of uid %d: %s" % (uid, owners))
            check(uid != 65534, "%s runs as nobody" % owners)
        for name in roles:
            check(name in SEALED or name in (
                "monitor", "zygote ssh", "zygote exec", "zygote echo",
                "zygote exec echo"), "an unknown role: %s" % name)


def assert_process(name, process, here):
    """One process, against the roles' table."""
    status, pid = process.status, process.pid
    uids = set(status["Uid"].split())
    equal(len(uids), 1, "%s: uids %s" % (name, uids))
    if name == "monitor":
        equal(status["Seccomp"], "0", "%s: filter" % name)
        equal(status["NoNewPrivs"], "0", "%s: NoNewPrivs" % name)
        return
    if name not in SEALED:
        # Programs and logins inherit from these: no filter of ours that
        # setuid programs would feel.
        equal(status["NoNewPrivs"], "0", "%s: NoNewPrivs" % name)
        return
    check(uids != {"0"}, "%s runs as root" % name)
    equal(status["Groups"].split(), [g for g in status["Groups"].split()
                                     if g not in ("0", "65534")],
          "%s: groups" % name)
    for piece in PIECES:
        equal(status[piece], NONE, "%s: %s" % (name, piece))
    equal(status["NoNewPrivs"], "1", "%s: NoNewPrivs" % name)
    equal(status["Seccomp"], "2", "%s: Seccomp" % name)
    check(number(status["Seccomp_filters"]) >= 1, "%s: filters" % name)
    equal(os.stat("/proc/%d/mem" % pid).st_uid, 0, "%s: dumpable" % name)
    limits = open("/proc/%d/limits" % pid, encoding="ascii").read()
    check(re.search(r"Max core file size +0 +0", limits), "%s: cores" % name)
    if name in EMPTY_ROOT:
        equal(os.listdir("/proc/%d/root/" % pid), [], "%s: its root" % name)
        check(not os.stat("/proc/%d/root/" % pid).st_mode & 0o022,
              "%s: its root can be written" % name)
    if name in OWN_NETWORK:
        check(processes.namespace(pid, "net") != here,
              "%s is in the daemon's network" % name)
    if name in WORKERS:
        check(re.search(r"Max processes +0 +0", limits),
              "%s may fork" % name)
    assert_descriptors(name, process)


def assert_descriptors(name, process):
    for fd, target in processes.descriptors(process.pid).items():
        check(target.startswith(("socket:", "anon_inode:", "pipe:", "/memfd:",
                                 "/dev/null")) or fd <= 2 or
              "slots" in target or "state" in target,
              "%s holds %d: %s" % (name, fd, target))
        check(not os.path.isdir(target), "%s holds a folder: %s" % (
            name, target))
        if name in WORKERS:
            check(fd <= 4, "%s holds %d: %s" % (name, fd, target))


@needs_root
def test_environment_and_words_hold_nothing():
    with start() as daemon:
        for name, some in daemon.roles().items():
            if name == "monitor":
                continue
            for process in some:
                with open("/proc/%d/environ" % process.pid, "rb") as file:
                    names = {w.split(b"=")[0].decode() for w in
                             file.read().split(b"\0") if b"=" in w}
                check(names <= {"PATH", "LANG", "TZ"}, "%s knows %s" % (
                    name, names))


def worker(daemon):
    """(client, pid) of a connection and the worker that serves it."""
    client = Connection(daemon.port)
    event = daemon.wait("connection-accepted", source_port=client.port)

    def pid():
        """Once it is where it waits for its peer; a worker forked ahead by a
        zygote that retires is not the one."""
        for row in daemon.show("sessions"):
            if str(row["id"]) == event["session"] and row["pid"] and \
                    title(row["pid"]) == "portreeve: worker finger":
                return row["pid"]
        return None
    return client, wait_until(pid, "its pid in the sessions: %s" %
                              daemon.show("sessions")), event


def title(pid):
    try:
        return processes.Process(pid).title
    except OSError:
        return None


@needs_root
@limit(180)
def test_a_worker_that_was_taken_over_dies_at_each_forbidden_call():
    with start("extended-limits;", "rate-limit 1000;") as daemon:
        for name, (call, *words) in FORBIDDEN.items():
            client, pid, event = worker(daemon)
            other = daemon.role("master").pid
            result = inject(pid, call, *[w.format(other=other)
                                         for w in words])
            equal(result, "stopped by SYS", "what came of " + name)
            _, ending = client.read_all()
            client.close()
            failed = daemon.wait("worker-failed", session=event["session"])
            equal((failed["reason"], failed.get("syscall"), failed["pid"]),
                  ("sandbox", name, str(pid)), "worker-failed of " + name)
            closed = daemon.wait("session-closed", session=event["session"])
            equal(closed["exit"], "SIGSYS", "exit after " + name)
        daemon.idle()
        check(finger(daemon.port, b"x\r\n")[0], "no answer after all that")
        daemon.wait("session-closed",
                    count=len(daemon.of("connection-accepted")))


@needs_root
def test_a_worker_may_do_its_work():
    """The debugger itself is not what kills: an allowed call returns."""
    with start() as daemon:
        client, pid, _ = worker(daemon)
        equal(inject(pid, 1, "3", "s:still here", "10"), "returned 10",
              "write")
        equal(client.socket.recv(10), b"still here", "what the peer read")
        client.close()


@needs_root
def test_a_worker_cannot_fork():
    with start() as daemon:
        client, pid, _ = worker(daemon)
        result = inject(pid, 57)
        check(result in ("returned -11", "stopped by SYS"), "fork " + result)
        client.close()
        client, pid, _ = worker(daemon)
        result = inject(pid, 56, "17", "0", "0", "0", "0")
        check(result in ("returned -11", "stopped by SYS"), "clone " + result)
        client.close()


@needs_root
@limit(90)
def test_sealed_roles_die_of_what_they_never_do():
    calls = {"openat": (257, "-100", "s:/etc/passwd", "0", "0"),
             "socket": (41, "2", "1", "0"), "execve": (59, "s:/bin/sh", "0"),
             "ptrace": (101, "16", "1", "0", "0"), "kill": (62, "1", "9")}
    for role in ("master", "logreader", "zygote finger", "audit", "lookup"):
        with everything() as daemon:
            for name, (call, *words) in calls.items():
                # lookup reads files and asks resolvers; libsystemd tries
                # files, and is told EACCES.
                if (role, name) in (("lookup", "openat"),
                                    ("lookup", "socket"),
                                    ("audit", "openat")):
                    continue
                mark = daemon.mark()
                pid = wait_until(lambda: sealed(daemon, role),
                                 "a sealed " + role)
                equal(inject(pid, call, *words), "stopped by SYS",
                      "%s in %s" % (name, role))
                wait_until(lambda: not processes.alive(pid), "its death")
                event = daemon.wait("role-restarted", after=mark)
                equal(event["signal"], "SIGSYS", "signal of " + event.line)

            def answers():
                try:
                    return finger(daemon.port, b"x\r\n")[0]
                except OSError:
                    return None
            wait_until(answers, "an answer after " + role)


@needs_root
def test_lookup_writes_nothing():
    with start() as daemon:
        pid = daemon.role("lookup").pid
        for path, flags in (("/mnt/lookup-wrote", "0x41"),
                            ("/etc/passwd", "0x2"), ("/tmp", "0x410002")):
            result = inject(pid, 257, "-100", "s:" + path, flags, "0600")
            if result.startswith("stopped"):
                break
            check(result.startswith("returned -"), "%s: %s" % (path, result))
        check(not os.path.exists("/mnt/lookup-wrote"), "a file was made")


@needs_root
@needs("ssh", "sshd")
def test_a_session_has_what_the_system_gives():
    port = free_port()
    pair = key()
    authorize("alice", pair)
    with Daemon("system { services { ssh { port %d; %s } } }" % (
            port, BOTH)) as daemon:
        client = ssh_start(port, "alice", identity=pair)
        shells = [p for p in processes.below(daemon.pid)
                  if p.uid == world.base_uid()]
        check(shells, "no process of alice's")
        for process in shells:
            equal(process.status["NoNewPrivs"], "0", "NoNewPrivs")
            equal(process.status["CapBnd"],
                  processes.status(os.getpid())["CapBnd"], "bounding set")
            for kind in ("net", "mnt", "pid", "user", "ipc", "uts"):
                equal(processes.namespace(process.pid, kind),
                      processes.namespace("self", kind), kind)
            equal(os.readlink("/proc/%d/root" % process.pid), "/", "root")
            # One that was just exec'd has its libraries open.
            if process.words[:1] == ["cat"]:
                wait_until(lambda pid=process.pid: set(
                    processes.descriptors(pid)) == {0, 1, 2},
                           "three descriptors and no other")
        client.stdin.close()
        client.wait(20)


#: Calls of a root shell, with arguments that no kernel takes for good, by the
#: first value of session-sandbox that denies them; x86-64's numbers.
DENIED = {"standard": {"iopl": (172, 99), "uselib": (134, 0)},
          "strict": {"bpf": (321, 99, 0, 0), "perf_event_open": (298, 0),
                     "open_by_handle_at": (304, -1, 0, 0),
                     "init_module": (175, 0, 0, 0),
                     "kexec_load": (246, 0, 99, 0, 99)}}


def session_calls(port, pair):
    """{call: errno} of a root's session."""
    text = "import ctypes; c = ctypes.CDLL(None, use_errno=True)\n"
    for calls in DENIED.values():
        for name, words in calls.items():
            text += "ctypes.set_errno(0); c.syscall%r; " \
                "print('%s', ctypes.get_errno())\n" % (words, name)
    done = ssh(port, "root", "/usr/bin/python3 -", stdin=text.encode(),
               identity=pair)
    equal(done.returncode, 0, "the session: %s" % done.stderr)
    return {n.split()[0]: int(n.split()[1])
            for n in done.stdout.decode().splitlines()}


@needs_root
@needs("ssh", "sshd")
@limit(90)
def test_session_sandbox_denies_what_its_value_says():
    if platform.machine() != "x86_64":
        raise Skip("the calls' numbers are x86-64's")
    pair = key()
    authorize("root", pair)
    found = {}
    for value in ("none", "standard", "strict"):
        port = free_port()
        with Daemon("system { services { session-sandbox %s; ssh { port %d; "
                    "%s } } }" % (value, port, BOTH)):
            found[value] = session_calls(port, pair)
    for level, calls in DENIED.items():
        for name in calls:
            free = found["none"][name]
            equal(found["standard"][name],
                  errno.EPERM if level == "standard" else free,
                  name + " under standard")
            equal(found["strict"][name], errno.EPERM, name + " under strict")
    check([n for v in DENIED.values() for n in v
           if found["none"][n] != errno.EPERM], "nothing could be told apart")


#: As a container's own filter: a call of every process below returns that.
FILTER = """
import ctypes, os, sys
lib = ctypes.CDLL("libseccomp.so.2")
lib.seccomp_init.restype = ctypes.c_void_p
filter = ctypes.c_void_p(lib.seccomp_init(0x7fff0000))  # allow
lib.seccomp_attr_set(filter, 3, 0)  # without NoNewPrivs
number = lib.seccomp_syscall_resolve_name(sys.argv[1].encode())
if lib.seccomp_rule_add(filter, 0x50000 | int(sys.argv[2]), number, 0) or \
        lib.seccomp_load(filter):
    sys.exit("no filter")
os.execv(sys.argv[3], sys.argv[3:])
"""


@needs_root
@limit(120)
def test_check_and_start_agree_in_a_container():
    """Where a filter from outside denies Landlock or namespaces: both name
    it, or both are content with the level that is documented for it."""
    for call, error, level, words in (
            ("landlock_create_ruleset", errno.EPERM, "full",
             "filter from outside"),
            ("landlock_create_ruleset", errno.ENOSYS, "full",
             "filter from outside"),
            ("landlock_create_ruleset", errno.ENOSYS, "landlock-optional",
             None),
            ("unshare", errno.EPERM, "full", "sandbox-level rootless"),
            ("unshare", errno.EPERM, "rootless", None)):
        what = "%s, errno %d, %s" % (call, error, level)
        daemon = Daemon("system { services { sandbox-level %s; finger { port "
                        "%d; %s } } }" % (level, free_port(), BOTH),
                        wrapper=["/usr/bin/python3", "-c", FILTER, call,
                                 str(error)])
        done = subprocess.run(
            daemon.wrapper + [world.BUILD + "/portreeved", "-n", "-c",
                              daemon.file],
            capture_output=True, text=True, check=False)
        equal(done.returncode, 1 if words else 0, "%s: check: %s" % (
            what, done.stderr))
        if not words:
            with daemon:
                check(daemon.show("services"), what)
            continue
        check(words in done.stderr, "%s: check: %s" % (what, done.stderr))
        daemon.launch()
        equal(daemon.child.wait(30), 1, what + ": start")
        daemon.join()
        check(words in "\n".join(daemon.noise), "%s: start: %s" % (
            what, daemon.noise))


@needs_root
@limit(60)
def test_weaker_levels_only_when_they_are_named():
    """Every level seals: the filter and NoNewPrivs are there in each."""
    for level in ("full", "landlock-optional", "rootless"):
        with start("sandbox-level %s;" % level) as daemon:
            check(finger(daemon.port, b"x\r\n")[0], "an answer at " + level)
            for name in ("master", "audit", "lookup", "zygote finger"):
                process = daemon.role(name)
                equal((process.status["NoNewPrivs"],
                       process.status["Seccomp"]), ("1", "2"),
                      "%s at %s" % (name, level))
                if level != "rootless":
                    check(process.uid != 0, name + " is root at " + level)
    daemon = start("sandbox-level some;")
    equal(subprocess.run(daemon.argv()[:1] + ["-n", "-c", daemon.file],
                         capture_output=True, check=False).returncode, 1,
          "a level that is none")


@needs_root
def test_workers_share_no_channel():
    """A worker's one channel is its own: no two hold the same socket."""
    with start() as daemon:
        clients = [Connection(daemon.port) for _ in range(8)]
        daemon.wait("connection-accepted", count=8)
        some = wait_until(
            lambda: (lambda w: w if len(w) >= 8 else None)(
                daemon.roles().get("worker finger", [])), "eight workers")
        seen = {}
        for process in some:
            for fd, target in processes.descriptors(process.pid).items():
                if target.startswith("socket:") and fd > 2:
                    check(target not in seen, "%d and %d share %s" % (
                        seen.get(target, 0), process.pid, target))
                    seen[target] = process.pid
        for client in clients:
            client.close()


@needs_root
def test_a_uid_that_is_taken_is_refused_or_avoided():
    """A role without an account never shares a uid with a running process."""
    with start() as daemon:
        taken = daemon.role("master").uid
    with subprocess.Popen(["setpriv", "--reuid", str(taken), "--regid",
                           str(taken), "--clear-groups", "sleep", "60"]) as \
            squatter:
        try:
            wait_until(lambda: processes.status(squatter.pid)["Uid"].split()
                       == [str(taken)] * 4, "the squatter to be that uid")
            daemon = start()
            daemon.launch()
            wait_until(lambda: daemon.of("ready") or
                       daemon.child.poll() is not None, "a start or an end")
            if daemon.child.poll() is None:
                check(daemon.role("master").uid != taken,
                      "the master runs as a stranger's uid")
                daemon.stop()
            else:
                equal(daemon.child.returncode, 1, "status")
                daemon.join()
                check(str(taken) in " ".join(daemon.noise + [
                    e.line for e in daemon.events]), "which uid")
        finally:
            squatter.kill()


def test_sockets_are_where_they_are_said():
    """Nothing but the statements' ports listens."""
    before = set(processes.listeners())
    with start() as daemon:
        new = set(processes.listeners()) - before
        if world.INSIDE:
            equal(new, {("inet", daemon.port), ("inet6", daemon.port)},
                  "new listeners")
        else:
            check({("inet", daemon.port), ("inet6", daemon.port)} <= new,
                  "its listeners")
        check(socket.has_ipv6, "IPv6")


if __name__ == "__main__":
    main()
