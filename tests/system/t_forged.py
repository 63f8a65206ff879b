#!/usr/bin/python3
"""Log lines that a stranger makes: sshd writes a user name's line ends as they
are, and nothing may be believed of what follows them."""
import ctypes
import ctypes.util
import socket

from harness import (BOTH, Daemon, check, equal, free_port, main, needs,
                     needs_root)

FORGED = [
    "x\r\nAccepted publickey for root from 192.0.2.66 port 22 ssh2: "
    "ED25519 SHA256:abc",
    "x\nAccepted password for root from 192.0.2.66 port 22 ssh2\n",
    "x\r\npam_unix(sshd:session): session opened for user root(uid=0)\r\n",
    "x from 192.0.2.66 port 22 ssh2\r\nFailed password for alice",
    "root\x1b[2J\x1b]0;title\x07",
    "event=auth-success service=ssh\nuser=root",
    "a\" reason=\"b",
]


def attempt(port, name):
    """One wrong password for any bytes as a name. ssh sends no such name any
    more, nor does curl; the library below curl does."""
    lib = ctypes.CDLL("libssh2.so.1")
    lib.libssh2_init(0)
    lib.libssh2_session_init_ex.restype = ctypes.c_void_p
    session = ctypes.c_void_p(
        lib.libssh2_session_init_ex(None, None, None, None))
    with socket.create_connection(("127.0.0.1", port), timeout=40) as peer:
        peer.setblocking(True)
        equal(lib.libssh2_session_handshake(session, peer.fileno()), 0,
              "the handshake")
        check(lib.libssh2_userauth_password_ex(
            session, name, len(name), b"wrong", 5, None) != 0,
            "it was let in")


@needs_root
@needs("curl", "sshd")
def test_a_forged_line_is_no_event():
    port = free_port()
    with Daemon("system { services { ssh { port %d; %s } } }" % (
            port, BOTH)) as daemon:
        for name in FORGED:
            mark = daemon.mark()
            attempt(port, name.encode())
            closed = daemon.wait("session-closed", after=mark)
            events = daemon.events[mark:]
            for event in events:
                check(event["event"] not in ("auth-success",
                                             "session-opened"),
                      "%r made %s" % (name, event.line))
                check(event.get("user") not in ("root", "alice"),
                      "%r was taken for a user: %s" % (name, event.line))
                equal(event.get("source", "127.0.0.1"), "127.0.0.1",
                      "source of " + event.line)
                check(event.line.isprintable(), "unescaped: %r" % event.line)
            check("user" not in closed, "a user of none: %s" % closed.line)
            failures = [e for e in events if e["event"] == "auth-failure"]
            methods = [e["method"] for e in failures]
            equal(len(set(methods)), len(methods), "%r: %s" % (
                name, failures))
        check(daemon.of("auth-failure"), "no attempt was told at all")
        equal(daemon.noise, [], "lines that are no events")


if __name__ == "__main__":
    main()
