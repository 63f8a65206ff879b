"""What system tests and bench share: the world that they run in (world), the
daemon and its clients (daemon, clients, telnet, logins, load), what is read of
processes (processes), and faults from outside (strace, inject, sweep, builds,
messages).
"""
from . import processes, world
from .clients import (Connection, LINE, authorize, finger, key, ssh,
                      ssh_echoes, ssh_start, unused, wait_until)
from .daemon import BOTH, Daemon, Event, one_service
from .runner import check, equal, limit, main, needs, needs_root
from .world import (PASSWORDS, ROOT, Skip, changed, free_port, without_module,
                    write)

__all__ = ["BOTH", "Connection", "Daemon", "Event", "LINE", "PASSWORDS",
           "ROOT", "Skip", "authorize", "changed", "check", "equal", "finger",
           "free_port", "key", "limit", "main", "needs", "needs_root",
           "one_service", "processes", "ssh", "ssh_echoes", "ssh_start", "unused",
           "wait_until", "without_module", "world", "write"]
