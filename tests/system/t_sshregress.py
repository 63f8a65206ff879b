#!/usr/bin/python3
"""What OpenSSH's own regress scripts try against a server, each named by the
script: connect, transfer, exit-status, stderr-data, yes-head, envpass, keytype,
rekey, compression, multiplex, scp, scp3, sftp, sftp-cmds."""
import contextlib
import filecmp
import os
import shutil
import subprocess

from harness import (authorize, check, clients, equal, key, limit, main, needs,
                     needs_root, one_service, ssh, unused, wait_until, world,
                     write)

STATUSES = (0, 1, 4, 5, 44)
SIZES = (1, 511, 512, 32769, 3 << 20)


def sample(size):
    path = unused(world.WORK + "/data")
    with open(path, "wb") as file:
        file.write(os.urandom(size))
    os.chmod(path, 0o644)
    return path


def content(path):
    with open(path, "rb") as file:
        return file.read()


def same(one, other):
    check(content(one) == content(other), "%s differs from %s" % (one, other))


@contextlib.contextmanager
def served():
    """(daemon, what ssh() needs to be let in as alice)."""
    pair = key()
    authorize("alice", pair)
    with one_service("ssh", "sftp-server;") as daemon:
        yield daemon, pair
        daemon.idle("ssh")


def run(argv, stdin=b"", status=0):
    """A client's program to its end; what it wrote."""
    done = subprocess.run(argv, input=stdin, capture_output=True, timeout=60,
                          check=False, env=clients.ssh_environment(None))
    equal(done.returncode, status, "%s: %s" % (argv[0], done.stderr))
    return done.stdout


def folder():
    """A new folder of alice's."""
    path = unused("/home/alice/folder")
    os.mkdir(path)
    shutil.chown(path, "alice", "alice")
    return path


# --- a command --------------------------------------------------------------------

@needs_root
@needs("ssh", "sshd")
@limit(180)
def test_commands_their_output_and_status():
    with served() as (daemon, pair):
        def alice(command, **more):
            return ssh(daemon.port, "alice", command, identity=pair, **more)
        # exit-status: also where output is still on its way.
        for status in STATUSES:
            done = alice("echo x; sleep 0.1 & exit %d" % status)
            equal((done.returncode, done.stdout), (status, b"x\n"), "status")
        equal(alice("kill -TERM $$").returncode, 255, "ended by a signal")
        # transfer: to and fro.
        for size in SIZES:
            data = content(sample(size))
            done = alice("cat", stdin=data)
            check(done.stdout == data, "%d bytes" % size)
        # stderr-data, stderr-after-eof
        done = alice("echo out; exec >&-; sleep 0.1; echo err >&2; exit 3")
        equal((done.stdout, done.stderr, done.returncode),
              (b"out\n", b"err\n", 3), "both outputs")
        # yes-head: who reads no more ends the command.
        argv, env = clients.ssh_command(
            daemon.port, "alice", "yes", identity=pair)
        with subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE) as client:
            equal(client.stdout.read(4), b"y\ny\n", "yes")
            client.stdout.close()
            client.wait(60)
        # envpass: no variable of the client's comes through.
        equal(alice("env", options=("SetEnv=FOO=bar LC_ALL=x",)
                    ).stdout.count(b"FOO="), 0, "a client's variable")
        # connect over both families, compressed, in the client's own words.
        for host in ("127.0.0.1", "::1"):
            done = alice("echo $SSH_CONNECTION", host=host,
                         options=("Compression=yes",))
            equal(done.stdout.split()[0].decode(), host, "the source")


@needs_root
@needs("ssh", "sshd")
@limit(120)
def test_keys_of_each_type_and_keys_anew():
    with served() as (daemon, pair):
        for kind in ("rsa", "ecdsa", "ed25519"):
            other = key(kind, kind)
            authorize("alice", other)
            done = ssh(daemon.port, "alice", identity=other)
            equal(done.returncode, 0, "%s: %s" % (kind, done.stderr))
        authorize("alice", pair)
        # rekey: asked for by the client, in both directions.
        data = content(sample(1 << 20))
        done = ssh(daemon.port, "alice", "cat", identity=pair, stdin=data,
                   options=("RekeyLimit=64k",), flags=("-vv",))
        check(done.stdout == data, "data over many exchanges")
        check(done.stderr.count(b"SSH2_MSG_NEWKEYS received") > 5, "no rekey")


@needs_root
@needs("ssh", "sshd", "scp", "sftp")
@limit(180)
def test_sessions_of_one_connection():
    with served() as (daemon, pair):
        path, port = unused(world.WORK + "/mux"), world.free_port()
        argv, env = clients.ssh_command(
            daemon.port, "alice", None, identity=pair,
            flags=("-N", "-M", "-S", path))
        mux = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL)

        def control(*words):
            return run(["ssh", "-F", "/dev/null", "-S", path] + list(words) +
                       ["alice@127.0.0.1"])
        try:
            wait_until(lambda: os.path.exists(path), "the master's socket")
            control("-O", "check")
            one = ["-S", path]
            for status in STATUSES:
                done = ssh(daemon.port, "alice", "exit %d" % status,
                           identity=pair, flags=one)
                equal(done.returncode, status, "status over the master")
            data = sample(1 << 20)
            done = ssh(daemon.port, "alice", "cat", identity=pair, flags=one,
                       stdin=content(data))
            check(done.stdout == content(data), "data over the master")
            words = ["-o", "ControlPath=" + path, "-F", "/dev/null"]
            to = folder()
            run(["scp"] + words + [data, "alice@127.0.0.1:%s/scp" % to])
            run(["sftp", "-b", "-"] + words + ["alice@127.0.0.1"],
                ("put %s %s/sftp\n" % (data, to)).encode())
            same(data, to + "/scp")
            same(data, to + "/sftp")
            # One more forwarding, and its end.
            forward = ["-L", "%d:127.0.0.1:%d" % (port, daemon.port)]
            control("-O", "forward", *forward)
            with clients.Connection(port) as through:
                check(through.read_until(b"\n").startswith(b"SSH-2.0-"),
                      "nothing through the forwarding")
            control("-O", "cancel", *forward)
            control("-O", "exit")
            mux.wait(60)
        finally:
            mux.kill()
            mux.wait()
        logins = {e["session"] for e in daemon.of("auth-success")}
        equal(len(logins), 1, "logins")


# --- files ------------------------------------------------------------------------

@needs_root
@needs("ssh", "sshd", "scp")
@limit(180)
def test_scp_of_both_protocols():
    with served() as (daemon, pair):
        base = clients.ssh_words(daemon.port, identity=pair)
        tree = unused(world.WORK + "/tree")
        os.makedirs(tree + "/sub")
        data = sample(100000)
        shutil.copy(data, tree + "/one")
        write(tree + "/sub/two with a space", "two\n")
        os.chmod(tree + "/one", 0o640)
        os.utime(tree + "/one", (1e9, 1e9))
        for protocol in ("-O", "-s"):
            to = folder()
            remote = "alice@127.0.0.1:" + to
            scp = ["scp", protocol] + base
            run(scp + [data, remote + "/file"])
            same(data, to + "/file")
            back = unused(world.WORK + "/back")
            run(scp + [remote + "/file", back])
            same(data, back)
            run(scp + ["-r", "-p", tree, remote + "/tree"])
            compared = filecmp.dircmp(tree, to + "/tree")
            equal((compared.left_only, compared.right_only,
                   compared.diff_files), ([], [], []), "a tree")
            same(tree + "/sub/two with a space",
                 to + "/tree/sub/two with a space")
            about = os.stat(to + "/tree/one")
            equal((about.st_mode & 0o777, about.st_mtime), (0o640, 1e9), "-p")
            run(scp + [remote + "/nowhere", back], status=1)
            run(scp + [data, "alice@127.0.0.1:/etc/of-alice"], status=1)
            # scp3: from there to there, through here.
            run(scp + ["-3", remote + "/file", remote + "/again"])
            same(data, to + "/again")


SFTP = """
cd {to}
pwd
put {data} one
get one {back}
mkdir sub
rename one sub/two
ln -s sub/two link
chmod 600 sub/two
ls -l sub
-rm nowhere
get {to}/sub/two {back}.2
put -p {data} sub/three
df
rm sub/three
lmkdir {back}.d
bye
"""


@needs_root
@needs("ssh", "sshd", "sftp")
@limit(120)
def test_sftp_commands():
    with served() as (daemon, pair):
        base = clients.ssh_words(daemon.port, identity=pair)
        data, to = sample(200000), folder()
        back = unused(world.WORK + "/back")
        sftp = ["sftp", "-q", "-b", "-"] + base + ["alice@127.0.0.1"]
        run(sftp, SFTP.format(to=to, data=data, back=back).encode())
        for more in (["-B", "5"], ["-R", "1"], ["-B", "32768", "-R", "99"]):
            small = data if more[1] != "5" else sample(2000)
            run(sftp[:1] + more + sftp[1:],
                ("put %s %s/sized\n" % (small, to)).encode())
            same(small, to + "/sized")
        same(data, back)
        same(data, back + ".2")
        same(data, to + "/sub/two")
        equal(os.readlink(to + "/link"), "sub/two", "a link")
        equal(os.stat(to + "/sub/two").st_mode & 0o777, 0o600, "its mode")
        equal(sorted(os.listdir(to + "/sub")), ["two"], "what is left")
        run(sftp, b"get /etc/shadow /dev/null\n", status=1)


if __name__ == "__main__":
    main()
