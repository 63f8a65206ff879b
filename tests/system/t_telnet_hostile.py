#!/usr/bin/python3
"""telnet's attackers end to end: every file of tests/hostile/telnet, floods,
and where a password is not. What the bytes mean is tests/unit/telnet's."""
import glob
import time

from portreeve_test import (check, equal, limit, main, needs_root,
                            wait_until, world)
from telnet import (AYT, NOP, Telnet, command, find_in_memory, no_failures,
                    pages_of, start)

HOSTILE = world.TOP + "/tests/hostile/telnet/"


def attack(client, data):
    """Sends what may be refused at any byte, and reads to the end."""
    try:
        client.send(data)
        client.half_close()
    except OSError:
        pass
    client.rest()
    client.close()


@needs_root
@limit(240)
def test_hostile_bytes():
    """Every attack file at the prompt, and some inside a session: none fails
    a worker, none logs anybody in, and the next one is served."""
    files = [f for f in sorted(glob.glob(HOSTILE + "*"))
             if not f.endswith(".expected")]
    check(len(files) > 60, "only %d attack files" % len(files))
    with start("extended-limits; rate-limit 1000; login-grace-time 5;") \
            as daemon:
        for count, name in enumerate(files, 1):
            with open(name, "rb") as file:
                data = file.read()
            client = Telnet(daemon.port)
            attack(client, data)
            daemon.closed(client)
        equal(daemon.of("session-opened"), [], "sessions")
        no_failures(daemon)
        check(count == len(files), "files")
        client = Telnet(daemon.port).shell()
        for name in files:
            if any(w in name for w in ("logout", "keys", "abort")):
                continue
            with open(name, "rb") as file:
                data = file.read()
            if b"\xff\xf5" in data or b"\x04" in data:
                continue
            inner = Telnet(daemon.port).shell("bob")
            inner.send(data)
            # Its shell may have been told anything: not waited for.
            inner.half_close()
            wait_until(lambda: not inner.feed(0.1) and inner.ended or
                       command(NOP) in inner.commands, "its bytes' end")
            inner.close()
            daemon.closed(inner)
        equal(client.run("echo on"), "on\n", "the session beside them")
        no_failures(daemon)


@needs_root
def test_flood_without_reading():
    """A peer that asks and never reads costs a bounded queue."""
    with start("login-grace-time 3;") as daemon:
        client = Telnet(daemon.port)
        client.until(b"login: ")
        row, = daemon.show("sessions")
        before = pages_of(row["pid"])
        client.socket.settimeout(1)
        try:
            for _ in range(300):
                client.socket.send(command(AYT) * 50000)
        except (TimeoutError, ConnectionError):
            pass
        pages = pages_of(row["pid"]) - before
        check(pages < 200, "%d pages more" % pages)
        client.close()
        daemon.closed(client)
        no_failures(daemon)


@needs_root
def test_no_password_stays():
    """The worker's memory holds no password once it has been passed on."""
    word = "Wonder" + "land-7"
    with start() as daemon:
        # One byte at a time, in one piece with the name, and the usual way.
        for way in ("bytes", "ahead", "line"):
            client = Telnet(daemon.port)
            client.until(b"login: ")
            if way == "ahead":
                client.send(b"alice\r\n" + word.encode() + b"\r\nPS1=x\r\n")
            else:
                client.line("alice")
                client.until(b"Password: ")
                pieces = [word + "\r\n"] if way == "line" else word + "\r"
                for piece in pieces:
                    client.send(piece.encode())
                    time.sleep(0.01)
            # Nothing is typed afterwards: it would overwrite what is left.
            client.until(b"$ ")
            row, = [r for r in daemon.show("sessions")
                    if r["source-port"] == client.port]
            equal(find_in_memory(row["pid"], word.encode()), [],
                  "the password, sent as %s, in the worker" % way)
            check(find_in_memory(row["pid"], b"alice"),
                  "the search finds what is there")


if __name__ == "__main__":
    main()
