"""Processes, as /proc has them."""
import os
import re
import subprocess


class Process:
    """One process at one moment; title is its whole command line."""

    def __init__(self, pid):
        self.pid = pid
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            words = file.read().split(b"\0")
        self.words = [w.decode("utf-8", "replace") for w in words if w]
        self.title = " ".join(self.words).strip()
        self.status = status(pid)
        self.parent = int(self.status["PPid"])
        self.uid = int(self.status["Uid"].split()[1])
        self.state = self.status["State"][0]

    def __repr__(self):
        return "%d %s" % (self.pid, self.title)


def status(pid):
    """/proc/PID/status as a dictionary."""
    with open("/proc/%d/status" % pid, encoding="utf-8",
              errors="replace") as file:
        return {k: v.strip() for k, _, v in
                (line.partition(":") for line in file)}


def everyone():
    """Every living process that can be seen; zombies are not living."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                process = Process(int(name))
            except (OSError, KeyError):
                continue
            if process.state not in "ZX":
                yield process


def below(pid):
    """The living processes that descend from pid, itself apart."""
    children = {}
    for process in everyone():
        children.setdefault(process.parent, []).append(process)
    found, todo = [], [pid]
    while todo:
        for child in children.get(todo.pop(), []):
            found.append(child)
            todo.append(child.pid)
    return found


def alive(pid):
    try:
        return status(pid)["State"][0] not in "ZX"
    except (OSError, KeyError):
        return False


def descriptors(pid):
    """{number: what it refers to} of a process."""
    top = "/proc/%d/fd" % pid
    found = {}
    for name in os.listdir(top):
        try:
            found[int(name)] = os.readlink(top + "/" + name)
        except OSError:
            continue
    return found


def free_descriptor(pid, which=0):
    """The number that its next descriptor gets, or a later one."""
    have = descriptors(pid)
    return [n for n in range(len(have) + which + 1) if n not in have][which]


def set_limit(pid, name, soft):
    """A soft limit of prlimit(1)'s (a number, "unlimited"), set as the process's own user: a
    machine's root may lack CAP_SYS_RESOURCE."""
    found = status(pid)
    subprocess.run(["prlimit", "--pid", str(pid), "--%s=%s:" % (name, soft)],
                   user=int(found["Uid"].split()[0]),
                   group=int(found["Gid"].split()[0]), extra_groups=[],
                   check=True, capture_output=True)


def private_kb(pid, name=None):
    """kB of memory that a process has written and shares with no other; of
    the mappings of that name ("[stack]") or of all."""
    found, counts = 0, name is None
    with open("/proc/%d/smaps" % pid, encoding="utf-8") as file:
        for line in file:
            words = line.split()
            if not words[0].endswith(":"):
                counts = name is None or words[-1] == name
            elif counts and words[0] == "Private_Dirty:":
                found += int(words[1])
    return found


def namespace(pid, kind):
    return os.readlink("/proc/%s/ns/%s" % (pid, kind))


def listeners():
    """{(family, port): inode} of the listening TCP sockets in sight."""
    found = {}
    for family, path in (("inet", "/proc/net/tcp"),
                         ("inet6", "/proc/net/tcp6")):
        with open(path, encoding="ascii") as file:
            for line in list(file)[1:]:
                words = line.split()
                if words[3] == "0A":
                    port = int(words[1].rsplit(":", 1)[1], 16)
                    found[family, port] = int(words[9])
    return found


def connections(pid):
    """How many TCP connections a process has descriptors of."""
    inodes = set()
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(path, encoding="ascii") as file:
            inodes |= {"socket:[%s]" % line.split()[9]
                       for line in list(file)[1:] if line.split()[3] != "0A"}
    return sum(target in inodes for target in descriptors(pid).values())


def role(process):
    """'zygote finger' of 'portreeve: zygote finger'; None of others."""
    match = re.match(r"portreeve: (.+)$", process.title)
    return match.group(1) if match else None
