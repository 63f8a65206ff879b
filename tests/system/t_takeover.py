#!/usr/bin/python3
"""What a master, a program or a client that was taken over tries on the
monitor and on the ports: to shut listeners down, to freeze it in a close, to
fill the run-time folder."""
import os
import select
import shutil
import signal
import socket
import struct
import subprocess

from harness import (BOTH, Connection, Daemon, check, equal, finger, free_port,
                     limit, main, needs, needs_root, processes, ssh, unused,
                     wait_until, world, write)
from harness.messages import copies, inodes, name_of, pack, shared
from harness.inject import inject, sealed

SETSOCKOPT, SHUTDOWN, MADVISE, MADV_POPULATE_WRITE = 54, 48, 28, 23
SHUTTER = """#!/usr/bin/python3
import socket, sys
kind = socket.SOCK_DGRAM if sys.argv[1:] == ["udp"] else socket.SOCK_STREAM
listener = socket.socket(socket.AF_INET, kind, 0, 0)
try:
    listener.shutdown(socket.SHUT_RDWR)
except OSError:
    pass
"""


def answers(port):
    try:
        return finger(port, b"x\r\n")[0]
    except OSError:
        return None


@needs_root
@limit(90)
def test_a_master_cannot_shut_a_listener():
    port = free_port()
    with Daemon("system { services { finger { port %d; %s } } }" % (
            port, BOTH)) as daemon:
        inodes = ["socket:[%d]" % i for i in processes.listeners().values()]

        def listener():
            pid = sealed(daemon, "master")
            return pid and [(pid, str(fd)) for fd, name in
                            processes.descriptors(pid).items()
                            if name in inodes][:1]
        for how in ("0", "2"):
            mark = daemon.mark()
            pid, fd = wait_until(listener, "a master's listener")[0]
            equal(inject(pid, SHUTDOWN, fd, how), "stopped by SYS",
                  "shutdown(%s)" % how)
            daemon.wait("role-restarted", after=mark, role="master")
        pid, fd = wait_until(listener, "a master's listener")[0]
        equal(inject(pid, SHUTDOWN, fd, "1"), "returned 0", "to send")
        wait_until(lambda: answers(port), "an answer after all that")


@needs_root
def test_no_role_makes_a_close_wait():
    """SO_LINGER on a socket that the monitor is to close last."""
    port = free_port()
    with Daemon("system { services { finger { port %d; %s } } }" % (
            port, BOTH)) as daemon:
        for role in ("master", "zygote finger", "logreader", "audit"):
            some = daemon.roles().get(role)
            if not some:
                continue
            mark = daemon.mark()
            equal(inject(some[0].pid, SETSOCKOPT, "3", "1", "13",
                         "x:0100000000100000", "8"),
                  "stopped by SYS", "SO_LINGER in " + role)
            daemon.wait("role-restarted", after=mark)
            wait_until(lambda: sealed(daemon, role), "another " + role)
        wait_until(lambda: answers(port), "an answer")


def deaf():
    """(A socket whose close waits for a minute, its deaf peer): what is sent
    is not taken."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        peer, _ = listener.accept()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 60))
    ours.setblocking(False)
    try:
        while True:
            ours.send(b"x" * 65536)
    except BlockingIOError:
        pass
    return ours, peer


@needs_root
@limit(90)
def test_the_monitor_waits_in_no_close():
    """A master that was taken over passes it such a socket, with each message
    that carries one, and keeps no copy."""
    with finger_only() as daemon:
        master = wait_until(lambda: sealed(daemon, "master"), "the master")
        os.kill(master, signal.SIGSTOP)
        wait_until(lambda: processes.status(master)["State"][0] == "T",
                   "a stop")
        channel, = copies(master, [3])
        peers = []
        for message in (pack("ASK_CLIENT", "I", 7), pack("ASK_RELOAD", "I", 7),
                        pack("ASK_LOGIN", "QIQB", 77, 0, 0, 0)):
            ours, peer = deaf()
            peers.append(peer)
            with ours:
                socket.send_fds(channel, [message], [ours.fileno()])
            # Of the login: when the monitor has looked for it in vain.
            wanted = "LOGIN_REFUSED" if len(peers) == 3 else "ANSWER_DONE"
            until(channel, wanted)
            # It is closed by now, or the monitor stands in its close.
            with socket.socket(socket.AF_UNIX) as nobody:
                socket.send_fds(channel, [pack("ASK_CLIENT", "I", 8)],
                                [nobody.fileno()])
                until(channel, "ANSWER_DONE")
        for some in peers + [channel]:
            some.close()
        os.kill(master, signal.SIGCONT)


def until(channel, name):
    """Reads as far as that message."""
    while True:
        check(select.select([channel], [], [], 20)[0], "no " + name)
        if name_of(channel.recv(65536)) == name:
            return


def mapped(pid, name):
    """(path, address, length) of a file's whole mapping."""
    with open("/proc/%d/maps" % pid, encoding="utf-8") as file:
        rows = [line.split() for line in file if name in line]
    ends = [int(n, 16) for row in rows for n in row[0].split("-")]
    return rows[0][5], ends[0], ends[-1] - ends[0]


@needs_root
@limit(90)
def test_no_role_fills_the_run_time_folder():
    """What a master or a zygote that was taken over can write to lies in
    files of the run-time folder, often a tmpfs that all of the host uses:
    each page of them is had. What they hold is what the configuration
    needs."""
    port, other = free_port(), free_port()
    with Daemon("system { services { finger { port %d; %s } telnet { port "
                "%d; %s } } }" % (port, BOTH, other, BOTH)) as daemon:
        for role, name, bound in (("master", "/state/master", 10 << 20),
                                  ("zygote finger", "/state/slots.",
                                   256 << 10)):
            pid = wait_until(lambda r=role: sealed(daemon, r), role)
            path, start, length = mapped(pid, name)
            check(length > 1 << 16, "what is mapped: %d" % length)
            # Page after page where the kernel stops at the first it lacks.
            for at in range(start, start + length, 1 << 20):
                got = inject(pid, MADVISE, str(at), str(1 << 20),
                             str(MADV_POPULATE_WRITE))
                if got != "returned 0":
                    break
            had = os.stat(path).st_blocks * 512
            check(1 << 16 < had < bound, "%s has %d bytes of %s" % (
                role, had, name))
        check(answers(port), "an answer after all that")


def shutter(port, protocol):
    script = write(unused(world.WORK + "/shutter"), SHUTTER, 0o755)
    return ("service shut-%s { port %d; protocol %s; wait yes; user nobody; "
            "listen-address 127.0.0.1; exec \"%s %s\"; } " % (
                protocol, port, protocol, script, protocol))


@needs_root
@limit(90)
def test_a_program_that_shuts_its_listener_down():
    """It is told, and bound again, and nothing spins."""
    tcp, udp = free_port(), free_port()
    with Daemon("system { services { extended-limits; %s %s } }" % (
            shutter(tcp, "tcp"), shutter(udp, "udp"))) as daemon:
        with socket.create_connection(("127.0.0.1", tcp), 10):
            failed = daemon.wait("listener-failed", service="shut-tcp")
        equal(failed["errno"], "ESHUTDOWN", "the event")
        wait_until(lambda: ("inet", tcp) in processes.listeners(), "the port")
        for count in (1, 2):
            with socket.socket(type=socket.SOCK_DGRAM) as client:
                client.sendto(b"x", ("127.0.0.1", udp))
                daemon.wait("listener-failed", service="shut-udp",
                            count=count)
        accepted = len(daemon.of("connection-accepted"))
        check(accepted <= 12, "it was started %d times" % accepted)
        daemon.idle()


def drain(channel):
    """Reads what lies there."""
    try:
        while True:
            channel.recv(65536, socket.MSG_DONTWAIT)
    except BlockingIOError:
        pass


def wishes(session):
    """What a client may wish: (its message, the master's, that one's bytes)."""
    return ((pack("CLEAR_SESSION", "Q", session), "ASK_CLEAR",
             pack("ASK_CLEAR", "IQ", 7, session)),
            (pack("RELOAD"), "ASK_RELOAD", pack("ASK_RELOAD", "I", 7)),
            (pack("SHOW_CONFIGURATION", "B", 1), "ASK_CONFIGURATION",
             pack("ASK_CONFIGURATION", "IB", 7, 1)))


def wish(channel, ask, client):
    """(whether it was granted, the reason) of a wish on `client`, that was
    passed to the monitor by the master's own channel."""
    socket.send_fds(channel, [ask], [client.fileno()])
    while True:
        check(select.select([channel], [], [], 20)[0], "no answer")
        answer = channel.recv(65536)
        if name_of(answer) == "ANSWER_DONE":
            request, status = struct.unpack_from("<IB", answer, 2)
            equal(request, 7, "the request")
            return status == 0, answer[9:].decode()


@needs_root
@limit(90)
def test_a_wish_is_a_clients_of_the_control_socket():
    """A master and a zygote that were taken over share a socket that root
    made: whose peer is root, for all that it says. The monitor takes no wish
    from it."""
    port = free_port()
    with Daemon("system { services { finger { port %d; %s } } }" % (
            port, BOTH)) as daemon, Connection(port) as kept:
        session = int(daemon.wait("connection-accepted",
                                  source_port=kept.port)["session"])
        master = wait_until(lambda: sealed(daemon, "master"), "the master")
        zygote = wait_until(lambda: sealed(daemon, "zygote finger"), "finger")
        # They do nothing of their own from now on.
        for pid in (master, zygote):
            os.kill(pid, signal.SIGSTOP)
        for pid in (master, zygote):
            wait_until(lambda: processes.status(pid)["State"][0] == "T",
                       "a stop")
        channel, = copies(master, [3])
        ours, theirs = shared(master, zygote)
        # What the zygote said before it stopped, of workers for one.
        drain(ours)
        cred = ours.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        equal(struct.unpack("iII", cred)[1], 0, "its peer, as it seems")
        for text, name, ask in wishes(session):
            theirs.send(text)
            equal(wish(channel, ask, ours), (False, "nobody asked for that"),
                  name)
            equal(ours.recv(65536), text, "what the monitor left there")
        check(not wish(channel, pack("ASK_CLIENT", "I", 7), ours)[0],
              "ASK_CLIENT")
        # The same by the control socket is granted: so the test can fail.
        held = copies(master, inodes(master).values())
        listener, = [s for s in held if s.family == socket.AF_UNIX and
                     s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)]
        for text, name, ask in reversed(wishes(session)):
            with socket.socket(socket.AF_UNIX,
                               socket.SOCK_SEQPACKET) as client:
                client.connect(daemon.run + "/control.sock")
                client.send(text)
                accepted, _ = listener.accept()
                with accepted:
                    equal(wish(channel, ask, accepted), (True, ""), name)
        for some in held + [channel, ours, theirs]:
            some.close()
        for pid in (master, zygote):
            os.kill(pid, signal.SIGCONT)
        daemon.closed(kept)
        wait_until(lambda: answers(port), "an answer after all that")


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_a_sealed_sshd_shuts_no_other_ones_log():
    """sshd's child that reads a stranger's packets has the socket of its
    connection's log: what others write about their strangers is told."""
    port = free_port()
    with Daemon("system { services { ssh { port %d; %s } } }" % (
            port, BOTH)) as daemon, Connection(port) as taken:
        taken.read_until(b"\r\n")
        taken.send(b"SSH-2.0-taken\r\n")

        def sealed_child():
            """As who OpenSSH itself seals it; its parent stays root."""
            return [p.pid for p in processes.below(daemon.pid)
                    if p.title.startswith("sshd: ") and p.uid != 0 and
                    p.status["Seccomp"] == "2"]
        pid = wait_until(sealed_child, "sshd's sealed child")[0]
        equal(inject(pid, SHUTDOWN, "2", "2"), "returned 0", "shutdown")
        for _ in range(2):
            mark = daemon.mark()
            done = ssh(port, "alice", "true", password="wrong")
            check(done.returncode != 0, "a wrong password")
            daemon.wait("auth-failure", after=mark, user="alice",
                        reason="credentials")
            daemon.wait("session-closed", after=mark)
        mark = daemon.mark()
        taken.close()
        daemon.closed(taken, after=mark)
        daemon.idle()


# --- a user of the host ---------------------------------------------------------


def finger_only():
    return Daemon("system { services { finger { port %d; %s } } }" % (
        free_port(), BOTH))


def as_alice(*words):
    return subprocess.run(
        ["setpriv", "--reuid", "alice", "--regid", "alice", "--clear-groups",
         *words], capture_output=True, text=True, timeout=30, check=False)


@needs_root
@limit(90)
def test_no_user_holds_the_lock():
    """Whatever she can open below the run-time folder, she locks; the daemon
    starts again all the same."""
    old = finger_only()
    with old:
        found = [path for path in subprocess.run(
            ["find", old.run, "-type", "f"], capture_output=True, text=True,
            check=True).stdout.split()
                 if as_alice("test", "-r", path).returncode == 0]
        locks = [subprocess.Popen(
            ["setpriv", "--reuid", "alice", "--regid", "alice",
             "--clear-groups", "flock", path, "sh", "-c",
             "echo held; exec sleep 60"], stdout=subprocess.PIPE)
                 for path in found + [old.run, old.run + "/empty"]]
        # What is locked by others is not hers to have: she waits.
        held = [child for child in locks
                if select.select([child.stdout], [], [], 1)[0]]
        check(held, "alice holds nothing: the test tries nothing")
        old.stop()
        with Daemon(open(old.file, encoding="utf-8").read(),
                    directory=old.directory) as daemon:
            done = subprocess.run(daemon.argv(), capture_output=True,
                                  text=True, timeout=30, check=False)
            check(done.returncode == 1 and "another portreeved (process %d)" %
                  daemon.pid in done.stderr, "a second: %r" % done.stderr)
        for child in locks:
            child.kill()
            child.wait()
            child.stdout.close()


def refused(argv, part):
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30,
                          check=False)
    check(done.returncode == 1 and part in done.stderr,
          "%s: %d %r" % (argv, done.returncode, done.stderr))


@needs_root
@limit(90)
def test_no_folder_on_the_way_is_a_users():
    """Who owns one can put another in its place, of -r, -s and -c: she does,
    and what she has put there is not obeyed."""
    daemon = finger_only()
    own, trace = unused("/home/way"), world.WORK + "/obeyed"
    os.mkdir(own)
    os.mkdir(own + "/below", 0o755)
    shutil.chown(own, "alice", "alice")
    hers = write(unused("/home/alice/conf"), "system { services { service x { "
                 "port %d; user root; exec \"/usr/bin/touch %s\"; } } }" % (
                     free_port(), trace))
    done = as_alice("sh", "-c", "cd $0 && mv below was && mkdir -p below/run/"
                    "state && cp $1 below/p.conf", own, hers)
    equal(done.returncode, 0, "her folder: " + done.stderr)
    os.symlink(daemon.directory, own + "/link")
    good = daemon.argv()
    for option, value in (("-r", own + "/below"), ("-s", own + "/below"),
                          ("-c", own + "/below/p.conf"),
                          ("-r", own + "/link/run"), ("-s", own + "/link/s"),
                          ("-c", own + "/link/portreeve.conf")):
        argv = list(good)
        argv[argv.index(option) + 1] = value
        refused(argv, "belongs to another user")
    check(not os.path.exists(trace), "her configuration was obeyed")
    # Nor open to a group.
    shutil.rmtree(own + "/below")
    os.mkdir(own + "/below", 0o755)
    shutil.chown(own, "root", "root")
    os.chmod(own, 0o775)
    argv = list(good)
    argv[argv.index("-r") + 1] = own + "/below"
    refused(argv, "chmod go-w")
    os.chmod(own, 0o755)
    daemon.argv = lambda: argv
    with daemon:
        check(os.path.exists(own + "/below/control.sock"), "its socket")


@needs_root
@limit(90)
def test_no_file_is_read_through_a_users_link():
    """telnet's banner is shown to everyone, and root reads it."""
    port = free_port()
    secret = write("/mnt/secret", "root:$6$secret\n", 0o600)
    link = "/home/alice/banner"
    os.symlink(secret, link)
    os.lchown(link, *[os.stat("/home/alice").st_uid] * 2)
    text = "system { services { telnet { port %d; %s %s } } }"
    daemon = Daemon(text % (port, BOTH, 'banner "%s";' % link))
    try:
        refused(daemon.argv() + ["-n"], "banner: " + link)
        # It was a file of root's when it was judged.
        folder = unused(world.WORK + "/banners")
        os.mkdir(folder)
        good = write(folder + "/banner", "Welcome\n")
        with daemon.configure(text % (port, BOTH, 'banner "%s";' % good)):
            with Connection(port) as client:
                check(b"Welcome" in client.read_until(b"login: "), "no banner")
            for change in ("link", "file"):
                os.unlink(good)
                if change == "link":
                    os.symlink(secret, good)
                    os.lchown(good, 12345, 12345)
                else:
                    write(good, "Mine\n")
                    os.chown(good, 12345, 12345)
                check(daemon.cli("reload").returncode == 1, change)
                # What it had when it was judged is shown, by whomever.
                pid = daemon.role("zygote telnet").pid
                os.kill(pid, signal.SIGKILL)
                wait_until(lambda: pid not in [
                    z.pid for z in daemon.roles().get("zygote telnet", [])],
                           "another zygote")
                with Connection(port) as client:
                    shown = client.read_until(b"login: ")
                check(b"secret" not in shown and b"Mine" not in shown and
                      b"Welcome" in shown, "%s: %r" % (change, shown))
    finally:
        os.unlink(link)


MINE = "#!/bin/sh\necho mine, as $(id -u)\n"


def ask(port):
    """What the port's service answers; None where nothing listens."""
    try:
        with Connection(port) as client:
            return client.read_all()[0]
    except ConnectionRefusedError:
        return None


@needs_root
@limit(180)
def test_no_program_is_run_that_a_user_could_change():
    """A service of root's whose program lies where alice can put another, by
    the folder, a link or the file: she does, and is not run."""
    port = free_port()
    text = ('system { services { finger { port %d; %s } service thing '
            '{ port %d; %s user %s; exec "%s"; } } }')
    uid = os.stat("/home/alice").st_uid
    top = unused("/home/programs")
    own, roots = top + "/own", top + "/roots"

    def lay():
        """Root's program below alice's folder, and in a folder of root's a
        link and a file of hers: whoever looks now sees nothing of hers run."""
        shutil.rmtree(top, ignore_errors=True)
        os.makedirs(own + "/below")
        os.mkdir(roots)
        for name in (own + "/below/good", roots + "/good", roots + "/file"):
            write(name, "#!/bin/sh\necho good\n", 0o755)
        os.symlink(roots + "/good", own + "/leads")
        os.symlink("good", roots + "/link")
        for name in (own, own + "/leads", roots + "/link", roots + "/file"):
            os.lchown(name, uid, uid)

    def swap():
        """As alice: hers in the place of each that she can change."""
        hers = write(unused("/home/alice/mine"), MINE, 0o755)
        os.chown(hers, uid, uid)
        as_alice("sh", "-c", "cd $0 && mv below was && mkdir below && "
                 "cp $1 below/good && ln -sf $1 leads; cp $1 $2/file; "
                 "ln -sf $1 $2/link", own, hers, roots)
    daemon = Daemon()
    for name, word in ((own + "/below/good", "the folder"),
                       (own + "/leads", "the folder"),
                       (own + "/../roots/good", "the folder"),
                       (roots + "/link", "the link"),
                       (roots + "/file", "belongs to another user")):
        lay()
        daemon.configure(text % (free_port(), BOTH, port, BOTH, "root", name))
        with daemon.launch():
            failed = daemon.wait("service-failed", service="thing")
            swap()
            equal(ask(port), None, name)
        check("exec: " + name in failed["reason"] and word in
              failed["reason"], "%s: %s" % (name, failed["reason"]))
        refused(daemon.argv() + ["-n"], "exec: " + name)
        daemon.events.clear()
    # What is hers is hers to run as herself, in a home that none else enters.
    lay()
    os.chmod(own, 0o700)
    with daemon.configure(text % (free_port(), BOTH, port, BOTH, "alice",
                                  own + "/below/good")).start():
        equal(ask(port), b"good\n", "as alice")
        swap()
        equal(ask(port), b"mine, as %d\n" % uid, "her own")
    # It was root's when it was judged: it is judged again.
    lay()
    with daemon.configure(text % (free_port(), BOTH, port, BOTH, "root",
                                  roots + "/good")).start():
        equal(ask(port), b"good\n", "as root")
        os.chown(roots, uid, uid)
        mark = daemon.mark()
        os.kill(daemon.role("zygote thing").pid, signal.SIGKILL)
        daemon.wait("service-failed", after=mark, service="thing")
        as_alice("cp", "/home/alice/mine", roots + "/new")
        equal(ask(port), None, "a folder that was given away")
        os.chown(roots, 0, 0)
        daemon.wait("service-restored", after=mark, service="thing")
        equal(ask(port), b"good\n", "again")


if __name__ == "__main__":
    main()
