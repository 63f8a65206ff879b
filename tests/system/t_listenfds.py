#!/usr/bin/python3
"""Descriptors handed over by a service manager, by name, and what the daemon
tells it."""
import os
import signal
import socket

from harness import (BOTH, Connection, Daemon, check, equal, finger, free_port,
                     main, processes, unused, wait_until, world)


def listener(host="127.0.0.1", port=0):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind((host, port))
    sock.listen(64)
    return sock


def handed(daemon, sockets, env=None):
    """Gives it those (name, socket) from descriptor 3 on."""
    fds = [s.fileno() for _, s in sockets]
    shift = "".join("exec %d<&%d; " % (100 + n, fd)
                    for n, fd in enumerate(fds))
    shift += "".join("exec %d<&%d; " % (3 + n, 100 + n)
                     for n in range(len(fds)))
    shift += "".join("exec %d<&-; " % (100 + n) for n in range(len(fds)))
    words = ["bash", "-c", shift + 'LISTEN_PID=$$ exec "$@"', "bash"] + \
        daemon.argv()
    daemon.argv = lambda: words
    daemon.env.update(LISTEN_FDS=str(len(fds)),
                      LISTEN_FDNAMES=":".join(n for n, _ in sockets))
    daemon.env.update(env or {})
    daemon.popen["pass_fds"] = fds
    return daemon


def test_by_name_and_only_for_its_family():
    four = listener()
    own, port = free_port(), four.getsockname()[1]
    with four, handed(Daemon(
            "system { services { finger { port %d; listen-address 127.0.0.1; "
            "listen-address ::1; } } }" % own), [("finger", four)]) as daemon:
        check(finger(port, b"x\r\n")[0], "on the socket handed over")
        check(finger(own, b"x\r\n", "::1")[0], "the other family's own")
        check(("inet", own) not in processes.listeners() or
              not world.INSIDE, "its own binding of that family is there too")
        rows = {(r["family"], r["port"]) for r in daemon.show("services")}
        equal(rows, {("inet", port), ("inet6", own)}, "show services")
        # The statement says another one for that family: told at the start.
        warning = daemon.wait("warning", service="finger")
        check("port %d" % port in warning["reason"] and
              "port %d" % own in warning["reason"], warning.line)
        equal(len(daemon.of("warning", service="finger")), 1, "warnings")


def test_one_of_both_families():
    """It serves both, counts each, and nothing of ours is bound against it;
    that the statements say another port is told."""
    both = socket.socket(socket.AF_INET6)
    both.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    both.bind(("::", 0))
    both.listen(64)
    own, port = free_port(), both.getsockname()[1]
    text = "system { services { finger { port %d; %s } } }"
    with both, handed(Daemon(text % (port, "")), [("finger", both)]) as daemon:
        for host, family in (("127.0.0.1", "inet"), ("::1", "inet6")):
            check(finger(port, b"x\r\n", host)[0], "by " + family)
            daemon.wait("connection-accepted", family=family)
        equal(daemon.of("listener-failed"), [], "listeners that failed")
        equal(daemon.of("warning", service="finger"), [], "warnings")
        equal([(r["family"], r["address"], r["port"], r["accepted"], r["state"])
               for r in daemon.show("services")],
              [("inet", "0.0.0.0", port, 1, "listening"),
               ("inet6", "::", port, 1, "listening")], "show services")
        daemon.configure(text % (own, ""))
        for _ in range(2):
            equal(daemon.cli("reload").returncode, 0, "reload")
        warning = daemon.wait("warning", service="finger")
        check("port %d" % port in warning["reason"] and
              "port %d" % own in warning["reason"], warning.line)
        equal(len(daemon.of("warning", service="finger")), 1, "warnings")
        check(finger(port, b"x\r\n")[0], "it holds")


def test_check_asks_for_what_the_running_daemon_was_given():
    some, other = listener(), listener()
    own, port = free_port(), some.getsockname()[1]
    text = "system { services { finger { port %d; listen-address 127.0.0.1; " \
        "} } }"
    with some, other, handed(Daemon(text % port), [
            ("finger", some), ("telnet", other)]) as daemon:
        def said():
            done = daemon.cli("check", daemon.file)
            equal(done.returncode, 0, "check: " + done.stderr)
            return done.stderr.splitlines()

        told = said()
        equal(len(told), 1, "of what is as stated: %s" % told)
        check("telnet" in told[0] and "no active statement" in told[0],
              told[0])
        daemon.configure(text % own)
        told = said()
        equal(len(told), 2, "of another port: %s" % told)
        check([n for n in told if n.startswith(daemon.file + ":1:") and
               "port %d" % own in n and "port %d" % port in n], told)
        equal(daemon.of("warning", service="finger"), [], "before a reload")
        # Once for each: reloads do not repeat it.
        for _ in range(2):
            equal(daemon.cli("reload").returncode, 0, "reload")
        equal(len(daemon.of("warning", service="finger")), 1, "of the port")
        equal(len(daemon.of("warning", service="telnet")), 1, "of telnet")
        daemon.stop()
        equal(said(), [], "without a daemon")


def test_one_that_nobody_wants_is_told_and_closed():
    some = listener()
    own, port = free_port(), some.getsockname()[1]
    with some, handed(Daemon(
            "system { services { finger { port %d; listen-address 127.0.0.1; "
            "} } }" % own), [("telnet", some)]) as daemon:
        wait_until(lambda: [e for e in daemon.events if "telnet" in e.line],
                   "a word at the start")
        with Connection(port) as client:
            equal(client.read_all(), (b"", "eof"), "what the peer saw")
            event = daemon.wait("connection-refused",
                                source_port=client.port)
        equal((event["reason"], event["service"]),
              ("not-configured", "telnet"), "the event")
        check(finger(own, b"x\r\n")[0], "the service that is wanted")


def test_a_descriptor_that_is_no_listener():
    one, two = socket.socketpair()
    with one, two:
        daemon = handed(Daemon("system { services { finger { port %d; "
                               "listen-address 127.0.0.1; } } }" %
                               free_port()), [("finger", one)])
        daemon.launch()
        try:
            wait_until(lambda: daemon.of("ready") or
                       daemon.child.poll() is not None, "a start or an end")
            daemon.join() if daemon.child.poll() is not None else None
            check(daemon.tail(), "not a word")
        finally:
            daemon.kill_all()


def test_listen_pid_of_another_is_ignored():
    some = listener()
    own = free_port()
    with some:
        daemon = Daemon("system { services { finger { port %d; "
                        "listen-address 127.0.0.1; } } }" % own)
        daemon.env.update(LISTEN_FDS="1", LISTEN_FDNAMES="finger",
                          LISTEN_PID="1")
        with daemon:
            check(finger(own, b"x\r\n")[0], "its own binding")


def answers(port):
    try:
        return finger(port, b"x\r\n")[0]
    except OSError:
        return None


def test_what_the_service_manager_hears():
    path = unused(world.WORK + "/notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        os.chmod(path, 0o777)
        manager.settimeout(20)

        def until(word):
            said = []
            while True:
                said += manager.recv(8192).decode().splitlines()
                if [n for n in said if n.startswith(word)]:
                    return said
        port = free_port()
        daemon = Daemon("system { services { finger { port %d; "
                        "listen-address 127.0.0.1; } } }" % port,
                        env={"NOTIFY_SOCKET": path,
                             "WATCHDOG_USEC": "2000000"})
        with daemon:
            said = until("READY=1")
            check([n for n in said if n.startswith("STATUS=")], "a status")
            check(finger(port, b"x\r\n")[0], "it accepts when it says ready")
            until("WATCHDOG=1")
            daemon.configure("system { services { finger { port %d; "
                             "listen-address 127.0.0.1; list-users; } } }" %
                             port)
            equal(daemon.cli("reload").returncode, 0, "reload")
            said = until("RELOADING=1")
            if "READY=1" not in said:
                until("READY=1")
            # A master that stands still is no watchdog's delight: it is
            # killed for it, and the manager hears again from the next.
            mark = daemon.mark()
            os.kill(daemon.role("master").pid, signal.SIGSTOP)
            daemon.wait("role-restarted", after=mark, role="master",
                        timeout=30)
            until("WATCHDOG=1")
            wait_until(lambda: answers(port), "an answer")
            daemon.stop()
            until("STOPPING=1")


def test_the_status_names_what_waits_while_it_waits():
    path = unused(world.WORK + "/notify")
    port = free_port()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, \
            socket.socket() as busy:
        manager.bind(path)
        os.chmod(path, 0o777)
        manager.settimeout(20)
        busy.bind(("127.0.0.1", port))
        busy.listen()
        waiting = "waiting for finger 127.0.0.1 port %d" % port

        def status():
            said = ""
            while "STATUS=" not in said:
                said = manager.recv(8192).decode()
            return said
        with Daemon("system { services { finger { port %d; %s } } }" % (
                port, BOTH), env={"NOTIFY_SOCKET": path}):
            said = status()
            check("READY=1" in said and waiting in said, said)
            busy.close()
            said = status()
            check(said.startswith("STATUS=Serving finger") and
                  "waiting" not in said, said)


if __name__ == "__main__":
    main()
