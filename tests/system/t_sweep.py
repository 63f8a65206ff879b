#!/usr/bin/python3
"""A sample of the sweep (make soak, tests/sweep): a call of a role fails, or
a limit is real, and what tests/harness/sweep.py says holds. Each case here did
not hold once. Then what a start meets."""
import os
import re
import shutil
import signal
import subprocess

from harness import (BOTH, Connection, Daemon, check, equal, finger, free_port,
                     limit, main, needs, needs_root, sweep, unused, wait_until,
                     world)
from harness.builds import own_build, traced

#: (role, call, errno, occurrence): each role once at least, and every kind of
#: occurrence.
CALLS = (
    ("monitor", "recvmsg", "ENOMEM", "5"),
    ("monitor", "getpeername", "ENOBUFS", "1"),
    ("monitor", "write", "EAGAIN", "1+"),
    ("master", "sendmsg", "ENOMEM", "13"),
    ("audit", "write", "EAGAIN", "1+"),
    ("logreader", "sendmmsg", "EAGAIN", "1+"),
    ("lookup", "openat", "EMFILE", "1"),
    ("lookup", "sendmsg", "ENOBUFS", "1"),
    ("zygote finger", "sendmsg", "EAGAIN", "1+"),
    ("zygote telnet", "recvmsg", "ENOMEM", "1"),
    ("zygote ssh", "recvmsg", "ENOMEM", "2"),
    ("worker finger", "sendto", "ENOMEM", "1"),
    ("worker finger", "sendto", "ENOBUFS", "1+"),
    ("worker telnet", "sendto", "ENOBUFS", "1+"),
    ("worker telnet", "sendto", "EPIPE", "2"),
    ("login telnet", "sendmsg", "EAGAIN", "2"),
    ("login telnet", "write", "EINTR", "5"),
    ("planner", "memfd_create", "EMFILE", "1"),
    ("ender", "pidfd_open", "EMFILE", "1"),
)
#: (role, descriptors more than it has)
LIMITS = (("zygote cat", 0), ("monitor", 0))


def judge(stage, role, what, failure):
    case = sweep.Case(stage, role, what, failure)
    check(case.run(), "%s: %s: %s" % (role, what, "; ".join(case.faults)))
    check(case.happened, "%s: %s was never met" % (role, what))


def judge_a_login(stage):
    """PAM goes on without a module that it could not load, and of several
    databases without one that could not be read: the peer is not to blame."""
    with sweep.Trace(stage, "login telnet") as trace:
        equal(stage.client("telnet").word, "ok", "a login")
        opens = re.findall(r' ?openat\([^"]*"([^"]*)"', trace.text())
    module = [n for n, path in enumerate(opens, 1)
              if path.endswith("/pam_unix.so")][0]
    database = [n for n, path in enumerate(opens, 1)
                if path == "/etc/passwd" and n > module]
    for n in (module, database[0]):
        judge(stage, "login telnet", "openat EMFILE at %d" % n,
              sweep.Trace(stage, "login telnet",
                          ("openat", "EMFILE", str(n))))
    check(stage.daemon.of("auth-failure", reason="no-resources"),
          "the module's failure is not told")


@needs_root
@needs("strace", "prlimit", "cc")
@limit(240)
def test_calls_that_fail():
    check({role for role, *_ in CALLS + LIMITS} == set(sweep.ROLES),
          "a role is left out")
    stage = sweep.Stage().start()
    try:
        for role, call, error, when in CALLS:
            judge(stage, role, "%s %s at %s" % (call, error, when),
                  sweep.Trace(stage, role, (call, error, when)))
        for service in ("telnet", "finger"):
            check(stage.daemon.of("session-closed", service=service,
                                  reason="no-resources"),
                  "of %s: nothing says what a worker was short of" % service)
        for role, room in LIMITS:
            judge(stage, role, "%d descriptors more" % room,
                  sweep.Limit(stage, role, "nofile", room))
        judge_a_login(stage)
    finally:
        stage.stop()


@needs_root
@needs("strace", "cc")
@limit(120)
def test_the_monitor_reports_again_when_its_channel_to_audit_broke():
    """audit lives, and is replaced, because only its start makes a channel."""
    stage = sweep.Stage().start()
    try:
        daemon = stage.daemon
        mark = daemon.mark()
        with sweep.Trace(stage, "monitor", ("sendmmsg", "EPIPE", "1")):
            equal(daemon.cli("reload").returncode, 0, "reload")
            daemon.wait("role-restarted", after=mark, role="audit",
                        timeout=40)
        mark = daemon.mark()
        equal(daemon.cli("reload").returncode, 0, "reload afterwards")
        daemon.wait("configuration-applied", after=mark)
    finally:
        stage.stop()


# --- a start -----------------------------------------------------------------

WRAPPER = r"""
#include <fcntl.h>
#include <unistd.h>
int
main(int argc, char **argv)
{
	int fd = open("%s", O_WRONLY | O_APPEND);

	(void)argc;
	if (fd >= 0)
		return (write(fd, "x", 1) == 1 ? 3 : 4);
	execv("%s.real", argv);
	return (127);
}
"""


def daemon_of(build):
    port = free_port()
    daemon = Daemon(
        "system { services { finger { port %d; %s } service cat { port %d; "
        "protocol tcp; wait no; user nobody; exec \"/bin/cat\"; %s } } }" % (
            port, BOTH, free_port(), BOTH))
    own = daemon.argv
    daemon.argv = lambda: [build + "/portreeved"] + own()[1:]
    daemon.port = port
    daemon.cat = int(re.search(r"cat \{ port (\d+)",
                               open(daemon.file).read()).group(1))
    return daemon


@needs_root
def test_an_audit_that_is_never_ready():
    """A start without one ends, and says why."""
    build = own_build("audit", lambda path: shutil.copy("/bin/false", path))
    daemon = daemon_of(build).launch()
    try:
        equal(daemon.child.wait(30), 1, "exit status")
        daemon.join()
        text = "\n".join(daemon.noise)
        check("audit ended before it was ready" in text,
              "words: %r" % text)
    finally:
        daemon.kill_all()


@needs_root
@needs("cc")
def test_an_audit_that_fails_for_a_while():
    """Later on it is started again until it is ready: nobody waits for it,
    sessions live, and its end is told when it can be."""
    sign = unused(world.WORK + "/audit-fails")

    def program(path):
        subprocess.run(["cc", "-x", "c", "-o", path, "-"], check=True,
                       input=(WRAPPER % (sign, path)).encode())
    with daemon_of(own_build("audit", program)) as daemon:
        with Connection(daemon.cat) as cat:
            cat.send(b"one\n").read_until(b"one\n")
            mark = daemon.mark()
            world.write(sign, "")
            os.kill(daemon.role("audit").pid, signal.SIGKILL)

            wait_until(lambda: os.path.getsize(sign) >= 2, "tries")
            finger(daemon.port, b"x\r\n")
            cat.send(b"two\n").read_until(b"two\n")
            os.unlink(sign)
            daemon.wait("role-restarted", role="audit", after=mark)
            finger(daemon.port, b"x\r\n")
            wait_until(lambda: len(daemon.of("connection-accepted")) == 3,
                       "what was accepted meanwhile")
            cat.send(b"three\n").read_until(b"three\n")


SLOW = r"""
#include <fcntl.h>
#include <unistd.h>
int
main(int argc, char **argv)
{
	(void)argc;
	if (open("%s", O_RDONLY) < 0 && access("%s", F_OK) == 0)
		return (3);
	execv("%s.real", argv);
	return (127);
}
"""


def with_slow_audit():
    """A daemon whose next audit starts when somebody writes to that FIFO."""
    gate = unused(world.WORK + "/gate")

    def program(path):
        subprocess.run(["cc", "-x", "c", "-o", path, "-"], check=True,
                       input=(SLOW % (gate, gate, path)).encode())
    daemon = daemon_of(own_build("audit", program)).start()
    first = daemon.role("audit").pid
    os.mkfifo(gate)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: [p for p in daemon.roles().get("audit", [])
                        if p.pid != first], "another audit")
    finger(daemon.port, b"x\r\n")
    # One that is in the books still would go on, for the next daemon to close.
    daemon.idle()
    os.kill(daemon.pid, signal.SIGTERM)
    wait_until(lambda: "zygote finger" not in daemon.roles(),
               "the zygotes to end")
    return daemon, gate


@needs_root
@needs("cc")
def test_a_stop_waits_for_an_audit_that_starts():
    """It has its time, and what waited for it is written."""
    daemon, gate = with_slow_audit()
    with open(gate, "w", encoding="ascii"):
        equal(daemon.child.wait(30), 0, "exit status")
    daemon.join()
    for name in ("role-restarted", "connection-accepted", "session-closed",
                 "stopped"):
        equal(len(daemon.of(name)), 1, name)


@needs_root
@needs("cc")
def test_a_stop_waits_for_no_audit_for_ever():
    daemon, _ = with_slow_audit()
    equal(daemon.child.wait(30), 0, "exit status")
    daemon.join()
    equal(daemon.of("stopped"), [], "without an audit")


@needs_root
@needs("strace", "cc")
def test_a_zygote_that_cannot_be_set_up():
    """Its event has its own words."""
    words = unused(world.WORK + "/words")
    log = unused(world.WORK + "/trace")
    world.write(words, "")
    with daemon_of(own_build("finger", traced(words, log))) as daemon:
        world.write(words, "-e trace=madvise -e inject=madvise:error=ENOMEM:"
                    "when=1+:syscall=%s" % sweep.HARMLESS)
        os.kill(daemon.role("zygote finger").pid, signal.SIGKILL)
        daemon.wait("role-restarted", signal="SIGKILL", reason="killed")
        event = daemon.wait("role-restarted", count=2)
        check(re.match("the zygote cannot be set up: Cannot allocate memory",
                       event["reason"]), "reason of " + event.line)
        world.write(words, "")
        wait_until(lambda: finger(daemon.port, b"x\r\n")[0], "an answer")


@needs_root
@needs("strace", "cc")
def test_the_first_accepting_is_lost():
    """`ready` is said, though the master's word was not sent at first."""
    words = unused(world.WORK + "/words")
    log = unused(world.WORK + "/trace")
    for error in ("ENOBUFS", "EAGAIN"):
        world.write(words, "-e trace=sendmsg -e inject=sendmsg:error=%s:"
                    "when=1..6:syscall=%s" % (error, sweep.HARMLESS))
        with daemon_of(own_build("master", traced(words, log))) as \
                daemon:
            finger(daemon.port, b"x\r\n")
            injected = 0
            for name in os.listdir(world.WORK):
                if name.startswith(os.path.basename(log)):
                    with open(world.WORK + "/" + name,
                              encoding="utf-8") as file:
                        injected += file.read().count("(INJECTED)")
            check(injected >= 6, "%d calls failed" % injected)


if __name__ == "__main__":
    main()
