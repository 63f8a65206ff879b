"""What must cost the same however much is there: each row is the cost at
10,000 by the cost at 10, in the real daemon or in its own tables."""
import contextlib
import os
import resource
import socket
import subprocess
import time

import bench_load as load
from harness import processes, world
from bench_rows import LIMITS, Portreeve, row
from bench_servers import Missing, tool

FEW, HUNDRED, SOME, MANY = 10, 100, 1000, 10000
ENDS = 1000  # sessions that come and go in one side of one round
CLEARS = 10  # enough that a tick of the clock is little
FLOODS = 20


def table_row(result, plan, what):
    """One of the monitor's tables, looked at by tests/bench/tables.c."""
    for _ in range(plan.rounds(result.row)):
        cost = {}
        for count in (FEW, MANY):
            cost[count] = float(subprocess.run(
                [tool("tables"), what, str(count)], check=True, text=True,
                stdout=subprocess.PIPE).stdout)
            result.side("at %d, ns" % count, cost[count])
        result.figures.append(cost[MANY] / cost[FEW])


@row("flat-logins", "a login's record, at 10,000 logins / at 10", ("≤", 2),
     root=False, note="looked for, counted for user-limit, put, taken away")
def flat_logins(result, plan):
    table_row(result, plan, "logins")


@row("flat-slots", "a login's slot and process, at 10,000 slots / at 10",
     ("≤", 2), root=False)
def flat_slots(result, plan):
    table_row(result, plan, "slots")


# --- in the daemon -------------------------------------------------------------

def config(port, more=""):
    return ("system { services { extended-limits; %s service stay { port %d; "
            "listen-address 127.0.0.1; user nobody; exec \"%s\"; %s } } }\n" %
            (more, port, tool("stay"), LIMITS))


@contextlib.contextmanager
def crowd(count, more=""):
    """A daemon with so many sessions: (daemon, port)."""
    port = world.free_port()
    with Portreeve(config(port, more), [port]) as daemon:
        daemon.wait_open(0)
        with contextlib.ExitStack() as stack:
            hold = stack.enter_context(load.Hold(port, count))
            daemon.wait_open(count, 300)
            yield daemon, port
            if daemon.child.poll() is not None:
                # It ended them: they are not Hold's to miss.
                hold.child.kill()
                hold.child.communicate()
                stack.pop_all()


def role(daemon, title):
    found = [p.pid for p in processes.below(daemon.child.pid)
             if " ".join(p.words).startswith("portreeve: " + title)]
    if len(found) != 1:
        raise Missing("%d processes are %s" % (len(found), title))
    return found[0]


def cpu(pid):
    """Seconds that a process has computed for."""
    with open("/proc/%d/schedstat" % pid, encoding="ascii") as file:
        return int(file.read().split()[0]) / 1e9


def ended_cpu(pid):
    """Seconds that those computed for whom it has waited, in whole ticks."""
    with open("/proc/%d/stat" % pid, encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def compare(result, plan, unit, cost, counts=(FEW, MANY), more=""):
    """cost(daemon, port, count) at each, in turn; the last by the first."""
    for _ in range(plan.rounds(result.row)):
        got = []
        for count in counts:
            with crowd(count, more) as (daemon, port):
                got.append(cost(daemon, port, count))
            result.side("at %d, %s" % (count, unit), got[-1])
        result.figures.append(got[-1] / got[0])


@row("flat-ends", "a program's start and end, CPU of its zygote, at 10,000 "
     "running / at 10", ("≤", 2), rounds=3)
def flat_ends(result, plan):
    # A connection has two in the zygote, which leaves a quarter for others.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    many = min(MANY, hard * 3 // 8 - 100)
    if many < MANY:
        result.details.append("%d descriptors are allowed here: at %d" % (
            hard, many))

    def cost(daemon, port, _count):
        zygote = role(daemon, "zygote stay")
        before = cpu(zygote)
        done = load.finish(subprocess.Popen(
            [tool("load"), "-p", str(port), "-c", "4", "-n", str(ENDS),
             "-q", "x"], text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE))
        if done["served"] != ENDS:
            raise Missing("of %d sessions %d were served: %s" % (
                ENDS, done["served"],
                {k: done[k] for k in load.ERRORS if done[k]}))
        return (cpu(zygote) - before) / ENDS * 1e6
    compare(result, plan, "µs", cost, (FEW, many))


def seconds_to_stop(daemon):
    began = time.monotonic()
    daemon.child.terminate()
    daemon.child.wait(300)
    return time.monotonic() - began


@row("flat-stop", "a stop's time for each session that it ends, at 10,000 / "
     "at 1,000", ("≤", 2), rounds=3,
     note="over what a stop of 10 takes; no-keep-sessions")
def flat_stop(result, plan):
    off = "no-keep-sessions;"
    for _ in range(plan.rounds(result.row)):
        took = {}
        for count in (FEW, SOME, MANY):
            with crowd(count, off) as (daemon, _port):
                took[count] = seconds_to_stop(daemon)
            result.side("of %d, s" % count, took[count])
        each = {n: max(took[n] - took[FEW], 1e-3) / (n - FEW)
                for n in (SOME, MANY)}
        result.figures.append(each[MANY] / each[SOME])


@row("flat-clear", "`clear session`, CPU of the monitor and its ender, at "
     "10,000 sessions / at 10", ("≤", 2), rounds=3)
def flat_clear(result, plan):
    def cost(daemon, _port, count):
        rows = subprocess.run(
            [world.BUILD + "/portreeve", "-r", daemon.directory + "/run",
             "show", "sessions"], check=True, text=True,
            stdout=subprocess.PIPE).stdout.splitlines()[1:]
        if len(rows) != count:
            raise Missing("%d sessions are shown" % len(rows))
        before = cpu(daemon.child.pid) + ended_cpu(daemon.child.pid)
        for line in rows[:CLEARS]:
            subprocess.run(
                [world.BUILD + "/portreeve", "-r", daemon.directory + "/run",
                 "clear", "session", line.split()[0]], check=True)
        took = (cpu(daemon.child.pid) + ended_cpu(daemon.child.pid) -
                before) / CLEARS * 1e3
        daemon.child.kill()  # Hold would miss those
        daemon.child.wait()
        return took
    compare(result, plan, "ms", cost)


#: SSH_MSG_IGNORE with an empty string (RFC 4253, 6 and 11.2).
IGNORE = bytes.fromhex("0000000c060200000000") + bytes(6)


def flood(port):
    """Sends more packets before login than are allowed, and is ended."""
    with socket.create_connection(("127.0.0.1", port), 60) as client:
        client.sendall(b"SSH-2.0-bench\r\n" + IGNORE * 21)
        try:
            while client.recv(65536):
                pass
        except ConnectionResetError:
            pass


@row("flat-flood", "the ending of one who sent too many packets to ssh, CPU of "
     "the monitor and its ender, at 10,000 processes / at 100", ("≤", 2),
     rounds=3)
def flat_flood(result, plan):
    ssh = world.free_port()

    def cost(daemon, _port, _count):
        before = cpu(daemon.child.pid) + ended_cpu(daemon.child.pid)
        for _ in range(FLOODS):
            flood(ssh)
        return (cpu(daemon.child.pid) + ended_cpu(daemon.child.pid) -
                before) / FLOODS * 1e3
    compare(result, plan, "ms", cost, (HUNDRED, MANY),
            "ssh { port %d; listen-address 127.0.0.1; "
            "max-pre-authentication-packets 20; }" % ssh)
