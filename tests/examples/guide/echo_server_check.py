#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Usage: echo_server_check.py PROGRAM    what ../echo_check.py does not look at; prints what fails, and `N passed, N failed` last"""

import os
import socket
import sys
import threading

from outside import connect, differing, exactly, hung_up, main, program, reset, to_end


def answers_two_in_turn_beside_one_who_is_idle(server):
    with program(server) as running:
        port = running.port()
        with connect(port) as idle, connect(port) as one, connect(port) as other:
            for word in (b"to ", b"be ", b"continued"):
                one.sendall(word)
                other.sendall(word.upper())
                yield differing("one", exactly(one, len(word)), word)
                yield differing("other", exactly(other, len(word)), word.upper())
            one.shutdown(socket.SHUT_WR)
            yield differing("one is hung up on", hung_up(one), True)
            yield differing("printed", running.line(), "wrote 15 bytes")
            idle.sendall(b"!")
            yield differing("idle", exactly(idle, 1), b"!")
        yield differing("status", running.end(), 0)


def answers_ten_mebibytes_and_counts_them(server):
    content = os.urandom(10 << 20)
    with program(server) as running, connect(running.port()) as client:
        def ask():
            client.sendall(content)
            client.shutdown(socket.SHUT_WR)

        asking = threading.Thread(target=ask)
        asking.start()
        answer = to_end(client)
        asking.join()
        yield differing("same bytes", answer == content, True)
        yield differing("printed", running.line(), f"wrote {len(content)} bytes")


def tells_of_a_reset_and_goes_on(server):
    with program(server) as running:
        port = running.port()
        client = connect(port)
        client.sendall(b"x")
        yield differing("answer", exactly(client, 1), b"x")
        reset(client)
        yield differing("printed", running.line(), "error: Connection reset by peer")
        with connect(port) as other:
            other.sendall(b"y")
            yield differing("answer", exactly(other, 1), b"y")


sys.exit(main(answers_two_in_turn_beside_one_who_is_idle, answers_ten_mebibytes_and_counts_them, tells_of_a_reset_and_goes_on))
