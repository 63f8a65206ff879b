"""A crowd of 5,000 that only connects, and one who logs in meanwhile. The
sources are loopback addresses of 127.0.0.0/8, none of which is exempt here."""
import contextlib
import socket
import subprocess
import time

from bench_rows import Missing, ours, row, ssh_key
from bench_servers import tool
from harness import world

CROWD = 5000
LOGINS = 5
CONFIG = ("protection { no-exempt; } ssh { port %d; listen-address 127.0.0.1; "
          "rate-limit 10000; %s }")


def many(n):
    return "127.1.%d.%d" % (n // 250, 1 + n % 250)


@contextlib.contextmanager
def crowd(port, source):
    """So many connections of source(n), which send nothing and stay."""
    held = []
    try:
        for n in range(CROWD):
            held.append(socket.create_connection(
                ("127.0.0.1", port), 20, (source(n), 0)))
        yield
    finally:
        for one in held:
            one.close()


def login(port, key, source):
    """Seconds of one login, or None: it was refused."""
    begun = time.monotonic()
    done = subprocess.run(
        ["ssh", "-F", "none", "-b", source, "-o", "BatchMode=yes", "-o",
         "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
         "-o", "LogLevel=ERROR", "-i", key, "-p", str(port),
         "alice@127.0.0.1", "true"], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60,
        check=False)
    return time.monotonic() - begun if done.returncode == 0 else None


def logins(result, port, key, source, name):
    """The slowest of some; each of them must succeed."""
    took = [login(port, key, source) for _ in range(LOGINS)]
    if None in took:
        result.problems.append("%s: %d of %d logins were refused" % (
            name, took.count(None), LOGINS))
        took = [t for t in took if t is not None] or [60.0]
    result.side(name + ", ms", max(took) * 1e3)
    return max(took)


def beside(result, plan, more, source, who):
    if not world.INSIDE:
        raise Missing("needs the users of a world of its own: run as root")
    key, port = ssh_key(), world.free_port()
    with ours(result, CONFIG % (port, more), port):
        login(port, key, who)
        for _ in range(plan.rounds(result.row)):
            idle = logins(result, port, key, who, "at rest")
            with crowd(port, source):
                busy = logins(result, port, key, who, "beside the crowd")
            result.figures.append(busy / idle)


@row("crowd-one", "another's ssh login beside 5,000 idle connections of one "
     "source / at rest", ("≤", 1.5))
def crowd_one(result, plan):
    beside(result, plan, "", lambda n: "127.1.0.1", "127.2.0.1")


@row("crowd-many", "a reserved source's ssh login beside 5,000 connections of "
     "as many sources / at rest", ("≤", 1.5))
def crowd_many(result, plan):
    beside(result, plan, "reserve { slots 5; source 127.2.0.0/16; }", many,
           "127.2.0.1")


@row("decision", "the policy's decision with 100,000 sources in its tables, ns",
     ("≤", 2000), root=False)
def decision(result, plan):
    for _ in range(plan.rounds(result.row)):
        cost = {n: float(subprocess.run(
            [tool("decide"), str(n)], check=True, text=True,
            stdout=subprocess.PIPE).stdout) for n in (10, 100000)}
        result.side("with 10, ns", cost[10])
        result.side("with 100,000, ns", cost[100000])
        result.figures.append(cost[100000])
