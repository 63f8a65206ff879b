"""System calls made by a process of the daemon's, as if it were taken over."""
import os
import platform
import subprocess

from . import world
from .runner import check
from .world import Skip


def injector():
    if platform.machine() != "x86_64":
        raise Skip("the debugger of tests/harness/inject.c knows x86-64 alone")
    path = world.WORK + "/inject"
    if not os.path.exists(path):
        subprocess.run(["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-O1", "-o",
                        path, world.TOP + "/tests/harness/inject.c"],
                       check=True)
    return path


def inject(pid, call, *words):
    done = subprocess.run([injector(), str(pid), str(call)] + list(words),
                          capture_output=True, text=True, timeout=20,
                          check=False)
    check(done.returncode == 0, "injecting %s: %s" % (call, done.stderr))
    return done.stdout.strip()


def sealed(daemon, role):
    """The pid of that role's process, once it is sealed."""
    for process in daemon.roles().get(role, []):
        if process.status["Seccomp"] == "2":
            return process.pid
    return None
