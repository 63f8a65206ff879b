#!/usr/bin/python3
"""What ssh's statements do, seen by real clients: what is negotiated, which
keys and certificates let in, and what sshd is told in its own words."""
import itertools
import os
import re
import signal
import subprocess
import time

from harness import (BOTH, Daemon, PASSWORDS, authorize, check, clients, equal,
                     free_port, key, limit, main, needs, needs_root, ssh,
                     ssh_start, unused, wait_until, world, write)

CIPHERS = {name: name for name in (
    "3des-cbc", "aes128-cbc", "aes192-cbc", "aes256-cbc", "aes128-ctr",
    "aes192-ctr", "aes256-ctr", "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com")}
MACS = {name: name for name in [
    "umac-64@openssh.com", "umac-128@openssh.com",
    "umac-64-etm@openssh.com", "umac-128-etm@openssh.com"] + [
        mac + etm for etm in ("", "-etm@openssh.com") for mac in (
            "hmac-md5", "hmac-md5-96", "hmac-sha1", "hmac-sha1-96",
            "hmac-sha2-256", "hmac-sha2-512")]}
#: Ours, and what it is on the wire.
EXCHANGES = {
    "curve25519-sha256": "curve25519-sha256",
    "ecdh-sha2-nistp256": "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384": "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521": "ecdh-sha2-nistp521",
    "group-exchange-sha2": "diffie-hellman-group-exchange-sha256",
    "group-exchange-sha1": "diffie-hellman-group-exchange-sha1",
    "dh-group14-sha1": "diffie-hellman-group14-sha1",
    "dh-group1-sha1": "diffie-hellman-group1-sha1"}
LISTS = (("ciphers", "Ciphers", "cipher", CIPHERS),
         ("macs", "MACs", "mac", MACS),
         ("key-exchange", "KexAlgorithms", "kex", EXCHANGES))
ALOUD = ("-o", "LogLevel=DEBUG2")


def start(statements=""):
    port = free_port()
    daemon = Daemon("system { services { ssh { port %d; %s %s } } }" %
                    (port, BOTH, statements))
    daemon.port = port
    return daemon


def verify(statements):
    """(status, errors) of portreeved -n."""
    path = write(unused(world.WORK + "/verify"), "system { services { ssh { "
                 "port 2222; %s } } }" % statements)
    done = subprocess.run([world.BUILD + "/portreeved", "-n", "-c", path],
                          capture_output=True, text=True, check=False)
    return done.returncode, "\n".join(
        line for line in done.stderr.splitlines() if ": warning: " not in line)


def refused(statements, words):
    status, said = verify(statements)
    equal(status, 1, "accepted: " + statements)
    check(words in said, "not `%s` but: %s" % (words, said))


def installed(query):
    """What this OpenSSH has of one list."""
    return subprocess.run(["ssh", "-Q", query], capture_output=True,
                          text=True, check=True).stdout.split()


def alice(daemon, pair, options=(), **more):
    return ssh(daemon.port, "alice", identity=pair, flags=ALOUD,
               options=options, **more)


def negotiated(done):
    """{Ciphers, MACs, KexAlgorithms: what the client says was chosen}."""
    text = done.stderr.decode()
    kex = re.search(r"kex: algorithm: (\S+)", text)
    both = re.search(r"kex: server->client cipher: (\S+) MAC: (\S+)", text)
    return kex and both and {"KexAlgorithms": kex.group(1),
                             "Ciphers": both.group(1),
                             "MACs": both.group(2)}


# A MAC is chosen only with a cipher that does not authenticate.
def narrowed(keyword, word):
    narrow = [keyword + "=" + word]
    return narrow + ["Ciphers=aes256-ctr"] * (keyword == "MACs")


def groups():
    """Every word that this OpenSSH has in some login: {keyword: word}."""
    have = {keyword: sorted(set(words.values()) & set(installed(query)))
            for _, keyword, query, words in LISTS}
    alone = [c for c in have["Ciphers"] if "-gcm@" in c or "poly1305" in c]
    others = [c for c in have["Ciphers"] if c not in alone]
    exchanges = itertools.cycle(have["KexAlgorithms"])
    found = [{"Ciphers": c, "KexAlgorithms": next(exchanges)} for c in alone]
    for n in range(max(len(have["MACs"]), len(others),
                       len(have["KexAlgorithms"]))):
        found.append({"Ciphers": others[n % len(others)],
                      "MACs": have["MACs"][n % len(have["MACs"])],
                      "KexAlgorithms": next(exchanges)})
    return found


@needs_root
@needs("ssh", "sshd")
@limit(180)
def test_every_word_of_a_list_is_negotiated():
    pair = key()
    authorize("alice", pair)
    statements = ["%s [ %s ];" % (statement, " ".join(
        ours for ours, theirs in words.items() if theirs in installed(query)))
                  for statement, _, query, words in LISTS]
    with start(" ".join(statements)) as daemon:
        for group in groups():
            done = alice(daemon, pair, ["%s=%s" % w for w in group.items()])
            equal(done.returncode, 0, "%s: %s" % (
                group, done.stderr.decode()[-300:]))
            got = negotiated(done)
            for keyword, word in group.items():
                equal(got[keyword], word, keyword)


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_what_no_list_names_is_refused():
    pair = key()
    authorize("alice", pair)
    only = {"ciphers": "aes256-ctr", "macs": "hmac-sha2-512",
            "key-exchange": "ecdh-sha2-nistp256"}
    with start("".join("%s %s;" % item for item in only.items())) as daemon:
        for statement, keyword, query, words in LISTS:
            for ours, theirs in words.items():
                if theirs not in installed(query) or ours == only[statement]:
                    continue
                done = alice(daemon, pair, narrowed(keyword, theirs))
                equal(done.returncode, 255, "%s is let in" % theirs)
                check(b"no matching" in done.stderr, done.stderr)
        done = alice(daemon, pair)
        equal(negotiated(done), {"KexAlgorithms": "ecdh-sha2-nistp256",
                                 "Ciphers": "aes256-ctr",
                                 "MACs": "hmac-sha2-512"}, "by default")


def kinds(port):
    """Which kinds of host key there are to see."""
    done = subprocess.run(
        ["ssh-keyscan", "-p", str(port), "-t", "rsa,ecdsa,ed25519,dsa",
         "127.0.0.1"], capture_output=True, text=True, timeout=60, check=False)
    return sorted(line.split()[1] for line in done.stdout.splitlines()
                  if not line.startswith("#"))


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_host_keys_of_the_kinds_that_are_allowed():
    every = ["ecdsa-sha2-nistp256", "ssh-ed25519", "ssh-rsa"]
    with start() as daemon:
        equal(kinds(daemon.port), every, "by default")
    with start("hostkey-algorithm { ssh-rsa; no-ssh-ecdsa; }") as daemon:
        equal(kinds(daemon.port), every[1:], "without ecdsa")
    with start("hostkey-algorithm { no-ssh-ed25519; no-ssh-ecdsa; }"
               ) as daemon:
        equal(kinds(daemon.port), every[2:], "rsa only")
    refused("hostkey-algorithm { ssh-dss; }", "ssh_host_dsa_key: make it")
    refused("hostkey-algorithm { no-ssh-rsa; no-ssh-ecdsa; no-ssh-ed25519; }",
            "leaves no kind of host key")
    if "ssh-dss" not in installed("key"):
        return
    path = "/etc/ssh/ssh_host_dsa_key"
    subprocess.run(["ssh-keygen", "-q", "-t", "dsa", "-N", "", "-f", path],
                   check=True)
    try:
        with start("hostkey-algorithm { ssh-dss; }") as daemon:
            equal(kinds(daemon.port), sorted(every + ["ssh-dss"]), "with dss")
        with start() as daemon:
            equal(kinds(daemon.port), every, "a DSA key that nobody asked for")
    finally:
        os.unlink(path)
        os.unlink(path + ".pub")


def exchanges(done):
    return done.stderr.count(b"SSH2_MSG_NEWKEYS received")


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_keys_are_exchanged_anew_by_data():
    pair = key()
    authorize("alice", pair)
    for statement, more in (("", False), ("rekey { data-limit 51200; }", True)):
        with start(statement) as daemon:
            done = alice(daemon, pair,
                         command="head -c 500000 /dev/zero | wc -c; "
                                 "head -c 500000 /dev/zero")
            equal(len(done.stdout), 500007, "bytes")
            equal(exchanges(done) > 5, more, "%d exchanges with `%s`" % (
                exchanges(done), statement))


@needs_root
@needs("ssh", "sshd")
@limit(180)
def test_keys_are_exchanged_anew_by_time():
    pair = key()
    authorize("alice", pair)
    with start("rekey { time-limit 1; }") as daemon:
        # sshd looks at the time when it has something to send.
        done = alice(daemon, pair, timeout=120,
                     command="for i in $(seq 35); do echo; sleep 2; done")
        equal(exchanges(done), 2, "exchanges in 70 s")


@needs_root
@needs("ssh", "sshd")
def test_fingerprints_of_either_hash():
    pair = key()
    for statement, begin in (("", "SHA256:"),
                             ("fingerprint-hash md5;", "MD5:")):
        with start(statement) as daemon:
            equal(alice(daemon, pair).returncode, 255, "an unknown key")
            event = daemon.wait("auth-failure", user="alice",
                                method="publickey")
            check(event["key"].startswith(begin), event.line)


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_keys_by_a_command():
    pair, other = key(), key("other")
    folder = unused("/usr/local/portreeve-tests")
    os.mkdir(folder)
    try:
        script = write(folder + "/keys", "#!/bin/sh\n"
                       "test \"$1\" = alice && cat '%s/alice.pub'\n"
                       "id -un >>'%s/who'\n" % (folder, folder), 0o755)
        with open(pair + ".pub", encoding="ascii") as file:
            write(folder + "/alice.pub", file.read())
        write(folder + "/who", "", 0o666)
        statement = "authorized-keys-command %s;" % script
        refused(statement, "needs `authorized-keys-command-user NAME;`")
        refused(statement + "authorized-keys-command-user nobody-here;",
                "there is no such user on this host")
        statement += "authorized-keys-command-user bob;"
        with start(statement) as daemon:
            equal(alice(daemon, pair).returncode, 0, "alice by the command")
            equal(alice(daemon, other).returncode, 255, "another key")
            equal(ssh(daemon.port, "carol", identity=pair).returncode, 255,
                  "alice's key for another user")
            with open(folder + "/who", encoding="ascii") as file:
                equal(set(file.read().split()), {"bob"}, "it ran as")
        os.chmod(script, 0o757)
        refused(statement, "authorized-keys-command: " + script)
        os.chmod(script, 0o755)
        os.chmod(folder, 0o777)
        refused(statement, "authorized-keys-command: " + script)
        os.chmod(folder, 0o755)
        os.unlink(script)
        refused(statement, "No such file")
    finally:
        subprocess.run(["rm", "-r", folder], check=True)


class Authority:
    """One who signs, with the public key in a file of root's."""

    def __init__(self):
        self.key = key("ca")
        self.file = self.key + ".pub"

    def sign(self, pair, *words):
        """The pair's certificate, where ssh looks for it."""
        subprocess.run(["ssh-keygen", "-q", "-s", self.key, "-I", "tests"] +
                       list(words) + [pair + ".pub"], check=True)
        return pair + "-cert.pub"


def certified(daemon, pair, certificate, user="alice"):
    return ssh(daemon.port, user, identity=pair,
               options=("CertificateFile=" + certificate,)).returncode == 0


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_users_certificates():
    authority, pair = Authority(), key()
    statement = "trusted-user-ca-key-file %s;" % authority.file
    cases = ((("-n", "alice"), True), (("-n", "bob"), False), ((), False),
             (("-n", "alice", "-V", "-2d:-1d"), False),
             (("-n", "alice", "-V", "+1d:+2d"), False),
             (("-n", "alice", "-h"), False),
             (("-n", "bob,alice", "-V", "-1d:+1d"), True))
    with start(statement) as daemon:
        for words, works in cases:
            certificate = authority.sign(pair, *words)
            equal(certified(daemon, pair, certificate), works,
                  "signed with %s" % (words,))
        certificate = authority.sign(pair, "-n", "alice", "-z", "42")
        mark = daemon.mark()
        check(certified(daemon, pair, certificate), "alice")
        event = daemon.wait("auth-success", after=mark, user="alice")
        equal((event["certificate-id"], event["certificate-serial"]),
              ("tests", "42"), event.line)
        # Another signs now.
        with open(Authority().file, encoding="ascii") as file:
            write(authority.file, file.read())
        check(not certified(daemon, pair, certificate), "a CA withdrawn")


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_principals_by_file_and_command():
    authority, pair = Authority(), key()
    trust = "trusted-user-ca-key-file %s;" % authority.file
    certificate = authority.sign(pair, "-n", "operators")
    folder = unused("/var/etc")
    os.makedirs(folder + "/names")
    try:
        write(folder + "/names/alice", "operators\n")
        with start(trust + "authorized-principals-file names/%u;") as daemon:
            check(certified(daemon, pair, certificate), "by alice's file")
            check(not certified(daemon, pair, certificate, "bob"), "as bob")
        script = write(folder + "/principals", "#!/bin/sh\n"
                       "test \"$1\" = bob && echo operators\n"
                       "test \"$(id -un)\" = nobody || echo alice\n", 0o755)
        with start(trust + "authorized-principals-command %s;" % script
                   ) as daemon:
            check(certified(daemon, pair, certificate, "bob"), "by command")
            check(not certified(daemon, pair, certificate), "as alice")
        os.chmod(script, 0o775)
        refused(trust + "authorized-principals-command %s;" % script,
                "authorized-principals-command: " + script)
        refused(trust + "authorized-principals-file none;",
                "authorized-principals-file: /var/etc/none: No such file")
    finally:
        subprocess.run(["rm", "-r", folder], check=True)


@needs_root
@needs("sshd")
def test_a_file_without_a_key_is_no_authority():
    for text in ("", "# nobody yet\n", "ssh-ed25519 nonsense\n"):
        path = write(unused(world.WORK + "/ca.pub"), text)
        refused("trusted-user-ca-key-file %s;" % path, "has no public key")
    refused("trusted-user-ca-key-file /nowhere;", "No such file")
    path = Authority().file
    os.chmod(path, 0o666)
    refused("trusted-user-ca-key-file %s;" % path,
            "trusted-user-ca-key-file: " + path)


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_a_host_certificate():
    authority, pair = Authority(), key()
    authorize("alice", pair)
    host = key("host")
    with open("/etc/ssh/ssh_host_ed25519_key.pub", encoding="ascii") as file:
        write(host + ".pub", file.read())
    names = ("-n", "host.example,127.0.0.1,[127.0.0.1]")
    refused("host-certificate-file %s;" % authority.sign(host, *names),
            "is a user's certificate, not a host's")
    refused("host-certificate-file %s;" % authority.file, "is no certificate")
    other = authority.sign(key("other"), "-h", *names)
    refused("host-certificate-file %s;" % other,
            "certifies none of the host keys")
    certificate = authority.sign(host, "-h", *names)
    refused("host-certificate-file %s; hostkey-algorithm { no-ssh-ed25519; }"
            % certificate, "certifies none of the host keys")
    with open(authority.file, encoding="ascii") as file:
        known = write(unused(world.WORK + "/known"),
                      "@cert-authority * " + file.read())
    strict = ("-o", "StrictHostKeyChecking=yes", "-o",
              "UserKnownHostsFile=" + known, "-o", "HostKeyAlias=host.example")
    for statement, works in (("", False),
                             ("host-certificate-file %s;" % certificate, True),
                             ("host-certificate-file %s; hostkey-algorithm { "
                              "no-ssh-rsa; }" % certificate, True)):
        with start(statement) as daemon:
            done = ssh(daemon.port, "alice", identity=pair, flags=strict)
            equal(done.returncode == 0, works, "with `%s`: %s" % (
                statement, done.stderr))


def chapter(title):
    """The commands of a chapter of README, and its configuration."""
    with open(world.TOP + "/README.md", encoding="utf-8") as file:
        text = file.read().split("\n## %s\n" % title)[1].split("\n## ")[0]
    blocks = re.findall(r"(?:^    .*\n(?:\n(?=    ))?)+", text, re.M)
    return ([b for b in blocks if not b.startswith("    system")],
            [b for b in blocks if b.startswith("    system")])


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_the_authority_of_the_readme():
    commands, configuration = chapter("Certificates in place of keys")
    equal((len(commands), len(configuration)), (4, 1), "blocks")
    folder, pair = unused(world.WORK + "/authority"), key("id_ed25519")
    os.makedirs(folder)
    os.makedirs("/etc/portreeve", exist_ok=True)
    subprocess.run(["cp", "/etc/ssh/ssh_host_ed25519_key.pub", folder],
                   check=True)
    subprocess.run(["cp", pair + ".pub", folder + "/id_ed25519.pub"],
                   check=True)
    try:
        # Only a person has a passphrase to type.
        for text in commands:
            done = subprocess.run(
                ["sh", "-ec", text.replace("-C ", "-N '' -C ")], cwd=folder,
                capture_output=True, text=True, check=False)
            equal(done.returncode, 0, "%s: %s" % (text, done.stderr))
        port = free_port()
        daemon = Daemon(configuration[0].replace(
            "ssh {", "ssh { port %d; %s" % (port, BOTH)))
        with daemon:
            done = ssh(port, "alice", identity=pair, options=(
                "CertificateFile=%s/id_ed25519-cert.pub" % folder,), flags=(
                    "-o", "StrictHostKeyChecking=yes", "-o",
                    "UserKnownHostsFile=%s/known_hosts" % folder, "-o",
                    "HostKeyAlias=host.example"))
            equal(done.returncode, 0, "alice: %s" % done.stderr)
            done = ssh(port, "bob", identity=pair, options=(
                "CertificateFile=%s/id_ed25519-cert.pub" % folder,))
            equal(done.returncode, 255, "alice's certificate as bob")
    finally:
        os.unlink("/etc/ssh/ssh_host_ed25519_key-cert.pub")


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_a_client_that_went_silent():
    pair = key()
    authorize("alice", pair)
    with start("client-alive-interval 1; client-alive-count-max 2;"
               ) as daemon:
        client = ssh_start(daemon.port, "alice", identity=pair)
        began = time.monotonic()
        os.kill(client.pid, signal.SIGSTOP)
        try:
            daemon.wait("session-closed", user="alice")
            check(time.monotonic() - began > 1.5, "closed at once")
        finally:
            client.kill()
            client.wait()


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_sessions_of_one_connection_are_capped():
    pair = key()
    authorize("alice", pair)
    with start("max-sessions-per-connection 2;") as daemon:
        path = unused(world.WORK + "/mux")
        held = [ssh_start(daemon.port, "alice", identity=pair,
                          flags=("-M", "-S", path))]
        try:
            wait_until(lambda: os.path.exists(path), "the master's socket")
            held.append(ssh_start(daemon.port, "alice", identity=pair,
                                  flags=("-S", path)))
            third = ssh(daemon.port, "alice", identity=pair,
                        flags=("-S", path))
            check(b"refused by peer" in third.stderr, third.stderr)
            check(clients.ssh_echoes(held[1], b"on"), "the second goes on")
        finally:
            for client in reversed(held):
                client.stdin.close()
                client.wait()


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_options_in_sshds_own_words():
    pair = key()
    authorize("alice", pair)
    banner = write(unused(world.WORK + "/banner"), "authorized use only\n")
    with start('sshd-option "Banner %s"; sshd-option [ "DenyUsers bob" '
               '"MaxAuthTries 3" ];' % banner) as daemon:
        done = alice(daemon, pair)
        equal(done.returncode, 0, done.stderr)
        check(b"authorized use only" in done.stderr, done.stderr)
        equal(ssh(daemon.port, "bob",
                  password=PASSWORDS["bob"][0]).returncode, 255, "bob")
    refused('root-login deny; sshd-option "PermitRootLogin yes";',
            "`PermitRootLogin yes` loosens what root-login says")
    refused('sshd-option "Nonsense yes";', "sshd-option: sshd: Bad ")
    refused('sshd-option "Match all";', "write it in a file")


if __name__ == "__main__":
    main()
