#!/usr/bin/python3
"""What attackers try on the way of a login: a peer, a worker or a zygote that
was taken over, and a user of the host who is logged in already."""
import glob
import os
import re
import signal
import struct
import subprocess
import time

from harness import (Connection, PASSWORDS, check, equal, free_port, limit,
                     main, needs_root, processes, wait_until, world, write)
from harness.messages import pack
from harness.logins import ALICE, Login, alices, gone, logins, start
from t_login_pam import Module
from harness.inject import inject, injector, sealed

#: What ipc/state.h has: a slot is 64 bytes, and so is what is before the first.
CAP_SYS_RESOURCE = 24
SLOT = struct.Struct("=I i Q Q")
HELD = """
import fcntl, sys
files = [open(name) for name in sys.argv[1:]]
for file in files:
    fcntl.lockf(file, fcntl.LOCK_SH)
print("held", flush=True)
sys.stdin.read()
"""


class Held:
    """Files that alice can only read, locked by her."""

    def __init__(self, *names):
        self.child = subprocess.Popen(
            ["setpriv", "--reuid", "alice", "--regid", "alice",
             "--clear-groups", "/usr/bin/python3", "-c", HELD, *names],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        equal(self.child.stdout.readline(), b"held\n", "the lock")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        self.child.wait()
        self.child.stdout.close()


def records():
    """[(type, line)] of utmp, whether or not the process lives."""
    with open("/run/utmp", "rb") as file:
        data = file.read()
    return [(struct.unpack_from("=h", data, at)[0],
             data[at + 8:at + 40].rstrip(b"\0").decode())
            for at in range(0, len(data), 384)]


def users():
    return [line for kind, line in records() if kind == 7]


# --- a user of the host -------------------------------------------------------


@needs_root
@limit(90)
def test_a_user_who_locks_the_records_does_not_stop_the_monitor():
    """Who may read a file may lock it, and utmp is everyone's to read."""
    with start() as daemon:
        client = Login(daemon, "alice")
        client.run("true")
        daemon.wait("session-opened")
        login, = logins()
        with Held("/run/utmp", "/var/log/wtmp"):
            os.kill(login.pid, signal.SIGKILL)
            began = time.monotonic()
            equal(daemon.cli("reload").returncode, 0, "reload")
            took = time.monotonic() - began
            check(took < 5, "the monitor stood still for %.1f s" % took)
            client.read_all()
        wait_until(lambda: not users(), "the record to be closed", 30)
        gone()


@needs_root
@limit(90)
def test_a_record_of_another_user_is_not_closed():
    """A process's number is used again: a record with that of a login that
    was killed, but of another user, is somebody else's."""
    with start() as daemon:
        client = Login(daemon, "alice")
        client.run("true")
        daemon.wait("session-opened")
        login, = logins()
        with open("/run/utmp", "r+b") as file:
            rows = file.read()
            mine, = [rows[at:at + 384] for at in range(0, len(rows), 384)
                     if struct.unpack_from("=hxxi", rows, at) == (
                         7, login.pid)]
            # Line, id and user of another's; before alice's and behind it.
            for number in (8, 9):
                other = bytearray(mine)
                other[8:40] = (b"pts/98%d" % number).ljust(32, b"\0")
                other[40:44] = b"98%d" % number + b"\0"
                other[44:76] = b"bob".ljust(32, b"\0")
                rows = bytes(other) + rows if number == 8 else \
                    rows + bytes(other)
            file.seek(0)
            file.write(rows)
        os.kill(login.pid, signal.SIGKILL)
        client.read_all()
        wait_until(lambda: len(users()) < 3, "the record to be closed", 30)
        equal(users(), ["pts/988", "pts/989"], "who is logged in")
        gone()
    write("/run/utmp", "")


@needs_root
@limit(90)
def test_a_login_killed_early_leaves_no_record():
    """It had written utmp, and was held up before it could tell."""
    # Where pam_lastlog writes wtmp it is held up before that.
    with open("/etc/pam.d/login", encoding="utf-8") as file:
        write("/etc/pam.d/tests", "".join(
            line for line in file if "pam_lastlog" not in line))
    with start("login-grace-time 3; pam-service tests;") as daemon:
        with Held("/var/log/wtmp"):
            client = Login(daemon, "alice")
            wait_until(users, "a record in utmp")
            client.read_all()
            daemon.wait("auth-failure", reason="timeout", user="alice")
        wait_until(lambda: not users(), "the record to be closed", 30)
        gone()


@needs_root
def test_a_bound_on_files_is_none_on_the_records():
    """pam_limits binds the login process as well, which is not to die of it;
    the host's wtmp is no file of the user's. (Not every container's root may
    lift such a bound: there the record is missing.)"""
    bounding = int(processes.status(os.getpid())["CapBnd"], 16)
    more = 384 if bounding >> CAP_SYS_RESOURCE & 1 else 0
    write("/etc/security/limits.conf", "alice hard fsize 1\n")
    with open("/var/log/wtmp", "wb") as file:
        file.truncate(384 * 20)
    try:
        with start() as daemon:
            client = Login(daemon, "alice")
            equal(client.run("ulimit -f"), "1\n", "the session's bound")
            equal(os.path.getsize("/var/log/wtmp"), 384 * 20 + more,
                  "wtmp")
            client.line("exit")
            client.read_all()
            gone()
            equal(os.path.getsize("/var/log/wtmp"), 384 * 20 + 2 * more,
                  "wtmp, closed")
            equal(daemon.of("worker-failed"), [], "failures")
    finally:
        write("/etc/security/limits.conf", "")


@needs_root
def test_what_stays_behind_a_logout():
    """A process of the user's lives on, without a terminal that could be
    taken over, and the connection's slot is free."""
    with start() as daemon:
        client = Login(daemon, "alice")
        tty = client.run("tty").strip()
        client.run("trap '' HUP; setsid sleep 1001 & sleep 1000 & disown -a; "
                   "true")
        client.line("exit")
        client.read_all()
        daemon.closed(client)
        daemon.idle()
        wait_until(lambda: not logins(), "the login's end")
        left = [p for p in alices() if "sleep" in p.title]
        equal(len(left), 2, "what is left: %s" % left)
        check(not os.path.exists(tty), "%s is still there" % tty)
        for process in left:
            os.kill(process.pid, signal.SIGKILL)
        gone()


@needs_root
def test_a_session_has_what_the_system_gives():
    with start() as daemon:
        client = Login(daemon, "alice")
        client.line("exec sleep 1000")
        shell = wait_until(lambda: [p for p in alices() if p.title ==
                                    "sleep 1000"], "the program")[0]
        status, mine = shell.status, processes.status(daemon.pid)
        # While it starts, it reads its libraries.
        wait_until(lambda: set(processes.descriptors(shell.pid)) == {0, 1, 2},
                   "three descriptors")
        for name in ("SigBlk", "ShdPnd", "CapInh", "CapEff", "CapAmb"):
            equal(int(status[name], 16), 0, name)
        # 32 and 33 are the C library's own, which no sigaction() resets.
        equal(int(status["SigIgn"], 16) & ~(3 << 31), 0, "SigIgn")
        for name in ("CapBnd", "NoNewPrivs", "Umask", "Cpus_allowed"):
            equal(status[name], mine[name], name)
        equal(set(status["Uid"].split() + status["Gid"].split()),
              {str(world.base_uid())}, "identity")
        # The kernel's own record of who logged in, where it keeps one.
        if os.path.exists("/proc/self/loginuid"):
            with open("/proc/%d/loginuid" % shell.pid, "r",
                      encoding="ascii") as file:
                equal(int(file.read()), world.base_uid(), "loginuid")
        for name in ("oom_score_adj", "limits", "cgroup"):
            with open("/proc/%d/%s" % (shell.pid, name), "r",
                      encoding="ascii") as one, \
                    open("/proc/%d/%s" % (daemon.pid, name), "r",
                         encoding="ascii") as other:
                # pam_limits says how many files, and begins with what init
                # has, which need not be without cores, as this test is.
                equal(*([line for line in file.read().splitlines()
                         if "open files" not in line and
                         "core file" not in line]
                        for file in (one, other)), name)
        for kind in ("net", "mnt", "pid", "user", "ipc", "uts"):
            equal(processes.namespace(shell.pid, kind),
                  processes.namespace("self", kind), kind)
        client.close()
        gone()


# --- the peer -------------------------------------------------------------------


@needs_root
def test_a_refusal_in_the_last_moment_is_as_slow_as_any():
    """Or it would come at the very end of the time for a name that nobody
    has, and later where a hash had to be computed."""
    with start("login-grace-time 4;") as daemon:
        for user in ("alice", "stranger"):
            began = time.monotonic()
            client = Login(daemon)
            client.until(b"login: ")
            client.line(user)
            client.until(b"Password: ")
            time.sleep(3.7 - (time.monotonic() - began))
            began = time.monotonic()
            client.line("wrong")
            client.until(b"Login incorrect")
            took = time.monotonic() - began
            check(took >= 2.5, "%s was refused after %.2f s" % (user, took))
            client.read_all()


@needs_root
def test_same_words_and_time_whatever_is_wrong():
    with open("/etc/shadow", encoding="ascii") as file:
        old = file.read()
    write("/etc/shadow", re.sub(r"^bob:", "bob:!", old, flags=re.MULTILINE),
          0o640)
    tries = (("alice", "wrong"), ("stranger", "wrong"), ("bob", "locked"),
             ("bob", PASSWORDS["bob"][0]), ("root", PASSWORDS["root"][0]),
             ("root", "wrong"), ("daemon", "wrong"), ("a:b", "wrong"),
             ("x" * 255, "wrong"), ("\xff\xfe", "wrong"))
    try:
        with start() as daemon:
            clients = []
            for user, password in tries:
                client = Login(daemon)
                client.until(b"login: ")
                client.line(user)
                client.until(b"Password: ")
                client.line(password)
                clients.append((time.monotonic(), client))
            for (began, client), (user, _) in zip(clients, tries):
                equal(client.until(b"login: ").split(b"\r\n")[1:2],
                      [b"Login incorrect"], "words for " + user)
                # Each has waited since its own answer.
                check(time.monotonic() - began >= 2.5, "%s: soon" % user)
            for (_, client), (user, _) in zip(clients, tries):
                event = daemon.wait("auth-failure", source_port=client.port)
                equal(event["reason"], "root-login" if (
                    user == "root" and event["reason"] != "credentials")
                    else "credentials", "reason of " + user)
                client.close()
            gone()
    finally:
        write("/etc/shadow", old, 0o640)


@needs_root
def test_a_name_reaches_pam_without_control_characters():
    """Modules write it to the system's log as it is."""
    log = world.WORK + "/pam"
    with start("log-unknown-users;") as daemon, Module("hang"):
        write("/etc/pam.d/login",
              "auth required pam_exec.so quiet log=%s /usr/bin/env\n"
              "auth required pam_deny.so\n" % log)
        client = Login(daemon)
        client.until(b"login: ")
        client.line("eve\x1b[2J\x0b\x9b31m")
        client.until(b"Login incorrect")
        with open(log, "rb") as file:
            got = [w for w in file.read().split(b"\n")
                   if w.startswith(b"PAM_USER=")]
        equal(got, [b"PAM_USER=eve?[2J?\xc2?31m"], "the name in PAM")
        daemon.wait("auth-failure")
        # The books have it as it was given, escaped.
        check([e for e in daemon.of("auth-failure")
               if "eve\\x1b[2J\\x0b\\xc2\\x9b31m" in e.line],
              "the audited name: %s" % daemon.events[-1].line)
        client.close()
    gone()


# --- a worker -------------------------------------------------------------------


def both(**more):
    daemon = start(around="finger { port %d; listen-address 127.0.0.1; }" %
                   free_port(), **more)
    daemon.finger = int(re.search(r"finger \{ port (\d+)",
                                  open(daemon.file, encoding="ascii").read())
                        .group(1))
    return daemon


def worker(daemon, client):
    def find():
        rows = [r for r in daemon.show("sessions")
                if r["source-port"] == client.port and r["pid"]]
        return rows[0]["pid"] if rows else None
    return wait_until(find, "a worker")


@needs_root
def test_a_worker_writes_to_no_log_and_passes_few_descriptors():
    with both() as daemon:
        client, other = Login(daemon), Connection(daemon.finger)
        client.until(b"login: ")
        for one in (client, other):
            pid = worker(daemon, one)
            wait_until(lambda p=pid: "worker" in processes.Process(p).title,
                       "its title")
            held = processes.descriptors(pid)
            equal([held[n] for n in (0, 1, 2)], ["/dev/null"] * 3,
                  "descriptors")
            with open("/proc/%d/limits" % pid, encoding="ascii") as file:
                check(re.search(r"Max open files +16 +16 ", file.read()),
                      "a worker may pass on as many as its zygote")
            one.close()


@needs_root
def test_a_worker_asks_what_its_service_asks():
    """A finger worker has no login to ask for."""
    with both() as daemon:
        client = Connection(daemon.finger)
        pid = worker(daemon, client)
        inject(pid, 44, "4", "x:" + pack("LOGIN_ASK", "B", 0).hex(), "3", "0", "0", "0")
        daemon.wait("worker-failed", source_port=client.port,
                    reason="message")
        equal(logins(), [], "logins")
        client.close()


# --- a zygote ---------------------------------------------------------------------


def began(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as file:
        ticks = int(file.read().rpartition(")")[2].split()[19])
    return ticks * (10 ** 9 // os.sysconf("SC_CLK_TCK"))


def lie(daemon, service, number, pid, session):
    """One slot of a zygote's table, as that zygote could write it."""
    start_ns = began(pid)
    for path in glob.glob(daemon.run + "/state/slots.*"):
        with open(path, "r+b") as file:
            if service.encode() not in file.read(64):
                continue
            file.seek(20)
            file.write(struct.pack("=I", number + 1))
            file.seek(64 + 64 * number)
            file.write(SLOT.pack(1, pid, session, start_ns))
            return
    raise AssertionError("no table of %s" % service)


@needs_root
def test_a_zygote_that_lies_and_dies_takes_no_login_with_it():
    with both() as daemon:
        client = Login(daemon, "alice")
        client.run("true")
        login, = logins()
        client.run("setsid sleep 1000 & true")
        lie(daemon, "finger", 5, login.pid, 12345)
        mark = daemon.mark()
        os.kill(daemon.role("zygote finger").pid, signal.SIGKILL)
        daemon.wait("role-restarted", after=mark, role="zygote")
        equal(client.run("echo on"), "on\n", "another service's session")
        equal([p.pid for p in logins()], [login.pid], "its login")
        client.close()

        def ended():
            """What was just forking when it was looked for, too."""
            for process in alices():
                try:
                    os.kill(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            return not alices()
        wait_until(ended, "alice's processes to end")
        gone()


@needs_root
def test_a_zygote_that_lies_hides_no_session():
    """Telnet's is asked first, and names a process that is none of its."""
    with both() as daemon:
        client = Connection(daemon.finger)
        pid = worker(daemon, client)
        session = daemon.wait("connection-accepted")["session"]
        lie(daemon, "telnet", 5, os.getpid(), int(session))
        done = daemon.cli("clear", "session", session)
        equal((done.returncode, done.stderr), (0, ""), "clear")
        client.read_all()
        wait_until(lambda: not processes.alive(pid), "the worker's end")


@needs_root
@limit(90)
def test_a_role_that_leaves_its_channel_is_replaced():
    """Closed, or a datagram of no bytes: nobody lives on beyond orders. (It does
    nothing more: one that was taken over would not leave by itself.)"""
    tries = (("3", "3"), ("44", "3", "s:", "0", "0", "0", "0"))
    with both() as daemon:
        for role in ("zygote finger", "zygote telnet", "lookup", "master"):
            for call in tries:
                mark = daemon.mark()
                pid = wait_until(lambda r=role: sealed(daemon, r),
                                 "a sealed " + role)
                done = subprocess.run(
                    [injector(), "-k", str(pid), *call], timeout=60,
                    capture_output=True, text=True, check=False)
                equal(done.stdout.splitlines()[-1:] or done.stderr,
                      ["died by KILL"], "%s after call %s" % (role, call[0]))
                daemon.wait("role-restarted", after=mark, signal="SIGKILL")
        wait_until(lambda: sealed(daemon, "zygote telnet"), "telnet")
        client = Login(daemon, "alice", ALICE)
        equal(client.run("echo on"), "on\n", "afterwards")
        client.close()
        gone()


if __name__ == "__main__":
    main()
