#!/usr/bin/python3
"""The planner: its sandbox from outside and from inside, what becomes of a
reload or a start whose planner hangs, dies or lies, and that the daemon goes
on serving meanwhile. sshd is a script here that hangs while a file says so."""
import os
import shutil
import signal
import socket
import struct
import subprocess

from harness import (BOTH, Daemon, check, equal, finger, free_port, limit,
                     main, messages, needs, needs_root, processes, wait_until,
                     world, write)
from harness.logins import Login
from harness.inject import inject

SSHD = "/usr/sbin/sshd"
HANG = "/run/sshd/hang"
DAC_READ_SEARCH = 1 << 2


def fake_sshd():
    """The installed sshd, but for when it is to hang."""
    real = world.WORK + "/sshd-real"
    if os.path.exists(real):
        return
    shutil.copy2(SSHD, real)
    write(world.WORK + "/sshd", "#!/bin/sh\n"
          "[ -e %s ] && exec sleep 600\nexec %s \"$@\"\n" % (HANG, real),
          0o755)
    world.mount(world.WORK + "/sshd", SSHD, "none", world.MS_BIND)


def hang(yes=True):
    if yes:
        write(HANG, "")
    else:
        os.unlink(HANG)


def text(more=""):
    return ("system { services { finger { port %d; %s } ssh { port %d; %s } "
            "telnet { port %d; %s } %s } }" % (
                text.finger, BOTH, free_port(), BOTH, text.telnet, BOTH,
                more))


def prepare(more=""):
    fake_sshd()
    text.finger, text.telnet = free_port(), free_port()
    daemon = Daemon(text(more))
    daemon.telnet = text.telnet
    return daemon


def hanging(daemon):
    """The planner whose sshd hangs, and that one."""
    def both():
        for planner in daemon.roles().get("planner", []):
            for child in processes.below(planner.pid):
                if child.title.startswith("sleep"):
                    return planner, child
        return None
    return wait_until(both, "a planner that waits for sshd")


def hung_reload(daemon):
    hang()
    os.kill(daemon.pid, signal.SIGHUP)
    return hanging(daemon)


def serves(daemon):
    """Everything but what is asked of the planner."""
    check(finger(text.finger, b"x\r\n")[0], "no answer of finger")
    equal([row["state"] for row in daemon.show("services")
           if row["service"] == "finger"], ["listening"] * 2, "finger")
    check("finger" in daemon.cli("show", "configuration").stdout,
          "show configuration")
    login = Login(daemon, "alice")
    equal(login.run("id -un"), "alice\n", "who logged in by telnet")
    session = [str(row["id"]) for row in daemon.show("sessions")
               if row["user"] == "alice"]
    equal(daemon.cli("clear", "session", session[0]).returncode, 0, "clear")
    daemon.closed(login)
    login.close()


@needs_root
@needs("sshd")
def test_sealed():
    with prepare() as daemon:
        planner, child = hung_reload(daemon)
        for process in (planner, child):
            status = process.status
            equal(set(status["Uid"].split()), {"0"}, "uid")
            for piece in ("CapPrm", "CapEff", "CapBnd"):
                equal(int(status[piece], 16), DAC_READ_SEARCH, piece)
            for piece in ("CapInh", "CapAmb"):
                equal(int(status[piece], 16), 0, piece)
            equal(status["NoNewPrivs"], "1", "NoNewPrivs")
            equal(status["Seccomp"], "2", "Seccomp")
        limits = open("/proc/%d/limits" % planner.pid, encoding="ascii").read()
        check("Max core file size        0" in limits, "it may dump core")
        for fd, target in processes.descriptors(planner.pid).items():
            check(fd <= 3 or target.startswith("pipe:"), "%d: %s" % (
                fd, target))
        hang(False)
        os.kill(child.pid, signal.SIGKILL)
        daemon.wait("configuration-rejected")


@needs_root
@needs("sshd")
def test_what_one_that_was_taken_over_may_do():
    """Each returns an error, and harms nothing; what it is for, it may."""
    run = ""
    tried = {
        "openat /etc/passwd": (257, "-100", "s:/etc/passwd", "1", "0"),
        "openat below /proc/sys": (
            257, "-100", "s:/proc/sys/kernel/domainname", "1", "0"),
        "a file below /etc": (257, "-100", "s:/etc/planner", "0x41", "0600"),
        "a setuid file": (257, "-100", "s:{run}/suid", "0x41", "04755"),
        "a folder below /etc": (83, "s:/etc/planner", "0755"),
        "a link below /etc": (88, "s:/etc/passwd", "s:/etc/planner"),
        "a device": (133, "s:{run}/zero", "0x21b6", "0x105"),
        "chmod": (90, "s:{run}/ours", "04755"),
        "chown": (92, "s:{run}/ours", "0", "0"),
        "kill": (62, "{other}", "0"),
        "tgkill": (234, "{other}", "{other}", "0"),
        "pidfd_getfd": (438, "3", "0", "0"),
        "ptrace": (101, "16", "{other}", "0", "0"),
        "process_vm_readv": (310, "{other}", "z:16", "1", "z:16", "1", "0"),
        "mount": (165, "s:a", "s:/", "s:tmpfs", "0", "0"),
        "unshare": (272, "0x10000000"),
        "setuid": (105, "0"),
        "bpf": (321, "0", "z:64", "64"),
        "reboot": (169, "0"),
    }
    with prepare() as daemon:
        run = daemon.run
        planner, child = hung_reload(daemon)
        equal(inject(planner.pid, 257, "-100", "s:%s/ours" % run, "0x41",
                     "0600")[:9], "returned ", "a file of its own")
        check(os.path.exists(run + "/ours"), "no file of its own")
        for name, (call, *words) in tried.items():
            result = inject(planner.pid, call, *[
                w.format(run=run, other=daemon.pid) for w in words])
            check(result in ("returned -1", "returned -13"), "%s: %s" % (
                name, result))
        for path in ("/etc/planner", run + "/suid", run + "/zero"):
            check(not os.path.exists(path), path + " was made")
        hang(False)
        os.kill(child.pid, signal.SIGKILL)
        daemon.wait("configuration-rejected")


def tries_sockets(daemon):
    """What socket() gives in a live planner, by family."""
    planner, child = hung_reload(daemon)
    found = {family: inject(planner.pid, 41, str(family), "2", "0")
             for family in (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6,
                            socket.AF_NETLINK, socket.AF_PACKET)}
    mark = daemon.mark()
    hang(False)
    os.kill(child.pid, signal.SIGKILL)
    daemon.wait("configuration-rejected", after=mark)
    return {family: not result.startswith("returned -")
            for family, result in found.items()}


@needs_root
@needs("sshd")
@limit(120)
def test_the_network_only_for_the_name_services_that_need_it():
    local = {socket.AF_UNIX: True, socket.AF_INET: False,
             socket.AF_INET6: False, socket.AF_NETLINK: True,
             socket.AF_PACKET: False}
    other = {**local, socket.AF_INET: True, socket.AF_INET6: True}
    with prepare() as daemon:
        for words, wanted in (("passwd: files systemd\nhosts: dns\n", local),
                              ("passwd: files ldap\n", other),
                              ("services: corp files\n", other)):
            with world.changed("/etc/nsswitch.conf", lambda _: words):
                equal(tries_sockets(daemon), wanted, words)
        equal(daemon.cli("reload").returncode, 0, "a reload after that")


@needs_root
def test_a_name_service_that_is_not_known_is_reported():
    words = "group: files corp\n"
    with world.changed("/etc/nsswitch.conf", lambda _: words):
        path = write(world.WORK + "/empty.conf", "", 0o600)
        done = subprocess.run([world.BUILD + "/portreeved", "-n", "-c", path],
                              capture_output=True, text=True, check=False)
        equal(done.returncode, 0, "exit status")
        check("corp of /etc/nsswitch.conf" in done.stderr, done.stderr)


@needs_root
def test_a_scope_needs_no_network():
    """An interface's number is had by a unix socket."""
    with world.changed("/etc/nsswitch.conf", lambda _: "passwd: files\n"):
        subprocess.run(["ip", "address", "add", "fe80::7/64", "dev", "lo",
                        "nodad"], check=True)
        port = free_port()
        with Daemon("system { services { finger { port %d; listen-address "
                    "fe80::7%%lo; } } }" % port) as daemon:
            equal([row["state"] for row in daemon.show("services")],
                  ["listening"], "finger at a link-local address")


@needs_root
@needs("sshd")
@limit(120)
def test_the_daemon_serves_while_it_hangs():
    """All of this ends while the same planner waits for sshd."""
    with prepare() as daemon:
        planner, child = hung_reload(daemon)
        asked = [subprocess.Popen(
            [world.BUILD + "/portreeve", "-r", daemon.run, "reload"],
            stderr=subprocess.PIPE, text=True) for _ in range(2)]
        serves(daemon)
        os.kill(daemon.role("zygote finger").pid, signal.SIGKILL)
        daemon.wait("role-restarted", role="zygote", service="finger")
        serves(daemon)
        equal(hanging(daemon)[0].pid, planner.pid, "the planner")
        equal([a.poll() for a in asked], [None, None], "answers meanwhile")
        # The one that hangs is refused, and what was asked since is planned.
        mark = daemon.mark()
        hang(False)
        os.kill(child.pid, signal.SIGKILL)
        refused = daemon.wait("configuration-rejected", after=mark)
        check("does not say its version" in refused["reason"], refused.line)
        daemon.wait("configuration-applied", after=mark, reason="reload")
        equal([a.wait(20) for a in asked], [0, 0], "the answers")
        serves(daemon)


@needs_root
@needs("sshd")
@limit(150)
def test_one_that_dies_or_never_ends_changes_nothing():
    with prepare() as daemon:
        before = daemon.cli("show", "configuration").stdout
        for number, words in ((signal.SIGKILL, "(signal 9)"),
                              (signal.SIGSTOP, "took longer than 60 s")):
            mark = daemon.mark()
            planner, child = hung_reload(daemon)
            daemon.configure(text("no-keep-sessions;"))
            os.kill(planner.pid, number)
            refused = daemon.wait("configuration-rejected", after=mark,
                                  timeout=100)
            check(words in refused["reason"], refused.line)
            wait_until(lambda: not processes.alive(child.pid),
                       "the end of what it had started")
            hang(False)
            equal(daemon.cli("show", "configuration").stdout, before,
                  "the configuration")
            serves(daemon)
        equal(daemon.cli("reload").returncode, 0, "a reload after that")


@needs_root
@needs("sshd")
def test_a_start_without_a_plan_says_so():
    daemon = prepare()
    hang()
    daemon.launch()
    planner, _ = hanging(daemon)
    os.kill(planner.pid, signal.SIGKILL)
    equal(daemon.child.wait(20), 1, "exit status")
    daemon.join()
    hang(False)
    check(any("planner ended" in line and "signal 9" in line
              for line in daemon.noise), "words: %s" % daemon.noise)
    daemon.child = None
    hang()
    daemon.noise = []
    daemon.launch()
    hanging(daemon)
    daemon.child.terminate()
    equal(daemon.child.wait(20), 0, "SIGTERM before the plan")
    hang(False)


def memory(sealed=True):
    fd = os.memfd_create("forged", os.MFD_ALLOW_SEALING)
    os.write(fd, b"system { }\n")
    if sealed:
        import fcntl
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, 0xf)
    return fd


def plan(services):
    return messages.pack("PLAN", "HIBBBIIII", services, 20, 1, 1, 0, 0, 0,
                         60000, 61000)


def string(value):
    value = value.encode()
    return struct.pack("<H", len(value)) + value


@needs_root
@needs("sshd")
@limit(120)
def test_one_that_lies_is_killed_and_refused_whole():
    """Messages on its own channel: of another's, out of order, too many."""
    lies = {
        "the master's": [(messages.pack("ACCEPTING", "I", 1), [])],
        "no message": [(b"\xff\xff", [])],
        "a plan without texts": [(plan(0), [])],
        "texts that change": [(plan(0), [False, True, True])],
        "two plans": [(plan(0), [True] * 3), (plan(0), [True] * 3)],
        "an end without a plan": [(messages.pack("PLAN_DONE", "BIB", 0, 0, 0),
                                   [])],
        "a refusal without an error": [
            (messages.pack("PLAN_DONE", "BIB", 1, 1, 0), [])],
        "services that do not come": [
            (plan(2), [True] * 3),
            (messages.pack("PLAN_DONE", "BIB", 0, 0, 0), [])],
        "a lock before the plan": [(messages.pack("PLAN_LOCK", "I", 60600),
                                    [])],
        "a lock of no number of ours": [
            (plan(0), [True] * 3), (messages.pack("PLAN_LOCK", "I", 1000), [])],
        "a role's uid at a reload": [
            (plan(0), [True] * 3),
            (messages.pack("PLAN_ROLE", "BBII", 0, 1, 1000, 1000), []),
            (messages.pack("PLAN_DONE", "BIB", 0, 0, 0), [])],
        "a descriptor too many": [
            (messages.pack("PLAN_DONE", "BIB", 0, 0, 0), [True])],
    }
    with prepare() as daemon:
        before = daemon.cli("show", "configuration").stdout
        for name, lie in lies.items():
            mark = daemon.mark()
            planner, _ = hung_reload(daemon)
            channel, = messages.copies(planner.pid, [3])
            for data, fds in lie:
                try:
                    socket.send_fds(channel, [data],
                                    [memory(sealed) for sealed in fds])
                except BrokenPipeError:
                    pass
            refused = daemon.wait("configuration-rejected", after=mark)
            check("planner was killed" in refused["reason"] or
                  "(signal 9)" in refused["reason"], "%s: %s" % (
                      name, refused.line))
            wait_until(lambda: not processes.alive(planner.pid), "its death")
            channel.close()
            hang(False)
        equal(daemon.cli("show", "configuration").stdout, before,
              "the configuration")
        equal(daemon.cli("reload").returncode, 0, "a reload after that")
        serves(daemon)


if __name__ == "__main__":
    main()
