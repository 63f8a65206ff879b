#!/usr/bin/python3
"""telnet by the clients that people have: everything that a person does in a
session, by each program that can."""
import os

from portreeve_test import (check, equal, main, needs, needs_root, wait_until,
                            write)
from telnet import ask, commands_of, no_failures, spawn_shell, start


def works(program, resizes=True, escape=None):
    """Everything that a person does in a session, by that program."""
    with start() as daemon:
        for host in ("127.0.0.1", "::1"):
            child = spawn_shell(program, daemon.port, host=host)
            equal(ask(child, "stty size"), "30 100\n", "the window")
            check("xterm" in ask(child, "echo $TERM"), "no terminal type")
            check("alice" in ask(child, "who"), "no record")
            child.send("exit\r")
            child.wait() if program == "plink" else child.expect("closed")
            child.close()
        child = spawn_shell(program, daemon.port)
        if resizes:
            child.setwinsize(50, 132)
            wait_until(lambda: ask(child, "stty size") == "50 132\n",
                       "the new size")
        child.send("sleep 100\r")
        wait_until(lambda: any("sleep" in c for c in commands_of()), "sleep")
        child.send("\x03")
        child.expect_exact("ready> ")
        if escape:
            child.send("sleep 100\r")
            wait_until(lambda: any("sleep" in c for c in commands_of()),
                       "sleep")
            child.send(escape)
            child.expect("telnet.*> ")
            child.send("send ip\r")
            child.expect_exact("ready> ")
        edits(child)
        child.send("exit\r")
        daemon.wait("session-closed", count=3)
        child.close()
        no_failures(daemon)
        daemon.idle()


def edits(child):
    """vi on a file: the keys arrive, the screen is drawn, the file saved."""
    write("/home/alice/poem", "one\ntwo\n", 0o644, "alice")
    child.send("vi -u NONE poem\r")
    child.expect_exact("two")
    child.send("Gothree \xc3\xa9\x1b:x\r".encode("latin-1"))
    child.expect_exact("ready> ")
    with open("/home/alice/poem", "rb") as file:
        equal(file.read(), b"one\ntwo\nthree \xc3\xa9\n", "the file")
    os.unlink("/home/alice/poem")


@needs_root
@needs("inetutils-telnet", "vi")
def test_inetutils_telnet():
    works("inetutils-telnet", escape="\x1d")


@needs_root
@needs("telnet-ssl", "vi")
def test_telnet_ssl():
    works("telnet-ssl", escape="\x1d")


@needs_root
@needs("busybox", "vi")
def test_busybox_telnet():
    works("busybox", resizes=False)


@needs_root
@needs("plink", "vi")
def test_plink():
    works("plink")


if __name__ == "__main__":
    main()
