#!/usr/bin/python3
"""The bounds of ssh's statements, and what a stranger may send before login:
what sshd tells of itself to one who only asks."""
import json
import os
import re
import struct
import subprocess

from harness import (Connection, PASSWORDS, authorize, check, equal, key,
                     limit, main, needs, needs_root, one_service, ssh, unused,
                     world, write)

SCHEMA = world.TOP + "/conf/schema.def"
NUMBERS = re.compile(r'STATEMENT\("([a-z-]+)", ([^"]*?), NUMBER\((\d+), (\d+)\)'
                     r'(.*?)HELP', re.S)
LIMIT = 128  # max-pre-authentication-packets where nothing is said


def verify(statements):
    """What portreeved -n says against a configuration of ssh."""
    path = write(unused(world.WORK + "/verify"),
                 "system { services { ssh { %s } } }" % statements)
    done = subprocess.run([world.BUILD + "/portreeved", "-n", "-c", path],
                          capture_output=True, text=True, check=False)
    return [line for line in done.stderr.splitlines() if ": error: " in line]


def numbers():
    """(opening of the block, name, least, most) of each number of ssh's."""
    with open(SCHEMA, encoding="utf-8") as file:
        text = file.read()
    for name, where, least, most, more in NUMBERS.findall(text):
        if "LISTENERS" in where or where == "IN(SSH)":
            yield "%s", name, int(least), int(most), "WIDE" in more
        elif where == "IN(REKEY)":
            yield "rekey { %s }", name, int(least), int(most), False


@needs_root
@needs("sshd")
def test_each_number_at_its_bounds_and_one_beyond():
    found = list(numbers())
    names = [name for _, name, _, _, _ in found]
    for name in ("connection-limit", "rate-limit", "client-alive-interval",
                 "client-alive-count-max", "max-sessions-per-connection",
                 "max-pre-authentication-packets", "data-limit", "time-limit"):
        check(name in names, "no %s in the schema" % name)
    # All that is in bounds, at once; what is beyond, each an error of its own.
    for place in (2, 3):
        equal(verify(" ".join(row[0] % ("%s %d;" % (row[1], row[place]))
                              for row in found)), [], "in bounds")
    for block, name, least, most, _ in found:
        for value in (least - 1, most + 1):
            said = verify(block % ("%s %d;" % (name, value)))
            check(len(said) == 1 and name in said[0] and
                  str(least) in said[0] and str(most) in said[0],
                  "%s %d: %s" % (name, value, said))


# --- packets before authentication ----------------------------------------------

#: RFC 4253, 6 and 11.2: SSH_MSG_IGNORE with an empty string.
IGNORE = struct.pack(">IBBI", 12, 6, 2, 0) + bytes(6)


class Stranger(Connection):
    """One who greets, and sends packets without encryption."""

    def __init__(self, daemon, packets):
        super().__init__(daemon.port)
        self.read_until(b"\n")
        self.send(b"SSH-2.0-stranger\r\n" + IGNORE * packets)

    def is_open(self):
        """Whether sshd, which has begun an exchange of keys, still waits."""
        self.socket.setblocking(False)
        try:
            while True:
                if not self.socket.recv(65536):
                    return False
        except BlockingIOError:
            return True
        except ConnectionResetError:
            return False
        finally:
            self.socket.settimeout(20)


def flooded(daemon, client, most):
    """Waits until that one is ended, and it is written why."""
    closed = daemon.closed(client)
    event = daemon.wait("warning", service="ssh")
    equal(event["reason"], "session %s sent more than %d packets before "
          "authentication (max-pre-authentication-packets)" % (
              closed["session"], most), "the warning")
    client.read_all()


@needs_root
@needs("sshd")
@limit(120)
def test_128_packets_pass_and_129_do_not():
    for statement, most in (("", LIMIT),
                            ("max-pre-authentication-packets 20;", 20)):
        with one_service("ssh", statement) as daemon:
            with Stranger(daemon, most) as first:
                with Stranger(daemon, most + 1) as second:
                    flooded(daemon, second, most)
                check(first.is_open(), "%d packets ended it" % most)
                equal(daemon.of("session-closed", source_port=first.port), [],
                      "its end")
                mark = daemon.mark()
                first.send(IGNORE)
                daemon.closed(first)
                equal(len(daemon.of("warning", after=mark, service="ssh")),
                      1, "warnings")
            daemon.idle("ssh")


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_logins_at_the_minimum_of_20_packets():
    pair, other = key(), key("other")
    authorize("alice", pair)
    with one_service("ssh", "max-pre-authentication-packets 20;") as daemon:
        ways = ({"identity": pair}, {"password": PASSWORDS["alice"][0]},
                {"password": PASSWORDS["alice"][0],
                 "methods": "keyboard-interactive"},
                {"identity": pair, "flags": ("-i", other)})
        for way in ways:
            done = ssh(daemon.port, "alice", **way)
            equal(done.returncode, 0, "%s: %s" % (way, done.stderr))
        daemon.wait("session-closed", count=len(ways))
        equal(daemon.of("warning", service="ssh"), [], "warnings")


# --- what it tells of itself ------------------------------------------------------

def audited(port):
    """What ssh-audit finds: {kex, key, enc, mac: [names]}."""
    done = subprocess.run(["ssh-audit", "--json", "-p", str(port),
                           "127.0.0.1"], capture_output=True, text=True,
                          timeout=60, check=False,
                          env=dict(os.environ, HOME=world.WORK))
    try:
        told = json.loads(done.stdout)
    except ValueError as error:
        raise AssertionError(done.stdout + done.stderr) from error
    if isinstance(told, list):
        told = told[0]
    check(told["banner"]["protocol"] in ([2, 0], "2.0"), told["banner"])

    def names(kind):
        return [one.get("algorithm", "") if isinstance(one, dict) else one
                for one in told[kind]]
    return {kind: names(kind) for kind in ("kex", "key", "enc", "mac")}


@needs_root
@needs("ssh-audit", "sshd")
@limit(120)
def test_ssh_audit_sees_what_was_stated():
    strong = ("ciphers [ chacha20-poly1305@openssh.com aes256-gcm@openssh.com "
              "]; macs [ hmac-sha2-512-etm@openssh.com ]; key-exchange "
              "curve25519-sha256; hostkey-algorithm { no-ssh-rsa; "
              "no-ssh-ecdsa; }")
    with one_service("ssh", strong) as daemon:
        told = audited(daemon.port)
        told["kex"] = [name for name in told["kex"] if "kex-strict" not in name]
        equal(told, {
            "kex": ["curve25519-sha256"], "key": ["ssh-ed25519"],
            "enc": ["chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com"],
            "mac": ["hmac-sha2-512-etm@openssh.com"]}, "what it offers")
    with one_service("ssh") as daemon:
        told = audited(daemon.port)
        for kind, word in (("enc", "cbc"), ("enc", "3des"), ("mac", "md5"),
                           ("kex", "group1-"), ("kex", "group14-sha1"),
                           ("key", "dss")):
            check(not [n for n in told[kind] if word in n],
                  "%s by default: %s" % (word, told[kind]))
        check(not [n for n in told["key"] if n == "ssh-rsa"],
              "SHA-1 signatures: %s" % told["key"])
        check("sntrup761x25519-sha512@openssh.com" in told["kex"],
              "no post-quantum exchange: %s" % told["kex"])


if __name__ == "__main__":
    main()
