#!/usr/bin/python3
"""The monitor waits for nobody: whatever stands still beside it, it answers
its service manager and starts logins meanwhile.

No time is measured that a busy machine could stretch. What is looked at is
where the monitor sleeps: anywhere but in its poll for 100 ms is a wait. And
that an answer or a prompt came while the one that stands still still did."""
import contextlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

from harness import (BOTH, Daemon, authorize, check, equal, free_port, key,
                     limit, main, needs, needs_root, processes, ssh, ssh_start,
                     unused, wait_until, without_module, world, write)
from harness.builds import own_build
from harness.logins import Login

#: epoll_wait, epoll_pwait, epoll_pwait2 of x86-64 and of aarch64.
POLLS = {"232", "281", "441", "22"}
WAIT_S = 0.1
HANGS = "/run/sshd/hangs"
NSS_HANGS = "/run/nss-hangs"
NSS = "/lib/x86_64-linux-gnu/libnss_hesiod.so.2"
STOPPED = "/run/ender-stopped"


class Watch:
    """Where the monitor sleeps, and what it says to its service manager."""

    def __init__(self):
        path = unused(world.WORK + "/notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.env = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "2000000"}
        self.words, self.waits, self.over = [], [], False
        self.news = threading.Condition()
        self.threads = []

    def read_words(self):
        self.socket.settimeout(0.2)
        while not self.over:
            try:
                word = self.socket.recv(4096).decode()
            except socket.timeout:
                continue
            with self.news:
                self.words.append(word)
                self.news.notify_all()

    def look(self, pid):
        """A sample each few milliseconds: what else could be waited for is
        nobody's event."""
        since, last, times = 0, None, 0
        while not self.over:
            try:
                state = processes.Process(pid).state
                with open("/proc/%d/syscall" % pid, encoding="ascii") as file:
                    call = file.read()
            except OSError:
                return
            now = time.monotonic()
            sleeps = state in "SD" and call.split()[0] not in \
                POLLS | {"running"}
            if not sleeps or call != last:
                since, last, times = now, call if sleeps else None, 0
            times += 1
            if sleeps and times > 3 and now - since >= WAIT_S:
                self.waits.append("call %s for %.3f s" % (
                    call.split()[0], now - since))
            time.sleep(0.005)

    def begin(self, daemon):
        for function, words in ((self.read_words, ()),
                                (self.look, (daemon.pid,))):
            thread = threading.Thread(target=function, args=words,
                                      daemon=True)
            thread.start()
            self.threads.append(thread)

    def answered(self, times=2):
        """So many more WATCHDOG=1."""
        with self.news:
            wanted = self.words.count("WATCHDOG=1") + times
            check(self.news.wait_for(
                lambda: self.words.count("WATCHDOG=1") >= wanted, 20),
                "no WATCHDOG=1 for 20 s")

    def end(self):
        self.over = True
        for thread in self.threads:
            thread.join(10)
        self.socket.close()
        equal(self.waits[-3:], [], "where the monitor waited")


class World:
    """A daemon with a watch on it."""

    def __init__(self, build=None, more=""):
        self.watch = Watch()
        self.telnet, self.ssh = free_port(), free_port()
        self.text = ("system { services { telnet { port %d; %s } ssh { port "
                     "%d; %s } finger { port %d; %s } %%s } }" % (
                         self.telnet, BOTH, self.ssh, BOTH, free_port(), BOTH))
        self.daemon = Daemon(self.text % more, env=self.watch.env)
        self.daemon.telnet = self.telnet
        if build:
            own = self.daemon.argv
            self.daemon.argv = lambda: [build + "/portreeved"] + own()[1:]

    def launch(self):
        self.daemon.launch()
        self.watch.begin(self.daemon)
        return self

    def __enter__(self):
        self.launch()
        self.daemon.wait("ready", timeout=30)
        return self

    def __exit__(self, kind, *rest):
        self.daemon.__exit__(kind, *rest)
        self.watch.over = True
        if kind is None:
            self.watch.end()
        return False

    def prompt(self):
        """A login process has begun and asks."""
        with Login(self.daemon) as login:
            login.until(b"login: ")
            login.line("alice")
            login.until(b"Password: ")

    def log_in(self):
        with Login(self.daemon, "alice") as login:
            equal(login.run("id -un"), "alice\n", "who logged in")

    def goes_on(self, process, *what):
        """All of it while that process stands still. One that was replaced
        for its silence meanwhile proves nothing."""
        for step in (self.watch.answered,) + what:
            step()
        return stands_still(process.pid)


def stands_still(pid):
    try:
        return processes.status(pid)["State"][0] == "T"
    except OSError:
        return False


def stop(process):
    os.kill(process.pid, signal.SIGSTOP)
    wait_until(lambda: stands_still(process.pid), "it to stop")


@needs_root
@needs("ssh", "sshd")
@limit(180)
def test_each_role():
    pair = key()
    authorize("alice", pair)
    with World() as place:
        def by_ssh():
            done = ssh(place.ssh, "alice", "true", identity=pair)
            equal(done.returncode, 0, "ssh: %s" % done.stderr)

        for name, logins in (("audit", (place.prompt, by_ssh)),
                             ("lookup", (place.log_in, by_ssh)),
                             ("zygote finger", (place.log_in, by_ssh)),
                             ("zygote telnet", (by_ssh,)),
                             ("zygote ssh", (place.log_in,)),
                             ("logreader", (place.log_in,))):
            for _ in range(5):
                process = place.daemon.roles()[name][0]
                stop(process)
                whole = place.goes_on(process, *logins)
                try:
                    os.kill(process.pid, signal.SIGCONT)
                except ProcessLookupError:
                    pass
                if whole:
                    break
            check(whole, "nothing went on while %s stood still" % name)


@needs_root
def test_the_master():
    """It is who answers for all, and so is replaced."""
    with World() as place:
        stop(place.daemon.role("master"))
        place.daemon.wait("role-restarted", role="master")
        place.watch.answered()
        place.log_in()


@needs_root
def test_a_login():
    """One stands still; others come."""
    with World() as place:
        with Login(place.daemon) as login:
            login.until(b"login: ")
            login.line("alice")
            login.until(b"Password: ")
            process = place.daemon.role("login telnet")
            stop(process)
            check(place.goes_on(process, place.log_in), "the login goes on")
            os.kill(process.pid, signal.SIGCONT)


STOPS = r"""
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
int
main(int argc, char **argv)
{
	(void)argc;
	if (access("%s", F_OK) == 0)
		raise(SIGSTOP);
	execv("%s.real", argv);
	return (127);
}
"""


def stopping(path):
    subprocess.run(["cc", "-x", "c", "-o", path, "-"], check=True,
                   input=(STOPS % (STOPPED, path)).encode())


@needs_root
@needs("cc")
def test_an_ender_that_stands_still():
    with World(own_build("ender", stopping)) as place:
        login = Login(place.daemon, "alice")
        login.run("true")
        write(STOPPED, "")
        number = str(place.daemon.show("sessions")[0]["id"])
        asked = place.daemon.begin("clear", "session", number)
        ender = wait_until(lambda: [
            p for p in processes.below(place.daemon.pid) if p.state == "T"],
            "an ender")[0]
        check(place.goes_on(ender, place.log_in), "the ender goes on")
        equal(asked.poll(), None, "an answer already")
        os.unlink(STOPPED)
        os.kill(ender.pid, signal.SIGCONT)
        equal(asked.wait(20), 0, "clear session")
        login.close()


# --- what a planner waits for ----------------------------------------------

def hangs_for(program):
    """The installed program, but for when it is to hang."""
    real = world.WORK + "/" + os.path.basename(program) + "-real"
    if os.path.exists(real):
        return
    shutil.copy2(program, real)
    script = world.WORK + "/" + os.path.basename(program)
    write(script, "#!/bin/sh\n[ -e %s ] && exec sleep 600\nexec %s \"$@\"\n" % (
        HANGS, real), 0o755)
    world.mount(script, program, "none", world.MS_BIND)


def sleeper(daemon):
    """What a planner started and waits for."""
    for planner in daemon.roles().get("planner", []):
        for child in processes.below(planner.pid):
            if child.title.startswith("sleep"):
                return child
    return None


def planner_waits(daemon):
    return next(iter(daemon.roles().get("planner", [])), None)


def hang_at_reload(place, waits):
    """The watch and a login go on while that reload hangs."""
    os.kill(place.daemon.pid, signal.SIGHUP)
    wait_until(lambda: waits(place.daemon), "a planner that waits")
    place.watch.answered()
    place.prompt()
    check(waits(place.daemon), "the planner did not wait")
    check(not place.daemon.of("configuration-applied"), "it is applied")


def hang_at_start(sign, waits):
    """Nothing is ready, the monitor is not held up, and SIGTERM ends it."""
    write(sign, "")
    for number in (None, signal.SIGTERM):
        place = World().launch()
        wait_until(lambda: waits(place.daemon), "a planner that waits")
        check(not place.daemon.of("ready"), "it is ready")
        if number:
            os.kill(place.daemon.pid, number)
            equal(place.daemon.child.wait(20), 0, "SIGTERM meanwhile")
            os.unlink(sign)
            place.watch.end()
            return
        os.unlink(sign)
        child = sleeper(place.daemon)
        if child:
            os.kill(child.pid, signal.SIGKILL)
            place.daemon.kill_all()
        else:
            place.daemon.wait("ready", timeout=30)
            place.daemon.stop()
        place.watch.end()
        write(sign, "")


@needs_root
@needs("sshd", "ssh-keygen")
@limit(120)
def test_sshd_and_ssh_keygen():
    for program in ("/usr/sbin/sshd", "/usr/bin/ssh-keygen"):
        hangs_for(program)
        with World() as place:
            write(HANGS, "")
            if "keygen" in program:
                without_host_keys()
            hang_at_reload(place, sleeper)
            os.unlink(HANGS)
            os.kill(sleeper(place.daemon).pid, signal.SIGKILL)
            place.daemon.wait("configuration-rejected")
        hang_at_start(HANGS, sleeper)
        world.LIBC.umount(program.encode())


def without_host_keys():
    """Those that are missing are made, below the state folder."""
    for name in os.listdir("/etc/ssh"):
        if name.startswith("ssh_host_"):
            os.unlink("/etc/ssh/" + name)


def disk_on(folder):
    """A disk of its own below that folder, gone with its mount."""
    image = unused(world.WORK + "/disk")
    subprocess.run(["truncate", "-s", "16M", image], check=True)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", image], check=True)
    os.makedirs(folder, exist_ok=True)
    done = subprocess.run(["mount", "-o", "loop", image, folder],
                          capture_output=True, check=False)
    if done.returncode != 0:
        raise world.Skip("no loop device here: %s" % done.stderr)
    os.chmod(folder, 0o700)


def frozen(daemon):
    """Whether a planner, or what it started, waits for the disk."""
    return [p for planner in daemon.roles().get("planner", [])
            for p in [planner] + processes.below(planner.pid)
            if p.state == "D"]


def keys_to_make(place):
    without_host_keys()
    shutil.rmtree(place.daemon.state + "/ssh", ignore_errors=True)


def number_to_give(place):
    """A service without `user` has a number of its own, written down; nothing
    else is written there, for the system has host keys."""
    subprocess.run(["ssh-keygen", "-q", "-A"], check=True)
    place.daemon.configure(place.text % (
        "service cat { port %d; exec /bin/cat; %s }" % (free_port(), BOTH)))


@needs_root
@needs("sshd", "ssh-keygen", "mke2fs", "fsfreeze", "losetup")
@limit(120)
def test_the_disk_of_the_state_folder():
    """It takes no write while something is to be written there."""
    for to_write in (number_to_give, keys_to_make):
        place = World()
        disk_on(place.daemon.state)
        with place:
            to_write(place)
            subprocess.run(["fsfreeze", "-f", place.daemon.state], check=True)
            try:
                hang_at_reload(place, frozen)
            finally:
                subprocess.run(["fsfreeze", "-u", place.daemon.state],
                               check=True)
            place.daemon.wait("configuration-applied", timeout=60)
            place.log_in()
        subprocess.run(["umount", place.daemon.state], check=True)


class SlowDisk:
    """A file system with one file, a program, that answers when it may: FUSE,
    spoken by hand."""
    PROGRAM = b"#!/bin/sh\nexec cat\n"

    def __init__(self, folder):
        self.folder, self.may = folder, threading.Event()
        self.may.set()
        os.makedirs(folder)
        try:
            self.device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
            world.mount("slow", folder, "fuse", 0, "fd=%d,rootmode=40755,"
                        "user_id=0,group_id=0,allow_other" % self.device)
        except OSError as error:
            raise world.Skip("no FUSE here: %s" % error)
        threading.Thread(target=self.serve, daemon=True).start()

    def attributes(self, node):
        """As stat(2) shows the folder, node 1, and the program, node 2."""
        size = 0 if node == 1 else len(self.PROGRAM)
        mode = 0o40755 if node == 1 else 0o100755
        return struct.pack("<6Q10I", node, size, 1, 0, 0, 0, 0, 0, 0, mode, 1,
                           0, 0, 0, 4096, 0)

    def answer(self, call, node, body):
        """What is known at once is asked again each time: no life is given."""
        if call == 26:  # INIT
            return struct.pack("<4I2H11I", 7, 31, 65536, 0, 1, 1, 65536,
                               *[0] * 10)
        if call == 1 and body.rstrip(b"\0") == b"cat":  # LOOKUP
            return struct.pack("<4Q2I", 2, 0, 0, 0, 0, 0) + self.attributes(2)
        if call == 3:  # GETATTR
            return struct.pack("<QII", 0, 0, 0) + self.attributes(node)
        if call in (14, 27):  # OPEN, OPENDIR
            return struct.pack("<QII", 0, 0, 0)
        if call == 15:  # READ
            offset, = struct.unpack_from("<Q", body, 8)
            return self.PROGRAM[offset:]
        if call in (18, 25, 29):  # RELEASE, FLUSH, RELEASEDIR
            return b""
        return None

    def serve(self):
        while True:
            try:
                data = os.read(self.device, 1 << 17)
            except OSError:
                return
            _, call, number, node = struct.unpack_from("<IIQQ", data)
            self.may.wait()
            if call in (2, 36, 42):  # FORGET, INTERRUPT, BATCH_FORGET
                continue
            body = self.answer(call, node, data[40:])
            error = -38 if body is None else 0  # ENOSYS
            if call == 1 and body is None:
                error = -2  # ENOENT
            body = body or b""
            try:
                os.write(self.device, struct.pack(
                    "<IiQ", 16 + len(body), error, number) + body)
            except FileNotFoundError:
                pass  # it was interrupted

    def end(self):
        self.may.set()
        world.LIBC.umount2(self.folder.encode(), 2)
        os.close(self.device)


def echoes(port):
    with socket.create_connection(("127.0.0.1", port), 20) as client:
        client.settimeout(20)
        client.sendall(b"hello\n")
        return client.recv(100) == b"hello\n"


@needs_root
@limit(120)
def test_the_disk_of_a_program():
    """It stands still when a zygote is started once more."""
    disk = SlowDisk(unused(world.WORK + "/slow"))
    port = free_port()
    with World(more="service cat { port %d; user alice; exec %s/cat; %s }" % (
            port, disk.folder, BOTH)) as place:
        check(echoes(port), "the program on that disk")
        disk.may.clear()
        mark = place.daemon.mark()
        os.kill(place.daemon.role("zygote cat").pid, signal.SIGKILL)
        place.daemon.wait("role-restarted", after=mark, service="cat")
        place.watch.answered()
        place.log_in()
        # Who waits for the disk is a planner.
        wait_until(lambda: planner_waits(place.daemon), "a planner")
        disk.may.set()
        wait_until(lambda: not planner_waits(place.daemon), "its end")
        check(echoes(port), "the program afterwards")
    disk.end()


@contextlib.contextmanager
def slow_name_service():
    """What hesiod is asked for after files, in the tests' own hands."""
    if not os.path.exists(NSS):
        raise world.Skip("there is no libnss_hesiod to stand in for")
    module = world.WORK + "/nss_slow.so"
    if not os.path.exists(module):
        subprocess.run(["cc", "-shared", "-fPIC", "-o", module,
                        world.TOP + "/tests/system/nss_slow.c"], check=True)
        world.mount(module, NSS, "none", world.MS_BIND)
    with open("/etc/nsswitch.conf", encoding="ascii") as file:
        text = file.read()
    write("/etc/nsswitch.conf", "passwd: files hesiod\ngroup: files hesiod\n")
    try:
        yield
    finally:
        write("/etc/nsswitch.conf", text)


def asks_name_service(daemon):
    """A planner that has loaded it."""
    for planner in daemon.roles().get("planner", []):
        with open("/proc/%d/maps" % planner.pid, encoding="utf-8") as file:
            if "hesiod" in file.read():
                return True
    return False


@needs_root
@needs("cc")
@limit(120)
def test_a_name_service():
    more = ("service cat { port %d; protocol tcp; wait no; user alice; exec "
            "/bin/cat; %s }" % (free_port(), BOTH))

    with slow_name_service():
        with World() as place:
            write(NSS_HANGS, "")
            place.daemon.configure(place.text % more)
            hang_at_reload(place, asks_name_service)
            os.unlink(NSS_HANGS)
            place.daemon.wait("configuration-applied", timeout=60)
            place.log_in()
        hang_at_start(NSS_HANGS, planner_waits)


@needs_root
@needs("cc", "ssh", "sshd")
@limit(120)
def test_the_monitor_asks_no_name_service():
    """One that answers everybody else: at a start with -d by sudo, at a reload
    with a new uid, and of a login that only sshd's log names."""
    pair = key()
    authorize("alice", pair)
    with slow_name_service(), without_module():
        place = World()
        place.watch.env["SUDO_USER"] = "nobody-of-files"
        write(NSS_HANGS, "monitor")
        with place:
            place.watch.answered()
            number_to_give(place)
            equal(place.daemon.cli("reload").returncode, 0, "reload")
            done = ssh(place.ssh, "alice", "true", identity=pair)
            equal(done.returncode, 0, "ssh: %s" % done.stderr)
            place.log_in()
        os.unlink(NSS_HANGS)


def users(place):
    return [row["user"] for row in place.daemon.show("sessions")]


@needs_root
@needs("cc", "ssh", "sshd")
@limit(120)
def test_who_a_login_by_ssh_is():
    """Without the PAM module sshd's log names a user, whose uid a planner asks
    for. It hangs: the monitor does not, and the user is counted afterwards."""
    pair = key()
    authorize("alice", pair)
    with slow_name_service(), without_module(), World(
            more="user-limit { sessions 1; }") as place:
        # A name that is not in files, so that the planner goes on to ask.
        write("/etc/nsswitch.conf", "passwd: hesiod files\ngroup: files\n")
        write(NSS_HANGS, "planner")
        first = ssh_start(place.ssh, "alice", identity=pair)
        wait_until(lambda: asks_name_service(place.daemon), "a planner")
        place.watch.answered()
        place.prompt()
        check(asks_name_service(place.daemon), "the planner did not wait")
        os.unlink(NSS_HANGS)
        wait_until(lambda: "alice" in users(place), "alice to be counted")
        # It may be ended before its command has begun.
        second = ssh(place.ssh, "alice", "sleep 60", identity=pair)
        equal(second.returncode, 255, "the second: %s" % second.stderr)
        place.daemon.wait("auth-failure", user="alice", reason="user-limit")
        first.stdin.close()
        first.wait(20)
        place.daemon.idle("ssh")
        # Who cannot be counted is not let in.
        write(NSS_HANGS, "planner")
        third = ssh_start(place.ssh, "alice", identity=pair)
        wait_until(lambda: asks_name_service(place.daemon), "a planner")
        os.kill(planner_waits(place.daemon).pid, signal.SIGKILL)
        place.daemon.wait("auth-failure", user="alice", reason="no-resources")
        third.wait(20)
        os.unlink(NSS_HANGS)


if __name__ == "__main__":
    main()
