#!/usr/bin/python3
"""What sshd decides, as events: one auth-failure for each attempt, whatever
the state of the account and the method; the key; and what else sshd says."""
import os
import subprocess

from harness import (BOTH, Daemon, PASSWORDS, authorize, check, equal,
                     free_port, key, limit, main, needs, needs_root, ssh,
                     wait_until, world, write)

RIGHT = PASSWORDS["alice"][0]

METHODS = ("password", "publickey", "keyboard-interactive")

#: (account, its credentials are right, reason). Each by every method.
TABLE = [
    ("alice", False, "credentials"),
    ("nosuch", False, "credentials"),
    ("root", False, "credentials"),
    ("denied", True, "account"),
    ("shellless", True, "account"),
    ("expired", True, "account"),
]


def add_user(name, uid, shell="/bin/bash", expires=""):
    home = "/home/" + name
    for path, row in (
            ("/etc/passwd", "%s:x:%d:%d::%s:%s" % (
                name, uid, uid, home, shell)),
            ("/etc/shadow", "%s:%s%s:19000:0:99999:7::%s:" % (
                name, world.SALT, PASSWORDS["alice"][1], expires)),
            ("/etc/group", "%s:x:%d:" % (name, uid))):
        with open(path, "a", encoding="ascii") as file:
            file.write(row + "\n")
    os.makedirs(home + "/.ssh", mode=0o700)
    for path in (home, home + "/.ssh"):
        os.chown(path, uid, uid)


def no_delay():
    """pam_unix waits two seconds after a wrong password."""
    path = "/etc/pam.d/common-auth"
    with open(path, encoding="utf-8") as file:
        text = file.read()
    write(path, text.replace("pam_unix.so", "pam_unix.so nodelay"))


def fingerprint(pair):
    return subprocess.run(["ssh-keygen", "-l", "-f", pair + ".pub"],
                          check=True, capture_output=True, text=True
                          ).stdout.split()[1]


def attempt(daemon, user, method, password, pair):
    """One attempt, and all that was told of its connection."""
    mark = daemon.mark()
    more = {"identity": pair} if method == "publickey" else {
        "password": password}
    done = ssh(daemon.port, user, "true", methods=method, **more)
    closed = daemon.wait("session-closed", after=mark)
    events = [e for e in daemon.events[mark:]
              if e.get("session") == closed["session"]]
    return done, events


def check_failure(events, user, method, reason, what):
    failures = [e for e in events if e["event"] == "auth-failure"]
    equal(len(failures), 1, "%s: of %s" % (what, [e.line for e in events]))
    equal((failures[0].get("user"), failures[0]["method"],
           failures[0]["reason"]), (user, method, reason), what)
    equal(events[-1]["event"], "session-closed", what + ": the last event")
    return failures[0]


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_one_failure_for_each_attempt():
    no_delay()
    base = world.base_uid()
    add_user("denied", base + 2)
    add_user("shellless", base + 3, shell="/nowhere/shell")
    add_user("expired", base + 4, expires="1")
    right, wrong = key(), key()
    for user in ("alice", "denied", "shellless", "expired"):
        authorize(user, right)
    extra = write("/mnt/work/sshd.conf", "DenyUsers denied\n", 0o600)
    port = free_port()
    with Daemon("system { services { ssh { port %d; %s root-login allow; "
                "sshd-config \"%s\"; } } }" % (port, BOTH, extra)) as daemon:
        daemon.port = port
        for user, good, reason in TABLE:
            pair = right if good else wrong
            for method in METHODS:
                what = "%s by %s" % (user, method)
                done, events = attempt(daemon, user, method,
                                       RIGHT if good else "wrong", pair)
                check(done.returncode != 0, what + " got in")
                event = check_failure(events, user, method, reason, what)
                equal(event.get("unknown-user"),
                      "yes" if user == "nosuch" else None, event.line)
                if method == "publickey":
                    # sshd looks at no key of one who may not log in anyway.
                    equal(event.get("key"), fingerprint(pair) if user in (
                        "alice", "root", "expired") else None, what)
                else:
                    check("key" not in event, what + ": a key")
        # sshd's own words on it.
        for text in ("listed in DenyUsers", "Invalid user nosuch from",
                     "shell /nowhere/shell does not exist"):
            check([e for e in daemon.of("sshd-output") if text in e["text"]],
                  "nothing said: " + text)
        write("/etc/nologin", "The host is going down.\n")
        try:
            for method in METHODS:
                what = "/etc/nologin, by " + method
                done, events = attempt(daemon, "alice", method, RIGHT, right)
                check(done.returncode != 0, what + ": got in")
                check_failure(events, "alice", method, "account", what)
        finally:
            os.unlink("/etc/nologin")
        daemon.idle()


@needs_root
@needs("ssh", "sshd")
def test_what_sshd_says():
    port = free_port()
    good, ca = key(), key("ca")
    authorize("alice", good)
    subprocess.run(["ssh-keygen", "-q", "-s", ca, "-I", "a (serial 7) b",
                    "-z", "42", "-n", "alice", key("certified") + ".pub"],
                   check=True)
    with Daemon("system { services { ssh { port %d; %s } } }" % (
            port, BOTH)) as daemon:
        daemon.port = port

        def says(text, **more):
            mark = daemon.mark()
            done = ssh(port, "alice", **more)
            closed = daemon.wait("session-closed", after=mark)
            wait_until(lambda: [
                e for e in daemon.of("sshd-output", after=mark)
                if text in e["text"] and e["session"] == closed["session"]],
                       "sshd-output with %r; %s" % (text, done.stderr))
            check(not [e for e in daemon.of("sshd-output", after=mark)
                       if "debug" in e["text"]], "debug lines")

        says("no matching cipher", password="x", options=[
            "Ciphers=aes128-cbc"])
        says("no matching host key type", password="x", options=[
            "HostKeyAlgorithms=ssh-dss"])
        says("subsystem not found", identity=good, flags=["-s"],
             command="nosuch")
        mark = daemon.mark()
        ssh(port, "alice", identity=good)
        daemon.wait("auth-success", after=mark, key=fingerprint(good))
        daemon.wait("session-closed", after=mark)
        equal([e.line for e in daemon.of("sshd-output")
               if "Accepted" in e["text"]], [], "what an event carries")
        # sshd ends with 255 after a good session, too.
        check(all("exit" not in e for e in daemon.of("session-closed")),
              "an exit status that means nothing")
        os.chmod("/home/alice/.ssh", 0o777)
        says("bad ownership or modes", identity=good)
        os.chmod("/home/alice/.ssh", 0o700)
        # A certificate that nobody trusts, and what its signer wrote.
        mark = daemon.mark()
        ssh(port, "alice", identity=world.WORK + "/certified", options=[
            "CertificateFile=" + world.WORK + "/certified-cert.pub"])
        daemon.wait("session-closed", after=mark)
        event = daemon.wait("auth-failure", after=mark,
                            certificate_serial="42")
        equal((event["certificate-id"], event["key"]),
              ("a (serial 7) b", fingerprint(world.WORK + "/certified")),
              event.line)
        daemon.idle()


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_the_key_of_a_login():
    """By our PAM module's word, of every type; a certificate's words too."""
    ca, port = key("ca"), free_port()
    # ssh itself holds that in the folder of one who may be anybody.
    write("/etc/ssh/ca.pub", open(ca + ".pub", encoding="ascii").read())
    extra = write("/mnt/work/ca.conf",
                  "TrustedUserCAKeys /etc/ssh/ca.pub\n", 0o600)
    with Daemon("system { services { ssh { port %d; %s sshd-config \"%s\"; } "
                "} }" % (port, BOTH, extra)) as daemon:
        for kind, serial in (("ed25519", "0"), ("ecdsa", "7"),
                             ("rsa", str(2 ** 64 - 1))):
            pair = key(kind, kind)
            authorize("alice", pair)
            mark = daemon.mark()
            done = ssh(port, "alice", identity=pair)
            equal(done.returncode, 0, "%s: %s" % (kind, done.stderr))
            event = daemon.wait("auth-success", after=mark)
            equal((event["method"], event.get("key"),
                   "certificate-id" in event),
                  ("publickey", fingerprint(pair), False), event.line)
            authorize("alice", ca)  # and so this key itself lets nobody in
            subprocess.run(["ssh-keygen", "-q", "-s", ca, "-I",
                            "one \"two\" " + kind, "-z", serial, "-n",
                            "alice", pair + ".pub"], check=True)
            mark = daemon.mark()
            done = ssh(port, "alice", identity=pair)
            equal(done.returncode, 0, "%s: %s" % (kind, done.stderr))
            event = daemon.wait("auth-success", after=mark)
            equal((event["method"], event.get("key"),
                   event.get("certificate-id"),
                   event.get("certificate-serial")),
                  ("publickey", fingerprint(pair), "one \"two\" " + kind,
                   serial), event.line)
        mark = daemon.mark()
        ssh(port, "alice", password=RIGHT)
        check("key" not in daemon.wait("auth-success", after=mark), "a key")
        daemon.idle()


SECRET = "correct-horse.battery+staple-and-much-more-that-is-long"


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_a_name_of_nobody_s_is_not_logged():
    """It may be a password; a name that is denied is somebody's."""
    no_delay()
    add_user("barred", world.base_uid() + 5)
    extra = write("/mnt/work/barred.conf",
                  "DenyUsers barred\nMaxAuthTries 1\n", 0o600)
    pair, port = key(), free_port()
    text = "system { services { ssh { port %d; %s %s sshd-config \"%s\"; } } }"
    with Daemon(text % (port, BOTH, "", extra)) as daemon:
        daemon.port = port
        for rule, shown in (("", True), ("no-log-unknown-users;", False),
                            ("log-unknown-users;", True)):
            daemon.configure(text % (port, BOTH, rule, extra))
            equal(daemon.cli("reload").returncode, 0, "reload")
            mark = daemon.mark()
            for method in METHODS:
                _, events = attempt(daemon, SECRET, method, "wrong", pair)
                event = check_failure(events, SECRET if shown else None,
                                      method, "credentials", rule + method)
                equal(event.get("unknown-user"), "yes", event.line)
                _, events = attempt(daemon, "barred", method, "wrong", pair)
                event = check_failure(events, "barred", method, "account",
                                      rule + method)
                check("unknown-user" not in event, event.line)
            wait_until(lambda: [
                e for e in daemon.of("sshd-output", after=mark)
                if "Too many authentication failures" in e["text"]],
                       "sshd's word on too many tries")
            daemon.idle()
            # sshd cuts it, too.
            equal([e.line for e in daemon.events[mark:]
                   if SECRET[:32] in e.line] == [], not shown,
                  "the name, with %r" % rule)
            check([e for e in daemon.of("sshd-output", after=mark) if (
                "Invalid user %s from" % (SECRET if shown else "(hidden)"))
                   in e["text"]], "sshd's own word")


if __name__ == "__main__":
    main()
