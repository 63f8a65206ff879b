#!/usr/bin/python3
"""What `make run` prints is typed as it stands, by the clients that it names:
as root, by sudo, and as an ordinary user."""
import os
import re

from harness import (Daemon, PASSWORDS, authorize, check, equal, key, limit,
                     main, needs, needs_root, unused, wait_until, world, write)

PROGRAMS = needs("ssh", "sshd", "telnet", "nc")


def run(user=None, env=None):
    """tools/run, and its table whole. `build` is the test's own, so that
    nothing is written to the tree."""
    folder = unused(world.WORK + "/build")
    os.mkdir(folder)
    for name in ("portreeved", "portreeve"):
        os.symlink(world.BUILD + "/" + name, folder + "/" + name)
    if user:
        os.chown(folder, world.base_uid(), world.base_uid())
    daemon = Daemon("", user=user, env=env)
    daemon.run = folder + "/run"
    words = daemon.become() + [
        "/mnt/tree/tools/run" if world.INSIDE else world.TOP + "/tools/run",
        folder]
    daemon.argv = lambda: words
    daemon.file = folder + "/run/demo.conf"
    daemon.start()
    wait_until(lambda: b"telnet: " in daemon.table, "the whole table")
    return daemon


def table(daemon):
    """[(service, family, what to type)], and the lines behind."""
    lines = daemon.table.decode().splitlines()
    start = [n.split()[0] if n else "" for n in lines].index("service") + 1
    rows, notes = [], []
    for line in lines[start:]:
        words = line.split(None, 4)
        if words[1:2] and words[1] in ("inet", "inet6"):
            rows.append((words[0], words[1], words[4]))
        elif words[1:2] != ["-"]:  # not one that is not served
            notes.append(line)
    equal(sorted(r[:2] for r in rows), [
        (s, f) for s in ("finger", "ssh", "telnet")
        for f in ("inet", "inet6")], "rows of %s" % lines)
    return rows, notes


def type_it(daemon, line):
    """A shell's child, as a person has it who types that line."""
    import pexpect
    words = daemon.become() + ["/bin/sh", "-c", line]
    child = pexpect.spawn(words[0], words[1:], timeout=60, cwd="/", env={
        "PATH": "/usr/bin:/bin", "TERM": "xterm", "LANG": "C.UTF-8",
        "HOME": world.WORK})
    child.delaybeforesend = None
    return child


def answers(child, steps):
    """What it says, and what is then typed, up to the last one's."""
    for said, typed in steps:
        child.expect(said)
        if typed is not None:
            child.send(typed + "\r")


KNOWN = (r"continue connecting \(yes/no", "yes")


def logged_in(child, user):
    answers(child, [(r"[$#] ", "echo I am $(id -un)."),
                    (r"I am %s\." % user, "exit")])
    child.expect(r"losed")
    child.close()


def forget(user):
    """The host keys that ssh has seen: it asks again."""
    path = "/home/%s/.ssh/known_hosts" % user
    for old in (path, path + ".old"):
        if os.path.exists(old):
            os.unlink(old)


def finger_works(line, word):
    done = os.popen(line).read()
    check(word in done, "%s: %r" % (line, done))


@needs_root
@PROGRAMS
@limit(240)
def test_as_root():
    with run() as daemon:
        rows, notes = table(daemon)
        equal(len(notes), 2, "notes: %s" % notes)
        check(all("`root-login allow;`" in n for n in notes), notes)
        for service, family, line in rows:
            if service == "finger":
                # Nobody is logged in, which it says.
                finger_works(line, "No one")
        tries = {s: l for s, f, l in rows if f == "inet"}
        # The one whom the statements keep out is told by which.
        child = type_it(daemon, tries["ssh"])
        answers(child, [KNOWN, ("assword:", PASSWORDS["root"][0]),
                        ("assword:", None)])
        daemon.wait("auth-failure", service="ssh", reason="root-login")
        child.close()
        child = type_it(daemon, tries["telnet"])
        answers(child, [("login: ", "root"),
                        ("Password: ", PASSWORDS["root"][0]),
                        ("Login incorrect", None)])
        child.close()
        daemon.wait("auth-failure", service="telnet", reason="root-login")
        # And so it is done.
        with open(daemon.file, encoding="utf-8") as file:
            text = file.read()
        write(daemon.file, re.sub(
            r"((ssh|telnet) \{)", r"\1 root-login allow;", text), 0o600)
        equal(daemon.cli("reload").returncode, 0, "reload")
        for service, family, line in rows:
            child = type_it(daemon, line)
            if service == "ssh":
                answers(child, [KNOWN] if family == "inet6" else [])
                answers(child, [("assword:", PASSWORDS["root"][0])])
                logged_in(child, "root")
            elif service == "telnet":
                answers(child, [("login: ", "root"),
                                ("Password: ", PASSWORDS["root"][0])])
                logged_in(child, "root")
            child.close()
        # What it says first is typed as well.
        said = re.search(r"another terminal: (.*)", daemon.table.decode())
        check("service" in os.popen(said[1]).read(), said[1])
        daemon.idle()


@needs_root
@PROGRAMS
@limit(240)
def test_by_sudo():
    """Whoever came by sudo is the one who types."""
    forget("root")
    with run(env={"SUDO_USER": "alice"}) as daemon:
        for service, _, line in table(daemon)[0]:
            if service == "finger":
                finger_works(line, "Alice of the tests")
                continue
            child = type_it(daemon, line)
            if service == "ssh":
                check("alice@" in line, line)
                answers(child, [KNOWN])
            else:
                answers(child, [("login: ", "alice")])
            answers(child, [("assword:", PASSWORDS["alice"][0])])
            logged_in(child, "alice")
        daemon.idle()


@needs_root
@PROGRAMS
@limit(240)
def test_as_an_ordinary_user():
    """sshd offers what can work there, and the table says what that is."""
    # As distributions have it: sshd cannot give a terminal to group tty.
    world.mount("devpts", "/dev/pts", "devpts", 0,
                "newinstance,gid=5,mode=620,ptmxmode=666")
    world.mount("/dev/pts/ptmx", "/dev/ptmx", "none", world.MS_BIND)
    pair = key()
    for path, name in ((pair, "id_ed25519"), (pair + ".pub",
                                              "id_ed25519.pub")):
        with open(path, encoding="ascii") as file:
            write("/home/alice/.ssh/" + name, file.read(), 0o600, "alice")
    with run(user="alice") as daemon:
        rows, notes = table(daemon)
        check([n for n in notes if n.startswith("ssh: logs in alice") and
               "authorized_keys" in n], notes)
        tries = {(s, f): l for s, f, l in rows}
        child = type_it(daemon, tries["ssh", "inet"])
        answers(child, [KNOWN, (r"denied \(publickey\)", None)])
        child.close()
        authorize("alice", pair)
        for service, family, line in rows:
            if service == "finger":
                finger_works(line, "Alice of the tests")
                continue
            child = type_it(daemon, line)
            if service == "ssh":
                answers(child, [KNOWN] if family == "inet6" else [])
            else:
                answers(child, [("login: ", "alice"),
                                ("Password: ", PASSWORDS["alice"][0])])
            logged_in(child, "alice")
        daemon.idle()


if __name__ == "__main__":
    main()
