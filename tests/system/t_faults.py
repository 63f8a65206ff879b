#!/usr/bin/python3
"""System calls that fail, one by one, in each role: the connection that
cannot be served is refused, the others go on, nothing spins or hangs."""
import os
import signal
import time

from harness import (BOTH, Connection, Daemon, Skip, check, equal, finger,
                     free_port, limit, main, needs, needs_root, processes,
                     wait_until)
from harness.strace import Strace
from harness.inject import inject as execute, sealed
from t_sandbox import worker

TGKILL, SIGABRT = 234, 6


def start():
    port = free_port()
    daemon = Daemon(
        "system { services { extended-limits; finger { port %d; %s "
        "connection-limit 1000; rate-limit 1000000; } } }" % (port, BOTH))
    daemon.port = port
    return daemon


def outcomes(daemon, count):
    """How that many queries ended, all of them open at a time: more than
    there are workers forked ahead."""
    clients = [Connection(daemon.port, timeout=15) for _ in range(count)]
    found = {}
    for client in clients:
        try:
            answer, ending = client.send(b"nobodyatall\r\n").read_all()
            word = "answered" if answer and ending == "eof" and \
                not answer.startswith(b"Too many") else "refused"
        except TimeoutError:
            word = "hung"
        except OSError:
            word = "refused"
        client.close()
        found[word] = found.get(word, 0) + 1
    return found


def cpu(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as file:
        words = file.read().rsplit(") ", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def recovered(daemon):
    def answers():
        try:
            answer, _ = finger(daemon.port, b"nobodyatall\r\n")
            return answer and not answer.startswith(b"Too many")
        except OSError:
            return False
    wait_until(answers, "an answer when the fault is over", 30)
    daemon.idle()
    daemon.wait("session-closed",
                count=len(daemon.of("connection-accepted")))
    equal(len(daemon.of("connection-accepted")),
          len(daemon.of("session-closed")), "books")


def inject(role, call, error, when):
    """That call of that role fails with that error; then no more."""
    with start() as daemon:
        finger(daemon.port, b"x\r\n")
        pid = daemon.role(role).pid
        with Strace(pid, (call, "error=%s:when=%s" % (error, when))) as trace:
            found = outcomes(daemon, 30)
            injected = trace.injected()
        equal(found.get("hung", 0), 0, "%s of %s in %s: hung: %s" % (
            error, call, role, found))
        check(injected, "%s of %s was never called" % (call, role))
        recovered(daemon)


def held(daemon, count):
    """Connections that are being served, and say nothing yet."""
    clients = [Connection(daemon.port, timeout=15) for _ in range(count)]
    for client in clients:
        daemon.wait("connection-accepted", source_port=client.port)
    return clients


def all_are_served(daemon, clients):
    """None was closed in the books, and each is answered now."""
    equal(daemon.of("session-closed"), [], "closed while they live")
    equal(daemon.sessions("finger"), len(clients), "counted")
    for client in clients:
        answer, ending = client.send(b"nobodyatall\r\n").read_all()
        equal((answer, ending), (b"No such user.\r\n", "eof"), "answer")
    recovered(daemon)


@needs_root
@needs("strace")
@limit(120)
def test_a_broken_channel_is_no_death():
    """The zygote's channel to the master fails, once and for good: another
    one takes its place, and no session is lost or forgotten."""
    for call, error, when in (("recvmsg", "EIO", "1"),
                              ("recvmsg", "ENOMEM", "1..5"),
                              ("sendmsg", "EIO", "1"),
                              ("sendmsg", "ENOBUFS", "1..5"),
                              ("poll", "ENOMEM", "1..5")):
        with start() as daemon:
            clients = held(daemon, 4)
            zygote = daemon.role("zygote finger").pid
            with Strace(zygote, (call, "error=%s:when=%s" % (
                    error, when))) as trace:
                extra = held(daemon, 1)
                wait_until(trace.injected, "%s to fail" % call)
            equal(daemon.role("zygote finger").pid, zygote, "the zygote")
            all_are_served(daemon, clients + extra)


@needs_root
@needs("strace")
@limit(120)
def test_events_go_on():
    """One failed call between a sender and audit loses nobody's events."""
    for role, call, error, when in (("audit", "recvmmsg", "ENOMEM", "1..3"),
                                    ("audit", "recvmmsg", "EIO", "1"),
                                    ("audit", "poll", "ENOMEM", "1..3"),
                                    ("master", "sendmmsg", "ENOBUFS", "1..3"),
                                    ("master", "sendmmsg", "EIO", "1..3")):
        with start() as daemon:
            finger(daemon.port, b"x\r\n")
            with Strace(daemon.role(role).pid, (call, "error=%s:when=%s" % (
                    error, when))) as trace:
                finger(daemon.port, b"x\r\n")
                wait_until(trace.injected, "%s to fail" % call)
            finger(daemon.port, b"x\r\n")
            recovered(daemon)


@needs_root
@needs("prlimit")
@limit(60)
def test_a_zygote_short_of_descriptors():
    """A real limit: what it cannot take is told as failed, and those who are
    served stay in the books."""
    with start() as daemon:
        clients = held(daemon, 4)
        zygote = daemon.role("zygote finger").pid
        processes.set_limit(zygote, "nofile",
                            processes.free_descriptor(zygote))
        # The pool's first, which take no descriptor of the zygote's.
        lost = []
        while not daemon.of("worker-failed", errno="EMFILE"):
            check(len(lost) < 20, "nothing fails")
            lost.append(Connection(daemon.port, timeout=15))
            daemon.wait("connection-accepted", source_port=lost[-1].port)
            wait_until(lambda: daemon.of("worker-failed") or len(
                daemon.of("connection-accepted")) -
                len(daemon.of("session-closed")) >= len(clients), "a word")
        processes.set_limit(zygote, "nofile", 1024)
        equal(daemon.role("zygote finger").pid, zygote, "the zygote")
        failed = len(daemon.of("worker-failed"))
        equal(failed, len(daemon.of("session-closed")), "only what failed")
        equal(daemon.sessions("finger"), len(clients) + len(lost) - failed,
              "counted")
        for client in clients:
            answer, _ = client.send(b"nobodyatall\r\n").read_all()
            equal(answer, b"No such user.\r\n", "answer")
        for client in lost:
            client.close()
        recovered(daemon)


@needs_root
@needs("strace")
@limit(120)
def test_accept_out_of_descriptors():
    for error in ("EMFILE", "ENFILE", "ENOMEM", "ENOBUFS"):
        with start() as daemon:
            finger(daemon.port, b"x\r\n")
            pid = daemon.role("master").pid
            with Strace(pid, ("accept4", "error=%s:when=1+" % error)) as \
                    trace:
                with Connection(daemon.port) as client:
                    # What a process that spins does in a second is the one
                    # thing to be measured; strace slows it to thousands.
                    time.sleep(1)
                    check(0 < trace.injected() < 100, "%s: %d calls in a "
                          "second" % (error, trace.injected()))
                    short = daemon.of("resources-short") + \
                        daemon.of("connection-refused",
                                  reason="no-resources")
                    check(short, error + ": not a word")
                    check(len(short) < 60, "%s: %d words" % (
                        error, len(short)))
                    client.close()
            recovered(daemon)


@needs_root
@needs("strace")
@limit(120)
def test_accept_of_one_that_has_gone():
    for error in ("ECONNABORTED", "EINTR", "EAGAIN", "EPERM", "EPROTO"):
        inject("master", "accept4", error, "1..3")


@needs_root
@needs("strace")
@limit(120)
def test_accept_that_says_broken():
    """The socket listens all the same: it is handed over again, whether the
    word on it comes through at once or not, and one event says so."""
    for more in ((), (("sendmsg", "error=ENOBUFS:when=1"),
                      ("sendmmsg", "error=ENOBUFS:when=1"))):
        with start() as daemon:
            finger(daemon.port, b"x\r\n")
            daemon.idle()
            pid = daemon.role("master").pid
            with Strace(pid, ("accept4", "error=EINVAL:when=1"), *more) as \
                    trace:
                answer, _ = finger(daemon.port, b"nobodyatall\r\n")
                check(answer, "no answer")
                check(trace.injected(), "accept4 was never called")
            equal(len(daemon.of("listener-failed", errno="EINVAL")), 1,
                  "events")
            recovered(daemon)


@needs_root
@needs("strace")
@limit(180)
def test_master_cannot_make_channels():
    for error in ("EMFILE", "ENFILE", "ENOMEM"):
        inject("master", "socketpair", error, "1..4")


@needs_root
@needs("strace")
@limit(180)
def test_master_cannot_send():
    for error in ("EAGAIN", "ENOBUFS", "ENOMEM", "ETOOMANYREFS"):
        inject("master", "sendmsg", error, "2..6")


@needs_root
@needs("strace")
@limit(120)
def test_master_cannot_receive():
    for error in ("ENOMEM", "EINTR", "EAGAIN"):
        inject("master", "recvmsg", error, "2..6")


@needs_root
@needs("strace")
@limit(120)
def test_zygote_cannot_fork():
    for call in ("clone", "clone3"):
        for error in ("EAGAIN", "ENOMEM"):
            try:
                inject("zygote finger", call, error, "1..6")
            except AssertionError as problem:
                if "never called" in str(problem):
                    continue
                raise


@needs_root
@needs("strace")
@limit(120)
def test_zygote_cannot_receive_or_send():
    inject("zygote finger", "recvmsg", "EAGAIN", "2..5")
    inject("zygote finger", "recvmsg", "ENOMEM", "2..5")
    inject("zygote finger", "sendmsg", "EAGAIN", "2..5")


@needs_root
@needs("strace")
@limit(120)
def test_audit_cannot_write():
    for call, error in (("write", "EAGAIN"), ("write", "ENOSPC"),
                        ("writev", "EAGAIN")):
        with start() as daemon:
            finger(daemon.port, b"x\r\n")
            with Strace(daemon.role("audit").pid,
                        (call, "error=%s:when=1..5" % error)):
                found = outcomes(daemon, 10)
            equal(found, {"answered": 10}, "%s of %s" % (error, call))
            daemon.idle()
            recovered_stream(daemon)


def recovered_stream(daemon):
    """Events come again when the fault is over."""
    mark = daemon.mark()
    finger(daemon.port, b"x\r\n")
    daemon.wait("session-closed", after=mark)


@needs_root
@limit(90)
def test_master_out_of_descriptors_for_real():
    """A hard limit of descriptors, and more clients than it allows."""
    daemon = start()
    daemon.wrapper = ["prlimit", "--nofile=48:48"]
    with daemon:
        finger(daemon.port, b"x\r\n")
        pid = daemon.role("master").pid
        clients = []
        for _ in range(60):
            client = Connection(daemon.port)
            clients.append(client)
        daemon.wait("connection-refused", reason="no-resources")
        before = cpu(pid)
        time.sleep(1)
        check(cpu(pid) - before < 0.3, "it spins")
        served = [c for c in clients if c.silent()]
        check(served, "nobody is served")
        for client in clients:
            client.close()
        recovered(daemon)


@needs_root
@needs("strace")
@limit(90)
def test_monitor_out_of_everything_on_a_restart():
    """A role dies while the monitor cannot fork: it is tried again."""
    with start() as daemon:
        finger(daemon.port, b"x\r\n")
        lookup = daemon.role("lookup").pid
        with Strace(daemon.pid, ("clone", "error=EAGAIN:when=1..2"),
                    ("socketpair", "error=EMFILE:when=1..2")):
            os.kill(lookup, 9)
            wait_until(lambda: [p for p in daemon.roles().get("lookup", [])
                                if p.pid != lookup], "another lookup", 30)
        recovered(daemon)


# --- an end is called what it was ---------------------------------------------


def log_of(daemon):
    with open(daemon.run + "/portreeved.log", encoding="utf-8") as file:
        return file.read()


def everything():
    """A daemon with every role that is sealed."""
    daemon = start()
    daemon.cat = free_port()
    daemon.configure(
        "system { services { finger { port %d; %s } service cat { port %d; "
        "protocol tcp; wait no; user nobody; exec \"/bin/cat\"; %s } } }" % (
            daemon.port, BOTH, daemon.cat, BOTH))
    return daemon


@needs_root
@limit(90)
def test_an_abort_is_called_that():
    """A role that calls abort(), as bug() and libuv do: it may not even send
    itself a signal, and its end is no violation and nobody's kill."""
    with everything() as daemon:
        for name in ("master", "audit", "lookup", "logreader",
                     "zygote finger"):
            mark = daemon.mark()
            pid = wait_until(lambda: sealed(daemon, name), "a " + name)
            equal(execute(pid, TGKILL, str(pid), str(pid), str(SIGABRT)),
                  "stopped by SYS", "tgkill in " + name)
            event = daemon.wait("role-restarted", after=mark, pid=pid)
            equal(event["reason"], "aborted, the log says why", name)
            check("abort() was called in process %d\n" % pid in
                  log_of(daemon), "not a word in the log")
        wait_until(lambda: sealed(daemon, "zygote finger"), "a zygote")
        client, pid = worker(daemon)[:2]
        equal(execute(pid, TGKILL, str(pid), str(pid), str(SIGABRT)),
              "stopped by SYS", "tgkill in a worker")
        event = daemon.wait("worker-failed", pid=pid)
        equal(event["reason"], "aborted", "reason of a worker")
        client.close()
        recovered(daemon)


@needs_root
@needs("strace")
@limit(60)
def test_an_abort_of_libuv_is_called_that():
    """libuv has no answer to a wait that fails."""
    with start() as daemon:
        finger(daemon.port, b"x\r\n")
        daemon.idle()
        pid = daemon.role("master").pid
        with Strace(pid, ("epoll_wait", "error=ENOMEM:when=1"),
                    ("epoll_pwait", "error=ENOMEM:when=1")) as trace:
            client = Connection(daemon.port)
            daemon.wait("role-restarted", pid=pid)
            check(trace.injected(), "no wait was called")
            client.close()
        event, = daemon.of("role-restarted", role="master")
        equal(event["reason"], "aborted, the log says why", "reason")
        check("abort() was called in process %d\n" % pid in log_of(daemon),
              "not a word in the log")
        recovered(daemon)


@needs_root
def test_a_crash_and_a_kill_are_called_that():
    with start() as daemon:
        for number, reason in ((signal.SIGSEGV, "crashed"),
                               (signal.SIGKILL, "killed")):
            pid = wait_until(lambda: sealed(daemon, "lookup"), "a lookup")
            os.kill(pid, number)
            event = daemon.wait("role-restarted", pid=pid)
            equal((event["signal"], event["reason"]), (number.name, reason),
                  "of %s" % number.name)


@needs_root
@needs("strace")
@limit(120)
def test_a_wait_that_fails():
    """What has ended is waited for a moment later, and the log says what
    kept it, though no signal comes a second time."""
    for name, port in (("finger", "port"), ("cat", "cat")):
        with everything() as daemon:
            zygote = wait_until(lambda: sealed(daemon, "zygote finger")
                                if name == "finger" else
                                daemon.role("zygote cat").pid, "a zygote")
            with Connection(getattr(daemon, port)) as client:
                daemon.wait("connection-accepted", source_port=client.port)
                with Strace(zygote, ("waitid", "error=EINVAL:when=1..3")) as \
                        trace:
                    client.close()
                    daemon.wait("session-closed", source_port=client.port)
                    check(trace.injected(), "waitid was never called")
            check("cannot be waited for: Invalid argument" in log_of(daemon),
                  "not a word in the log: " + log_of(daemon))
            equal(daemon.role("zygote " + name).pid, zygote, "the zygote")
            equal(daemon.of("role-restarted"), [], "restarts")
            recovered(daemon)


@needs_root
@needs("strace")
@limit(120)
def test_memory_that_cannot_be_advised():
    """The pool waits for better times, or the zygote gives its place to
    another; nobody is refused, and the log says what failed."""
    for when in ("1", "2"):
        with start() as daemon:
            zygote = wait_until(lambda: sealed(daemon, "zygote finger"),
                                "a zygote")
            finger(daemon.port, b"x\r\n")
            daemon.idle()
            with Strace(zygote, ("madvise", "error=ENOMEM:when=" + when)) as \
                    trace:
                wait_until(lambda: finger(daemon.port, b"x\r\n")[0] and
                           trace.injected(), "madvise to fail")
            wait_until(lambda: "Cannot allocate memory" in log_of(daemon),
                       "a word in the log: " + log_of(daemon))
            equal(daemon.of("role-restarted"), [], "restarts")
            recovered(daemon)


class NoProcess:
    """A process that can have no child, by a real limit: of its own cgroup."""

    def __init__(self, pid):
        for root in ("/sys/fs/cgroup/pids", "/sys/fs/cgroup"):
            path = "%s/portreeve-test-%d" % (root, pid)
            try:
                os.mkdir(path)
            except OSError:
                continue
            if os.path.exists(path + "/pids.max"):
                break
            os.rmdir(path)
        else:
            raise Skip("there are no limits of processes by cgroup here")
        self.path, self.root, self.pid = path, root, pid

    def put(self, name, text):
        with open(name, "w", encoding="ascii") as file:
            file.write(text)

    def __enter__(self):
        self.put(self.path + "/pids.max", "1")
        self.put(self.path + "/cgroup.procs", str(self.pid))
        return self

    def __exit__(self, *_):
        self.put(self.root + "/cgroup.procs", str(self.pid))
        os.rmdir(self.path)


def refused_without_a_process(daemon, port, line, service):
    """Twenty come and are refused; then the limit's worth is served."""
    zygote, mark = daemon.role("zygote " + service).pid, daemon.mark()
    with NoProcess(zygote):
        for _ in range(20):
            with Connection(port) as client:
                event = daemon.wait("connection-refused", after=mark,
                                    source_port=client.port)
                equal(event["reason"], "no-resources", "reason")
                equal(client.read_all()[0], line, "what the peer saw")
    equal([e for e in daemon.of("connection-accepted", after=mark)
           if e["service"] == service], [], "accepted without a process")
    check(len(daemon.of("resources-short", after=mark)) <= 1,
          "more than one event tells of it")
    clients = [Connection(port) for _ in range(3)]
    for client in clients:
        daemon.wait("connection-accepted", after=mark,
                    source_port=client.port)
    with Connection(port) as client:
        event = daemon.wait("connection-refused", after=mark,
                            source_port=client.port)
        equal(event["reason"], "rate-limit", "reason past the rate")
    for client in clients:
        client.close()
    equal(daemon.of("worker-failed", after=mark), [], "failures")


@needs_root
@limit(90)
def test_programs_without_a_process_are_refused():
    """Of a service and of ssh: nothing was accepted, no rate was spent."""
    ports = [free_port() for _ in range(2)]
    with Daemon(
            "system { services { ssh { port %d; %s rate-limit 3; } "
            "service cat { port %d; protocol tcp; wait no; user nobody; "
            "exec \"/bin/cat\"; %s rate-limit 3; } } }" % (
                ports[0], BOTH, ports[1], BOTH)) as daemon:
        refused_without_a_process(daemon, ports[1], b"", "cat")
        refused_without_a_process(daemon, ports[0],
                                  b"Too many connections\r\n", "ssh")


if __name__ == "__main__":
    main()
