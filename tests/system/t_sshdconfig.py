#!/usr/bin/python3
"""What our words for ssh become in the real sshd, that an sshd-config FILE can
tighten and cannot loosen them, and what is said about the system's own."""
import os
import subprocess

from harness import (BOTH, Daemon, PASSWORDS, authorize, check, clients, equal,
                     free_port, key, limit, main, needs, needs_root, ssh,
                     unused, world, write)

ALICE = PASSWORDS["alice"][0]

#: What loosens our statements, and each line that does.
LOOSE = """PermitRootLogin yes
AllowUsers alice root
Match all
    PasswordAuthentication yes
    KbdInteractiveAuthentication yes
    AllowTcpForwarding local
    DisableForwarding no
    MaxSessions 99
    ClientAliveInterval 0
    ClientAliveCountMax 4
Match User bob
    PermitTTY no
    MaxSessions 3
"""
LOOSENS = (1, 4, 5, 6, 7, 8, 9, 13)

STRICT = """root-login deny; no-passwords; no-tcp-forwarding;
    client-alive-interval 20; client-alive-count-max 5;
    max-sessions-per-connection 2;"""


def verify(statements):
    """What portreeved -n says."""
    path = write(unused(world.WORK + "/verify"), "system { services { ssh { "
                 "port 2222; %s } } }" % statements)
    done = subprocess.run([world.BUILD + "/portreeved", "-n", "-c", path],
                          capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def start(statements="", file=None):
    if file is not None:
        path = write(unused(world.WORK + "/more"), file)
        statements += ' sshd-config "%s";' % path
    port = free_port()
    daemon = Daemon("system { services { ssh { port %d; %s %s } } }" %
                    (port, BOTH, statements))
    daemon.port = port
    return daemon


def effective(daemon, user):
    """What sshd itself makes of the written configuration, for that user."""
    done = subprocess.run(
        ["/usr/sbin/sshd", "-T", "-f", daemon.run + "/sshd_config", "-C",
         "user=%s,host=localhost,addr=127.0.0.1" % user],
        capture_output=True, text=True, check=False)
    equal(done.returncode, 0, "sshd -T: %s" % done.stderr)
    return dict(line.split(" ", 1) for line in done.stdout.splitlines()
                if " " in line)


def expect(daemon, wanted):
    for user in ("root", "alice"):
        got = effective(daemon, user)
        for name, value in wanted.items():
            equal(got.get(name), value, "%s of %s" % (name, user))


RESULT = {
    "permitrootlogin": "no", "passwordauthentication": "no",
    "kbdinteractiveauthentication": "no", "pubkeyauthentication": "yes",
    "allowtcpforwarding": "no", "disableforwarding": "yes",
    "clientaliveinterval": "20", "clientalivecountmax": "5",
    "maxsessions": "2", "loglevel": "VERBOSE",
}


@needs_root
@needs("sshd")
def test_every_statement_reaches_sshd():
    with start(STRICT) as daemon:
        expect(daemon, RESULT)
    with start("root-login allow; tcp-forwarding; no-public-keys;") as daemon:
        expect(daemon, {"permitrootlogin": "yes", "allowtcpforwarding": "yes",
                        "disableforwarding": "no",
                        "pubkeyauthentication": "no"})


@needs_root
@needs("sshd")
def test_what_is_unsaid_is_as_sshd_has_it():
    with start() as daemon:
        expect(daemon, {"permitrootlogin": "without-password",
                        "passwordauthentication": "yes",
                        "kbdinteractiveauthentication": "yes",
                        "pubkeyauthentication": "yes",
                        "allowtcpforwarding": "yes", "x11forwarding": "no",
                        "usepam": "yes", "maxsessions": "10",
                        "clientaliveinterval": "0"})


@needs_root
@needs("sshd")
def test_what_loosens_is_refused_at_its_line():
    path = write(unused(world.WORK + "/loose"), LOOSE)
    statement = 'sshd-config "%s";' % path
    status, said = verify(STRICT + statement)
    equal(status, 1, said)
    errors = [line for line in said.splitlines() if ": error: " in line]
    equal(sorted(int(line.split(":")[1]) for line in errors), list(LOOSENS),
          said)
    for line in errors:
        check(line.startswith(path + ":") and " loosens what " in line, line)
    # It loosens nothing where the statements say nothing stricter.
    write(path, LOOSE.replace("PermitRootLogin yes", ""))
    status, said = verify(statement)
    equal(status, 0, said)
    check("loosens" not in said, said)


@needs_root
@needs("ssh", "sshd")
@limit(90)
def test_what_tightens_a_stated_keyword_holds():
    pair = key()
    for user in ("alice", "root"):
        authorize(user, pair)
    with start("root-login allow; tcp-forwarding; max-sessions-per-connection "
               "10; client-alive-interval 60;", "ClientAliveInterval 30\n"
               "Match Address 127.0.0.1\n  PermitRootLogin no\n"
               "Match User alice\n  AllowTcpForwarding no\n  MaxSessions 1\n"
               ) as daemon:
        equal(ssh(daemon.port, "root", identity=pair).returncode, 255,
              "root from where a Match forbids it")
        done = ssh(daemon.port, "root", identity=pair, host="::1")
        equal(done.returncode, 0, "root from elsewhere: %s" % done.stderr)
        for user, works in (("alice", False), ("root", True)):
            done = ssh(daemon.port, user, None, identity=pair, host="::1",
                       flags=("-W", "127.0.0.1:%d" % daemon.port))
            equal(done.stdout.startswith(b"SSH-2.0-"), works,
                  "-W of %s: %s" % (user, done.stderr))
        equal(effective(daemon, "alice")["maxsessions"], "1", "in a Match")
        equal(effective(daemon, "root")["clientaliveinterval"], "30",
              "what is global in the file")


@needs_root
@needs("ssh", "sshd")
@limit(90)
def test_an_edit_changes_nothing_until_a_reload():
    pair = key()
    authorize("alice", pair)
    folder = unused(world.WORK + "/parts")
    os.mkdir(folder)
    part = write(folder + "/a.conf", "Match User bob\n  PermitTTY no\n")
    with start(file="Include %s/*.conf\nMaxAuthTries 3\n" % folder) as daemon:
        def get_in():
            return ssh(daemon.port, "alice", identity=pair).returncode == 0
        check(get_in(), "at first")
        write(part, "Match User bob\n  PermitTTY maybe\n")
        check(get_in(), "after a typo in an included file")
        done = daemon.cli("reload")
        equal(done.returncode, 1, "reload takes a typo over")
        check(part + ":2:1: error: sshd: " in done.stderr or
              daemon.wait("configuration-rejected"), done.stderr)
        check(get_in(), "after the refused reload")
        os.unlink(part)
        write(folder + "/b.conf", "DenyUsers alice\n")
        check(get_in(), "before the reload")
        equal(daemon.cli("reload").returncode, 0, "reload")
        check(not get_in(), "after it")


@needs_root
@needs("sshd")
def test_files_that_others_can_change_are_refused():
    folder = unused(world.WORK + "/open")
    os.mkdir(folder)
    part = write(folder + "/part", "MaxAuthTries 3\n")
    file = write(unused(world.WORK + "/more"), "\nInclude %s\n" % part)
    statement = 'sshd-config "%s";' % file
    equal(verify(statement)[0], 0, verify(statement)[1])
    os.chmod(folder, 0o777)
    status, said = verify(statement)
    equal(status, 1, "a folder that all can write")
    check(file + ":2:1: error: " in said and folder in said, said)
    os.chmod(folder, 0o755)
    os.chown(part, world.base_uid(), 0)
    status, said = verify(statement)
    equal(status, 1, "a file of alice's")
    check(file + ":2:1: error: " in said, said)


@needs_root
@needs("ssh", "sshd")
def test_a_file_tightens():
    file = "Match User bob\n    PasswordAuthentication no\nMatch all\n" \
        "    PermitTTY no\n"
    with start(file="DenyUsers alice\n" + file) as daemon:
        equal(ssh(daemon.port, "alice", password=ALICE).returncode, 255,
              "alice, denied")
        equal(ssh(daemon.port, "bob",
                  password=PASSWORDS["bob"][0]).returncode, 255,
              "bob by password")
        equal(effective(daemon, "bob")["permittty"], "no", "permittty")
    with start() as daemon:
        equal(ssh(daemon.port, "alice", password=ALICE).returncode, 0,
              "alice without the file")


@needs_root
@needs("ssh", "sshd")
@limit(90)
def test_forwarding_only_where_it_is_allowed():
    pair = key()
    authorize("alice", pair)
    for statement, works in (("", True), ("no-tcp-forwarding;", False)):
        with start(statement) as daemon:
            done = ssh(daemon.port, "alice", None, identity=pair,
                       flags=("-W", "127.0.0.1:%d" % daemon.port))
            equal(done.stdout.startswith(b"SSH-2.0-"), works,
                  "-W under `%s`: %s" % (statement, done.stderr))
            done = ssh(daemon.port, "alice", "test -S $SSH_AUTH_SOCK && "
                       "test -n \"$SSH_AUTH_SOCK\"", identity=pair,
                       flags=("-R", "/home/alice/s:127.0.0.1:1"),
                       options=("ExitOnForwardFailure=yes",))
            path = "/home/alice/s"
            equal(os.path.exists(path), works,
                  "-R of a socket under `%s`" % statement)
            if os.path.exists(path):
                os.unlink(path)


@needs_root
@needs("sshd")
def test_warnings_about_the_systems_own():
    write("/etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\n"
          "PasswordAuthentication no\nDenyUsers mallory\nUsePAM yes\n")
    write("/etc/ssh/sshd_config.d/10.conf", "# one\nAllowGroups staff\n")
    write("/etc/hosts.deny", "# none yet\n\nsshd: ALL\n")
    try:
        daemon = start("no-passwords;")
        done = subprocess.run(
            [world.BUILD + "/portreeved", "-n", "-c", daemon.file],
            capture_output=True, text=True, check=False)
        equal(done.returncode, 0, "status: %s" % done.stderr)
        for line in ("/etc/ssh/sshd_config.d/10.conf:2:1: warning: ",
                     "/etc/ssh/sshd_config:3:1: warning: ",
                     "/etc/hosts.deny:3:1: warning: "):
            check(line in done.stderr, "no %s in %s" % (line, done.stderr))
        check("sshd_config:2:" not in done.stderr, "no-passwords says it")
    finally:
        os.unlink("/etc/hosts.deny")
        os.unlink("/etc/ssh/sshd_config.d/10.conf")
        write("/etc/ssh/sshd_config", "")


@needs_root
@needs("scp", "sshd")
def test_the_first_step_of_a_move():
    # What Debian installs, with what an administrator may have written.
    write("/etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\n"
          "Port 22\nUsePAM yes\nPrintMotd no\nX11Forwarding yes\n"
          "KbdInteractiveAuthentication no\nAcceptEnv LANG LC_*\n"
          "Subsystem sftp /usr/lib/openssh/sftp-server\n"
          "MaxStartups 10:30:60\nMatch User bob\n  PermitTTY no\n")
    pair = key()
    authorize("alice", pair)
    try:
        said = verify("")[1]
        for word in ("x11forwarding yes", "subsystem sftp", "match user bob"):
            check(word in said, "%s is not told: %s" % (word, said))
        check("maxstartups" not in said, said)
        with start("sftp-server; sshd-config /etc/ssh/sshd_config;"
                   ) as daemon:
            status, said = verify("sftp-server; "
                                  "sshd-config /etc/ssh/sshd_config;")
            equal(status, 0, said)
            told = [line for line in said.splitlines() if "/etc/ssh" in line]
            # verify() listens elsewhere, and only that is told.
            equal(len(told), 1, said)
            check("`Port 22` is left out" in told[0], said)
            got = effective(daemon, "bob")
            equal((got["x11forwarding"], got["permittty"],
                   got["subsystem"]), ("yes", "no", "sftp internal-sftp"),
                  "what holds")
            source = write(unused(world.WORK + "/copied"), "x")
            done = subprocess.run(
                ["scp"] + clients.ssh_words(daemon.port, identity=pair) +
                [source, "alice@127.0.0.1:moved"], capture_output=True,
                env=clients.ssh_environment(None), check=False, timeout=60)
            equal(done.returncode, 0, "scp: %s" % done.stderr)
    finally:
        write("/etc/ssh/sshd_config", "")


if __name__ == "__main__":
    main()
