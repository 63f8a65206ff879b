#!/usr/bin/python3
"""Whom a service takes: allow-source, deny-source, per-source, reserve; and
what the daemon says of it, by `portreeve explain`."""
import json

from harness import (Connection, Daemon, authorize, check, equal, key, limit,
                     main, needs, needs_root, one_service, ssh_start, world)
from harness.sources import SERVER, SERVER6, address, come, fill, release, start


def explain(daemon, source, service):
    """(verdict's line, {rule: (verdict, detail)}), by both forms."""
    done = daemon.cli("explain", source, service)
    equal((done.returncode, done.stderr), (0, ""), "explain")
    line = done.stdout.splitlines()[0]
    done = daemon.cli("explain", source, service, "--json")
    rows = json.loads(done.stdout)
    equal(set(rows[0]), {"rule", "verdict", "detail"}, "the columns")
    equal(rows[0]["rule"], "all", "the first row")
    check(rows[0]["verdict"] in line, "%s, and %s" % (line, rows[0]))
    return line, {row["rule"]: (row["verdict"], row["detail"])
                  for row in rows[1:]}


def rejected(text, *words):
    """A configuration that check refuses, in these words."""
    daemon = Daemon(text)
    done = daemon.cli("check", daemon.file)
    equal(done.returncode, 1, "check of %s" % text)
    for word in words:
        check(word in done.stderr, "%r in %s" % (word, done.stderr))


def test_lists_that_are_wrong():
    def finger(words):
        return "system { services { finger { %s } } }" % words
    rejected(finger("allow-source 192.0.2.1/24;"), ":1:43: error: ",
             "its network is 192.0.2.0/24")
    rejected(finger("deny-source 2001:db8::1/32;"),
             "its network is 2001:db8::/32")
    for text in ("192.0.2.0/33", "::/129"):
        rejected(finger("allow-source %s;" % text), "more than 32 bits")
    for text in ("host.example", "192.0.2", "192.0.2.0/", "192.0.2.0/x",
                 "192.0.2.0/08", "fe80::1%lo"):
        rejected(finger('allow-source "%s";' % text), "is not a network")
    rejected(finger("reserve { slots 2; }"), "no `source`")
    rejected(finger("reserve { source 192.0.2.0/24; }"), "no `slots`")
    rejected(finger("connection-limit 5; "
                    "reserve { slots 5; source 192.0.2.0/24; }"),
             "leave none for other sources")
    rejected("system { services { service a { port 7; protocol udp; "
             "exec /bin/cat; allow-source 192.0.2.0/24; } } }",
             "accepts by itself (`wait yes`)")
    for text in ("30", "30:30", "30:30:20", "0:30:60", "30:101:60", "a:b:c"):
        rejected("system { services { protection { early-drop-range %s; } } }"
                 % text, "is not START:RATE:FULL")
    rejected("system { services { protection { exempt ::1; no-exempt; } } }",
             "contradicts")


def test_no_list_is_for_everybody():
    with one_service("finger") as daemon:
        line, rules = explain(daemon, "192.0.2.7", "finger")
        equal(line, "192.0.2.7 to finger (inet): allowed", "the verdict")
        equal(list(rules), ["access", "penalty", "connection-limit",
                            "reserved", "source-limit", "early-drop",
                            "rate-limit", "source-rate"], "the rules")
        equal({v for v, _ in rules.values()}, {"allowed"}, rules)
        equal(rules["source-limit"][1],
              "0 connected; from 57 of 75 on, fewer than 4", "a detail")
        for words, status in ((("explain", "x", "finger"), 2),
                              (("explain", "192.0.2.7"), 2),
                              (("explain", "192.0.2.7", "nope"), 1)):
            done = daemon.cli(*words)
            equal(done.returncode, status, "%s: %s" % (words, done.stderr))
            equal(len(done.stderr.splitlines()), 1, done.stderr)


@needs_root
@needs("ip")
@limit(120)
def test_the_longest_network_decides():
    with start("finger", "allow-source [ 198.18.0.0/16 2001:db8:1::/48 ]; "
               "deny-source [ 198.18.1.0/24 198.18.1.4/32 ]; "
               "allow-source [ 198.18.1.2 198.18.1.4/32 ];") as daemon:
        for source, host, wanted in (
                ("198.18.2.1", SERVER, None),
                ("198.18.1.3", SERVER, "access"),
                ("198.18.1.2", SERVER, None),
                ("198.18.1.4", SERVER, "access"),
                ("198.19.0.1", SERVER, "access"),
                ("2001:db8:1::7", SERVER6, None),
                ("2001:db8:2::7", SERVER6, "access")):
            client, reason = come(daemon, source, host)
            equal(reason, wanted, "from %s" % source)
            line, rules = explain(daemon, source, "finger")
            family = "inet6" if ":" in source else "inet"
            equal(line, "%s to finger (%s): %s" % (
                source, family, "refused, reason=access" if wanted
                else "allowed"), "explain")
            equal(rules["access"][0], "refused" if wanted else "allowed",
                  "the rule")
            if client:
                client.close()
        # Loopback is held to it as well: only the rest is exempt.
        client = Connection(daemon.port)
        daemon.wait("connection-refused", source_port=client.port,
                    reason="access")
        client.close()
        # A reload changes who may come, and nothing of who is there.
        held, _ = come(daemon, "198.18.2.1")
        with open(daemon.file, encoding="ascii") as file:
            text = file.read()
        daemon.configure(text.replace("198.18.0.0/16", "198.19.0.0/16"))
        equal(daemon.cli("reload").returncode, 0, "reload")
        equal(come(daemon, "198.18.2.1")[1], "access", "after the reload")
        equal(daemon.sessions("finger"), 1, "who was there")
        held.send(b"nobody-here\r\n")
        check(held.read_all()[0], "and is answered")


@needs_root
@needs("ip", "ssh", "sshd")
@limit(120)
def test_who_reloads_is_told_of_being_locked_out():
    """By a terminal, and where there is none, by sshd's variable; of ssh and
    of nobody whose source is still taken."""
    with start("ssh") as daemon:
        with open(daemon.file, encoding="ascii") as file:
            text = file.read()
        pair = key()
        authorize("root", pair)
        words = "%s/portreeve -r %s reload" % (world.BUILD, daemon.run)
        for more, told in (("allow-source 198.18.0.0/15;", False),
                           ("deny-source 198.18.1.2;", True)):
            session = {form: ssh_start(
                daemon.port, "root", host=SERVER, identity=pair,
                command="echo up; read x; %s" % words,
                options=("BindAddress=" + address(1),) + form)
                for form in (("RequestTTY=force",), ())}
            daemon.configure(text.replace("listen-address",
                                          more + " listen-address", 1))
            for form, client in session.items():
                output, error = client.communicate(b"x\n", timeout=60)
                equal(client.returncode, 0, (output, error))
                equal(b"ssh refuses 198.18.1.2 from now on" in output, told,
                      "%s, with %s: %r" % (more, form, output))
        equal(daemon.cli("reload").stdout, "", "of who is not logged in")


@needs_root
@needs("ip")
@limit(120)
def test_what_is_reserved_is_for_its_sources():
    with start("telnet", "connection-limit 44; rate-limit 220; "
               "reserve { slots 4; source 198.19.0.0/24; }") as daemon:
        held = []
        for n in range(8):
            got, reason = fill(daemon, address(n))
            held += got
            if reason == "reserved":
                break
            check(reason in ("source-limit", "early-drop"), reason)
        equal(reason, "reserved", "the end of it")
        equal(len(held), 40, "others have all but 4")
        check("the last 4 of 44 are for others" in
              explain(daemon, address(99), "telnet")[1]["reserved"][1],
              "explain")
        # Its own are held back by nothing but the limit.
        mine, reason = fill(daemon, "198.19.0.7")
        equal((len(mine), reason), (4, "connection-limit"), "the rest")
        release(daemon, held + mine)


@needs_root
@needs("ip")
@limit(120)
def test_a_share_of_the_rate_is_reserved():
    with start("finger", "connection-limit 20; rate-limit 20; "
               "reserve { slots 5; source 198.19.0.0/24; }") as daemon:
        reasons = []
        for n in range(16):
            client, reason = come(daemon, address(n))
            reasons.append(reason)
            if client:
                client.close()
        equal(reasons, [None] * 15 + ["reserved"], "others have 15 of 20")
        for _ in range(5):
            client, reason = come(daemon, "198.19.0.7")
            equal(reason, None, "its own")
            client.close()
        equal(come(daemon, "198.19.0.7")[1], "rate-limit", "the 21st")


@needs_root
@needs("ip")
@limit(120)
def test_per_source_is_exact():
    with start("finger", "per-source { connection-limit 3; rate-limit 5; }"
               ) as daemon:
        held, reason = fill(daemon, address(1))
        equal((len(held), reason), (3, "source-limit"), "of one source")
        check("3 of 3 connected" in
              explain(daemon, address(1), "finger")[1]["source-limit"][1],
              "explain")
        for client in held:
            client.close()
        daemon.idle()
        held, reason = fill(daemon, address(1))
        equal((len(held), reason), (2, "source-rate"), "in one minute")
        other, reason = come(daemon, address(2))
        equal(reason, None, "another source")
        release(daemon, held + [other])


@needs_root
@needs("ip")
@limit(120)
def test_a_service_may_differ():
    with start("telnet", "connection-limit 40; "
               "protection { source-limit; no-early-drop; }",
               "protection { no-source-limit; inet-prefix 24; "
               "exempt 198.18.3.0/24; }") as daemon:
        held, reason = fill(daemon, "198.18.2.1")
        equal((len(held), reason), (30, "source-limit"), "one source")
        equal(come(daemon, "198.18.2.9")[1], "source-limit", "its network")
        mine, reason = fill(daemon, "198.18.3.1")
        equal((len(mine), reason), (10, "connection-limit"), "exempt")
        mine.pop().close()
        daemon.wait("session-closed", count=1)
        # Another prefix: everybody is counted anew, and nothing is lost.
        with open(daemon.file, encoding="ascii") as file:
            text = file.read()
        daemon.configure(text.replace("inet-prefix 24", "inet-prefix 32"))
        equal(daemon.cli("reload").returncode, 0, "reload")
        equal(come(daemon, "198.18.2.1")[1], "source-limit", "the same")
        client, reason = come(daemon, "198.18.2.9")
        equal(reason, None, "its neighbour")
        release(daemon, held + mine + [client])
        equal(explain(daemon, "198.18.2.1", "telnet")[1]["source-limit"][1],
              "0 not logged in; from 30 of 40 on, fewer than 4", "at the end")


if __name__ == "__main__":
    main()
