#!/usr/bin/python3
"""What one source may have of a service, so that others can still come in."""
import os
import signal

from harness import (Connection, check, equal, limit, main, needs,
                     needs_root, ssh, wait_until)
from harness.logins import ALICE, Login
from harness.sources import SERVER, SERVER6, address, come, fill, release, start


@needs_root
@needs("ip")
@limit(120)
def test_one_source_leaves_a_quarter_of_the_slots():
    with start("telnet") as daemon:
        held, reason = fill(daemon, address(1))
        equal((len(held), reason), (57, "source-limit"), "one source")
        other, reason = come(daemon, address(2))
        equal(reason, None, "another source")
        with Login(daemon, "alice", host=SERVER, source=address(3)) as third:
            check("alice" in third.run("id"), "a login from a third")
        release(daemon, held + [other])


@needs_root
@needs("ip")
@limit(120)
def test_a_small_service_gives_exactly_its_limit():
    with start("telnet", "connection-limit 10;") as daemon:
        held, reason = fill(daemon, address(1))
        equal((len(held), reason), (10, "connection-limit"), "one source")
        release(daemon, held)


@needs_root
@needs("ip")
@limit(120)
def test_who_has_logged_in_is_not_counted():
    with start("telnet", "connection-limit 40;") as daemon:
        users = []
        for _ in range(6):
            user = Login(daemon, "alice", host=SERVER, source=address(1))
            user.run("true")
            users.append(user)
        held, reason = fill(daemon, address(1))
        # 6 of its 30 have logged in.
        equal((len(held), reason), (24, "source-limit"), "beside 6 users")
        release(daemon, held + users)


@needs_root
@needs("ip")
@limit(120)
def test_a_network_of_ipv6_is_one_source():
    with start("finger", "connection-limit 40;") as daemon:
        held = []
        for n in range(30):
            client, reason = come(daemon, "2001:db8:0:7::%x" % (n + 1),
                                  SERVER6)
            equal(reason, None, "connection %d" % n)
            held.append(client)
        equal(come(daemon, "2001:db8:0:7::ffff", SERVER6)[1], "source-limit",
              "the 31st of a /64")
        client, reason = come(daemon, "2001:db8:0:8::1", SERVER6)
        equal(reason, None, "another /64")
        release(daemon, held + [client])


@needs_root
@needs("ip")
@limit(120)
def test_the_last_of_the_rate_is_for_others():
    with start("finger", "rate-limit 40;") as daemon:
        for n in range(30):
            client, reason = come(daemon, address(1))
            equal(reason, None, "attempt %d" % n)
            client.close()
        equal(come(daemon, address(1))[1], "source-rate", "the 31st")
        for n in range(10):
            client, reason = come(daemon, address(2 + n // 4))
            equal(reason, None, "another's")
            client.close()
        equal(come(daemon, address(50))[1], "rate-limit", "the 41st of all")


@needs_root
@needs("ip")
@limit(180)
def test_a_crowd_before_login_is_thinned():
    with start("telnet", "connection-limit 60; rate-limit 250;") as daemon:
        held, n = [], 0
        while len(held) < 50:
            client, reason = come(daemon, address(n))
            check(reason in (None, "early-drop"), reason)
            held += [client] if client else []
            n += 1
        check(n > 50, "none was dropped on the way to 50 of 60")
        reasons = [come(daemon, address(500))[1] for _ in range(3)]
        check(None in reasons or set(reasons) == {"early-drop"}, reasons)
        # Loopback is exempt.
        client = Connection(daemon.port)
        daemon.wait("connection-accepted", source_port=client.port)
        release(daemon, held + [client])


@needs_root
@needs("ip")
@limit(120)
def test_each_can_be_turned_off():
    with start("telnet", "connection-limit 40;",
               "protection { no-source-limit; no-early-drop; }") as daemon:
        held, reason = fill(daemon, address(1))
        equal((len(held), reason), (40, "connection-limit"), "one source")
        release(daemon, held)
        # A reload brings it back.
        with open(daemon.file, encoding="ascii") as file:
            text = file.read()
        daemon.configure(text.replace("no-source-limit", "source-limit"))
        equal(daemon.cli("reload").returncode, 0, "reload")
        held, reason = fill(daemon, address(1))
        equal((len(held), reason), (30, "source-limit"), "after a reload")
        release(daemon, held)
    with start("finger", "rate-limit 40;",
               "protection { no-source-rate; }") as daemon:
        for n in range(40):
            client, reason = come(daemon, address(1))
            equal(reason, None, "attempt %d" % n)
            client.close()
        equal(come(daemon, address(1))[1], "rate-limit", "the 41st")


@needs_root
@needs("ip")
@limit(120)
def test_the_next_master_counts_the_same():
    with start("telnet") as daemon:
        held, reason = fill(daemon, address(1))
        equal((len(held), reason), (57, "source-limit"), "one source")
        mark = daemon.mark()
        os.kill(daemon.role("master").pid, signal.SIGKILL)
        daemon.wait("role-restarted", after=mark, role="master")
        wait_until(lambda: daemon.sessions("telnet") == 57, "the sessions")
        equal(come(daemon, address(1))[1], "source-limit", "the same source")
        other, reason = come(daemon, address(2))
        equal(reason, None, "another source")
        release(daemon, held + [other])


@needs_root
@needs("ip", "ssh", "sshd")
@limit(120)
def test_ssh_users_behind_one_address():
    with start("ssh") as daemon:
        held, reason = fill(daemon, address(1))
        equal((len(held), reason), (57, "source-limit"), "idle connections")
        done = ssh(daemon.port, "alice", host=SERVER, password=ALICE,
                   options=("BindAddress=" + address(2),))
        equal(done.returncode, 0, "another's login: %s" % done.stderr)
        done = ssh(daemon.port, "alice", host=SERVER, password=ALICE,
                   options=("BindAddress=" + address(1),))
        check(done.returncode != 0, "the crowd's source gets in")
        for client in held:
            client.close()


if __name__ == "__main__":
    main()
