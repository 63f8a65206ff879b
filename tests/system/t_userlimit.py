#!/usr/bin/python3
"""user-limit: processes and sessions of one user, below, at and above."""
import os
import signal

from harness import (BOTH, Daemon, PASSWORDS, authorize, check, equal,
                     free_port, key, limit, main, needs, needs_root, processes,
                     ssh, ssh_echoes, ssh_start, wait_until, world)

ALICE = PASSWORDS["alice"][0]


def start(limits, **more):
    port = free_port()
    daemon = Daemon("system { services { ssh { port %d; %s } "
                    "user-limit { %s } } }" % (port, BOTH, limits), **more)
    daemon.port = port
    return daemon


def gone():
    """Nothing of alice's is left from the test before."""
    wait_until(lambda: not [p for p in processes.everyone()
                            if p.uid == world.base_uid()],
               "alice's processes to end")


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_sessions_below_at_and_above():
    pair = key()
    authorize("alice", pair)
    authorize("bob", pair)
    with start("sessions 2;") as daemon:
        held = [ssh_start(daemon.port, "alice", identity=pair),
                ssh_start(daemon.port, "alice", password=ALICE, host="::1")]
        daemon.wait("session-opened", count=2)
        for how in ({"identity": pair}, {"password": ALICE}):
            done = ssh(daemon.port, "alice", "echo in", **how)
            check(done.returncode != 0 and b"in" not in done.stdout,
                  "a third session by %s" % how)
        for count in (1, 2):
            event = daemon.wait("auth-failure", count=count, user="alice")
            equal(event["reason"], "user-limit", "reason")
        done = ssh(daemon.port, "bob", "echo in", identity=pair)
        equal(done.stdout, b"in\n", "another user's session: %s" %
              done.stderr)
        check(all(ssh_echoes(c, b"here") for c in held), "those at the limit")
        mark = daemon.mark()
        held.pop().stdin.close()
        daemon.wait("session-closed", after=mark, user="alice")
        done = ssh(daemon.port, "alice", "echo in", identity=pair)
        equal(done.stdout, b"in\n", "once more below: %s" % done.stderr)
        held.pop().stdin.close()
        daemon.idle("ssh")


@needs_root
@needs("ssh", "sshd")
@limit(90)
def test_processes_reach_the_shell():
    gone()
    with start("processes 12;") as daemon:
        done = ssh(daemon.port, "alice", "ulimit -u; ulimit -Hu",
                   password=ALICE)
        equal(done.stdout, b"12\n12\n", "ulimit -u: %s" % done.stderr)
        # The client's bash cannot have more than the limit at a time.
        done = ssh(daemon.port, "alice",
                   "for i in $(seq 20); do sleep 3 & done 2>&1; "
                   "jobs -p | wc -l", password=ALICE)
        daemon.wait("session-closed", count=2)
        check(b"Resource temporarily" in done.stdout + done.stderr,
              "twenty were had: %s %s" % (done.stdout, done.stderr))
    gone()


@needs_root
@needs("ssh", "sshd")
@limit(90)
def test_processes_at_the_limit_refuse_and_count_every_door():
    gone()
    pair = key()
    authorize("alice", pair)
    authorize("bob", pair)
    with start("processes 6;") as daemon:
        client = ssh_start(
            daemon.port, "alice", "for i in 1 2 3; do sleep 300 & done; "
            "echo up; cat", identity=pair)
        count = len([p for p in processes.everyone()
                     if p.uid == world.base_uid()])
        check(count <= 6, "alice has %d" % count)
        mark = daemon.mark()
        done = ssh(daemon.port, "alice", "echo in; cat /dev/null | cat",
                   identity=pair)
        check(done.returncode != 0, "a login past the limit: %s" %
              done.stdout)
        daemon.wait("session-closed", after=mark)
        done = ssh(daemon.port, "bob", "echo in", identity=pair)
        equal(done.stdout, b"in\n", "another user: %s" % done.stderr)
        check(ssh_echoes(client, b"still"), "who was there first")
        client.kill()
        client.wait()
    # What a user left in the background outlives the session, as with the
    # system's own sshd.
    for process in processes.everyone():
        if process.uid == world.base_uid():
            os.kill(process.pid, signal.SIGKILL)
    gone()


@needs_root
@needs("ssh", "sshd")
def test_without_the_statement_there_is_none():
    gone()
    with start("processes 65535;") as daemon:
        done = ssh(daemon.port, "alice", "ulimit -u", password=ALICE)
        check(int(done.stdout) <= 65535, "ulimit -u: %s" % done.stdout)
    with start("") as daemon:
        done = ssh(daemon.port, "alice", "echo in", password=ALICE)
        equal(done.stdout, b"in\n", "a login: %s" % done.stderr)


if __name__ == "__main__":
    main()
