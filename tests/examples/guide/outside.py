# SPDX-License-Identifier: MIT
"""A program of the guide seen from outside: it is started, talked to over sockets, and ended. For the *_check.py beside this."""

import os
import pathlib
import re
import select
import socket
import struct
import subprocess
import sys
import time

PATIENCE = 60  # s; what does not come by then does not come


class program:
    """Runs until its standard input closes. On leaving the `with` it is gone in any case."""

    def __init__(self, *command):
        # Sanitized builds keep freed memory for a while, which would count as the program's.
        sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"
        environment = os.environ | {"ASAN_OPTIONS": sanitizer.removeprefix(":")}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=environment)
        self.unread = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def line(self):
        """The next that it prints, without its end; None at the end."""
        deadline = time.monotonic() + PATIENCE
        while b"\n" not in self.unread:
            if not select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError(f"no line; so far: {self.unread}")
            more = self.process.stdout.read(65536)
            if not more:
                return None
            self.unread += more
        line, _, self.unread = self.unread.partition(b"\n")
        return line.decode()

    def port(self):
        """Of a server, whose first line it is."""
        return int(re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)", self.line())[1])

    def status(self):
        """Its exit status, once it ends by itself."""
        return self.process.wait(timeout=PATIENCE)

    def end(self):
        """Its exit status, once its standard input has ended."""
        self.process.stdin.close()
        return self.status()

    def lives(self):
        return self.process.poll() is None

    def sockets(self):
        """How many it has open. Other descriptors may be opened by whoever else is busy in it."""
        found = 0
        for descriptor in pathlib.Path(f"/proc/{self.process.pid}/fd").iterdir():
            try:
                found += os.readlink(descriptor).startswith("socket:")
            except FileNotFoundError:
                pass  # closed meanwhile
        return found

    def memory(self):
        """Resident, in bytes."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * int(re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)[1])


def listener(receive_buffer=None):
    """On a port of its own; its connections have a receive buffer of about so many bytes."""
    own = socket.socket()
    if receive_buffer:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    own.bind(("127.0.0.1", 0))
    own.listen(128)
    own.settimeout(PATIENCE)
    return own


def address_of(server):
    return "127.0.0.1:%d" % server.getsockname()[1]


def accept(server):
    client, _ = server.accept()
    client.settimeout(PATIENCE)
    return client


def refused_port():
    """A socket that keeps its port and does not listen."""
    own = socket.socket()
    own.bind(("127.0.0.1", 0))
    return own


def connect(port):
    client = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def exactly(client, size):
    got = bytearray()
    while len(got) < size and (more := client.recv(min(65536, size - len(got)))):
        got += more
    return bytes(got)


def to_end(client):
    got = bytearray()
    while more := client.recv(65536):
        got += more
    return bytes(got)


def hung_up(client):
    """Whether the other side has closed the connection in order, after what came before."""
    return client.recv(1) == b""


def reset(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def differing(what, found, expected):
    """What is wrong, for a check to yield; None if nothing is."""
    return None if found == expected else f"{what}: {found!r:.200}, not {expected!r:.200}"


def main(*checks):
    """Runs all of them, with the program from the command line: each yields what is wrong, or None."""
    failed = 0
    for check in checks:
        try:
            problems = [problem for problem in check(*sys.argv[1:]) if problem]
        except (OSError, subprocess.TimeoutExpired) as error:
            problems = [repr(error)]
        failed += bool(problems)
        for problem in problems:
            print(f"{check.__name__.replace('_', ' ')}: {problem}")
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0
