#!/usr/bin/python3
"""Configuration changes under load: nothing is refused or reset, listeners
that a change does not name are the same sockets, bad files change nothing."""
import os
import resource
import signal
import socket

from harness.load import Load
from harness import (BOTH, Connection, Daemon, check, equal, finger, free_port,
                     limit, main, processes, wait_until)


def text(port, limits="", more=""):
    return ("system { services { extended-limits; finger { port %d; %s "
            "connection-limit 1000; rate-limit 1000000; %s } %s } }" % (
                port, BOTH, limits, more))


def start():
    port = free_port()
    daemon = Daemon(text(port))
    daemon.port = port
    return daemon


@limit(90)
def test_under_load_nothing_is_refused_or_reset():
    other = free_port()
    with start() as daemon:
        inodes = processes.listeners()
        with Load(daemon.port) as load:
            for turn in range(12):
                mark = daemon.mark()
                more = "service other { port %d; protocol tcp; wait no; " \
                    "user nobody; exec \"/bin/echo up\"; %s }" % (
                        other, BOTH) if turn % 2 and os.geteuid() == 0 else ""
                daemon.configure(text(daemon.port, "list-users;" if turn % 3
                                      else "show-details;", more))
                if turn % 2:
                    os.kill(daemon.pid, signal.SIGHUP)
                else:
                    done = daemon.cli("reload")
                    equal((done.returncode, done.stderr), (0, ""), "reload")
                daemon.wait("configuration-applied", after=mark)
                load.more(60, wait_until)
        equal(load.bad(), 0, "clients that felt it: %s" % load.outcomes)
        now = processes.listeners()
        for family in ("inet", "inet6"):
            equal(now[family, daemon.port], inodes[family, daemon.port],
                  "the listener's inode")
        equal(daemon.of("connection-refused"), [], "refused")
        daemon.idle()


def warnings(daemon, after):
    """What they say, without the place in the file."""
    return sorted(e["reason"].split(": ", 2)[-1]
                  for e in daemon.of("warning", after=after)
                  if e["reason"].startswith(daemon.file))


def reloaded(daemon, words):
    mark = daemon.mark()
    daemon.configure(words)
    equal(daemon.cli("reload").returncode, 0, "reload")
    daemon.wait("configuration-applied", after=mark)
    return warnings(daemon, mark)


def test_a_warning_is_given_once_for_each_change():
    port, clear = free_port(), free_port()
    ftp = "ftp { port %d; listen-address 127.0.0.1; }" % free_port()
    # Beyond loopback passwords travel in clear.
    telnet = "telnet { port %d; listen-address 0.0.0.0; }" % clear
    one, two = text(port, more=ftp), text(port, more=ftp + telnet)
    with Daemon(one) as daemon:
        first = warnings(daemon, 0)
        check(first and all("ftp" in w for w in first), "at the start: %s" %
              first)
        equal(reloaded(daemon, one), [], "the same again")
        equal(reloaded(daemon, "# a line more\n\n\n" + one), [],
              "the same, further down")
        second = reloaded(daemon, two)
        check(second and not set(first) & set(second), "the new ones: %s" %
              second)
        # What is refused changes nothing, nor what was said.
        mark = daemon.mark()
        daemon.configure(two + "nonsense;")
        equal(daemon.cli("reload").returncode, 1, "reload of nonsense")
        equal(warnings(daemon, mark), [], "with what is refused")
        equal(reloaded(daemon, two), [], "the same after that")
        equal(reloaded(daemon, one), [], "one less")
        equal(reloaded(daemon, two), second, "it came again")
        for _ in range(2):
            said = daemon.cli("check", daemon.file).stderr
            equal(sorted(line.split(": warning: ")[1]
                         for line in said.splitlines()),
                  sorted(first + second), "check says all")


def quiet(daemon, *flags):
    """Its lines on standard error, as a service manager has them: without
    -d; after a reload, and a death of its zygote."""
    words = [w for w in daemon.argv() if w != "-d"] + list(flags)
    daemon.argv = lambda: words
    daemon.launch()

    def answers():
        try:
            return finger(daemon.port, b"x\r\n")[0]
        except OSError:
            return None
    try:
        wait_until(answers, "the first answer")
        equal(daemon.cli("reload").returncode, 0, "reload")
        before = daemon.roles()["zygote finger"][0].pid
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: [p for p in daemon.roles().get("zygote finger", ())
                            if p.pid != before] and answers(),
                   "another zygote")
        os.kill(daemon.pid, signal.SIGTERM)
        equal(daemon.child.wait(30), 0, "exit status")
        daemon.join()
    finally:
        daemon.kill_all()
    return daemon.noise


def test_lines_for_developers_need_v():
    """Without it nothing is said besides events: each warning would be in
    the journal twice."""
    port = free_port()
    config = text(port, more="ftp { listen-address 127.0.0.1; }")
    for flags, wanted in (((), False), (("-v",), True)):
        daemon = Daemon(config)
        daemon.port = port
        said = quiet(daemon, *flags)
        for word in (" up (pid ", "ended: ", ": warning: "):
            equal(any(word in line for line in said), wanted,
                  "%r in %s" % (word, said))


def is_running(daemon):
    """Its listeners, and what it says of itself."""
    return ({at: inode for at, inode in processes.listeners().items()
             if at[1] == daemon.port}, daemon.show("services"),
            daemon.cli("show", "configuration").stdout)


def test_a_bad_file_changes_nothing():
    with start() as daemon:
        with Connection(daemon.port) as client:
            daemon.wait("connection-accepted")
            before = is_running(daemon)
            for bad in ("system { services { fingre; } }",
                        "system { services { finger { port 1; } ",
                        "system { services { finger { rate-limit 0; } } }"):
                mark = daemon.mark()
                daemon.configure(bad)
                done = daemon.cli("reload")
                equal(done.returncode, 1, "status of reload")
                check(daemon.file in done.stderr, "the reason: %s" %
                      done.stderr)
                event = daemon.wait("configuration-rejected", after=mark)
                check("reason" in event, "a reason in " + event.line)
                mark = daemon.mark()
                os.kill(daemon.pid, signal.SIGHUP)
                daemon.wait("configuration-rejected", after=mark)
            os.chmod(daemon.configure(text(daemon.port, "list-users;")).file,
                     0o666)
            equal(daemon.cli("reload").returncode, 1,
                  "a file that others can write")
            equal(is_running(daemon), before, "what is running")
            client.send(b"nobodyatall\r\n")
            check(client.read_all()[0], "an established session")


def test_limits_change_at_once_and_counts_stay():
    with start() as daemon:
        held = [Connection(daemon.port) for _ in range(3)]
        daemon.wait("connection-accepted", count=3)
        daemon.configure(
            "system { services { finger { port %d; %s connection-limit 3; } "
            "} }" % (daemon.port, BOTH))
        equal(daemon.cli("reload").returncode, 0, "reload")
        with Connection(daemon.port) as client:
            client.read_all()
            daemon.wait("connection-refused", reason="connection-limit",
                        source_port=client.port)
        rows = [r for r in daemon.show("services") if r["family"] == "inet"]
        equal((rows[0]["sessions"], rows[0]["connection-limit"]), (3, 3),
              "sessions and limit")
        for client in held:
            client.send(b"nobodyatall\r\n")
            check(client.read_all()[0], "a session from before")
            client.close()
        daemon.idle()


@limit(120)
def test_a_limit_that_grows_has_room_for_all():
    """Also where it needs a longer state file than the old one did; and for
    the next master, which reads it."""
    resource.setrlimit(resource.RLIMIT_NOFILE,
                       (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    port, count = free_port(), 1500
    with Daemon(text(port).replace("1000;", "1;", 1)) as daemon:
        file = daemon.run + "/state/master"
        before = os.stat(file).st_size
        daemon.configure(text(port).replace("1000;", "%d;" % count, 1))
        equal(daemon.cli("reload").returncode, 0, "reload")
        check(os.stat(file).st_size > before, "the file is as it was")
        clients = [Connection(port) for _ in range(count)]
        daemon.wait("connection-accepted", count=count, timeout=60)
        equal(daemon.of("connection-refused"), [], "refused")
        # What waits for a zygote that starts goes down with the master.
        wait_until(lambda: len(daemon.roles().get("worker finger", ())) >=
                   count, "a worker for each", 60)
        mark = daemon.mark()
        os.kill(daemon.role("master").pid, signal.SIGKILL)
        daemon.wait("role-restarted", after=mark, role="master")
        wait_until(lambda: daemon.sessions() == count, "the count", 30)
        for client in clients:
            client.close()
        daemon.wait("session-closed", count=count, timeout=60)
        daemon.idle()


def test_rate_windows_outlive_a_reload():
    with start() as daemon:
        config = "system { services { finger { port %d; %s rate-limit 3; " \
            "%%s } } }" % (daemon.port, BOTH)
        daemon.configure(config % "")
        equal(daemon.cli("reload").returncode, 0, "reload")
        for _ in range(3):
            finger(daemon.port, b"x\r\n")
        daemon.configure(config % "list-users;")
        equal(daemon.cli("reload").returncode, 0, "reload")
        finger(daemon.port, b"x\r\n")
        daemon.wait("connection-refused", reason="rate-limit")


def test_a_service_that_goes_keeps_its_sessions():
    with start() as daemon:
        with Connection(daemon.port) as client:
            daemon.wait("connection-accepted")
            daemon.configure("")
            equal(daemon.cli("reload").returncode, 0, "reload")
            wait_until(lambda: ("inet", daemon.port) not in
                       processes.listeners(), "the listener to close")
            client.send(b"nobodyatall\r\n")
            answer, ending = client.read_all()
            check(answer and ending == "eof", "its session: %r" % answer)
            daemon.closed(client)
        daemon.configure(text(daemon.port))
        equal(daemon.cli("reload").returncode, 0, "reload")
        check(finger(daemon.port, b"x\r\n")[0], "the service that came back")


def test_a_port_moves_and_the_other_family_does_not():
    other = free_port()
    with start() as daemon:
        inode = processes.listeners()["inet6", daemon.port]
        daemon.configure(
            "system { services { finger { port %d; listen-address ::1; } "
            "} }" % daemon.port)
        equal(daemon.cli("reload").returncode, 0, "reload")
        wait_until(lambda: ("inet", daemon.port) not in
                   processes.listeners(), "IPv4's listener to go")
        equal(processes.listeners()["inet6", daemon.port], inode, "inode")
        daemon.configure(text(other))
        equal(daemon.cli("reload").returncode, 0, "reload")
        check(finger(other, b"x\r\n")[0], "the new port")
        wait_until(lambda: ("inet6", daemon.port) not in
                   processes.listeners(), "the old port to go")


def test_a_busy_port_in_a_change_is_told():
    port = free_port()
    with start() as daemon, socket.socket() as busy:
        busy.bind(("127.0.0.1", port))
        busy.listen()
        daemon.configure(text(daemon.port, "", (
            "service other { port %d; protocol tcp; wait no; "
            "listen-address 127.0.0.1; exec \"/bin/echo up\"; %s }" % (
                port, "user nobody;" if os.geteuid() == 0 else ""))))
        mark = daemon.mark()
        daemon.cli("reload")
        wait_until(lambda: [e for e in daemon.events[mark:]
                            if str(port) in e.line], "a word on the port")
        check(finger(daemon.port, b"x\r\n")[0], "the service beside it")


def test_reload_while_reloading():
    with start() as daemon:
        mark = daemon.mark()
        for turn in range(30):
            daemon.configure(text(daemon.port, "list-users;" * (turn % 2)))
            os.kill(daemon.pid, signal.SIGHUP)
        equal(daemon.cli("reload").returncode, 0, "reload")
        daemon.wait("configuration-applied", after=mark)
        check(finger(daemon.port, b"x\r\n")[0], "no answer")
        wait_until(lambda: len(daemon.roles().get("zygote finger", [])) == 1,
                   "one zygote in the end")


if __name__ == "__main__":
    main()
