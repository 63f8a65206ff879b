"""Logins by telnet, for the tests of who gets in: a client without options,
and what there is while somebody is logged in."""
import os

from . import (Connection, Daemon, PASSWORDS, Skip, free_port, processes,
               wait_until, world)

ALICE = PASSWORDS["alice"][0]


def start(statements="", around="", **more):
    if not os.path.exists(world.BUILD + "/libexec/telnet"):
        raise Skip("this version has no telnet to log in by")
    port = free_port()
    daemon = Daemon("system { services { telnet { port %d; "
                    "listen-address 127.0.0.1; %s } %s } }" % (
                        port, statements, around), **more)
    daemon.telnet = port
    return daemon


class Login(Connection):
    """One telnet connection, as a client without options sees it."""

    def __init__(self, daemon, user=None, password=ALICE, **more):
        super().__init__(daemon.telnet, **more)
        self.seen = b""
        if user is not None:
            self.until(b"login: ")
            self.line(user)
            self.until(b"Password: ")
            self.line(password)

    def until(self, text):
        """Reads until text has come; everything before it and it."""
        while text not in self.seen:
            piece = self.socket.recv(4096)
            if not piece:
                raise AssertionError("closed after %r, awaiting %r" %
                                     (self.seen, text))
            self.seen += piece
        at = self.seen.index(text) + len(text)
        got, self.seen = self.seen[:at], self.seen[at:]
        return got

    def line(self, text):
        return self.send(text.encode() + b"\r\n")

    def run(self, command):
        """A command's output in the session."""
        self.line("echo '<''<'; %s; echo '>''>'" % command)
        self.until(b"<<\r\n")
        return self.until(b">>\r\n")[:-4].replace(b"\r\n", b"\n").decode()


def logins():
    return [p for p in processes.everyone()
            if processes.role(p) == "login telnet"]


def alices():
    return [p for p in processes.everyone() if p.uid == world.base_uid()]


def gone():
    wait_until(lambda: not logins() and not alices(),
               "logins and sessions to end")
