#!/usr/bin/python3
"""service NAME: inetd-style programs over tcp and udp, wait and nowait; what
they are given, what they leave behind, and how they fail."""
import os
import socket

from harness import (BOTH, Connection, Daemon, check, equal, free_port, limit,
                     main, needs_root, processes, unused, wait_until, world,
                     write)

USER = "user nobody;" if world.ROOT else ""


def start(program, statements="", protocol="tcp", wait="no", user=USER,
          more=""):
    port = free_port()
    daemon = Daemon(
        "system { services { service thing { port %d; protocol %s; wait %s; "
        "%s exec \"%s\"; %s %s } %s } }" % (
            port, protocol, wait, user, program, BOTH, statements, more))
    daemon.port = port
    return daemon


def script(text, name="script"):
    return write(unused(world.WORK + "/" + name), "#!/bin/sh\n" + text, 0o755)


def talk(daemon, data=b"", host="127.0.0.1"):
    with Connection(daemon.port, host) as client:
        if data:
            client.send(data)
        client.half_close()
        return client.read_all()[0]


def test_cat_over_both_families():
    with start("/bin/cat -u") as daemon:
        for host in ("127.0.0.1", "::1"):
            equal(talk(daemon, b"hello\n" * 1000, host), b"hello\n" * 1000,
                  "the echo over " + host)
        closed = daemon.wait("session-closed", count=2)
        equal((closed["service"], closed["exit"]), ("thing", "0"), "closed")
        daemon.idle()


def test_argv0_is_the_last_part_and_quotes_keep_spaces():
    path = write(unused(world.WORK + "/show-args"),
                 "#!/usr/bin/python3\nimport sys\n"
                 "print(open('/proc/self/cmdline').read().split('\\0')[0])\n"
                 "print(sys.argv[1:])\n", 0o755)
    text = path + " one \\\"two three\\\" 'four five' $HOME * ;x"
    with start(text) as daemon:
        answer = talk(daemon).decode()
        check("'two three'" in answer and "'$HOME', '*', ';x'" in answer,
              "the words: %s" % answer)
    with start("/bin/sleep 100") as daemon, Connection(daemon.port):
        daemon.wait("connection-accepted")
        wait_until(lambda: [p for p in processes.below(daemon.pid)
                            if p.words == ["sleep", "100"]],
                   "a process whose argv is exactly `sleep 100`")


def test_environment():
    path = script("env; id -un; id -gn; umask; nice; ulimit -n; ulimit -Hn\n")
    with start(path, "environment GREETING \"hello there\"; umask 027; "
               "nice 5; rlimit nofile 64 128;") as daemon:
        for host in ("127.0.0.1", "::1"):
            with Connection(daemon.port, host) as client:
                lines = client.read_all()[0].decode().splitlines()
                env = dict(n.split("=", 1) for n in lines if "=" in n)
                equal([env.get(n) for n in (
                    "PROTO", "REMOTE_HOST", "REMOTE_PORT", "TCPREMOTEIP",
                    "TCPREMOTEPORT", "TCPLOCALIP", "TCPLOCALPORT")],
                      ["TCP", host, str(client.port), host, str(client.port),
                       host, str(daemon.port)], "the peer's variables")
                equal(env.get("GREETING"), "hello there", "environment")
                check(not [n for n in env if n.startswith(
                    ("LISTEN_", "NOTIFY", "XDG_", "PORTREEVE", "LD_"))],
                      "too much: %s" % env)
                check("TERM" not in env and "SUDO_USER" not in env,
                      "the starter's: %s" % env)
                if world.ROOT:
                    equal(lines[-6:-4], ["nobody", "nogroup"], "who")
                equal(lines[-4:], ["0027", "5", "64", "128"],
                      "umask, nice, rlimits")


def test_what_environment_says_counts():
    """Once each, and before what the program would have otherwise."""
    port = free_port()
    with Daemon("system { services { service thing { port %d; %s %s "
                "exec /usr/bin/env; environment PATH /else/where; "
                "environment REMOTE_HOST me; environment A \"\"; "
                "environment A 1; environment A 2; } } }" % (
                    port, USER, BOTH)):
        with Connection(port) as client:
            lines = client.read_all()[0].decode().splitlines()
    for name, value in (("PATH", "/else/where"), ("REMOTE_HOST", "me"),
                        ("A", "2")):
        equal([n for n in lines if n.startswith(name + "=")],
              [name + "=" + value], "of %s" % name)
    check("PROTO=TCP" in lines, "what is not said: %s" % lines)


@needs_root
def test_rights_of_the_program():
    path = script("cat /proc/self/status; ls -l /proc/self/fd\n")
    with start(path) as daemon:
        lines = talk(daemon).decode().splitlines()
        status = dict(n.split(":", 1) for n in lines if ":\t" in n)
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            equal(status[name].strip(), "0" * 16, name)
        equal(set(status["Uid"].split()), {"65534"}, "uid")
        equal(status["Groups"].split(), ["65534"] if status[
            "Groups"].strip() else [], "groups")
        fds = [n for n in lines if "->" in n]
        # 0, 1, 2 and the one that ls itself has open.
        check(len(fds) <= 4, "descriptors: %s" % fds)
        check(sum("socket:" in n for n in fds) == 3, "0, 1, 2: %s" % fds)
    with start("/usr/bin/id -u", user="user root;") as daemon:
        equal(talk(daemon), b"0\n", "as root")
    with start("/usr/bin/id", user="user alice; group nogroup;") as daemon:
        answer = talk(daemon).decode()
        check("(alice)" in answer and "gid=65534" in answer, answer)


def test_stderr_is_an_event_and_not_the_peers():
    path = script("echo to the peer; printf 'a \\033[31mword\\n' >&2; "
                  "echo two >&2\n")
    with start(path) as daemon:
        equal(talk(daemon), b"to the peer\n", "what the peer read")
        event = daemon.wait("program-output", count=1)
        equal(event["service"], "thing", "service")
        daemon.wait("program-output", count=2)
        words = " ".join(e["text"] for e in daemon.of("program-output"))
        check("word" in words and "two" in words, words)
        check(all("\x1b" not in e.line for e in daemon.events),
              "an escape in the stream")
        accepted = daemon.wait("connection-accepted")
        equal(event.get("session"), accepted["session"], "session")


SPEAKER = """#!/usr/bin/python3
import os, socket, subprocess, sys
for line in sys.stdin:
    word, _, rest = line.strip().partition(" ")
    if word == "shut":
        socket.socket(fileno=os.dup(2)).shutdown(socket.SHUT_RDWR)
    elif word == "say":
        os.write(2, rest.encode() + b"\\n")
    elif word == "pieces":
        for part in rest.split() + ["\\n"]:
            os.write(2, part.encode())
    elif word == "big":
        os.write(2, b"x" * (int(rest) - 1) + b"\\n")
    elif word == "child":
        subprocess.run(["sh", "-c", "echo $0 >&2", rest], check=True)
    print("done", flush=True)
"""


def test_standard_error_is_each_connections_own():
    """As its attacker: a program that shuts its own silences no other."""
    path = write(unused(world.WORK + "/speaker"), SPEAKER, 0o755)
    with start(path) as daemon, Connection(daemon.port) as one, \
            Connection(daemon.port) as two:
        def tell(client, text):
            client.send(text.encode() + b"\n")
            client.read_until(b"done\n")

        tell(two, "say first")
        session = daemon.wait("program-output", text="first")["session"]
        tell(one, "shut")
        for number in range(3):
            tell(two, "say after-%d" % number)
            equal(daemon.wait("program-output", text="after-%d" % number)[
                "session"], session, "whose")
        # One line is one event, by however many writes.
        tell(two, "pieces one two three")
        daemon.wait("program-output", text="onetwothree", session=session)
        # A line that is longer than an event goes on in the next.
        before = len(daemon.of("program-output"))
        tell(two, "big 300000")
        tell(two, "say behind")
        daemon.wait("program-output", text="behind")
        long = daemon.of("program-output")[before:-1]
        equal({len(e["text"]) for e in long[:-1]}, {4096}, "its pieces")
        equal(sum(len(e["text"]) for e in long), 299999, "all of it")
        # And the words of a child that is gone are the connection's.
        tell(two, "child gone-at-once")
        daemon.wait("program-output", text="gone-at-once", session=session)
        one.half_close()
        two.half_close()
        daemon.wait("session-closed", count=2)
        daemon.idle()


def test_the_last_words_of_many_that_end_at_once():
    path = script("echo $REMOTE_PORT >&2")
    with start(path, "connection-limit 250; rate-limit 250;") as daemon:
        for _ in range(50):
            equal(talk(daemon), b"", "what the peer read")
        daemon.wait("session-closed", count=50)
        daemon.wait("program-output", count=50)
        equal({e["session"]: e["text"]
               for e in daemon.of("program-output")},
              {e["session"]: e["source-port"]
               for e in daemon.of("connection-accepted")}, "whose words")


def test_a_failed_exec_is_told_with_its_errno():
    """Of a program that was there when its service began."""
    for number, wanted in ((0, "ENOENT"), (1, "EACCES"), (2, "ENOEXEC")):
        path = write(unused(world.WORK + "/program"), "#!/bin/sh\n", 0o755)
        with start(path) as daemon:
            if number == 0:
                os.unlink(path)
            elif number == 1:
                os.chmod(path, 0o644)
            else:
                write(path, "\x7fnothing", 0o755)
            talk(daemon)
            event = daemon.wait("worker-failed")
            equal((event.get("errno"), event.get("step")), (wanted, "exec"),
                  event.line)
            daemon.wait("session-closed")
            daemon.idle()


@needs_root
def test_a_step_before_the_exec_is_named():
    """The kernel lets nobody have more descriptors than fs.nr_open."""
    with open("/proc/sys/fs/nr_open", encoding="ascii") as file:
        more = int(file.read()) + 1
    with start("/bin/cat", "rlimit nofile 64 %d;" % more) as daemon:
        talk(daemon)
        event = daemon.wait("worker-failed")
        equal((event.get("errno"), event.get("step")), ("EPERM", "setrlimit"),
              event.line)
        daemon.wait("session-closed")
        daemon.idle()


# A sleep of this run's alone: an ordinary user's runs see the whole host.
SLEEP = "sleep %d" % (100000 + os.getpid())


def lingering():
    return [p for p in processes.everyone() if p.words[:2] == SLEEP.split()]


def test_the_rest_of_the_group_ends_with_its_leader():
    path = script(SLEEP + " >/dev/null 2>&1 <&1 &\necho up\n")
    with start(path, "connection-limit 1;") as daemon:
        with Connection(daemon.port) as client:
            client.read_until(b"up\n")
            daemon.wait("session-closed")
            daemon.idle()
            wait_until(lambda: not lingering(), "the sleep to be ended")
        equal(talk(daemon), b"up\n", "the slot is free")
        # Before that it may be none yet, and a daemon that is stopped ends
        # nobody.
        daemon.wait("session-closed", count=2)
        daemon.idle()
        wait_until(lambda: not lingering(), "the second sleep's end")


def test_what_a_program_leaves_is_counted_and_told_once():
    path = script(2 * (SLEEP + " >/dev/null 2>&1 </dev/null &\n") +
                  "echo up\n")
    with start(path) as daemon:
        for number in (1, 2):
            equal(talk(daemon), b"up\n", "the program")
            closed = daemon.wait("session-closed", count=number)
            equal((closed.get("killed"), closed["exit"]), ("2", "0"),
                  closed.line)
        told = [e for e in daemon.of("warning", service="thing")
                if "`detach`" in e["reason"]]
        equal(len(told), 1, "warnings")
        check("2 processes" in told[0]["reason"], told[0].line)
        wait_until(lambda: not lingering(), "the sleeps' end")
        daemon.idle()
    # One that ends alone says nothing of it.
    with start(script("echo up\n")) as daemon:
        talk(daemon)
        check("killed" not in daemon.wait("session-closed"), "killed")
        equal(daemon.of("warning", service="thing"), [], "warnings")


FORKS = """#!/usr/bin/python3
import os, socket
listener = socket.socket(fileno=0)
data, peer = listener.recvfrom(65536)
parent = os.getpid()
if os.fork() == 0:
    # Its parent has ended, and been waited for, when another has its place.
    while os.getppid() == parent:
        pass
    listener.sendto(data.upper(), peer)
"""


@limit(60)
def test_a_server_that_forks_and_returns_answers_from_its_child():
    """tftpd's shape: of udp, what is left lives on."""
    path = write(unused(world.WORK + "/forks"), FORKS, 0o755)
    port = free_port()
    with Daemon("system { services { service thing { port %d; protocol udp4; "
                "%s exec \"%s\"; listen-address 127.0.0.1; } } }" % (
                    port, USER, path)) as daemon:
        equal(ask_udp(port, b"hello"), b"HELLO", "the child's answer")
        equal(daemon.wait("session-closed").get("killed"), None, "killed")
        equal(daemon.of("warning", service="thing"), [], "warnings")


SELF = """#!/usr/bin/python3
import socket
me = socket.socket(fileno=0)
print(me.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), flush=True)
"""


def test_keepalive_is_on_unless_no_keepalive_says_so():
    path = write(unused(world.WORK + "/self"), SELF, 0o755)
    for statement, wanted in (("", b"1\n"), ("no-keepalive;", b"0\n")):
        with start(path, statement) as daemon:
            equal(talk(daemon), wanted, "SO_KEEPALIVE with " + statement)


def test_program_name_is_argv0():
    with start("/bin/sleep 100", "program-name in.sleepd;") as daemon, \
            Connection(daemon.port):
        daemon.wait("connection-accepted")
        wait_until(lambda: [p for p in processes.below(daemon.pid)
                            if p.words == ["in.sleepd", "100"]],
                   "a process whose argv is exactly `in.sleepd 100`")


def test_standard_error_may_be_the_peers():
    path = script("echo out; echo err >&2\n")
    with start(path, "standard-error connection;") as daemon:
        equal(talk(daemon), b"out\nerr\n", "what the peer read")
        daemon.wait("session-closed")
        equal(daemon.of("program-output"), [], "program-output")


def test_session_timeout_ends_a_program_and_its_group():
    path = script("%s &\necho up\n%s\n" % (SLEEP, SLEEP))
    with start(path, "session-timeout 1; connection-limit 2;") as daemon:
        with Connection(daemon.port) as first, \
                Connection(daemon.port) as second:
            for client in (first, second):
                client.read_until(b"up\n")
            for client in (first, second):
                equal(client.read_all()[0], b"", "until the end")
            closed = daemon.wait("session-closed", count=2)
            equal((closed["exit"], closed["reason"]),
                  ("SIGKILL", "session-timeout"), closed.line)
            check(int(closed["duration-ms"]) >= 1000, closed.line)
        equal(daemon.of("worker-failed"), [], "failures")
        wait_until(lambda: not lingering(), "the sleeps' end")
        daemon.idle()


def test_protocol_tcp6_listens_on_one_family():
    port = free_port()
    with Daemon("system { services { service thing { port %d; protocol tcp6; "
                "%s exec /bin/cat; } } }" % (port, USER)) as daemon:
        daemon.port = port
        equal(talk(daemon, b"x\n", "::1"), b"x\n", "over IPv6")
        equal([r["family"] for r in daemon.show("services")], ["inet6"],
              "rows")


def test_detach_leaves_the_rest_alone():
    path = script(SLEEP + " >/dev/null 2>&1 </dev/null &\necho up\n")
    with start(path, "connection-limit 1; detach;") as daemon:
        equal(talk(daemon), b"up\n", "first")
        daemon.wait("session-closed")
        equal(talk(daemon), b"up\n", "second")
        daemon.wait("session-closed", count=2)
        left = lingering()
        equal(len(left), 2, "processes that were left")
        for process in left:
            os.kill(process.pid, 9)


def test_exit_status_and_signal():
    for text, wanted in (("exit 3\n", "3"), ("kill -9 $$\n", "SIGKILL"),
                         ("exit 0\n", "0")):
        with start(script(text)) as daemon:
            talk(daemon)
            equal(daemon.wait("session-closed")["exit"], wanted, "exit")


def test_connection_limit_and_a_silent_refusal():
    with start("/bin/cat", "connection-limit 2;") as daemon:
        held = [Connection(daemon.port) for _ in range(2)]
        daemon.wait("connection-accepted", count=2)
        with Connection(daemon.port) as third:
            third.send(b"hello\n")
            equal(third.read_all(), (b"", "eof"), "what the refused saw")
            daemon.wait("connection-refused", reason="connection-limit")
        for client in held:
            client.send(b"x\n").read_until(b"x\n")
            client.close()
        daemon.idle()


def test_wait_gives_the_listener_one_program_at_a_time():
    path = write(unused(world.WORK + "/waiter"), """#!/usr/bin/python3
import os, socket
listener = socket.socket(fileno=0)
for _ in range(3):
    peer, _ = listener.accept()
    peer.sendall(b"%d\\n" % os.getpid())
    peer.close()
""", 0o755)
    with start(path, wait="yes") as daemon:
        pids = [talk(daemon) for _ in range(6)]
        equal(len(set(pids[:3])), 1, "programs of the first three: %s" % pids)
        equal(len(set(pids[3:])), 1, "programs of the others: %s" % pids)
        check(pids[0] != pids[3], "a second program was not started")
        daemon.wait("session-closed", count=2)
        equal(len(daemon.of("connection-accepted")), 2, "starts")
        daemon.idle()


def test_a_program_that_keeps_a_port_taken_away_is_told():
    path = write(unused(world.WORK + "/keeper"), """#!/usr/bin/python3
import socket
listener = socket.socket(fileno=0)
while True:
    peer, _ = listener.accept()
    peer.sendall(b"here\\n")
    peer.close()
""", 0o755)
    with start(path, wait="yes") as daemon:
        equal(talk(daemon), b"here\n", "the program")
        session = daemon.wait("connection-accepted")["session"]
        daemon.configure("")
        equal(daemon.cli("reload").returncode, 0, "reload")
        told = daemon.wait("warning", service="thing")["reason"]
        check("still has the socket of port %d of 127.0.0.1" % daemon.port in
              told and "`portreeve clear session %s`" % session in told,
              "what it says: %s" % told)
        equal(talk(daemon), b"here\n", "the program that was told of")
        equal(daemon.cli("clear", "session", session).returncode, 0, "clear")
        wait_until(lambda: ("inet", daemon.port) not in
                   processes.listeners(), "the port to close")
        equal(len(daemon.of("warning", service="thing")), 1, "warnings")


def ask_udp(port, data, host="127.0.0.1"):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.connect((host, port))
        client.send(data)
        ask_udp.port = client.getsockname()[1]
        return client.recv(65536)


ECHO_UDP = """#!/usr/bin/python3
import socket
listener = socket.socket(fileno=0, family=%s, type=socket.SOCK_DGRAM)
listener.settimeout(%s)
try:
    while True:
        data, peer = listener.recvfrom(65536)
        listener.sendto(data.upper(), peer)
        if not %s:
            break
except TimeoutError:
    pass
"""


@limit(60)
def test_udp_wait():
    path = write(unused(world.WORK + "/udp"), ECHO_UDP % (
        "socket.AF_INET", "1", "True"), 0o755)
    port = free_port()
    daemon = Daemon(
        "system { services { service thing { port %d; protocol udp; wait yes; "
        "%s exec \"%s\"; listen-address 127.0.0.1; } } }" % (
            port, USER, path))
    with daemon:
        for word in (b"one", b"two", b"three"):
            equal(ask_udp(port, word), word.upper(), "the answer")
        equal(len(daemon.of("connection-accepted")), 1, "starts")
        daemon.wait("session-closed")
        equal(ask_udp(port, b"again"), b"AGAIN", "a second start")
        daemon.wait("session-closed", count=2)
        daemon.idle()


def test_udp_nowait():
    path = write(unused(world.WORK + "/udp"), ECHO_UDP % (
        "socket.AF_INET6", "5", "False"), 0o755)
    port = free_port()
    daemon = Daemon(
        "system { services { service thing { port %d; protocol udp; wait no; "
        "%s exec \"%s\"; listen-address ::1; } } }" % (port, USER, path))
    with daemon:
        for word in (b"one", b"two"):
            equal(ask_udp(port, word, "::1"), word.upper(), "the answer")
            daemon.wait("connection-accepted", source="::1",
                        source_port=ask_udp.port)
        daemon.wait("session-closed", count=2)
        daemon.idle()


def test_a_flood_of_stderr_starves_nobody():
    path = script("i=0; while [ $i -lt 20000 ]; do echo $i >&2; "
                  "i=$((i+1)); done; echo done\n")
    with start(path) as daemon:
        with Connection(daemon.port) as client:
            equal(client.read_until(b"done\n"), b"done\n", "the program")
        daemon.wait("session-closed", timeout=40)
        check(len(daemon.of("program-output")) <= 20000, "events")
        daemon.idle()


if __name__ == "__main__":
    main()
