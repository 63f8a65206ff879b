#!/usr/bin/python3
"""Any one process killed at any moment, under 200 connections a second: the
others' sessions go on, counts are right, nothing hangs."""
import os
import signal

from harness.load import Load
from harness import (BOTH, Connection, Daemon, authorize, check, equal, finger,
                     free_port, key, limit, main, needs, needs_root, processes,
                     ssh, ssh_echoes, ssh_start, wait_until)


def start():
    port, ssh_port, exec_port = free_port(), free_port(), free_port()
    daemon = Daemon(
        "system { services { extended-limits; finger { port %d; %s "
        "connection-limit 2000; rate-limit 1000000; } ssh { port %d; %s } "
        "service cat { port %d; protocol tcp; wait no; user nobody; "
        "exec \"/bin/cat\"; %s } } }" % (
            port, BOTH, ssh_port, BOTH, exec_port, BOTH))
    daemon.port, daemon.ssh, daemon.cat = port, ssh_port, exec_port
    return daemon


def balance(daemon):
    """The books, once nothing is open: each accepted connection was closed
    once, and nothing is counted."""
    daemon.idle()
    wait_until(lambda: len(daemon.of("session-closed")) >=
               len(daemon.of("connection-accepted")), "every close in the "
               "books: %d accepted, %d closed" % (
                   len(daemon.of("connection-accepted")),
                   len(daemon.of("session-closed"))))
    for name in ("connection-accepted", "session-closed"):
        sessions = [e["session"] for e in daemon.of(name)]
        equal(len(sessions), len(set(sessions)), "a session twice in " + name)
    equal({e["session"] for e in daemon.of("session-closed")},
          {e["session"] for e in daemon.of("connection-accepted")},
          "sessions closed and accepted")


def kill_under_load(role, worst, books=True):
    """Kills it twice; at most `worst` clients may feel each. A session of
    ssh, one of cat and one of finger were there before, and go on unless the
    role is their own zygote."""
    pair = key()
    authorize("alice", pair)
    with start() as daemon:
        session = ssh_start(daemon.ssh, "alice", identity=pair)
        cat = Connection(daemon.cat)
        held = Connection(daemon.port)
        daemon.wait("connection-accepted", source_port=held.port)
        daemon.wait("connection-accepted", source_port=cat.port)
        cat.send(b"one\n").read_until(b"one\n")
        with Load(daemon.port) as load:
            for _ in range(2):
                load.more(150, wait_until)
                bad, mark = load.bad(), daemon.mark()
                pid = wait_until(lambda: daemon.roles().get(role),
                                 role)[0].pid
                os.kill(pid, signal.SIGKILL)
                event = daemon.wait("role-restarted", after=mark)
                equal(event["signal"], "SIGKILL", "signal")
                check(event["role"] in role, "role: " + event.line)
                wait_until(lambda: [p for p in daemon.roles().get(role, [])
                                    if p.pid != pid], "another " + role)
                load.more(150, wait_until)
                check(load.bad() - bad <= worst, "%s's death was felt by %d: "
                      "%s" % (role, load.bad() - bad, load.outcomes))
        equal(load.outcomes.get("hung", 0), 0, "clients that hung")
        if role != "zygote ssh":
            check(ssh_echoes(session, b"here"), "the ssh session")
        if role != "zygote cat":
            cat.send(b"two\n").read_until(b"two\n")
        if role != "zygote finger":
            held.send(b"nobodyatall\r\n")
            answer, ending = held.read_all()
            check(answer and ending == "eof", "the held query: %r" % answer)
        cat.close()
        held.close()
        session.stdin.close()
        session.wait(20)
        done = ssh(daemon.ssh, "alice", "echo in", identity=pair)
        equal(done.stdout, b"in\n", "a login afterwards: %s" % done.stderr)
        check(finger(daemon.port, b"x\r\n")[0], "a query afterwards")
        if books:
            balance(daemon)
        else:
            daemon.idle()


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_master():
    # What it had accepted and not handed over is lost with it.
    kill_under_load("master", 12)


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_finger_zygote():
    kill_under_load("zygote finger", 24)


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_audit():
    # Events in its hands are gone with it; no connection is.
    kill_under_load("audit", 0, books=False)


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_lookup():
    kill_under_load("lookup", 0)


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_logreader():
    kill_under_load("logreader", 0)


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_ssh_zygote():
    kill_under_load("zygote ssh", 0)


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_program_zygote():
    name = [n for n in names() if n.startswith("zygote") and
            n.split()[1] not in ("finger", "ssh")][0]
    kill_under_load(name, 0)


def names():
    with start() as daemon:
        wait_until(lambda: len([n for n in daemon.roles()
                                if n.startswith("zygote")]) == 3, "zygotes")
        return list(daemon.roles())


@needs_root
@limit(120)
def test_a_role_that_dies_at_once_does_not_spin():
    """Killed again and again, it is started with growing pauses, and serves
    again in the end."""
    with start() as daemon:
        mark = daemon.mark()
        for _ in range(12):
            pid = wait_until(lambda: daemon.roles().get("lookup"),
                             "lookup", 40)[0].pid
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not processes.alive(pid), "its death")
        check(len(daemon.of("role-restarted", after=mark)) <= 14,
              "more restarts than deaths")
        check(finger(daemon.port, b"x\r\n")[0], "no answer")


if __name__ == "__main__":
    main()
