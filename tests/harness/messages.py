"""The daemon's own messages (ipc/catalogue.def), as who took a process over
would send them: numbers from the catalogue, fields packed by the caller."""
import ctypes
import os
import re
import socket
import struct
import subprocess

from . import processes, world

PIDFD_OPEN, PIDFD_GETFD = 434, 438


def names():
    """Of every message, in the order of their numbers."""
    def text(name):
        with open(world.TOP + "/ipc/" + name, encoding="ascii") as file:
            return file.read()
    whole = re.sub(r'^#include "ipc/(between\.def)"$',
                   lambda m: text(m.group(1)), text("catalogue.def"),
                   flags=re.MULTILINE)
    return re.findall(r"^MSG_BEGIN\((\w+),", whole, re.MULTILINE)


def pack(name, fields="", *values):
    """A message: its number, and its fields by struct's letters."""
    return struct.pack("<H" + fields, names().index(name), *values)


def name_of(data):
    return names()[struct.unpack_from("<H", data)[0]]


def copies(pid, numbers):
    """Of a process's descriptors, which are sockets."""
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = libc.syscall(PIDFD_OPEN, pid, 0)
    found = [socket.socket(fileno=libc.syscall(PIDFD_GETFD, pidfd, number, 0))
             for number in numbers]
    os.close(pidfd)
    return found


def inodes(pid):
    """{inode: number} of its sockets."""
    return {where[8:-1]: number
            for number, where in processes.descriptors(pid).items()
            if where.startswith("socket:")}


def shared(one, other):
    """The two ends of a channel between two processes."""
    found = subprocess.run(["ss", "-xnH"], capture_output=True, text=True,
                           check=True).stdout.split("\n")
    rows = [r.split() for r in found if r]
    mine, theirs = inodes(one), inodes(other)
    for row in rows:
        if row[5] in mine and row[7] in theirs:
            return (copies(one, [mine[row[5]]])[0],
                    copies(other, [theirs[row[7]]])[0])
    raise AssertionError("no channel between %d and %d: %s" % (
        one, other, found))
