#!/usr/bin/python3
"""ssh with the real clients: who gets in, what the session is, what is
written about it."""
import filecmp
import os
import re
import subprocess

from harness import (Connection, LINE, PASSWORDS, authorize, check, clients,
                     equal, key, limit, main, needs, needs_root, one_service,
                     processes, ssh, ssh_echoes, ssh_start, wait_until, world)

ALICE = PASSWORDS["alice"][0]
SCHEMA = os.path.dirname(os.path.abspath(__file__)) + "/../../conf/schema.def"
#: What `ssh -Q` calls it: our statement, and ssh's option.
STATEMENTS = {"cipher": "ciphers", "mac": "macs", "kex": "key-exchange"}
OPTIONS = {"cipher": "Ciphers", "mac": "MACs", "kex": "KexAlgorithms"}


def start(statements="", more=""):
    return one_service("ssh", statements, more)


@needs_root
@needs("ssh", "sshd")
def test_password_login_over_both_families():
    with start() as daemon:
        for host, family in (("127.0.0.1", "inet"), ("::1", "inet6")):
            mark = daemon.mark()
            done = ssh(daemon.port, "alice", "id -un; echo $SSH_CONNECTION",
                       host=host, password=ALICE)
            equal(done.returncode, 0, "ssh: %s" % done.stderr)
            lines = done.stdout.decode().splitlines()
            equal(lines[0], "alice", "who")
            equal(lines[1].split()[0], host, "SSH_CONNECTION")
            event = daemon.wait("auth-success", after=mark, family=family)
            equal((event["user"], event["method"], event["source"]),
                  ("alice", "password", host), "auth-success")
            session = event["session"]
            daemon.wait("session-opened", after=mark, user="alice",
                        session=session)
            closed = daemon.wait("session-closed", after=mark,
                                 session=session)
            equal(closed["user"], "alice", "user of session-closed")
            for name in ("connection-accepted", "auth-success",
                         "session-opened", "session-closed"):
                equal(len(daemon.of(name, after=mark)), 1, name)
        daemon.idle("ssh")


@needs_root
@needs("ssh", "sshd")
def test_public_key_login_and_exit_status():
    pair = key()
    authorize("alice", pair)
    with start() as daemon:
        done = ssh(daemon.port, "alice", "exit 7", identity=pair)
        equal(done.returncode, 7, "status of the command: %s" % done.stderr)
        event = daemon.wait("auth-success")
        equal(event["method"], "publickey", "method")


@needs_root
@needs("ssh", "sshd")
def test_wrong_password_is_one_auth_failure():
    with start() as daemon:
        done = ssh(daemon.port, "alice", password="wrong")
        equal(done.returncode, 255, "status")
        event = daemon.wait("auth-failure")
        equal((event["user"], event["method"], event["reason"]),
              ("alice", "password", "credentials"), "the event")
        daemon.wait("session-closed")
        equal(len(daemon.of("auth-failure")), 1, "auth-failure events")
        equal(daemon.of("auth-success") + daemon.of("session-opened"), [],
              "events of a login")
        ssh(daemon.port, "no such user", password="wrong")
        event = daemon.wait("auth-failure", count=2)
        equal(event["user"], "no such user", "user")
        daemon.idle("ssh")


@needs_root
@needs("ssh", "sshd")
def test_a_terminal_is_a_terminal():
    with start() as daemon:
        done = ssh(daemon.port, "alice", "tty; stty size", password=ALICE,
                   flags=["-tt"])
        equal(done.returncode, 0, "status")
        tty = done.stdout.split()[0].decode()
        check(tty.startswith("/dev/pts/"), "tty is %s" % tty)
        event = daemon.wait("session-opened")
        equal(event.get("tty", "").replace("/dev/", ""),
              tty.replace("/dev/", ""), "tty of session-opened")


@needs_root
@needs("ssh", "sshd")
def test_show_sessions_and_clear():
    with start() as daemon:
        client = ssh_start(daemon.port, "alice",
                           "setsid sh -c 'trap \"\" TERM; sleep 1000' & "
                           "echo up; exec cat",
                           password=ALICE)
        row = wait_until(lambda: [r for r in daemon.show("sessions")
                                  if r["user"]], "a session with a user")[0]
        equal((row["service"], row["family"], row["source"], row["user"]),
              ("ssh", "inet", "127.0.0.1", "alice"), "the row")
        check(ssh_echoes(client, b"hello"), "no echo")
        check(os.path.exists("/proc/%d" % row["pid"]), "its pid")
        done = daemon.cli("clear", "session", str(row["id"]))
        equal(done.returncode, 0, "clear session: %s" % done.stderr)
        client.wait(20)
        daemon.wait("session-closed", session=row["id"])
        daemon.idle("ssh")
        wait_until(lambda: not [p for p in processes.everyone()
                                if p.words == ["sleep", "1000"]],
                   "descendants to end")
        done = daemon.cli("clear", "session", str(row["id"]))
        equal(done.returncode, 1, "clearing it again")


@needs_root
@needs("ssh", "sshd")
def test_refused_peer_reads_the_line_before_any_version():
    with start("connection-limit 1;") as daemon:
        with Connection(daemon.port) as first:
            check(first.read_until(b"\n").startswith(b"SSH-2.0-"),
                  "no version from sshd")
            with Connection(daemon.port) as second:
                second.send(b"SSH-2.0-test\r\n")
                equal(second.read_all(), (LINE, "eof"), "what it saw")
            daemon.wait("connection-refused", reason="connection-limit")
        daemon.idle("ssh")


@needs_root
@needs("ssh", "sshd")
def test_slot_is_held_until_every_process_has_gone():
    pair = key()
    authorize("alice", pair)
    with start("connection-limit 1;") as daemon:
        done = ssh(daemon.port, "alice", "true", identity=pair)
        equal(done.returncode, 0, "ssh: %s" % done.stderr)
        daemon.wait("session-closed")
        daemon.idle("ssh")
        done = ssh(daemon.port, "alice", "true", identity=pair)
        equal(done.returncode, 0, "the slot is free again: %s" % done.stderr)


@needs_root
@needs("scp", "sftp", "sshd")
def test_scp_and_sftp_only_with_the_statement():
    pair = key()
    authorize("alice", pair)
    source = world.WORK + "/file"
    with open(source, "wb") as file:
        file.write(os.urandom(1 << 20))
    base = clients.ssh_words
    for statement, works in (("", False), ("sftp-server;", True)):
        with start(statement) as daemon:
            target = "/home/alice/copy-%s" % works
            done = subprocess.run(
                ["scp"] + base(daemon.port, identity=pair) +
                [source, "alice@127.0.0.1:" + target],
                capture_output=True, timeout=60, check=False,
                env=clients.ssh_environment(None))
            equal(done.returncode == 0, works, "scp: %s" % done.stderr)
            batch = "get %s %s/back\n" % (target, world.WORK)
            done = subprocess.run(
                ["sftp", "-b", "-"] + base(daemon.port, identity=pair) +
                ["alice@127.0.0.1"], input=batch.encode(),
                capture_output=True, timeout=60, check=False,
                env=clients.ssh_environment(None))
            equal(done.returncode == 0, works, "sftp: %s" % done.stderr)
            daemon.idle("ssh")
    check(filecmp.cmp(source, world.WORK + "/back", shallow=False),
          "the file came back changed")


@needs_root
@needs("ssh", "sshd", "sudo", "ip")
@limit(90)
def test_sudo_in_a_session_may_what_root_may():
    with start() as daemon:
        done = ssh(daemon.port, "alice",
                   "sudo -n ip addr add 192.0.2.77/32 dev lo && "
                   "sudo -n unshare -m sh -c "
                   "'mount -t tmpfs none /mnt && touch /mnt/there'",
                   password=ALICE)
        equal(done.returncode, 0, "sudo: %s" % done.stderr)
        done = ssh(daemon.port, "alice", "grep -E 'CapBnd|NoNewPrivs' "
                   "/proc/self/status; ulimit -u; umask", password=ALICE)
        here = subprocess.run(["grep", "-E", "CapBnd", "/proc/self/status"],
                              capture_output=True, check=True).stdout
        check(here.strip() in done.stdout, "bounding set: %s, here %s" % (
            done.stdout, here))
        check(b"NoNewPrivs:\t0" in done.stdout, "NoNewPrivs is set")


@needs_root
@needs("ssh", "sshd")
def test_session_environment_is_of_constants():
    with start() as daemon:
        done = ssh(daemon.port, "alice", "env", password=ALICE,
                   options=["SetEnv=LD_PRELOAD=/x PATH=/x IFS=x"])
        env = dict(line.split("=", 1) for line in
                   done.stdout.decode().splitlines() if "=" in line)
        equal((env["USER"], env["HOME"], env["LOGNAME"], env["SHELL"]),
              ("alice", "/home/alice", "alice", "/bin/bash"), "the user's")
        check("LD_PRELOAD" not in env and env["PATH"] != "/x" and
              env.get("IFS") != "x", "the peer's words: %s" % env)
        check(not [n for n in env if n.startswith(("LISTEN_", "NOTIFY",
                                                   "PORTREEVE", "WATCHDOG"))],
              "the daemon's own environment leaks: %s" % env)


@needs_root
@needs("ssh", "sshd")
def test_two_hundred_strangers_leave_nothing():
    with start("connection-limit 500; rate-limit 1000;",
               "extended-limits;") as daemon:
        for _ in range(4):
            held = [Connection(daemon.port) for _ in range(50)]
            for client in held:
                client.send(b"GET / HTTP/1.0\r\n\r\n")
            for client in held:
                client.read_all()
                client.close()
        daemon.wait("session-closed", count=200, timeout=40)
        daemon.idle("ssh")


if __name__ == "__main__":
    main()
