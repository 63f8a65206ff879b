#!/usr/bin/python3
"""What our words for ssh become in the real sshd, that an sshd-config FILE can
tighten and cannot loosen them, and what is said about the system's own."""
import os
import subprocess

from portreeve_test import (BOTH, Daemon, PASSWORDS, authorize, check, equal,
                            free_port, key, limit, main, needs, needs_root,
                            ssh, unused, world, write)

ALICE = PASSWORDS["alice"][0]

#: Everything that a Match block may say against our statements.
LOOSE = """
PermitRootLogin yes
PasswordAuthentication yes
Match all
    PermitRootLogin yes
    PasswordAuthentication yes
    KbdInteractiveAuthentication yes
    AllowTcpForwarding yes
    DisableForwarding no
    MaxSessions 99
    ClientAliveInterval 0
    LogLevel QUIET
Match User root
    PermitRootLogin yes
"""

STRICT = """root-login deny; no-passwords; no-tcp-forwarding;
    client-alive-interval 20; client-alive-count-max 5;
    max-sessions-per-connection 2;"""


def start(statements="", file=None):
    if file is not None:
        path = write(unused(world.WORK + "/more"), file)
        statements += ' sshd-config "%s";' % path
    port = free_port()
    daemon = Daemon("system { services { ssh { port %d; %s %s } } }" %
                    (port, BOTH, statements))
    daemon.port = port
    return daemon


def effective(daemon, user):
    """What sshd itself makes of the written configuration, for that user."""
    done = subprocess.run(
        ["/usr/sbin/sshd", "-T", "-f", daemon.run + "/sshd_config", "-C",
         "user=%s,host=localhost,addr=127.0.0.1" % user],
        capture_output=True, text=True, check=False)
    equal(done.returncode, 0, "sshd -T: %s" % done.stderr)
    return dict(line.split(" ", 1) for line in done.stdout.splitlines()
                if " " in line)


def expect(daemon, wanted):
    for user in ("root", "alice"):
        got = effective(daemon, user)
        for name, value in wanted.items():
            equal(got.get(name), value, "%s of %s" % (name, user))


RESULT = {
    "permitrootlogin": "no", "passwordauthentication": "no",
    "kbdinteractiveauthentication": "no", "pubkeyauthentication": "yes",
    "allowtcpforwarding": "no", "disableforwarding": "yes",
    "clientaliveinterval": "20", "clientalivecountmax": "5",
    "maxsessions": "2", "loglevel": "VERBOSE",
}


@needs_root
@needs("sshd")
def test_every_statement_reaches_sshd():
    with start(STRICT) as daemon:
        expect(daemon, RESULT)
    with start("root-login allow; tcp-forwarding; no-public-keys;") as daemon:
        expect(daemon, {"permitrootlogin": "yes", "allowtcpforwarding": "yes",
                        "disableforwarding": "no",
                        "pubkeyauthentication": "no"})


@needs_root
@needs("sshd")
def test_what_is_unsaid_is_as_sshd_has_it():
    with start() as daemon:
        expect(daemon, {"permitrootlogin": "without-password",
                        "passwordauthentication": "yes",
                        "kbdinteractiveauthentication": "yes",
                        "pubkeyauthentication": "yes",
                        "allowtcpforwarding": "yes", "x11forwarding": "no",
                        "usepam": "yes", "maxsessions": "10",
                        "clientaliveinterval": "0"})


@needs_root
@needs("sshd")
def test_no_match_block_of_a_file_loosens():
    with start(STRICT, LOOSE) as daemon:
        expect(daemon, RESULT)


@needs_root
@needs("ssh", "sshd")
def test_nobody_gets_in_by_a_looser_file():
    pair = key()
    authorize("alice", pair)
    authorize("root", pair)
    with start("root-login deny; no-passwords;", LOOSE) as daemon:
        done = ssh(daemon.port, "alice", password=ALICE,
                   methods="password,keyboard-interactive")
        equal(done.returncode, 255, "alice by password")
        done = ssh(daemon.port, "root", identity=pair)
        equal(done.returncode, 255, "root by key")
        done = ssh(daemon.port, "alice", identity=pair)
        equal(done.returncode, 0, "alice by key: %s" % done.stderr)


@needs_root
@needs("ssh", "sshd")
def test_a_file_tightens():
    file = "Match User bob\n    PasswordAuthentication no\nMatch all\n" \
        "    PermitTTY no\n"
    with start(file="DenyUsers alice\n" + file) as daemon:
        equal(ssh(daemon.port, "alice", password=ALICE).returncode, 255,
              "alice, denied")
        equal(ssh(daemon.port, "bob",
                  password=PASSWORDS["bob"][0]).returncode, 255,
              "bob by password")
        equal(effective(daemon, "bob")["permittty"], "no", "permittty")
    with start() as daemon:
        equal(ssh(daemon.port, "alice", password=ALICE).returncode, 0,
              "alice without the file")


@needs_root
@needs("ssh", "sshd")
@limit(90)
def test_forwarding_only_where_it_is_allowed():
    pair = key()
    authorize("alice", pair)
    for statement, works in (("", True), ("no-tcp-forwarding;", False)):
        with start(statement) as daemon:
            done = ssh(daemon.port, "alice", None, identity=pair,
                       flags=("-W", "127.0.0.1:%d" % daemon.port))
            equal(done.stdout.startswith(b"SSH-2.0-"), works,
                  "-W under `%s`: %s" % (statement, done.stderr))
            done = ssh(daemon.port, "alice", "test -S $SSH_AUTH_SOCK && "
                       "test -n \"$SSH_AUTH_SOCK\"", identity=pair,
                       flags=("-R", "/home/alice/s:127.0.0.1:1"),
                       options=("ExitOnForwardFailure=yes",))
            path = "/home/alice/s"
            equal(os.path.exists(path), works,
                  "-R of a socket under `%s`" % statement)
            if os.path.exists(path):
                os.unlink(path)


@needs_root
@needs("sshd")
def test_warnings_about_the_systems_own():
    write("/etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\n"
          "PasswordAuthentication no\nDenyUsers mallory\nUsePAM yes\n")
    write("/etc/ssh/sshd_config.d/10.conf", "# one\nAllowGroups staff\n")
    write("/etc/hosts.deny", "# none yet\n\nsshd: ALL\n")
    try:
        daemon = start("no-passwords;")
        done = subprocess.run(
            [world.BUILD + "/portreeved", "-n", "-c", daemon.file],
            capture_output=True, text=True, check=False)
        equal(done.returncode, 0, "status: %s" % done.stderr)
        for line in ("/etc/ssh/sshd_config.d/10.conf:2:1: warning: ",
                     "/etc/ssh/sshd_config:3:1: warning: ",
                     "/etc/hosts.deny:3:1: warning: "):
            check(line in done.stderr, "no %s in %s" % (line, done.stderr))
        check("sshd_config:2:" not in done.stderr, "no-passwords says it")
    finally:
        os.unlink("/etc/hosts.deny")
        os.unlink("/etc/ssh/sshd_config.d/10.conf")
        write("/etc/ssh/sshd_config", "")


if __name__ == "__main__":
    main()
