#!/usr/bin/python3
"""What ends a telnet session, or does not: a client that has sent its last and
reads on, one that is not there any more, one at which nobody types."""
import collections
import concurrent.futures
import glob
import os
import signal
import time

from harness import (PASSWORDS, check, equal, limit, main, needs_root,
                     wait_until)
from harness.telnet import (NOP, Telnet, command, no_failures, people, runs,
                            start)

NAME = b"alice\r\n" + PASSWORDS["alice"][0].encode() + b"\r\n"


def piped(daemon, words):
    """As `printf WORDS | nc`: all at once, an end, and then it reads."""
    client = Telnet(daemon.port)
    client.send(NAME + words)
    client.half_close()
    return client


# --- how it ended is told -------------------------------------------------------

@needs_root
@limit(300)
def test_exit_typed_at_once_is_told_of_everyone():
    """200 users, 40 at a time, whose `exit 5` is under way before there is a
    shell, or comes with its first words: nothing of it is lost, neither on its
    way to the shell nor on the way of its status to the books."""
    count, words = 200, PASSWORDS["alice"][0].encode() + b"\r\n"

    def session(number):
        client = Telnet(daemon.port, timeout=120)
        client.until(b" login: ", 120)
        if number % 3 == 0:
            client.send(b"alice\r\n" + words + b"exit 5\r\n")
        else:
            client.line("alice")
            client.until(b"Password: ", 120)
            client.send(words)
            if number % 3 == 1:
                client.until(b"\r\n", 120)
            client.line("exit 5")
        while client.feed(120):
            pass
        equal(client.ended, "eof", "the end of %d" % number)
        client.close()
        return client.port

    with start("connection-limit 250; rate-limit 10000;",
               around="extended-limits; login-limit 100;") as daemon, \
            concurrent.futures.ThreadPoolExecutor(40) as pool:
        ports = list(pool.map(session, range(count)))
        daemon.wait("session-closed", count=count, timeout=120)
        equal(collections.Counter(
            (e.get("user"), e.get("exit"), e.get("reason"))
            for e in daemon.of("session-closed")),
              {("alice", "5", None): count}, "how they ended")
        # A port may have been used twice: it is free when its client is gone.
        equal(len(ports), count, "clients")
        wait_until(lambda: not people(), "alice's processes to end")
        no_failures(daemon)


@needs_root
def test_a_monitor_that_is_slow_is_waited_for():
    """As on a machine that has more to do than it can."""
    with start() as daemon:
        client = Telnet(daemon.port).shell()
        os.kill(daemon.pid, signal.SIGSTOP)
        client.line("exit 5")
        wait_until(lambda: not people(), "the shell's end")
        # Nothing is to happen: so long that it would have.
        time.sleep(2)
        equal(daemon.of("session-closed"), [], "closed without its exit")
        os.kill(daemon.pid, signal.SIGCONT)
        equal(daemon.closed(client)["exit"], "5", "its end")
        client.rest()
        equal(client.ended, "eof", "the end")


# --- input that has ended ----------------------------------------------------

@needs_root
def test_half_close_gets_its_output():
    with start() as daemon:
        client = piped(daemon, b"seq 1 200000; sleep 2; echo la''st\r\n"
                       b"exit 5\r\n")
        text = client.rest()
        equal(client.ended, "eof", "the end")
        check(b"\r\n200000\r\nlast\r\n" in text, "output is missing")
        closed = daemon.closed(client)
        equal((closed["exit"], closed.get("reason")), ("5", None), "its end")
        no_failures(daemon)


@needs_root
def test_half_close_is_an_end_of_file():
    """For whoever reads the terminal, one behind the other."""
    with start() as daemon:
        client = Telnet(daemon.port).shell()
        client.line("PS1=in'ner> ' sh")
        client.until(b"inner> ")
        begun = time.monotonic()
        client.send(b"cat >got; read x || echo no''thing\r\nhello\r\n")
        client.half_close()
        text = client.rest()
        equal(client.ended, "eof", "the end")
        check(time.monotonic() - begun < 12, "it took too long")
        check(b"\r\nnothing\r\n" in text, "read saw no end: %r" % text)
        with open("/home/alice/got", "rb") as file:
            equal(file.read(), b"hello\n", "what cat read")
        os.unlink("/home/alice/got")
        check("exit" in daemon.closed(client), "no exit")
        wait_until(lambda: not people(), "alice's processes to end")
        no_failures(daemon)


@needs_root
def test_half_close_behind_half_a_line():
    """A reader gets that half; a line editor, which would wait for its other
    half, is not waited for."""
    with start() as daemon:
        for words in (b"cat >got\r\nhel", b"echo \"unfinished", b"nothing"):
            client = Telnet(daemon.port).shell()
            begun = time.monotonic()
            for line in words.split(b"\r\n")[:-1]:
                client.send(line + b"\r\n")
                wait_until(lambda: runs("cat"), "cat")
            client.send(words.split(b"\r\n")[-1])
            client.half_close()
            client.rest()
            equal(client.ended, "eof", "the end")
            check(time.monotonic() - begun < 15, "%r took too long" % words)
        with open("/home/alice/got", "rb") as file:
            equal(file.read(), b"hel", "what cat read")
        os.unlink("/home/alice/got")
        wait_until(lambda: not people(), "alice's processes to end")
        no_failures(daemon)


@needs_root
def test_half_close_at_a_prompt():
    """Nobody is left to answer it; but a verdict is told."""
    with start() as daemon:
        for words, seen in ((b"", b"login: "), (b"alice\r\n", b"Password: "),
                            (b"alice\r\nwrong\r\n", b"Login incorrect\r\n"),
                            (b"alice\r\nwro", b"Password: ")):
            client = Telnet(daemon.port)
            if not words:
                client.until(b"login: ")
            client.send(words)
            client.half_close()
            begun = time.monotonic()
            text = client.rest()
            check(not words or seen in text, "%r after %r" % (text, words))
            equal(client.ended, "eof", "the end after %r" % words)
            check(time.monotonic() - begun < 8, "%r took too long" % words)
            client.close()
            daemon.closed(client)
        equal(daemon.of("session-opened"), [], "sessions")
        no_failures(daemon)


@needs_root
def test_half_close_is_not_for_ever():
    """idle-timeout holds for it as for anybody."""
    with start("idle-timeout 3;") as daemon:
        client = piped(daemon, b"stty raw -echo; while :; do echo x; "
                       b"sleep 0.2; done\r\n")
        check(b"Closed: idle-timeout" in client.rest(), "no word at the end")
        equal(daemon.closed(client)["reason"], "idle-timeout", "reason")
        wait_until(lambda: not people(), "alice's processes to end")


# --- peers that are gone -------------------------------------------------------

@needs_root
def test_closed_while_nothing_is_read():
    """What was typed ahead fills the terminal, and then the client is closed:
    its end is behind bytes that nobody takes."""
    with start() as daemon:
        client = Telnet(daemon.port).shell()
        client.line("stty raw -echo; echo in''side; sleep 1000")
        client.until(b"inside")
        wait_until(lambda: runs("sleep"), "sleep")
        client.send(b"x" * 100000)
        begun = time.monotonic()
        client.close()
        equal(daemon.closed(client)["exit"], "SIGHUP", "exit")
        check(time.monotonic() - begun < 10, "it took too long")
        wait_until(lambda: not people(), "alice's processes to end")
        no_failures(daemon)


@needs_root
def test_closed_while_a_password_is_tried():
    with start() as daemon:
        client = Telnet(daemon.port)
        client.until(b"login: ")
        client.send(b"alice\r\nwrong\r\n")
        client.until(b"Password: ")
        begun = time.monotonic()
        client.close()
        daemon.closed(client)
        check(time.monotonic() - begun < 2, "it took too long")
        no_failures(daemon)


def keepalive(port):
    """Seconds until a connection's server asks whether its peer is there;
    None when it does not."""
    for path in glob.glob("/proc/net/tcp*"):
        with open(path, encoding="ascii") as file:
            for row in list(file)[1:]:
                words = row.split()
                if int(words[2].split(":")[1], 16) == port and \
                        words[5].startswith("02:"):
                    return int(words[5][3:], 16) / os.sysconf("SC_CLK_TCK")
    return None


@needs_root
def test_a_dead_peer_is_asked_for():
    """Every five minutes, and not every two hours."""
    with start() as daemon:
        client = Telnet(daemon.port).shell()
        wait_until(lambda: keepalive(client.port) is not None and
                   250 < keepalive(client.port) <= 301, "the question")


# --- nobody types ----------------------------------------------------------------

@needs_root
def test_idle_is_without_input():
    """Output, and what a client sends by itself, keep nobody's session."""
    with start("idle-timeout 2;") as daemon:
        client = Telnet(daemon.port).shell()
        # Somebody types: not a word that ends a line, and slowly.
        for char in "echo on":
            client.send(char.encode())
            time.sleep(0.7)
        client.send(b"\r")
        client.until(b"\r\non\r\n")
        client.line("while :; do echo x; sleep 0.1; done")
        begun = time.monotonic()
        while client.feed(5) and time.monotonic() - begun < 10:
            try:
                client.send(command(NOP))
            except OSError:
                break
        took = time.monotonic() - begun
        check(1.5 < took < 6, "idle for %.1f s" % took)
        check(b"\r\nClosed: idle-timeout, nothing was typed for 2 s.\r\n" in
              client.data, "no word at the end")
        closed = daemon.closed(client)
        equal((closed["reason"], closed["exit"]), ("idle-timeout", "SIGHUP"),
              "its end")
        wait_until(lambda: not people(), "alice's processes to end")
        no_failures(daemon)


if __name__ == "__main__":
    main()
