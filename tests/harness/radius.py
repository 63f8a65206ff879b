"""A real freeradius on loopback, and PAM's line that asks it."""
import contextlib
import subprocess

from . import world
from .clients import unused, wait_until
from .world import changed, write

SECRET = "r4dius-s3cret"
#: As Debian's pam-auth-update has it before pam_unix.
ORDER = "[success=2 ignore=ignore module_unknown=ignore default=die]"

CONFIGURATION = """
name = radiusd
prefix = /usr
libdir = /usr/lib/freeradius
logdir = %(folder)s
run_dir = %(folder)s
security {
  allow_vulnerable_openssl = yes
  reject_delay = 0
  status_server = no
}
client all {
  ipaddr = 127.0.0.1
  secret = %(secret)s
  require_message_authenticator = no
}
modules {
  pap {
  }
  files {
    filename = %(folder)s/users
  }
}
server default {
  listen {
    type = auth
    ipaddr = 127.0.0.1
    port = %(port)d
  }
  authorize {
    files
    pap
  }
  authenticate {
    Auth-Type PAP {
      pap
    }
  }
}
"""


class Radius:
    """users: {name: password}."""

    def __init__(self, port, users, secret=SECRET):
        folder = unused(world.WORK + "/radius")
        subprocess.run(["mkdir", folder], check=True)
        write(folder + "/radiusd.conf", CONFIGURATION % {
            "folder": folder, "port": port, "secret": secret}, 0o600)
        write(folder + "/users", "".join(
            '%s Cleartext-Password := "%s"\n' % row
            for row in users.items()), 0o600)
        # With -X it says what it is asked.
        self.log = folder + "/out"
        self.child = subprocess.Popen(
            ["freeradius", "-X", "-d", folder], stdout=open(
                self.log, "wb"), stderr=subprocess.STDOUT)

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def __enter__(self):
        wait_until(lambda: "Ready to process requests" in self.said(),
                   "freeradius to be ready", 60)
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()


@contextlib.contextmanager
def asking():
    """Our auth line that asks, where pam-auth-update puts it."""
    with changed("/etc/pam.d/common-auth", lambda text:
                 "auth %s %s/pam_portreeve.so order\n" % (ORDER, world.BUILD) +
                 text.replace("pam_unix.so nullok",
                              "pam_unix.so nullok try_first_pass")):
        yield
