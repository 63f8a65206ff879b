"""The servers that are measured: Portreeve, the floors, and other inetds.

All listen on loopback, run as processes of their own with a configuration of
their own, and are ended by the process id that was started. The others'
programs are Debian packages that are downloaded and unpacked, never
installed: several conflict, and none may start at boot.
"""
import collections
import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import time

from harness import world

#: What a run without faults says; anything else is a row's problem.
# sshd's words too, about who closes without one of SSH's.
USUAL = re.compile(rb"event=((ready|stopped|warning|connection-accepted|"
                   rb"connection-refused|session-opened|session-closed|"
                   rb"auth-success) |sshd-output .*"
                   rb"text=\"kex_exchange_identification: )")
PACKAGES = ["openbsd-inetd", "xinetd", "ucspi-tcp", "fingerd", "finger",
            "tcpd", "libwrap0", "libevent-2.1-7", "inetutils-telnetd"]


class Missing(Exception):
    """A row cannot be measured here; the text says why."""


def fetch(directory):
    """Downloads and unpacks what is not there yet; "" or why not."""
    os.makedirs(directory, exist_ok=True)
    wanted = [p for p in PACKAGES if not glob.glob(
        "%s/%s_*.deb" % (directory, p))]
    if wanted and not shutil.which("apt-get"):
        return "this system has no apt-get to download %s" % " ".join(wanted)
    for package in wanted:
        done = subprocess.run(
            ["apt-get", "-q", "download", package], cwd=directory,
            capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return "cannot download %s: %s" % (
                package, done.stderr.strip().splitlines()[-1:])
    root = directory + "/root"
    if wanted or not os.path.isdir(root):
        for path in glob.glob(directory + "/*.deb"):
            subprocess.run(["dpkg-deb", "-x", path, root], check=True)
    return ""


def others(path):
    """A program of the unpacked packages."""
    full = world.BUILD + "/bench/servers/root" + path
    if not os.path.exists(full):
        raise Missing("%s is not in build/bench/servers" % path)
    return full


def tool(name):
    return world.BUILD + "/bench/" + name


class Server:
    """One server and its port; the argv comes from the subclass."""
    name = "?"
    libraries = False

    def __init__(self):
        self.port = world.free_port()
        self.child = None
        self.log = "%s/%s.log" % (world.WORK, re.sub(r"\W+", "-", self.name))

    def argv(self):
        raise NotImplementedError

    def ports(self):
        return [self.port]

    def __enter__(self):
        env = dict(os.environ, LANG="C.UTF-8")
        if self.libraries:
            env["LD_LIBRARY_PATH"] = ":".join(glob.glob(
                world.BUILD + "/bench/servers/root/*lib/*-linux-gnu*") +
                glob.glob(
                world.BUILD + "/bench/servers/root/usr/lib/*-linux-gnu*"))
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                self.argv(), stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, cwd="/", env=env)
        try:
            for port in self.ports():
                self.wait(port)
        except BaseException:
            self.__exit__()
            raise
        return self

    def wait(self, port):
        """Until it accepts. It is another's program: nothing else tells."""
        end = time.monotonic() + 30
        while True:
            if self.child.poll() is not None:
                raise Missing("%s ended with %s: %s" % (
                    self.name, self.child.returncode, self.last_line()))
            try:
                socket.create_connection(("127.0.0.1", port), 5).close()
                return
            except ConnectionRefusedError:
                if time.monotonic() > end:
                    raise Missing("%s does not listen: %s" % (
                        self.name, self.last_line())) from None
                time.sleep(0.02)

    def last_line(self):
        with open(self.log, "rb") as file:
            lines = file.read()[-2000:].decode("utf-8", "replace")
        return (lines.strip().splitlines() or ["it said nothing"])[-1]

    def __exit__(self, *_):
        if self.child and self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(20)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()


class Floor(Server):
    """Nothing but what the kernel must do; prints the port that it got."""

    def __init__(self, *words):
        self.name = "floor " + words[0]
        self.words = [str(w) for w in words]
        super().__init__()

    def __enter__(self):
        self.child = subprocess.Popen(
            [tool("floor")] + self.words, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, text=True)
        line = self.child.stdout.readline()
        if not line.strip().isdigit():
            raise Missing("%s does not start" % self.name)
        self.port = int(line)
        return self


class Inetd(Server):
    """openbsd-inetd, its rate limit out of the way."""
    libraries = True
    name = "openbsd-inetd"
    user = "nobody"

    def __init__(self, *words):
        super().__init__()
        self.words = words

    def argv(self):
        if os.path.exists("/run/inetd.pid"):
            raise Missing("/run/inetd.pid is there: another inetd runs")
        program = self.words[0]
        conf = world.write(
            "%s/inetd-%d.conf" % (world.WORK, self.port),
            "127.0.0.1:%d stream tcp nowait %s %s %s\n" % (
                self.port, self.user, program, " ".join(
                    (os.path.basename(program),) + self.words[1:]
                    if not program.endswith("tcpd") else self.words[1:])))
        return [others("/usr/sbin/inetd"), "-i", "-R", "100000000", conf]


def fingerd(through_tcpd):
    """inetd with in.fingerd; tcpd is how Debian's package sets it up."""
    words = [others("/usr/sbin/in.fingerd"), "-p", others("/usr/bin/finger")]
    if through_tcpd:
        words.insert(0, others("/usr/sbin/tcpd"))
    return Inetd(*words)


class Xinetd(Server):
    """xinetd, its limits out of the way."""
    libraries = True
    name = "xinetd"

    def __init__(self, program):
        super().__init__()
        self.program = program

    def argv(self):
        conf = world.write("%s/xinetd.conf" % world.WORK, """
defaults
{
	instances = UNLIMITED
	per_source = UNLIMITED
	cps = 10000000 1
}
service bench
{
	type = UNLISTED
	port = %d
	bind = 127.0.0.1
	socket_type = stream
	protocol = tcp
	wait = no
	user = nobody
	server = %s
}
""" % (self.port, self.program))
        return [others("/usr/sbin/xinetd"), "-dontfork", "-f", conf,
                "-filelog", self.log, "-pidfile",
                world.WORK + "/xinetd.pid"]


class Tcpserver(Server):
    """tcpserver of ucspi-tcp, without its look-ups."""
    name = "tcpserver"

    def __init__(self, program):
        super().__init__()
        self.program = program

    def argv(self):
        return [others("/usr/bin/tcpserver"), "-H", "-R", "-l", "0",
                "-c", "1000", "-b", "1000", "-u", "65534", "-g", "65534",
                "127.0.0.1", str(self.port), self.program]


class Sshd(Server):
    """The installed sshd standing alone, as Debian configures it."""
    name = "sshd"

    def argv(self):
        conf = world.write(world.WORK + "/sshd_config", """
Port %d
ListenAddress 127.0.0.1
PidFile none
KbdInteractiveAuthentication no
UsePAM yes
PrintMotd no
AcceptEnv LANG LC_*
Subsystem sftp /usr/lib/openssh/sftp-server
""" % self.port)
        return ["/usr/sbin/sshd", "-D", "-f", conf, "-E", self.log]


class Portreeve(Server):
    """portreeved in the foreground, its events in a file."""
    name = "portreeve"

    def __init__(self, config, ports):
        super().__init__()
        self.directory = "%s/portreeve-%d" % (world.WORK, self.port)
        os.makedirs(self.directory)
        self.config = config
        self.listening = ports
        self.log = self.directory + "/events"
        self.unusual = collections.Counter()
        self.open = 0  # connections, by the events read so far

    def ports(self):
        return self.listening

    def argv(self):
        conf = world.write(self.directory + "/portreeve.conf", self.config)
        program = world.BUILD + "/portreeved"
        if not os.path.exists(program):
            raise Missing("build/portreeved is not built")
        return [program, "-d", "-c", conf, "-r", self.directory + "/run",
                "-s", self.directory + "/state"]

    def wait_open(self, count, seconds=120):
        """Until so many connections are told to be accepted and not closed:
        a client cannot see whether its own waits in the backlog."""
        end = time.monotonic() + seconds
        while True:
            with open(self.log, "rb") as file:
                text = file.read()
            found = self.open + text.count(b"event=connection-accepted ") - \
                text.count(b"event=session-closed ")
            if found == count:
                return
            if time.monotonic() > end:
                raise Missing("%d connections are open after %d s, not %d" % (
                    found, seconds, count))
            time.sleep(0.1)

    def read_events(self):
        """Counts what is open and what is unusual, and empties the file.
        Dropped events are unusual too: a server that tells less does less."""
        with open(self.log, "r+b") as file:
            for line in file:
                self.open += line.startswith(b"event=connection-accepted ")
                self.open -= line.startswith(b"event=session-closed ")
                if line.startswith(b"event=") and not USUAL.match(line):
                    self.unusual[re.sub(
                        r"(session|source|source-port|pid|count)=\S+ ?", "",
                        line.decode("ascii", "replace").strip())] += 1
            file.truncate(0)
