#!/usr/bin/python3
"""authentication-order: who is asked about a password, in which order, and
what a no and a silence mean; by ssh and telnet, of a real freeradius."""
import concurrent.futures
import contextlib
import ctypes
import os
import signal
import socket
import subprocess

from harness import (BOTH, Daemon, PASSWORDS, authorize, changed, check,
                     equal,
                     free_port, key, limit, main, needs, needs_root,
                     processes, ssh, unused, wait_until, world)
from harness.logins import Login
from harness import tacplus
from harness.inject import inject, sealed
from harness.radius import Radius, SECRET, asking
from harness.tacplus import Tacplus
from harness.telnet import find_in_memory, spawn

LOCAL = PASSWORDS["alice"][0]
REMOTE = "Through-The-Looking-Glass-9"
METHODS = ("password", "keyboard-interactive")


def configuration(order, servers, ssh_port, telnet_port, more=""):
    """servers: (kind, port, secret)."""
    return "system { %s authentication-order [ %s ]; services { " \
        "ssh { port %d; %s sshd-option \"KbdInteractiveAuthentication yes\";" \
        " } telnet { port %d; listen-address 127.0.0.1; } %s } }" % (
            " ".join('%s-server 127.0.0.1 { port %d; secret "%s"; '
                     "timeout 1; %s }" % (
                         *server, "retry 1;" if server[0] == "radius" else "")
                     for server in servers),
            order, ssh_port, BOTH, telnet_port, more)


@contextlib.contextmanager
def started(order, *servers, more=""):
    ports = free_port(), free_port()
    with asking(), Daemon(configuration(
            order, servers, *ports, more)) as daemon:
        daemon.port, daemon.telnet = ports
        yield daemon


@contextlib.contextmanager
def silent():
    """A server that takes every question and answers none: its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        yield server.getsockname()[1]


def by_ssh(daemon, password, method="password", user="alice"):
    done = ssh(daemon.port, user, "echo in", password=password,
               methods=method)
    return done.stdout == b"in\n"


def by_telnet(daemon, password, user="alice"):
    client = Login(daemon, user, password)

    def told(event):
        return daemon.of(event, source_port=client.port)

    wait_until(lambda: told("auth-success") or told("auth-failure"),
               "a verdict by telnet", 60)
    if told("auth-success"):
        equal(client.run("echo in"), "in\n", "a session by telnet")
    client.close()
    return not told("auth-failure")


def verdicts(daemon, password, user="alice"):
    """In by each way in which a password is given."""
    return [by_ssh(daemon, password, method, user) for method in METHODS] + \
        [by_telnet(daemon, password, user)]


def ways(daemon, wanted, password, text, user="alice"):
    equal(verdicts(daemon, password, user), [wanted] * 3, text)


@needs_root
@needs("ssh", "sshd", "freeradius")
@limit(300)
def test_radius_accepts_and_rejects():
    port = free_port()
    with Radius(port, {"alice": REMOTE, "toor": REMOTE, "root": REMOTE,
                       "stranger": REMOTE}) as server, \
            started("radius", ("radius", port, SECRET)) as daemon:
        ways(daemon, True, REMOTE, "the server's password")
        ways(daemon, False, LOCAL, "the local one, which is not asked")
        check("Access-Reject" in server.said(), "no reject was sent")
        # Whom a server that lies can let in.
        check(not by_ssh(daemon, REMOTE, user="root"), "root by ssh")
        check(not by_telnet(daemon, REMOTE, user="toor"), "uid 0 by telnet")
        check(not by_ssh(daemon, REMOTE, user="stranger"), "no account: ssh")
        check(not by_telnet(daemon, REMOTE, user="stranger"),
              "no account: telnet")
        pair = key()
        authorize("alice", pair)
        equal(ssh(daemon.port, "alice", "echo in", identity=pair).stdout,
              b"in\n", "by key, outside of the order")


@needs_root
@needs("ssh", "sshd", "freeradius")
@limit(300)
def test_the_next_one_after_a_no():
    port = free_port()
    with Radius(port, {"alice": REMOTE}):
        for order in ("radius password", "password radius"):
            with started(order, ("radius", port, SECRET)) as daemon:
                ways(daemon, True, REMOTE, order + ", the server's")
                ways(daemon, True, LOCAL, order + ", the local one")
                ways(daemon, False, "neither", order + ", a wrong one")


@needs_root
@needs("ssh", "sshd", "freeradius")
@limit(300)
def test_silence():
    port = free_port()
    with silent() as mute:
        # Nobody answers: the local password last, named or not.
        with started("radius", ("radius", mute, SECRET)) as daemon:
            ways(daemon, True, LOCAL, "nobody answers")
            ways(daemon, False, REMOTE, "nobody answers, a wrong one")
        # None can be reached.
        with started("radius tacplus", ("radius", 9, SECRET),
                     ("tacplus", 9, SECRET)) as daemon:
            ways(daemon, True, LOCAL, "nobody is reached")
        # One has said no: it stays no.
        with started("password radius",
                     ("radius", mute, SECRET)) as daemon:
            ways(daemon, False, REMOTE, "rejected by one, no word of another")
        with Radius(port, {"alice": REMOTE}, secret="another"), \
                started("radius", ("radius", port, SECRET)) as daemon:
            check(not by_ssh(daemon, REMOTE), "a server with another secret")


@needs_root
@needs("ssh", "sshd", "freeradius")
@limit(120)
def test_the_secret_is_nowhere():
    port = free_port()
    with Radius(port, {"alice": REMOTE}), \
            started("radius", ("radius", port, SECRET)) as daemon:
        check(by_ssh(daemon, REMOTE), "in")
        folder = daemon.run + "/authentication"
        equal(os.stat(folder).st_mode & 0o777, 0o700, "the folder's mode")
        for name in os.listdir(folder):
            equal(os.stat(folder + "/" + name).st_mode & 0o777, 0o600, name)
        for form in ([], ["--set"]):
            shown = daemon.cli("show", "configuration", *form).stdout
            check("********" in shown and SECRET not in shown, "shown")
        for process in processes.everyone():
            check(SECRET not in " ".join(process.words), "in a process list")
            try:
                with open("/proc/%d/environ" % process.pid, "rb") as file:
                    check(SECRET.encode() not in file.read(), "environment")
            except OSError:
                pass
        for line in daemon.events:
            check(SECRET not in line.line and REMOTE not in line.line,
                  "in an event")


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_without_the_line_nobody_gets_in():
    """As when somebody takes it out while the daemon runs."""
    with started("radius", ("radius", 9, SECRET)) as daemon, \
            changed("/etc/pam.d/common-auth", lambda text: "".join(
                line for line in text.splitlines(True)
                if not line.rstrip().endswith(" order"))):
        check(not by_ssh(daemon, LOCAL), "ssh")
        check(not by_telnet(daemon, LOCAL), "telnet")


# --- tacplus -----------------------------------------------------------------

CLIENT = """
$t = new Authen::TacacsPlus(Host => "127.0.0.1", Key => $ARGV[0],
    Port => $ARGV[1], Timeout => 20) or die "no server";
print $t->authen("alice", $ARGV[2],
    &Authen::TacacsPlus::TAC_PLUS_AUTHEN_TYPE_PAP) ? "in" : "out";
"""


@needs("perl")
@limit(60)
def test_another_client_agrees_with_the_tests_server():
    with Tacplus({"alice": REMOTE}) as server:
        for password, wanted in ((REMOTE, "in"), ("neither", "out")):
            done = subprocess.run(
                ["perl", "-MAuthen::TacacsPlus", "-e", CLIENT,
                 tacplus.SECRET, str(server.port), password],
                capture_output=True, text=True, check=False)
            if "Can't locate" in done.stderr:
                raise world.Skip("no libauthen-tacacsplus-perl")
            equal(done.stdout, wanted, done.stderr)


@needs_root
@needs("ssh", "sshd")
@limit(300)
def test_tacplus_accepts_and_rejects():
    with Tacplus({"alice": REMOTE, "root": REMOTE}) as server, \
            started("tacplus", ("tacplus", server.port, tacplus.SECRET)) \
            as daemon:
        ways(daemon, True, REMOTE, "the server's password")
        ways(daemon, False, LOCAL, "the local one, which is not asked")
        check(not by_ssh(daemon, REMOTE, user="root"), "root by ssh")
        equal(server.asked[0], ["alice", "ssh", "127.0.0.1", REMOTE],
              "what it was asked")
        check(["alice", "telnet", "127.0.0.1", REMOTE] in server.asked,
              "what it was asked by telnet")
        # Its death is nobody's: the next one answers.
        mark = daemon.mark()
        os.kill(daemon.role("tacplus").pid, signal.SIGKILL)
        daemon.wait("role-restarted", after=mark, role="tacplus")
        check(by_ssh(daemon, REMOTE), "after its death")


@needs_root
@needs("inetutils-telnet")
@limit(120)
def test_a_real_telnet_client():
    with Tacplus({"alice": REMOTE}) as server, \
            started("tacplus password",
                    ("tacplus", server.port, tacplus.SECRET)) as daemon:
        for password in (REMOTE, LOCAL):
            child = spawn("inetutils-telnet", daemon.telnet)
            child.expect("login: ")
            child.send("alice\r")
            child.expect("Password: ")
            child.send("neither\r")
            child.expect("Login incorrect")
            child.expect("login: ")
            child.send("alice\r")
            child.expect("Password: ")
            child.send(password + "\r")
            child.expect("[$#] ")
            child.close()


def landlock():
    """The kernel's level; below 4 it knows no ports."""
    return ctypes.CDLL(None).syscall(444, None, 0, 1)


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_tacplus_is_sealed():
    """From outside, and tried from inside: what it never does is its end, and
    it reaches its servers' ports and no other."""
    with Tacplus({"alice": REMOTE}) as server, \
            started("tacplus", ("tacplus", server.port, tacplus.SECRET)) \
            as daemon:
        process = daemon.role("tacplus")
        check(process.uid != 0, "its uid is 0")
        for piece, value in (("Seccomp", "2"), ("NoNewPrivs", "1"),
                             ("CapEff", "0" * 16), ("CapBnd", "0" * 16)):
            equal(process.status[piece], value, piece)
        check(SECRET not in " ".join(process.words), "its words")
        pid = process.pid
        fd = inject(pid, 41, "2", "1", "0")
        check(fd.startswith("returned "), "socket " + fd)
        # sockaddr_in of 127.0.0.1 and another service's port.
        address = "x:0200%04x7f0000010000000000000000" % daemon.port
        if landlock() >= 4:
            equal(inject(pid, 42, fd.split()[1], address, "16"),
                  "returned -13", "connect to another port")
        for name, (call, *words) in {
                "openat": (257, "-100", "s:/etc/passwd", "0", "0"),
                "socket AF_UNIX": (41, "1", "5", "0"),
                "socket UDP": (41, "2", "2", "0"),
                "bind": (49, "3", "0", "0"), "listen": (50, "3", "1"),
                "execve": (59, "s:/bin/sh", "0"), "fork": (57,),
                "kill": (62, "1", "9")}.items():
            mark = daemon.mark()
            pid = wait_until(lambda: sealed(daemon, "tacplus"),
                             "a sealed tacplus")
            equal(inject(pid, call, *words), "stopped by SYS", name)
            event = daemon.wait("role-restarted", after=mark)
            equal(event["role"], "tacplus", "who died of " + name)
        wait_until(lambda: sealed(daemon, "tacplus"), "a sealed tacplus")
        check(by_ssh(daemon, REMOTE), "after all of its deaths")


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_secrets_stay_in_no_memory():
    """A password in none, once it was asked about; a server's secret, in
    those of monitor and tacplus."""
    with Tacplus({"alice": REMOTE}) as server, \
            started("tacplus", ("tacplus", server.port, tacplus.SECRET)) \
            as daemon:
        check(by_ssh(daemon, REMOTE), "in")
        equal(len(server.asked), 1, "questions")
        mark = daemon.mark()
        check(not by_ssh(daemon, "The-Knave-Stole-Them"), "a wrong one")
        daemon.wait("session-closed", after=mark)
        for name, some in daemon.roles().items():
            for process in some:
                for word in (REMOTE, "The-Knave-Stole-Them"):
                    equal(find_in_memory(process.pid, word.encode()), [],
                          "%s in %s" % (word, name))
                if name not in ("monitor", "tacplus"):
                    equal(find_in_memory(process.pid, tacplus.SECRET.encode()),
                          [], "a server's secret in " + name)
        check(find_in_memory(daemon.role("tacplus").pid,
                             tacplus.SECRET.encode()), "it has its secret")


@needs_root
@needs("ssh", "sshd")
@limit(300)
def test_a_server_that_errs_is_no_answer():
    """Its word is neither yes nor no: the local password decides."""
    with Tacplus({"alice": REMOTE}) as server, \
            started("tacplus", ("tacplus", server.port, tacplus.SECRET)) \
            as daemon:
        for way in ("error", "cut", "header", "long", "huge", "clear",
                    "session", "key", "more", "silent"):
            server.way = way
            check(not by_ssh(daemon, REMOTE), "in by " + way)
            check(by_ssh(daemon, LOCAL), "nobody answers: " + way)
        equal(len(daemon.of("role-restarted")), 0, "deaths")


@needs_root
@needs("ssh", "sshd")
@limit(300)
def test_servers_and_questions_do_not_wait_for_another():
    with Tacplus({"alice": REMOTE}, way="silent") as mute, \
            Tacplus({"alice": REMOTE}, host="127.0.0.2") as server, \
            started("tacplus", ("tacplus", mute.port, tacplus.SECRET)) \
            as daemon:
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            wrong = [pool.submit(by_ssh, daemon, REMOTE) for _ in range(6)]
            check(not any(w.result() for w in wrong), "in without an answer")
        equal(len(mute.asked), 6, "questions to the server that is silent")
        # The second one is asked, after a reload: another sandbox.
        pid = daemon.role("tacplus").pid
        text = configuration(
            "tacplus", [("tacplus", mute.port, tacplus.SECRET)], daemon.port,
            daemon.telnet)
        daemon.configure(text.replace(
            "authentication-order", "tacplus-server 127.0.0.2 { port %d; "
            'secret "%s"; } authentication-order' % (
                server.port, tacplus.SECRET), 1))
        equal(daemon.cli("reload").returncode, 0, "reload")
        wait_until(lambda: daemon.roles().get("tacplus") and
                   daemon.role("tacplus").pid != pid, "another tacplus")
        check(by_ssh(daemon, REMOTE), "by the second server")
        check(not by_ssh(daemon, LOCAL), "rejected by the second server")
        # And none of it, after another.
        daemon.configure(configuration("password", [], daemon.port,
                                       daemon.telnet))
        equal(daemon.cli("reload").returncode, 0, "reload")
        check("tacplus" not in daemon.roles(), "tacplus is there still")
        ways(daemon, True, LOCAL, "the local password")


@needs_root
@needs("ssh", "sshd")
@limit(60)
def test_what_is_missing_is_an_error():
    ports = free_port(), free_port()
    path = unused(world.WORK + "/order.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(configuration("radius", [("radius", 1, "s")], *ports))
    done = subprocess.run([world.BUILD + "/portreeved", "-n", "-c", path],
                          capture_output=True, text=True, check=False)
    equal(done.returncode, 1, "status")
    check("PAM's service sshd has no auth line" in done.stderr and
          "PAM's service login has no auth line" in done.stderr, done.stderr)


if __name__ == "__main__":
    main()
