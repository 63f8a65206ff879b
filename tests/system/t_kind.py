#!/usr/bin/python3
"""Another kind of service is a row of lib/service.def and a folder of workers:
a copy of the tree gets both (tests/toy), is built, and serves it."""
import os
import shutil
import socket
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


def build(top):
    """The tree with the toy in it, built below it."""
    shutil.copytree(TOP, top, ignore=shutil.ignore_patterns("build", ".git"))
    os.makedirs(top + "/workers/toy")
    shutil.copy(top + "/tests/toy/main.c", top + "/workers/toy")
    with open(top + "/tests/toy/row.def", encoding="ascii") as file:
        row = file.read()
    with open(top + "/lib/service.def", encoding="ascii") as file:
        text = file.read()
    with open(top + "/lib/service.def", "w", encoding="ascii") as file:
        file.write(text.replace("\n#undef ", "\n%s#undef " % row, 1))
    env = {k: v for k, v in os.environ.items()
           if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    subprocess.run(["make", "-s", "-j2", "OPT=-O0", "all"], cwd=top, env=env,
                   stdout=subprocess.DEVNULL, check=True)


if __name__ == "__main__" and os.geteuid() == 0 and \
        "PORTREEVE_TOY" not in os.environ:
    with tempfile.TemporaryDirectory(prefix="portreeve-toy-") as home:
        os.chmod(home, 0o755)
        build(home + "/tree")
        sys.exit(subprocess.run(
            [sys.executable, "-B"] + sys.argv, check=False,
            env=dict(os.environ, PORTREEVE_TOY="yes",
                     PORTREEVE_BUILD=home + "/tree/build")).returncode)

# pylint: disable=wrong-import-position
from harness import (Connection, Daemon, LINE, check, equal, free_port, limit,
                     main, needs_root, processes)  # noqa: E402


def say(port, line):
    with socket.create_connection(("127.0.0.1", port), timeout=30) as peer:
        peer.sendall(line + b"\n")
        return peer.makefile("rb").read()


@needs_root
@limit(60)
def test_a_row_and_a_folder_are_a_service():
    port = free_port()
    with Daemon("system { services { toy { port %d; listen-address 127.0.0.1; "
                "connection-limit 1; } } }" % port) as daemon:
        equal(say(port, b"hello"), b"hello\n", "the answer")
        closed = daemon.wait("session-closed")
        equal(closed["service"], "toy", closed.line)
        shown = daemon.cli("show", "services").stdout
        check("toy" in shown and "listening" in shown, shown)
        status = processes.status(daemon.role("zygote toy").pid)
        equal((status["NoNewPrivs"], status["Seccomp"],
               int(status["CapEff"], 16)), ("1", "2", 0), "its seal")
        check(status["Uid"].split()[0] != "0", "uid 0")
        with Connection(port):
            daemon.wait("connection-accepted", count=2)
            with Connection(port) as second:
                equal(second.read_all()[0], LINE, "past the limit")
        daemon.idle()
        mark = daemon.mark()
        daemon.configure("system { services { toy { port %d; conection-limit "
                         "1; } } }" % port)
        check(daemon.cli("reload").returncode != 0, "a typo was taken")
        equal(say(port, b"still"), b"still\n", "after the refused reload")
        check(not daemon.of("configuration-applied", after=mark), "applied")


if __name__ == "__main__":
    main()
