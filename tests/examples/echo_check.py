#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Talks to an echo server as its clients would, good ones and bad ones.

Usage: echo_check.py PROGRAM [ARGUMENT...]    prints what fails; the last line is `N passed, N failed`

The program's first line is `listening on 127.0.0.1:PORT`; it serves until its standard input closes, and then ends with status 0.
"""

import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys

PATIENCE = 20  # s; nothing here takes one of them


class server:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.first_line = self.process.stdout.readline()
        self.port = int(re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", self.first_line)[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def end(self):
        """Its exit status."""
        self.process.stdin.close()
        return self.process.wait(timeout=PATIENCE)

    def sockets(self):
        """How many it has open. Other descriptors may be opened by whoever else is busy in it."""
        found = 0
        for descriptor in pathlib.Path(f"/proc/{self.process.pid}/fd").iterdir():
            try:
                found += os.readlink(descriptor).startswith("socket:")
            except FileNotFoundError:
                pass  # closed meanwhile
        return found


def exactly(client, size):
    got = b""
    while len(got) < size and (more := client.recv(size - len(got))):
        got += more
    return got


def ask(client, question):
    client.sendall(question)
    return exactly(client, len(question))


def hung_up(client):
    """Whether the server has closed the connection in order, after what came before."""
    return client.recv(1) == b""


def answers_each_client_with_its_own_bytes(running):
    clients = [running.connect() for _ in range(50)]
    for i, client in enumerate(clients):
        client.sendall(f"client {i:2}".encode())
    return all(exactly(client, 9) == f"client {i:2}".encode() for i, client in enumerate(clients))


def answers_byte_by_byte(running):
    with running.connect() as client:
        return all(ask(client, bytes([byte])) == bytes([byte]) for byte in (0, 10, 13, 255))


def answers_a_client_that_has_ended_its_side(running):
    with running.connect() as client:
        client.sendall(b"good bye")
        client.shutdown(socket.SHUT_WR)
        return exactly(client, 8) == b"good bye" and hung_up(client)


def serves_others_beside_one_who_does_not_read(running):
    with running.connect() as greedy, running.connect() as other:
        greedy.setblocking(False)
        sent = 0
        try:
            while True:
                sent += greedy.send(b"x" * 65536)
        except BlockingIOError:
            pass
        served = ask(other, b"hello") == b"hello"
        # And that one loses nothing.
        greedy.settimeout(PATIENCE)
        greedy.shutdown(socket.SHUT_WR)
        return served and exactly(greedy, sent) == b"x" * sent and hung_up(greedy)


def survives_resets_and_keeps_no_socket(running):
    with running.connect() as client:
        ask(client, b"x")
        before = running.sockets()
        for _ in range(100):
            reset = running.connect()
            ask(reset, b"y")
            reset.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            reset.close()
        # Those who come next are answered after the server has been told of the resets; each question gives it time to see to them.
        for _ in range(10_000):
            if running.sockets() == before:
                return True
            ask(client, b"z")
        return False


def ends_with_clients_that_stay(running):
    silent, talking = running.connect(), running.connect()
    ask(talking, b"x")
    return running.end() == 0 and hung_up(talking) and hung_up(silent)


def ends_at_sigterm(running):
    with running.connect() as client:
        ask(client, b"x")
        running.process.terminate()
        return running.process.wait(timeout=PATIENCE) in (0, -signal.SIGTERM)


def main():
    passed = failed = 0
    for check in (answers_each_client_with_its_own_bytes, answers_byte_by_byte, answers_a_client_that_has_ended_its_side,
                  serves_others_beside_one_who_does_not_read, survives_resets_and_keeps_no_socket, ends_with_clients_that_stay,
                  ends_at_sigterm):
        with server(sys.argv[1:]) as running:
            try:
                holds, why = check(running), "no"
            except OSError as error:
                holds, why = False, error
        passed += holds
        failed += not holds
        if not holds:
            print(f"{check.__name__.replace('_', ' ')}: {why}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
