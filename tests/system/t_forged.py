#!/usr/bin/python3
"""Log lines that a stranger makes: sshd writes a user name's line ends as they
are, and nothing may be believed of what follows them."""
import subprocess
import urllib.parse

from portreeve_test import (BOTH, Daemon, check, equal, free_port, main,
                            needs, needs_root)

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


@needs_root
@needs("curl", "sshd")
def test_a_forged_line_is_no_event():
    port = free_port()
    with Daemon("system { services { ssh { port %d; %s } } }" % (
            port, BOTH)) as daemon:
        for name in FORGED:
            mark = daemon.mark()
            # ssh itself sends no such name any more; libssh2 does.
            subprocess.run(
                ["curl", "-s", "-k", "--max-time", "40",
                 "sftp://%s:wrong@127.0.0.1:%d/" % (
                     urllib.parse.quote(name, safe=""), port)],
                capture_output=True, timeout=60, check=False)
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
