"""What is measured: a row for each promise, and some for comparison.

A row yields figures, one per round. Two servers are always measured in one
run and in turn, A B A B, and the figure is their ratio: the machine's own
speed falls out of it.
"""
import contextlib
import glob
import os
import pwd
import subprocess
import time

import bench_load as load
from harness import world
from bench_servers import (Floor, Inetd, Missing, Portreeve, Server, Sshd,
                           Tcpserver, Xinetd, fingerd, tool)

#: No user is asked for: the answer is the same bytes each time.
EMPTY = "\r\n"
ONE = "%s\r\n" % ("alice" if world.INSIDE else
                   pwd.getpwuid(os.getuid()).pw_name)
UNITS = {"rate": ", per second", "p50_us": ", µs"}
LIMITS = "connection-limit 65535; rate-limit 10000000;"
LOOPBACK = "listen-address 127.0.0.1; listen-address ::1;"


class Row:
    """One line of the table. must is ("≥", 0.8), ("≤", 1.0) or None."""

    def __init__(self, name, title, must, unit="×", root=True, rounds=None,
                 note=""):
        self.name, self.title, self.must, self.unit = name, title, must, unit
        self.root, self.rounds, self.note = root, rounds, note
        self.function = None


ROWS = []


def row(*args, **options):
    """Registers a function(row, plan, result) that fills a Result."""
    def keep(function):
        ROWS.append(Row(*args, **options))
        ROWS[-1].function = function
        return function
    return keep


class Result:
    """What a row came to."""

    def __init__(self, row):
        self.row = row
        self.figures = []  # one per round
        self.sides = {}  # name: figures of each side, one per round
        self.problems = []  # what makes the row not reached
        self.details = []

    def side(self, name, value):
        self.sides.setdefault(name, []).append(value)


def portreeve(services, *ports):
    return Portreeve("system { services { extended-limits; %s } }\n" %
                     services, list(ports))


def finger_config(port, more=LIMITS):
    return "finger { port %d; %s %s }" % (port, LOOPBACK, more)


def hello_config(port):
    return ('service hello { port %d; listen-address 127.0.0.1; user nobody;'
            ' exec "%s"; %s }' % (port, tool("hello"), LIMITS))


@contextlib.contextmanager
def ours(result, services, *ports):
    """Our daemon, which must have dropped no events and told of no fault."""
    with portreeve(services, *ports) as daemon:
        yield daemon
        daemon.read_events()
        result.problems += ["%d × %s" % (n, line) for line, n in
                            daemon.unusual.most_common(5)]


def alternate(result, plan, sides, metric, **options):
    """Loads (name, port, options) in turn; figures are first by second."""
    for port, own in {p: o for _, p, o in sides}.items():
        load.run(port, 0.3, **dict(options, **own))
    for _ in range(plan.rounds(result.row)):
        got = []
        for name, port, own in sides:
            one = load.run(port, plan.seconds, **dict(options, **own))
            got.append(one[metric])
            result.side(name + UNITS[metric], one[metric])
            if one["errors"]:
                result.problems.append("%s: %d errors of %d: %s" % (
                    name, one["errors"], one["errors"] + one["served"],
                    {k: one[k] for k in load.ERRORS if one[k]}))
        if not got[1]:
            raise Missing("%s served nothing" % sides[1][0])
        result.figures.append(got[0] / got[1])


# --- connections per second ---------------------------------------------------

def finger_against(result, plan, query, other, metric="rate", parallel=16):
    """other(size of our answer) → a Server."""
    port = world.free_port()
    with ours(result, finger_config(port), port):
        size = load.answer_size(port, query)
        with other(size) as server:
            theirs = load.answer_size(server.port, query)
            result.details.append("query %r; answers of %d and %d bytes" % (
                query, size, theirs))
            alternate(result, plan, [
                ("portreeve", port, {"expect": size}),
                (server.name, server.port, {"expect": theirs})],
                metric, query=query, parallel=parallel)


@row("finger-fork", "built-in finger / floor accept+fork", ("≥", 0.8),
     root=False)
def finger_fork(result, plan):
    finger_against(result, plan, EMPTY, lambda n: Floor("fork", n))


@row("finger-fork-user", "the same, asked for a user (a look-up each)", None,
     root=False)
def finger_fork_user(result, plan):
    finger_against(result, plan, ONE, lambda n: Floor("fork", n))


@row("finger-inetd", "built-in finger / openbsd-inetd, tcpd, in.fingerd",
     ("≥", 20), note="tcpd is how Debian's package sets in.fingerd up")
def finger_inetd(result, plan):
    finger_against(result, plan, EMPTY, lambda n: fingerd(True))


@row("finger-inetd-bare", "the same without tcpd", None)
def finger_inetd_bare(result, plan):
    finger_against(result, plan, EMPTY, lambda n: fingerd(False))


@row("finger-inetd-user", "finger asked for a user / openbsd-inetd, tcpd",
     None)
def finger_inetd_user(result, plan):
    finger_against(result, plan, ONE, lambda n: fingerd(True))


def service_against(result, plan, other):
    port = world.free_port()
    with ours(result, hello_config(port), port), other() as server:
        alternate(result, plan, [("portreeve", port, {}),
                                 (server.name, server.port, {})],
                  "rate", expect=7)


@row("service-inetd", "service, 7-byte program / openbsd-inetd", ("≥", 1.8))
def service_inetd(result, plan):
    service_against(result, plan, lambda: Inetd(tool("hello")))


@row("service-exec", "service, 7-byte program / floor vfork+exec",
     ("≥", 0.85))
def service_exec(result, plan):
    service_against(result, plan, lambda: Floor("exec", tool("hello")))


@row("service-xinetd", "service, 7-byte program / xinetd", None)
def service_xinetd(result, plan):
    service_against(result, plan, lambda: Xinetd(tool("hello")))


@row("service-tcpserver", "service, 7-byte program / tcpserver", None)
def service_tcpserver(result, plan):
    service_against(result, plan, lambda: Tcpserver(tool("hello")))


@row("inetd-exec", "openbsd-inetd, 7-byte program / floor vfork+exec", None,
     note="nothing of ours: how far the others are from the floor")
def inetd_exec(result, plan):
    with Inetd(tool("hello")) as inetd, Floor(
            "exec", tool("hello")) as floor:
        alternate(result, plan, [(inetd.name, inetd.port, {}),
                                 (floor.name, floor.port, {})],
                  "rate", expect=7)


# --- latency ------------------------------------------------------------------

@row("one-by-one", "one connection at a time, p50 / floor accept+fork",
     ("≤", 1.0), root=False)
def one_by_one(result, plan):
    finger_against(result, plan, EMPTY, lambda n: Floor("fork", n),
                   metric="p50_us", parallel=1)


@row("many-idle", "p50 of the next connection, 10,000 idle / 10 idle",
     ("≤", 1.3))
def many_idle(result, plan):
    port = world.free_port()
    if plan.idle != 10000:
        result.problems.append("%d idle connections, not 10,000" % plan.idle)
    with ours(result, finger_config(port), port) as daemon:
        size = load.answer_size(port, EMPTY)
        for _ in range(plan.rounds(result.row)):
            got = []
            for count in (plan.idle, 10):
                daemon.wait_open(0)
                with load.Hold(port, count):
                    daemon.wait_open(count)
                    one = load.run(port, plan.seconds, parallel=1,
                                   query=EMPTY, expect=size)
                got.append(one["p50_us"])
                result.side("%d idle, µs" % count, one["p50_us"])
                if one["errors"]:
                    result.problems.append("%d errors" % one["errors"])
            result.figures.append(got[0] / got[1])


# --- refusals -----------------------------------------------------------------

class Allowed:
    """One client that is let in, every 5 ms, while others are not."""

    def __init__(self, port, plan, size):
        self.child = load.start(port, plan.seconds, parallel=1, pace=0.005,
                                query=EMPTY, expect=size, address="::1")

    def finish(self, result):
        one = load.finish(self.child)
        if one["errors"]:
            result.problems.append("the allowed client: %s" % {
                k: one[k] for k in load.ERRORS if one[k]})
        return one["p99_us"]


def flood(result, plan, take):
    """IPv4 is full with idle connections, IPv6 is let in: the families
    are counted apart. take(refusals/s of ours, of the floor, p99 of the
    allowed client under refusals, at rest)."""
    port = world.free_port()
    config = finger_config(port, "connection-limit 10; rate-limit 10000000;")
    with ours(result, config, port) as daemon, Floor("close") as floor:
        size = load.answer_size(port, EMPTY)
        daemon.wait_open(0)
        with load.Hold(port, 10):
            for _ in range(plan.rounds(result.row)):
                idle = Allowed(port, plan, size).finish(result)
                client = Allowed(port, plan, size)
                refused = load.run(port, plan.seconds)
                p99 = client.finish(result)
                client = Allowed(port, plan, size)
                bare = load.run(floor.port, plan.seconds)
                client.finish(result)
                if refused["served"] or refused["timeout"]:
                    result.problems.append(
                        "%d served, %d without an answer" % (
                            refused["served"], refused["timeout"]))
                take(refused["refusals"], bare["refusals"], p99, idle)
                daemon.read_events()


@row("refusals", "refusals per second / floor accept+write+close",
     ("≥", 0.6), root=False)
def refusals(result, plan):
    def take(refused, bare, _p99, _idle):
        result.side("portreeve, per second", refused)
        result.side("floor close, per second", bare)
        result.figures.append(refused / bare)
    flood(result, plan, take)


@row("refusals-p99", "an allowed client's p99, under refusals / at rest",
     ("≤", 3), root=False)
def refusals_p99(result, plan):
    def take(_refused, _bare, p99, idle):
        result.side("under refusals, µs", p99)
        result.side("at rest, µs", idle)
        result.figures.append(p99 / idle)
    flood(result, plan, take)


# --- ssh ----------------------------------------------------------------------

LOGINS = 12
AT_A_TIME = 4


def ssh_key():
    """A key that root may log in with, in the world's own home of root's."""
    path = world.WORK + "/id_ed25519"
    if not os.path.exists(path):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "",
                        "-f", path], check=True)
        with open(path + ".pub", encoding="ascii") as file:
            public = file.read()
        home = os.path.expanduser("~alice")
        world.write(home + "/.ssh/authorized_keys", public, 0o600, "alice")
    return path


def logins(port, key):
    """Logins per second; every one of them must succeed."""
    words = ["ssh", "-F", "none", "-o", "BatchMode=yes", "-o",
             "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
             "-o", "LogLevel=ERROR", "-i", key, "-p", str(port),
             "alice@127.0.0.1", "true"]
    begun, left, running = time.monotonic(), LOGINS, []
    while left or running:
        while left and len(running) < AT_A_TIME:
            running.append(subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE))
            left -= 1
        # The oldest first: each is waited for, none is polled.
        child = running.pop(0)
        _, error = child.communicate(timeout=60)
        if child.returncode != 0:
            for other in running:
                other.kill()
                other.wait()
            raise Missing("a login failed: %s" % error.decode().strip())
    return LOGINS / (time.monotonic() - begun)


@row("ssh-logins", "ssh logins per second / sshd standing alone",
     ("≥", 0.95), rounds=30,
     note="%d logins by public key, %d at a time" % (LOGINS, AT_A_TIME))
def ssh_logins(result, plan):
    if not world.INSIDE:
        raise Missing("needs the users of a world of its own: run as root")
    if not glob.glob("/etc/ssh/ssh_host_*_key"):
        subprocess.run(["ssh-keygen", "-A"], check=True,
                       stdout=subprocess.DEVNULL)
    key, port = ssh_key(), world.free_port()
    # Loopback is held to what a stranger's address is.
    config = ("protection { no-exempt; } ssh { port %d; "
              "listen-address 127.0.0.1; %s }" % (port, LIMITS))
    with ours(result, config, port), Sshd() as sshd:
        for server in (port, sshd.port):
            logins(server, key)
        for _ in range(plan.rounds(result.row)):
            mine, theirs = logins(port, key), logins(sshd.port, key)
            result.side("portreeve, per second", mine)
            result.side("sshd, per second", theirs)
            result.figures.append(mine / theirs)


# --- memory -------------------------------------------------------------------

def pss(pid):
    """kB of a process and all below it, shared pages by their share."""
    from harness import processes
    total = 0
    for one in [pid] + [p.pid for p in processes.below(pid)]:
        try:
            with open("/proc/%d/smaps_rollup" % one, encoding="ascii") as file:
                for line in file:
                    if line.startswith("Pss:"):
                        total += int(line.split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total


@row("memory-idle", "memory (PSS) of the idle daemon, every service on",
     ("≤", 10.0), unit=" MB", rounds=3)
def memory_idle(result, plan):
    ports = [world.free_port() for _ in range(6)]
    config = " ".join(
        "%s { port %d; %s }" % (name, port, LOOPBACK)
        for name, port in zip(("ssh", "telnet", "ftp"), ports)) + \
        " netconf { ssh { port %d; } subsystem /bin/cat; } " % ports[3] + \
        finger_config(ports[4]) + hello_config(ports[5])
    for _ in range(plan.rounds(result.row)):
        with ours(result, config, ports[0], ports[4], ports[5]) as daemon:
            load.answer_size(ports[4], EMPTY)
            daemon.wait_open(0)  # an sshd that was greeted is not idle
            result.figures.append(pss(daemon.child.pid) / 1024)


@row("memory-connection", "memory (PSS) of one more idle connection (finger)",
     ("≤", 200.0), unit=" kB", rounds=3)
def memory_connection(result, plan):
    port, count = world.free_port(), 200
    with ours(result, finger_config(port), port) as daemon:
        load.answer_size(port, EMPTY)
        for _ in range(plan.rounds(result.row)):
            daemon.wait_open(0)
            with load.Hold(port, 20):
                daemon.wait_open(20)
                few = pss(daemon.child.pid)
                with load.Hold(port, count):
                    daemon.wait_open(20 + count)
                    result.figures.append(
                        (pss(daemon.child.pid) - few) / count)
