"""Telnet clients: one that speaks the protocol as a test bids it, and the
real programs on a terminal of their own."""
import os
import select
import socket
import time
import tty

from . import BOTH, Connection, Daemon, equal, free_port, processes, world
from .world import PASSWORDS

IAC, DONT, DO, WONT, WILL, SB, SE = 255, 254, 253, 252, 251, 250, 240
AO, AYT, IP, BRK, EC, EL, DM = 245, 246, 244, 243, 247, 248, 242
NOP, GA, EOF, SUSP, ABORT = 241, 249, 236, 237, 238
BINARY, ECHO, SGA, TTYPE, NAWS, LOGOUT = 0, 1, 3, 24, 31, 18
STATUS, TIMING_MARK, LFLOW, NEW_ENVIRON = 5, 6, 33, 39

#: What each real client is called by, and what it has besides.
PROGRAMS = {
    "inetutils-telnet": ["inetutils-telnet", "{host}", "{port}"],
    "telnet-ssl": ["telnet-ssl", "{host}", "{port}"],
    "busybox": ["busybox", "telnet", "{host}", "{port}"],
    "plink": ["plink", "-telnet", "-P", "{port}", "{host}"],
    "nc": ["nc", "{host}", "{port}"],
}


def command(*codes):
    return bytes((IAC,) + codes)


def parse(raw):
    """(data with IAC un-doubled, commands in order, what is cut off)."""
    data, commands, at = bytearray(), [], 0
    while at < len(raw):
        found = raw.find(b"\xff", at)
        if found < 0:
            data += raw[at:]
            return bytes(data), commands, b""
        data += raw[at:found]
        code = raw[found + 1] if found + 1 < len(raw) else None
        end = found + 2
        if code == IAC:
            data.append(IAC)
        elif code == SB:
            end = raw.find(b"\xff\xf0", found)
            if end < 0:
                return bytes(data), commands, raw[found:]
            end += 2
            commands.append(raw[found:end])
        elif code is not None:
            end += WILL <= code <= DONT
            if end > len(raw):
                return bytes(data), commands, raw[found:]
            commands.append(raw[found:end])
        else:
            return bytes(data), commands, raw[found:]
        at = end
    return bytes(data), commands, b""


def ready(connection, seconds):
    """What poll() says of it by then: select() knows no descriptor past
    1,024."""
    poll = select.poll()
    poll.register(connection, select.POLLIN | select.POLLPRI)
    return dict(poll.poll(max(0, seconds) * 1000)).get(
        connection.fileno(), 0)


class Telnet(Connection):
    """A connection that negotiates nothing by itself. Its data is unread in
    .data, commands are in .commands."""

    def __init__(self, port, host="127.0.0.1", timeout=20):
        super().__init__(port, host, timeout)
        # Where a Synch's mark is, is not asked: it is read like the rest.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
        self.raw, self.data, self.commands = b"", b"", []
        self.ended = None
        self.urgent = False  # a mark was told, and not taken note of
        self.sent = self.received = 0

    def send(self, data):
        self.sent += len(data)
        return super().send(data)

    def feed(self, seconds=20.0):
        """Reads once; False when nothing came or will come."""
        if self.ended:
            return False
        came = ready(self.socket, seconds)
        self.urgent = self.urgent or bool(came & select.POLLPRI)
        if not came & ~select.POLLPRI:
            return False
        try:
            piece = self.socket.recv(1 << 18)
            self.ended = None if piece else "eof"
            self.received += len(piece)
        except ConnectionResetError:
            piece, self.ended = b"", "reset"
        data, commands, self.raw = parse(self.raw + piece)
        # In place: what comes in thousands of pieces is not copied for each.
        if not isinstance(self.data, bytearray):
            self.data = bytearray(self.data)
        self.data += data
        self.commands += commands
        return bool(piece)

    def until(self, text, timeout=20.0):
        """The data up to and with text."""
        end = time.monotonic() + timeout
        start = 0
        while (at := self.data.find(text, start)) < 0:
            start = max(0, len(self.data) - len(text))
            if not self.feed(end - time.monotonic()):
                raise AssertionError("%s after %r, awaiting %r" % (
                    self.ended or "silence", bytes(self.data[-400:]), text))
        at += len(text)
        got, self.data = bytes(self.data[:at]), self.data[at:]
        return got

    def until_command(self, wanted, timeout=20.0):
        end = time.monotonic() + timeout
        while wanted not in self.commands:
            if not self.feed(end - time.monotonic()):
                raise AssertionError("%s, awaiting %r among %r" % (
                    self.ended or "silence", wanted, self.commands))

    def rest(self):
        """All data until the end."""
        while self.feed():
            pass
        got, self.data = bytes(self.data), b""
        return got

    def line(self, text, end=b"\r\n"):
        return self.send(text.encode() + end)

    def refuse(self):
        """Answers every offer, by no: the prompt comes without a wait."""
        return self.send(
            b"".join(command(DONT, o) for o in (ECHO, SGA, STATUS)) +
            b"".join(command(WONT, o) for o in (SGA, TTYPE, NAWS, LFLOW,
                                                NEW_ENVIRON)))

    def login(self, user="alice", password=None, end=b"\r\n"):
        self.until(b" login: ")
        self.line(user, end)
        self.until(b"Password: ")
        self.line(password or PASSWORDS[user][0], end)
        return self

    def shell(self, user="alice", **more):
        """Logged in, at a prompt that nothing else prints."""
        self.login(user, **more)
        return self.calm()

    def calm(self):
        self.line("PS1='rea''dy> '; PS2=; bind 'set enable-bracketed-paste "
                  "off' 2>/dev/null")
        self.until(b"ready> ")
        return self

    def run(self, text):
        """A command's output."""
        self.line("echo '<''<'; %s; echo '>''>'" % text)
        self.until(b"<<\r\n")
        got = self.until(b">>\r\n")[:-4]
        self.until(b"ready> ")
        return got.replace(b"\r\n", b"\n").decode()


def spawn(program, port, host="127.0.0.1", rows=30, columns=100):
    """A real client on a terminal of that size."""
    import pexpect
    words = [w.format(host=host, port=port) for w in PROGRAMS[program]]
    env = {"PATH": "/usr/bin:/bin", "TERM": "xterm", "LANG": "C.UTF-8",
           "HOME": os.environ.get("HOME", "/")}
    child = pexpect.spawn(words[0], words[1:], env=env, timeout=20,
                          dimensions=(rows, columns))
    child.delaybeforesend = None
    if program == "nc":
        tty.setraw(child.child_fd)
    return child


def spawn_shell(program, port, user="alice", **more):
    """The same, logged in, at a prompt that nothing else prints."""
    child = spawn(program, port, **more)
    child.expect("login: ")
    child.send(user + "\r")
    child.expect("Password: ")
    child.send(PASSWORDS[user][0] + "\r")
    child.expect("[$#] ")
    child.send("PS1='rea''dy> '; bind 'set enable-bracketed-paste off'\r")
    child.expect_exact("ready> ")
    return child


def ask(child, text):
    """A command's output, by a real client."""
    child.send("echo '<''<'; %s; echo '>''>'\r" % text)
    child.expect_exact("<<\r\n")
    child.expect_exact(">>\r\n")
    got = child.before.decode()
    child.expect_exact("ready> ")
    return got.replace("\r\n", "\n")


# --- the daemon under test, and what a user runs -----------------------------

def start(statements="", around="", **more):
    port = free_port()
    daemon = Daemon("system { services { telnet { port %d; %s %s } %s } }" % (
        port, BOTH, statements, around), **more).start()
    daemon.port = port
    return daemon


def no_failures(daemon):
    equal([e.line for e in daemon.of("worker-failed")], [], "failures")


def running(name):
    return [p for p in processes.everyone() if processes.role(p) == name]


def people(user="alice"):
    """Every process of a user's."""
    uid = {"alice": 0, "bob": 1}[user] + world.base_uid()
    return [p for p in processes.everyone() if p.uid == uid]


def commands_of(user="alice"):
    return [p.title for p in people(user)]


def runs(name):
    return any(name in c for c in commands_of())


def written(name):
    """The bytes that that program of a user's has written; None without."""
    for process in people():
        if process.title.startswith(name + " "):
            with open("/proc/%d/io" % process.pid, encoding="ascii") as file:
                return int(file.read().split("wchar:")[1].split()[0])
    return None


def stuck(name):
    """What it has written, once it writes no more: not only because others
    have the processor for a moment."""
    before = written(name)
    for _ in range(5):
        time.sleep(0.1)
        if not before or written(name) != before:
            return None
    return before


def reads_of(pid):
    """How often a process has called read()."""
    with open("/proc/%d/io" % pid, encoding="ascii") as file:
        return int(next(line.split()[1] for line in file
                        if line.startswith("syscr:")))


def big_file(size):
    """A file of every byte, 0xFF and CR more often than others."""
    block = bytes(range(256)) + b"\xff" * 64 + b"\r\n\r\r\n\xff\r\xff\n"
    block = (block * (65536 // len(block) + 1))[:65536 - 7]
    path = "/home/alice/big"
    with open(path, "wb") as file:
        file.write((block * (size // len(block) + 1))[:size])
    os.chown(path, world.base_uid(), world.base_uid())
    return path


def pages_of(pid):
    """What of a process is in memory."""
    with open("/proc/%d/statm" % pid, encoding="ascii") as file:
        return int(file.read().split()[1])


def cpu_of(pid):
    """Clock ticks that a process has used."""
    with open("/proc/%d/stat" % pid, encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def find_in_memory(pid, needle):
    """Where in a process's memory that is."""
    found = []
    with open("/proc/%d/maps" % pid, encoding="ascii") as maps, \
            open("/proc/%d/mem" % pid, "rb", 0) as memory:
        for row in maps:
            span, flags = row.split()[:2]
            if "r" not in flags or "[v" in row:
                continue
            low, high = (int(x, 16) for x in span.split("-"))
            if high - low > 1 << 28:
                continue  # a sanitizer's shadow: terabytes of nothing
            memory.seek(low)
            try:
                if needle in memory.read(high - low):
                    found.append(row.strip())
            except OSError:
                pass
    return found
