#!/usr/bin/python3
"""What can be wrong at a start: each is said in a sentence, and nothing is
half started."""
import os
import socket
import stat
import subprocess

from harness import (BOTH, Connection, Daemon, check, equal, finger, free_port,
                     main, needs, needs_root, processes, unused, wait_until, world,
                     write)


def fails(daemon, *words):
    """It must not start, end with 1 and say these words."""
    daemon.popen["stderr"] = subprocess.PIPE
    child = subprocess.Popen(
        daemon.argv(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "HOME": daemon.directory,
             "XDG_RUNTIME_DIR": daemon.directory,
             "XDG_STATE_HOME": daemon.directory})
    try:
        _, errors = child.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        raise AssertionError("it started") from None
    errors = errors.decode("utf-8", "replace")
    equal(child.returncode, 1, "status; it said %r" % errors)
    for word in words:
        check(word in errors, "no %r in %r" % (word, errors))
    check(all(n.isprintable() for n in errors.splitlines()),
          "unescaped: %r" % errors)
    return errors


def simple(port=None):
    return "system { services { finger { port %d; %s } } }" % (
        port or free_port(), BOTH)


def test_bad_configuration():
    daemon = Daemon("system { services { fingre; } }")
    fails(daemon, daemon.file + ":1:21: error:")


def test_missing_configuration():
    daemon = Daemon("")
    os.unlink(daemon.file)
    fails(daemon, daemon.file)


def test_a_file_that_others_can_write():
    for mode in (0o666, 0o664, 0o646):
        daemon = Daemon(simple())
        os.chmod(daemon.file, mode)
        fails(daemon, daemon.file)
        done = subprocess.run(
            [world.BUILD + "/portreeved", "-n", "-c", daemon.file],
            capture_output=True, text=True, check=False)
        equal(done.returncode, 1, "-n of mode %o" % mode)
    os.chmod(daemon.file, 0o644)
    with daemon:
        pass


@needs_root
def test_a_file_of_another_user():
    daemon = Daemon(simple())
    os.chown(daemon.file, world.base_uid(), 0)
    fails(daemon, daemon.file)


def test_a_folder_is_no_configuration():
    daemon = Daemon("")
    os.unlink(daemon.file)
    os.mkdir(daemon.file)
    fails(daemon, daemon.file)


def test_binary_rubbish():
    daemon = Daemon("")
    write(daemon.file, os.urandom(5000))
    fails(daemon, daemon.file)


def test_a_busy_port_is_named_and_the_others_serve():
    port, good = free_port(), free_port()
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", port))
        busy.listen()
        daemon = Daemon(
            "system { services { finger { port %d; listen-address 127.0.0.1; "
            "listen-address ::1; } service other { port %d; protocol tcp; "
            "wait no; user nobody; exec \"/bin/echo up\"; %s } } }" % (
                port, good, BOTH if world.ROOT else BOTH))
        with daemon:
            wait_until(lambda: [e for e in daemon.events if str(port) in
                                e.line and e["event"] not in (
                                    "ready", "connection-accepted")],
                       "an event that names port %d" % port)
            check([row for row in daemon.show("services") if
                   row["state"].startswith("waiting: the port is busy (by ")
                   and row["state"].endswith("process %d)" % os.getpid())],
                  "who has it: %s" % daemon.show("services"))
            answer, _ = finger(port, b"x\r\n", "::1")
            check(answer, "the other family does not serve")
            # It is tried again, and served once the port is free.
            busy.close()
            wait_until(lambda: ("inet", port) in processes.listeners(),
                       "the port to be bound when it is free", 40)
            answer, _ = finger(port, b"x\r\n")
            check(answer, "no answer on the port that was busy")


@needs_root
def test_a_low_port_for_an_ordinary_user():
    daemon = Daemon(simple(79), user="alice")
    with daemon.launch():
        wait_until(lambda: [e for e in daemon.events if ":79" in e.line or
                            "79" in e.line] or
                   daemon.child.poll() is not None, "a word on port 79")
        check(daemon.events or daemon.noise, "not a word")


@needs_root
def test_no_sshd_is_said():
    daemon = Daemon("system { services { ssh { port %d; %s } } }" % (
        free_port(), BOTH))
    path = "/usr/sbin/sshd"
    empty = write(world.WORK + "/nosshd", "", 0o644)
    world.mount(empty, path, "none", world.MS_BIND)
    try:
        daemon.launch()
        wait_until(lambda: daemon.child.poll() is not None or
                   [e for e in daemon.events if "sshd" in e.line] or
                   [n for n in daemon.noise if "sshd" in n],
                   "a word on sshd: %s" % daemon.tail())
        check("sshd" in daemon.tail(), "what it says: %s" % daemon.tail())
    finally:
        daemon.kill_all()
        world.LIBC.umount2(path.encode(), 2)


def test_two_daemons_in_one_folder():
    with Daemon(simple()) as daemon:
        second = Daemon(simple(), directory=daemon.directory)
        fails(second)
        answer, _ = finger(int(daemon.show("services")[0]["port"]), b"x\r\n")
        check(answer, "the first was hurt")


@needs_root
@needs("strace")
def test_a_failed_call_is_not_called_another_daemon():
    """Nor a file that is not there: the sentence has the kernel's own word."""
    port = free_port()
    for path, call, error, words in (
            ("run/state/lock", "flock", "ENOLCK",
             "cannot be locked: No locks available"),
            ("run/state/lock", "openat", "EMFILE",
             "cannot be opened: Too many open files"),
            ("run/state/lock", "openat", "ENOMEM",
             "cannot be opened: Cannot allocate memory")):
        daemon = Daemon(simple(port))
        daemon.wrapper = [
            "strace", "-f", "-o", daemon.directory + "/trace", "-P",
            daemon.directory + "/" + path, "-e", "trace=" + call, "-e",
            "inject=%s:error=%s" % (call, error)]
        said = fails(daemon, daemon.run + "/state/lock: " + words)
        check("another portreeved" not in said, said)
    daemon = Daemon("system { services { service it { port %d; exec /bin/cat; "
                    "%s } } }" % (port, BOTH))
    daemon.wrapper = ["strace", "-f", "-o", daemon.directory + "/trace", "-P",
                      os.path.realpath("/bin/cat"), "-e", "trace=%file",
                      "-e", "inject=%file:error=EMFILE"]
    with daemon.launch():
        failed = daemon.wait("service-failed", timeout=30)
        check(failed["reason"].endswith("Too many open files"), failed.line)


def test_a_run_folder_that_cannot_be_made():
    daemon = Daemon(simple())
    daemon.run = write(world.WORK + "/file-not-folder", "") + "/run"
    fails(daemon, daemon.run)


@needs_root
def test_a_run_folder_of_a_stranger():
    daemon = Daemon(simple())
    os.mkdir(daemon.run, 0o777)
    os.chmod(daemon.run, 0o777)
    os.chown(daemon.run, world.base_uid(), world.base_uid())
    fails(daemon, daemon.run)


@needs_root
def test_a_link_for_a_run_folder():
    target = unused(world.WORK + "/elsewhere")
    os.mkdir(target)
    write(target + "/precious", "precious")
    daemon = Daemon(simple())
    os.symlink(target, daemon.run)
    daemon.launch()
    wait_until(lambda: daemon.child.poll() is not None or
               daemon.of("ready"), "an end or a start")
    daemon.kill_all()
    with open(target + "/precious", encoding="ascii") as file:
        equal(file.read(), "precious", "a file behind the link")


def test_stderr_closed_is_no_danger():
    """With 0, 1 and 2 closed no listener or channel may become one of them."""
    port = free_port()
    daemon = Daemon(simple(port))
    daemon.wrapper = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    words, daemon.wrapper = daemon.argv(), []
    daemon.argv = lambda: words
    daemon.launch()

    def serves():
        try:
            return finger(port, b"x\r\n")[0]
        except OSError:
            return daemon.child.poll() is not None
    wait_until(serves, "an answer, or an end")
    if daemon.child.poll() is None:
        for number, target in processes.descriptors(daemon.pid).items():
            check(number > 2 or not target.startswith("socket:"),
                  "descriptor %d is %s" % (number, target))
        daemon.kill_all()
    else:
        check(daemon.child.returncode == 1, "status")


def test_listener_closes_with_the_daemon():
    port = free_port()
    with Daemon(simple(port)) as daemon:
        with Connection(port):
            daemon.wait("connection-accepted")
            path = daemon.run + "/control.sock"
            check(stat.S_ISSOCK(os.stat(path).st_mode), "control.sock")
    try:
        with Connection(port):
            raise AssertionError("it still answers")
    except ConnectionRefusedError:
        pass
    check(not os.path.exists(path), "control.sock is left")


if __name__ == "__main__":
    main()
