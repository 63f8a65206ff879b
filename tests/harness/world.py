"""The world that a system test lives in.

As root, a test file runs in mount, pid, network, UTS and IPC namespaces of
its own: /etc is a copy with test users in it, /run, /home, /var/log, /var/lib
and /mnt are empty, loopback is its own, and every process that a test leaves
behind dies with the namespace. Nothing of the machine's own is written to.
As an ordinary user there is only a folder of its own and the machine's
loopback.
"""
import ctypes
import itertools
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile

ROOT = os.geteuid() == 0
TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.realpath(__file__))))
BUILD = os.path.abspath(os.environ.get("PORTREEVE_BUILD", TOP + "/build"))
INSIDE = os.environ.get("PORTREEVE_WORLD") == "1"
#: Below this, a test may write; a namespace's /mnt, or a temporary folder.
WORK = "/mnt/work" if INSIDE else None

#: sha512-crypt of the passwords, made once with crypt(3).
SALT = "$6$rounds=1000$portreevetest$"
PASSWORDS = {
    "alice": ("Wonderland-7", "7kcj/yfl28J1ohTrdExGLSBMo8Sx5CszzjZ6D3xrYNJ7wkr"
              "PRtOagQ0fteBEhfRpj6pK4pqPKnomKQFSYKzUV0"),
    "bob": ("Builder-8", "P9YV1YGEfYOprMIfBcECw8gHeNq/7x2ekZ7VdcG7WrgV6GCy/ZAc"
            "ORV/59cuI1Np6VBj.65BbLiV4AIp6C1kV1"),
    "root": ("Rootwurzel-9", "d/iKQ.zH8UTyoYbbe1ORJb3sZ.nquZWcFQYo76QuDBSaJ14"
             "6QoKhcMmayk8cUipNxQfAeNQVVKi0PWMNdcb8o0"),
}
PASSWORDS["toor"] = PASSWORDS["root"]

def is_sanitized():
    """Whether the programs carry AddressSanitizer, which takes memory."""
    try:
        with open(BUILD + "/libexec/lookup", "rb") as file:
            return b"__asan_init" in file.read()
    except OSError:
        return False


MS_REC, MS_PRIVATE, MS_BIND = 0x4000, 1 << 18, 0x1000
LIBC = ctypes.CDLL(None, use_errno=True)
PORTS = itertools.count(2000)


class Skip(Exception):
    """What the machine cannot give; the text says what and why."""


def enter():
    """Runs this very test file again inside namespaces of its own."""
    if INSIDE or not ROOT:
        return
    # The uids that kernels count processes for are the whole machine's, so
    # that each run takes its own.
    env = dict(os.environ, PORTREEVE_WORLD="1",
               PORTREEVE_BASE=str(2000 + os.getpid() * 10 % 50000))
    # The shell is the namespace's init: it waits for orphans too.
    os.execvpe("unshare", [
        "unshare", "--mount", "--pid", "--fork", "--kill-child",
        "--mount-proc", "--net", "--uts", "--ipc", "sh", "-c",
        '"$@"; exit $?', "sh", sys.executable, "-B"] + sys.argv, env)


def mount(source, target, kind, flags=0, data=""):
    if LIBC.mount(source.encode(), target.encode(), kind.encode(),
                  flags, data.encode()) != 0:
        error = ctypes.get_errno()
        raise OSError(error, "mount %s: %s" % (target, os.strerror(error)))


def prepare():
    """Makes the world; called once, inside."""
    global WORK, BUILD
    os.environ.pop("NOTIFY_SOCKET", None)
    if not INSIDE:
        WORK = tempfile.mkdtemp(prefix="portreeve-test-")
        os.chmod(WORK, 0o755)
        return
    os.umask(0o022)
    mount("none", "/", "none", MS_REC | MS_PRIVATE)
    mount("tmpfs", "/mnt", "tmpfs", 0, "mode=755,size=512m")
    for name in ("etc", "home", "log", "lib", "work", "tree"):
        os.mkdir("/mnt/" + name)
    subprocess.run(["cp", "-a", "/etc/.", "/mnt/etc"], check=True)
    # A place that every user can reach, wherever the tree itself is.
    mount(TOP, "/mnt/tree", "none", MS_BIND | MS_REC)
    os.mkdir("/mnt/build")
    mount(BUILD, "/mnt/build", "none", MS_BIND | MS_REC)
    BUILD = "/mnt/build"
    mount("/mnt/etc", "/etc", "none", MS_BIND)
    mount("/mnt/home", "/home", "none", MS_BIND)
    mount("/mnt/log", "/var/log", "none", MS_BIND)
    mount("/mnt/lib", "/var/lib", "none", MS_BIND)
    mount("tmpfs", "/run", "tmpfs", 0, "mode=755,size=64m")
    for path in ("/run/utmp", "/var/log/wtmp", "/var/log/btmp",
                 "/var/log/lastlog"):
        open(path, "w", encoding="ascii").close()
    os.mkdir("/run/sshd", 0o755)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    make_users()
    make_pam()


def base_uid():
    return int(os.environ["PORTREEVE_BASE"])


def make_users():
    """alice and bob with passwords of their own, root and toor with one:
    toor is another name of uid 0."""
    base = base_uid()
    rows = {"alice": (base, base), "bob": (base + 1, base + 1),
            "root": (0, 0), "toor": (0, 0)}
    groups = {"alice": base, "bob": base + 1}
    replace_rows("/etc/passwd", rows, lambda name, ids:
                 "%s:x:%d:%d:%s of the tests,,,:/home/%s:/bin/bash" % (
                     name, *ids, name.capitalize(), name))
    replace_rows("/etc/shadow", rows, lambda name, _:
                 "%s:%s%s:19000:0:99999:7:::" % (
                     name, SALT, PASSWORDS[name][1]))
    replace_rows("/etc/group", groups, lambda name, gid:
                 "%s:x:%d:" % (name, gid))
    for name, (uid, gid) in rows.items():
        home = "/home/" + name
        os.makedirs(home + "/.ssh", mode=0o700)
        os.chmod(home, 0o755)
        for path in (home, home + "/.ssh"):
            os.chown(path, uid, gid)
    # A stranger of the system's with a name that finger must not tell about.
    os.makedirs("/etc/sudoers.d", exist_ok=True)
    write("/etc/sudoers.d/tests", "alice ALL=(ALL) NOPASSWD: ALL\n", 0o440)


def make_pam():
    """Our PAM services, as an installation has them, with the built module."""
    shutil.copy(TOP + "/monitor/pam/portreeve-ftp", "/etc/pam.d/portreeve-ftp")
    add_module()


#: What a line of ours says: a missing module locks nobody out.
CONTROL = "[success=ok ignore=ignore module_unknown=ignore default=bad]"


def add_module():
    """Our module in the system's stack of sshd, where Debian's
    pam-auth-update puts it, or at the end of the service's own file."""
    for kind in ("auth", "account", "session"):
        path = "/etc/pam.d/common-" + kind
        if not os.path.exists(path):
            path = "/etc/pam.d/sshd"
        with open(path, "a", encoding="utf-8") as file:
            file.write("%s %s %s/pam_portreeve.so\n" % (kind, CONTROL, BUILD))


def replace_rows(path, rows, line):
    """Rows of a file like passwd: those of the same names go, ours come."""
    mode = os.stat(path).st_mode & 0o777
    with open(path, encoding="utf-8") as file:
        kept = [r for r in file.read().splitlines()
                if r.split(":")[0] not in rows]
    text = "\n".join(kept + [line(n, ids) for n, ids in rows.items()]) + "\n"
    write(path, text, mode)


def write(path, text, mode=0o644, user=None):
    """A file with exactly this mode; its path."""
    data = text.encode("utf-8") if isinstance(text, str) else text
    with open(path, "wb") as file:
        os.fchmod(file.fileno(), mode)
        if user:
            import pwd
            entry = pwd.getpwnam(user)
            os.fchown(file.fileno(), entry.pw_uid, entry.pw_gid)
        file.write(data)
    return path


def free_port():
    """A port that is free on 127.0.0.1 and ::1."""
    if INSIDE:
        return next(PORTS)
    for _ in range(200):
        with socket.socket(socket.AF_INET6) as six:
            six.bind(("::1", 0))
            port = six.getsockname()[1]
            with socket.socket() as four:
                try:
                    four.bind(("127.0.0.1", port))
                except OSError:
                    continue
        return port
    raise Skip("no free port on loopback")


@contextlib.contextmanager
def changed(path, change):
    """A file of /etc whose text is change(text) meanwhile."""
    before = None
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            before = file.read()
    write(path, change(before or ""))
    try:
        yield
    finally:
        if before is None:
            os.unlink(path)
        else:
            write(path, before)


def without_module():
    """No line of ours anywhere."""
    stack = contextlib.ExitStack()
    for kind in ("auth", "account", "session"):
        stack.enter_context(changed(
            "/etc/pam.d/common-" + kind, lambda text: "".join(
                line for line in text.splitlines(True)
                if "pam_portreeve" not in line)))
    return stack


def clean():
    if not INSIDE and WORK:
        shutil.rmtree(WORK, ignore_errors=True)
