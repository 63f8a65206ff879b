#!/usr/bin/python3
"""The monitor itself out of descriptors, by a real limit: it refuses the one
request, blames nobody, spins on nothing, ends what it is told to end, and
starts what has died."""
import os
import resource
import signal
import socket
import time

from harness import (BOTH, Connection, Daemon, check, equal, finger, free_port,
                     limit, main, needs, needs_root, processes, wait_until)
from harness.strace import Strace


def start():
    ports = [free_port() for _ in range(4)]
    daemon = Daemon(
        "system { services { finger { port %d; %s } telnet { port %d; %s } "
        "service cat { port %d; protocol tcp; wait no; user nobody; exec "
        "\"/bin/cat\"; %s } service stubborn { port %d; protocol tcp; "
        "wait no; user nobody; exec \"/bin/sh -c 'trap : TERM; echo up; "
        "while :; do sleep 60; done'\"; %s } } }" % (
            ports[0], BOTH, ports[1], BOTH, ports[2], BOTH, ports[3], BOTH))
    daemon.finger, daemon.telnet, daemon.cat, daemon.stubborn = ports
    return daemon


def narrow(pid, more):
    """Not one descriptor more than it has, and so many."""
    most = max(processes.descriptors(pid)) + 1
    return resource.prlimit(pid, resource.RLIMIT_NOFILE,
                            (most + more, most + more))


def cpu(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as file:
        words = file.read().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def answers(port):
    try:
        return finger(port, b"x\r\n")[0]
    except OSError:
        return None


@needs_root
@limit(120)
def test_no_descriptor_left():
    with start() as daemon:
        cats = [Connection(daemon.cat) for _ in range(2)]
        for cat in cats:
            cat.send(b"one\n").read_until(b"one\n")
        rows = [r for r in daemon.show("sessions") if r["service"] == "cat"]
        narrow(daemon.pid, 0)
        began, spent, mark = time.monotonic(), cpu(daemon.pid), daemon.mark()
        # A name typed at telnet: that one login is refused, or made.
        with Connection(daemon.telnet) as client:
            client.read_until(b"login: ")
            client.send(b"alice\r\n")
            data = b""
            while b"Password: " not in data and b"now." not in data:
                piece = client.socket.recv(4096)
                check(piece, "telnet ended: %r" % data)
                data += piece
        # One is ended, as told.
        done = daemon.cli("clear", "session", str(rows[0]["id"]))
        equal((done.returncode, done.stderr), (0, ""), "clear session")
        daemon.wait("session-closed", session=rows[0]["id"])
        # A role that dies is replaced.
        for role in ("lookup", "zygote finger", "master"):
            pid = daemon.role(role).pid
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: [p for p in daemon.roles().get(role, [])
                                if p.pid != pid], "another " + role)
            wait_until(lambda: answers(daemon.finger), "an answer")
        killed = [e for e in daemon.of("role-restarted", after=mark)
                  if e["reason"] != "killed"]
        equal(killed, [], "roles that were blamed")
        alive = [cat for cat in cats if echoes(cat)]
        equal(len(alive), 1, "sessions that live")
        spent, took = cpu(daemon.pid) - spent, time.monotonic() - began
        check(spent < 0.5 * took + 1, "%.1f s of CPU in %.1f s" % (
            spent, took))
        for cat in cats:
            cat.close()


def echoes(cat):
    try:
        cat.send(b"two\n").read_until(b"two\n")
        return True
    except (OSError, AssertionError, EOFError):
        return False


@needs_root
@limit(90)
def test_fewer_than_it_waits_for():
    """poll(2) then fails for all of them: EINVAL."""
    with start() as daemon:
        with Connection(daemon.cat) as cat:
            cat.send(b"one\n").read_until(b"one\n")
            resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (4, 4))
            mark, spent = daemon.mark(), cpu(daemon.pid)
            # Twice as long as a silent role is given.
            began = time.monotonic()
            wait_until(lambda: time.monotonic() - began > 11 and
                       answers(daemon.finger), "an answer", 30)
            equal(daemon.of("role-restarted", after=mark), [], "restarts")
            check(cpu(daemon.pid) - spent < 3, "it spins")
            cat.send(b"two\n").read_until(b"two\n")


def clear(daemon, session):
    done = daemon.cli("clear", "session", str(session))
    return done.returncode, done.stderr


@needs_root
@needs("strace")
@limit(120)
def test_clear_session_says_when_it_failed():
    """Whatever the monitor or the ender cannot read or do: not "0", and
    nothing ended; a leader that outlives its grace is told about, and ended when it
    can be."""
    for call, error in (("openat", "EMFILE"), ("pidfd_open", "ENOMEM"),
                        ("read", "EIO")):
        with start() as daemon, Connection(daemon.cat) as cat:
            cat.send(b"one\n").read_until(b"one\n")
            session = daemon.show("sessions")[0]["id"]
            with Strace(daemon.pid, (call, "error=%s:when=1+" % error)):
                code, text = clear(daemon, session)
            check(code != 0 and "clear it again" in text,
                  "%s of %s: %d, %r" % (error, call, code, text))
            equal(daemon.of("session-closed"), [], "closed")
            equal(clear(daemon, session), (0, ""), "the second time")
            daemon.wait("session-closed", session=session)
    with start() as daemon, Connection(daemon.stubborn) as client:
        client.read_until(b"up")
        session = daemon.show("sessions")[0]["id"]
        with Strace(daemon.pid, ("pidfd_send_signal",
                                 "error=EPERM:when=1+")):
            clear(daemon, session)
            daemon.wait("resources-short", role="ender")
            equal(daemon.of("session-closed"), [], "closed")
        daemon.wait("session-closed", session=session)


def zygotes(daemon):
    return {name: sorted(p.pid for p in some)
            for name, some in daemon.roles().items()
            if name.startswith("zygote")}


@needs_root
@needs("strace")
@limit(120)
def test_no_channel_for_a_new_master():
    """The monitor's shortage costs no zygote, and so no session."""
    with start() as daemon, Connection(daemon.cat) as cat:
        cat.send(b"one\n").read_until(b"one\n")
        before, mark = zygotes(daemon), daemon.mark()
        # Longer, and a zygote that has no master retires of itself.
        with Strace(daemon.pid, ("socketpair", "error=ENOMEM:when=2..7")):
            os.kill(daemon.role("master").pid, signal.SIGKILL)
            wait_until(lambda: answers(daemon.finger), "an answer", 60)
        daemon.wait("resources-short", after=mark, role="monitor",
                    errno="ENOMEM")
        equal(zygotes(daemon), before, "zygotes")
        cat.send(b"two\n").read_until(b"two\n")
        equal(daemon.sessions("cat"), 1, "counted")


if __name__ == "__main__":
    main()
