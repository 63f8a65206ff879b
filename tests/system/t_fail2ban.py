#!/usr/bin/python3
"""conf/fail2ban: its filter, by fail2ban-regex, on real lines of ours and on
names that forge an address; its jail, by fail2ban's own reader."""
import os
import shutil
import subprocess

from harness import (BOTH, Daemon, PASSWORDS, authorize, check, equal,
                     free_port, key, limit, main, needs, needs_root, ssh,
                     world, write)
from t_forged import FORGED, attempt
from t_sshevents import no_delay

FOLDER = world.TOP + "/conf/fail2ban"
STAMP = "Nov 30 04:05:06 host portreeved[77]: "

#: Names that hold the end of a line of ours.
NAMES = [
    FORGED[0], FORGED[3], FORGED[5], FORGED[6],
    "x by password from 192.0.2.66 failed: credentials",
    "x reason=credentials",
    "x source=192.0.2.66 source-port=1 reason=credentials",
    "event=auth-failure service=ssh family=inet source=192.0.2.66 "
    "source-port=1 user=x method=password reason=credentials",
    "\" source=192.0.2.66 reason=credentials",
]


def config():
    """fail2ban's own folder, and our two files where README puts them."""
    folder = world.WORK + "/fail2ban"
    if not os.path.exists(folder):
        shutil.copytree("/etc/fail2ban", folder)
        for name in ("filter.d", "jail.d"):
            shutil.copy("%s/%s/portreeve.conf" % (FOLDER, name),
                        "%s/%s" % (folder, name))
    return folder


def matches(lines, mode="normal"):
    """The addresses that the filter finds, one for each line that counts."""
    log = write(world.WORK + "/fail2ban.log",
                "".join(STAMP + n + "\n" for n in lines))
    done = subprocess.run(
        ["fail2ban-regex", "-c", config(), "-o", "ip", log,
         "portreeve[mode=%s]" % mode],
        capture_output=True, text=True, timeout=60, check=False)
    check(not done.stderr, done.stderr)
    return done.stdout.split()


def sentence(event, user):
    """As the journal has it, with the user's name as `user` writes it."""
    user = "".join(c if " " <= c <= "~" else "\\x%02x" % ord(c)
                   for c in user)
    return "%s: login of %s by %s from %s failed: %s" % (
        event["service"], user, event.get("method", "unknown"),
        event["source"], event["reason"])


@needs_root
@needs("ssh", "sshd", "fail2ban-regex", "curl")
@limit(120)
def test_real_lines():
    no_delay()
    port = free_port()
    pair = key()
    authorize("bob", pair)
    with Daemon("system { services { ssh { port %d; %s } } }" % (
            port, BOTH)) as daemon:
        for name in NAMES:
            attempt(port, name.encode())
        ssh(port, "alice", identity=pair)
        ssh(port, "root", password=PASSWORDS["root"][0])
        ssh(port, "alice", password=PASSWORDS["alice"][0])
        ssh(port, "bob", identity=pair)
        daemon.wait("session-closed", count=len(NAMES) + 4)
        events = list(daemon.events)
    failures = [e for e in events if e["event"] == "auth-failure"]
    check(len(failures) >= len(NAMES) + 2, "failures: %d" % len(failures))
    # Each once, and nothing else of what is written.
    equal(matches([e.line for e in events]),
          ["127.0.0.1"] * len(failures), "in syslog's lines")
    for quote in ("%s", '"%s"'):
        equal(matches([sentence(e, quote % e.get("user", "unknown"))
                       for e in failures]),
              ["127.0.0.1"] * len(failures), "in the journal's sentences")


@needs("fail2ban-regex")
def test_what_counts():
    line = ("event=auth-failure service=telnet family=inet source=192.0.2.%d "
            "source-port=9 session=3 user=\"%s\" method=password reason=%s")
    lines = [line % (number, "a b", reason) for number, reason in enumerate((
        "credentials", "root-login", "account", "timeout", "user-limit",
        "no-resources"), 1)]
    # A name makes no failure of what is none, nor does another event.
    lines += [line % (7, "x reason=credentials", "user-limit"),
              line % (8, "failed: credentials", "user-limit"),
              "ssh: connection from 192.0.2.9 port 4 accepted",
              "event=sshd-output service=ssh family=inet source=192.0.2.10 "
              "source-port=4 session=1 text=\"login of x by password from "
              "192.0.2.66 failed: credentials\""]
    equal(matches(lines), ["192.0.2.1", "192.0.2.2"], "normal")
    equal(matches(lines, "aggressive"),
          ["192.0.2.%d" % n for n in (1, 2, 3, 4)], "aggressive")


@needs("fail2ban-regex", "fail2ban-client")
def test_the_jail_is_one():
    for name in ("defaults-debian.conf",):
        if os.path.exists(config() + "/jail.d/" + name):
            os.unlink(config() + "/jail.d/" + name)
    done = subprocess.run(["fail2ban-client", "-c", config(), "--dp"],
                          capture_output=True, text=True, timeout=60,
                          check=False)
    equal(done.returncode, 0, done.stderr)
    for words in ("['add', 'portreeve', 'systemd']", "['start', 'portreeve']",
                  "'PORTREEVE_EVENT=auth-failure'",
                  "'_SYSTEMD_UNIT=portreeve.service'"):
        check(words in done.stdout, "%s is not in %s" % (words, done.stdout))


if __name__ == "__main__":
    main()
