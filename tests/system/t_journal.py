#!/usr/bin/python3
"""The stream of events has a reader that does not read: no connection waits
for it, and what was dropped is counted."""
import fcntl
import os
import time

from portreeve_test import (BOTH, Daemon, Event, check, equal, finger,
                            free_port, limit, main, processes, wait_until, world)

CONNECTIONS = 6000
F_SETPIPE_SZ = 1031


def start():
    port = free_port()
    reader, writer = os.pipe()
    fcntl.fcntl(writer, F_SETPIPE_SZ, 4096)
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
        lines = read_while(daemon, reader)
        events = [Event(n) for n in lines]
        seen = sum(e["event"] in ("connection-accepted", "session-closed")
                   for e in events)
        dropped = sum(int(e["count"]) for e in events
                      if e["event"] == "events-dropped")
        check(dropped > 0, "nothing was dropped in %d lines" % len(lines))
        check(seen + dropped >= 2 * CONNECTIONS,
              "%d seen and %d dropped of %d" % (seen, dropped,
                                               2 * CONNECTIONS))
        check(seen + dropped <= 2 * CONNECTIONS + 100,
              "more dropped than there were: %d and %d of %d" % (
                  seen, dropped, 2 * CONNECTIONS))
    finally:
        daemon.kill_all()
        os.close(reader)


def read_while(daemon, reader):
    """Reads until a connection made meanwhile is in the stream."""
    data = b""
    port = None
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            piece = os.read(reader, 65536)
            data += piece
            if piece:
                continue
            break
        except BlockingIOError:
            pass
        if port is None or data.count(b"session-closed") == 0:
            port = port or daemon.port
        if data.endswith(b"\n") and b"events-dropped" in data and \
                processes.alive(daemon.pid):
            # A new event, so that the last ones before it are flushed.
            finger(daemon.port, b"x\r\n")
            time.sleep(0.3)
            try:
                data += os.read(reader, 1 << 20)
            except BlockingIOError:
                pass
            break
        finger(daemon.port, b"x\r\n")
        time.sleep(0.05)
    check(data.endswith(b"\n"), "a torn line at the end")
    return data.decode().splitlines()


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
