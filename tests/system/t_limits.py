#!/usr/bin/python3
"""connection-limit and rate-limit: below, at and above, for each family, and
what a refused peer sees."""
import socket
import time

from harness import (BOTH, Connection, Daemon, LINE, check, equal, finger,
                     free_port, limit, main, needs_root, processes, wait_until)


def start(limits, above=""):
    port = free_port()
    daemon = Daemon("system { services { %s finger { port %d; %s %s } } }" %
                    (above, port, BOTH, limits))
    daemon.port = port
    return daemon


def accepted(daemon, host="127.0.0.1"):
    """A connection that the daemon says it accepted, held open."""
    client = Connection(daemon.port, host)
    daemon.wait("connection-accepted", source_port=client.port)
    return client


def refused(daemon, reason, host="127.0.0.1"):
    """One that it refuses, though the peer speaks before it listens."""
    with Connection(daemon.port, host) as client:
        client.send(b"alice\r\n")
        answer, ending = client.read_all()
        equal((answer, ending), (LINE, "eof"), "what the refused peer saw")
        event = daemon.wait("connection-refused", source_port=client.port)
    equal(event["reason"], reason, "reason")
    return event


def test_connection_limit_at_and_above_for_each_family():
    with start("connection-limit 3;") as daemon:
        held = {}
        for host, family in (("127.0.0.1", "inet"), ("::1", "inet6")):
            held[family] = [accepted(daemon, host) for _ in range(3)]
            equal(refused(daemon, "connection-limit", host)["family"],
                  family, "family")
        rows = {r["family"]: r for r in daemon.show("services")}
        for row in rows.values():
            equal((row["sessions"], row["connection-limit"],
                   row["accepted"], row["refused"]), (3, 3, 3, 1),
                  "counts of " + row["family"])
        gone = held["inet"].pop()
        gone.close()
        daemon.closed(gone)
        held["inet"].append(accepted(daemon))
        refused(daemon, "connection-limit", "::1")
        refused(daemon, "connection-limit")
        for client in held["inet"] + held["inet6"]:
            client.close()
        daemon.wait("session-closed", count=7)
        daemon.idle()
        accepted(daemon).close()


def test_rate_limit_at_and_above_for_each_family():
    with start("rate-limit 5;") as daemon:
        for host in ("127.0.0.1", "::1"):
            for _ in range(5):
                answer, ending = finger(daemon.port, b"x\r\n", host)
                equal(ending, "eof", "end")
                check(answer != LINE, "refused below the limit")
            for _ in range(3):
                refused(daemon, "rate-limit", host)
        for row in daemon.show("services"):
            equal((row["rate-limit"], row["accepted"], row["refused"]),
                  (5, 5, 3), "counts of " + row["family"])


@limit(120)
def test_rate_window_is_sixty_seconds_and_refusals_spend_none():
    with start("rate-limit 2;") as daemon:
        first = time.monotonic()
        finger(daemon.port, b"x\r\n")
        finger(daemon.port, b"x\r\n")
        while True:
            asked = time.monotonic()
            answer, ending = finger(daemon.port, b"x\r\n")
            equal(ending, "eof", "end")
            if answer != LINE:
                break
            check(asked - first < 63, "refused %.1f s after the first" %
                  (asked - first))
            time.sleep(0.5)
        check(time.monotonic() - first >= 60,
              "accepted again after %.1f s" % (asked - first))
        check(len(daemon.of("connection-refused", reason="rate-limit")) > 20,
              "hardly any attempt was refused")


def test_connection_limit_is_asked_first_and_spends_no_rate():
    with start("connection-limit 1; rate-limit 2;") as daemon:
        client = accepted(daemon)
        for _ in range(4):
            refused(daemon, "connection-limit")
        client.close()
        daemon.closed(client)
        daemon.idle()
        accepted(daemon).close()
        daemon.idle()
        refused(daemon, "rate-limit")


def test_defaults():
    with start("") as daemon:
        for row in daemon.show("services"):
            equal((row["connection-limit"], row["rate-limit"]), (75, 150),
                  "defaults of " + row["family"])


def test_extended_limits():
    with start("connection-limit 300; rate-limit 70000;",
               "extended-limits;") as daemon:
        clients = [Connection(daemon.port) for _ in range(300)]
        daemon.wait("connection-accepted", count=300, timeout=40)
        refused(daemon, "connection-limit")
        for client in clients:
            client.close()
        daemon.wait("session-closed", count=300, timeout=40)
        daemon.idle()


def test_flood_is_refused_without_a_hang():
    with start("connection-limit 1;") as daemon:
        held = accepted(daemon)
        start_time = time.monotonic()
        sockets = [Connection(daemon.port) for _ in range(200)]
        for client in sockets:
            data, _ = client.read_all()
            check(data in (b"", LINE), "a refused peer got %r" % data)
            client.close()
        check(time.monotonic() - start_time < 20, "the flood hung")
        daemon.wait("connection-refused", count=200)
        check(held.silent(), "the one that was served was hurt")
        held.close()
        daemon.closed(held)
        accepted(daemon).close()


@needs_root
def test_a_refused_peer_that_never_closes_holds_nothing():
    with start("connection-limit 1;") as daemon:
        held = accepted(daemon)
        clients = [Connection(daemon.port) for _ in range(5)]
        daemon.wait("connection-refused", count=5)
        for client in clients:
            equal(client.read_until(LINE), LINE, "the line")
        wait_until(lambda: processes.connections(
            daemon.role("master").pid) == 0,
            "the master to let go of refused peers")
        for client in clients + [held]:
            client.close()


def test_mapped_peer_is_ipv4():
    with socket.socket(socket.AF_INET6) as listener:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(("::", 0))
        listener.listen(64)
        port = listener.getsockname()[1]
        daemon = Daemon(
            "system { services { finger { port %d; listen-address ::; "
            "connection-limit 1; } } }" % free_port(),
            env={"LISTEN_FDS": "1", "LISTEN_FDNAMES": "finger"},
            wrapper=["sh", "-c", 'exec 3<&%d; LISTEN_PID=$$ exec "$@"' %
                     listener.fileno(), "sh"],
            popen={"pass_fds": [listener.fileno()]})
        # The shell execs the daemon, so that its pid is the daemon's.
        words, daemon.wrapper = daemon.argv(), []
        daemon.argv = lambda: words
        daemon.port = port
        with daemon:
            four = accepted(daemon)
            equal(daemon.wait("connection-accepted",
                              source_port=four.port)["family"], "inet",
                  "family of a mapped peer")
            equal(daemon.wait("connection-accepted",
                              source_port=four.port)["source"], "127.0.0.1",
                  "its source")
            six = accepted(daemon, "::1")
            equal(refused(daemon, "connection-limit")["family"], "inet",
                  "family")
            equal(refused(daemon, "connection-limit", "::1")["family"],
                  "inet6", "family")
            four.close()
            six.close()


if __name__ == "__main__":
    main()
