#!/usr/bin/python3
"""The ender: its sandbox, an end half-way (its own, the monitor's), and a
/proc that shows each user its own processes only."""
import os
import signal

from harness import (BOTH, Daemon, check, equal, free_port, limit, main, needs,
                     needs_root, processes, unused, wait_until, world, write)
from harness.builds import own_build, traced
from harness.logins import Login, alices, gone

CAP_KILL = 1 << 5
#: The ender stands still behind its third signal, with some of the tree
#: stopped; what it waits for is its end.
HALF_WAY = ("-e trace=pidfd_send_signal -e inject=pidfd_send_signal:"
            "delay_exit=600000000:when=3")


def start(build=None):
    port = free_port()
    daemon = Daemon("system { services { telnet { port %d; %s } } }" % (
        port, BOTH))
    daemon.telnet = port
    return built(daemon, build)


def built(daemon, build):
    if build:
        own = daemon.argv
        daemon.argv = lambda: [build + "/portreeved"] + own()[1:]
    return daemon


def tree(daemon):
    """A login with processes below it, one of them in a session of its own."""
    login = Login(daemon, "alice")
    login.run("for i in 1 2 3 4; do sleep 600 & done; setsid sleep 600 & "
              "true")
    wait_until(lambda: len(alices()) >= 6, "the tree: %s" % alices())
    return login


def session_of(daemon):
    return str(daemon.show("sessions")[0]["id"])


def enders():
    return [p for p in processes.everyone()
            if p.title == "portreeve: ender" or
            p.words[:1] and p.words[0].endswith("/ender.real")]


def stopped():
    """Half-way: some of the session's stand still, and the ender does."""
    return enders() and [p for p in alices() if p.state == "T"]


def with_slow_ender():
    words = unused(world.WORK + "/words")
    write(words, "")
    build = own_build("ender", traced(words, unused(world.WORK + "/trace")))
    return start(build), words, build


def end_half_way(daemon, words):
    """A tree whose end stands still; the ender's processes."""
    login = tree(daemon)
    write(words, HALF_WAY)
    number = session_of(daemon)
    daemon.clear = daemon.begin("clear", "session", number)
    wait_until(stopped, "a tree that is half stopped")
    write(words, "")
    return login


def kill_enders():
    """And the tracers, which keep a death to themselves while they delay."""
    for process in enders() + [p for p in processes.everyone()
                               if p.words[:1] == ["strace"]]:
        try:
            os.kill(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


@needs_root
@needs("strace", "cc")
@limit(90)
def test_one_that_is_killed_half_way_is_followed_by_another():
    daemon, words, _ = with_slow_ender()
    with daemon:
        login = end_half_way(daemon, words)
        kill_enders()
        gone()
        daemon.closed(login)
        daemon.wait("resources-short", role="ender")
        daemon.idle()
        # It was answered when the first was gone, and may be asked again.
        check(daemon.clear.wait(20) in (0, 1), "the answer")
        login.close()


@needs_root
@needs("strace", "cc")
@limit(90)
def test_the_next_monitor_finishes_what_was_begun():
    """The monitor and its ender are killed half-way."""
    old, words, build = with_slow_ender()
    old.start()
    login = end_half_way(old, words)
    os.kill(old.pid, signal.SIGKILL)
    old.child.wait()
    kill_enders()
    check([p for p in alices() if p.state == "T"], "nobody stands still")
    daemon = built(Daemon(open(old.file, encoding="utf-8").read(),
                          directory=old.directory), build)
    with daemon:
        gone()
        daemon.idle()
    login.close()


@needs_root
@limit(120)
def test_proc_that_hides_processes():
    """hidepid=2, with a group that may see them, and with root's."""
    gid = world.base_uid() + 7
    remount = 32
    for words in ("hidepid=2,gid=%d" % gid, "hidepid=2,gid=0"):
        world.mount("proc", "/proc", "proc", remount, words)
        try:
            with start() as daemon:
                login = tree(daemon)
                done = daemon.cli("clear", "session", session_of(daemon))
                equal((done.returncode, done.stderr), (0, ""), words)
                gone()
                daemon.closed(login)
                login.close()
        finally:
            world.mount("proc", "/proc", "proc", remount,
                        "hidepid=0,gid=0")


@needs_root
@needs("strace", "cc")
def test_sealed():
    """As /proc has it, while it stands still."""
    daemon, words, _ = with_slow_ender()
    with daemon:
        login = end_half_way(daemon, words)
        ender, = enders()
        status = ender.status
        audit = daemon.role("audit").status["Uid"]
        check("0" not in status["Uid"].split() and status["Uid"] != audit,
              "uid: " + status["Uid"])
        for piece in ("CapPrm", "CapEff"):
            equal(int(status[piece], 16), CAP_KILL, piece)
        for piece in ("CapInh", "CapAmb"):
            equal(int(status[piece], 16), 0, piece)
        equal(status["NoNewPrivs"], "1", "NoNewPrivs")
        equal(status["Seccomp"], "2", "Seccomp")
        kill_enders()
        gone()
        daemon.clear.wait(20)
        login.close()


if __name__ == "__main__":
    main()
