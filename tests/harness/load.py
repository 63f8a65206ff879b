"""A steady load of finger queries from threads, counted by the clients."""
import threading
import time

from .clients import LINE, finger


class Load:
    """`rate` queries a second, as long as the block lasts. outcomes: how many
    ended as 'answered', 'refused', 'empty', 'reset', 'hung' or 'no
    connection'."""

    def __init__(self, port, rate=200, threads=8):
        self.port, self.rate, self.count = port, rate, threads
        self.outcomes = {}
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.threads = []

    def __enter__(self):
        for number in range(self.count):
            thread = threading.Thread(target=self.work, args=(number,),
                                      daemon=True)
            thread.start()
            self.threads.append(thread)
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(40)

    def work(self, number):
        host = ("127.0.0.1", "::1")[number % 2]
        turn = time.monotonic()
        while not self.over.is_set():
            outcome = self.one(host)
            with self.lock:
                self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
            turn += self.count / self.rate
            self.over.wait(max(0.0, turn - time.monotonic()))

    def one(self, host):
        try:
            answer, ending = finger(self.port, b"nobodyatall\r\n", host, 30)
        except TimeoutError:
            return "hung"
        except OSError:
            return "no connection"
        if ending == "reset":
            return "reset"
        if answer == LINE:
            return "refused"
        return "answered" if answer else "empty"

    def total(self):
        with self.lock:
            return sum(self.outcomes.values())

    def bad(self):
        """Those that were not answered."""
        with self.lock:
            return sum(n for o, n in self.outcomes.items() if o != "answered")

    def more(self, count, wait_until):
        """Waits until that many more have ended."""
        goal = self.total() + count
        wait_until(lambda: self.total() >= goal, "%d more queries" % count,
                   60)
