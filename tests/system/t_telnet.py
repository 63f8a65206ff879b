#!/usr/bin/python3
"""telnet end to end, by a client of our own: the dialogue, bytes, commands,
statements, what ends what. Real clients are t_telnet_clients.py's, attacks
t_telnet_hostile.py's; who may log in is t_login.py's."""
import os
import signal
import socket
import subprocess
import time

from harness import (BOTH, LINE, PASSWORDS, Skip, check, equal, limit, main,
                     needs_root, processes, wait_until, world, write)
from harness.telnet import (ABORT, AO, AYT, BINARY, BRK, DM, DO, EC, EL, EOF,
                            GA, IAC, IP, LFLOW, LOGOUT, NAWS, NOP, SB, SE,
                            SUSP, TTYPE, Telnet, WILL, big_file, command,
                            commands_of, cpu_of, no_failures, people, reads_of,
                            running, runs, start, stuck)


# --- a client that negotiates nothing ----------------------------------------

@needs_root
def test_silent_client():
    with start() as daemon:
        for end in (b"\r\n", b"\r\0", b"\r", b"\n"):
            begun = time.monotonic()
            client = Telnet(daemon.port)
            prompt = client.until(b"login: ")
            took = time.monotonic() - begun
            check(took <= 2, "the prompt took %.1f s" % took)
            equal(prompt, socket.gethostname().encode() + b" login: ",
                  "the prompt")
            client.line("alice", end)
            check(client.until(b"Password: ").startswith(b"alice\r\n"),
                  "no echo of the name")
            client.line(PASSWORDS["alice"][0], end)
            text = client.calm().data
            check(PASSWORDS["alice"][0].encode() not in text, "an echo")
            equal(client.run("id -un; tty | cut -c1-8"), "alice\n/dev/pts\n",
                  "who and where")
            client.line("exit")
            client.rest()
            equal(client.ended, "eof", "the end")
        daemon.wait("session-closed", count=4)
        no_failures(daemon)


@needs_root
def test_lines_are_edited():
    with start("log-unknown-users;") as daemon:
        client = Telnet(daemon.port)
        client.until(b"login: ")
        client.send(b"root\x15alxx\b\x7fice" + command(EL) + b"alicx" +
                    command(EC) + b"e\r")
        client.until(b"Password: ")
        client.send(b"no\x15" + PASSWORDS["alice"][0].encode() + b"x\b\r")
        client.calm().line("exit")
        daemon.wait("session-opened", user="alice")
        for leave in (b"\x03", b"\x04", b"alice\x03", command(IP)):
            other = Telnet(daemon.port)
            other.until(b"login: ")
            other.send(leave)
            other.rest()
            equal(other.ended, "eof", "the end after %r" % leave)
        # Nothing at all is no try, nor is a name of a kilobyte a longer one.
        other = Telnet(daemon.port)
        other.until(b"login: ")
        other.send(b"\r\n\r\n" + b"a" * 1000 + b"\r\n")
        other.until(b"Password: ")
        other.send(b"b" * 2000 + b"\r\n")
        other.until(b"Login incorrect\r\n")
        event = daemon.wait("auth-failure")
        equal(event["user"], "a" * 255, "the name")
        no_failures(daemon)


@needs_root
def test_three_tries():
    with start() as daemon:
        client = Telnet(daemon.port)
        for _ in range(3):
            client.login("alice", "wrong")
            client.until(b"Login incorrect\r\n")
        equal(client.rest(), b"", "after the third")
        equal(client.ended, "eof", "the end")
        daemon.wait("auth-failure", count=3, user="alice")
        daemon.closed(client)
        no_failures(daemon)


# --- bytes -------------------------------------------------------------------

def fetch(client, path, size):
    """What `cat` sends through a raw terminal, IAC un-doubled."""
    client.line("stty raw -echo; echo '<''<'; cat %s; stty sane; "
                "echo '>''>'" % path)
    client.until(b"<<\n")
    pieces, have = [], 0
    while have < size:
        if not client.feed():
            raise AssertionError("%s after %d bytes" % (client.ended, have))
        pieces.append(client.data)
        have += len(client.data)
        client.data = b""
    data = b"".join(pieces)
    client.data = data[size:]
    client.until(b">>\r\n")
    return data[:size]


@needs_root
@limit(120)
def test_a_large_file_byte_for_byte():
    size = 64 * 1024 * 1024
    path = big_file(size)
    with open(path, "rb") as file:
        original = file.read()
    with start() as daemon:
        client = Telnet(daemon.port).shell()
        client.send(command(DO, BINARY))
        client.until_command(command(WILL, BINARY))
        check(fetch(client, path, size) == original, "bytes differ in BINARY")
        client.close()
        closed = daemon.closed(client)
        check(int(closed["bytes-out"]) > size, "bytes-out")
        no_failures(daemon)
    os.unlink(path)


@needs_root
def test_newlines_are_safe_without_binary():
    size = 1024 * 1024
    path = big_file(size)
    with open(path, "rb") as file:
        original = file.read()
    with start() as daemon:
        client = Telnet(daemon.port).shell()
        # CR LF stays, any other CR is CR NUL (RFC 854).
        wanted = original.replace(b"\r", b"\r\0").replace(b"\r\0\n", b"\r\n")
        check(fetch(client, path, len(wanted)) == wanted, "bytes differ")
        client.close()
        no_failures(daemon)
    os.unlink(path)


@needs_root
def test_input_byte_for_byte():
    """What is typed reaches the program, whatever byte it is."""
    with start() as daemon:
        client = Telnet(daemon.port).shell()
        client.send(command(WILL, BINARY))
        client.until_command(command(DO, BINARY))
        data = bytes(range(256)) * 512
        client.line("stty raw -echo; echo '<''<'; head -c %d | cksum; "
                    "stty sane; echo '>''>'" % len(data), b"\r")
        client.until(b"<<\n")
        client.send(data.replace(b"\xff", b"\xff\xff"))
        got = client.until(b">>").split()
        sum_ = subprocess.run(["cksum"], input=data, check=True,
                              capture_output=True).stdout.split()
        equal(got[:2], sum_[:2], "the sum of what came")
        no_failures(daemon)


# --- commands ----------------------------------------------------------------

@needs_root
def test_commands():
    with start() as daemon:
        client = Telnet(daemon.port).shell()
        client.send(command(AYT))
        client.until(b"[Yes]")
        for code, how in ((IP, 130), (BRK, 131), (ABORT, 131), (SUSP, 148)):
            client.line("sleep 100")
            wait_until(lambda: runs("sleep 100"), "sleep")
            client.send(command(code))
            client.until(b"ready> ")
            client.line("how=$?")
            client.until(b"ready> ")
            equal(client.run("echo $how"), "%d\n" % how,
                  "how sleep ended by %d" % code)
        client.run("kill -9 %1; wait")
        client.line("cat; echo e''nd")
        wait_until(lambda: runs("cat"), "cat")
        client.send(command(NOP) + b"x" + command(GA) + b"\r")
        client.until(b"x\r\nx\r\n")
        client.send(command(EOF))
        client.until(b"end\r\n")
        client.until(b"ready> ")
        client.send(b"echo nox" + command(EL) + b"echo yesx" + command(EC) +
                    b"; stty intr undef\r\n")
        client.until(b"\r\nyes\r\n")
        client.until(b"ready> ")
        # Off is off: the character that IP stood for is no byte 0 either.
        client.send(b"echo 'a" + command(IP) + b"b' | od -An -c\r\n")
        client.until(b"   a   b  \\n")
        no_failures(daemon)


def fills(client, size):
    """Output that nobody reads, up to where its program waits; how much."""
    client.line("yes | head -c %d; echo; echo e''nd" % size)
    return wait_until(lambda: stuck("head"), "output to wait for its reader")


@needs_root
def test_abort_output():
    """What is queued goes; a Synch says so; what comes later arrives."""
    size = 30000000
    with start() as daemon:
        client = Telnet(daemon.port).shell()
        client.commands.clear()
        fills(client, size)
        client.send(command(AO))
        client.until_command(command(DM))
        check(client.urgent, "the mark is not urgent")
        count = client.until(b"\r\nend\r\n").count(b"y\r")
        check(0 < count < size // 2 - 50000, "%d lines came" % count)
        equal(client.commands, [command(DM)], "commands")
        no_failures(daemon)


@needs_root
def test_interrupt_drops_output():
    """The terminal's own flush is a Synch: ^C is felt at once."""
    with start() as daemon:
        client = Telnet(daemon.port).shell()
        client.commands.clear()
        lines = fills(client, 30000000) // 2
        # What the client makes room for is sent until ^C is heard of.
        worker = daemon.show("sessions")[0]["pid"]
        before = reads_of(worker)
        client.send(b"\x03")
        wait_until(lambda: reads_of(worker) > before + 1, "the flush")
        client.until_command(command(DM))
        check(client.urgent, "the mark is not urgent")
        count = client.until(b"ready> ").count(b"y\r")
        # The queue's, beside those that the terminal held itself.
        check(count < lines - 50000, "%d lines of %d came" % (count, lines))
        check(not runs("yes"), "yes is there still")
        no_failures(daemon)


@needs_root
def test_hung_up_behind_a_full_queue():
    """A shell that is gone, and a peer that does not read: the worker rests,
    and the rest arrives when it is read."""
    with start() as daemon:
        client = Telnet(daemon.port).shell()
        client.line("stty -onlcr; exec head -c 30000000 /dev/zero")
        wait_until(lambda: stuck("head"), "output to wait for its reader")
        head, = [p for p in people() if p.title.startswith("head ")]
        os.kill(head.pid, signal.SIGKILL)
        row, = daemon.show("sessions")
        wait_until(lambda: not people(), "the shell's end")
        used = cpu_of(row["pid"])
        time.sleep(0.5)
        check(cpu_of(row["pid"]) - used < 5, "the worker spins")
        check(client.rest().count(b"\0") > 100000, "what was queued")
        daemon.closed(client)
        no_failures(daemon)


@needs_root
def test_flow_control():
    """Whose ^S and ^Q are, as the terminal has it (RFC 1372)."""
    def told(on):
        return command(SB, LFLOW, on, IAC, SE)
    with start() as daemon:
        client = Telnet(daemon.port)
        client.send(command(WILL, LFLOW))
        client.shell()
        client.until_command(told(1))
        for word, on in (("-ixon", 0), ("ixon", 1), ("stop ^A", 0),
                         ("stop ^S", 1)):
            client.commands.clear()
            client.line("stty " + word)
            client.until_command(told(on))
        # Who does not handle them hears nothing of it.
        other = Telnet(daemon.port).shell()
        other.run("stty -ixon; stty ixon")
        check(not any(c[:3] == told(1)[:3] for c in other.commands),
              "words about flow control")
        no_failures(daemon)


@needs_root
def test_synch_gets_through_a_full_terminal():
    """IAC IP with a Synch reaches a program that reads nothing."""
    with start() as daemon:
        client = Telnet(daemon.port).shell()
        client.line("stty -icanon; sleep 100")
        wait_until(lambda: any("sleep" in c for c in commands_of()), "sleep")
        client.send(b"x" * 65536)
        client.socket.send(command(IP) + command(DM), socket.MSG_OOB)
        client.until(b"ready> ")
        check(not any("sleep" in c for c in commands_of()), "sleep is there")
        no_failures(daemon)


@needs_root
def test_synch_drops_what_was_typed_ahead():
    """As the terminal's own interrupt does; unless its user said noflsh."""
    ahead = b"echo AHE''AD >> /home/alice/ahead\r\n" * 2000
    with start() as daemon:
        for mode, kept in (("-noflsh", False), ("noflsh", True)):
            client = Telnet(daemon.port).shell()
            client.line("stty %s; sleep 100" % mode)
            wait_until(lambda: any("sleep" in c for c in commands_of()),
                       "sleep")
            client.send(ahead)
            client.socket.send(command(IP) + command(DM), socket.MSG_OOB)
            client.until(b"ready> ")
            client.send(b"\r\nstty sane; echo do''ne\r\n")
            client.until(b"done")
            equal(os.path.exists("/home/alice/ahead"), kept, mode)
            client.close()
            daemon.closed(client)
        no_failures(daemon)


@needs_root
def test_a_refused_echo():
    """A client that says DONT ECHO shows what it types by itself."""
    with start() as daemon:
        for denied in (True, False):
            client = Telnet(daemon.port)
            if denied:
                client.refuse()
            client.until(b" login: ")
            client.line("alice")
            said = client.until(b"Password: ")
            equal(b"alice" in said, not denied, "an echo in %r" % said)
            client.line(PASSWORDS["alice"][0])
            client.line("stty -a; echo do''ne")
            said = client.until(b"done")
            equal(b"do''ne" in said, not denied, "an echo in %r" % said)
            check((b" -echo " in said) == denied, "the terminal: %r" % said)
            client.close()
            daemon.closed(client)


@needs_root
def test_logout_option():
    with start() as daemon:
        client = Telnet(daemon.port).shell()
        client.send(command(DO, LOGOUT))
        client.rest()
        daemon.closed(client)
        wait_until(lambda: not people(), "alice's processes to end")


@needs_root
def test_window_and_terminal():
    with start() as daemon:
        client = Telnet(daemon.port)
        client.send(command(WILL, TTYPE) + command(WILL, NAWS) +
                    command(SB, NAWS, 0, 132, 0, 43, IAC, SE))
        client.until_command(command(SB, TTYPE, 1, IAC, SE))
        client.send(command(SB, TTYPE, 0) + b"VT220" + command(SE))
        client.shell()
        equal(client.run("stty size; echo $TERM"), "43 132\nvt220\n",
              "window and terminal")
        client.send(command(SB, NAWS, 0, 0, 0, 50, IAC, SE))
        equal(client.run("stty size"), "50 132\n", "0 keeps")
        client.send(command(SB, NAWS, IAC, IAC, IAC, IAC, 0, 9, IAC, SE))
        equal(client.run("stty size"), "9 1000\n", "a clamp")
        no_failures(daemon)


# --- statements --------------------------------------------------------------

@needs_root
def test_banner_and_times():
    write("/mnt/banner", "Only for people\nof this house.\n")
    with start('banner "/mnt/banner"; login-grace-time 3; idle-timeout 2;') \
            as daemon:
        client = Telnet(daemon.port)
        equal(client.until(b"login: "),
              b"Only for people\r\nof this house.\r\n" +
              socket.gethostname().encode() + b" login: ", "the banner")
        begun = time.monotonic()
        check(b"timed out" in client.rest(), "no word at the end")
        check(time.monotonic() - begun < 5, "grace took too long")
        client = Telnet(daemon.port).shell()
        client.line("sleep 3; echo wa''s; sleep 50")
        begun = time.monotonic()
        client.rest()
        took = time.monotonic() - begun
        check(1.5 < took < 5, "idle for %.1f s" % took)
        daemon.closed(client)
        wait_until(lambda: not people(), "alice's processes to end")
        write("/mnt/banner", "Another\n")
        equal(daemon.cli("reload").returncode, 0, "reload")
        Telnet(daemon.port).until(b"Another\r\n")


@needs_root
def test_limit_line():
    with start("connection-limit 1;") as daemon:
        client = Telnet(daemon.port)
        client.until(b"login: ")
        with Telnet(daemon.port) as other:
            equal(other.read_all(), (LINE, "eof"), "what the second sees")
        client.close()
        daemon.closed(client)
        Telnet(daemon.port).shell()


# --- what ends what -----------------------------------------------------------

@needs_root
def test_session_survives_reload():
    with start() as daemon:
        client = Telnet(daemon.port).shell()
        daemon.configure("system { services { telnet { port %d; %s "
                         "idle-timeout 5000; } } }" % (daemon.port, BOTH))
        equal(daemon.cli("reload").returncode, 0, "reload")
        equal(client.run("echo still here"), "still here\n", "the session")
        other = Telnet(daemon.port).shell()
        rows = [r["user"] for r in daemon.show("sessions")]
        equal(rows, ["alice", "alice"], "show sessions")
        for one in (client, other):
            one.line("exit")
            one.rest()
        daemon.idle()


@needs_root
def test_what_a_session_has_moved():
    """In `show sessions` while it runs, and to the byte at its end."""
    with start() as daemon:
        client = Telnet(daemon.port).shell()
        before, = daemon.show("sessions")
        client.run("head -c 1000000 /dev/zero")

        def row():
            return daemon.show("sessions")[0]
        wait_until(lambda: (row()["bytes-out"] or 0) > 1000000, "bytes-out")
        # An idle session has told all of it, and is left in peace.
        wait_until(lambda: row()["bytes-in"] == client.sent, "bytes-in")
        check(row()["bytes-out"] == client.received, "bytes-out: %s, not %d" %
              (row(), client.received))
        check(before["pid"] == row()["pid"], "another worker")
        client.line("exit")
        client.rest()
        closed = daemon.closed(client)
        equal((int(closed["bytes-in"]), int(closed["bytes-out"])),
              (client.sent, client.received), "what moved in all")


@needs_root
def test_clear_session():
    with start() as daemon:
        client = Telnet(daemon.port).shell()
        row, = daemon.show("sessions")
        equal(daemon.cli("clear", "session", str(row["id"])).returncode, 0,
              "clear")
        client.rest()
        client.close()
        closed = daemon.closed(client)
        # Told in order: what has moved, how the shell ended, its records.
        # The monitor's SIGKILL, or its terminal's hang-up: one comes first.
        check(int(closed["bytes-in"]) > 0 and
              closed["exit"] in ("SIGKILL", "SIGHUP"),
              "its end: " + closed.line)
        rows = subprocess.run(["utmpdump", "/var/log/wtmp"], text=True,
                              capture_output=True, check=True).stdout
        check(rows.splitlines()[-1].startswith("[8]"), "records: " + rows)
        wait_until(lambda: not people(), "alice's processes to end")
        no_failures(daemon)


@needs_root
def test_worker_killed():
    with start() as daemon:
        client = Telnet(daemon.port).shell()
        client.line("sleep 1000")
        wait_until(lambda: any("sleep" in c for c in commands_of()), "sleep")
        row, = daemon.show("sessions")
        worker, = [p for p in running("worker telnet") if p.pid == row["pid"]]
        os.kill(worker.pid, signal.SIGKILL)
        client.rest()
        equal(daemon.closed(client)["exit"], "SIGKILL", "exit")
        wait_until(lambda: not people(), "alice's processes to end")
        wait_until(lambda: not running("login telnet"), "its login to end")
        equal(subprocess.run(["who"], capture_output=True, text=True,
                             check=True).stdout, "", "records")


@needs_root
def test_what_a_session_s_worker_holds():
    """Its connection, two channels, the terminal; and no way to fork."""
    with start() as daemon:
        client = Telnet(daemon.port).shell()
        row, = daemon.show("sessions")
        held = processes.descriptors(row["pid"])
        equal(sorted(held), list(range(7)), "descriptors")
        kinds = [held[fd].split(":")[0] for fd in range(3, 7)]
        equal(kinds, ["socket"] * 3 + ["/dev/ptmx"], "what they are")
        with open("/proc/%d/limits" % row["pid"], encoding="ascii") as file:
            check("Max processes             0                    0"
                  in file.read(), "it may fork")
        client.line("exit")
        client.rest()


@needs_root
def test_an_idle_worker_s_memory():
    """What much output takes, an idle session gives back."""
    if world.is_sanitized():
        raise Skip("the sanitizer's run-time takes memory of its own")
    with start() as daemon:
        client = Telnet(daemon.port).shell()
        row, = daemon.show("sessions")

        def own():
            return processes.private_kb(row["pid"])
        client.run("true")
        least = own()
        check(least <= 64, "%d kB of an idle worker's own" % least)
        client.line("yes")
        # Nothing is read here until its queue is full.
        wait_until(lambda: own() > least + 192, "the queue to fill")
        client.send(b"\x03")
        client.until(b"ready> ")
        wait_until(lambda: own() <= least + 16, "the queue to be given back")
        equal(client.run("echo alive"), "alive\n", "the session")


@needs_root
def test_peer_gone():
    with start() as daemon:
        for reset in (False, True):
            client = Telnet(daemon.port).shell()
            client.line("sleep 1000")
            wait_until(lambda: any("sleep" in c for c in commands_of()),
                       "sleep")
            if reset:
                client.socket.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER,
                    b"\1\0\0\0\0\0\0\0")
            client.close()
            daemon.closed(client)
            wait_until(lambda: not people(), "alice's processes to end")
        no_failures(daemon)


@needs_root
def test_last_output_arrives():
    """A shell that ends at once behind much output, a peer that reads late,
    and a child that keeps the terminal."""
    size = 1000000
    with start() as daemon:
        client = Telnet(daemon.port).shell()
        client.line("nohup sleep 3 >/dev/tty 2>&1 & stty -onlcr; "
                    "exec head -c %d /dev/zero" % size)
        client.until(b"\0" * 1000)
        daemon.wait("connection-accepted")
        equal(client.rest().count(b"\0"), size - 1000, "bytes of the end")
        equal(client.ended, "eof", "the end")
        daemon.closed(client)


if __name__ == "__main__":
    main()
