#!/usr/bin/python3
"""telnet's attackers end to end: every file of tests/hostile/telnet, floods,
and where a password is not. What the bytes mean is tests/unit/workers/telnet's."""
import glob
import os
import random
import select
import socket
import time

from harness import (PASSWORDS, check, equal, limit, main, needs_root,
                     processes, wait_until, world)
from harness.telnet import (AYT, DM, DO, DONT, IAC, LFLOW, LOGOUT, NAWS,
                            NEW_ENVIRON, NOP, SB, SE, STATUS, TIMING_MARK,
                            TTYPE, Telnet, WILL, WONT, command, cpu_of,
                            find_in_memory, no_failures, pages_of, start)

HOSTILE = world.TOP + "/tests/hostile/telnet/"
LIMITS = "extended-limits; rate-limit 1000; connection-limit 200; " \
    "login-grace-time %d;"
#: Pages that are no growth: the queue's are there once it has come round; a
#: sanitizer's shadow fills.
FLAT = 2000 if world.is_sanitized() else 100


def files():
    """[(name, bytes)] of every attack."""
    found = []
    for path in sorted(glob.glob(HOSTILE + "*")):
        if not path.endswith(".expected"):
            with open(path, "rb") as file:
                found.append((os.path.basename(path), file.read()))
    check(len(found) > 60, "only %d attack files" % len(found))
    return found


def send_attack(client, name, data):
    """Names say what is sent as TCP's urgent data: up to the mark, or all."""
    if name.startswith("urgent"):
        at = data.find(command(DM)) + 1 or len(data) - 1
        client.send(data[:at])
        client.socket.send(data[at:at + 1], socket.MSG_OOB)
        data = data[at + 1:]
    client.send(data)


def attack(client, name, data):
    """Sends what may be refused at any byte, and reads to the end."""
    try:
        send_attack(client, name, data)
        client.half_close()
    except OSError:
        pass
    client.rest()
    client.close()


@needs_root
@limit(240)
def test_hostile_bytes():
    """Every attack file at the prompt, and most inside a session: none fails
    a worker, none logs anybody in, and the next one is served."""
    with start(LIMITS % 5) as daemon:
        for name, data in files():
            client = Telnet(daemon.port)
            attack(client, name, data)
            daemon.closed(client)
        equal(daemon.of("session-opened"), [], "sessions")
        no_failures(daemon)
        client = Telnet(daemon.port).shell()
        inside = []
        for name, data in files():
            if any(w in name for w in ("logout", "keys", "abort")) or \
                    b"\xff\xf5" in data or b"\x04" in data:
                continue
            inner = Telnet(daemon.port).refuse().shell("bob")
            send_attack(inner, name, data)
            inner.half_close()
            inside.append(inner)
        for inner in inside:
            # Its shell may have been told anything: not waited for.
            wait_until(lambda: not inner.feed(0.1) and inner.ended or
                       command(NOP) in inner.commands, "its bytes' end")
            inner.close()
            daemon.closed(inner)
        equal(client.run("echo on"), "on\n", "the session beside them")
        no_failures(daemon)


@needs_root
def test_no_name_and_no_variable_is_the_client_s():
    """What an attack says of USER, LD_PRELOAD, CREDENTIALS_DIRECTORY and
    their like is in no session, nor who it is."""
    plain = None
    names = [(n, d) for n, d in files()
             if n.startswith(("environ-", "cve-2026-24061",
                              "cve-2026-28372"))]
    check(len(names) > 10, "files")
    with start(LIMITS % 20) as daemon:
        for name, data in [("none", b"")] + names:
            client = Telnet(daemon.port)
            client.send(command(WILL, NEW_ENVIRON) + data)
            # Whatever the file left unfinished ends here.
            client.send(command(SE)).send(b"\x15")
            client.shell()
            got = client.run("id -u; env | cut -d= -f1 | sort; env | "
                             "grep -c -e -f -e /tmp -e evil -e preload")
            plain = plain or got
            equal(got, plain, "the session after " + name)
            client.line("exit")
            client.rest()
        equal(len(daemon.of("session-opened", user="alice")), 1 + len(names),
              "alice's sessions")
        equal(daemon.of("auth-success", user="root"), [], "root's")
        no_failures(daemon)


# --- floods ------------------------------------------------------------------

def pour(client, data):
    """Sends all of that, reading whatever is answered meanwhile."""
    view = memoryview(data)
    client.socket.setblocking(False)
    while view:
        ready = select.select([client.socket], [client.socket], [], 20)
        check(ready[0] or ready[1], "nothing moves")
        if ready[0]:
            check(client.feed(0), "%s in the middle" % client.ended)
        if ready[1]:
            view = view[client.socket.send(view[:1 << 16]):]
    client.sent += len(data)
    client.socket.settimeout(20)


def asked_and_answered(client):
    """Waits until the worker has obeyed all that was sent."""
    client.send(command(DO, TIMING_MARK))
    client.until_command(command(WILL, TIMING_MARK))


def worker_of(daemon, client):
    def pid():
        row, = [r for r in daemon.show("sessions")
                if r["source-port"] == client.port]
        return row["pid"]
    return wait_until(pid, "its worker's number")


def random_bodies(seed, count):
    """That many subnegotiations, of every option, some far too long."""
    choose = random.Random(seed)
    options = bytes((TTYPE, NAWS, NEW_ENVIRON, STATUS, LFLOW)) * 12 + \
        bytes(range(255))
    starts = (b"", b"", b"\0", b"\1", b"\2", b"\0\0TERM\1", b"\0\3LC_X\1",
              b"\0\3USER\1-f root")
    pieces = []
    for _ in range(count):
        size = int(choose.random() ** 8 * 900)
        body = choose.choice(starts) + choose.randbytes(size)
        pieces.append(b"\xff\xfa%c%s\xff\xf0" % (
            choose.choice(options), body.replace(b"\xff", b"\xff\xff")))
    return b"".join(pieces)


@needs_root
@limit(120)
def test_a_million_subnegotiations():
    """At the prompt and in a session: memory is flat, and the peer is served
    when it has had enough."""
    with start() as daemon:
        client = Telnet(daemon.port)
        client.send(b"".join(command(WILL, o) for o in (
            TTYPE, NAWS, NEW_ENVIRON, LFLOW)) + command(DO, STATUS))
        client.until_command(command(SB, TTYPE, 1, IAC, SE))
        pid = worker_of(daemon, client)
        before = None
        for turn in range(20):
            if turn == 10:
                client.shell()
            pour(client, random_bodies(turn, 50000))
            asked_and_answered(client)
            client.commands.clear()
            if turn in (0, 10):
                before = pages_of(pid)
            check(pages_of(pid) - before < FLAT, "%d pages more" % (
                pages_of(pid) - before))
        rows, columns = client.run("stty size").split()
        check(1 <= int(rows) <= 1000 and 1 <= int(columns) <= 1000, "window")
        equal(client.run("echo $TERM | tr -d 'a-z0-9._+-'"), "\n", "TERM")
        no_failures(daemon)


@needs_root
@limit(120)
def test_options_toggled_1000_times():
    """All 256, both ways: never more answers than requests, memory flat."""
    with start() as daemon:
        client = Telnet(daemon.port)
        client.until(b"login: ")
        pid = worker_of(daemon, client)
        offers = len(client.commands)
        client.commands.clear()
        verbs = (WILL, DO, WONT, DONT)
        # DO LOGOUT is the end, as it is meant to be.
        once = b"".join(command(v, o) for v in verbs for o in range(256)
                        if (v, o) != (DO, LOGOUT))
        before, answers = None, {}
        for _ in range(10):
            pour(client, once * 100)
            asked_and_answered(client)
            for said in client.commands:
                answers[said] = answers.get(said, 0) + 1
            client.commands.clear()
            before = before or pages_of(pid)
            check(pages_of(pid) - before < FLAT, "%d pages more" % (
                pages_of(pid) - before))
        answers[command(WILL, TIMING_MARK)] -= 10
        total = sum(answers.values())
        check(total <= 1000 * len(once) // 3, "%d answers" % total)
        for verb in (WILL, WONT):
            for option in range(256):
                said = sum(answers.get(command(v, option), 0)
                           for v in ((DO, DONT) if verb == WILL else
                                     (WILL, WONT)))
                check(said <= 2000, "option %d: %d answers" % (option, said))
        # AUTHENTICATION, ENCRYPT, LINEMODE, 200: refused, and once.
        for option in (37, 38, 34, 200):
            equal([answers.get(command(v, option), 0)
                   for v in (WILL, WONT, DO, DONT)], [0, 1, 0, 1],
                  "what is said of %d" % option)
        check(offers < 10, "%d offers" % offers)
        client.line("alice")
        client.until(b"Password: ")
        no_failures(daemon)


def ask_without_reading(client, pid):
    """AYT as long as anything is taken; how many."""
    question = command(AYT) * 50000
    client.socket.setblocking(False)
    sent = 0
    while True:
        try:
            sent += client.socket.send(question[sent % 2:])
        except BlockingIOError:
            if rests(pid):
                break
    client.socket.settimeout(20)
    return sent


def rests(pid):
    before = cpu_of(pid)
    time.sleep(0.3)
    return cpu_of(pid) == before


@needs_root
def test_questions_of_one_who_does_not_read():
    """100,000 AYT and more: a bounded queue, a worker that rests, and every
    answer once the peer reads; at the prompt and in a session."""
    with start() as daemon:
        for inside in (False, True):
            client = Telnet(daemon.port)
            if inside:
                client.shell()
            else:
                client.until(b"login: ")
            pid = worker_of(daemon, client)
            before = pages_of(pid)
            sent = ask_without_reading(client, pid)
            check(sent > 200000, "only %d bytes of questions" % sent)
            # Unbounded it would be 3000; a kernel maps code by many pages.
            check(pages_of(pid) - before < 4 * FLAT, "%d pages more" % (
                pages_of(pid) - before))
            answers = 0
            while answers < sent // 2:
                check(client.feed(), "%s after %d" % (client.ended, answers))
                answers += client.data.count(b"[Yes]")
                client.data = client.data.rpartition(b"[Yes]")[2]
            client.send(command(AYT)[sent % 2:])
            asked_and_answered(client)
            equal(answers + client.data.count(b"[Yes]"), sent // 2 + 1,
                  "answers")
            client.close()
            daemon.closed(client)
        no_failures(daemon)


# --- passwords ---------------------------------------------------------------

@needs_root
def test_no_password_stays():
    """The worker's memory holds no password once it has been passed on."""
    word = PASSWORDS["alice"][0]
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
            pid = worker_of(daemon, client)
            equal(find_in_memory(pid, word.encode()), [],
                  "the password, sent as %s, in the worker" % way)
            check(find_in_memory(pid, b"alice"),
                  "the search finds what is there")


def holders(daemon, word):
    """The titles of all processes of the daemon's that hold that word."""
    return [processes.role(p) or p.title
            for p in processes.below(daemon.pid) +
            [processes.Process(daemon.pid)]
            if find_in_memory(p.pid, word.encode())]


@needs_root
def test_a_password_is_its_own_worker_s():
    """While it is typed it is in that worker alone; afterwards nowhere: not
    in a worker, a login, a zygote, the master, the monitor, the session."""
    word, wrong, half = PASSWORDS["alice"][0], "Hearts-Queen-3", "Buil-half-"
    with start() as daemon:
        early = Telnet(daemon.port)
        early.until(b"login: ")
        client = Telnet(daemon.port).login("alice", wrong)
        client.until(b"Login incorrect")
        client.login("alice").until(b"$ ")
        typing = Telnet(daemon.port)
        typing.until(b"login: ")
        typing.line("bob")
        typing.until(b"Password: ")
        typing.send(half.encode())
        wait_until(lambda: find_in_memory(worker_of(daemon, typing),
                                          half.encode()), "what is typed")
        late = Telnet(daemon.port)
        late.until(b"login: ")
        equal(holders(daemon, half), ["worker telnet"], "of what is typed")
        equal(find_in_memory(worker_of(daemon, late), half.encode()) +
              find_in_memory(worker_of(daemon, early), half.encode()), [],
              "of what is typed, in another's worker")
        for secret in (word, wrong):
            equal(holders(daemon, secret), [], "holders of a password")
        searched = holders(daemon, "portreeve")
        for role in ("monitor", "master", "audit", "zygote telnet",
                     "worker telnet", "login telnet"):
            check(role in searched, "%s is not searched" % role)


if __name__ == "__main__":
    main()
