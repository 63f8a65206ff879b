"""The load generator, run from here; see tests/bench/load.c."""
import json
import subprocess

from bench_servers import Missing, tool

ERRORS = ("refused", "empty", "wrong", "reset", "timeout", "failed")
NOT_SERVED = ("refused", "empty", "reset")


def command(port, seconds=None, parallel=16, query="", expect=0,
            address="127.0.0.1", pace=None, hold=None):
    words = [tool("load"), "-p", str(port), "-a", address,
             "-c", str(parallel), "-t", "30"]
    if query:
        words += ["-q", query]
    if expect:
        words += ["-e", str(expect)]
    if pace:
        words += ["-w", str(pace)]
    words += ["-k", str(hold)] if hold else ["-d", str(seconds)]
    return words


def start(*args, **options):
    return subprocess.Popen(command(*args, **options), text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(child):
    out, error = child.communicate(timeout=300)
    if child.returncode != 0:
        raise Missing("the load generator failed: %s" % error.strip())
    result = json.loads(out)
    result["errors"] = sum(result[name] for name in ERRORS)
    result["refusals"] = sum(result[name] for name in NOT_SERVED) / \
        max(result["seconds"], 1e-9)
    return result


def run(*args, **options):
    result = finish(start(*args, **options))
    parallel = options.get("parallel", 16)
    if result["most"] < parallel:
        raise Missing("the load generator had %d connections at a time, "
                      "not %d" % (result["most"], parallel))
    return result


def answer_size(port, query, tries=3):
    """Bytes that the server answers to the query, the same each time."""
    sizes = set()
    for _ in range(tries):
        result = finish(subprocess.Popen(
            [tool("load"), "-p", str(port), "-c", "1", "-n", "1",
             "-q", query], text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE))
        if result["served"] != 1:
            raise Missing("no answer to one query: %s" % result)
        sizes.add(result["bytes"])
    if len(sizes) != 1:
        raise Missing("answers of different length: %s" % sorted(sizes))
    return sizes.pop()


class Hold:
    """Idle connections, for as long as the block lasts."""

    def __init__(self, port, count, address="127.0.0.1"):
        self.count = count
        self.words = command(port, hold=count, address=address)
        self.child = None

    def __enter__(self):
        self.child = subprocess.Popen(
            self.words, text=True, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        line = self.child.stdout.readline()
        if not line or json.loads(line)["held"] != self.count:
            raise Missing("cannot hold %d connections: %s" % (
                self.count, self.child.stderr.read().strip()))
        return self

    def __exit__(self, kind, *_):
        out, _ = self.child.communicate(timeout=120)
        alive = json.loads(out)["alive"]
        if kind is None and alive != self.count:
            raise Missing("of %d idle connections %d were left open" % (
                self.count, alive))
