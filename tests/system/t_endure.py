#!/usr/bin/python3
"""What a daemon must bear besides a crash: a role that cannot start, a full
disk, few descriptors, a listener that makes room for another."""
import os
import shutil
import signal
import socket
import subprocess
import time

from harness import (BOTH, Connection, Daemon, check, equal, finger, free_port,
                     limit, main, needs, needs_root, processes, wait_until,
                     world)
from harness.strace import Strace


class Copied(Daemon):
    """A daemon with programs of its own, that can be broken."""

    def __init__(self, config):
        super().__init__(config)
        self.build = self.directory + "/build"
        shutil.copytree(world.BUILD + "/libexec", self.build + "/libexec")
        shutil.copy(world.BUILD + "/portreeved", self.build)

    def argv(self):
        return [self.build + "/portreeved"] + super().argv()[1:]

    def breaks(self, name):
        """From now on it does not come up; the daemon holds the file, so
        that another in its place is nothing to it."""
        os.chmod(self.build + "/libexec/" + name, 0o644)

    def replaces(self, name):
        """Another build's, which understands nothing of this one's."""
        os.unlink(self.build + "/libexec/" + name)
        world.write(self.build + "/libexec/" + name, "#!/bin/sh\nexit 1\n",
                    0o755)


def processes_of(daemon, words):
    return [p for p in processes.below(daemon.pid) if p.title == words]


def echo(port):
    """A service that says `up`, as configuration."""
    return "service echo-%d { port %d; protocol tcp; wait no; %s" \
        " exec \"/bin/echo up\"; %s }" % (
            port, port, "user nobody;" if os.geteuid() == 0 else "", BOTH)


def says_up(port, host="127.0.0.1"):
    try:
        with Connection(port, host, timeout=5) as client:
            return client.read_all()[0] == b"up\n"
    except OSError:
        return False


@limit(90)
def test_a_role_that_cannot_start_stops_no_other():
    """A new master serves, although a service's zygote cannot come up."""
    one, other = free_port(), free_port()
    with Copied("system { services { finger { port %d; %s } %s } }" % (
            one, BOTH, echo(other))) as daemon:
        check(says_up(other), "the service at first")
        daemon.breaks("finger")
        mark = daemon.mark()
        os.kill(daemon.role("zygote finger").pid, signal.SIGKILL)
        daemon.wait("role-restarted", role="zygote", service="finger",
                    after=mark, count=2)
        os.kill(daemon.role("master").pid, signal.SIGKILL)
        daemon.wait("role-restarted", role="master", after=mark)
        wait_until(lambda: says_up(other), "the other service", 10)


@limit(90)
def test_an_upgrade_on_disk_is_nothing_to_a_running_daemon():
    """What was installed over it meanwhile is the next daemon's."""
    port = free_port()
    with Copied("system { services { finger { port %d; %s } } }" % (
            port, BOTH)) as daemon:
        for name in os.listdir(daemon.build + "/libexec"):
            daemon.replaces(name)
        for role in ("audit", "zygote finger", "lookup", "master"):
            mark = daemon.mark()
            os.kill(daemon.role(role).pid, signal.SIGKILL)
            daemon.wait("role-restarted", role=role.split()[0], after=mark)
            check(wait_until(lambda: finger(port, b"x\r\n")[0], "an answer",
                             20), "after the end of " + role)


@needs_root
@limit(90)
def test_a_full_run_time_folder():
    """No room for shared memory: one connection is refused, nothing dies."""
    port, other = free_port(), free_port()
    daemon = Daemon("system { services { extended-limits; finger { port %d; "
                    "%s connection-limit 1000; rate-limit 100000; } %s } }" % (
                        port, BOTH, echo(other)))
    os.makedirs(daemon.run, exist_ok=True)
    world.mount("tmpfs", daemon.run, "tmpfs", 0, "mode=755,size=1000k")
    with daemon:
        daemon.wait("warning")
        check("free below" in daemon.of("warning")[0].line, "a word on it")
        finger(port, b"x\r\n")
        held = Connection(port)
        daemon.wait("connection-accepted", count=2)
        stuffing = daemon.run + "/stuffing"
        with open(stuffing, "wb", buffering=0) as file:
            try:
                while file.write(b"x" * 4096):
                    pass
            except OSError:
                pass
        monitor, master = daemon.pid, daemon.role("master").pid
        zygote = daemon.role("zygote finger").pid
        clients = []
        for _ in range(200):
            clients.append(Connection(port))
        # A zygote that cannot be had is tried for again.
        os.kill(daemon.role("zygote echo-%d" % other).pid, signal.SIGKILL)
        daemon.wait("resources-short", timeout=20)
        for client in clients:
            client.close()
        check(processes.alive(monitor), "the monitor died")
        equal(daemon.role("master").pid, master, "the master")
        equal(daemon.role("zygote finger").pid, zygote, "the zygote")
        check(daemon.of("connection-refused", reason="no-resources"),
              "nobody was refused")
        held.send(b"nobodyatall\r\n")
        check(held.read_all()[0], "a session from before")
        os.unlink(stuffing)
        wait_until(lambda: says_up(other), "the service afterwards", 30)
        answer, _ = finger(port, b"nobodyatall\r\n")
        check(answer, "an answer afterwards")
        daemon.idle()


@limit(60)
def test_what_another_boot_left():
    """A folder that outlives a boot: its rate windows do for a restart, and
    nothing of it when the machine was started again since."""
    port = free_port()
    daemon = Daemon("system { services { finger { port %d; %s rate-limit 1; "
                    "} } }" % (port, BOTH))

    def is_served():
        return b"Too many" not in finger(port, b"nobodyatall\r\n")[0]
    with daemon:
        check(is_served(), "the first")
    daemon.child = None
    with daemon:
        check(not is_served(), "the window is gone after a restart")
    daemon.child = None
    world.write(daemon.run + "/state/boot", "another", 0o600, daemon.user)
    with daemon:
        check(is_served(), "another boot's window is there")


@needs_root
@needs("strace")
@limit(60)
def test_an_order_that_meets_a_zygote_on_its_way_out():
    """A connection that comes while a reload has the old zygote exit."""
    port = free_port()
    config = "system { services { %s } }" % echo(port)
    with Daemon(config) as daemon:
        check(says_up(port), "the service at first")
        pid = daemon.role("zygote echo-%d" % port).pid
        with Strace(pid, ("exit_group", "delay_enter=1000000")):
            daemon.configure(config.replace("bin/echo up", "bin/echo up "))
            daemon.configure(config.replace("wait no;", "wait no; umask 077;"))
            mark = daemon.mark()
            os.kill(daemon.pid, signal.SIGHUP)
            daemon.wait("configuration-applied", after=mark)
            # Before the new zygote has told that it is ready.
            found = [says_up(port) for _ in range(4)]
        equal(found, [True] * 4, "what the clients read")
        daemon.idle()


@needs_root
@needs("strace")
@limit(60)
def test_control_sockets_that_cannot_accept():
    """Clients of the control and of the PAM socket wait, out of descriptors or
    by a security module's no, and nobody spins meanwhile."""
    port = free_port()
    with Daemon("system { services { finger { port %d; %s } } }" % (
            port, BOTH)) as daemon:
        for role, name in (("master", "control.sock"),
                           ("monitor", "pam.sock")):
            for error in ("EMFILE", "EPERM"):
                client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                with client, Strace(daemon.role(role).pid, (
                        "accept4", "error=%s:when=1+" % error)) as trace:
                    client.connect(daemon.run + "/" + name)
                    # How often it tries in a second is what is measured.
                    time.sleep(1)
                    check(0 < trace.injected() < 30,
                          "%s, %s: %d calls in a second" % (
                              name, error, trace.injected()))
            equal(len(daemon.show("services")), 2, "rows")


@needs_root
@limit(90)
def test_more_services_than_descriptors_by_default():
    """The monitor takes what the hard limit gives; programs get the soft
    limit that the daemon was started with."""
    ports = [free_port() for _ in range(30)]
    limits = free_port()
    services = " ".join(echo(p) for p in ports)
    daemon = Daemon("system { services { %s service limits { port %d; "
                    "protocol tcp; wait no; user nobody; exec \"/bin/sh -c "
                    "'ulimit -Sn'\"; %s } } }" % (services, limits, BOTH),
                    wrapper=["prlimit", "--nofile=96:4096"])
    with daemon:
        check(says_up(ports[0]) and says_up(ports[-1], "::1"), "up")
        with Connection(limits) as client:
            equal(client.read_all()[0], b"96\n", "a program's limit")


@needs_root
@limit(180)
def test_more_services_than_have_room():
    """128 services whose sessions go on, 128 that take their place, and one
    more: refused, nothing changed, and there is room again when they end."""
    most = 128

    def text(letter, count):
        return "system { services { %s } }" % " ".join(
            "service %s%d { port %d; protocol tcp; wait no; user nobody; "
            "exec \"/bin/cat\"; listen-address 127.0.0.1; }" % (
                letter, n, ports[n]) for n in range(count))

    ports = [free_port() for _ in range(most)]
    with Daemon(text("a", most)) as daemon:
        held = [Connection(p) for p in ports]
        daemon.wait("connection-accepted", count=most)
        daemon.configure(text("b", most))
        equal(daemon.cli("reload").returncode, 0, "reload")
        held += [Connection(p) for p in ports]
        daemon.wait("connection-accepted", count=2 * most, timeout=60)
        before = daemon.cli("show", "configuration").stdout
        daemon.configure(text("c", 1))
        done = daemon.cli("reload")
        check(done.returncode == 1 and "too many services" in done.stderr,
              "the reload: %s" % done.stderr)
        equal(daemon.cli("show", "configuration").stdout, before, "what runs")
        equal(held[-1].send(b"x").socket.recv(1), b"x", "a session")
        held.pop(0).close()
        wait_until(lambda: daemon.cli("reload").returncode == 0, "room")
        for client in held:
            client.close()


@limit(120)
def test_roles_that_were_stopped():
    """SIGSTOP to each: it is replaced, and a zygote's sessions stay."""
    port, other = free_port(), free_port()
    with Daemon("system { services { finger { port %d; %s } %s } }" % (
            port, BOTH, echo(other))) as daemon:
        held = Connection(port)
        daemon.wait("connection-accepted")
        wait_until(lambda: "worker finger" in daemon.roles(), "a worker")
        stopped = {name: daemon.role(name).pid for name in (
            "zygote finger", "zygote echo-%d" % other, "logreader", "lookup",
            "audit", "master")}
        for pid in stopped.values():
            os.kill(pid, signal.SIGSTOP)

        def is_new(name):
            return [p for p in daemon.roles().get(name, [])
                    if p.pid != stopped[name]]
        for name in stopped:
            wait_until(lambda name=name: is_new(name), "another " + name, 60)
        check(says_up(other), "a program")
        answer, _ = finger(port, b"nobodyatall\r\n")
        check(answer, "an answer")
        for name in ("zygote finger", "zygote echo-%d" % other):
            check(processes.alive(stopped[name]), name + " was killed")
            os.kill(stopped[name], signal.SIGCONT)
        held.send(b"nobodyatall\r\n")
        check(held.read_all()[0], "the session of the one that was stopped")
        for name in ("zygote finger", "zygote echo-%d" % other):
            wait_until(lambda name=name: not processes.alive(stopped[name]),
                       "the end of " + name)
        daemon.idle()


@limit(60)
def test_a_listener_that_makes_room():
    """From every address to one: the port is never called busy, and serves
    at once."""
    port = free_port()
    text = "system { services { finger { port %d; listen-address %s; } } }"
    with Daemon(text % (port, "0.0.0.0")) as daemon:
        for address in ("127.0.0.1", "0.0.0.0", "127.0.0.1"):
            mark = daemon.mark()
            daemon.configure(text % (port, address))
            equal(daemon.cli("reload").returncode, 0, "reload")
            began = time.monotonic()
            wait_until(lambda: answers(port), "an answer")
            check(time.monotonic() - began < 0.5, "it took %.2f s" % (
                time.monotonic() - began))
            equal(daemon.of("listener-failed", after=mark), [], "failures")


def answers(port):
    try:
        return finger(port, b"nobodyatall\r\n")[0]
    except OSError:
        return False


if __name__ == "__main__":
    main()
