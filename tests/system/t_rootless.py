#!/usr/bin/python3
"""An ordinary user's daemon: what that user may do, and no more."""
import os
import subprocess

from harness import (BOTH, Connection, Daemon, authorize, check, clients,
                     equal, finger, free_port, key, limit, main, needs,
                     needs_root, processes, ssh, ssh_start, wait_until, world)

USER = "alice" if world.ROOT else None
BARE = ("monitor", "zygote ssh", "zygote exec", "zygote cat")


def start(more=""):
    port = free_port()
    daemon = Daemon("system { services { finger { port %d; %s } %s } }" % (
        port, BOTH, more), user=USER)
    daemon.port = port
    return daemon


def test_finger_answers():
    with start() as daemon:
        for host in ("127.0.0.1", "::1"):
            answer, ending = finger(daemon.port, b"x\r\n", host)
            check(answer and ending == "eof", "an answer over " + host)
        daemon.wait("session-closed", count=2)
        daemon.idle()


def test_sandboxes():
    with start() as daemon, Connection(daemon.port):
        daemon.wait("connection-accepted")
        wait_until(lambda: "worker finger" in daemon.roles(), "a worker")
        for name, some in daemon.roles().items():
            for process in some:
                bare = name in BARE
                equal(process.status["NoNewPrivs"], "0" if bare else "1",
                      name + ": NoNewPrivs")
                equal(process.status["Seccomp"], "0" if bare else "2",
                      name + ": Seccomp")
                for piece in ("CapPrm", "CapEff", "CapAmb"):
                    equal(process.status[piece], "0" * 16,
                          "%s: %s" % (name, piece))


def test_it_says_once_that_it_runs_so():
    with start() as daemon:
        said = [e for e in daemon.events if "ordinary user" in e.line or
                "rootless" in e.line.lower()]
        equal(len(said), 1, "events that say so: %s" % [
            e.line for e in said])


@needs_root
def test_files_are_the_users():
    with start() as daemon:
        for top, _, names in os.walk(daemon.directory):
            for name in names:
                equal(os.lstat(os.path.join(top, name)).st_uid,
                      world.base_uid(), "owner of " + name)
        done = subprocess.run(
            ["setpriv", "--reuid", "alice", "--regid", "alice",
             "--init-groups", world.BUILD + "/portreeve", "-r", daemon.run,
             "show", "services", "--json"], capture_output=True, text=True,
            check=False, timeout=30)
        equal(done.returncode, 0, "alice's own client: %s" % done.stderr)


@needs_root
@needs("ssh", "sshd")
@limit(90)
def test_ssh_logs_in_that_user_alone():
    pair = key()
    for user in ("alice", "bob", "root"):
        authorize(user, pair)
    port = free_port()
    with Daemon("system { services { ssh { port %d; %s root-login allow; } "
                "} }" % (port, BOTH), user=USER) as daemon:
        done = ssh(port, "alice", "id -un", identity=pair)
        equal(done.stdout, b"alice\n", "alice: %s" % done.stderr)
        event = daemon.wait("auth-success")
        equal((event["user"], event["method"]), ("alice", "publickey"),
              "auth-success")
        daemon.wait("session-opened", user="alice")
        daemon.wait("session-closed")
        for user in ("bob", "root"):
            done = ssh(port, user, "id -un", identity=pair)
            check(done.returncode != 0 and not done.stdout,
                  "%s got in: %s" % (user, done.stdout))
        daemon.idle("ssh")
        client = ssh_start(port, "alice", identity=pair)
        for process in processes.below(daemon.pid):
            # The monitor's own children are roles, named or about to be.
            if process.parent != daemon.pid:
                equal(process.status["NoNewPrivs"], "0",
                      "NoNewPrivs of " + process.title)
        client.stdin.close()
        client.wait(20)


@needs_root
@needs("ssh-keyscan", "sshd")
def test_host_keys_are_its_own_and_stay():
    port = free_port()
    daemon = Daemon("system { services { ssh { port %d; %s } } }" % (
        port, BOTH), user=USER)

    def scan():
        done = subprocess.run(
            ["ssh-keyscan", "-p", str(port), "-t", "ed25519", "127.0.0.1"],
            capture_output=True, text=True, check=False, timeout=30,
            env=clients.ssh_environment(None))
        return check([n.split()[-1] for n in done.stdout.splitlines()
                      if "ssh-ed25519" in n], "no key: " + done.stderr)
    with daemon:
        first = scan()
        with open("/etc/ssh/ssh_host_ed25519_key.pub",
                  encoding="ascii") as file:
            check(first[0] not in file.read(), "the machine's own key")
    daemon.child = None
    with daemon:
        equal(scan(), first, "the key after a restart")


def test_a_program_runs_as_that_user():
    port = free_port()
    with Daemon("system { services { service cat { port %d; protocol tcp; "
                "wait no; exec \"/usr/bin/id -u\"; %s } } }" % (port, BOTH),
                user=USER):
        with Connection(port) as client:
            uid = world.base_uid() if world.ROOT else os.geteuid()
            equal(client.read_all()[0], b"%d\n" % uid, "its uid")


@needs_root
def test_another_user_is_an_error():
    port = free_port()
    daemon = Daemon(
        "system { services { service cat { port %d; protocol tcp; wait no; "
        "user bob; exec \"/usr/bin/id -u\"; %s } } }" % (port, BOTH),
        user=USER)
    daemon.launch()
    try:
        wait_until(lambda: daemon.of("ready") or
                   daemon.child.poll() is not None, "a start or an end")
        if daemon.child.poll() is None:
            with Connection(port) as client:
                data, _ = client.read_all()
            check(data.strip() != b"%d" % (world.base_uid() + 1), "as bob")
            check(b"uid" not in data, "an answer")
    finally:
        daemon.kill_all()


if __name__ == "__main__":
    main()
