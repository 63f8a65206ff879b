#!/usr/bin/python3
"""telnet by the clients that people have: everything that a person does in a
session, by each program that can. What a program cannot do: busybox tells its
window once; busybox and plink have no word for IP, AYT and AO; nc knows no
telnet at all, and here its terminal is raw, as `stty raw` makes it."""
import os
import select
import termios

from harness import (check, equal, limit, main, needs, needs_root, wait_until,
                     write)
from harness.telnet import (AO, AYT, IP, ask, big_file, command, no_failures,
                            runs, spawn_shell, start, stuck)

SIZE = 64 * 1024 * 1024
#: For clients that give their terminal byte after byte.
LESS = 8 * 1024 * 1024


def works(program, window="30 100", resizes=True, words=None, binary=False,
          size=SIZE):
    """Everything that a person does in a session. words(child, name) sends
    telnet's ip, ayt or ao, where the program can."""
    with start() as daemon:
        for host in ("127.0.0.1", "::1"):
            child = spawn_shell(program, daemon.port, host=host)
            equal(ask(child, "stty size"), window + "\n", "the window")
            sees_terminal(child, window)
            check("(%s)" % host in ask(child, "who"), "no record")
            leave(child, program)
        child = spawn_shell(program, daemon.port)
        if resizes:
            child.setwinsize(50, 132)
            wait_until(lambda: ask(child, "stty size; tput lines; tput cols")
                       == "50 132\n50\n132\n", "the new size")
        interrupts(child, lambda: child.send("\x03"))
        if words:
            interrupts(child, lambda: words(child, "ip"))
            words(child, "ayt")
            child.expect_exact("[Yes]")
            aborts(child, lambda: words(child, "ao"))
        edits(child)
        reads(child, size, program == "nc")
        if binary:
            words(child, "binary")
            child.expect("Negotiating binary mode")
            reads(child, size)
            # What is typed is BINARY too: a bare CR is its byte.
            equal(ask(child, "echo on"), "on\n", "a line in BINARY")
        leave(child, program)
        daemon.wait("session-closed", count=3)
        no_failures(daemon)
        daemon.idle()


def sees_terminal(child, window):
    """The terminal's name and its size as programs see them."""
    if window == "0 0":
        equal(ask(child, "echo $TERM; tput -T vt100 cols"), "dumb\n80\n",
              "tput")
        return
    check("xterm" in ask(child, "echo $TERM"), "no terminal type")
    equal(ask(child, "tput lines; tput cols; tput colors; tput cup 3 4 | "
              "od -An -c").replace(" ", ""),
          "%s\n8\n033[4;5H\n" % window.replace(" ", "\n"), "tput")


def leave(child, program):
    child.send("exit\r")
    if program == "nc":
        child.expect_exact("logout")  # it stays for its own side
    elif program == "plink":
        child.wait()
    else:
        child.expect("closed")
    child.close()


def interrupts(child, how):
    child.send("sleep 100\r")
    wait_until(lambda: runs("sleep 100"), "sleep")
    how()
    child.expect_exact("ready> ")
    check(not runs("sleep 100"), "sleep is there still")
    child.send("how=$?\r")
    child.expect_exact("ready> ")
    equal(ask(child, "echo $how"), "130\n", "how sleep ended")


def take(child, seconds=20):
    """Whatever came, past pexpect, which is slow with much."""
    child.expect(".*")
    if child.after:
        return child.after
    if not select.select([child.child_fd], [], [], seconds)[0]:
        raise AssertionError("silence")
    return os.read(child.child_fd, 1 << 18)


def aborts(child, how):
    """AO: what waits to be sent is gone, what comes later is not."""
    size = 30000000
    child.send("yes | head -c %d; echo; echo e''nd\r" % size)
    wait_until(lambda: stuck("head"), "output to wait for its reader")
    how()
    count, tail = 0, b""
    while not tail.endswith(b"\r\nend\r\nready> "):
        piece = take(child)
        count += piece.count(b"y\r")
        tail = (tail + piece)[-100:]
    check(0 < count < size // 2 - 10000, "%d lines of %d came" % (
        count, size // 2))


def edits(child):
    """vi on a file: the keys arrive, the screen is drawn, the file saved."""
    write("/home/alice/poem", "one\ntwo\n", 0o644, "alice")
    if "dumb" in ask(child, "echo $TERM"):
        child.send("export TERM=vt100\r")
    child.send("vi -u NONE poem\r")
    child.expect_exact("two")
    child.send("Gothree \xc3\xa9\x1b:x\r".encode("latin-1"))
    child.expect_exact("ready> ")
    with open("/home/alice/poem", "rb") as file:
        equal(file.read(), b"one\ntwo\nthree \xc3\xa9\n", "the file")
    os.unlink("/home/alice/poem")


def reads(child, size, encoded=False):
    """A file byte for byte, 0xFF and CR among them; encoded: the program
    leaves telnet's own bytes as they are."""
    path = big_file(size)
    with open(path, "rb") as file:
        wanted = file.read()
    if encoded:
        wanted = wanted.replace(b"\xff", b"\xff\xff").replace(
            b"\r", b"\r\0").replace(b"\r\0\n", b"\r\n")
    modes = termios.tcgetattr(child.child_fd)
    plain = modes[:1] + [modes[1] & ~termios.OPOST] + modes[2:]
    termios.tcsetattr(child.child_fd, termios.TCSANOW, plain)
    child.send("stty raw -echo; echo '<''<'; cat big; stty sane; "
               "echo '>''>'\r")
    child.expect_exact("<<\n")
    pieces, have, tail = [], 0, b""
    while have < len(wanted) or not tail.endswith(b">>\r\nready> "):
        pieces.append(take(child))
        have += len(pieces[-1])
        tail = (tail + pieces[-1])[-100:]
    check(b"".join(pieces)[:len(wanted)] == wanted, "bytes differ")
    termios.tcsetattr(child.child_fd, termios.TCSANOW, modes)
    os.unlink(path)


def by_escape(child, word):
    """The programs of BSD's family have a command line of their own."""
    child.send("\x1d")
    child.expect("telnet.*> ")
    child.send("toggle binary\r" if word == "binary" else
               "send %s\r" % word)


def by_bytes(child, word):
    child.send(command({"ip": IP, "ayt": AYT, "ao": AO}[word]))


@needs_root
@needs("inetutils-telnet", "vi", "tput")
def test_inetutils_telnet():
    works("inetutils-telnet", words=by_escape, binary=True)


@needs_root
@needs("telnet-ssl", "vi", "tput")
@limit(120)
def test_telnet_ssl():
    works("telnet-ssl", words=by_escape, binary=True, size=LESS)


@needs_root
@needs("busybox", "vi", "tput")
def test_busybox_telnet():
    works("busybox", resizes=False, size=LESS)


@needs_root
@needs("plink", "vi", "tput")
def test_plink():
    works("plink")


@needs_root
@needs("nc", "vi", "tput")
def test_nc():
    works("nc", window="0 0", resizes=False, words=by_bytes)


if __name__ == "__main__":
    main()
