#!/usr/bin/python3
"""finger over the wire: RFC 1288's queries, and answers that hold nothing a
terminal would obey."""
import os
import pwd
import signal
import threading

from harness import (BOTH, Connection, Daemon, check, equal, finger, free_port,
                     limit, main, needs_root, wait_until, world, write)

LATER = b"No answer can be had now, try again later.\r\n"


def start(flags=""):
    port = free_port()
    daemon = Daemon("system { services { finger { port %d; %s %s } } }" %
                    (port, BOTH, flags)).start()
    daemon.port = port
    return daemon


def ask(daemon, query, host="127.0.0.1"):
    answer, ending = finger(daemon.port, query, host)
    equal(ending, "eof", "end of the answer to %r" % query)
    check(answer, "an empty answer to %r" % query)
    check(answer.endswith(b"\r\n"), "no CRLF at the end of %r" % answer)
    check(b"\n" not in answer.replace(b"\r\n", b""), "a bare LF: %r" % answer)
    return answer


@needs_root
def test_tells_of_a_user_over_both_families():
    write("/home/alice/.plan", "To grow\x1b[31m and shrink\n", 0o644, "alice")
    with start() as daemon:
        for host in ("127.0.0.1", "::1"):
            answer = ask(daemon, b"alice\r\n", host)
            check(b"alice" in answer, "no login name in %r" % answer)
            check(b"Alice of the tests" in answer, "no name in %r" % answer)
            check(b"To grow^[[31m and shrink" in answer,
                  "the plan's escape is not shown as ^[: %r" % answer)
            check(b"\x1b" not in answer, "an escape came through")
        event = daemon.wait("connection-accepted", service="finger",
                            family="inet6")
        equal(event["source"], "::1", "source")
        equal(ask(daemon, b"alice\n"), ask(daemon, b"alice\r\n"),
              "the answer to a bare LF")


@needs_root
def test_shows_details_only_when_told():
    with start() as daemon:
        answer = ask(daemon, b"/W alice\r\n")
        check(b"/bin/bash" not in answer and b"/home/alice" not in answer,
              "details in %r" % answer)
    with start("show-details;") as daemon:
        answer = ask(daemon, b"/W alice\r\n")
        check(b"/bin/bash" in answer and b"/home/alice" in answer,
              "no details in %r" % answer)


@needs_root
def test_tells_nothing_apart_of_who_is_not_told_of():
    write("/home/bob/.nofinger", "", 0o644, "bob")
    with start() as daemon:
        unknown = ask(daemon, b"nobodyatall\r\n")
        for name in ("bob", "root", "daemon", "toor"):
            equal(ask(daemon, name.encode() + b"\r\n").replace(
                name.encode(), b"nobodyatall"), unknown,
                "the answer about " + name)
    os.unlink("/home/bob/.nofinger")
    with start() as daemon:
        check(b"Bob of the tests" in ask(daemon, b"bob\r\n"),
              "bob is hidden without the file that hides him")


@needs_root
def test_reads_no_plan_that_could_hurt():
    plan = "/home/alice/.plan"
    secret = write("/mnt/secret", "the secret\n", 0o644)

    def fifo():
        os.mkfifo(plan)
        os.chmod(plan, 0o644)

    def big():
        with open(plan, "wb") as file:
            file.truncate(1 << 30)

    ways = {"a link": lambda: os.symlink(secret, plan), "a FIFO": fifo,
            "a device": lambda: os.mknod(plan, 0o20644, os.makedev(1, 5)),
            "a huge file": big,
            "another's": lambda: write(plan, "the secret\n", 0o644, "bob"),
            "a private file": lambda: write(plan, "the secret\n", 0o600,
                                            "alice")}
    with start() as daemon:
        for name, make in ways.items():
            if os.path.lexists(plan):
                os.unlink(plan)
            make()
            if name in ("a FIFO", "a device", "a huge file"):
                os.lchown(plan, pwd.getpwnam("alice").pw_uid, -1)
            answer = ask(daemon, b"alice\r\n")
            check(b"Alice of the tests" in answer, "%s: %r" % (name, answer))
            check(b"the secret" not in answer, "%s was read" % name)
            check(len(answer) < 40000, "%s: %d bytes" % (name, len(answer)))
    os.unlink(plan)


def test_refuses_forwarding():
    with start() as daemon:
        for query in (b"alice@host.invalid\r\n", b"@host\r\n",
                      b"/W a@b@c\r\n"):
            check(b"Finger forwarding service denied" in ask(daemon, query),
                  "%r was not refused" % query)


def test_lists_users_only_when_told():
    with start() as daemon:
        closed = ask(daemon, b"\r\n")
    with start("list-users;") as daemon:
        check(ask(daemon, b"\r\n") != closed, "the listing is refused")


@needs_root
@limit(90)
def test_no_answer_is_not_nobody():
    """lookup hangs, and more ask it than wait: nobody is told that a user who
    is there is not, and the next lookup answers as before."""
    port, many = free_port(), 500
    with Daemon("system { services { extended-limits; finger { port %d; %s "
                "connection-limit 1000; rate-limit 10000; } } }" % (
                    port, BOTH)) as daemon:
        daemon.port = port
        stopped, over = set(), threading.Event()

        def stop():
            """Each one that takes a hung one's place, until all have asked."""
            while not over.wait(0.02):
                for process in daemon.roles().get("lookup", []):
                    if process.pid not in stopped:
                        stopped.add(process.pid)
                        os.kill(process.pid, signal.SIGSTOP)
        lookup = daemon.role("lookup").pid
        stopped.add(lookup)
        os.kill(lookup, signal.SIGSTOP)
        thread = threading.Thread(target=stop)
        thread.start()
        clients = [Connection(port) for _ in range(many)]
        for client in clients:
            client.send(b"alice\r\n")
        answers = [clients[0].read_all()[0]]
        over.set()
        thread.join()
        answers += [client.read_all()[0] for client in clients[1:]]
        for client in clients:
            client.close()
        later = [a for a in answers if a == LATER]
        good = [a for a in answers if b"Alice of the tests" in a]
        check(later, "lookup did not hang: the test tries nothing")
        equal(len(later) + len(good), many, "answers, but for %r" % [
            a for a in answers if a not in later and a not in good][:3])
        daemon.wait("resources-short", role="lookup")

        def answers_again():
            return b"Alice of the tests" in ask(daemon, b"alice\r\n")
        wait_until(answers_again, "an answer")
        check(lookup not in [p.pid for p in daemon.roles()["lookup"]],
              "the lookup that hung is there")
        equal(ask(daemon, b"nosuchuser\r\n"), b"No such user.\r\n",
              "of one who is not there")


def test_survives_every_bad_query():
    with start() as daemon:
        for query in (b"\x00\r\n", b"\xff\xfb\x01\r\n", b"/W" * 400 + b"\r\n",
                      b"a" * 33 + b"\r\n", b"../../etc/passwd\r\n",
                      b"%s%n%x\r\n", b"\x1b]0;x\x07\r\n", b" \t \r\n",
                      b"alice bob\r\n", b"-r\r\n"):
            answer = ask(daemon, query)
            check(b"\x1b" not in answer and b"\xff" not in answer,
                  "%r gave %r" % (query, answer))
            check(b"root:" not in answer, "a file came out: %r" % answer)
        with Connection(daemon.port) as client:
            client.send(b"x" * 100)
            client.half_close()
            client.read_all()
        with Connection(daemon.port) as client:
            try:
                client.send(b"x" * 5000)
            except OSError:
                pass
            answer, _ = client.read_all()
            check(len(answer) < 4096, "an overlong query gave %d bytes" %
                  len(answer))
        daemon.wait("session-closed", count=12)
        equal(daemon.of("worker-failed"), [], "workers that failed")
        ask(daemon, b"still\r\n")


def test_books_every_connection_once():
    with start() as daemon:
        mark = daemon.mark()
        answer = ask(daemon, b"nobodyatall\r\n")
        closed = daemon.wait("session-closed", after=mark)
        opened = daemon.wait("connection-accepted", after=mark)
        for name in ("service", "family", "source", "source-port",
                     "session"):
            equal(closed[name], opened[name], name)
        equal(closed["bytes-in"], "13", "bytes-in")
        equal(closed["bytes-out"], str(len(answer)), "bytes-out")
        equal(closed["exit"], "0", "exit")
        check(0 <= int(closed["duration-ms"]) < 20000, "duration-ms")
        check("user" not in closed, "a user without a login")
        equal(len(daemon.of("session-closed")), 1, "session-closed events")
        rows = [r for r in daemon.show("services")
                if r["service"] == "finger" and r["family"] == "inet"]
        equal(len(rows), 1, "rows of finger and inet")
        equal((rows[0]["accepted"], rows[0]["refused"],
               rows[0]["sessions"]), (1, 0, 0), "its counts")


def test_is_off_until_a_statement_says_it():
    port = free_port()
    with Daemon("system { services { inactive: finger { port %d; } } }" %
                port) as daemon:
        equal(daemon.show("services"), [], "services")
        try:
            with Connection(port):
                raise AssertionError("something answers on %d" % port)
        except ConnectionRefusedError:
            pass
        wait_until(lambda: daemon.roles(), "roles")
        check("zygote finger" not in daemon.roles(), "a zygote of finger")


if __name__ == "__main__":
    main()
