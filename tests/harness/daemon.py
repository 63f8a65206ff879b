"""The real daemon, driven as a user would, by its documented interface only.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time

from . import processes, world
from .clients import unused, wait_until
from .runner import check, equal
from .world import free_port, write

BOTH = "listen-address 127.0.0.1; listen-address ::1;"
PAIR = re.compile(r'([a-z-]+)=("(?:[^"\\]|\\["\\]|\\x[0-9A-Fa-f]{2})*"'
                  r"|[A-Za-z0-9._:/@+-]+)(?: |$)")
FIRST = ["event", "service", "family", "source", "source-port", "session",
         "user"]


class Event(dict):
    """One line of the audit stream; fields by name."""

    def __init__(self, line):
        super().__init__()
        self.line = line
        place = 0
        while place < len(line):
            match = PAIR.match(line, place)
            if not match:
                raise ValueError("not logfmt at %d: %r" % (place, line))
            name, value = match.groups()
            if name in self:
                raise ValueError("%s twice: %r" % (name, line))
            if value[0] == '"':
                value = re.sub(
                    r'\\(x..|.)', lambda m: chr(int(m.group(1)[1:], 16))
                    if len(m.group(1)) == 3 else m.group(1), value[1:-1])
            self[name] = value
            place = match.end()
        names = list(self)
        order = [FIRST.index(n) if n in FIRST else len(FIRST) for n in names]
        if names[:1] != ["event"] or order != sorted(order) or \
                "reason" in names[:-1]:
            raise ValueError("fields out of order: %r" % line)

    def has(self, fields):
        return all(self.get(n.replace("_", "-")) == (
            None if v is None else str(v)) for n, v in fields.items())


class Daemon:
    """One portreeved in the foreground, and what it says."""

    def __init__(self, config="", user=None, env=None, wrapper=(),
                 directory=None, popen=None):
        self.user = user
        self.directory = directory or unused(world.WORK + "/daemon")
        os.makedirs(self.directory, exist_ok=True)
        self.run = self.directory + "/run"
        self.state = self.directory + "/state"
        self.file = self.directory + "/portreeve.conf"
        self.configure(config)
        if user:
            shutil.chown(self.directory, user, user)
            shutil.chown(self.file, user, user)
        self.wrapper = list(wrapper)
        self.env = env or {}
        self.popen = popen or {}
        self.child = None
        self.events = []
        self.noise = []
        self.table = b""
        self.news = threading.Condition()
        self.readers = []

    # --- its life -----------------------------------------------------------

    def configure(self, text):
        """Replaces the configuration, as an editor does: a new file."""
        temporary = self.file + ".new"
        write(temporary, text, 0o644, self.user)
        os.rename(temporary, self.file)
        return self

    def argv(self):
        words = [world.BUILD + "/portreeved", "-d", "-c", self.file,
                 "-r", self.run, "-s", self.state]
        return self.wrapper + self.become() + words

    def become(self):
        """What makes a command the daemon's own user's."""
        if not self.user:
            return []
        return ["setpriv", "--reuid", self.user, "--regid", self.user,
                "--init-groups", "--inh-caps=-all"]

    def launch(self):
        """Starts it, and waits for nothing."""
        env = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
               "/sbin:/bin", "LANG": "C.UTF-8"}
        if not world.INSIDE or self.user:
            env["HOME"] = self.directory
            env["XDG_RUNTIME_DIR"] = self.directory
            env["XDG_STATE_HOME"] = self.directory
        env.update(self.env)
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        more = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE, "cwd": "/"}
        more.update(self.popen)
        self.child = subprocess.Popen(self.argv(), env=env, **more)
        if self.child.stderr:
            self.spawn(self.read_events, self.child.stderr)
        if self.child.stdout:
            self.spawn(self.read_table, self.child.stdout)
        return self

    def start(self):
        """Starts it and waits until it is ready, and each of its processes
        too: `ready` is said of listeners, when a zygote may still begin."""
        mark = len(self.events)
        self.launch()
        self.wait("ready", after=mark, timeout=30)
        wait_until(self.settled, "processes that are up")
        return self

    def settled(self):
        """Whether the log calls each process of the monitor's up; where there
        is none, whether each has its title."""
        up = re.findall(r"\(pid (\d+)\): starting -> up", self.log())
        for process in processes.below(self.pid):
            if process.parent != self.pid or process.state == "Z" or \
                    process.title.startswith("strace"):
                continue
            if str(process.pid) not in up if up else \
                    processes.role(process) in (None, "monitor"):
                return False
        return True

    def log(self):
        """What the daemon's processes wrote for developers."""
        try:
            with open(self.run + "/portreeved.log", encoding="utf-8",
                      errors="backslashreplace") as file:
                return file.read()
        except OSError:
            return ""

    def spawn(self, function, stream):
        reader = threading.Thread(target=function, args=(stream,),
                                  daemon=True)
        reader.start()
        self.readers.append(reader)

    def read_events(self, stream):
        for raw in stream:
            line = raw.decode("utf-8", "backslashreplace").rstrip("\n")
            with self.news:
                try:
                    self.events.append(Event(line))
                except ValueError as error:
                    self.noise.append("%s" % error)
                self.news.notify_all()

    def read_table(self, stream):
        for raw in stream:
            self.table += raw

    @property
    def pid(self):
        """The monitor's; a wrapper such as strace stands before it."""
        if not self.wrapper:
            return self.child.pid
        for process in [processes.Process(self.child.pid)] + \
                processes.below(self.child.pid):
            if processes.role(process) == "monitor":
                return process.pid
        raise AssertionError("no monitor below the wrapper")

    def stop(self):
        """SIGTERM; it must end well and have said nothing but events."""
        mark = len(self.events)
        os.kill(self.pid, signal.SIGTERM)
        status = self.child.wait(30)
        self.join()
        equal(status, 0, "exit status after SIGTERM")
        equal(self.noise, [], "on stderr besides events")
        check(self.of("stopped", after=mark), "no event `stopped`")
        return self

    def join(self):
        for reader in self.readers:
            reader.join(10)

    def __enter__(self):
        return self if self.child else self.start()

    def __exit__(self, kind, *_):
        if self.child.poll() is None:
            if kind is None:
                self.stop()
            else:
                self.explain()
                self.kill_all()
        return False

    def explain(self):
        """For who reads about a failure: what was said, and who is there."""
        now = "\n".join("%s: %s" % (name, ["%d %s" % (p.pid, p.state)
                                          for p in some])
                        for name, some in self.roles().items())
        for line in (self.tail() + "\n" + self.log()[-3000:] + now).splitlines():
            print("# " + line)

    def kill_all(self):
        """The end of a test that failed."""
        victims = [self.child.pid] + [
            p.pid for p in processes.below(self.child.pid)]
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        self.child.wait(10)

    # --- what it says -------------------------------------------------------

    def mark(self):
        """Where the stream is now, for after=."""
        return len(self.events)

    def of(self, name, after=0, **fields):
        """The events of that name, or of those in a tuple, with those fields
        (source_port=…; None: the field must be absent)."""
        names = name if isinstance(name, tuple) else (name,)
        return [e for e in self.events[after:]
                if e["event"] in names and e.has(fields)]

    def wait(self, name, after=0, timeout=20, count=1, **fields):
        """Waits for that many such events; the last of them."""
        end = time.monotonic() + timeout
        with self.news:
            while True:
                found = self.of(name, after, **fields)
                if len(found) >= count:
                    return found[count - 1]
                left = end - time.monotonic()
                dead = self.child.poll() is not None and not any(
                    r.is_alive() for r in self.readers)
                if left <= 0 or dead:
                    raise AssertionError(
                        "%d of %d events %s %s came%s\n%s" % (
                            len(found), count, name, fields,
                            ", and the daemon has ended with %s" %
                            self.child.returncode if dead else "",
                            self.tail()))
                self.news.wait(min(left, 0.5))

    def closed(self, client, after=0, **fields):
        """The session-closed of a client's connection."""
        return self.wait("session-closed", after, source_port=client.port,
                         **fields)

    def tail(self):
        return "\n".join([e.line for e in self.events[-30:]] +
                         self.noise[-30:])

    # --- its processes and its client ---------------------------------------

    def roles(self):
        """{title behind `portreeve: `: [processes]} of what is below it. A
        worker that was just forked has its zygote's title still: it is left
        out until it has its own."""
        found = {}
        for process in [processes.Process(self.pid)] + \
                processes.below(self.pid):
            name = processes.role(process)
            if name:
                found.setdefault(name, []).append(process)
        return {name: [p for p in some if p.parent not in
                       [other.pid for other in some]]
                for name, some in found.items()}

    def role(self, name):
        """The one process of a role."""
        found = self.roles().get(name, [])
        if len(found) != 1:
            raise AssertionError("%d processes are `%s`: %s" % (
                len(found), name, self.roles()))
        return found[0]

    def cli(self, *words, timeout=60):
        """The portreeve command, as the daemon's user: a CompletedProcess
        with text."""
        return subprocess.run(
            self.become() + [world.BUILD + "/portreeve", "-r", self.run] +
            list(words),
            capture_output=True, text=True, timeout=timeout, check=False,
            stdin=subprocess.DEVNULL)

    def begin(self, *words):
        """The same, not waited for: a Popen."""
        return subprocess.Popen(
            self.become() + [world.BUILD + "/portreeve", "-r", self.run] +
            list(words), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)

    def show(self, what):
        """Rows of `show WHAT --json`."""
        done = self.cli("show", what, "--json")
        equal(done.returncode, 0, "show %s: %s" % (what, done.stderr))
        equal(done.stderr, "", "stderr of show %s" % what)
        return json.loads(done.stdout)

    def sessions(self, service=None):
        """How many connections the daemon counts, over both families."""
        return sum(row["sessions"] for row in self.show("services")
                   if service in (None, row["service"]))

    def idle(self, service=None, timeout=20):
        """Waits until it counts none."""
        wait_until(lambda: self.sessions(service) == 0,
                   "no session in `show services`", timeout)


def one_service(kind, statements="", more=""):
    """A daemon of one built-in service on both loopbacks, not started; its
    port is .port."""
    port = free_port()
    daemon = Daemon("system { services { %s { port %d; %s %s } %s } }" % (
        kind, port, BOTH, statements, more))
    daemon.port = port
    return daemon
