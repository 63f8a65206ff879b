"""A test file's own: what its tests need, assertions, and TAP.

A test file is tests/system/t_NAME.py: functions test_*, run in the order of
the file, and main() at its end.
"""
import functools
import resource
import shutil
import signal
import sys
import time
import traceback

from . import world
from .world import ROOT, Skip

SECONDS = 60


def check(value, text):
    if not value:
        raise AssertionError(text)
    return value


def equal(got, wanted, text):
    if got != wanted:
        raise AssertionError("%s: got %r, wanted %r" % (text, got, wanted))


# --- the tests of a file ----------------------------------------------------

def limit(seconds):
    """A test's own time limit."""
    def mark(function):
        function.seconds = seconds
        return function
    return mark


def needs_root(function):
    function.root = True
    return function


def needs(*programs):
    """Programs without which the test cannot be run."""
    def wrap(function):
        @functools.wraps(function)
        def run():
            for name in programs:
                if not shutil.which(name, path="/usr/bin:/bin:/usr/sbin:"
                                    "/sbin:/usr/lib/openssh"):
                    raise Skip("%s is not installed" % name)
            function()
        return run
    return wrap


class TooLate(Exception):
    """A test's time is over."""


def on_alarm(_number, _frame):
    raise TooLate()


def run_one(function):
    """(TAP's word, comment) of one test."""
    seconds = getattr(function, "seconds", SECONDS)
    if getattr(function, "root", False) and not ROOT:
        return "ok", "SKIP needs root"
    signal.signal(signal.SIGALRM, on_alarm)
    signal.alarm(seconds)
    try:
        function()
        return "ok", ""
    except Skip as reason:
        return "ok", "SKIP %s" % reason
    except TooLate:
        return "not ok", "no end after %d s\n%s" % (
            seconds, traceback.format_exc())
    except Exception:  # pylint: disable=broad-except
        return "not ok", traceback.format_exc()
    finally:
        signal.alarm(0)


def main(namespaces=True):
    """Runs the test_* of the calling file, or those named as arguments."""
    if namespaces:
        world.enter()
    world.prepare()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    tests = [(n, f) for n, f in vars(sys.modules["__main__"]).items()
             if n.startswith("test_") and callable(f)]
    wanted = sys.argv[1:]
    failed = False
    for number, (name, function) in enumerate(tests, 1):
        if wanted and name not in wanted:
            continue
        start = time.monotonic()
        word, text = run_one(function)
        failed = failed or word != "ok"
        title = name[5:].replace("_", " ")
        skip = " # " + text if text.startswith("SKIP ") else ""
        print("%s %d - %s%s" % (word, number, title, skip))
        if text and not skip:
            for line in text.splitlines():
                print("# " + line)
        print("# %.1f s" % (time.monotonic() - start), flush=True)
    print("1..%d" % len(tests))
    world.clean()
    sys.exit(1 if failed else 0)
