#!/usr/bin/python3
"""The slot tables: who may write them, and that a table which lies makes the
monitor harm nobody."""
import os
import re
import struct
import subprocess

from harness import (BOTH, Connection, Daemon, authorize, check, equal, finger,
                     free_port, key, main, needs, needs_root, processes,
                     ssh_start, wait_until)

#: ipc/state.h: the table's head, then a slot; both take 64 bytes.
HEAD = struct.Struct("=IIIIiI")
SLOT = struct.Struct("=IiQQBBHi16sI12x")
RUNNING = 1


def mappings(pid):
    """{number of the slot table: flags of its mapping} of a process."""
    found, table = {}, None
    with open("/proc/%d/smaps" % pid, encoding="ascii",
              errors="replace") as file:
        for line in file:
            if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                match = re.search(r"/slots\.(\d+)", line)
                table = int(match.group(1)) if match else None
            elif line.startswith("VmFlags:") and table is not None:
                found.setdefault(table, set()).update(line.split()[1:])
    return found


def writable(pid):
    """Descriptors on a slot table that were opened for writing."""
    found = []
    for number, name in processes.descriptors(pid).items():
        if "/slots." not in name:
            continue
        with open("/proc/%d/fdinfo/%d" % (pid, number),
                  encoding="ascii") as file:
            flags = int(re.search(r"flags:\s*([0-7]+)", file.read()).group(1),
                        8)
        if flags & os.O_ACCMODE != os.O_RDONLY:
            found.append(name)
    return found


@needs_root
@needs("sshd")
def test_only_zygotes_can_write():
    with Daemon("system { services { finger { port %d; %s } ssh { port %d; "
                "%s } } }" % (free_port(), BOTH, free_port(),
                              BOTH)) as daemon:
        readers = daemon.roles()["master"] + daemon.roles()["logreader"]
        wait_until(lambda: sum(len(mappings(p.pid)) for p in readers) >= 2,
                   "both tables, mapped by their readers")
        for process in readers:
            for table, flags in mappings(process.pid).items():
                check("mr" in flags, "no flags of table %d" % table)
                check("mw" not in flags, "%s could write table %d" % (
                    process, table))
            equal(writable(process.pid), [], "open to write in %s" % process)


def since_boot(pid):
    """When a process began, in CLOCK_BOOTTIME nanoseconds."""
    with open("/proc/%d/stat" % pid, encoding="utf-8") as file:
        ticks = int(file.read().rsplit(")", 1)[1].split()[19])
    return ticks * 1000000000 // os.sysconf("SC_CLK_TCK")


def name_in_table(path, number, pid, session):
    """As its zygote could, if it were another's."""
    with open(path, "r+b") as file:
        head = list(HEAD.unpack(file.read(HEAD.size)))
        file.seek(64 + 64 * number)
        file.write(SLOT.pack(RUNNING, pid, session, since_boot(pid), 0, 0, 9,
                             0, bytes(16), 0))
        head[5] = max(head[5], number + 1)
        file.seek(0)
        file.write(HEAD.pack(*head))


@needs_root
@needs("sshd")
def test_a_table_that_lies():
    """Its zygote names a stranger and the monitor's own roles, and dies: what
    the monitor ends then is none of these."""
    port = free_port()
    pair = key()
    authorize("alice", pair)
    ssh_port = free_port()
    with Daemon("system { services { finger { port %d; %s } ssh { port %d; "
                "%s } } }" % (port, BOTH, ssh_port, BOTH)) as daemon:
        roles = daemon.roles()
        zygote = daemon.role("zygote finger")
        table = next(iter(wait_until(lambda: mappings(zygote.pid),
                                     "a table that its zygote has mapped")))
        path = "%s/state/slots.%d" % (daemon.run, table)
        session = ssh_start(ssh_port, "alice", identity=pair)
        stranger = subprocess.Popen(["sleep", "600"])
        try:
            victims = [stranger.pid, roles["master"][0].pid,
                       roles["audit"][0].pid, roles["zygote ssh"][0].pid,
                       daemon.pid, session.pid]
            with Connection(port) as held:
                daemon.wait("connection-accepted", source_port=held.port)
                for i, pid in enumerate(victims):
                    name_in_table(path, 40000 + i, pid, 1 << 40 | i)
                equal(daemon.cli("clear", "session",
                                 str(1 << 40)).returncode, 1,
                      "clear of the stranger's session")
                mark = daemon.mark()
                os.kill(zygote.pid, 9)
                daemon.closed(held)
                daemon.wait("role-restarted", after=mark, role="zygote")
            # Whoever was to be killed has been by the time that this answers.
            check(finger(port)[0], "finger answers again")
            for pid in victims:
                check(processes.alive(pid), "%d was killed" % pid)
            equal(len(daemon.of("role-restarted", after=mark)), 1,
                  "roles restarted")
        finally:
            stranger.kill()
            stranger.wait()
            session.kill()
            session.wait()


if __name__ == "__main__":
    main()
