#!/usr/bin/python3
"""Who failed before is refused for a while, by every service; a login forgives
it, and the box outlives the master."""
import concurrent.futures
import contextlib
import os
import signal
import subprocess

from harness import (Connection, check, equal, free_port, limit, main, needs,
                     needs_root, ssh, wait_until, world)
from harness.logins import ALICE, Login
from harness.sources import SERVER, SERVER6, address, come, start


#: The address that a client of SERVER has which binds none.
GUESSER = "198.18.0.0"


def both(kind, statements="", more=""):
    """That service and a finger, whose port is .finger."""
    port = free_port()
    daemon = start(kind, statements, "finger { port %d; listen-address "
                   "[ %s 127.0.0.1 ]; } %s" % (port, SERVER, more))
    daemon.finger = port
    return daemon


def knock(daemon, source):
    """Why finger refuses that source; None: it does not."""
    client = Connection(daemon.finger, SERVER, source=source)
    event = daemon.wait(("connection-accepted", "connection-refused"),
                        source=source, source_port=client.port)
    client.close()
    return event["reason"] if event["event"] == "connection-refused" else None


def hit(daemon, client, sig):
    """That signal to the worker that serves a client, as soon as it does."""
    def worker():
        return [r["pid"] for r in daemon.show("sessions")
                if r["source-port"] == client.port and r["pid"]]
    os.kill(wait_until(worker, "its worker")[0], sig)


def crash(daemon, source):
    """A worker of finger breaks while it serves that source."""
    mark = daemon.mark()
    client = Connection(daemon.finger, SERVER, source=source)
    daemon.wait("connection-accepted", after=mark, source_port=client.port)
    hit(daemon, client, signal.SIGSEGV)
    daemon.wait("session-closed", after=mark, source_port=client.port)
    client.close()


def fail(daemon, source, connections):
    """Three wrong passwords by telnet on each of so many connections at a
    time: PAM's own delay would let the first ones run out."""
    mark = daemon.mark()
    clients = [Login(daemon, host=SERVER, source=source)
               for _ in range(connections)]
    for _ in range(3):
        for client in clients:
            client.until(b"login: ")
            client.line("alice")
            client.until(b"Password: ")
            client.line("wrong")
    daemon.wait("auth-failure", after=mark, count=3 * connections,
                source=source)
    for client in clients:
        client.close()
    daemon.wait("session-closed", after=mark, count=connections,
                source=source)


def penalties(daemon):
    return {row["source"]: row for row in daemon.show("penalties")}


@needs_root
@needs("ip")
@limit(180)
def test_failures_add_up():
    with both("telnet", "rate-limit 250;") as daemon:
        equal(penalties(daemon), {}, "at first")
        fail(daemon, address(1), 1)
        row = wait_until(lambda: penalties(daemon).get(address(1)), "a row")
        equal((row["failures"], row["reason"], row["verdict"],
               row["service"]), (3, "failure", "allowed", "telnet"), "3 of 6")
        equal(knock(daemon, address(1)), None, "below 30 s nothing is refused")
        fail(daemon, address(1), 4)
        wait_until(lambda: penalties(daemon)[address(1)]["verdict"] ==
                   "refused", "the penalty")
        row = penalties(daemon)[address(1)]
        check(30 < row["score"] <= 75, row)
        equal(knock(daemon, address(1)), "penalty", "by another service")
        equal(come(daemon, address(1))[1], "penalty", "by the same")
        equal(knock(daemon, address(2)), None, "another source")
        done = daemon.cli("explain", address(1), "telnet")
        check(done.stdout.startswith("%s to telnet (inet): refused, "
                                     "reason=penalty\n" % address(1)),
              done.stdout)
        check(" s (15 failures) until 20" in done.stdout, done.stdout)
        # Neither a refused attempt nor an explanation costs anything.
        equal(penalties(daemon)[address(1)]["failures"], 15, "after these")
        done = daemon.cli("clear", "penalty", address(1))
        equal((done.returncode, done.stdout, done.stderr), (0, "", ""),
              "clear")
        equal(penalties(daemon), {}, "cleared")
        equal(knock(daemon, address(1)), None, "cleared")
        equal(daemon.cli("clear", "penalty", address(1)).returncode, 1,
              "there is none")
        equal(daemon.cli("clear", "penalty", "x").returncode, 2, "no address")


@needs_root
@needs("ip")
@limit(180)
def test_a_login_forgives_once_a_minute():
    with both("telnet", "rate-limit 250;") as daemon:
        for wanted in (0, 3):
            fail(daemon, address(1), 1)
            wait_until(lambda: penalties(daemon).get(address(1)), "a row")
            with Login(daemon, "alice", host=SERVER,
                       source=address(1)) as user:
                user.run("true")
                wait_until(lambda: [r for r in daemon.show("sessions")
                                    if r["user"] == "alice"], "the session")
                row = penalties(daemon).get(address(1))
                equal(row["failures"] if row else 0, wanted,
                      "what is left after a login")


@needs_root
@needs("ip", "ssh", "sshd")
@limit(180)
def test_failures_by_ssh():
    with both("ssh", "rate-limit 250;") as daemon:
        def attempt(source, user, **more):
            return ssh(daemon.port, user, host=SERVER,
                       options=("BindAddress=" + source,
                                "NumberOfPasswordPrompts=1"), **more)
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            done = [pool.submit(attempt, address(1), "nobody-here",
                                password="x") for _ in range(10)]
            equal([d.result().returncode for d in done], [255] * 10, "logins")
        wait_until(lambda: penalties(daemon).get(
            address(1), {"failures": 0})["failures"] == 10, "the failures")
        equal(penalties(daemon)[address(1)]["reason"], "unknown-user", "why")
        equal(knock(daemon, address(1)), "penalty", "after ten")
        # Others are not touched, and a login by PAM's word forgives.
        check(attempt(address(2), "alice", password="x").returncode != 0,
              "a login")
        wait_until(lambda: penalties(daemon).get(address(2)), "a row")
        done = attempt(address(2), "alice", password=ALICE)
        equal(done.returncode, 0, done.stderr)
        wait_until(lambda: address(2) not in penalties(daemon), "forgiveness")


@needs_root
@needs("ip")
@limit(180)
def test_a_crash_is_refused_at_once_and_outlives_the_master():
    with both("telnet") as daemon:
        crash(daemon, address(1))
        row = penalties(daemon)[address(1)]
        equal((row["reason"], row["verdict"]), ("crash", "refused"), row)
        check(80 < row["score"] <= 90, row)
        equal(come(daemon, address(1))[1], "penalty", "telnet")
        mark = daemon.mark()
        os.kill(daemon.role("master").pid, signal.SIGKILL)
        daemon.wait("role-restarted", after=mark, role="master")
        equal(come(daemon, address(1))[1], "penalty", "the next master")
        equal(daemon.cli("reload").returncode, 0, "reload")
        equal(knock(daemon, address(1)), "penalty", "after a reload")
        # Killed by hand is no crash.
        client, _ = come(daemon, address(2))
        hit(daemon, client, signal.SIGKILL)
        daemon.closed(client)
        check(address(2) not in penalties(daemon), "of who was killed")


@needs_root
@needs("ip")
@limit(180)
def test_a_network_of_ipv6_pays_as_one():
    with both("telnet") as daemon:
        mark = daemon.mark()
        client, _ = come(daemon, "2001:db8:0:7::1", SERVER6)
        hit(daemon, client, signal.SIGSEGV)
        daemon.closed(client, after=mark)
        equal(list(penalties(daemon)), ["2001:db8:0:7::/64"], "the source")
        equal(come(daemon, "2001:db8:0:7::2", SERVER6)[1], "penalty",
              "its neighbour")
        client, reason = come(daemon, "2001:db8:0:8::2", SERVER6)
        equal(reason, None, "another /64")
        client.close()
        done = daemon.cli("clear", "penalty", "2001:db8:0:7::/64")
        equal(done.returncode, 0, done.stderr)


@needs_root
@needs("ip")
@limit(180)
def test_nobody_who_is_exempt():
    with both("telnet", more="protection { exempt 198.18.1.2; }") as daemon:
        crash(daemon, address(1))
        crash(daemon, address(0))
        equal(knock(daemon, address(1)), None, "exempt")
        equal(knock(daemon, address(0)), "penalty", "not exempt")
    with both("telnet", more="protection { no-penalties; }") as daemon:
        crash(daemon, address(1))
        equal(penalties(daemon), {}, "without penalties")
        equal(knock(daemon, address(1)), None, "without penalties")
    with both("telnet") as daemon:
        client = Connection(daemon.finger)
        daemon.wait("connection-accepted", source_port=client.port)
        hit(daemon, client, signal.SIGSEGV)
        daemon.closed(client)
        equal(penalties(daemon), {}, "loopback")


@needs_root
@needs("ip")
@limit(120)
def test_silence_before_login_costs():
    with both("telnet", "login-grace-time 20;") as daemon:
        clients = [come(daemon, address(1))[0] for _ in range(3)]
        mark = daemon.mark()
        daemon.wait("auth-failure", after=mark, count=3, timeout=40,
                    reason="timeout")
        row = wait_until(lambda: penalties(daemon).get(address(1)), "a row")
        equal((row["reason"], row["verdict"], row["failures"]),
              ("timeout", "refused", 3), row)
        for client in clients:
            client.close()


def guessers(kind, port, user, words):
    """What guesses passwords out there, with the right one as the last."""
    return (["hydra", "-l", user, "-P", words, "-s", str(port), "-t", "4",
             "-I", "-f", SERVER, kind],
            ["medusa", "-h", SERVER, "-n", str(port), "-u", user, "-P", words,
             "-M", kind, "-t", "4", "-f", "-R", "1"])


def is_slowed(daemon, kind):
    """A guesser's source is refused, in every service; another is not."""
    daemon.wait("connection-refused", timeout=90, source=GUESSER,
                reason="penalty")
    equal(knock(daemon, GUESSER), "penalty", "its source")
    equal(knock(daemon, address(9)), None, "another source")
    if kind == "telnet":
        with Login(daemon, "alice", host=SERVER, source=address(9)) as user:
            check("alice" in user.run("id"), "a login")
    else:
        done = ssh(daemon.port, "alice", host=SERVER, password=ALICE,
                   options=("BindAddress=" + address(9),))
        equal(done.returncode, 0, done.stderr)
    equal(daemon.of("auth-success", source=GUESSER), [], "what it guessed")


@needs_root
@needs("ip", "hydra", "medusa", "ssh", "sshd")
@limit(200)
def test_guessers_are_slowed():
    words, running = world.WORK + "/words", []
    world.write(words, "".join("guess%d\n" % n for n in range(60)) +
                ALICE + "\n")
    with contextlib.ExitStack() as stack:
        for kind, which in (("ssh", 0), ("ssh", 1), ("telnet", 0),
                            ("telnet", 1)):
            daemon = stack.enter_context(both(kind, "rate-limit 250;"))
            child = subprocess.Popen(
                guessers(kind, daemon.port, "alice", words)[which],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, cwd=world.WORK)
            stack.callback(child.wait)
            stack.callback(child.kill)
            running.append((daemon, kind))
        # All at once: a penalty runs out.
        pool = stack.enter_context(
            concurrent.futures.ThreadPoolExecutor(len(running)))
        for done in [pool.submit(is_slowed, *one) for one in running]:
            done.result()


if __name__ == "__main__":
    main()
