#!/usr/bin/python3
"""Below a real systemd: installed, socket-activated, reloaded, restarted and
watched, in a container over the machine's own files. One boot serves every
test of the file; they run in its order."""
import json
import os
import shutil
import signal
import subprocess
import threading
import time

from harness import (Connection, Skip, check, equal, finger, key, limit,
                     logins, main, needs, needs_root, processes, ssh,
                     ssh_echoes, ssh_start, wait_until, world, write)

CLONE_NEWNET = 0x40000000
ROOT = "/mnt/container/root"
CONFIG = "/etc/portreeve/portreeve.conf"
TEXT = "system { services { ssh; finger { %s } } }\n"
MACHINE = {}


class Machine:
    """The container; init is its first process, as seen from here."""

    def __init__(self):
        for name in ("root", "upper", "work"):
            os.makedirs("/mnt/container/" + name)
        world.mount("overlay", ROOT, "overlay", 0,
                    "lowerdir=/,upperdir=/mnt/container/upper,"
                    "workdir=/mnt/container/work")
        self.quieten()
        self.users()
        self.log = world.WORK + "/boot"
        with open(self.log, "wb") as log:
            self.child = subprocess.Popen(
                ["systemd-nspawn", "-q", "-D", ROOT, "--register=no",
                 "--keep-unit", "-b", "--private-network",
                 # What its filter of old does not know yet.
                 "--system-call-filter=landlock_create_ruleset "
                 "landlock_add_rule landlock_restrict_self",
                 "--bind-ro=/mnt/tree:/opt/tree",
                 "--bind-ro=%s:/opt/build" % world.BUILD],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.init = wait_until(self.find_init, "systemd to start: " +
                               self.log, 40)
        wait_until(lambda: self.run("systemctl", "is-system-running",
                                    ok=None).stdout.strip() in
                   ("running", "degraded"), "the boot to end", 60)
        # This process's network is the container's from here on.
        fd = os.open("/proc/%d/ns/net" % self.init, os.O_RDONLY)
        equal(world.LIBC.setns(fd, CLONE_NEWNET), 0, "setns")
        os.close(fd)

    def quieten(self):
        """Only what a boot needs: none of the machine's own daemons."""
        for folder in ("multi-user.target.wants", "sockets.target.wants"):
            top = ROOT + "/etc/systemd/system/" + folder
            if os.path.isdir(top):
                for name in os.listdir(top):
                    os.unlink(top + "/" + name)
        for name in ("hosts.deny", "hosts.allow"):
            if os.path.exists(ROOT + "/etc/" + name):
                write(ROOT + "/etc/" + name, "")

    def users(self):
        """alice, with a key pair of her own."""
        self.pair = key("container-key")
        uid = world.base_uid()
        for path, line in (
                ("passwd", "alice:x:%d:%d:Alice:/home/alice:/bin/bash\n" % (
                    uid, uid)),
                ("group", "alice:x:%d:\n" % uid),
                ("shadow", "alice:*:19000:0:99999:7:::\n")):
            with open(ROOT + "/etc/" + path, "a", encoding="ascii") as file:
                file.write(line)
        os.makedirs(ROOT + "/home/alice/.ssh", mode=0o700)
        with open(self.pair + ".pub", encoding="ascii") as file:
            write(ROOT + "/home/alice/.ssh/authorized_keys", file.read(),
                  0o600)
        for path in ("", "/.ssh", "/.ssh/authorized_keys"):
            os.chown(ROOT + "/home/alice" + path, uid, uid)

    def find_init(self):
        check(self.child.poll() is None, "systemd-nspawn ended: %s" %
              open(self.log, encoding="utf-8", errors="replace").read())
        for process in processes.below(self.child.pid):
            if process.words and process.words[0].endswith("systemd"):
                if os.path.exists("/proc/%d/root/run/systemd/private" %
                                  process.pid):
                    return process.pid
        return None

    def run(self, *words, ok=0, stdin=None):
        """A command inside; checks its status unless ok is None."""
        done = subprocess.run(
            ["nsenter", "-t", str(self.init), "-m", "-u", "-i", "-n", "-p",
             "-C", "--"] + list(words), capture_output=True, text=True,
            timeout=90, check=False, input=stdin)
        if ok is not None:
            equal(done.returncode, ok, "status of %s: %s %s" % (
                " ".join(words), done.stdout, done.stderr))
        return done

    def configure(self, text, mode="644"):
        self.run("sh", "-c", "cat >%s.new && chmod %s %s.new && mv %s.new %s"
                 % (CONFIG, mode, CONFIG, CONFIG, CONFIG), stdin=text)

    def journal(self, event=None, **fields):
        """The daemon's entries, oldest first."""
        words = ["journalctl", "-q", "-o", "json", "--no-pager",
                 "SYSLOG_IDENTIFIER=portreeved"]
        if event:
            words.append("PORTREEVE_EVENT=" + event)
        words += ["PORTREEVE_%s=%s" % (n.upper(), v)
                  for n, v in fields.items()]
        return [json.loads(n) for n in
                self.run(*words, ok=None).stdout.splitlines()]

    def wait(self, event, count=1, **fields):
        return wait_until(
            lambda: (lambda f: f[count - 1] if len(f) >= count else None)(
                self.journal(event, **fields)),
            "%d %s %s in the journal" % (count, event, fields), 30)

    def show(self, what):
        done = self.run("portreeve", "show", what, "--json")
        return json.loads(done.stdout)

    def property(self, name, unit="portreeve.service"):
        return self.run("systemctl", "show", "-P", name, unit).stdout.strip()

    def main_pid(self):
        return int(self.property("MainPID"))

    def master(self):
        """The master's pid, as the container numbers it."""
        return int(self.run("sh", "-c", "grep -lx portreeve:.master "
                            "/proc/[0-9]*/cmdline -z | head -n1").stdout
                   .split("/")[2])


def machine():
    if "it" not in MACHINE:
        if "failed" in MACHINE:
            raise Skip("no container: " + MACHINE["failed"])
        try:
            MACHINE["it"] = Machine()
        except (OSError, AssertionError) as problem:
            MACHINE["failed"] = str(problem)
            raise
    return MACHINE["it"]


@needs_root
@needs("systemd-nspawn", "sshd")
@limit(150)
def test_install():
    box = machine()
    done = box.run("env", "PREFIX=/usr/local", "/opt/tree/tools/install",
                   "/opt/build")
    check("portreeved" in done.stdout, "what it said: " + done.stdout)
    for path in ("/usr/local/sbin/portreeved", "/usr/local/bin/portreeve",
                 CONFIG):
        box.run("test", "-f", path)
    box.run("getent", "passwd", "portreeve-master")
    box.run("getent", "group", "portreeve")
    box.run("systemctl", "daemon-reload")
    box.run("portreeved", "-n")
    done = box.run("systemd-analyze", "verify", "portreeve.service",
                   "portreeve-ssh.socket", "portreeve-finger.socket",
                   ok=None)
    # It asks man(1) for their manual pages, which a host need not have.
    equal([n for n in done.stderr.splitlines() if "portreeve" in n and
           (shutil.which("man") or "Command 'man " not in n)], [],
          "what systemd-analyze says of the units")
    # Never over an existing configuration.
    box.configure("# mine\n")
    box.run("env", "PREFIX=/usr/local", "/opt/tree/tools/install",
            "/opt/build")
    equal(box.run("cat", CONFIG).stdout, "# mine\n", "the configuration")


@needs_root
@needs("systemd-nspawn", "sshd")
@limit(120)
def test_starts_by_its_sockets():
    box = machine()
    box.configure(TEXT % "")
    box.run("systemctl", "start", "portreeve-ssh.socket",
            "portreeve-finger.socket")
    equal(box.property("ActiveState"), "inactive", "before any connection")
    inodes = processes.listeners()
    for host in ("127.0.0.1", "::1"):
        answer, ending = finger(79, b"nobodyatall\r\n", host, 40)
        check(answer and ending == "eof", "an answer over " + host)
    equal(box.property("ActiveState"), "active", "the service")
    equal(processes.listeners(), inodes, "the listeners are systemd's own")
    ready = box.wait("ready")
    check("ssh" in ready["PORTREEVE_SERVICES"], "services of %s" % ready)
    check(box.property("StatusText"), "a status text")


@needs_root
@needs("systemd-nspawn", "sshd")
@limit(60)
def test_journal_fields():
    box = machine()
    mark = len(box.journal("session-closed"))
    with Connection(79) as client:
        client.send(b"nobodyatall\r\n")
        client.read_all()
        port = str(client.port)
    entry = box.wait("connection-accepted", source_port=port)
    equal((entry["PORTREEVE_SERVICE"], entry["PORTREEVE_FAMILY"],
           entry["PORTREEVE_SOURCE"]), ("finger", "inet", "127.0.0.1"),
          "fields")
    equal(len(entry["MESSAGE_ID"]), 32, "MESSAGE_ID")
    check("127.0.0.1" in entry["MESSAGE"], "the sentence: " +
          entry["MESSAGE"])
    closed = box.wait("session-closed", source_port=port)
    equal(closed["PORTREEVE_SESSION"], entry["PORTREEVE_SESSION"], "session")
    equal(closed["PORTREEVE_EXIT"], "0", "exit")
    check(closed["MESSAGE_ID"] != entry["MESSAGE_ID"], "a MESSAGE_ID of its "
          "own")
    equal(len(box.journal("session-closed")), mark + 1, "entries")
    done = box.run("journalctl", "--catalog", "-q", "--no-pager",
                   "MESSAGE_ID=" + entry["MESSAGE_ID"], "-n", "1")
    check("Defined-By: Portreeve" in done.stdout,
          "no word of the catalogue: " + done.stdout)


@needs_root
@needs("systemd-nspawn", "sshd")
@limit(60)
def test_a_login_and_its_entries():
    box = machine()
    done = ssh(22, "alice", "id -un; cat /proc/self/cgroup",
               identity=box.pair)
    equal(done.stdout.split()[:1], [b"alice"], "the login: %s" % done.stderr)
    check(b"portreeve.service" not in done.stdout,
          "the session is in the daemon's cgroup: %s" % done.stdout)
    opened = box.wait("session-opened", user="alice")
    box.wait("auth-success", user="alice", method="publickey")
    box.wait("session-closed", session=opened["PORTREEVE_SESSION"])


@needs_root
@needs("systemd-nspawn", "sshd")
@limit(90)
def test_reload_good_and_bad():
    box = machine()
    pid = box.main_pid()
    applied = len(box.journal("configuration-applied"))
    box.configure(TEXT % "rate-limit 249;")
    box.run("systemctl", "reload", "portreeve")
    box.wait("configuration-applied", count=applied + 1)
    row = [r for r in box.show("services") if r["service"] == "finger"][0]
    equal(row["rate-limit"], 249, "rate-limit")
    box.configure("system { services { fingre; } }\n")
    done = box.run("systemctl", "reload", "portreeve", ok=None)
    check(done.returncode != 0, "a bad reload is said to have worked")
    box.wait("configuration-rejected")
    equal((box.property("ActiveState"), box.main_pid()), ("active", pid),
          "the service goes on")
    check(finger(79, b"x\r\n")[0], "an answer")
    box.configure(TEXT % "rate-limit 249;")
    box.run("systemctl", "reload", "portreeve")


@needs_root
@needs("systemd-nspawn", "sshd")
@limit(90)
def test_restart_with_a_live_session():
    box = machine()
    client = ssh_start(22, "alice", identity=box.pair)
    before = wait_until(lambda: [r for r in box.show("sessions")
                                 if r["user"] == "alice"], "its row")[0]
    box.run("systemctl", "restart", "portreeve")
    check(ssh_echoes(client, b"survived"), "the session")
    after = [r for r in box.show("sessions") if r["id"] == before["id"]]
    equal(len(after), 1, "its row after the restart")
    equal([r["sessions"] for r in box.show("services")
           if (r["service"], r["family"]) == ("ssh", "inet")], [1], "counted")
    client.stdin.close()
    client.wait(20)
    box.wait("session-closed", session=before["id"])
    wait_until(lambda: not box.show("sessions"), "no session")


@needs_root
@needs("systemd-nspawn", "sshd")
@limit(120)
def test_watchdog():
    box = machine()
    box.run("sh", "-c", "mkdir -p /run/systemd/system/portreeve.service.d && "
            "printf '[Service]\\nWatchdogSec=4\\n' "
            ">/run/systemd/system/portreeve.service.d/t.conf")
    box.run("systemctl", "daemon-reload")
    box.run("systemctl", "restart", "portreeve")
    client = ssh_start(22, "alice", identity=box.pair)
    pid, restarts = box.main_pid(), int(box.property("NRestarts"))
    master = box.master()
    # A master that stands still is killed: by the monitor, or, with all of
    # it, by systemd.
    box.run("kill", "-STOP", str(master))

    def serves():
        try:
            return box.master() != master and \
                finger(79, b"x\r\n", timeout=2)[0]
        except (OSError, ValueError, IndexError):
            return None
    wait_until(serves, "another master, that answers", 60)
    check(int(box.property("NRestarts")) > restarts or
          box.main_pid() == pid, "what was restarted")
    check(ssh_echoes(client, b"alive"), "the session")
    client.stdin.close()
    client.wait(20)
    wait_until(lambda: not box.show("sessions"), "no session", 30)


@needs_root
@needs("systemd-nspawn", "sshd")
@limit(90)
def test_the_whole_daemon_killed():
    box = machine()
    client = ssh_start(22, "alice", identity=box.pair)
    pid = box.main_pid()
    box.run("systemctl", "kill", "-s", "KILL", "--kill-whom=main",
            "portreeve")

    def serves():
        # The killed daemon's master answers until it hears of it.
        if box.main_pid() in (0, pid):
            return None
        try:
            return finger(79, b"x\r\n", timeout=3)[0]
        except OSError:
            return None
    wait_until(serves, "an answer after Restart=on-failure", 40)
    check(ssh_echoes(client, b"alive"), "the session")
    check([r for r in box.show("sessions") if r["user"] == "alice"],
          "its row")
    client.stdin.close()
    client.wait(20)


# Sessions of each kind over an upgrade; `make soak` has more.
SESSIONS = int(os.environ.get("PORTREEVE_UPGRADE_SESSIONS", "3"))


def make_next_build():
    """Another build, which knows by its protocol that it is: the text that
    the number is made from is changed in the programs."""
    top = ROOT + "/opt/next"
    changed = 0
    for name in ("portreeved", "portreeve", "pam_portreeve.so", "libexec",
                 "man", "portreeve.catalog"):
        source = world.BUILD + "/" + name
        if os.path.isdir(source):
            shutil.copytree(source, top + "/" + name)
        else:
            os.makedirs(top, exist_ok=True)
            shutil.copy(source, top)
    for folder, _, names in os.walk(top):
        for name in names:
            with open(folder + "/" + name, "r+b") as file:
                text = file.read()
                other = text.replace(b"PAM_VERDICT 0 0 u8 ",
                                     b"PAM_VERDICT 0 0 u9 ")
                other = other.replace(b"SHOW_SESSIONS 0 0\0",
                                      b"SHOW_SESSIONS 1 0\0")
                changed += other != text
                file.seek(0)
                file.write(other)
    check(changed >= 4, "%d programs were changed" % changed)


def install_older(box, tree):
    """From a tree of an earlier commit, built, with its own scripts."""
    shutil.copytree(tree, ROOT + "/opt/older", symlinks=True,
                    ignore=shutil.ignore_patterns("obj", ".git", "tests"))
    box.run("env", "PREFIX=/usr/local", "/opt/older/tools/install",
            "/opt/older/build")


class Arrivals(threading.Thread):
    """A new login each second, of ssh and telnet in turn."""

    def __init__(self, box):
        super().__init__()
        self.box, self.over = box, threading.Event()
        self.good, self.failed, self.threads = [], [], []

    def one(self, number):
        began = time.monotonic()
        try:
            if number % 2:
                done = ssh(22, "alice", "echo in", identity=self.box.pair)
                equal(done.stdout, b"in\n", "ssh: %s" % done.stderr)
            else:
                with Telnet("alice") as client:
                    equal(client.run("echo in"), "in\n", "telnet")
            self.good.append(time.monotonic() - began)
        except Exception as problem:  # each failure is one to tell
            self.failed.append("login %d, %.1f s: %s" % (
                number, time.monotonic() - began, problem))

    def run(self):
        while not self.over.is_set():
            self.threads.append(threading.Thread(
                target=self.one, args=(len(self.threads),)))
            self.threads[-1].start()
            self.over.wait(1)
        for thread in self.threads:
            thread.join()

    def more(self, count):
        """Waits until so many more have come and are done."""
        first = len(self.good) + len(self.failed)
        wait_until(lambda: len(self.good) + len(self.failed) >= first + count,
                   "%d more logins" % count, 60)


class Telnet(logins.Login):
    """A session of telnet in the container."""
    telnet = 23

    def __init__(self, user):
        super().__init__(self, user, timeout=60)
        self.run("true")


@needs_root
@needs("systemd-nspawn", "sshd")
@limit(240)
def test_an_upgrade_while_people_log_in():
    box = machine()
    older = os.environ.get("PORTREEVE_UPGRADE_FROM")
    box.run("chpasswd", stdin="alice:%s\n" % logins.ALICE)
    box.configure("system { services { %s finger; } }\n" % " ".join(
        "%s { connection-limit 200; rate-limit 250; }" % n
        for n in ("ssh", "telnet")))
    box.run("systemctl", "stop", "portreeve.service")
    if older:
        install_older(box, older)
    box.run("systemctl", "start", "portreeve-telnet.socket")
    box.run("systemctl", "start", "portreeve.service")
    make_next_build()
    sshs = [ssh_start(22, "alice", identity=box.pair)
            for _ in range(SESSIONS)]
    telnets = [Telnet("alice") for _ in range(SESSIONS)]
    pid = box.main_pid()
    arrivals = Arrivals(box)
    arrivals.start()
    try:
        arrivals.more(2)
        # An old build's planner does not understand the new daemon's check.
        planner = "/usr/local/libexec/portreeve/planner"
        box.run("cp", "--remove-destination", "/bin/false", planner)
        done = box.run("env", "PREFIX=/usr/local", "/opt/tree/tools/install",
                       "/opt/next")
        check("daemon was restarted" in done.stdout, "what install said: " +
              done.stdout + done.stderr)
        arrivals.more(4)
    finally:
        arrivals.over.set()
        arrivals.join()
    equal(arrivals.failed, [], "logins that failed, of %d" % len(
        arrivals.threads))
    check(box.main_pid() not in (0, pid), "the daemon is another one")
    for client in sshs:
        check(ssh_echoes(client, b"here"), "a session of ssh")
    for client in telnets:
        equal(client.run("echo here"), "here\n", "a session of telnet")
    wait_until(lambda: len(box.show("sessions")) == 2 * SESSIONS,
               "the sessions' rows")
    for client in telnets:
        client.close()
    for client in sshs:
        client.stdin.close()
        client.wait(20)
    wait_until(lambda: not box.show("sessions"), "no session", 30)


@needs_root
@needs("systemd-nspawn", "sshd")
@limit(120)
def test_install_says_when_it_restarts_nothing():
    """Where a restart would or may end sessions, or no daemon would come up."""
    box = machine()
    pid, good = box.main_pid(), TEXT % ""
    applied = len(box.journal("configuration-applied"))

    def install(build, words, restarts=False):
        done = box.run("env", "PREFIX=/usr/local", "/opt/tree/tools/install",
                       build)
        check(words in done.stdout, "not said: %s: %s%s" % (
            words, done.stdout, done.stderr))
        equal("systemctl restart portreeve" in done.stdout, not restarts,
              "what to type: " + done.stdout)
        equal(box.main_pid() == pid, not restarts, "the daemon: " + words)
    for text in ("system { services { no-keep-sessions; finger; } }\n", good):
        box.configure(text)
        box.run("systemctl", "reload", "portreeve")
        applied += 1
        box.wait("configuration-applied", count=applied)
        if text != good:
            install("/opt/next", "because its sessions would end")
    box.configure("system { services { fingre; } }\n")
    install("/opt/build", "because the new build refuses its configuration")
    box.configure(good)
    # The command is of another build by now, and cannot ask.
    install("/opt/build", "whether its sessions would go on")
    box.run("systemctl", "restart", "portreeve")
    check(box.main_pid() != pid, "the same daemon")
    pid = box.main_pid()
    install("/opt/build", "the running daemon was restarted", True)
    check(finger(79, b"x\r\n")[0], "an answer")


@needs_root
@needs("systemd-nspawn", "sshd")
@limit(90)
def test_deps_leaves_nothing_enabled():
    """A package enables its daemon and would start it; apt is played."""
    box = machine()
    box.run("systemctl", "enable", "portreeve-finger.socket")
    wants = "/etc/systemd/system/multi-user.target.wants"
    box.run("mkdir", "-p", "/opt/fake", wants)
    for name, text in (
            ("dpkg-query", "exit 1\n"),
            ("apt-get", "/usr/sbin/policy-rc.d ssh start\n"
             "echo policy=$?\n"
             "ln -sf /lib/systemd/system/ssh.service %s/\n"
             "ln -sf /lib/systemd/system/ssh.service "
             "/etc/systemd/system/sshd.service\n"
             "touch /etc/init.d/pt-fake\n"
             "ln -sf ../init.d/pt-fake /etc/rc3.d/S01pt-fake\n" % wants)):
        write(ROOT + "/opt/fake/" + name, "#!/bin/sh\n" + text, 0o755)
    path = "PATH=/opt/fake:/usr/sbin:/usr/bin:/sbin:/bin"
    box.run("systemctl", "disable", "ssh.service", ok=None)
    # Where the machine says nothing, and where it lets daemons start.
    for policy in (None, "#!/bin/sh\nexit 0\n"):
        file = ROOT + "/usr/sbin/policy-rc.d"
        if policy is None and os.path.exists(file):
            os.unlink(file)
        elif policy is not None:
            write(file, policy, 0o755)
        done = box.run("env", path, "/opt/tree/tools/deps", "run")
        check("policy=101" in done.stdout, "asked: " + done.stdout)
        for name in ("ssh.service", "sshd.service", "S01pt-fake"):
            check("not enabled: " + name in done.stdout, done.stdout)
        equal(box.run("systemctl", "is-enabled", "ssh.service",
                      ok=None).stdout.strip(), "disabled", "ssh.service")
        box.run("test", "-e", "/etc/rc3.d/S01pt-fake", ok=1)
        equal(policy or "", open(file, encoding="ascii").read()
              if os.path.exists(file) else "", "policy-rc.d")
    equal(box.run("systemctl", "is-enabled",
                  "portreeve-finger.socket").stdout.strip(), "enabled",
          "what was enabled before")
    done = box.run("setpriv", "--reuid", "65533", "--clear-groups", "env",
                   path, "/opt/tree/tools/deps", "run", ok=1)
    check("run as root: /opt/tree/tools/deps run" in done.stdout,
          "to an ordinary user: " + done.stdout)


@needs_root
@needs("systemd-nspawn", "sshd")
@limit(90)
def test_stop_and_uninstall():
    box = machine()
    box.run("systemctl", "enable", "portreeve.service")
    client = ssh_start(22, "alice", identity=box.pair)
    done = box.run("env", "PREFIX=/usr/local", "/opt/tree/tools/install",
                   "--remove", "/nothing/was/built")
    for text in ("still running, and without its programs", "still there: "):
        check(text in done.stdout, "not said: %s: %s" % (text, done.stdout))
    for path in ("/usr/local/sbin/portreeved", "/usr/local/bin/portreeve",
                 "/usr/local/libexec/portreeve",
                 "/usr/lib/systemd/catalog/portreeve.catalog"):
        box.run("test", "-e", path, ok=1)
    equal(box.run("sh", "-c", "find /usr/local /usr/lib /usr/share /etc "
                  "-name '*portreeve*' ! -path '*/python*' "
                  "! -path '/etc/portreeve' ! -name portreeve.conf; "
                  "find -L /etc/systemd -type l -name 'portreeve*'").stdout,
          "", "what is left")
    box.run("test", "-e", CONFIG)
    check(ssh_echoes(client, b"here"), "the session")
    box.run("systemctl", "stop", "portreeve-ssh.socket",
            "portreeve-finger.socket", "portreeve-telnet.socket",
            "portreeve.service")
    box.wait("stopped")
    equal(box.property("Result"), "success", "how it ended")
    check(ssh_echoes(client, b"here"), "the session after the stop")
    client.stdin.close()
    client.wait(20)
    os.kill(MACHINE["it"].child.pid, signal.SIGTERM)


if __name__ == "__main__":
    main()
