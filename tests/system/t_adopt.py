#!/usr/bin/python3
"""The monitor's death, stops and restarts: sessions go on, and the next
daemon counts and books them."""
import os
import signal

from harness import (BOTH, Connection, Daemon, PASSWORDS, authorize, check,
                     equal, finger, free_port, key, limit, main, needs,
                     needs_root, processes, ssh, ssh_echoes, ssh_start,
                     wait_until, world)


def start(more="", limits="connection-limit 2;"):
    port, ssh_port, cat = free_port(), free_port(), free_port()
    daemon = Daemon(
        "system { services { finger { port %d; %s } ssh { port %d; %s %s } "
        "service cat { port %d; protocol tcp; wait no; user nobody; "
        "exec \"/bin/cat\"; %s } %s } }" % (
            port, BOTH, ssh_port, BOTH, limits, cat, BOTH, more))
    daemon.port, daemon.ssh, daemon.cat = port, ssh_port, cat
    return daemon


def again(old):
    """The next daemon, over the same folders."""
    with open(old.file, encoding="utf-8") as file:
        text = file.read()
    daemon = Daemon(text, directory=old.directory)
    daemon.port, daemon.ssh, daemon.cat = old.port, old.ssh, old.cat
    return daemon


def session(daemon, **how):
    client = ssh_start(daemon.ssh, "alice", **how)
    return client, daemon.wait("session-opened", user="alice")["session"]


def answers(port):
    try:
        return finger(port, b"x\r\n")[0]
    except OSError:
        return None


def left():
    return [processes.role(p) for p in processes.everyone()
            if processes.role(p)]


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_the_monitor_killed():
    pair = key()
    authorize("alice", pair)
    old = start()
    with old:
        client, number = session(old, identity=pair)
        cat = Connection(old.cat)
        old.wait("connection-accepted", source_port=cat.port)
        cat.send(b"one\n").read_until(b"one\n")
        cat_number = old.of("connection-accepted",
                            source_port=cat.port)[0]["session"]
        os.kill(old.pid, signal.SIGKILL)
        old.child.wait()
        wait_until(lambda: not left(), "every role to exit: %s" % left())
        check(ssh_echoes(client, b"alone"), "the session without a daemon")
        cat.send(b"two\n").read_until(b"two\n")
    with again(old) as daemon:
        check(ssh_echoes(client, b"adopted"), "the session")
        rows = {str(r["id"]): r for r in daemon.show("sessions")}
        check(number in rows, "the session's row: %s" % rows)
        equal((rows[number]["service"], rows[number]["user"],
               rows[number]["source"]), ("ssh", "alice", "127.0.0.1"),
              "the adopted row")
        check(cat_number in rows, "cat's row: %s" % rows)
        equal(daemon.sessions("ssh"), 1, "ssh sessions counted")
        equal(daemon.sessions("cat"), 1, "cat sessions counted")
        # connection-limit 2: it counts for the limit, too.
        with Connection(daemon.ssh) as second:
            second.read_until(b"\n")
            with Connection(daemon.ssh) as third:
                equal(third.read_all()[0], b"Too many connections\r\n",
                      "the third")
        mark = daemon.mark()
        client.stdin.close()
        client.wait(20)
        cat.half_close()
        equal(cat.read_all(), (b"", "eof"), "cat's end")
        for name in (number, cat_number):
            daemon.wait("session-closed", session=name)
        check(mark >= 0, "mark")
        daemon.idle()
        done = ssh(daemon.ssh, "alice", "echo in", identity=pair)
        equal(done.stdout, b"in\n", "a new login: %s" % done.stderr)


@needs_root
@needs("ssh", "sshd")
@limit(90)
def test_what_ended_in_between_is_closed_in_the_books():
    pair = key()
    authorize("alice", pair)
    old = start()
    with old:
        client, number = session(old, identity=pair)
        os.kill(old.pid, signal.SIGKILL)
        old.child.wait()
        wait_until(lambda: not left(), "every role to exit")
        client.stdin.close()
        client.wait(20)
        wait_until(lambda: not [p for p in processes.everyone()
                                if p.uid == world.base_uid()],
                   "alice's processes to end")
    with again(old) as daemon:
        daemon.wait("session-closed", session=number)
        daemon.idle()
        equal(len(daemon.of("session-closed", session=number)), 1, "closes")


@needs_root
@needs("ssh", "sshd")
@limit(90)
def test_also_where_the_service_is_gone_meanwhile():
    pair = key()
    authorize("alice", pair)
    old = start()
    with old:
        client, number = session(old, identity=pair)
        os.kill(old.pid, signal.SIGKILL)
        old.child.wait()
        client.stdin.close()
        client.wait(20)
        wait_until(lambda: not left(), "every role to exit")
        wait_until(lambda: not [p for p in processes.everyone()
                                if p.uid == world.base_uid()],
                   "alice's processes to end")
    with Daemon("", directory=old.directory) as daemon:
        daemon.wait("session-closed", session=number)
        equal(daemon.show("sessions"), [], "sessions")


@needs_root
@needs("ssh", "sshd")
@limit(90)
def test_clear_session_ends_an_adopted_one():
    pair = key()
    authorize("alice", pair)
    old = start()
    with old:
        client, number = session(old, identity=pair)
        os.kill(old.pid, signal.SIGKILL)
        old.child.wait()
        wait_until(lambda: not left(), "every role to exit")
    with again(old) as daemon:
        done = daemon.cli("clear", "session", number)
        equal(done.returncode, 0, "clear: %s" % done.stderr)
        client.wait(20)
        daemon.wait("session-closed", session=number)
        daemon.idle()


@needs_root
@needs("ssh", "sshd")
@limit(90)
def test_keep_sessions_outlives_a_stop():
    pair = key()
    authorize("alice", pair)
    old = start()
    with old:
        client, number = session(old, identity=pair)
        old.stop()
        check(ssh_echoes(client, b"kept"), "the session after a stop")
    with again(old) as daemon:
        equal(daemon.sessions("ssh"), 1, "counted")
        check(ssh_echoes(client, b"still"), "the session after a start")
        client.stdin.close()
        client.wait(20)
        daemon.wait("session-closed", session=number)
        daemon.idle()


@needs_root
@needs("ssh", "sshd")
@limit(90)
def test_no_keep_sessions_ends_them():
    with start("no-keep-sessions;") as daemon:
        client, number = session(daemon, password=PASSWORDS["alice"][0])
        held = Connection(daemon.port)
        daemon.wait("connection-accepted", source_port=held.port)
        daemon.stop()
        client.wait(20)
        held.read_all()
        wait_until(lambda: not left(), "every role to end: %s" % left())
        wait_until(lambda: not [p for p in processes.everyone()
                                if p.uid == world.base_uid()],
                   "alice's processes to end")
        check(number, "number")


@needs_root
def test_a_finger_query_outlives_the_monitor():
    old = start()
    with old:
        held = Connection(old.port)
        old.wait("connection-accepted", source_port=held.port)
        os.kill(old.pid, signal.SIGKILL)
        old.child.wait()
    with again(old) as daemon:
        held.send(b"nobodyatall\r\n")
        _, ending = held.read_all()
        equal(ending, "eof", "the query's end")
        daemon.idle()
        wait_until(lambda: answers(daemon.port), "a new query's answer")


if __name__ == "__main__":
    main()
