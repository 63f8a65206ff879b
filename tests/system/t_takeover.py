#!/usr/bin/python3
"""What a master, a program or a client that was taken over tries on the
monitor and on the ports: to shut listeners down, to freeze it in a close, to
fill the run-time folder."""
import os
import select
import shutil
import signal
import socket
import subprocess

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


# --- a user of the host ---------------------------------------------------------


def finger_only():
    return Daemon("system { services { finger { port %d; %s } } }" % (
        free_port(), BOTH))


def as_alice(*words):
    return subprocess.run(
        ["setpriv", "--reuid", "alice", "--regid", "alice", "--clear-groups",
         *words], capture_output=True, text=True, timeout=30, check=False)


@needs_root
@limit(90)
def test_no_user_holds_the_lock():
    """Whatever she can open below the run-time folder, she locks; the daemon
    starts again all the same."""
    old = finger_only()
    with old:
        found = [path for path in subprocess.run(
            ["find", old.run, "-type", "f"], capture_output=True, text=True,
            check=True).stdout.split()
                 if as_alice("test", "-r", path).returncode == 0]
        locks = [subprocess.Popen(
            ["setpriv", "--reuid", "alice", "--regid", "alice",
             "--clear-groups", "flock", path, "sh", "-c",
             "echo held; exec sleep 60"], stdout=subprocess.PIPE)
                 for path in found + [old.run, old.run + "/empty"]]
        # What is locked by others is not hers to have: she waits.
        held = [child for child in locks
                if select.select([child.stdout], [], [], 1)[0]]
        check(held, "alice holds nothing: the test tries nothing")
        old.stop()
        with Daemon(open(old.file, encoding="utf-8").read(),
                    directory=old.directory) as daemon:
            done = subprocess.run(daemon.argv(), capture_output=True,
                                  text=True, timeout=30, check=False)
            check(done.returncode == 1 and "another portreeved (process %d)" %
                  daemon.pid in done.stderr, "a second: %r" % done.stderr)
        for child in locks:
            child.kill()
            child.wait()
            child.stdout.close()


def refused(argv, part):
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30,
                          check=False)
    check(done.returncode == 1 and part in done.stderr,
          "%s: %d %r" % (argv, done.returncode, done.stderr))


@needs_root
@limit(90)
def test_no_folder_on_the_way_is_a_users():
    """Who owns one can put another in its place: of -r, -s and -c."""
    daemon = finger_only()
    own = unused("/home/way")
    os.mkdir(own)
    os.mkdir(own + "/below", 0o755)
    shutil.chown(own, "alice", "alice")
    os.symlink(daemon.directory, own + "/link")
    write(own + "/below/p.conf", "")
    good = daemon.argv()
    for option, value in (("-r", own + "/below"), ("-s", own + "/below"),
                          ("-c", own + "/below/p.conf"),
                          ("-r", own + "/link/run"), ("-s", own + "/link/s"),
                          ("-c", own + "/link/portreeve.conf")):
        argv = list(good)
        argv[argv.index(option) + 1] = value
        refused(argv, "belongs to another user")
    # Nor open to a group.
    shutil.chown(own, "root", "root")
    os.chmod(own, 0o775)
    argv = list(good)
    argv[argv.index("-r") + 1] = own + "/below"
    refused(argv, "chmod go-w")
    os.chmod(own, 0o755)
    daemon.argv = lambda: argv
    with daemon:
        check(os.path.exists(own + "/below/control.sock"), "its socket")


@needs_root
@limit(90)
def test_no_file_is_read_through_a_users_link():
    """telnet's banner is shown to everyone, and root reads it."""
    port = free_port()
    secret = write("/mnt/secret", "root:$6$secret\n", 0o600)
    link = "/home/alice/banner"
    os.symlink(secret, link)
    os.lchown(link, *[os.stat("/home/alice").st_uid] * 2)
    text = "system { services { telnet { port %d; %s %s } } }"
    daemon = Daemon(text % (port, BOTH, 'banner "%s";' % link))
    try:
        refused(daemon.argv() + ["-n"], "banner: " + link)
        # It was a file of root's when it was judged.
        folder = unused(world.WORK + "/banners")
        os.mkdir(folder)
        good = write(folder + "/banner", "Welcome\n")
        with daemon.configure(text % (port, BOTH, 'banner "%s";' % good)):
            with Connection(port) as client:
                check(b"Welcome" in client.read_until(b"login: "), "no banner")
            for change in ("link", "file"):
                os.unlink(good)
                if change == "link":
                    os.symlink(secret, good)
                    os.lchown(good, 12345, 12345)
                else:
                    write(good, "Mine\n")
                    os.chown(good, 12345, 12345)
                check(daemon.cli("reload").returncode == 1, change)
                mark = daemon.mark()
                os.kill(daemon.role("zygote telnet").pid, signal.SIGKILL)
                daemon.wait("warning", after=mark, service="telnet")
                with Connection(port) as client:
                    shown = client.read_until(b"login: ")
                check(b"secret" not in shown and b"Mine" not in shown,
                      "%s: %r" % (change, shown))
    finally:
        os.unlink(link)


if __name__ == "__main__":
    main()
