#!/usr/bin/python3
"""The stream of events has a reader that does not read: no connection waits
for it, and what was dropped is counted."""
import os
import select
import socket
import time

from harness import (BOTH, Connection, Daemon, Event, check, equal, finger,
                     free_port, limit, main, wait_until, world)

CONNECTIONS = 6000


def start():
    port = free_port()
    # No pipe: the daemon makes that as large as it may.
    reader, writer = (s.detach() for s in socket.socketpair())
    daemon = Daemon(
        "system { services { extended-limits; finger { port %d; %s "
        "rate-limit 1000000; } } }" % (port, BOTH),
        popen={"stderr": writer})
    daemon.port = port
    daemon.launch()
    os.close(writer)
    return daemon, reader


def answers(port):
    try:
        return finger(port, b"x\r\n")[0]
    except OSError:
        return None


@limit(180)
def test_a_reader_that_does_not_read():
    daemon, reader = start()
    try:
        wait_until(lambda: answers(daemon.port), "the first answer")
        slowest = 0.0
        for _ in range(CONNECTIONS):
            begin = time.monotonic()
            answer, ending = finger(daemon.port, b"x\r\n")
            slowest = max(slowest, time.monotonic() - begin)
            check(answer and ending == "eof", "an answer: %r" % answer)
        check(slowest < 3, "one connection took %.1f s" % slowest)
        equal(daemon.cli("show", "services").returncode, 0, "show services")
        memory = {name: int(p.status["VmRSS"].split()[0]) for name, some in
                  daemon.roles().items() for p in some}
        check(max(memory.values()) < 100000 or world.is_sanitized(),
              "memory in KiB: %s" % memory)

        # Now it is read: what is there, and how much is not.
        os.set_blocking(reader, False)
        lines, made = read_while(daemon, reader)
        events = [Event(n) for n in lines]
        seen = sum(e["event"] in ("connection-accepted", "session-closed")
                   for e in events)
        dropped = sum(int(e["count"]) for e in events
                      if e["event"] == "events-dropped")
        check(dropped > 0, "nothing was dropped in %d lines" % len(lines))
        check(seen + dropped >= 2 * CONNECTIONS,
              "%d seen and %d dropped of %d" % (seen, dropped,
                                               2 * CONNECTIONS))
        # The first one, those made while reading, and the few events that
        # are of no connection.
        most = 2 * (CONNECTIONS + made + 1) + 5
        check(seen + dropped <= most, "more dropped than there were: %d and "
              "%d of %d" % (seen, dropped, most))
    finally:
        daemon.kill_all()
        os.close(reader)


def read_while(daemon, reader):
    """Reads until the loss is told and the last connection's end is there;
    (lines, connections made meanwhile)."""
    data, made, last = b"", 0, 0
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            data += os.read(reader, 1 << 20)
            continue
        except BlockingIOError:
            pass
        closed = b"event=session-closed service=finger family=inet " \
            b"source=127.0.0.1 source-port=%d " % last
        if b"events-dropped" in data and closed in data:
            break
        with Connection(daemon.port) as client:
            last = client.port
            client.send(b"x\r\n").read_all()
        made += 1
        select.select([reader], [], [], 1)
    check(data.endswith(b"\n"), "a torn line at the end")
    return data.decode().splitlines(), made


def test_a_reader_that_goes_away():
    daemon, reader = start()
    try:
        wait_until(lambda: answers(daemon.port), "the first answer")
        os.close(reader)
        for _ in range(50):
            check(answers(daemon.port), "an answer")
        equal(daemon.cli("show", "services").returncode, 0, "show services")
    finally:
        daemon.kill_all()


if __name__ == "__main__":
    main()
