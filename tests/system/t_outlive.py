#!/usr/bin/python3
"""Roles that were taken over, or hang, try to outlive their monitor and to
keep its ports: SIGKILL comes with the monitor's end, and the next daemon ends
what had no such bond. Sessions go on."""
import glob
import os
import signal
import socket
import struct
import subprocess

from harness import (BOTH, Connection, Daemon, authorize, check, equal, finger,
                     free_port, key, limit, main, needs, needs_root, processes,
                     ssh_echoes, ssh_start, wait_until)
from t_adopt import again, left, start
from harness.inject import inject, injector

PRCTL, GETPID, PDEATHSIG = 157, 39, "1"


def state(pid):
    try:
        return processes.status(pid)["State"].split()[0]
    except OSError:
        return None


def kill_monitor(daemon):
    os.kill(daemon.pid, signal.SIGKILL)
    daemon.child.wait()


def session_of(daemon):
    """An ssh client, once it is logged in."""
    pair = key()
    authorize("alice", pair)
    client = ssh_start(daemon.ssh, "alice", identity=pair)
    daemon.wait("session-opened", user="alice")
    return client


@needs_root
@needs("ssh", "sshd")
@limit(90)
def test_no_role_outlives_the_monitor():
    """Not one that obeys nobody, nor one that stands still."""
    old = start()
    with old:
        client = session_of(old)
        roles = {name: some[0].pid for name, some in old.roles().items()
                 if name != "monitor" and some[0].parent == old.pid}
        check({"master", "audit", "lookup", "logreader", "zygote finger",
               "zygote ssh"} <= set(roles), "roles: %s" % list(roles))
        equal(inject(roles["master"], PRCTL, PDEATHSIG, "0"),
              "stopped by SYS", "a master that gives up its bond")
        old.wait("role-restarted", role="master")
        master = wait_until(lambda: [
            p.pid for p in old.roles().get("master", [])
            if p.status["Seccomp"] == "2"], "the next master")[0]
        # Under a debugger's hand the master obeys nobody.
        deaf = subprocess.Popen(
            [injector(), "-k", str(master), str(GETPID)],
            stdout=subprocess.PIPE, text=True)
        wait_until(lambda: state(master) == "t", "the master under its hand")
        for name, pid in roles.items():
            if name != "master":
                os.kill(pid, signal.SIGSTOP)
                wait_until(lambda: state(pid) == "T", name + " to stop")
        kill_monitor(old)
        check("died by KILL" in deaf.communicate(timeout=20)[0],
              "the deaf master lives")
        wait_until(lambda: not left(), "every role to end: %s" % left())
        check(ssh_echoes(client, b"alone"), "the session without a daemon")
    with again(old) as daemon:
        check(finger(daemon.port, b"x\r\n")[0], "no answer from the next")
        check(ssh_echoes(client, b"adopted"), "the session")
        client.stdin.close()
        client.wait(20)


@needs_root
@needs("ssh", "sshd")
@limit(90)
def test_the_next_monitor_ends_what_outlived_the_one_before():
    """Root's zygotes have no filter, and one that was taken over can give up
    its bond; its sessions are not it."""
    old = start()
    with old:
        client = session_of(old)
        zygote = old.role("zygote ssh").pid
        equal(inject(zygote, PRCTL, PDEATHSIG, "0"), "returned 0", "prctl")
        os.kill(zygote, signal.SIGSTOP)
        wait_until(lambda: state(zygote) == "T", "the zygote to stop")
        kill_monitor(old)
        wait_until(lambda: left() in (["zygote ssh"], []), "roles: %s" %
                   left())
        equal(state(zygote), "T", "the zygote without its monitor")
    with again(old) as daemon:
        check(state(zygote) in (None, "Z"), "the zygote lives on")
        told = [e for e in daemon.of("warning")
                if "(process %d)" % zygote in e["reason"]]
        equal(len(told), 1, "warnings: %s" % daemon.of("warning"))
        check(ssh_echoes(client, b"adopted"), "the session")
        equal(daemon.sessions("ssh"), 1, "ssh sessions counted")
        client.stdin.close()
        client.wait(20)
        daemon.idle()


def slots_of(run, service):
    """The slot table of a service's zygote."""
    for path in glob.glob(run + "/state/slots.*"):
        with open(path, "rb") as file:
            if file.read(64)[24:57].rstrip(b"\0") == service.encode():
                return path
    return None


@needs_root
@limit(90)
def test_a_zygotes_table_names_no_other_users_process():
    """One that was taken over writes root's process down as a session; the
    next daemon would count it, and end it when told."""
    old = start()
    with old, subprocess.Popen(["sleep", "1000"]) as victim:
        with Connection(old.port) as held:
            old.wait("connection-accepted", source_port=held.port)
            kill_monitor(old)
            wait_until(lambda: not [n for n in left() if "worker" not in n],
                       "every role to end")
            with open("/proc/%d/stat" % victim.pid, encoding="ascii") as file:
                ticks = int(file.read().rsplit(")", 1)[1].split()[19])
            with open(slots_of(old.run, "finger"), "r+b") as file:
                head = struct.unpack("=6I", file.read(24))
                file.seek(20)
                file.write(struct.pack("=I", max(head[5], 10)))
                file.seek(64 + 64 * 9)
                file.write(struct.pack(
                    "=I i Q Q", 1, victim.pid, 999,
                    ticks * 10**9 // os.sysconf("SC_CLK_TCK")))
        with again(old) as daemon:
            rows = daemon.show("sessions")
            check(999 not in [r["id"] for r in rows], "sessions: %s" % rows)
            done = daemon.cli("clear", "session", "999")
            equal(done.returncode, 1, "clear session 999")
            equal(victim.poll(), None, "the victim")
        victim.kill()


@needs_root
def test_ready_names_what_listens_here():
    """Another's socket is no service of ours."""
    ours, theirs = free_port(), free_port()
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", theirs))
        busy.listen()
        with Daemon("system { services { finger { port %d; listen-address "
                    "127.0.0.1; } service echo { port %d; protocol tcp; wait "
                    "no; user nobody; exec \"/bin/cat\"; %s } } }" % (
                        theirs, ours, BOTH)) as daemon:
            equal(daemon.of("ready")[0]["services"], "echo", "ready")
            with Connection(ours) as client:
                client.send(b"one\n").read_until(b"one\n")


if __name__ == "__main__":
    main()
