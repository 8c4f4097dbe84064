# SPDX-License-Identifier: MIT
"""A server `pollux serve` and its clients, for the black-box tests of it.

Nothing here waits for a time to pass: what has to come first is asked for until it is there, and a case that waits for too long fails.
"""
import contextlib
import hashlib
import json
import os
import re
import signal
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path

from black_box import PROGRAM, expect, expect_equal

PATIENCE = 60  # seconds after which a case that waits has failed
CONTENT = Path(PROGRAM).read_bytes()
IS_SANITIZED = b"__asan_init" in CONTENT or b"__tsan_init" in CONTENT
# Sanitizers keep freed blocks and shadows of their own: what a server holds cannot be seen from outside then.
MEASURES_MEMORY = not IS_SANITIZED
del CONTENT
# Of the runtime about a poll that takes long.
LONG_POLL = re.compile(r"^pollux: (?:task \d+.*: (?:its|that) poll|  in) .*\n", re.MULTILINE)


def until(condition, what):
    """Asks again and again; each question is to be one that the server has to work for."""
    begin = time.monotonic()
    while not condition():
        expect(time.monotonic() - begin < PATIENCE, "did not come:", what)


def is_prime(n):
    return n >= 2 and all(n % d for d in range(2, int(n**0.5) + 1))


def digest(body):
    return hashlib.sha256(body).hexdigest()


class Client:
    def __init__(self, port, buffer=None):
        self.socket = socket.socket()
        self.socket.settimeout(PATIENCE)
        if buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = bytearray()

    def send(self, text):
        self.socket.sendall(text if isinstance(text, bytes) else text.encode())

    def line(self):
        while b"\n" not in self.received:
            got = self.socket.recv(65536)
            expect(got, "the end instead of a line, behind", self.received)
            self.received += got
        line, _, self.received = self.received.partition(b"\n")
        return line.decode()

    def ask(self, text):
        self.send(text)
        return self.line()

    def rest(self):
        """All up to the end. A reset is an error."""
        while got := self.socket.recv(1 << 20):
            self.received += got
        return self.received.decode()

    def stats(self):
        return json.loads(self.ask("stats\n"))

    def finish(self):
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        self.socket.close()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class Server:
    def __init__(self, process, stderr):
        self.process = process
        self.stderr = stderr
        line = process.stdout.readline().decode()
        match = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", line)
        expect(match, "the first line:", line, self.said())
        self.port = int(match[1])
        self.clients = []

    def client(self, **options):
        made = Client(self.port, **options)
        self.clients.append(made)
        return made

    def said(self):
        """On stderr. A sanitized server beside other work may be so slow that the runtime reports its polls; that is left out."""
        self.stderr.seek(0)
        text = self.stderr.read().decode(errors="replace")
        return LONG_POLL.sub("", text) if IS_SANITIZED else text

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def resident(self, which="VmRSS"):
        """Bytes of memory now, or with "VmHWM" the most so far."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{which}:\s+(\d+) kB", status)[1]) * 1024

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self):
        """The status. The case says what the server had to wait for, so that it is up to us alone is seen by the time."""
        return self.process.wait(PATIENCE)


@contextlib.contextmanager
def serving(*options, limit=None):
    """A server that is told to end afterwards, and has to do so with status 0 and without a word."""
    command = [PROGRAM, "serve", *map(str, options)]
    if limit is not None:
        command = ["bash", "-c", f'ulimit -n {limit}; exec "$@"', "limited", *command]
    with tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr)
        try:
            server = Server(process, stderr)
            yield server
            for client in server.clients:
                client.close()
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            expect_equal(process.wait(PATIENCE), 0, f"status; {server.said()}")
            expect_equal(process.stdout.read(), b"", "more on stdout")
            expect_equal(server.said(), "", "stderr")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            process.stdout.close()


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
