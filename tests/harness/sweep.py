"""Every process meets every failure of every call that it makes.

A daemon with every service runs; a session of ssh, one of telnet and one of
a program stand by. One process is given one failure (a call and an errno at
its first, second, fifth or a later occurrence, or for as long as it lasts;
or a real limit), clients of every service come meanwhile, and then it is
over. What must hold in each case is in Case.judge().
"""
import os
import re
import shutil
import socket
import subprocess
import threading
import time

from . import (BOTH, Daemon, PASSWORDS, authorize, free_port, key, processes,
               world)
from .clients import Connection, ssh, ssh_start, wait_until
from .logins import Login
from .strace import HARMLESS

ALICE = PASSWORDS["alice"][0]
#: How long a client may wait for an answer or a refusal.
CLIENT_SECONDS = 20
#: The same, where nobody can answer.
DEAF_SECONDS = 2
#: The same word is not said more often than that.
TELL_SECONDS = 12
#: Who answers the monitor no more is replaced by then.
SILENT_SECONDS = 20
#: Of a login that can say nothing, the monitor says so when its time is over.
GRACE_SECONDS = 75
#: More calls than this in half a second without clients is a spin.
SPIN = 250

SHORT = ("EMFILE", "ENFILE", "ENOMEM")
#: What manual pages say a call may answer, besides what a program's own
#: fault would bring, and what says of a channel that its other end has gone
#: (ECONNRESET) to one whose other end has not.
ERRNOS = {
    "accept4": SHORT + ("ENOBUFS", "ECONNABORTED", "EINTR", "EPERM",
                        "EPROTO", "EINVAL"),
    "access": ("ENOMEM", "EACCES"),
    "bind": ("EADDRINUSE", "ENOMEM"),
    "brk": ("ENOMEM",),
    "capset": ("EPERM",),
    "chmod": ("EROFS", "EPERM"),
    "clone": ("EAGAIN", "ENOMEM"),
    "clone3": ("EAGAIN", "ENOMEM"),
    "connect": ("EAGAIN", "ECONNREFUSED", "EINTR"),
    "dup": ("EMFILE",),
    "dup2": ("EBUSY", "EINTR"),
    "dup3": ("EBUSY", "EINTR"),
    "epoll_create1": SHORT,
    "epoll_ctl": ("ENOMEM", "ENOSPC"),
    "epoll_pwait": ("EINTR",),
    "epoll_wait": ("EINTR",),
    "eventfd2": SHORT,
    "execve": ("ENOENT", "EACCES", "ENOMEM", "ETXTBSY", "EMFILE"),
    "fchmod": ("EROFS", "EIO"),
    "fchown": ("EROFS", "EIO"),
    "fcntl": ("EMFILE", "EINTR", "ENOLCK"),
    "flock": ("EINTR", "ENOLCK"),
    "fork": ("EAGAIN", "ENOMEM"),
    "fstat": ("ENOMEM",),
    "ftruncate": ("ENOSPC", "EINTR", "EIO"),
    "getdents64": ("EIO", "ENOMEM"),
    "getpeername": ("ENOTCONN", "ENOBUFS"),
    "getsockname": ("ENOBUFS",),
    "getsockopt": ("ENOMEM",),
    "ioctl": ("EIO",),
    "kill": ("EPERM", "ESRCH"),
    "listen": ("EADDRINUSE",),
    "lstat": ("ENOMEM", "EACCES"),
    "madvise": ("ENOMEM", "EAGAIN"),
    "memfd_create": SHORT,
    "mkdir": ("ENOSPC", "EROFS"),
    "mmap": ("ENOMEM",),
    "mprotect": ("ENOMEM",),
    "mremap": ("ENOMEM",),
    "munmap": ("ENOMEM",),
    "newfstatat": ("ENOMEM", "EACCES"),
    "open": SHORT + ("EACCES", "EINTR"),
    "openat": SHORT + ("EACCES", "EINTR"),
    "pidfd_open": SHORT + ("ESRCH",),
    "pidfd_send_signal": ("EPERM", "ESRCH"),
    "pipe2": SHORT,
    "poll": ("EINTR", "ENOMEM"),
    "ppoll": ("EINTR", "ENOMEM"),
    "prctl": ("ENOMEM", "EINVAL"),
    "pread64": ("EIO", "EINTR"),
    "prlimit64": ("EPERM",),
    "pwrite64": ("ENOSPC", "EINTR", "EIO"),
    "read": ("EIO", "EINTR", "EAGAIN"),
    "readlink": ("EACCES", "ENOMEM"),
    "readlinkat": ("EACCES", "ENOMEM"),
    "recvfrom": ("ENOMEM", "EINTR", "EAGAIN", "ECONNRESET"),
    "recvmmsg": ("ENOMEM", "EINTR", "EAGAIN"),
    "recvmsg": ("ENOMEM", "EINTR", "EAGAIN"),
    "rename": ("ENOSPC", "EROFS"),
    "sendmmsg": ("EAGAIN", "ENOBUFS", "ENOMEM", "EPIPE", "EINTR"),
    "sendmsg": ("EAGAIN", "ENOBUFS", "ENOMEM", "EPIPE", "ETOOMANYREFS",
                "EINTR"),
    "sendto": ("EAGAIN", "ENOBUFS", "ENOMEM", "EPIPE", "EINTR"),
    "setgroups": ("ENOMEM", "EPERM"),
    "setpriority": ("EACCES",),
    "setregid": ("EAGAIN", "EPERM"),
    "setresgid": ("EAGAIN", "EPERM"),
    "setresuid": ("EAGAIN", "EPERM"),
    "setreuid": ("EAGAIN", "EPERM"),
    "setsockopt": ("ENOBUFS", "ENOMEM"),
    "shutdown": ("ENOTCONN",),
    "signalfd4": SHORT,
    "socket": SHORT + ("ENOBUFS",),
    "socketpair": SHORT,
    "stat": ("ENOMEM", "EACCES"),
    "statfs": ("EIO",),
    "statx": ("ENOMEM", "EACCES"),
    "symlink": ("ENOSPC", "EROFS"),
    "timer_create": ("EAGAIN", "ENOMEM"),
    "timerfd_create": SHORT,
    "unlink": ("EROFS", "EBUSY"),
    "vfork": ("EAGAIN", "ENOMEM"),
    "wait4": ("EINTR",),
    "waitid": ("EINTR",),
    "write": ("EAGAIN", "ENOSPC", "EPIPE", "EINTR", "EIO"),
    "writev": ("EAGAIN", "ENOSPC", "EPIPE", "EINTR", "EIO"),
}
OCCURRENCES = ("1", "2", "5", "13")
#: Those that may last: what is short stays short for a while.
LASTING = SHORT + ("ENOBUFS", "ENOSPC", "EACCES", "EPERM", "EROFS")
#: A process that cannot have another, and a reader that does not read.
LASTING_CALLS = {"EAGAIN": ("clone", "clone3", "fork", "vfork", "sendmsg",
                            "sendmmsg", "sendto", "write", "writev")}

#: Processes by role: how they are named in `ps`, and the clients whose
#: connections pass through them.
ROLES = {
    "monitor": ("telnet", "command", "ssh", "finger", "reload"),
    "master": ("finger", "program", "telnet", "ssh", "command", "reload"),
    "audit": ("finger", "program", "telnet"),
    "lookup": ("finger",),
    "logreader": ("ssh", "program"),
    "zygote finger": ("finger",),
    "zygote telnet": ("telnet",),
    "zygote ssh": ("ssh",),
    "zygote cat": ("program",),
    "worker telnet": ("telnet",),
    "worker finger": ("finger",),
    "login telnet": ("telnet",),
    "planner": ("reload",),
    "ender": ("clear",),
}
#: Those that are started for one job: their programs, which stand in the copy
#: of the build behind one that runs them below strace.
JOBS = {"login telnet": "login", "planner": "planner", "ender": "ender"}
#: Roles whose end ends sessions that stand by, or all.
PRECIOUS = {"monitor": None, "zygote telnet": "telnet", "zygote ssh": "ssh",
            "zygote cat": "program"}


#: Clients that say what failed: no event has to.
SPEAKING = ("command", "reload", "clear")


class Outcome:
    """What became of one client: ok, refused, failed or hung, and words."""

    def __init__(self, name, word, text=""):
        self.name, self.word, self.text = name, word, text

    def __repr__(self):
        return "%s %s%s" % (self.name, self.word,
                            ": " + self.text if self.text else "")


class Stage:
    """The daemon, its standing sessions, and its clients."""

    def __init__(self):
        self.pair = key("sweep")
        authorize("alice", self.pair)
        self.words = {role: world.WORK + "/sweep.words." + program
                      for role, program in JOBS.items()}
        self.log = world.WORK + "/sweep.trace"
        self.build = world.WORK + "/sweep.build"
        if not os.path.exists(self.build):
            os.mkdir(self.build)
            shutil.copytree(world.BUILD + "/libexec", self.build + "/libexec")
            shutil.copy(world.BUILD + "/portreeved", self.build)
            for role, program in JOBS.items():
                self.wrap(self.build + "/libexec/" + program,
                          self.words[role])
        self.daemon = None
        self.standing = {}
        self.seconds = CLIENT_SECONDS  # of patience
        self.whole = 0  # from here on no event was lost

    def wrap(self, program, words):
        """Has strace run it where that file has words for it."""
        os.rename(program, program + ".real")
        subprocess.run(
            ["cc", "-O1", "-D_GNU_SOURCE", '-DWORDS="%s"' % words,
             '-DLOG="%s"' % self.log, '-DREAL="%s.real"' % program,
             "-o", program, world.TOP + "/tests/harness/traced.c"],
            check=True)
        world.write(words, "")

    def start(self):
        """A daemon anew, and a session of each kind that stands by."""
        ports = [free_port() for _ in range(4)]
        self.finger, self.telnet, self.ssh, self.cat = ports
        self.config = (
            "system { services { extended-limits; login-limit 100;"
            " finger { port %d; %s connection-limit 200; rate-limit 9999; }"
            " telnet { port %d; %s connection-limit 200; rate-limit 9999; }"
            " ssh { port %d; %s connection-limit 200; rate-limit 9999; }"
            " service cat { port %d; protocol tcp; wait no; user nobody;"
            " %s connection-limit 200; rate-limit 9999;"
            " exec \"/bin/sh -c 'echo up >&2; exec cat -u'\"; } } }" % (
                ports[0], BOTH, ports[1], BOTH, ports[2], BOTH, ports[3],
                BOTH))
        self.daemon, self.whole = Daemon(self.config), 0
        own = self.daemon.argv
        self.daemon.argv = lambda: [self.build + "/portreeved"] + own()[1:]
        try:
            self.daemon.start()
            self.enter()
        except BaseException:
            self.stop()
            raise
        return self

    def enter(self):
        for name in ("ssh", "telnet", "program"):
            self.standing[name] = getattr(self, "stand_" + name)()
        # Each role has done everything once.
        for outcome in self.clients(("finger", "telnet", "program", "ssh",
                                     "command")):
            if outcome.word != "ok":
                raise AssertionError("before any failure: %r\n%s" % (
                    outcome, self.daemon.tail()))

    def stop(self):
        if self.daemon is None:
            return
        standing, self.standing = self.standing, {}
        for client in standing.values():
            if isinstance(client, subprocess.Popen):
                client.kill()
                client.wait()
                for stream in (client.stdin, client.stdout, client.stderr):
                    stream.close()
            else:
                client.close()
        self.daemon.kill_all()
        self.daemon.join()
        self.daemon = None

    # --- who stands by --------------------------------------------------

    def stand_ssh(self):
        return ssh_start(self.ssh, "alice", identity=self.pair)

    def stand_telnet(self):
        login = Login(self, "alice", ALICE, timeout=self.seconds)
        login.run("true")
        return login

    def stand_program(self):
        client = Connection(self.cat, timeout=self.seconds)
        client.send(b"here\n").read_until(b"here\n")
        return client

    def stands(self, name):
        """Whether that session still answers."""
        client = self.standing[name]
        try:
            if name == "ssh":
                return answers_in_time(client)
            if name == "telnet":
                return "still" in client.run("echo still")
            client.send(b"still\n").read_until(b"still\n")
            return True
        except (OSError, AssertionError, ValueError):
            return False

    # --- clients ----------------------------------------------------------

    def clients(self, names):
        """All of them at a time, three fingers among them; Outcomes."""
        found, threads = [], []
        for name in names:
            for _ in range(3 if name == "finger" else 1):
                thread = threading.Thread(
                    target=lambda n=name: found.append(self.client(n)),
                    daemon=True)
                thread.start()
                threads.append(thread)
        end = time.monotonic() + 2 * self.seconds
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        hung = sum(t.is_alive() for t in threads)
        return list(found) + [Outcome("a client", "hung")] * hung

    def client(self, name):
        try:
            return getattr(self, "client_" + name)()
        except (TimeoutError, socket.timeout, subprocess.TimeoutExpired):
            return Outcome(name, "hung")
        except OSError as error:
            return Outcome(name, "refused", str(error))
        except AssertionError as error:
            return Outcome(name, "refused", str(error))

    def client_finger(self):
        with Connection(self.finger, timeout=self.seconds) as client:
            answer, ending = client.send(b"alice\r\n").read_all()
        if b"No such user" in answer:
            return Outcome("finger", "failed", "a user is denied")
        good = b"Alice" in answer and ending == "eof"
        return Outcome("finger", "ok" if good else "refused",
                       "" if good else "%r %s" % (answer, ending))

    def client_telnet(self):
        with Login(self, "alice", ALICE, timeout=self.seconds) as login:
            login.until(b"\r\n")
            # What PAM and the shell say first, and then the prompt.
            login.line("echo 'w''ord'; exit 3")
            text = b""
            while True:
                piece = login.socket.recv(4096)
                if not piece:
                    break
                text += piece
                if b"Login incorrect" in login.seen + text:
                    return Outcome("telnet", "failed", "Login incorrect")
        return Outcome("telnet", "ok" if b"word" in text + login.seen
                       else "refused", "%r" % text[-80:])

    def client_program(self):
        with Connection(self.cat, timeout=self.seconds) as client:
            answer, ending = client.send(b"x\n").half_close().read_all()
        return Outcome("program", "ok" if answer == b"x\n" else "refused",
                       "%r %s" % (answer, ending))

    def client_ssh(self):
        done = ssh(self.ssh, "alice", "echo word", identity=self.pair,
                   timeout=self.seconds)
        good = done.returncode == 0 and done.stdout == b"word\n"
        return Outcome("ssh", "ok" if good else "refused",
                       done.stderr.decode("utf-8", "replace")[-200:])

    def client_command(self):
        done = self.daemon.cli("show", "sessions", timeout=self.seconds)
        return Outcome("command", "ok" if done.returncode == 0 else "refused",
                       done.stderr)

    def client_reload(self):
        done = self.daemon.cli("reload", timeout=2 * self.seconds)
        return Outcome("reload", "ok" if done.returncode == 0 else "refused",
                       done.stderr)

    def client_clear(self):
        """A session that `clear session` ends, with what runs in it."""
        with Login(self, "alice", ALICE, timeout=self.seconds) as login:
            login.run("sleep 600 & true")
            row, = [row for row in self.daemon.show("sessions")
                    if row["source-port"] == login.port]
            done = self.daemon.cli("clear", "session", str(row["id"]),
                                   timeout=2 * self.seconds)
            if done.returncode == 0:
                login.read_all()
        return Outcome("clear", "ok" if done.returncode == 0 else "refused",
                       done.stderr)

    # --- processes ----------------------------------------------------------

    def pids(self, role):
        """The processes that are that role now."""
        roles = self.daemon.roles()
        if role.startswith("worker "):
            return [p.pid for p in roles.get(role, []) if is_idle(p.pid)]
        return [p.pid for p in roles.get(role, [])]

    def counted(self):
        """{service: sessions in `show services`}."""
        found = {}
        for row in self.daemon.show("services"):
            found[row["service"]] = found.get(row["service"], 0) + \
                row["sessions"]
        return found


    def settle(self, seconds):
        """Whether only those who stand by are counted by then."""
        wanted = {"finger": 0, "telnet": 1, "ssh": 1, "cat": 1}
        try:
            wait_until(lambda: self.counted() == wanted, "counts", seconds)
            return True
        except (AssertionError, ValueError, subprocess.TimeoutExpired):
            return False


def is_idle(pid):
    """Whether a worker still waits for its connection."""
    try:
        return not processes.connections(pid)
    except OSError:
        return False


def answers_in_time(client):
    """Whether the cat at the end of an ssh answers within the time."""
    got = []

    def ask():
        client.stdin.write(b"still\n")
        client.stdin.flush()
        got.append(client.stdout.readline())
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(CLIENT_SECONDS)
    return got == [b"still\n"]


class Trace:
    """strace on processes of one role, with or without an injection."""

    def __init__(self, stage, role, inject=None):
        self.stage, self.role, self.inject = stage, role, inject
        self.child, self.logs = None, []

    def filters(self):
        if self.inject is None:
            return ["-e", "trace=all"]
        call, error, when = self.inject
        return ["-e", "trace=" + call, "-e", "inject=%s:error=%s:when=%s:"
                "syscall=%s" % (call, error, when, HARMLESS)]

    def __enter__(self):
        for name in os.listdir(world.WORK):
            if name.startswith("sweep.trace"):
                os.unlink(world.WORK + "/" + name)
        if self.role in JOBS:
            world.write(self.stage.words[self.role], " ".join(self.filters()))
            return self
        words = ["strace", "-q", "-o", self.stage.log] + self.filters()
        self.victims = wait_until(lambda: self.stage.pids(self.role),
                                  self.role)
        for pid in self.victims:
            words += ["-p", str(pid)]
        self.child = subprocess.Popen(words, stderr=subprocess.DEVNULL)

        def attached():
            return self.child.poll() is not None or all(
                not processes.alive(p) or
                processes.status(p)["TracerPid"] != "0"
                for p in self.victims)
        wait_until(attached, "strace to attach")
        return self

    def text(self):
        found = ""
        for name in os.listdir(world.WORK):
            if name.startswith("sweep.trace"):
                with open(world.WORK + "/" + name, encoding="utf-8",
                          errors="replace") as file:
                    found += file.read()
        return found

    def injected(self):
        return self.text().count("(INJECTED)")

    def __exit__(self, *_):
        if self.role in JOBS:
            world.write(self.stage.words[self.role], "")
            return
        self.child.terminate()
        self.child.wait(10)


def calls_of(stage, role):
    """{call: how often} of the calls that a role makes while its clients
    come, of those that may fail."""
    with Trace(stage, role) as trace:
        stage.clients(ROLES[role])
        stage.settle(5)
    found = {}
    for line in trace.text().splitlines():
        head = re.match(r"(?:\d+ +)?([a-z_0-9]+)\(", line)
        if head and head.group(1) in ERRNOS:
            found[head.group(1)] = found.get(head.group(1), 0) + 1
    return found


class Limit:
    """A real limit on the processes of one role: room is how many more
    descriptors, or bytes, they may have."""

    def __init__(self, stage, role, kind, room):
        self.stage, self.role = stage, role
        self.kind, self.room, self.saved = kind, room, []

    def narrow(self, pid):
        if self.kind == "nofile":
            number = processes.free_descriptor(pid, self.room)
            # Whoever was always held to a limit has its reserve below it,
            # which is the highest that the monitor has.
            if self.role == "monitor":
                number = max(number, max(processes.descriptors(pid)) + 1)
            return number
        size = int(processes.status(pid)["VmSize"].split()[0])
        return size * 1024 + self.room

    def __enter__(self):
        for pid in wait_until(lambda: self.stage.pids(self.role), self.role):
            with open("/proc/%d/limits" % pid, encoding="ascii") as file:
                words = [line[26:].split() for line in file if
                         line.startswith({"nofile": "Max open files",
                                          "as": "Max address space"}[
                                              self.kind])][0]
            self.saved.append((pid, words[0]))
            processes.set_limit(pid, self.kind, self.narrow(pid))
        return self

    def injected(self):
        return 1

    def __exit__(self, *_):
        for pid, soft in self.saved:
            if processes.alive(pid):
                processes.set_limit(pid, self.kind, soft)


class Case:
    """One failure of one role, and what became of everybody."""

    def __init__(self, stage, role, what, failure):
        self.stage, self.role, self.what = stage, role, what
        self.failure = failure
        self.faults = []
        self.happened = 0

    def fault(self, text):
        self.faults.append(text)

    def run(self):
        """Runs it and judges it; True when nothing was wrong."""
        daemon = self.stage.daemon
        self.mark = daemon.mark()
        before = self.stage.pids(self.role)
        self.stage.seconds = DEAF_SECONDS if self.is_deaf() else \
            CLIENT_SECONDS
        with self.failure as failure:
            outcomes = self.stage.clients(ROLES[self.role])
            self.stage.settle(1)
            self.look_for_spin(failure)
            if self.is_deaf() and not self.role.startswith(("worker", *JOBS)):
                self.wait_told(outcomes)
            self.happened = failure.injected()
        self.stage.seconds = CLIENT_SECONDS
        self.judge(before, outcomes)
        return not self.faults

    def wait_told(self, outcomes):
        """A failure that ends in time leaves nothing to tell but a client that
        did not wait: it lasts until it is told."""
        if [o for o in outcomes if o.word == "hung"]:
            try:
                wait_until(self.told, "a word", SILENT_SECONDS)
            except AssertionError:
                pass  # judged later

    def look_for_spin(self, failure):
        """With nobody there, a failure that lasts is met now and then."""
        if not isinstance(failure, Trace) or \
                not failure.inject[2].endswith("+"):
            return
        first = failure.injected()
        time.sleep(0.5)  # what is measured is the calls in this time
        if failure.injected() - first > SPIN:
            self.fault("spins: %d calls in half a second" %
                       (failure.injected() - first))

    def judge(self, before, outcomes):
        daemon = self.stage.daemon
        if daemon.child.poll() is not None:
            self.fault("the monitor ended with %s" % daemon.child.returncode)
            return
        for outcome in outcomes:
            if outcome.word in ("hung", "failed") and \
                    not (outcome.word == "hung" and self.is_deaf()) and \
                    not (outcome.word == "failed" and self.is_peer_gone()):
                self.fault("%r" % outcome)
        self.judge_role(before)
        for name in self.stage.standing:
            if not self.stage.stands(name):
                self.fault("the session of %s that stood by is lost" % name)
        if not self.faults or self.faults == ["%r" % o for o in outcomes
                                              if o.word in ("hung",
                                                            "failed")]:
            self.judge_after()
        self.judge_silence(outcomes)

    def is_deaf(self):
        """A process that can hear of nobody for as long as it lasts, and so
        can refuse nobody: clients wait. That must be told all the same."""
        words = self.what.split()
        if self.role.startswith(("worker", "login", "planner")) and \
                words[1:] == ["EAGAIN", "at", "1+"]:
            return True  # and nothing can be said to anybody
        if self.role == "worker telnet" and words[0] == "poll":
            return words[-1] == "1+"
        return words[0] in ("accept4", "recvmsg", "poll") and \
            words[-1] == "1+" and \
            self.role.startswith(("zygote", "master", "monitor"))

    def is_peer_gone(self):
        """Whether a login or a worker is led to believe that nobody is there
        to be told of anything: worker, monitor or peer, who live."""
        return self.role.startswith(("login", "worker")) and \
            self.what.split()[1] in ("EPIPE", "ECONNRESET")

    def retired(self):
        """A zygote may give its place to another, without an end that would
        be an event."""
        if not self.role.startswith("zygote"):
            return False
        with open(self.stage.daemon.run + "/portreeved.log",
                  encoding="utf-8", errors="replace") as file:
            return "retiring" in file.read()

    def judge_role(self, before):
        """A role that ended is replaced, and an event says so; one with
        sessions that stand by does not end for one failed call."""
        gone = [p for p in before if not processes.alive(p)]
        if not gone or self.role.startswith("worker") or self.role in JOBS:
            return
        if self.retired():
            return
        if self.role in PRECIOUS:
            self.fault("%s ended for it" % self.role)
        if not self.stage.daemon.of("role-restarted", after=self.mark):
            self.fault("%s ended without an event" % self.role)

    def judge_after(self):
        """All is as before: clients are served, counts are right."""
        daemon = self.stage.daemon

        def all_ok():
            self.late = [o for o in self.stage.clients(
                ("finger", "telnet", "program", "ssh", "command"))
                if o.word != "ok"]
            return not self.late
        try:
            wait_until(all_ok, "clients", 30)
        except AssertionError:
            self.fault("not served afterwards: %r" % self.late)
            return
        if not self.stage.settle(20):
            self.fault("counted %r" % self.stage.counted())
            return
        if daemon.of("events-dropped", after=self.mark):
            self.stage.whole = daemon.mark()
            return

        def numbers(name):
            return {e["session"] for e in daemon.of(
                name, after=self.stage.whole)}

        def books():
            return len(numbers("connection-accepted") -
                       numbers("session-closed")) == standing
        standing = 0 if self.stage.whole else 3
        try:
            wait_until(books, "books", 20)
        except AssertionError:
            self.fault("books: %d accepted, %d closed, %d stand" % (
                len(numbers("connection-accepted")),
                len(numbers("session-closed")), standing))

    def told(self):
        """What was said of it."""
        return [e for e in self.stage.daemon.events[self.mark:]
                if e["event"] in (
                    "connection-refused", "resources-short", "role-restarted",
                    "worker-failed", "auth-failure", "events-dropped",
                    "warning", "configuration-rejected", "service-failed") or (
                        e["event"] == "session-closed" and "reason" in e)]

    def judge_silence(self, outcomes):
        """Whoever was not served was told about, under the right name."""
        daemon = self.stage.daemon
        new = daemon.events[self.mark:]
        for event in new:
            if event["event"] == "auth-failure" and \
                    not self.is_peer_gone() and \
                    event.get("reason") == "credentials":
                self.fault("called credentials: " + event.line)
        refused = [o for o in outcomes if o.word in ("refused", "hung") and
                   o.name not in SPEAKING]
        if refused and not self.role.startswith("worker") and \
                not self.is_peer_gone():
            try:
                wait_until(self.told, "a word", GRACE_SECONDS if
                           self.role in JOBS and self.is_deaf()
                           else TELL_SECONDS)
            except AssertionError:
                self.fault("in silence: %r" % refused[0])
        for outcome in outcomes:
            if outcome.name in SPEAKING and \
                    outcome.word == "refused" and not outcome.text.strip():
                self.fault("%s failed without a word" % outcome.name)


def injections(stage, role):
    """Every (what, failure) of a role."""
    for call, count in sorted(calls_of(stage, role).items()):
        for error in ERRNOS[call]:
            lasts = error in LASTING or call in LASTING_CALLS.get(error, ())
            often = [n for n in OCCURRENCES if int(n) <= count]
            for when in often + (["1+"] if lasts else []):
                yield ("%s %s at %s" % (call, error, when),
                       Trace(stage, role, (call, error, when)))


def limits(stage, role):
    if role.startswith("worker") or role in JOBS:
        return
    for room in (0, 1, 2, 4):
        yield ("%d descriptors more" % room,
               Limit(stage, role, "nofile", room))
    for room in (0, 1 << 16, 1 << 20):
        yield ("%d kB of memory more" % (room >> 10),
               Limit(stage, role, "as", room))
