#!/usr/bin/python3
"""Our ssh is `sshd` to whatever else of the host goes by that name, and our
module in sshd's PAM stack: where it is asked, where not, and how its lines
come and go."""
import concurrent.futures
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time

from harness import (PASSWORDS, authorize, changed, check, equal, free_port,
                     key, limit,
                     main, needs, needs_root, one_service, processes, ssh,
                     ssh_start, unused, wait_until, without_module, world,
                     write)

ALICE, BOB = PASSWORDS["alice"][0], PASSWORDS["bob"][0]
STACK = "/etc/pam.d/sshd"


def start(statements="", more=""):
    return one_service("ssh", statements, more)


def appended(path, line):
    return changed(path, lambda text: text + "\n" + line + "\n")


def is_in(daemon, user="alice", **how):
    how = how or {"password": PASSWORDS[user][0]}
    return ssh(daemon.port, user, "echo in", **how).stdout == b"in\n"


@needs_root
@needs("ssh", "sshd")
@limit(90)
def test_hosts_allow_and_deny_go_by_sshd():
    linked = subprocess.run(["ldd", shutil.which("sshd") or "/usr/sbin/sshd"],
                            capture_output=True, text=True, check=False)
    if "libwrap" not in linked.stdout:
        raise world.Skip("this sshd does not ask hosts.allow")
    with start() as daemon:
        with changed("/etc/hosts.deny", lambda _: "ALL: ALL\n"), \
                changed("/etc/hosts.allow", lambda _: "sshd: 127.0.0.1\n"):
            check(is_in(daemon), "kept out past hosts.allow's `sshd`")
        # libwrap takes five seconds for a no.
        with changed("/etc/hosts.deny", lambda _: "sshd: ALL\n"):
            check(not is_in(daemon), "in past hosts.deny's `sshd: ALL`")
        for process in processes.everyone():
            check("portreeve-ssh" not in " ".join(process.words),
                  "still that name: %s" % process.words)


@needs_root
@needs("ssh", "sshd")
@limit(90)
def test_pams_rules_for_sshd_hold():
    pair = key()
    authorize("alice", pair)
    with start() as daemon, appended(STACK, "account required pam_time.so"), \
            appended("/etc/security/time.conf", "sshd;*;alice;!Al0000-2400"):
        for how in ({"password": ALICE}, {"identity": pair}):
            check(not is_in(daemon, **how), "alice by %s" % list(how))
        check(is_in(daemon, "bob"), "bob, whom no rule names")


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_module_is_asked_whatever_the_method():
    pair = key()
    authorize("alice", pair)
    ways = {"password": {"password": ALICE}, "publickey": {"identity": pair},
            "keyboard-interactive": {"password": ALICE,
                                     "methods": "keyboard-interactive"}}
    # The system's own file turns it off.
    with start('sshd-config "%s";' % write(
            unused(world.WORK + "/kbd"), "KbdInteractiveAuthentication yes\n"),
               "user-limit { sessions 1; }") as daemon:
        check(not [e.line for e in daemon.of("warning")
                   if "pam" in e.line], "a warning about PAM")
        for method, way in ways.items():
            mark = daemon.mark()
            client = ssh_start(daemon.port, "alice", **way)
            event = daemon.wait("auth-success", after=mark)
            equal(event["method"], method, "method")
            check(not is_in(daemon, **way), "two by %s" % method)
            daemon.wait("auth-failure", after=mark, user="alice",
                        reason="user-limit")
            client.stdin.close()
            client.wait(20)
            daemon.wait("session-closed", after=mark, count=2)
            equal(len(daemon.of("auth-success", after=mark)), 1, "successes")


@needs_root
@needs("ssh", "sshd")
@limit(90)
def test_a_monitor_that_is_slow_is_waited_for():
    """As on a machine that has more to do than it can: a good password is no
    failure for that."""
    pair = key()
    authorize("alice", pair)
    with start() as daemon, \
            concurrent.futures.ThreadPoolExecutor(1) as pool:
        os.kill(daemon.pid, signal.SIGSTOP)
        try:
            login = pool.submit(ssh, daemon.port, "alice", identity=pair)
            daemon.wait("connection-accepted")
            # Longer than a daemon is waited for that is not there.
            time.sleep(8)
            check(not login.done(), "it was refused meanwhile")
        finally:
            os.kill(daemon.pid, signal.SIGCONT)
        equal(login.result().returncode, 0, "the login")
        equal(daemon.of("auth-failure"), [], "failures")


@needs_root
@needs("ssh", "sshd")
@limit(90)
def test_module_fails_closed_in_our_sshd_and_not_in_others():
    port = free_port()
    server = subprocess.Popen(
        ["/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", "-p", str(port),
         "-o", "UsePAM=yes", "-o", "PidFile=none", "-h",
         "/etc/ssh/ssh_host_ed25519_key"], stderr=subprocess.DEVNULL)
    try:
        with start() as daemon:
            own = daemon.port
            check(is_in(daemon), "with the daemon")
            os.unlink(daemon.run + "/pam.sock")
            mark = daemon.mark()
            check(not is_in(daemon), "nobody answers, and the login is made")
            daemon.wait("session-closed", after=mark)
            daemon.port = port
            check(is_in(daemon), "by the system's own sshd")
            daemon.port = own
    finally:
        server.kill()
        server.wait()


@needs_root
@needs("su", "setpriv")
@limit(60)
def test_a_setuid_program_hears_no_users_variable():
    """The module is in su's stack, and our sshd's variable is alice's to set:
    it is not read there, or she would choose who is asked."""
    import pexpect
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as hers:
        path = unused("/home/alice/monitor")
        hers.bind(path)
        os.chmod(path, 0o666)
        hers.listen()
        hers.setblocking(False)
        child = pexpect.spawn(
            "setpriv", ["--reuid", "alice", "--regid", "alice",
                        "--init-groups", "su", "-c", "echo I am $(id -un).",
                        "bob"], timeout=40, cwd="/", env={
                            "PATH": "/usr/bin:/bin", "TERM": "dumb",
                            "PORTREEVE_PAM_SOCKET": path})
        child.expect("assword:")
        child.sendline(BOB)
        child.expect([r"I am bob\.", pexpect.EOF])
        said = child.before
        child.close()
        check(child.exitstatus == 0, "su: %r" % said)
        try:
            hers.accept()
            raise AssertionError("alice was asked")
        except BlockingIOError:
            pass


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_without_a_line_or_a_module_the_log_says_who():
    missing = "/etc/pam.d/common-account"
    with contextlib.ExitStack() as files:
        files.enter_context(without_module())
        with start(more="user-limit { sessions 1; }") as daemon:
            said = daemon.cli("check", daemon.file).stderr
            check("no account line for pam_portreeve.so" in said, said)
            check(is_in(daemon), "without the line")
            daemon.wait("session-opened", user="alice")
            files.close()
            # The lines are there now: sshds that start later are told.
            equal(daemon.cli("reload").returncode, 0, "reload")
            check("pam_portreeve" not in daemon.cli(
                "check", daemon.file).stderr, "a warning with the line")
            wait_until(lambda: module_asked(daemon), "the module to be asked")
    with changed(missing, lambda text: text.replace(
            "/pam_portreeve.so", "/gone/pam_portreeve.so")):
        with start() as daemon:
            said = daemon.cli("check", daemon.file).stderr
            check("PAM has no module" in said, said)
            check(is_in(daemon), "a missing module locked alice out")


def module_asked(daemon):
    """Whether a session is refused by the module, and so in time."""
    mark = daemon.mark()
    client = ssh_start(daemon.port, "alice", password=ALICE)
    daemon.wait("session-opened", after=mark)
    try:
        return not is_in(daemon) and daemon.of(
            "auth-failure", after=mark, reason="user-limit")
    finally:
        client.stdin.close()
        client.wait(20)
        daemon.idle("ssh")


@needs_root
@needs("ssh", "sshd")
@limit(60)
def test_a_line_that_goes_while_the_daemon_runs():
    with start(more="user-limit { sessions 1; }") as daemon:
        check(is_in(daemon), "with the line")
        daemon.idle("ssh")
        with without_module():
            mark = daemon.mark()
            client = ssh_start(daemon.port, "alice", password=ALICE)
            daemon.wait("warning", after=mark)
            wait_until(lambda: [r for r in daemon.show("sessions")
                                if r["user"] == "alice"], "alice to be seen")
            client.stdin.close()
            client.wait(20)


@needs_root
@needs("ssh", "sshd")
@limit(60)
def test_pam_service_names_another_stack():
    write("/etc/pam.d/nobody-enters", "auth required pam_deny.so\n"
          "account required pam_deny.so\nsession required pam_deny.so\n")
    with start("pam-service nobody-enters;") as daemon:
        check(not is_in(daemon), "past pam_deny")
    for service in ("a/b", "..", '""'):
        done = subprocess.run(
            [world.BUILD + "/portreeved", "-n", "-c", write(
                unused(world.WORK + "/wrong"), "system { services { ssh { "
                "pam-service %s; } } }" % service)],
            capture_output=True, text=True, check=False)
        equal(done.returncode, 1, "pam-service %s" % service)


# --- tools/install-pam -------------------------------------------------------

#: In a mount namespace of its own: the real pam-auth-update on copies.
PREPARE = """set -eu
umount /var/lib
mkdir -p /mnt/pamtest/lib/dpkg/info /mnt/pamtest/debconf
cp -a /var/lib/pam /mnt/pamtest/lib/
cp -a /var/lib/dpkg/info/libpam-runtime.* /mnt/pamtest/lib/dpkg/info/
cp -a /var/cache/debconf/. /mnt/pamtest/debconf
cp -a /usr/share/pam-configs /mnt/pamtest/configs
cp -a /etc/pam.d /mnt/pamtest/pam.d
cp -a "$FOLDER" /mnt/pamtest/modules
mount --bind /mnt/pamtest/lib /var/lib
mount --bind /mnt/pamtest/debconf /var/cache/debconf
mount --bind /mnt/pamtest/configs /usr/share/pam-configs
mount --bind /mnt/pamtest/pam.d /etc/pam.d
mount --bind /mnt/pamtest/modules "$FOLDER"
for f in /etc/pam.d/common-*; do
	grep -v pam_portreeve.so $f >/mnt/pamtest/one
	cat /mnt/pamtest/one >$f
done
cp "$BUILD/pam_portreeve.so" "$FOLDER/"
"""


def in_copies(script):
    folder = [f for f in ("/usr/lib/x86_64-linux-gnu/security",
                          "/usr/lib/aarch64-linux-gnu/security",
                          "/usr/lib/security", "/usr/lib64/security")
              if os.path.exists(f + "/pam_unix.so")][0]
    shutil.rmtree("/mnt/pamtest", ignore_errors=True)
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", PREPARE + script],
        env=dict(os.environ, FOLDER=folder, BUILD=world.BUILD,
                 MODULE=folder + "/pam_portreeve.so",
                 TOOL=world.TOP + "/tools/install-pam"),
        capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


@needs_root
@needs("pam-auth-update")
def test_lines_come_and_go():
    status, said = in_copies("""
"$TOOL" "$MODULE"
grep '^auth' /etc/pam.d/common-auth
grep -c pam_portreeve.so /etc/pam.d/common-auth /etc/pam.d/common-account \
    /etc/pam.d/common-session
! grep pam_portreeve.so /etc/pam.d/common-session-noninteractive
"$TOOL" --remove "$MODULE"
echo after: $(grep -lr pam_portreeve.so /etc/pam.d)
ls /usr/share/pam-configs

echo BY HAND
sed -i '/pam_unix.so/i account required pam_access.so' \
    /etc/pam.d/common-account
"$TOOL" "$MODULE" >/mnt/pamtest/said
! grep pam_portreeve.so /etc/pam.d/*
cat /mnt/pamtest/said
sed -n 's/^    \(auth\|account\|session\)/\1/p' /mnt/pamtest/said >>/etc/pam.d/sshd
echo again: "$("$TOOL" "$MODULE" 2>/dev/null)"
"$TOOL" --remove "$MODULE" && echo removed
echo 'account required pam_portreeve.so' >>/etc/pam.d/sshd
"$TOOL" --remove "$MODULE" || echo status $?
""")
    equal(status, 0, said)
    by_tool, _, by_hand = said.partition("BY HAND")
    for name, lines in (("auth", 2), ("account", 1), ("session", 1)):
        check("common-%s:%d\n" % (name, lines) in by_tool, said)
    # Who is asked comes before the password is, and jumps behind all of it.
    check(re.search(r"(?m)^auth\s+\[success=2 ignore=ignore "
                    r"module_unknown=ignore default=die\]\s+\S*"
                    r"pam_portreeve.so order\n"
                    r"auth\s+\[success=1 default=ignore\]\s+pam_unix.so.*"
                    r"try_first_pass\n", by_tool), said)
    check("ATTENTION" not in by_tool and "after:\n" in by_tool, said)
    check("\nportreeve\n" not in by_tool and
          "\nportreeve-order\n" not in by_tool, said)
    check("ATTENTION" in by_hand and "pam_portreeve.so order" in by_hand,
          said)
    again = by_hand.partition("again:")[2].partition("\n")[0]
    check("ATTENTION" not in again, again)
    check("removed\n" in by_hand and "/etc/pam.d/sshd" in by_hand, said)
    check("would let nobody in\nstatus 3\n" in by_hand, said)


if __name__ == "__main__":
    main()
