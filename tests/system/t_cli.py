#!/usr/bin/python3
"""The command lines of both programs: exit statuses, what goes to stdout and
what to stderr, and the keys of --json."""
import json
import os
import re
import signal
import subprocess

from harness import (BOTH, Connection, Daemon, check, equal, free_port, main,
                     one_service, processes, unused, wait_until, world, write)

SERVICES = ["service", "family", "address", "port", "sessions",
            "connection-limit", "rate-limit", "accepted", "refused", "state"]
SESSIONS = ["id", "service", "family", "source", "source-port", "user", "tty",
            "since", "pid", "bytes-in", "bytes-out", "doing"]


def run(program, *words):
    return subprocess.run([world.BUILD + "/" + program] + list(words),
                          capture_output=True, text=True, timeout=30,
                          check=False, stdin=subprocess.DEVNULL)


def config(text):
    return write(unused(world.WORK + "/some.conf"), text)


def checks(text):
    """Both ways to check a file; they must say the same."""
    path = config(text)
    one = run("portreeved", "-n", "-c", path)
    two = run("portreeve", "check", path)
    equal((two.returncode, two.stderr), (one.returncode, one.stderr),
          "portreeve check and portreeved -n of %r" % text)
    return one.returncode, one.stderr.replace(path, "FILE").splitlines()


def start(more="", statements=""):
    return one_service("finger", statements, more)


def test_help_and_version():
    for program in ("portreeved", "portreeve"):
        done = run(program, "--help")
        equal((done.returncode, done.stderr), (0, ""), program + " --help")
        check(program in done.stdout, "its own name in the help")
        done = run(program, "--version")
        equal((done.returncode, done.stderr), (0, ""), "--version")
        check(re.search(r"\d+\.\d+", done.stdout), "no version")


def test_usage_is_2():
    for words in (["portreeved", "--nonsense"], ["portreeved", "-c"],
                  ["portreeved", "word"], ["portreeve"],
                  ["portreeve", "nonsense"], ["portreeve", "show"],
                  ["portreeve", "show", "nonsense"],
                  ["portreeve", "clear", "session"],
                  ["portreeve", "clear", "session", "x1"],
                  ["portreeve", "check"], ["portreeve", "-r"]):
        done = run(*words)
        equal(done.returncode, 2, "status of %s" % words)
        check(done.stderr, "nothing on stderr of %s" % words)


def test_no_daemon_is_1_with_one_line():
    for words in (["show", "services"], ["show", "sessions", "--json"],
                  ["reload"], ["clear", "session", "1"],
                  ["show", "configuration"]):
        done = run("portreeve", "-r", world.WORK + "/nowhere", *words)
        equal(done.returncode, 1, "status of %s" % words)
        equal(len(done.stderr.splitlines()), 1, "lines: %r" % done.stderr)
        equal(done.stdout, "", "stdout")


def test_check_of_what_is_valid():
    for text in ("", "# nothing\n", "/* nothing */",
                 "system { services { finger; } }",
                 "system { services { ssh { port 2022; root-login deny; } "
                 "user-limit { processes 40; sessions 10; } } }",
                 "set system services finger port 7979\n",
                 "system { services { inactive: finger { port 1; } } }"):
        status, lines = checks(text)
        equal((status, [n for n in lines if "error" in n]), (0, []),
              "check of %r" % text)


def test_check_names_every_error_at_once_with_its_place():
    status, lines = checks(
        "system {\n"
        "    services {\n"
        "        finger { port 70000; }\n"
        "        fingre;\n"
        "        ssh { root-login sometimes; }\n"
        "    }\n"
        "}\n")
    equal(status, 1, "status")
    errors = [n for n in lines if re.match(r"FILE:\d+:\d+: error: .", n)]
    equal([e.split(":")[1] for e in errors], ["3", "4", "5"],
          "lines of the errors in %s" % lines)
    check("finger" in errors[1], "the nearest known word: %s" % errors[1])
    equal(errors[0].split(":")[2], "23", "column of 70000: %s" % errors[0])
    for line in lines:
        # Warnings may be of sshd's own file.
        check(re.match(r"(FILE|/\S+):\d+:\d+: (error|warning): .", line),
              "what is %r" % line)


def test_check_of_standard_input():
    """Whoever's it is, it is read as it is, and by a check alone."""
    for text, status in (("system { services { finger; } }\n", 0), ("", 0),
                         ("system { services { fingre; } }\n", 1)):
        for words in (["portreeve", "check", "-"],
                      ["portreeved", "-n", "-c", "-"]):
            done = subprocess.run(
                [world.BUILD + "/" + words[0]] + words[1:], input=text,
                capture_output=True, text=True, timeout=30, check=False)
            equal(done.returncode, status, "%s of %r" % (words, text))
            check(not status or done.stderr.startswith(
                "-:1:21: error: unknown statement `fingre`"),
                "what it says: %r" % done.stderr)
    closed = subprocess.run(
        ["sh", "-c", 'exec "$1" check - <&-', "sh",
         world.BUILD + "/portreeve"], capture_output=True, text=True,
        timeout=30, check=False)
    equal(closed.returncode, 1, "status with standard input closed")
    check("standard input cannot be read" in closed.stderr,
          "what it says: %r" % closed.stderr)
    done = run("portreeved", "-c", "-")
    equal(done.returncode, 2, "a daemon of standard input")


def test_errors_come_first():
    status, lines = checks("system { services {\n"
                           "telnet { port 2323; }\n"
                           "finger { port 0; }\n} }\n")
    equal(status, 1, "status")
    check(lines[0].startswith("FILE:3:15: error: port: 0"), lines[0])
    check(any("FILE:2:1: warning: telnet" in n for n in lines[1:]),
          "the warning: %s" % lines)


def test_a_mistyped_command_gets_its_nearest():
    for words, answer in (
            ("relaod", "no such command: relaod; the nearest is "
             "`portreeve reload`"),
            ("hsow services", "no such command: hsow; the nearest is "
             "`portreeve show`"),
            ("show serivces", "no such command: serivces; the nearest is "
             "`portreeve show services`"),
            ("sessions", "no such command: sessions; the nearest is "
             "`portreeve show sessions`"),
            ("clear sesion 5", "no such command: sesion; the nearest is "
             "`portreeve clear session`"),
            ("status", "no such command: status; `portreeve show services` "
             "does that"),
            ("stop", "no such command: stop; `systemctl stop portreeve` does "
             "that"),
            ("show", "show needs one word more: services, sessions, "
             "penalties, configuration"),
            ("frobnicate", "no such command: frobnicate; `portreeve --help` "
             "lists all commands")):
        done = run("portreeve", *words.split())
        equal((done.returncode, done.stderr),
              (2, "portreeve: %s\n" % answer), words)


def test_check_of_ranges():
    for statement, good in (
            ("connection-limit 0;", False), ("connection-limit 1;", True),
            ("connection-limit 250;", True),
            ("connection-limit 251;", False), ("rate-limit 0;", False),
            ("rate-limit 250;", True), ("rate-limit 251;", False),
            ("extended-limits; rate-limit 10000000;", True),
            ("extended-limits; rate-limit 10000001;", False),
            ("extended-limits; connection-limit 65535;", True),
            ("extended-limits; connection-limit 65536;", False),
            ("port 0;", False), ("port 65535;", True), ("port 65536;", False),
            ("connection-limit -1;", False), ("connection-limit 1x;", False)):
        above = "extended-limits;" if "extended" in statement else ""
        status, lines = checks("system { services { %s finger { %s } } }" % (
            above, statement.replace("extended-limits;", "")))
        equal(status, 0 if good else 1, "%s: %s" % (statement, lines))


def test_a_missing_file_is_said():
    for words in (["portreeved", "-n", "-c", "/nowhere/x.conf"],
                  ["portreeve", "check", "/nowhere/x.conf"]):
        done = run(*words)
        equal(done.returncode, 1, "status")
        check("/nowhere/x.conf" in done.stderr, "its name: %r" % done.stderr)


def test_show_services():
    with start() as daemon:
        rows = daemon.show("services")
        equal([list(r) for r in rows], [SERVICES] * 2, "keys")
        equal(sorted((r["service"], r["family"], r["address"], r["port"])
                     for r in rows),
              [("finger", "inet", "127.0.0.1", daemon.port),
               ("finger", "inet6", "::1", daemon.port)], "rows")
        for row in rows:
            for name in SERVICES[3:-1]:
                check(isinstance(row[name], int), "%s is %r" % (
                    name, row[name]))
        text = daemon.cli("show", "services")
        equal((text.returncode, text.stderr), (0, ""), "as text")
        lines = text.stdout.splitlines()
        equal(len(lines), 3, "lines of %s" % text.stdout)
        equal(lines[0].split(), SERVICES, "the heading")
        check("\x1b" not in text.stdout, "colour without a terminal")


def test_show_sessions():
    with start() as daemon:
        equal(daemon.show("sessions"), [], "sessions")
        with Connection(daemon.port) as client:
            event = daemon.wait("connection-accepted")
            rows = daemon.show("sessions")
            equal([list(r) for r in rows], [SESSIONS], "keys")
            row = rows[0]
            equal((str(row["id"]), row["service"], row["family"],
                   row["source"], row["source-port"]),
                  (event["session"], "finger", "inet", "127.0.0.1",
                   client.port), "the row")
            check(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$",
                           row["since"]), "since: %s" % row["since"])
            equal((row["user"], row["tty"]), (None, None),
                  "what is unknown")
            check(row["doing"] is None or isinstance(row["doing"], str),
                  "doing: %r" % row["doing"])
            wait_until(lambda: daemon.show("sessions")[0]["pid"] in [
                p.pid for p in daemon.roles().get("worker finger", [])],
                "the worker's pid in the row")
            equal(len(daemon.cli("show", "sessions").stdout.splitlines()),
                  2, "lines of show sessions")


def test_clear_session():
    with start() as daemon:
        with Connection(daemon.port) as client:
            event = daemon.wait("connection-accepted")
            with Connection(daemon.port) as other:
                daemon.wait("connection-accepted", source_port=other.port)
                done = daemon.cli("clear", "session", event["session"])
                equal((done.returncode, done.stderr), (0, ""), "clear")
                client.read_all()
                closed = daemon.wait("session-closed",
                                     session=event["session"])
                check(closed["exit"] in ("SIGTERM", "SIGKILL"), closed.line)
                check(other.silent(), "another connection was hurt")
        daemon.idle()
        done = daemon.cli("clear", "session", "999999")
        equal(done.returncode, 1, "clearing what is not there")
        equal(len(done.stderr.splitlines()), 1, "lines of %r" % done.stderr)


def test_show_configuration_can_be_read_again():
    secret = "outbound-ssh { client nms { device-id r1; secret \"hush\"; " \
        "services { netconf; } 192.0.2.1 { port 4334; } } }"
    with start("user-limit { processes 40; sessions 10; }",
               "rate-limit 250;") as daemon:
        for flags in ([], ["--set"]):
            done = daemon.cli("show", "configuration", *flags)
            equal((done.returncode, done.stderr), (0, ""), "show")
            check("rate-limit 250" in done.stdout, "rate-limit")
            status, lines = checks(done.stdout)
            equal((status, lines), (0, []), "check of its own output")
        check(all(n.startswith("set ") for n in done.stdout.splitlines()),
              "lines that are no set lines in %s" % done.stdout)
    with start(secret + " ssh { port %d; %s } netconf { ssh { port %d; } "
               "subsystem \"/usr/bin/cat\"; }" % (
                   free_port(), BOTH, free_port())) as daemon:
        done = daemon.cli("show", "configuration")
        check("hush" not in done.stdout, "the secret is shown")
        check("********" in done.stdout, "the secret is not masked")
        equal(checks(done.stdout)[0], 1, "a mask was taken for a secret")


def test_control_socket_is_for_its_own():
    with start() as daemon:
        path = daemon.run + "/control.sock"
        equal(oct(os.stat(path).st_mode & 0o777), oct(0o660), "its mode")
        if os.geteuid() != 0:
            return
        # Even where the socket's file lets a stranger reach it.
        os.chmod(path, 0o666)
        for folder in (daemon.run, daemon.directory):
            os.chmod(folder, 0o755)
        done = subprocess.run(
            ["setpriv", "--reuid", "bob", "--regid", "bob", "--clear-groups",
             world.BUILD + "/portreeve", "-r", daemon.run, "show",
             "services"], capture_output=True, text=True, check=False,
            timeout=30)
        equal((done.returncode, done.stdout), (1, ""), "bob's show services")


def test_foreground_table_tells_what_to_type():
    with start() as daemon:
        wait_until(lambda: str(daemon.port).encode() in daemon.table,
                   "the port in the table on stdout")
        check(b"finger" in daemon.table, "the service in the table")


def test_sigint_stops_as_sigterm_does():
    with start() as daemon:
        daemon.child.send_signal(signal.SIGINT)
        equal(daemon.child.wait(20), 0, "status")
        daemon.join()
        equal(len(daemon.of("stopped")), 1, "stopped events")
        equal(daemon.noise, [], "noise")
        wait_until(lambda: not [p for p in
            processes.below(os.getpid()) if p.title.startswith(
                "portreeve: ")], "every process to end")


def test_json_of_an_empty_table_is_an_array():
    with Daemon("") as daemon:
        done = daemon.cli("show", "services", "--json")
        equal(json.loads(done.stdout), [], "services of nothing")


if __name__ == "__main__":
    main()
