#!/usr/bin/python3
"""Forwarding by ssh, of each kind, where it is allowed and where it is not:
what a client gets through, not what a file says."""
import contextlib
import os
import socket
import struct
import subprocess
import threading

from harness import (Skip, authorize, check, clients, equal, free_port, key,
                     limit, main, needs, needs_root, one_service, ssh,
                     ssh_start, unused, wait_until, world)

SHUT = "no-tcp-forwarding;"
HELLO = b"forwarded\n"


class Echo:
    """A server of the test's own that greets and ends: TCP or a socket."""

    def __init__(self, path=None, port=None):
        if path:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.bind(path)
            os.chmod(path, 0o777)
        else:
            self.socket = socket.socket()
            self.socket.bind(("127.0.0.1", port or free_port()))
            self.port = self.socket.getsockname()[1]
        self.socket.listen(16)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                with self.socket.accept()[0] as peer:
                    peer.sendall(HELLO)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def said(address, family=socket.AF_INET, greeting=b""):
    """What a server says, until its end."""
    with socket.socket(family) as peer:
        peer.settimeout(20)
        peer.connect(address)
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            peer.sendall(greeting)
            return b"".join(iter(lambda: peer.recv(4096), b""))
    return b""


@contextlib.contextmanager
def connected(daemon, pair, *flags, **more):
    """A client with those flags, logged in."""
    client = ssh_start(daemon.port, "alice", identity=pair, flags=flags,
                       **more)
    try:
        yield client
    finally:
        client.stdin.close()
        client.stdout.read()
        client.stderr.read()
        client.wait()


def both():
    """(daemon, whether it forwards), allowed and not."""
    for statement in ("", "tcp-forwarding;", SHUT):
        with one_service("ssh", statement) as daemon:
            yield daemon, statement != SHUT


def dies(daemon, pair, *flags):
    """Whether a client that asks for that forwarding is refused it."""
    return ssh(daemon.port, "alice", identity=pair, flags=flags, options=(
        "ExitOnForwardFailure=yes",)).returncode == 255


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_ports_and_sockets():
    pair = key()
    authorize("alice", pair)
    path = unused(world.WORK + "/socket")
    with Echo() as echo, Echo(path) as unix:
        del unix
        target = "127.0.0.1:%d" % echo.port
        for daemon, works in both():
            wanted = HELLO if works else b""
            local, dynamic = free_port(), free_port()
            near = unused(world.WORK + "/near")
            with connected(daemon, pair, "-L", "%d:%s" % (local, target),
                           "-L", "%s:%s" % (near, path),
                           "-D", str(dynamic)):
                equal(said(("127.0.0.1", local)), wanted, "-L of a port")
                equal(said(near, socket.AF_UNIX), wanted, "-L of a socket")
                # RFC 1928: no method, connect to an IPv4 address.
                got = said(("127.0.0.1", dynamic), greeting=b"\5\1\0\5\1\0\1" +
                           socket.inet_aton("127.0.0.1") +
                           struct.pack(">H", echo.port))
                equal(got[12:], wanted, "-D: %r" % got)
            done = ssh(daemon.port, "alice", None, identity=pair,
                       flags=("-W", target))
            equal(done.stdout, wanted, "-W: %s" % done.stderr)
            remote = free_port()
            far = unused("/home/alice/far")
            ways = (("-R", "%d:%s" % (remote, target)),
                    ("-R", "%s:%s" % (far, target)))
            for way in ways:
                if not works:
                    check(dies(daemon, pair, *way), "%s is let through" % (way,))
            if not works:
                continue
            with connected(daemon, pair, *(ways[0] + ways[1])):
                equal(said(("127.0.0.1", remote)), HELLO, "-R of a port")
                equal(said(far, socket.AF_UNIX), HELLO, "-R of a socket")
            # A port that nobody chose; the client is told which.
            with connected(daemon, pair, "-o", "LogLevel=INFO", "-R",
                           "0:" + target) as client:
                line = b""
                while not line.startswith(b"Allocated port"):
                    line = client.stderr.readline()
                    check(line, "no port was told")
                equal(said(("127.0.0.1", int(line.split()[2]))), HELLO,
                      "-R 0")


@needs_root
@needs("ssh", "sshd", "ssh-agent", "ssh-add")
@limit(120)
def test_an_agent():
    pair = key()
    authorize("alice", pair)
    path = unused(world.WORK + "/agent")
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", path],
                             stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: os.path.exists(path), "the agent's socket")
        subprocess.run(["ssh-add", "-q", pair], check=True,
                       env=dict(os.environ, SSH_AUTH_SOCK=path))
        with open(pair + ".pub", "rb") as file:
            public = file.read().split()[1]
        for daemon, works in both():
            argv, env = clients.ssh_command(
                daemon.port, "alice", "ssh-add -L", identity=pair,
                flags=("-A",))
            done = subprocess.run(argv, env=dict(env, SSH_AUTH_SOCK=path),
                                  stdin=subprocess.DEVNULL, timeout=60,
                                  capture_output=True, check=False)
            equal(public in done.stdout, works, "an agent's keys: %s" %
                  done.stderr)
    finally:
        agent.terminate()
        agent.wait()


# --- what sshd allows only where it is told to ------------------------------------

X11 = 'sshd-option "X11Forwarding yes";'
TUNNEL = 'sshd-option "PermitTunnel yes";'
COOKIE = b"MIT-MAGIC-COOKIE-1"


def greeted(screen, cookie):
    """What an X server answers to one who connects to that screen."""
    setup = struct.pack("<BxHHHHxx", ord("l"), 11, 0, len(COOKIE), 16)
    return said(("127.0.0.1", 6000 + screen), greeting=setup + COOKIE +
                bytes(2) + bytes.fromhex(cookie))


@needs_root
@needs("ssh", "sshd", "xauth")
@limit(120)
def test_x11():
    pair = key()
    authorize("alice", pair)
    with Echo(port=6000 + 77):
        for statement, works in (("", False), (X11, True),
                                 (X11 + SHUT, False)):
            with one_service("ssh", statement) as daemon:
                argv, env = clients.ssh_command(
                    daemon.port, "alice", "echo $DISPLAY; test -z $DISPLAY || "
                    "xauth list $DISPLAY; exec cat", identity=pair,
                    flags=("-Y",))
                with subprocess.Popen(
                        argv, env=dict(env, DISPLAY="127.0.0.1:77"),
                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                        stderr=subprocess.DEVNULL) as client:
                    name = client.stdout.readline().decode().strip()
                    equal(name != "", works, "a display with `%s`" % statement)
                    if works:
                        cookie = client.stdout.readline().split()[2].decode()
                        screen = int(name.split(":")[1].split(".")[0])
                        equal(greeted(screen, cookie), HELLO, "the X server")
                        equal(greeted(screen, "00" * 16), b"", "no cookie")
                    client.stdin.close()
                    equal(client.wait(), 0, "the client")


@needs_root
@needs("ssh", "sshd", "ip")
@limit(120)
def test_a_tunnel():
    if not os.path.exists("/dev/net/tun"):
        raise Skip("this machine has no /dev/net/tun")
    pair = key()
    authorize("root", pair)
    for statement, works in (("", False), (TUNNEL, True), (SHUT, False)):
        with one_service("ssh", statement) as daemon:
            argv, env = clients.ssh_command(
                daemon.port, "root", "ip -o link show dev tun9; exec cat",
                identity=pair, flags=("-w", "8:9"),
                options=("ExitOnForwardFailure=yes",))
            with subprocess.Popen(argv, env=env, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL) as client:
                equal(b"tun9" in client.stdout.readline(), works,
                      "a tunnel with `%s`" % statement)
                client.terminate()  # it stays while the tunnel is open
            daemon.idle("ssh")
    path = world.write(unused(world.WORK + "/both"), "system { services { ssh "
                       "{ %s } } }" % (TUNNEL + SHUT))
    done = subprocess.run([world.BUILD + "/portreeved", "-n", "-c", path],
                          capture_output=True, text=True, check=False)
    check("`PermitTunnel yes` loosens what no-tcp-forwarding says" in
          done.stderr, done.stderr)


if __name__ == "__main__":
    main()
