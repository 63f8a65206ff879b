#!/usr/bin/python3
"""What PAM has to say in a login, by telnet: modules that ask, hang and
crash, accounts that are shut, passwords past their day."""
import os
import re
import resource
import subprocess

from harness.logins import ALICE, Login, gone, logins, start
from harness import check, equal, main, needs, needs_root, world, write


class Module:
    """PAM has this one module of the tests meanwhile, or denies."""

    def __init__(self, name, service="login"):
        self.path = "/etc/pam.d/" + service
        self.text = "auth required %s\nauth required pam_permit.so\n" \
            "account required pam_permit.so\n" \
            "session required pam_permit.so\n" % (
                "pam_deny.so" if name == "deny" else
                "%s/tests/pam/%s.so" % (world.BUILD, name))
        with open(self.path, encoding="utf-8") as file:
            self.old = file.read()

    def __enter__(self):
        write(self.path, self.text)

    def __exit__(self, *_):
        write(self.path, self.old)


@needs_root
def test_hanging_module():
    """It is killed at the end of its time, and nobody else minds."""
    with start("login-grace-time 2;") as daemon:
        other = Login(daemon, "alice")
        other.run("true")
        with Module("hang"):
            client = Login(daemon)
            client.until(b"login: ")
            client.line("alice")
            client.read_all()
        daemon.wait("auth-failure", reason="timeout", user="alice")
        daemon.closed(client)
        equal(other.run("echo on"), "on\n", "another session")
        other.close()
        gone()


@needs_root
def test_crashing_module():
    with start() as daemon:
        other = Login(daemon, "alice")
        other.run("true")
        with Module("crash"):
            client = Login(daemon)
            client.until(b"login: ")
            client.line("alice")
            client.read_all()
        daemon.wait("worker-failed", signal="SIGSEGV",
                    source_port=client.port)
        daemon.wait("auth-failure", reason="credentials", user="alice")
        daemon.closed(client)
        equal(other.run("echo on"), "on\n", "another session")
        equal(len(daemon.of("worker-failed")), 1, "failures")
        other.close()
        gone()


def replace_shadow(row):
    """alice's row of shadow, behind her password's hash; the old text."""
    with open("/etc/shadow", encoding="utf-8") as file:
        old = file.read()
    write("/etc/shadow", re.sub(r"(?m)^alice:(\$[^:]+):.*$", row, old), 0o640)
    return old


@needs_root
def test_expired_password_is_changed():
    """By the real conversation; the next login is by the new one."""
    new = "Looking-Glass-71"
    old = replace_shadow(r"alice:\1:0:0:99999:7:::")
    with start() as daemon:
        client = Login(daemon, "alice")
        client.until(b"required to change your password")
        client.until(b"Current password: ")
        client.line(ALICE)
        client.until(b"New password: ")
        client.line(new)
        client.until(b"Retype new password: ")
        client.line(new)
        equal(client.run("id -un"), "alice\n", "who")
        daemon.wait("auth-success", user="alice")
        client.close()
        daemon.closed(client)
        client = Login(daemon, "alice", ALICE)
        client.until(b"Login incorrect")
        client.close()
        client = Login(daemon, "alice", new)
        equal(client.run("echo in"), "in\n", "by the new password")
        client.close()
        daemon.closed(client)
        write("/etc/shadow", old, 0o640)
        gone()


@needs_root
def test_an_account_without_a_password():
    """What sshd refuses by default: nobody logs in on a name alone, though
    the host's stack says nullok."""
    path = "/etc/pam.d/login"
    with open(path, encoding="utf-8") as file:
        stack = file.read()
    old = replace_shadow(r"alice::19000:0:99999:7:::")
    with start() as daemon:
        for auth in (None, "pam_unix.so nullok", "pam_permit.so"):
            if auth:
                write(path, "auth required %s\naccount required pam_unix.so\n"
                      "session required pam_permit.so\n" % auth)
            mark = daemon.mark()
            client = Login(daemon)
            client.until(b"login: ")
            client.line("alice")
            if auth != "pam_permit.so":
                client.until(b"Password: ")
                client.line("")
            client.until(b"Login incorrect")
            daemon.wait("auth-failure", after=mark, user="alice",
                        reason="credentials")
            client.close()
            daemon.closed(client)
        equal(daemon.of("auth-success"), [], "logins")
        gone()
    write("/etc/shadow", old, 0o640)
    write(path, stack)


@needs_root
def test_what_the_host_is_short_of():
    """A peer is not blamed for it: no credentials, and other words."""
    with Module("not-there"), start() as daemon:
        client = Login(daemon)
        client.until(b"login: ")
        client.line("alice")
        client.read_all()
        daemon.wait("auth-failure", user="alice", reason="no-resources")
        client.close()
        daemon.closed(client)
    with start() as daemon:
        client = Login(daemon)
        client.until(b"login: ")
        client.line("alice")
        client.until(b"Password: ")
        login, = logins()
        resource.prlimit(login.pid, resource.RLIMIT_NOFILE, (6, 6))
        client.line(ALICE)
        client.until(b"try again later")
        client.read_all()
        daemon.wait("auth-failure", user="alice", reason="no-resources")
        client.close()
        daemon.closed(client)
        gone()


@needs_root
def test_accounts_that_are_shut():
    """A locked one looks like a wrong password; an expired one and a host
    that is down say so."""
    old = replace_shadow(r"alice:!\1:19000:0:99999:7:::")
    with start() as daemon:
        client = Login(daemon, "alice")
        client.until(b"Login incorrect")
        daemon.wait("auth-failure", user="alice", reason="credentials")
        client.close()
        write("/etc/shadow", old, 0o640)
        replace_shadow(r"alice:\1:19000:0:99999:7::1:")
        client = Login(daemon, "alice")
        client.until(b"Your account has expired")
        client.read_all()
        daemon.wait("auth-failure", user="alice", reason="account")
        write("/etc/shadow", old, 0o640)
        write("/etc/nologin", "Down until noon\n")
        # `login`'s stack looks before a password is asked.
        client = Login(daemon)
        client.until(b"login: ")
        client.line("alice")
        client.until(b"Down until noon")
        client.close()
        daemon.wait("auth-failure", user="alice", reason="account", count=2)
        os.unlink("/etc/nologin")
        equal(daemon.of("session-opened"), [], "sessions")
        gone()


@needs_root
def test_two_prompts():
    """One with echo, one without; a module's text has lost its escapes."""
    with start() as daemon, Module("two"):
        client = Login(daemon)
        client.until(b"login: ")
        client.line("alice")
        client.until(b"two?[2Jwords\r\n")
        client.until(b"First: ")
        client.line("open")
        client.until(b"open\r\n")
        client.until(b"Second: ")
        client.line("sesame")
        said = client.until(b"$ ")
        check(b"sesame" not in said, "an echo: %r" % said)
        equal(client.run("id -un"), "alice\n", "who")
        event = daemon.wait("auth-success", user="alice")
        equal(event["method"], "keyboard-interactive", "method")
        client.close()
        daemon.closed(client)
        gone()


@needs_root
def test_what_a_user_is_told():
    """The message of the day, and when there was a login before, once."""
    write("/etc/motd", "Welcome to the tests\n")
    write("/var/log/lastlog", "")
    with start() as daemon:
        for first in (True, False):
            client = Login(daemon, "alice")
            client.line("PS1=; echo o''n")
            said = client.until(b"on\r\n")
            equal(said.count(b"Welcome to the tests"), 1, "motd")
            if os.path.exists("/lib/%s-linux-gnu/security/pam_lastlog.so" %
                              os.uname().machine):
                equal(said.count(b"Last login: "), 0 if first else 1,
                      "the login before in %r" % said)
                check(first or b"from 127.0.0.1 on pts/" in said,
                      "where from: %r" % said)
            client.close()
            daemon.closed(client)
            gone()


@needs_root
def test_without_a_service_file():
    """PAM's `other` says who logs in, no other service's file; start and
    check say so."""
    path = "/etc/pam.d/login"
    with start() as daemon:
        said = daemon.cli("check", daemon.file)
        check("pam.d" not in said.stderr, said.stderr)
        os.rename(path, path + ".away")
        with Module("two", "other"), Module("deny", "sshd"):
            said = daemon.cli("check", daemon.file)
            equal(said.returncode, 0, "status of check")
            check(path + " is missing" in said.stderr, said.stderr)
            client = Login(daemon)
            client.until(b"login: ")
            client.line("alice")
            client.until(b"First: ")
            client.close()
            daemon.closed(client)
        os.rename(path + ".away", path)
        gone()


@needs_root
def test_pam_service():
    """`login`, whose name other software's rules use, or what is said; a
    file that telnet once had is told to bind nobody."""
    former = "/etc/pam.d/portreeve-telnet"
    write(former, "auth required pam_deny.so\n")
    write("/etc/pam.d/tests-telnet", "auth required pam_deny.so\n")
    with Module("two"), start() as daemon:
        client = Login(daemon)
        client.until(b"login: ")
        client.line("alice")
        client.until(b"First: ")
        client.close()
        daemon.closed(client)
        said = daemon.cli("check", daemon.file).stderr
        check(former + " is not used any more" in said, said)
    os.unlink(former)
    with start("pam-service tests-telnet;") as daemon:
        client = Login(daemon)
        client.until(b"login: ")
        client.line("alice")
        client.until(b"Login incorrect")
        client.close()
        daemon.closed(client)
        with open(daemon.file, encoding="ascii") as file:
            text = file.read()
        # Of those who log in from now on, also without another zygote.
        daemon.configure(text.replace("tests-telnet", "login"))
        equal(daemon.cli("reload").returncode, 0, "reload")
        client = Login(daemon, "alice")
        equal(client.run("id -un"), "alice\n", "who")
        client.close()
        daemon.closed(client)
        gone()


def wtmp(tty):
    """How many records wtmp has of that terminal."""
    done = subprocess.run(["utmpdump", "/var/log/wtmp"], text=True,
                          capture_output=True, check=True)
    return len([r for r in done.stdout.splitlines() if "[%s" % tty in r])


@needs_root
@needs("utmpdump")
def test_one_record_of_each_session():
    """Whether a module of the stack writes wtmp and lastlog or not."""
    path = "/etc/pam.d/login"
    with open(path, encoding="utf-8") as file:
        old = file.read()
    without = re.sub(r"(?m)^.*pam_lastlog.*$", "", old)
    for line in ("session required pam_lastlog.so",
                 "session required pam_lastlog.so nowtmp", ""):
        write(path, without + line + "\n")
        write("/var/log/wtmp", "")
        write("/var/log/lastlog", "")
        with start() as daemon:
            client = Login(daemon, "alice")
            tty = client.run("tty").strip()[len("/dev/"):]
            equal(wtmp(tty), 1, "at its start with `%s'" % line)
            last = subprocess.run(["lastlog", "-u", "alice"], text=True,
                                  capture_output=True, check=True).stdout
            check(tty in last and "127.0.0.1" in last, last)
            client.close()
            daemon.closed(client)
            gone()
            equal(wtmp(tty), 2, "at its end with `%s'" % line)
    write(path, old)


if __name__ == "__main__":
    main()
