#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Talks to an echo server as its clients would, good ones and bad ones.

Usage: echo_check.py PROGRAM [ARGUMENT...]    prints what fails; the last line is `N passed, N failed`

The program's first line is `listening on 127.0.0.1:PORT`; it serves until its standard input closes, and then ends with status 0.
"""

import signal
import socket
import sys

from guide.outside import PATIENCE, connect, exactly, hung_up, program, reset


def ask(client, question):
    client.sendall(question)
    return exactly(client, len(question))


def answers_each_client_with_its_own_bytes(running):
    clients = [connect(running.at) for _ in range(50)]
    for i, client in enumerate(clients):
        client.sendall(f"client {i:2}".encode())
    return all(exactly(client, 9) == f"client {i:2}".encode() for i, client in enumerate(clients))


def answers_byte_by_byte(running):
    with connect(running.at) as client:
        return all(ask(client, bytes([byte])) == bytes([byte]) for byte in (0, 10, 13, 255))


def answers_a_client_that_has_ended_its_side(running):
    with connect(running.at) as client:
        client.sendall(b"good bye")
        client.shutdown(socket.SHUT_WR)
        return exactly(client, 8) == b"good bye" and hung_up(client)


def serves_others_beside_one_who_does_not_read(running):
    with connect(running.at) as greedy, connect(running.at) as other:
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
    with connect(running.at) as client:
        ask(client, b"x")
        before = running.sockets()
        for _ in range(100):
            rude = connect(running.at)
            ask(rude, b"y")
            reset(rude)
        # Those who come next are answered after the server has been told of the resets; each question gives it time to see to them.
        for _ in range(10_000):
            if running.sockets() == before:
                return True
            ask(client, b"z")
        return False


def ends_with_clients_that_stay(running):
    silent, talking = connect(running.at), connect(running.at)
    ask(talking, b"x")
    return running.end() == 0 and hung_up(talking) and hung_up(silent)


def ends_at_sigterm(running):
    with connect(running.at) as client:
        ask(client, b"x")
        running.process.terminate()
        return running.status() in (0, -signal.SIGTERM)


def main():
    passed = failed = 0
    for check in (answers_each_client_with_its_own_bytes, answers_byte_by_byte, answers_a_client_that_has_ended_its_side,
                  serves_others_beside_one_who_does_not_read, survives_resets_and_keeps_no_socket, ends_with_clients_that_stay,
                  ends_at_sigterm):
        with program(*sys.argv[1:]) as running:
            running.at = running.port()
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
