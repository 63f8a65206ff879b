#!/usr/bin/python3
"""What a master, a program or a client that was taken over tries on the
monitor and on the ports: to shut listeners down, to freeze it in a close, to
fill the run-time folder."""
import os
import socket

from portreeve_test import (BOTH, Connection, Daemon, check, equal, finger,
                            free_port, limit, main, needs_root, processes,
                            unused, wait_until, world, write)
from t_sandbox import inject, sealed

SETSOCKOPT, SHUTDOWN = 54, 48
SHUTTER = """#!/usr/bin/python3
import socket, sys
kind = socket.SOCK_DGRAM if sys.argv[1:] == ["udp"] else socket.SOCK_STREAM
listener = socket.socket(socket.AF_INET, kind, 0, 0)
try:
    listener.shutdown(socket.SHUT_RDWR)
except OSError:
    pass
"""


def answers(port):
    try:
        return finger(port, b"x\r\n")[0]
    except OSError:
        return None


@needs_root
@limit(90)
def test_a_master_cannot_shut_a_listener():
    port = free_port()
    with Daemon("system { services { finger { port %d; %s } } }" % (
            port, BOTH)) as daemon:
        inodes = ["socket:[%d]" % i for i in processes.listeners().values()]

        def listener():
            pid = sealed(daemon, "master")
            return pid and [(pid, str(fd)) for fd, name in
                            processes.descriptors(pid).items()
                            if name in inodes][:1]
        for how in ("0", "2"):
            mark = daemon.mark()
            pid, fd = wait_until(listener, "a master's listener")[0]
            equal(inject(pid, SHUTDOWN, fd, how), "stopped by SYS",
                  "shutdown(%s)" % how)
            daemon.wait("role-restarted", after=mark, role="master")
        pid, fd = wait_until(listener, "a master's listener")[0]
        equal(inject(pid, SHUTDOWN, fd, "1"), "returned 0", "to send")
        wait_until(lambda: answers(port), "an answer after all that")


@needs_root
def test_no_role_makes_a_close_wait():
    """SO_LINGER on a socket that the monitor is to close last."""
    port = free_port()
    with Daemon("system { services { finger { port %d; %s } } }" % (
            port, BOTH)) as daemon:
        for role in ("master", "zygote finger", "logreader", "audit"):
            some = daemon.roles().get(role)
            if not some:
                continue
            mark = daemon.mark()
            equal(inject(some[0].pid, SETSOCKOPT, "3", "1", "13",
                         "x:0100000000100000", "8"),
                  "stopped by SYS", "SO_LINGER in " + role)
            daemon.wait("role-restarted", after=mark)
            wait_until(lambda: sealed(daemon, role), "another " + role)
        wait_until(lambda: answers(port), "an answer")


def shutter(port, protocol):
    script = write(unused(world.WORK + "/shutter"), SHUTTER, 0o755)
    return ("service shut-%s { port %d; protocol %s; wait yes; user nobody; "
            "listen-address 127.0.0.1; exec \"%s %s\"; } " % (
                protocol, port, protocol, script, protocol))


@needs_root
@limit(90)
def test_a_program_that_shuts_its_listener_down():
    """It is told, and bound again, and nothing spins."""
    tcp, udp = free_port(), free_port()
    with Daemon("system { services { extended-limits; %s %s } }" % (
            shutter(tcp, "tcp"), shutter(udp, "udp"))) as daemon:
        with socket.create_connection(("127.0.0.1", tcp), 10):
            failed = daemon.wait("listener-failed", service="shut-tcp")
        equal(failed["errno"], "ESHUTDOWN", "the event")
        wait_until(lambda: ("inet", tcp) in processes.listeners(), "the port")
        for count in (1, 2):
            with socket.socket(type=socket.SOCK_DGRAM) as client:
                client.sendto(b"x", ("127.0.0.1", udp))
                daemon.wait("listener-failed", service="shut-udp",
                            count=count)
        accepted = len(daemon.of("connection-accepted"))
        check(accepted <= 12, "it was started %d times" % accepted)
        daemon.idle()


if __name__ == "__main__":
    main()
