"""System calls of one process that fail, by strace's injection."""
import subprocess

from . import processes, world
from .clients import wait_until

#: What a call answers with inject=...; the call that runs in its stead has no
#: effect and is in every filter.
HARMLESS = "getpid"


class Strace:
    """strace on one process, injecting; attached when the block begins."""

    def __init__(self, pid, *injections):
        self.log = world.WORK + "/strace.%d" % pid
        words = ["strace", "-q", "-f", "-o", self.log, "-p", str(pid)]
        calls = set()
        for call, what in injections:
            words += ["-e", "inject=%s:%s:syscall=%s" % (
                call, what, HARMLESS)]
            calls.add(call)
        words += ["-e", "trace=" + ",".join(sorted(calls))]
        self.words, self.pid, self.child = words, pid, None

    def __enter__(self):
        self.child = subprocess.Popen(self.words, stderr=subprocess.PIPE)
        # It may die of the first call that fails.
        wait_until(lambda: self.child.poll() is not None or
                   not processes.alive(self.pid) or
                   processes.status(self.pid)["TracerPid"] != "0",
                   "strace to attach")
        if self.child.poll() is not None and processes.alive(self.pid):
            raise world.Skip("strace cannot attach here: %s" %
                       self.child.stderr.read())
        return self

    def injected(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read().count("(INJECTED)")

    def __exit__(self, *_):
        self.child.terminate()
        self.child.wait(10)
        self.child.stderr.close()
