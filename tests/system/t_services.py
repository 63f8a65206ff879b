#!/usr/bin/python3
"""A service that lacks something of the host waits, and takes no other with
it: its event, its row, the service manager's STATUS and `reload` agree."""
import contextlib
import os
import signal
import socket
import subprocess

from harness import (BOTH, Connection, Daemon, check, equal, free_port, limit,
                     main, needs_root, unused, wait_until, world, write)

USER = "user nobody;" if world.ROOT else ""


class Manager:
    """A service manager that keeps the last STATUS."""

    def __init__(self):
        self.path = unused(world.WORK + "/notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o777)
        self.socket.setblocking(False)
        self.text = ""

    def status(self):
        while True:
            try:
                said = self.socket.recv(8192).decode()
            except BlockingIOError:
                return self.text
            for line in said.splitlines():
                if line.startswith("STATUS="):
                    self.text = line[7:]


def states(daemon, service):
    return {r["family"]: r["state"] for r in daemon.show("services")
            if r["service"] == service}


def both(state):
    return {"inet": state, "inet6": state}


def refuses(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) != 0


def echoes(port):
    with Connection(port) as client:
        client.send(b"hello\n").half_close()
        return client.read_all()[0] == b"hello\n"


@limit(90)
def test_a_missing_program_stops_its_own_service_alone():
    program = unused(world.WORK + "/not-there-yet")
    banner = unused(world.WORK + "/banner")
    ports = [free_port() for _ in range(4)]
    text = ("system { services { service good { port %d; %s exec /bin/cat; %s "
            "} service bad { port %d; %s exec %s; %s } telnet { port %d; "
            "banner %s; listen-address 127.0.0.1; } ftp { port %d; "
            "listen-address ::1; } } }" % (
                ports[0], USER, BOTH, ports[1], USER, program, BOTH, ports[2],
                banner, ports[3]))
    manager = Manager()
    why = "exec: %s: No such file or directory" % program
    with Daemon(text, env={"NOTIFY_SOCKET": manager.path}) as daemon:
        ready = daemon.of("ready")[0]
        equal(ready["services"], "good", "ready's services")
        for words in ("bad: " + why, "telnet: banner: " + banner):
            check(words in ready["reason"], "ready: %s" % ready.line)
            check(words in manager.status(), "STATUS: %s" % manager.text)
        equal(daemon.wait("service-failed", service="bad")["reason"], why,
              "why")
        check(echoes(ports[0]), "the other service")
        check(refuses(ports[1]) and refuses(ports[2]), "a port is open")
        equal(states(daemon, "good"), both("listening"), "good")
        equal(states(daemon, "bad"), both("waiting: " + why), "bad")
        check(states(daemon, "telnet")["inet"].startswith(
            "waiting: banner: " + banner), "telnet's row")
        equal(states(daemon, "ftp"), {
            "inet6": "stopped: this version does not serve it"}, "ftp")
        check(("waiting: " + why) in daemon.cli("show", "services").stdout,
              "the table")
        # What is asked for is still held to the host.
        checked = subprocess.run(
            [world.BUILD + "/portreeve", "check", daemon.file],
            capture_output=True, text=True, check=False)
        equal(checked.returncode, 1, "check")
        check(why in checked.stderr and banner in checked.stderr,
              checked.stderr)
        equal(daemon.cli("reload").returncode, 1, "reload")
        daemon.wait("configuration-rejected")
        check(echoes(ports[0]), "after the reload that was refused")

        write(program, "#!/bin/sh\nexec cat\n", 0o755)
        restored = daemon.wait("service-restored", service="bad", timeout=40)
        equal(restored["reason"], why, "what it lacked")
        wait_until(lambda: states(daemon, "bad") == both("listening"),
                   "its rows")
        check(echoes(ports[1]), "the service that was restored")
        equal(len(daemon.of("service-failed", service="bad")), 1, "told once")
        write(banner, "welcome\n")
        done = daemon.cli("reload")
        equal((done.returncode, done.stdout), (0, ""), "a reload that mends")
        daemon.wait("service-restored", service="telnet")
        equal(states(daemon, "telnet"), {"inet": "listening"}, "telnet")
        wait_until(lambda: manager.status() == "Serving good,bad,telnet",
                   "the last STATUS")


@needs_root
@limit(60)
def test_a_missing_user_comes_and_goes():
    port, other = free_port(), free_port()
    text = ("system { services { service good { port %d; exec /bin/cat; "
            "user alice; %s } service bad { port %d; user later; "
            "exec /bin/cat; %s } } }" % (other, BOTH, port, BOTH))
    why = "user: there is no user later on this host"
    with Daemon(text) as daemon:
        check(daemon.wait("service-failed")["reason"].startswith(why), "why")
        check(echoes(other) and refuses(port), "who serves")
        with open("/etc/passwd", "r+", encoding="utf-8") as file:
            before = file.read()
            file.write("later:x:4711:4711::/:/bin/sh\n")
        daemon.wait("service-restored", service="bad", timeout=40)
        wait_until(lambda: not refuses(port), "its port")
        check(echoes(port), "the service that was restored")
        # Gone again, and noticed when its zygote is replaced.
        write("/etc/passwd", before)
        mark = daemon.mark()
        os.kill(daemon.role("zygote bad").pid, 9)
        daemon.wait("service-failed", after=mark, service="bad")
        wait_until(lambda: refuses(port), "its port to be closed")
        check(echoes(other), "the other service")


@needs_root
@limit(60)
def test_a_folder_on_the_way_is_given_away():
    """Noticed when the zygote is replaced: its new owner could put another
    program there."""
    folder, port, other = unused(world.WORK + "/mine"), free_port(), free_port()
    os.mkdir(folder, 0o755)
    write(folder + "/cat", "#!/bin/sh\nexec cat\n", 0o755)
    text = ("system { services { service good { port %d; exec /bin/cat; "
            "user alice; %s } service bad { port %d; user alice; "
            "exec %s/cat; %s } } }" % (other, BOTH, port, folder, BOTH))
    with Daemon(text) as daemon:
        check(echoes(port), "the service before")
        os.chown(folder, world.base_uid() + 1, world.base_uid() + 1)
        mark = daemon.mark()
        os.kill(daemon.role("zygote bad").pid, 9)
        failed = daemon.wait("service-failed", after=mark, service="bad")
        check("belongs to another user" in failed["reason"], failed.line)
        wait_until(lambda: refuses(port), "its port to be closed")
        check(echoes(other), "the other service")
        os.chown(folder, 0, 0)
        daemon.wait("service-restored", service="bad", timeout=40)
        wait_until(lambda: not refuses(port), "its port")
        check(echoes(port), "the service that was restored")


@needs_root
@limit(60)
def test_ssh_waits_for_its_file_and_the_rest_serve():
    extra = unused(world.WORK + "/extra")
    port, other = free_port(), free_port()
    with Daemon("system { services { ssh { port %d; sshd-config %s; %s } "
                "service good { port %d; %s exec /bin/cat; %s } } }" % (
                    port, extra, BOTH, other, USER, BOTH)) as daemon:
        check(extra in daemon.wait("service-failed", service="ssh")["reason"],
              "why")
        check(echoes(other) and refuses(port), "who serves")
        write(extra, "PrintLastLog no\n")
        daemon.wait("service-restored", service="ssh", timeout=40)
        wait_until(lambda: states(daemon, "ssh") == both("listening"),
                   "its rows")
        with Connection(port) as client:
            check(client.read_until(b"\n").startswith(b"SSH-2.0-"), "a banner")


WHO = """#!/usr/bin/python3
import ctypes, os
print(os.getpid(), os.getuid(), os.getgid(), os.getgroups(), flush=True)
for line in os.fdopen(0):
    # pidfd_open, then pidfd_getfd of the other's connection
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = libc.syscall(434, int(line), 0)
    took = libc.syscall(438, pidfd, 0, 0) if pidfd >= 0 else -1
    print(took >= 0, os.strerror(ctypes.get_errno()), flush=True)
"""


def who(port):
    """A connection, and what its program said of itself."""
    client = Connection(port)
    words = client.read_until(b"\n").decode().split()
    return client, int(words[0]), int(words[1]), words[1:]


@needs_root
@limit(60)
def test_services_without_user_have_uids_of_their_own():
    path = write(unused(world.WORK + "/who"), WHO, 0o755)
    ports = {name: free_port() for name in ("one", "two", "three")}

    def conf(*names):
        return "system { services { %s } }" % " ".join(
            "service %s { port %d; exec %s; %s }" % (
                n, ports[n], path, BOTH) for n in names)
    daemon = Daemon(conf("one", "two"))
    with daemon:
        one, _, first, said = who(ports["one"])
        two, pid, second, _ = who(ports["two"])
        equal(said, [str(first), str(first), "[%d]" % first], "its ids")
        check(first != second and all(
            60578 <= n <= 61183 for n in (first, second)), "uids: %d %d" % (
                first, second))
        # The attack: another service's connection, by its descriptor.
        one.send(b"%d\n" % pid)
        equal(one.read_until(b"\n"), b"False Operation not permitted\n",
              "what taking the other's connection gave")
        one.close()
        two.close()
        daemon.idle()
        daemon.configure(conf("two", "three"))
        equal(daemon.cli("reload").returncode, 0, "reload")
        client, _, third, _ = who(ports["three"])
        client.close()
        check(third not in (first, second), "a number was given again")
    with open(daemon.state + "/service-uids", encoding="ascii") as file:
        equal(file.read(), "%d one\n%d two\n%d three\n" % (
            first, second, third), "what is remembered")
    # Another daemon's life later each has its own again, or none.
    with open("/etc/passwd", "r+", encoding="utf-8") as file:
        before = file.read()
        file.write("taken:x:%d:%d::/:/bin/sh\n" % (third, third))
    daemon = Daemon(conf("three", "two", "one"), directory=daemon.directory)
    with daemon:
        for name, uid in (("one", first), ("two", second)):
            client, _, found, _ = who(ports[name])
            equal(found, uid, "uid of " + name)
            client.close()
        check("its uid %d has an account by now" % third in daemon.wait(
            "service-failed", service="three")["reason"], "why")
        write("/etc/passwd", before)
        daemon.wait("service-restored", service="three", timeout=40)
        daemon.idle()


@needs_root
@limit(60)
def test_a_uid_that_a_process_has_is_not_given():
    """Hidden from all but root and one group, too: as /proc is mounted."""
    high, hidden = 61183, "hidepid=2,gid=%d" % (world.base_uid() + 7)
    text = "system { services { service cat { port %d; exec /bin/cat; %s } } }"
    for words in (hidden, "hidepid=0,gid=0"):
        world.mount("proc", "/proc", "proc", 32, words)
        holder = subprocess.Popen(
            ["setpriv", "--reuid", str(high), "--regid", str(high),
             "--clear-groups", "cat"], stdin=subprocess.PIPE)
        try:
            wait_until(lambda: os.stat("/proc/%d" % holder.pid).st_uid == high,
                       "a process of that uid")
            with Daemon(text % (free_port(), BOTH)) as daemon:
                with open(daemon.state + "/service-uids",
                          encoding="ascii") as file:
                    equal(file.read(), "%d cat\n" % (high - 1), words)
        finally:
            world.mount("proc", "/proc", "proc", 32, "hidepid=0,gid=0")
            holder.stdin.close()
            holder.wait()


STOP = """#!/usr/bin/python3
import os, signal
print("attacking", flush=True)
while True:
    try:
        os.kill(-1, signal.SIGSTOP)
    except ProcessLookupError:
        pass
"""


@needs_root
@limit(60)
def test_who_stops_the_programs_of_a_service_stops_no_zygote():
    """The attack: its user stops each process of that uid as soon as it has
    that uid, between setresuid and exec too. kill(-1) of an ordinary user is
    for all processes of that user."""
    attack = write(unused(world.WORK + "/stop"), STOP, 0o755)
    port = free_port()
    with Daemon("system { services { service thing { port %d; exec /bin/cat; "
                "extended-limits; rate-limit 1000; connection-limit 500; "
                "listen-address 127.0.0.1; } } }" % port) as daemon:
        with open(daemon.state + "/service-uids", encoding="ascii") as file:
            uid = file.read().split()[0]
        attacker = subprocess.Popen(
            ["setpriv", "--reuid", uid, "--regid", uid, "--clear-groups",
             attack], stdout=subprocess.PIPE)
        clients = []
        try:
            attacker.stdout.readline()
            for _ in range(300):
                clients.append(Connection(port))
            daemon.wait("connection-accepted", count=300)
            # Each has its process: the zygote went on.
            wait_until(lambda: len([r for r in daemon.show("sessions")
                                    if r["pid"]]) == 300, "300 programs")
        finally:
            attacker.kill()
            attacker.wait()
            attacker.stdout.close()
        check(echoes(port), "after the attack")
        for row in daemon.show("sessions"):
            # The one that echoed is ending of itself.
            with contextlib.suppress(ProcessLookupError):
                os.kill(row["pid"], signal.SIGKILL)
        daemon.wait("session-closed", count=301)
        for client in clients:
            client.close()
        daemon.idle()


@limit(60)
def test_reload_says_what_waits():
    port, busy = free_port(), free_port()
    text = ("system { services { service good { port %d; %s exec /bin/cat; "
            "listen-address 127.0.0.1; } } }")
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", busy))
        holder.listen()
        with Daemon(text % (port, USER)) as daemon:
            daemon.configure((text % (port, USER)).replace(
                "service good", "service held { port %d; %s exec /bin/cat; "
                "listen-address 127.0.0.1; } service good" % (busy, USER)))
            done = daemon.cli("reload")
            equal((done.returncode, done.stderr), (0, ""), "reload")
            words = "held 127.0.0.1 port %d: the port is busy" % busy
            check(done.stdout.startswith("waiting for " + words), done.stdout)
            equal(daemon.wait("configuration-applied")["services"], "good",
                  "what listens")
            check(states(daemon, "held")["inet"].startswith(
                "waiting: the port is busy"), "its row")
            holder.close()
            wait_until(lambda: states(daemon, "held") == {
                "inet": "listening"}, "its row to change")
            check(echoes(busy), "the service")


if __name__ == "__main__":
    main()
