"""Many sources on one host: every address of 198.18.0.0/15 and of 2001:db8::/32
is the test's network namespace's own, and none is loopback."""
import subprocess

from . import Connection, Daemon, LINE, equal, free_port

SERVER, SERVER6 = "198.18.0.1", "2001:db8::1"


def address(n):
    return "198.18.%d.%d" % (1 + n // 250, 1 + n % 250)


def start(kind, statements="", more="", **rest):
    """A daemon of one service on addresses that are not loopback."""
    for words in (("addr", "replace", "198.18.0.0/15"),
                  ("-6", "addr", "replace", SERVER6 + "/32", "nodad"),
                  ("-6", "route", "replace", "local", "2001:db8::/32")):
        subprocess.run(["ip"] + list(words) + ["dev", "lo"], check=True)
    with open("/proc/sys/net/ipv6/ip_nonlocal_bind", "w",
              encoding="ascii") as file:
        file.write("1")
    port = free_port()
    daemon = Daemon("system { services { %s { port %d; listen-address [ %s %s "
                    "127.0.0.1 ]; %s } %s } }" % (
                        kind, port, SERVER, SERVER6, statements, more),
                    **rest)
    daemon.port = daemon.telnet = port
    return daemon


def come(daemon, source, host=SERVER):
    """(connection, None) or (None, reason), as the daemon says it."""
    client = Connection(daemon.port, host, source=source)
    event = daemon.wait(("connection-accepted", "connection-refused"),
                        source=source, source_port=client.port)
    if event["event"] == "connection-accepted":
        return client, None
    if event["reason"] != "no-resources":
        equal(client.read_all(), (LINE, "eof"), "what is seen")
    client.close()
    return None, event["reason"]


def fill(daemon, source, host=SERVER):
    """(what it holds, why it gets no more)."""
    held = []
    while True:
        client, reason = come(daemon, source, host)
        if reason:
            return held, reason
        held.append(client)


def release(daemon, held):
    for client in held:
        client.close()
    daemon.idle()
