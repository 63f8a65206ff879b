"""Clients: plain TCP, and the real ssh, scp and sftp."""
import os
import select
import socket
import subprocess
import time

from . import world

LINE = b"Too many connections\r\n"


class Connection:
    """One TCP connection of a client; source is its own address."""

    def __init__(self, port, host="127.0.0.1", timeout=20, source=None):
        self.socket = socket.create_connection(
            (host, port), timeout, source and (source, 0))
        self.port = self.socket.getsockname()[1]
        self.host = host

    def send(self, data):
        self.socket.sendall(data)
        return self

    def read_all(self):
        """(every byte until the end, 'eof' or 'reset')."""
        data = b""
        try:
            while True:
                piece = self.socket.recv(65536)
                if not piece:
                    return data, "eof"
                data += piece
        except (ConnectionResetError, BrokenPipeError):
            return data, "reset"

    def read_until(self, ending):
        """The bytes up to and with ending."""
        data = b""
        while not data.endswith(ending):
            piece = self.socket.recv(1)
            if not piece:
                raise AssertionError("closed after %r, awaiting %r" %
                                     (data, ending))
            data += piece
        return data

    def silent(self, seconds=0.0):
        """Whether nothing, not even an end, has come by then."""
        return not select.select([self.socket], [], [], seconds)[0]

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)
        return self

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def finger(port, query=b"\r\n", host="127.0.0.1", timeout=20):
    """One finger query; (answer, 'eof' or 'reset')."""
    with Connection(port, host, timeout) as connection:
        try:
            connection.send(query)
        except (ConnectionResetError, BrokenPipeError):
            pass
        return connection.read_all()


def unused(path):
    """That path, or with a number behind it, where nothing is yet."""
    number = 0
    while os.path.exists(path):
        number += 1
        path = "%s.%d" % (path.split(".")[0], number)
    return path


def key(name="key", kind="ed25519"):
    """A new key pair; the private file's path."""
    path = unused(world.WORK + "/" + name)
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "tests",
                    "-f", path], check=True)
    return path


def authorize(user, path):
    """Lets the key pair in as that user."""
    with open(path + ".pub", encoding="ascii") as file:
        text = file.read()
    world.write("/home/%s/.ssh/authorized_keys" % user, text, 0o600, user)


def ssh_words(port, password=None, identity=None, options=(),
              methods=None):
    """Options that ssh, scp and sftp have alike."""
    methods = methods or ("publickey" if identity else "password")
    words = ["-F", "/dev/null", "-o", "Port=%d" % port]
    words += ["-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR",
              "-o", "UserKnownHostsFile=/dev/null",
              "-o", "GlobalKnownHostsFile=/dev/null",
              "-o", "NumberOfPasswordPrompts=1", "-o", "ConnectTimeout=20",
              "-o", "PreferredAuthentications=" + methods]
    if identity:
        words += ["-i", identity, "-o", "IdentitiesOnly=yes"]
    else:
        words += ["-o", "PubkeyAuthentication=no"]
    if password is None:
        words += ["-o", "BatchMode=yes"]
    for option in options:
        words += ["-o", option]
    return words


def ssh_environment(password):
    """Gives the password to ssh by its own way for programs."""
    env = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8",
           "HOME": world.WORK}
    if password is not None:
        script = world.WORK + "/askpass"
        if not os.path.exists(script):
            world.write(script, '#!/bin/sh\nprintf "%s\\n" "$PT_PASSWORD"\n',
                        0o755)
        env.update(SSH_ASKPASS=script, SSH_ASKPASS_REQUIRE="force",
                   PT_PASSWORD=password)
    return env


def ssh_command(port, user, command=None, host="127.0.0.1", password=None,
                identity=None, options=(), flags=(), methods=None):
    """(argv, environment) of one ssh."""
    argv = ["ssh"] + list(flags) + ssh_words(
        port, password, identity, options, methods)
    argv += [user + "@" + host]
    if command is not None:
        argv.append(command)
    return argv, ssh_environment(password)


def ssh(port, user, command="true", timeout=60, stdin=b"", **more):
    """One ssh, to its end: a CompletedProcess with bytes."""
    argv, env = ssh_command(port, user, command, **more)
    return subprocess.run(argv, env=env, input=stdin, timeout=timeout,
                          capture_output=True, check=False)


def ssh_start(port, user, command="echo up; exec cat", **more):
    """An ssh that stays: a Popen whose command has written `up`."""
    argv, env = ssh_command(port, user, command, **more)
    client = subprocess.Popen(argv, env=env, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
    line = client.stdout.readline()
    if line.strip() != b"up":
        client.kill()
        raise AssertionError("ssh said %r, %r" % (
            line, client.stderr.read()))
    return client


def ssh_echoes(client, word):
    """Whether a session of ssh_start still answers."""
    client.stdin.write(word + b"\n")
    client.stdin.flush()
    return client.stdout.readline() == word + b"\n"


def wait_until(true, text, timeout=20.0):
    """Polls what no event tells, often and not for ever."""
    end = time.monotonic() + timeout
    while True:
        value = true()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited %g s for %s" % (timeout, text))
        time.sleep(0.02)
