#!/usr/bin/python3
"""What users and scripts rely on, where a stranger would try it: wrong command
lines, every error at once in one form, who may ask a daemon of an ordinary
user's, and where that daemon is looked for."""
import os
import re
import signal
import socket
import subprocess

from harness import (BOTH, Daemon, check, equal, free_port, main, needs,
                     needs_root, unused, world, write)

FORM = re.compile(r"^\S+:\d+:\d+: (error|warning): .")


def run(*words, env=None, user=None):
    become = ["setpriv", "--reuid", user, "--regid", user, "--init-groups",
              "--inh-caps=-all"] if user else []
    return subprocess.run(
        become + [world.BUILD + "/" + words[0]] + list(words[1:]),
        capture_output=True, text=True, timeout=30, check=False,
        stdin=subprocess.DEVNULL, env=env)


def services(text):
    return "system {\n services {\n%s\n }\n}\n" % text


def finger(more=""):
    return services("finger { port %d; %s } %s" % (free_port(), BOTH, more))


def check_both(path):
    """What both ways to check a file say, which must be the same."""
    one = run("portreeved", "-n", "-c", path)
    two = run("portreeve", "check", path)
    equal((two.returncode, two.stderr), (one.returncode, one.stderr),
          "portreeve check and portreeved -n")
    equal(one.stdout, "", "stdout of a check")
    return one


def test_a_wrong_command_line_is_one_line_and_2():
    for words in (["portreeved", "-x"], ["portreeved", "--nonsense"],
                  ["portreeved", "-c"], ["portreeved", "-c", "", "-n"],
                  ["portreeved", "-n", "-r", ""], ["portreeved", "word"],
                  ["portreeved", "--", "-n"], ["portreeved", "--help=x"],
                  ["portreeved", "-\x1b[2J"],
                  ["portreeve"], ["portreeve", "-x"], ["portreeve", "-r"],
                  ["portreeve", "-r", "", "reload"],
                  ["portreeve", "reload", "now"],
                  ["portreeve", "clear", "session", "0"],
                  ["portreeve", "show", "configuration", "--json"]):
        done = run(*words)
        equal((done.returncode, done.stdout), (2, ""), "of %r" % words)
        equal(len(done.stderr.splitlines()), 1, "lines of %r" % done.stderr)
        check(done.stderr.startswith(words[0] + ": "), done.stderr)
        check(all(" " <= c <= "~" for c in done.stderr.rstrip("\n")),
              "unescaped: %r" % done.stderr)


def test_help_that_cannot_be_written_is_no_success():
    for program in ("portreeved", "portreeve"):
        for word in ("--help", "--version"):
            with open("/dev/full", "wb") as full:
                done = subprocess.run(
                    [world.BUILD + "/" + program, word], stdout=full,
                    stderr=subprocess.PIPE, text=True, check=False)
            equal(done.returncode, 1, "%s %s" % (program, word))
            equal(len(done.stderr.splitlines()), 1, done.stderr)


def test_every_complaint_has_the_one_form():
    path = unused(world.WORK + "/c.conf")
    said = [check_both(path)]
    os.mkdir(path)
    said.append(check_both(path))
    os.rmdir(path)
    write(path, "", 0o666)
    said.append(check_both(path))
    write(path, "x" * (1 << 21), 0o644)
    said.append(check_both(path))
    write(path, "system {", 0o644)
    said.append(check_both(path))
    for done in said:
        equal(done.returncode, 1, done.stderr)
        lines = done.stderr.splitlines()
        check(lines, "not a word")
        for line in lines:
            check(FORM.match(line) and line.startswith(path + ":"), line)


@needs("sshd")
def test_every_error_is_told_at_once_whoever_finds_it():
    """The parser's, the whole's, the host's, sshd's, and the warnings."""
    bad = write(unused(world.WORK + "/sshd_bad"), "Nonsense yes\n", 0o644)
    path = write(unused(world.WORK + "/c.conf"), services(
        "finger { port 70000; }\n"
        "ssh { sshd-config %s; no-passwords;\n"
        " no-public-keys; }\n"
        "service a { port 7001; exec /nowhere/at/all; }\n"
        "service b { port 7002; exec /bin/cat;\n"
        " user no-such-user; rlimit nofile 2 1; }\n"
        "telnet { listen-address ::1; banner /nowhere; }\n"
        "ftp;\n"
        "fingre;" % bad), 0o644)
    lines = check_both(path).stderr.splitlines()
    errors = [n for n in lines if n.startswith(path) and ": error: " in n]
    equal([int(e[len(path) + 1:].split(":")[0]) for e in errors],
          [3, 5, 6, 8, 8, 9, 11], "lines of the errors in\n%s" %
          "\n".join(lines))
    # What sshd says has its place in its own file.
    said = [n for n in lines if n.startswith(bad + ":1:")]
    check(len(said) == 1 and "Nonsense" in said[0] and
          lines.index(said[0]) == len(errors),
          "what sshd says: %s" % lines)
    check([n for n in lines if n.startswith(path + ":10:") and
           ": warning: " in n], "no warning of ftp in %s" % lines)


@needs("sshd")
def test_ssh_that_lets_nobody_in_is_an_error():
    for words, status in (
            ("no-passwords; no-public-keys;", 1),
            ("no-password-authentication; no-challenge-response; "
             "no-public-keys;", 1),
            ("no-password-authentication; no-public-keys;", 0),
            ("no-password-authentication; no-challenge-response;", 0)):
        done = check_both(write(unused(world.WORK + "/c.conf"),
                                services("ssh { %s }" % words)))
        equal(done.returncode, status, "%s: %s" % (words, done.stderr))


def test_configuration_applied_says_who_wished_it():
    with Daemon(finger()) as daemon:
        equal(daemon.cli("reload").returncode, 0, "reload")
        equal(daemon.wait("configuration-applied")["reason"], "reload",
              "its reason")
        mark = daemon.mark()
        os.kill(daemon.pid, signal.SIGHUP)
        equal(daemon.wait("configuration-applied", after=mark)["reason"],
              "SIGHUP", "its reason")


@needs_root
def test_root_may_ask_a_daemon_of_an_ordinary_user():
    with Daemon(finger(), user="alice") as daemon:
        for words in (["show", "services", "--json"], ["show", "sessions"],
                      ["show", "configuration"], ["reload"]):
            done = run("portreeve", "-r", daemon.run, *words)
            equal((done.returncode, done.stderr), (0, ""),
                  "root's %s" % words)
            own = daemon.cli(*words)
            equal(own.stdout, done.stdout, "alice's %s" % words)
        done = run("portreeve", "-r", daemon.run, "clear", "session", "99")
        check("no such session" in done.stderr, done.stderr)
        # Somebody else may not, even where the files would let them.
        for folder in (daemon.directory, daemon.run):
            os.chmod(folder, 0o755)
        os.chmod(daemon.run + "/control.sock", 0o666)
        for words in (["show", "services"], ["show", "sessions"],
                      ["show", "configuration"], ["reload"]):
            done = run("portreeve", "-r", daemon.run, *words, user="bob")
            equal((done.returncode, done.stdout), (1, ""),
                  "bob's %s: %s" % (words, done.stderr))
            equal(len(done.stderr.splitlines()), 1, done.stderr)


@needs_root
def test_an_ordinary_users_daemon_is_found_without_r():
    for env in ({"HOME": "/home/alice"},
                {"HOME": "/home/alice", "XDG_RUNTIME_DIR": "/home/alice/x"}):
        home = env.get("XDG_RUNTIME_DIR", "/home/alice/.cache")
        daemon = Daemon(finger(), user="alice")
        os.makedirs(home, exist_ok=True)
        os.chown(home, world.base_uid(), world.base_uid())
        words = daemon.become() + [world.BUILD + "/portreeved", "-d", "-c",
                                   daemon.file, "-s", daemon.state]
        daemon.argv = lambda words=words: words
        daemon.env = dict(env)
        if "XDG_RUNTIME_DIR" not in env:
            daemon.wrapper = []
            words[:0] = ["env", "-u", "XDG_RUNTIME_DIR"]
        with daemon:
            done = run("portreeve", "show", "services", env=env, user="alice")
            equal((done.returncode, done.stderr), (0, ""), "with %s" % env)
            check("finger" in done.stdout, done.stdout)


@needs_root
def test_what_an_ordinary_user_cannot_give_is_said():
    text = services(
        "service a { port %d; exec /bin/cat; %s }\n"
        "service b { port %d; user bob; exec /bin/cat; %s }\n"
        "service c { port %d; user alice; group bob; exec /bin/cat; %s }" % (
            free_port(), BOTH, free_port(), BOTH, free_port(), BOTH))
    with Daemon(text, user="alice") as daemon:
        said = [e["reason"] for e in daemon.of("warning")
                if "not in force" in e["reason"]]
        equal(len(said), 2, "warnings %s" % said)
        check("user bob" in said[0] and "group bob" in said[1], said)
    daemon = Daemon(services("finger { port 79; %s }" % BOTH), user="alice")
    with daemon:
        event = daemon.wait("listener-failed", source_port=79)
        check("below 1024" in event["reason"], event.line)


@needs_root
def test_telnets_missing_pam_file_is_said():
    path = write(unused(world.WORK + "/c.conf"), services(
        "telnet { listen-address [ 127.0.0.1 ::1 ]; }"))
    equal(check_both(path).stderr, "", "with the file")
    os.rename("/etc/pam.d/login", "/etc/pam.d/away")
    try:
        done = check_both(path)
    finally:
        os.rename("/etc/pam.d/away", "/etc/pam.d/login")
    check("/etc/pam.d/login is missing" in done.stderr, done.stderr)
    equal(done.returncode, 0, "status")


def manual_example(first):
    """The example in portreeve.conf(5) that begins so."""
    with open(world.TOP + "/man/portreeve.conf.5.in", encoding="utf-8") as \
            file:
        blocks = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", file.read(),
                            re.MULTILINE | re.DOTALL)
    text, = [b for b in blocks if b.startswith(first)]
    return text.replace("\\e", "\\").replace("\\&", "")


@needs_root
@needs("perl")
def test_the_manuals_programs_answer():
    with Daemon(manual_example("set system services service report")) as \
            daemon:
        with socket.create_connection(("127.0.0.1", 7001), 10) as client:
            with open("/etc/hostname", "rb") as file:
                equal(client.recv(999), file.read(), "of report")
        for number in (1, 2):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.settimeout(10)
                client.sendto(b"?", ("127.0.0.1", 7002))
                answer = client.recv(999).decode()
            check(re.search(r"\d\d:\d\d:\d\d \d{4}\n$", answer), answer)
            daemon.wait("session-closed", service="clock", count=number)
        equal(len(daemon.of("connection-accepted", service="clock")), 2,
              "starts of clock")


if __name__ == "__main__":
    main()
