#!/usr/bin/python3
"""Logins by telnet: who gets in, what is audited, what outlives what."""
import os
import re
import signal
import subprocess

from harness.logins import ALICE, Login, alices, gone, logins, start
from harness import (Connection, PASSWORDS, Skip, check, equal, free_port,
                     limit, main, needs, needs_root, processes, wait_until,
                     world, write)


@needs_root
def test_right_password():
    with start() as daemon:
        client = Login(daemon, "alice")
        equal(client.run("id -un"), "alice\n", "who")
        events = daemon.events
        success = daemon.wait("auth-success", user="alice")
        opened = daemon.wait("session-opened", user="alice")
        equal(success["method"], "password", "method")
        equal(opened["source-port"], str(client.port), "source-port")
        tty = opened["tty"]
        equal(client.run("tty"), "/dev/%s\n" % tty, "the terminal")
        row, = daemon.show("sessions")
        equal((row["user"], row["tty"], row["doing"]),
              ("alice", tty, "session"), "show sessions")
        check("alice" in subprocess.run(
            ["who"], capture_output=True, text=True, check=True).stdout,
              "no record in utmp")
        client.line("exit")
        client.read_all()
        closed = daemon.closed(client)
        equal(closed["user"], "alice", "session-closed's user")
        gone()
        equal(subprocess.run(["who"], capture_output=True, text=True,
                             check=True).stdout, "", "utmp afterwards")
        equal([e for e in events if e["event"] == "worker-failed"], [],
              "failures")
        daemon.idle()


@needs_root
def test_how_the_shell_ended():
    """session-closed says what became of the user's shell, not of a worker;
    one short of a prompt too."""
    with start() as daemon:
        for line, status in (("exit 7", "7"), ("exit", "0"),
                             ("kill -KILL $$", "SIGKILL"),
                             ("kill -HUP $$", "SIGHUP"),
                             ("exec /bin/false", "1"), (None, "SIGHUP")):
            client = Login(daemon, "alice")
            client.run("true")
            if line:
                client.line(line)
                client.read_all()
            client.close()
            equal(daemon.closed(client)["exit"], status, "after %s" % line)
        for _ in range(10):
            client = Login(daemon, "alice")
            client.line("exit 200")
            client.read_all()
            client.close()
            equal(daemon.closed(client)["exit"], "200", "at once")
        # Nobody logged in: the worker's own.
        client = Login(daemon)
        client.until(b"login: ")
        client.close()
        equal(daemon.closed(client)["exit"], "0", "at the prompt")
        gone()
        equal(daemon.of("worker-failed"), [], "failures")


@needs_root
def test_wrong_password_three_times():
    with start("log-unknown-users;") as daemon:
        client = Login(daemon, "alice", "wrong")
        for user in ("nobody\x1b[2J", "alice"):
            client.until(b"Login incorrect")
            client.until(b"login: ")
            client.line(user)
            client.until(b"Password: ")
            client.line("wrong")
        client.until(b"Login incorrect")
        client.read_all()
        for count, user in enumerate(("alice", "nobody\x1b[2J", "alice"), 1):
            event = daemon.wait("auth-failure", count=count)
            equal((event["user"], event["reason"], event["method"]),
                  (user, "credentials", "password"), "failure %d" % count)
        equal(len(daemon.of("auth-failure")), 3, "failures")
        check("\x1b" not in "".join(e.line for e in daemon.events),
              "an escape in the audit stream")
        daemon.closed(client)
        daemon.idle()


@needs_root
def test_a_name_of_nobody_s_is_not_logged():
    """It may be a password, typed at the wrong prompt. That it was tried is
    told, and in the journal's sentence no name looks like more than one."""
    for rule, shown in (("", None), ("no-log-unknown-users;", None),
                        ("log-unknown-users;", ALICE)):
        with start(rule) as daemon:
            client = Login(daemon, ALICE, "alice")
            event = daemon.wait("auth-failure", source_port=client.port)
            equal((event.get("user"), event["unknown-user"]), (shown, "yes"),
                  "its user with `%s'" % rule)
            client.close()
            daemon.closed(client)
            equal([e.line for e in daemon.events if ALICE in e.line] == [],
                  shown is None, "lines with the name")
            client = Login(daemon, "alice", "wrong")
            event = daemon.wait("auth-failure", source_port=client.port)
            equal((event["user"], event.get("unknown-user")),
                  ("alice", None), "an account's")
            client.close()
            daemon.closed(client)
            gone()


@needs_root
def test_a_login_that_cannot_run():
    """Not in silence: a program that is no program, and one that gives up."""
    login = world.BUILD + "/libexec/login"
    for program, words in (("/dev/null", "cannot be run"),
                           ("/bin/false", "exit status 1")):
        # The daemon opens its programs when it starts.
        world.mount(program, login, "none", world.MS_BIND)
        daemon = start()
        try:
            daemon.start()
        finally:
            subprocess.run(["umount", "--lazy", login], check=True)
        client = Login(daemon)
        client.until(b"login: ")
        client.line("alice")
        client.read_all()
        event = daemon.wait("worker-failed", source_port=client.port)
        check(words in event["reason"], event.line)
        client.close()
        daemon.closed(client)
        daemon.stop()
        gone()


@needs_root
def test_a_record_that_cannot_be_closed():
    """utmp is read-only at the end: who would show a user who is gone."""
    with start() as daemon:
        client = Login(daemon, "alice")
        client.run("true")
        world.mount("/run/utmp", "/run/utmp", "none", world.MS_BIND)
        subprocess.run(["mount", "-o", "remount,bind,ro", "/run/utmp"],
                       check=True)
        try:
            login, = logins()
            client.line("exit")
            client.read_all()
            daemon.wait("warning", reason="the login record of process %d "
                        "stays open in utmp, as if its user were logged in"
                        % login.pid)
            daemon.closed(client)
            gone()
        finally:
            subprocess.run(["umount", "/run/utmp"], check=True)
    write("/run/utmp", "")


@needs_root
@needs("strace")
def test_nothing_open_is_the_user_s():
    """What login's child has open is closed before it becomes the user, who
    could take it from there."""
    with start() as daemon:
        client = Login(daemon)
        client.until(b"login: ")
        client.line("alice")
        client.until(b"Password: ")
        login, = logins()
        log = world.WORK + "/strace.login"
        tracer = subprocess.Popen(
            ["strace", "-f", "-o", log, "-e",
             "trace=close_range,setresuid", "-p", str(login.pid)],
            stderr=subprocess.PIPE, text=True)
        check("attached" in tracer.stderr.readline(), "strace")
        client.line(ALICE)
        client.run("true")
        client.close()
        daemon.closed(client)
        tracer.communicate(timeout=20)
        with open(log, encoding="ascii") as file:
            calls = [r.split(None, 1) for r in file.read().splitlines()]
        became = [i for i, (pid, call) in enumerate(calls)
                  if call.startswith("setresuid(%d" % world.base_uid())]
        pid = calls[became[0]][0]
        before = [call for p, call in calls[:became[0]] if p == pid]
        check(any(c.startswith("close_range(3, 4294967295") for c in before),
              "before setresuid: %s" % before)
        gone()


@needs_root
def test_root():
    for rule, name, let_in in (("", "root", False), ("", "toor", False),
                               ("root-login allow;", "toor", True)):
        with start(rule) as daemon:
            client = Login(daemon, name, PASSWORDS["root"][0])
            if let_in:
                equal(client.run("id -u"), "0\n", "uid")
            else:
                client.until(b"Login incorrect")
                daemon.wait("auth-failure", reason="root-login", user=name)
            client.close()
            daemon.closed(client)
            gone()


@needs_root
def test_user_limit():
    gone()
    with start(around="user-limit { sessions 1; processes 9; }") as daemon:
        first = Login(daemon, "alice")
        equal(first.run("ulimit -u"), "9\n", "processes")
        second = Login(daemon, "alice")
        second.until(b"as many sessions")
        second.read_all()
        daemon.wait("auth-failure", reason="user-limit", user="alice")
        equal(first.run("echo on"), "on\n", "the first")
        first.line("exit")
        first.read_all()
        gone()
        third = Login(daemon, "alice")
        equal(third.run("echo in"), "in\n", "once more below")
        third.close()
        gone()


@needs_root
def test_login_limit():
    with start(around="login-limit 2;") as daemon:
        held = []
        for _ in range(2):
            client = Login(daemon)
            client.until(b"login: ")
            client.line("alice")
            client.until(b"Password: ")
            held.append(client)
        client = Login(daemon)
        client.until(b"login: ")
        client.line("alice")
        client.until(b"Too many logins")
        client.read_all()
        held[0].line(ALICE)
        equal(held[0].run("echo in"), "in\n", "a held one")
        client = Login(daemon, "alice")
        equal(client.run("echo in"), "in\n", "the next")
        for one in held + [client]:
            one.close()
        gone()
        daemon.idle()


@needs_root
def test_grace_time():
    with start("login-grace-time 2;") as daemon:
        client = Login(daemon)
        client.until(b"login: ")
        client.line("alice")
        client.until(b"Password: ")
        client.until(b"timed out")
        client.read_all()
        daemon.wait("auth-failure", reason="timeout", user="alice")
        daemon.closed(client)
        gone()


@needs_root
def test_grace_time_without_a_name():
    """A failure as well, once, and of nobody's; as ssh's is."""
    with start("login-grace-time 10;", "login-limit 1;") as daemon:
        silent, again = Login(daemon), Login(daemon)
        for client in (silent, again):
            client.until(b"login: ")
        # One that is being made takes nothing from those.
        again.line("alice")
        again.until(b"Password: ")
        again.line("wrong")
        again.until(b"Login incorrect")
        begun = daemon.mark()
        for client in (silent, again):
            client.until(b"\r\nLogin timed out.\r\n")
            equal(client.read_all(), (b"", "eof"), "what follows")
            daemon.wait("auth-failure", after=begun, reason="timeout",
                        source_port=client.port, user=None, method=None)
            client.close()
            closed = daemon.closed(client)
            check("user" not in closed, "a user at the end")
        equal(len(daemon.of("auth-failure")), 3, "failures")
        # Who leaves before the time has failed at nothing.
        client = Login(daemon)
        client.until(b"login: ")
        client.close()
        daemon.closed(client)
        gone()
        equal(len(daemon.of("auth-failure")), 3, "failures")


@needs_root
def test_clear_session():
    with start() as daemon:
        client = Login(daemon, "alice")
        other = Login(daemon, "alice")
        other.run("true")
        client.run("(setsid sleep 1000 &) ; sleep 1000 & trap '' HUP TERM")
        daemon.wait("session-opened", count=2)
        session = daemon.of("session-opened", source_port=client.port)[0]
        done = daemon.cli("clear", "session", session["session"])
        equal(done.returncode, 0, "clear: " + done.stderr)
        client.read_all()
        daemon.closed(client)
        wait_until(lambda: len(logins()) == 1 and not [
            p for p in alices() if "1000" in p.title], "its processes' end")
        equal(other.run("echo on"), "on\n", "the other")
        check(subprocess.run(["who"], capture_output=True, text=True,
                             check=True).stdout.count("alice") == 1, "utmp")
        other.close()
        gone()


@needs_root
def test_login_killed():
    with start() as daemon:
        client = Login(daemon, "alice")
        client.run("sleep 1000 & true")
        other = Login(daemon, "alice")
        other.run("true")
        daemon.wait("session-opened", count=2)
        first = min(logins(), key=lambda p: p.pid)
        os.kill(first.pid, signal.SIGKILL)
        client.read_all()
        daemon.wait("worker-failed", pid=first.pid, signal="SIGKILL")
        daemon.closed(client)
        equal(other.run("echo on"), "on\n", "the other")
        wait_until(lambda: len(logins()) == 1 and not [
            p for p in alices() if "1000" in p.title], "its session's end")
        check(subprocess.run(["who"], capture_output=True, text=True,
                             check=True).stdout.count("alice") == 1, "utmp")
        other.close()
        gone()


@needs_root
def test_master_killed():
    """Sessions go on; who is at the prompt can still log in."""
    with start() as daemon:
        inside = Login(daemon, "alice")
        inside.run("true")
        outside = Login(daemon)
        outside.until(b"login: ")
        asked = Login(daemon)
        asked.until(b"login: ")
        asked.line("alice")
        asked.until(b"Password: ")
        mark = daemon.mark()
        os.kill(daemon.role("master").pid, signal.SIGKILL)
        daemon.wait("role-restarted", after=mark, role="master")
        equal(inside.run("echo on"), "on\n", "a session")
        asked.line(ALICE)
        equal(asked.run("echo in"), "in\n", "who had given a name")
        outside.line("alice")
        outside.until(b"Password: ")
        outside.line(ALICE)
        equal(outside.run("echo in"), "in\n", "who was at the prompt")
        wait_until(lambda: [r["user"] for r in daemon.show("sessions")] ==
                   ["alice"] * 3, "three users in `show sessions`")
        for client in (inside, asked, outside):
            client.close()
            daemon.closed(client)
        gone()
        daemon.idle()


@needs_root
@limit(90)
def test_monitor_killed():
    """The next daemon adopts the session: counts, lists and ends it."""
    daemon = start(around="user-limit { sessions 2; }")
    daemon.start()
    client, other = Login(daemon, "alice"), Login(daemon, "alice")
    client.run("true")
    other.run("true")
    daemon.wait("session-opened", count=2)
    os.kill(daemon.pid, signal.SIGKILL)
    daemon.child.wait()
    equal(client.run("echo on"), "on\n", "after the monitor's death")
    daemon.start()
    equal(sorted(r["user"] for r in daemon.show("sessions")),
          ["alice", "alice"], "adopted")
    third = Login(daemon, "alice")
    third.until(b"as many sessions")
    session = [r["id"] for r in daemon.show("sessions")
               if r["source-port"] == client.port][0]
    equal(daemon.cli("clear", "session", str(session)).returncode, 0, "clear")
    client.read_all()
    equal(other.run("echo on"), "on\n", "the other one")
    wait_until(lambda: len(logins()) == 1, "one login left")
    other.line("exit")
    other.read_all()
    gone()
    equal(subprocess.run(["who"], capture_output=True, text=True,
                         check=True).stdout, "", "utmp afterwards")
    daemon.idle()
    daemon.stop()


def records(tty):
    """last's rows about that terminal."""
    said = subprocess.run(["last", "-w"], capture_output=True,
                          text=True, check=True).stdout
    return [r for r in said.splitlines() if " %s " % tty in r]


def utmp():
    return subprocess.run(["who"], capture_output=True, text=True,
                          check=True).stdout


@needs_root
def test_shorter_than_the_monitor_s_breath():
    """A session that is over before the monitor has heard of it is one."""
    path = "/etc/pam.d/login"
    with open(path, encoding="ascii") as file:
        old = file.read()
    os.mkfifo("/mnt/gate")
    write("/mnt/wait", "#!/bin/sh\n"
          "[ $PAM_TYPE != open_session ] || cat /mnt/gate\n", 0o755)
    with start() as daemon:
        write(path, old + "session required pam_exec.so /mnt/wait\n")
        client = Login(daemon, "alice")
        with open("/mnt/gate", "wb"):  # its session phase has begun
            write(path, old)
            os.kill(daemon.pid, signal.SIGSTOP)
        client.run("true")
        client.line("exit 7")
        wait_until(lambda: not alices(), "the session's end")
        os.kill(daemon.pid, signal.SIGCONT)
        closed = daemon.closed(client)
        equal((closed["user"], closed["exit"]), ("alice", "7"), "its end")
        daemon.wait("auth-success", user="alice")
        daemon.wait("session-opened", user="alice")
        equal(daemon.of("worker-failed"), [], "failures")
        equal(utmp(), "", "who")
        gone()


@needs_root
@needs("last")
def test_records_of_a_session():
    """who and last show it, and its end, whatever ended it."""
    def by_exit(daemon, client, _):
        client.line("exit")

    def by_worker(daemon, client, row):
        os.kill(row["pid"], signal.SIGKILL)

    def by_login(daemon, client, _):
        login, = logins()
        os.kill(login.pid, signal.SIGKILL)

    def by_shell(daemon, client, _):
        client.line("kill -9 $$")

    def by_peer(daemon, client, _):
        client.close()

    def by_zygote(daemon, client, _):
        mark = daemon.mark()
        os.kill(daemon.role("zygote telnet").pid, signal.SIGKILL)
        daemon.wait("role-restarted", after=mark, role="zygote")

    def by_clear(daemon, client, row):
        daemon.cli("clear", "session", str(row["id"]))
    with start() as daemon:
        for count, end in enumerate((by_exit, by_worker, by_login, by_shell,
                                     by_peer, by_zygote, by_clear), 1):
            client = Login(daemon, "alice")
            tty = client.run("tty").strip()[len("/dev/"):]
            check(re.search(r"^alice +%s .*\(127\.0\.0\.1\)$" % tty, utmp(),
                            re.M), "who: %s" % utmp())
            last = records(tty)[0]
            check(re.match(r"alice +%s +127\.0\.0\.1 .* still logged in" % tty,
                           last), "last: %s" % last)
            row, = daemon.show("sessions")
            end(daemon, client, row)
            daemon.closed(client)
            gone()
            equal(utmp(), "", "who after %s" % end.__name__)
            # last says "still running" of an end in its own second.
            wait_until(lambda: re.match(
                r"alice +%s +127\.0\.0\.1 .* - ..:.. +\(00:0" % tty,
                records(tty)[0]), "last after %s" % end.__name__)
        check(not [r for r in records(tty) if "still" in r or "gone" in r],
              "last: %s" % records(tty))


@needs_root
def test_what_a_login_holds():
    """Root's whole bounding set, since sessions inherit it, no filter, and no
    descriptor but its two channels."""
    with start() as daemon:
        client = Login(daemon)
        client.until(b"login: ")
        equal(logins(), [], "logins before there is a name")
        client.line("alice")
        client.until(b"Password: ")
        login, = logins()
        status = processes.status(login.pid)
        mine = processes.status(os.getpid())
        equal(status["Uid"].split(), ["0"] * 4, "uid")
        equal((status["CapBnd"], status["NoNewPrivs"], status["Seccomp"]),
              (mine["CapBnd"], "0", "0"), "rights")
        equal(login.parent, daemon.pid, "its parent")
        equal(sorted(processes.descriptors(login.pid)), [0, 1, 2, 3, 4],
              "descriptors")
        client.line(ALICE)
        client.run("true")
        held = processes.descriptors(login.pid)
        # No terminal above all, whose last end is the worker's.
        equal([held[fd] for fd in held if fd > 4], ["anon_inode:[signalfd]"],
              "more descriptors")
        client.close()
        gone()


@needs_root
def test_what_a_session_s_login_keeps():
    """Of the login's own stack, no more than the frames that are in use."""
    if world.is_sanitized():
        raise Skip("the sanitizer's run-time takes memory of its own")
    with start() as daemon:
        client = Login(daemon, "alice")
        client.run("true")
        login, = logins()
        wait_until(lambda: processes.private_kb(login.pid, "[stack]") <= 20,
                   "its stack to be given back")
        client.close()
        gone()


@needs_root
def test_zygote_killed():
    """Its own connections are lost, and their records are closed."""
    with start() as daemon:
        client = Login(daemon, "alice")
        client.run("true")
        mark = daemon.mark()
        os.kill(daemon.role("zygote telnet").pid, signal.SIGKILL)
        client.read_all()
        daemon.wait("role-restarted", after=mark, role="zygote")
        daemon.closed(client)
        gone()
        equal(subprocess.run(["who"], capture_output=True, text=True,
                             check=True).stdout, "", "utmp afterwards")
        client = Login(daemon, "alice")
        equal(client.run("echo on"), "on\n", "the next")
        client.close()
        gone()


@needs_root
def test_reload_keeps_sessions():
    with start() as daemon:
        client = Login(daemon, "alice")
        client.run("true")
        waiting = Login(daemon)
        waiting.until(b"login: ")
        with open(daemon.file, encoding="ascii") as file:
            text = file.read()
        daemon.configure(text.replace("telnet {",
                                      "telnet { login-grace-time 50;"))
        equal(daemon.cli("reload").returncode, 0, "reload")
        equal(client.run("echo on"), "on\n", "a session")
        waiting.line("alice")
        waiting.until(b"Password: ")
        waiting.line(ALICE)
        equal(waiting.run("echo in"), "in\n", "who was at the prompt")
        for one in (client, waiting):
            one.close()
        gone()


@needs_root
def test_a_master_that_dies_after_a_reload():
    """Zygotes that finish only their sessions are told of the next master,
    which counts these; they and their sessions live."""
    port = free_port()
    cat = ("service cat { protocol tcp; port %d; listen-address 127.0.0.1; "
           "exec /bin/cat; user nobody; %%s }" % port)
    with start(around=cat % "") as daemon:
        client = Login(daemon, "alice")
        client.run("true")
        other = Connection(port)
        equal(other.send(b"on\n").socket.recv(16), b"on\n", "cat")
        with open(daemon.file, encoding="ascii") as file:
            text = file.read()
        daemon.configure(text.replace(
            "telnet {", "telnet { login-grace-time 50;").replace(
                "exec /bin/cat;", "exec /bin/cat; environment A B;"))
        equal(daemon.cli("reload").returncode, 0, "reload")
        wait_until(lambda: len(zygotes(daemon)) == 4, "the new zygotes")
        mark = daemon.mark()
        os.kill(daemon.role("master").pid, signal.SIGKILL)
        daemon.wait("role-restarted", after=mark, role="master")
        wait_until(lambda: [daemon.sessions(s) for s in ("telnet", "cat")] ==
                   [1, 1], "both sessions counted")
        equal(len(zygotes(daemon)), 4, "zygotes")
        equal(client.run("echo on"), "on\n", "a login")
        equal(other.send(b"on\n").socket.recv(16), b"on\n", "a program")
        for one in (client, other):
            one.close()
            daemon.closed(one)
        gone()
        wait_until(lambda: len(zygotes(daemon)) == 2, "old zygotes to end")
        equal([e for e in daemon.of("role-restarted", after=mark)
               if e["role"] != "master"], [], "other roles")


def zygotes(daemon):
    return [p for name, some in daemon.roles().items()
            if name.startswith("zygote") for p in some]


@needs_root
def test_stop_with_keep_sessions():
    daemon = start()
    daemon.start()
    client = Login(daemon, "alice")
    client.run("true")
    daemon.stop()
    equal(client.run("echo on"), "on\n", "after the stop")
    daemon.start()
    equal([r["user"] for r in daemon.show("sessions")], ["alice"], "adopted")
    client.line("exit 9")
    client.read_all()
    gone()
    equal(daemon.closed(client)["exit"], "9", "told to the next daemon")
    daemon.idle()
    daemon.stop()


@needs_root
def test_stop_without_keep_sessions():
    daemon = start(around="no-keep-sessions;")
    daemon.start()
    client = Login(daemon, "alice")
    client.run("true")
    daemon.stop()
    client.read_all()
    gone()
    equal(subprocess.run(["who"], capture_output=True, text=True,
                         check=True).stdout, "", "utmp afterwards")


@needs_root
def test_rootless():
    """An ordinary user's daemon logs in that user, and nobody else."""
    with start(user="alice") as daemon:
        client = Login(daemon, "alice")
        equal(client.run("id -un"), "alice\n", "who")
        daemon.wait("session-opened", user="alice")
        client.line("exit 3")
        client.read_all()
        equal(daemon.closed(client)["exit"], "3", "how it ended")
        other = Login(daemon, "bob", PASSWORDS["bob"][0])
        other.until(b"Login incorrect")
        daemon.wait("auth-failure", user="bob")
        other.close()
        daemon.idle()
    gone()


if __name__ == "__main__":
    main()
