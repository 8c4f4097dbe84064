#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Usage: proxy_check.py PROGRAM    is the client and the server on its two sides; prints what fails, and `N passed, N failed` last"""

import os
import socket
import sys
import threading

from outside import accept, address_of, connect, differing, exactly, hung_up, listener, main, program, refused_port, reset, to_end


def a_client_who_has_asked_all_still_gets_his_answers(proxy):
    with listener() as server, program(proxy, address_of(server)) as running:
        with connect(running.port()) as client, accept(server) as other_side:
            client.sendall(b"question")
            client.shutdown(socket.SHUT_WR)
            yield differing("asked", to_end(other_side), b"question")
            other_side.sendall(b"a long answer")
            other_side.shutdown(socket.SHUT_WR)
            yield differing("answered", to_end(client), b"a long answer")
        yield differing("printed", running.line(), "8 bytes to the server, 13 bytes to the client")
        yield differing("status", running.end(), 0)


def a_server_who_has_said_all_still_hears(proxy):
    with listener() as server, program(proxy, address_of(server)) as running:
        with connect(running.port()) as client, accept(server) as other_side:
            other_side.sendall(b"welcome")
            other_side.shutdown(socket.SHUT_WR)
            yield differing("answered", to_end(client), b"welcome")
            client.sendall(b"thank you")
            yield differing("asked", exactly(other_side, 9), b"thank you")
            client.shutdown(socket.SHUT_WR)
            yield differing("ended", hung_up(other_side), True)
        yield differing("printed", running.line(), "9 bytes to the server, 7 bytes to the client")


def ten_mebibytes_go_both_ways_at_once(proxy):
    content = os.urandom(10 << 20)

    def send(connection):
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)

    with listener() as server, program(proxy, address_of(server)) as running:
        with connect(running.port()) as client, accept(server) as other_side:
            heard = {}
            threads = [threading.Thread(target=send, args=[client]), threading.Thread(target=send, args=[other_side]),
                       threading.Thread(target=lambda: heard.update(server=to_end(other_side)))]
            for thread in threads:
                thread.start()
            heard["client"] = to_end(client)
            for thread in threads:
                thread.join()
            yield differing("the client heard all", heard["client"] == content, True)
            yield differing("the server heard all", heard["server"] == content, True)


def connections_do_not_mix_and_one_who_is_idle_holds_up_nobody(proxy):
    with listener() as server, program(proxy, address_of(server)) as running:
        port = running.port()
        pairs = []
        for _ in range(50):
            client = connect(port)
            pairs.append((client, accept(server)))
        for number, (client, _) in enumerate(pairs[1:]):
            client.sendall(b"client %2d" % number)
        for number, (_, other_side) in enumerate(pairs[1:]):
            yield differing(f"connection {number}", exactly(other_side, 9), b"client %2d" % number)
        yield differing("status", running.end(), 0)
        for ends in pairs:
            for end in ends:
                yield differing("ended", hung_up(end), True)
                end.close()


def a_reset_ends_the_other_side_and_nobody_else(proxy):
    with listener() as server, program(proxy, address_of(server)) as running:
        port = running.port()
        client = connect(port)
        with accept(server) as other_side, connect(port) as other, accept(server) as others_side:
            client.sendall(b"x")
            yield differing("asked", exactly(other_side, 1), b"x")
            reset(client)
            yield differing("ended", hung_up(other_side), True)
            yield differing("printed", running.line(), "error: Connection reset by peer")
            other.sendall(b"y")
            yield differing("the other asked", exactly(others_side, 1), b"y")


def hangs_up_where_there_is_no_server(proxy):
    with refused_port() as nobody, program(proxy, address_of(nobody)) as running:
        port = running.port()
        for _ in range(2):
            with connect(port) as client:
                yield differing("hung up", hung_up(client), True)
                yield differing("printed", running.line(), "error: Connection refused")
        yield differing("status", running.end(), 0)


sys.exit(main(a_client_who_has_asked_all_still_gets_his_answers, a_server_who_has_said_all_still_hears,
              ten_mebibytes_go_both_ways_at_once, connections_do_not_mix_and_one_who_is_idle_holds_up_nobody,
              a_reset_ends_the_other_side_and_nobody_else, hangs_up_where_there_is_no_server))
