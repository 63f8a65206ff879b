#!/usr/bin/python3
"""root-login: every value, by password and by key, as root, as toor (uid 0 by
another name) and as alice."""
from harness import (BOTH, Daemon, PASSWORDS, authorize, check, equal,
                     free_port, key, limit, main, needs, needs_root, ssh)

#: statement: (a password lets uid 0 in, a key lets uid 0 in)
MEANING = {
    "": (False, True),
    "root-login deny-password;": (False, True),
    "root-login allow;": (True, True),
    "root-login deny;": (False, False),
}


def attempt(daemon, pair, user, by_key):
    """One login; it and its events must be what the statement says."""
    mark = daemon.mark()
    if by_key:
        done = ssh(daemon.port, user, "id -u", identity=pair)
    else:
        done = ssh(daemon.port, user, "id -u", password=PASSWORDS[user][0])
    daemon.wait("session-closed", after=mark)
    # The log's reader and the master tell it each in its own time.
    daemon.wait("session-opened" if done.returncode == 0 else "auth-failure",
                after=mark)
    return done.returncode == 0, daemon.events[mark:]


def run(statement):
    password, public_key = MEANING[statement]
    pair = key()
    for user in ("root", "toor", "alice"):
        authorize(user, pair)
    port = free_port()
    with Daemon("system { services { ssh { port %d; %s %s } } }" % (
            port, BOTH, statement)) as daemon:
        daemon.port = port
        for user in ("root", "toor", "alice"):
            for by_key in (False, True):
                wanted = user == "alice" or (
                    public_key if by_key else password)
                got, events = attempt(daemon, pair, user, by_key)
                what = "%s by %s under `%s`" % (
                    user, "key" if by_key else "password", statement)
                equal(got, wanted, what)
                failures = [e for e in events
                            if e["event"] == "auth-failure"]
                opened = [e for e in events
                          if e["event"] == "session-opened"]
                equal(len(opened), 1 if wanted else 0,
                      what + ": session-opened")
                if wanted:
                    equal(failures, [], what + ": auth-failure")
                    continue
                check(failures, what + ": no auth-failure")
                for event in failures:
                    equal((event["reason"], event["user"], event["method"]),
                          ("root-login", user,
                           "publickey" if by_key else "password"),
                          what + ": auth-failure")
                equal(len(failures), 1, what + ": auth-failure events")


@needs_root
@needs("ssh", "sshd")
@limit(90)
def test_default():
    run("")


@needs_root
@needs("ssh", "sshd")
@limit(90)
def test_deny_password():
    run("root-login deny-password;")


@needs_root
@needs("ssh", "sshd")
@limit(90)
def test_allow():
    run("root-login allow;")


@needs_root
@needs("ssh", "sshd")
@limit(90)
def test_deny():
    run("root-login deny;")


if __name__ == "__main__":
    main()
