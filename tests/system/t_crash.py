#!/usr/bin/python3
"""A thousand workers that crash: each connection is closed in the books, none
is lost or counted twice, and the service answers on."""
import os
import signal

from harness import (BOTH, Connection, Daemon, check, equal, finger, free_port,
                     limit, main, needs_root, processes, wait_until)

ROUNDS, AT_A_TIME = 25, 40


def start():
    port = free_port()
    daemon = Daemon(
        "system { services { extended-limits; finger { port %d; %s "
        "connection-limit 200; rate-limit 100000; } } }" % (port, BOTH))
    daemon.port = port
    return daemon


def crash(daemon, clients):
    """Kills the worker of each; True when every one had a worker."""
    ports = {c.port for c in clients}
    rows = wait_until(
        lambda: (lambda r: r if len(r) == len(clients) else None)(
            [r for r in daemon.show("sessions")
             if r["source-port"] in ports and r["pid"]]),
        "a pid for each of %d sessions" % len(clients))
    for row in rows:
        os.kill(row["pid"], signal.SIGSEGV)


@needs_root
@limit(300)
def test_a_thousand_crashes():
    with start() as daemon:
        descriptors = None
        for turn in range(ROUNDS):
            clients = [Connection(daemon.port) for _ in range(AT_A_TIME)]
            count = (turn + 1) * AT_A_TIME
            daemon.wait("connection-accepted", count=count, timeout=30)
            crash(daemon, clients)
            for client in clients:
                client.read_all()
                client.close()
            daemon.wait("session-closed", count=count, timeout=30,
                        exit="SIGSEGV")
            if turn == 2:
                daemon.idle()
                descriptors = counted(daemon)
        total = ROUNDS * AT_A_TIME
        equal(len(daemon.of("connection-accepted")), total, "accepted")
        equal(len(daemon.of("session-closed")), total, "closed")
        equal(len(daemon.of("worker-failed", signal="SIGSEGV")), total,
              "worker-failed")
        equal(len({e["session"] for e in daemon.of("session-closed")}),
              total, "sessions that were closed")
        daemon.idle()
        wait_until(lambda: counted(daemon) <= descriptors + 4,
                   "no more descriptors than after 3 rounds: %d then, %s" % (
                       descriptors, [len(processes.descriptors(p.pid))
                                     for p in daemon.roles()["master"]]))
        wait_until(lambda: len(daemon.roles().get("zygote finger", [])) == 1,
                   "one zygote")
        check(finger(daemon.port, b"x\r\n")[0], "no answer")


def counted(daemon):
    """Descriptors of the roles that stay."""
    return sum(len(processes.descriptors(daemon.role(name).pid))
               for name in ("monitor", "master", "audit"))


@needs_root
def test_a_crash_retires_the_zygote_and_spares_the_others():
    with start() as daemon:
        wait_until(lambda: daemon.roles().get("zygote finger"), "a zygote")
        old = daemon.role("zygote finger").pid
        one, two = Connection(daemon.port), Connection(daemon.port)
        daemon.wait("connection-accepted", count=2)
        crash(daemon, [one])
        one.read_all()
        daemon.wait("session-closed", source_port=one.port, exit="SIGSEGV")
        check(two.silent(), "another connection was hurt")
        wait_until(lambda: [p for p in daemon.roles()["zygote finger"]
                            if p.pid != old], "another zygote")
        check(finger(daemon.port, b"x\r\n")[0], "no answer meanwhile")
        two.send(b"nobodyatall\r\n")
        answer, ending = two.read_all()
        check(answer and ending == "eof", "the other connection: %r" % answer)
        wait_until(lambda: not processes.alive(old), "the old one's end")
        daemon.idle()


@needs_root
def test_every_signal_is_named():
    with start() as daemon:
        for number in (signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT,
                       signal.SIGTERM):
            client = Connection(daemon.port)
            daemon.wait("connection-accepted", source_port=client.port)
            row = wait_until(lambda: [
                r for r in daemon.show("sessions")
                if r["source-port"] == client.port and r["pid"]], "a pid")[0]
            os.kill(row["pid"], number)
            closed = daemon.closed(client)
            equal(closed["exit"], number.name, "exit")
            equal(daemon.wait("worker-failed", session=row["id"])["signal"],
                  number.name, "signal")
            client.close()


if __name__ == "__main__":
    main()
