#!/usr/bin/python3
"""log-key-changes: which keys are new and which are gone, at a login, a logout
and a reload; and files of keys that are no such thing."""
import os
import shutil
import subprocess

from harness import (BOTH, Daemon, Skip, authorize, check, equal, free_port,
                     key, limit, main, needs, needs_root, one_service, ssh,
                     ssh_start, unused, wait_until, world, write)

FILE = "/home/alice/.ssh/authorized_keys"


def start(more=""):
    return one_service("ssh", "log-key-changes; " + more)


def fingerprint(pair):
    return subprocess.run(["ssh-keygen", "-lf", pair + ".pub"], text=True,
                          capture_output=True, check=True).stdout.split()[1]


def public(pair):
    with open(pair + ".pub", encoding="ascii") as file:
        return file.read()


def put(*lines, path=FILE):
    """The user's own file; unlike rename(2), no other name for it."""
    write(path, "".join(lines), 0o600, "alice")


def settled(daemon):
    """No reader is at work, and what it said is told."""
    wait_until(lambda: "keys" not in daemon.roles(), "readers to end")


def log_in(daemon, pair, **more):
    """A login and its logout, after both of which the keys were looked at."""
    mark = daemon.mark()
    done = ssh(daemon.port, "alice", identity=pair, **more)
    equal(done.returncode, 0, "ssh: %s" % done.stderr)
    session = daemon.wait("auth-success", after=mark, user="alice")["session"]
    daemon.wait("session-closed", after=mark, session=session)
    settled(daemon)


def changes(daemon, after=0):
    return sorted((e["event"], e["user"], e["key"])
                  for e in daemon.of(("key-added", "key-removed"), after))


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_what_is_new_and_what_is_gone():
    first, second, third = key("a"), key("b", "ecdsa"), key("c", "rsa")
    authorize("alice", first)
    with start() as daemon:
        log_in(daemon, first)
        event = daemon.wait("key-added", user="alice", key=fingerprint(first))
        equal((event["service"], event["key-type"], event["file"]),
              ("ssh", "ssh-ed25519", FILE), event.line)
        # Between two logins, behind options, and in the second file.
        settled(daemon)
        mark = daemon.mark()
        put("# a comment\n", public(first), 'from="127.0.0.1,::1",'
            'command="echo \\"quoted text\\" ssh-rsa AAAA" ' + public(second))
        put(public(third), path=FILE + "2")
        log_in(daemon, first)
        for pair, where in ((second, FILE), (third, FILE + "2")):
            daemon.wait("key-added", after=mark, key=fingerprint(pair),
                        file=where)
        settled(daemon)
        mark = daemon.mark()
        # While a session is open; found at its end.
        client = ssh_start(daemon.port, "alice", identity=first)
        settled(daemon)
        put(public(first))
        os.unlink(FILE + "2")
        client.stdin.close()
        client.wait()
        for pair, where in ((second, FILE), (third, FILE + "2")):
            daemon.wait("key-removed", after=mark, user="alice",
                        key=fingerprint(pair), file=where)
        settled(daemon)
        mark = daemon.mark()
        put(public(third))
        equal(daemon.cli("reload").returncode, 0, "reload")
        daemon.wait("key-added", after=mark, key=fingerprint(third))
        daemon.wait("key-removed", after=mark, key=fingerprint(first))
        settled(daemon)
        equal(len(changes(daemon, mark)), 2, "changes at the reload")
        mark = daemon.mark()
        log_in(daemon, third)
        equal(changes(daemon, mark), [], "nothing has changed")
        state = daemon.state
        directory = daemon.directory
    path = state + "/keys/alice"
    equal((os.stat(path).st_mode & 0o777, os.stat(path).st_uid,
           os.stat(state + "/keys").st_mode & 0o777), (0o600, 0, 0o700),
          "the last set")
    # The next daemon knows it.
    port = free_port()
    with Daemon("system { services { ssh { port %d; listen-address 127.0.0.1; "
                "log-key-changes; } } }" % port, directory=directory) as daemon:
        daemon.port = port
        put(public(third), public(first))
        log_in(daemon, first)
        daemon.wait("key-added", key=fingerprint(first))
        settled(daemon)
        equal(len(changes(daemon)), 1, "changes since the daemon before")


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_off_by_default_and_other_files():
    pair, other = key(), key("other")
    authorize("alice", pair)
    with one_service("ssh") as daemon:
        log_in(daemon, pair)
        equal((changes(daemon), os.path.exists(daemon.state + "/keys")),
              ([], False), "without the statement")
    folder = unused("/etc/ssh/keys")
    os.mkdir(folder)
    write(folder + "/alice", public(pair))
    put(public(other))
    with start('sshd-option "AuthorizedKeysFile %s/%%u";' % folder) as daemon:
        log_in(daemon, pair)
        daemon.wait("key-added", file=folder + "/alice")
        settled(daemon)
        equal(changes(daemon), [("key-added", "alice", fingerprint(pair))],
              "sshd's files only")


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_root_s_keys():
    pair = key()
    authorize("root", pair)
    with start() as daemon:
        done = ssh(daemon.port, "root", identity=pair)
        equal(done.returncode, 0, "ssh: %s" % done.stderr)
        daemon.wait("key-added", user="root", key=fingerprint(pair))


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_a_daemon_of_the_user_s_own():
    pair = key()
    authorize("alice", pair)
    port = free_port()
    with Daemon("system { services { ssh { port %d; %s log-key-changes; } } }"
                % (port, BOTH), user="alice") as daemon:
        daemon.port = port
        log_in(daemon, pair)
        daemon.wait("key-added", user="alice", key=fingerprint(pair))
        settled(daemon)


def held(daemon, after):
    return daemon.wait("warning", after=after, service="ssh")["reason"]


@needs_root
@needs("ssh", "sshd")
@limit(180)
def test_files_that_are_none():
    pair, hidden, known = key(), key("hidden"), key("known")
    # By the second file: alice gets in whatever the first one is.
    put(public(known))
    put(public(pair), path=FILE + "2")
    secret = write("/etc/of-root", public(hidden), 0o600)
    with start() as daemon:
        log_in(daemon, pair)
        daemon.wait("key-added", key=fingerprint(pair))
        daemon.wait("key-added", key=fingerprint(known))
        settled(daemon)

        def fifo():
            os.mkfifo(FILE)

        def link(to):
            return lambda: os.symlink(to, FILE)

        def huge():
            with open(FILE, "wb") as file:
                file.write(public(hidden).encode())
                file.truncate(1 << 30)
            shutil.chown(FILE, "alice")
        cases = ((fifo, "no regular file"),
                 (link(secret), "Permission denied"),
                 (link("/etc/shadow"), "Permission denied"),
                 (link("/dev/zero"), "no regular file"),
                 (link("authorized_keys"), "Too many levels"),
                 (lambda: os.mkdir(FILE), "no regular file"),
                 (huge, "File too large"))
        for make, words in cases:
            if os.path.isdir(FILE) and not os.path.islink(FILE):
                os.rmdir(FILE)
            elif os.path.lexists(FILE):
                os.unlink(FILE)
            make()
            mark = daemon.mark()
            equal(daemon.cli("reload").returncode, 0, "reload")
            reason = held(daemon, mark)
            equal(reason, "log-key-changes: not all keys of alice were looked "
                  "at: %s: %s" % (FILE, reason.rsplit(": ", 1)[1]), "why")
            check(words in reason, "%s: %s" % (words, reason))
            settled(daemon)
            # Nobody knows whether the one that was there is gone.
            equal(changes(daemon, mark), [], "what changed: %s" % words)
        os.unlink(FILE)
        # Bytes of all kinds are no keys.
        put(os.urandom(65536).hex() + "\n", "ssh-ed25519 AAAA\n",
            public(hidden).replace("ssh-ed25519", "ssh-rsa"),
            'command="no end ' + public(hidden))
        mark = daemon.mark()
        equal(daemon.cli("reload").returncode, 0, "reload")
        daemon.wait("key-removed", after=mark)
        settled(daemon)
        equal(changes(daemon, mark),
              [("key-removed", "alice", fingerprint(known))], "no key")
        equal(daemon.of("warning", after=mark, service="ssh"), [], "warnings")
        log_in(daemon, pair)
    os.unlink(FILE)
    os.unlink(FILE + "2")


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_a_home_that_hangs():
    if not os.path.exists("/dev/fuse"):
        raise Skip("no /dev/fuse, whose file system this test is")
    pair = key()
    for user in ("alice", "bob"):
        authorize(user, pair)
    with start() as daemon:
        log_in(daemon, pair)
        daemon.wait("key-added", user="alice")
        # A file system that never answers.
        fuse = os.open("/dev/fuse", os.O_RDWR)
        world.mount("hangs", os.path.dirname(FILE), "fuse", 0,
                    "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other" %
                    fuse)
        try:
            mark = daemon.mark()
            equal(daemon.cli("reload").returncode, 0, "reload")
            wait_until(lambda: [p for p in daemon.roles().get("keys", ())
                                if p.status["Seccomp"] == "2"],
                       "a reader that hangs, sealed")
            reader = daemon.role("keys")
            equal((reader.uid, reader.status["NoNewPrivs"],
                   int(reader.status["CapPrm"], 16)),
                  (world.base_uid(), "1", 0), "how it is sealed")
            # Its memory is not the user's to read or write.
            equal(os.stat("/proc/%d/mem" % reader.pid).st_uid, 0, "its memory")
            equal(ssh(daemon.port, "bob", identity=pair).returncode, 0, "bob")
            daemon.wait("key-added", user="bob", key=fingerprint(pair))
            equal(held(daemon, mark), "log-key-changes: not all keys of alice "
                  "were looked at: their reader failed or took too long", "-")
        finally:
            os.close(fuse)
            subprocess.run(["umount", "-l", os.path.dirname(FILE)], check=True)
        mark = daemon.mark()
        equal(daemon.cli("reload").returncode, 0, "reload")
        settled(daemon)
        log_in(daemon, pair)
        equal(changes(daemon, mark), [], "what was known before is")


if __name__ == "__main__":
    main()
