"""telnet's rows: a session's output, its cost, typing, the login prompt, also
beside a thousand sessions.

The other server is inetutils-telnetd under openbsd-inetd with the system's
login; the floor is a pseudo-terminal copied to a socket and back. One client
is used for all of them, and it refuses every option but echo.
"""
import concurrent.futures
import contextlib
import os
import socket
import statistics
import time

from harness import processes, world
from bench_rows import LIMITS, LOOPBACK, ours, row
from bench_servers import Floor, Inetd, Missing, others
from harness.telnet import DO, DONT, ECHO, SGA, Telnet, WILL, WONT, command

SIZE = 64 << 20  # printed by one side of one round
TURNS = 8  # that it takes: other work on the machine meets both sides alike
LINE = b"x" * 79 + b"\n"
END = b"that is " + b"all\r\n"
SAY_END = "echo that is al''l"
KEYS = 1000  # typed in one side of one round
PROMPTS = 20  # of one side of one round
FEW, MANY = 10, 1000  # idle sessions beside which prompts are taken
NEXT_PROMPTS = 600  # of one side of one round
LOGINS_AT_A_TIME = 8


class Client(Telnet):
    """Answers each request, so that no server waits for one."""

    def __init__(self, port):
        super().__init__(port, timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answered = 0

    def feed(self, seconds=20.0):
        came = super().feed(seconds)
        reply = b""
        for request in self.commands[self.answered:]:
            verb, option = request[1], request[2] if len(request) > 2 else 0
            if verb == WILL:
                reply += command(DO if option in (ECHO, SGA) else DONT, option)
            elif verb == DO:
                reply += command(WONT, option)
        self.answered = len(self.commands)
        if reply and not self.ended:
            self.socket.sendall(reply)
        return came


class Telnetd(Inetd):
    """inetd that runs telnetd, which runs the system's login."""
    name = "inetutils-telnetd"
    user = "root"

    def __init__(self):
        super().__init__(others("/usr/sbin/telnetd"))


def config(port, more=LIMITS):
    return "telnet { port %d; %s %s }" % (port, LOOPBACK, more)


def in_world():
    if not world.INSIDE:
        raise Missing("needs the users of a world of its own: run as root")


def session(server):
    """A shell's prompt, logged in where there is a login."""
    client = Client(server.port)
    if not isinstance(server, Floor):
        # What is typed before the prompt is there, login may throw away.
        client.login().until(b"$ ")
    return client.calm()


@contextlib.contextmanager
def pair(result, other):
    """Our daemon and another server, as (daemon, server)."""
    in_world()
    port = world.free_port()
    with ours(result, config(port), port) as daemon, other() as server:
        daemon.port = port
        yield daemon, server


def floor():
    return Floor("pty", "/bin/sh")


# --- a session's output ------------------------------------------------------

def text():
    """A file of lines; its path, and the bytes that a terminal makes of it."""
    path = "/home/alice/text"
    if not os.path.exists(path):
        with open(path, "wb") as file:
            file.write(LINE * (SIZE // TURNS // len(LINE)))
        os.chmod(path, 0o644)
    return path, SIZE // TURNS // len(LINE) * (len(LINE) + 1)


def output(client):
    """Seconds from `cat` being typed to the end of what it prints."""
    path, size = text()
    buffer, tail, have = bytearray(1 << 18), b"", 0
    client.socket.settimeout(120)
    begun = time.monotonic()
    client.line("cat %s; %s" % (path, SAY_END))
    while END not in tail:
        count = client.socket.recv_into(buffer)
        if not count:
            raise Missing("closed after %d bytes of output" % have)
        have += count
        tail = (tail + buffer[max(0, count - 64):count])[-64:]
    took = time.monotonic() - begun
    if have < size:
        raise Missing("%d bytes of output, not %d" % (have, size))
    client.data = bytes(tail[tail.find(END) + len(END):])
    client.until(b"ready> ")
    return took


def output_against(result, plan, other):
    with pair(result, other) as servers:
        clients = [session(server) for server in servers]
        for client in clients:
            output(client)
        for _ in range(plan.rounds(result.row)):
            turns = [[output(client) for client in clients]
                     for _ in range(TURNS)]
            took = [sum(side) for side in zip(*turns)]
            for server, one in zip(servers, took):
                result.side(server.name + ", MB per second", SIZE / one / 1e6)
            result.figures.append(took[1] / took[0])
        for client in clients:
            client.close()


@row("telnet-output", "telnet, `cat` of 64 MB / openbsd-inetd, telnetd",
     ("≥", 1.15), rounds=15)
def telnet_output(result, plan):
    output_against(result, plan, Telnetd)


@row("telnet-output-floor", "telnet, `cat` of 64 MB / floor forkpty+copy",
     ("≥", 0.95), rounds=15,
     note="the kernel's own worker carries each byte: a busy machine brings "
     "the two together")
def telnet_output_floor(result, plan):
    output_against(result, plan, floor)


# --- the login prompt --------------------------------------------------------

def prompt(port):
    """µs from connecting to the whole prompt."""
    begun = time.monotonic()
    client = Client(port)
    client.until(b" login: ")
    took = (time.monotonic() - begun) * 1e6
    client.close()
    return took


@row("telnet-prompt", "telnet, connect to prompt, p50 / inetd, telnetd, login",
     ("≤", 0.3))
def telnet_prompt(result, plan):
    with pair(result, Telnetd) as servers:
        for server in servers:
            prompt(server.port)
        for _ in range(plan.rounds(result.row)):
            got = [statistics.median(prompt(server.port) for _ in range(PROMPTS))
                   for server in servers]
            for server, one in zip(servers, got):
                result.side(server.name + ", µs", one)
            result.figures.append(got[0] / got[1])


# --- many sessions -----------------------------------------------------------

def idler(port):
    """bob, whose shell is a small one, at its prompt."""
    client = Client(port)
    client.login("bob").until(b"$ ")
    return client


def make_small():
    """bob's shell, and that there are terminals for all."""
    base = world.base_uid() + 1
    world.replace_rows(
        "/etc/passwd", {"bob": base}, lambda name, number:
        "%s:x:%d:%d:,,,:/home/%s:/bin/sh" % (name, number, number, name))
    with open("/proc/sys/kernel/pty/max", encoding="ascii") as file:
        most = int(file.read())
    if most < MANY + 100:
        raise Missing("%d terminals at most: kernel.pty.max" % most)


@contextlib.contextmanager
def idle(daemon, result, count):
    """So many sessions, logged in and silent as long as the block lasts."""
    begun, clients = time.monotonic(), []
    with concurrent.futures.ThreadPoolExecutor(LOGINS_AT_A_TIME) as pool:
        for one in [pool.submit(idler, daemon.port) for _ in range(count)]:
            clients.append(one.result())
    result.side("%d logins, s" % count, time.monotonic() - begun)
    daemon.wait_open(count)
    yield
    # What a shell still had to say is read; then all is silence.
    while any([client.feed(0) for client in clients]):
        pass
    left = sum(not client.ended for client in clients)
    if left != count:
        result.problems.append("of %d idle sessions %d were left" % (
            count, left))
    for client in clients:
        client.close()
    daemon.wait_open(0)
    daemon.read_events()


def next_prompt(daemon, result, count):
    """µs to the next prompt beside so many sessions, p50."""
    with idle(daemon, result, count):
        got = statistics.median(
            prompt(daemon.port) for _ in range(NEXT_PROMPTS))
        daemon.wait_open(count)
    result.side("%d sessions, µs" % count, got)
    return got


@row("telnet-many-idle", "telnet, p50 of the next prompt, 1,000 sessions / 10",
     ("≤", 1.3), note="sessions that are logged in, each with its shell; "
     "1,000 of them against 10 before and 10 behind")
def telnet_many_idle(result, plan):
    in_world()
    make_small()
    port = world.free_port()
    services = config(port) + " login-limit 250;"
    with ours(result, services, port) as daemon:
        daemon.port = port
        before = next_prompt(daemon, result, FEW)
        for _ in range(plan.rounds(result.row)):
            many = next_prompt(daemon, result, MANY)
            behind = next_prompt(daemon, result, FEW)
            result.figures.append(2 * many / (before + behind))
            before = behind


# --- typing ---------------------------------------------------------------

def typing(client):
    """µs from a key being typed to its echo, the median of all of them."""
    times = []
    client.line("stty -icanon; cat >/dev/null; stty sane")
    client.until(b"sane\r\n")
    for _ in range(KEYS):
        begun = time.perf_counter()
        client.socket.sendall(b"k")
        if client.socket.recv(64) != b"k":
            raise Missing("a key's echo is not the key")
        times.append((time.perf_counter() - begun) * 1e6)
    client.send(b"\x03")
    client.until(b"ready> ")
    return statistics.median(times)


@row("telnet-typing", "telnet, a key to its echo, p50 / floor forkpty+copy",
     ("≤", 1.3))
def telnet_typing(result, plan):
    with pair(result, floor) as servers:
        clients = [session(server) for server in servers]
        for client in clients:
            typing(client)
        for _ in range(plan.rounds(result.row)):
            got = [typing(client) for client in clients]
            for server, one in zip(servers, got):
                result.side(server.name + ", µs", one)
            result.figures.append(got[0] / got[1])
        for client in clients:
            client.close()


# --- what a session costs -------------------------------------------------

def servants(server):
    """The server's processes, the people's own apart."""
    return [server.child.pid] + [
        p.pid for p in processes.below(server.child.pid)
        if processes.role(p) or p.uid != world.base_uid()]


def total(server, name, take):
    """The sum of take(line) of a file in /proc of all of them."""
    found = 0
    for pid in servants(server):
        with open("/proc/%d/%s" % (pid, name), encoding="ascii") as file:
            found += sum(take(line) for line in file)
    return found


def cpu(server):
    """Seconds on a processor, of every living process."""
    return total(server, "schedstat", lambda x: int(x.split()[0])) / 1e9


def memory(server):
    """kB of PSS."""
    return total(server, "smaps_rollup", lambda x: int(x.split()[1])
                 if x.startswith("Pss:") else 0)


@row("telnet-cpu", "telnet, CPU of that `cat` / openbsd-inetd, telnetd",
     ("≤", 0.8))
def telnet_cpu(result, plan):
    with pair(result, Telnetd) as servers:
        clients = [session(server) for server in servers]
        for _ in range(plan.rounds(result.row)):
            got = []
            for server, client in zip(servers, clients):
                before = cpu(server)
                for _ in range(TURNS):
                    output(client)
                got.append(cpu(server) - before)
                result.side(server.name + ", s", got[-1])
            result.figures.append(got[0] / got[1])
        for client in clients:
            client.close()


@row("telnet-memory", "telnet, memory of a session / inetd, telnetd, login",
     ("≤", 0.7), rounds=1, note="PSS beyond the shell, of 8 beside 2 more")
def telnet_memory(result, _plan):
    with pair(result, Telnetd) as servers:
        got = []
        for server in servers:
            clients = [session(server) for _ in range(2)]
            few = memory(server)
            clients += [session(server) for _ in range(8)]
            got.append((memory(server) - few) / 8)
            result.side(server.name + ", kB", got[-1])
            for client in clients:
                client.close()
        result.figures.append(got[0] / got[1])
