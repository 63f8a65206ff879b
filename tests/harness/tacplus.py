"""A TACACS+ server of the tests' own, written from RFC 8907: PAP logins in one
exchange, and each way of getting that wrong."""
import hashlib
import socket
import struct
import threading

SECRET = "tac-s3cret"
PASS, FAIL, ERROR = 1, 2, 7


def hide(session, secret, version, number, body):
    """4.5; its own inverse."""
    pad, last = b"", b""
    while len(pad) < len(body):
        last = hashlib.md5(struct.pack("!I", session) + secret.encode() +
                           bytes((version, number)) + last).digest()
        pad += last
    return bytes(a ^ b for a, b in zip(body, pad))


def packet(session, secret, body, version=0xc1, number=2, flags=0,
           length=None):
    return struct.pack("!BBBBII", version, 1, number, flags, session,
                       len(body) if length is None else length) + \
        hide(session, secret, version, number, body)


def reply(session, secret, status, message=b""):
    return packet(session, secret, struct.pack(
        "!BBHH", status, 0, len(message), 0) + message)


def exactly(connection, n):
    data = b""
    while len(data) < n:
        piece = connection.recv(n - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


class Tacplus:
    """users: {name: password}. way: how it answers; see answer()."""

    def __init__(self, users, way="right", secret=SECRET, host="127.0.0.1"):
        self.users, self.way, self.secret = users, way, secret
        self.asked = []
        self.socket = socket.create_server((host, 0))
        self.port = self.socket.getsockname()[1]
        self.open = []
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        for connection in self.open:
            connection.close()

    def accept(self):
        while True:
            try:
                connection = self.socket.accept()[0]
            except OSError:
                return
            self.open.append(connection)
            threading.Thread(target=self.serve, args=(connection,),
                             daemon=True).start()

    def serve(self, connection):
        try:
            version, kind, number, _, session, length = struct.unpack(
                "!BBBBII", exactly(connection, 12))
            body = hide(session, self.secret, version, number,
                        exactly(connection, length))
            if self.way == "silent":
                self.read(body)
                return
            self.answer(connection, session, kind, body)
        except (EOFError, OSError):
            pass
        if self.way != "silent":
            connection.close()

    def read(self, body):
        """(user, port, source, password), or None of what is no PAP."""
        action, _, how, _, *sizes = body[:8]
        if (action, how) != (1, 2) or len(body) != 8 + sum(sizes):
            return None
        texts, at = [], 8
        for size in sizes:
            texts.append(body[at:at + size].decode())
            at += size
        self.asked.append(texts)
        return texts

    def answer(self, connection, session, kind, body):
        asked = self.read(body) if kind == 1 else None
        status = FAIL
        if asked is None:
            status = ERROR
        elif self.users.get(asked[0]) == asked[3]:
            status = PASS
        whole = reply(session, self.secret, status, b"a word")
        connection.sendall({
            "right": whole,
            "error": reply(session, self.secret, ERROR),
            "cut": whole[:-3],
            "header": whole[:7],
            "long": whole + b"x",
            "huge": packet(session, self.secret, b"x" * 6, length=1 << 31),
            "clear": struct.pack("!BBBBII", 0xc1, 1, 2, 1, session, 6) +
            struct.pack("!BBHH", PASS, 0, 0, 0),
            "session": reply(session ^ 1, self.secret, PASS),
            "key": reply(session, "another", PASS),
            "more": reply(session, self.secret, 5),
        }[self.way])
