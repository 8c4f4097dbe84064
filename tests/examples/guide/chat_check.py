#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Usage: chat_check.py PROGRAM    talks in the room; prints what fails, and `N passed, N failed` last"""

import signal
import socket
import subprocess
import sys
import threading

from outside import PATIENCE, connect, differing, exactly, hung_up, main, program, reset, to_end

MEBIBYTE = 1 << 20


class room(program):
    def __init__(self, server):
        super().__init__(server)
        self.number = self.port()

    def enter(self, name):
        """Whoever has come, by the server's own account, hears all that is said from then on."""
        client = connect(self.number)
        client.sendall(name.encode() + b"\r\n")
        self.see(f"{name} has come")
        return client

    def see(self, *lines):
        """Waits for these lines, in any order."""
        seen = sorted(self.line() or "the end" for _ in lines)
        if seen != sorted(lines):
            raise OSError(f"{seen}, not {lines}")


def hears(who, client, text):
    return differing(f"{who} hears", exactly(client, len(text)), text.encode())


class listening:
    """Reads what a client hears, in a thread, and forgets it but for the lines of `speaker`."""

    def __init__(self, client, speaker):
        self.client, self.start = client, speaker.encode() + b": "
        self.lines, self.bytes = [], 0
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        rest = b""
        while more := self.some():
            *lines, rest = (rest + more).split(b"\r\n")
            with self.changed:
                self.bytes += len(more)
                self.lines += [line.removeprefix(self.start).decode() for line in lines if line.startswith(self.start)]
                self.changed.notify_all()

    def some(self):
        try:
            return self.client.recv(MEBIBYTE)
        except OSError:
            return b""  # hung up while there was more

    def wait(self, condition):
        with self.changed:
            if not self.changed.wait_for(condition, PATIENCE):
                raise TimeoutError(f"heard {self.bytes} bytes and {self.lines}")

    def end(self):
        """Hangs up."""
        self.client.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.client.close()


class flooding:
    """Says as much as it can, in a thread, until it is hung up on, and reads nothing."""

    def __init__(self, client):
        self.client = client
        self.thread = threading.Thread(target=self.flood)
        self.thread.start()

    def flood(self):
        lines = (b"x" * 998 + b"\r\n") * 64
        try:
            while True:
                self.client.sendall(lines)
        except OSError:
            pass

    def end(self):
        self.client.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.client.close()


def the_others_hear_a_line_and_the_speaker_does_not(server):
    with room(server) as here, here.enter("ann") as ann, here.enter("bob") as bob, here.enter("cleo") as cleo:
        ann.sendall(b"good morning\r\n")
        yield hears("bob", bob, "ann: good morning\r\n")
        yield hears("cleo", cleo, "ann: good morning\r\n")
        bob.sendall(b"and to you\n\r\n")
        yield hears("cleo", cleo, "bob: and to you\r\nbob: \r\n")
        yield hears("ann", ann, "bob: and to you\r\nbob: \r\n")
        yield differing("status", here.end(), 0)
        for client in (ann, bob, cleo):
            yield differing("hung up", hung_up(client), True)


def lines_may_come_in_any_pieces(server):
    with room(server) as here, here.enter("ann") as ann, here.enter("bob") as bob, connect(here.number) as cleo:
        heard = b""
        # What ann says, and bob has heard, lets the server read each piece before the next is sent.
        for number, piece in enumerate((b"cl", b"eo", b"\r", b"\n", b"one\r", b"\ntwo\rthree", b"\r", b"\n", b"four\n")):
            cleo.sendall(piece)
            if number == 3:
                here.see("cleo has come")
            ann.sendall(b"!\r\n")
            before = heard.count(b"ann: !\r\n")
            while heard.count(b"ann: !\r\n") == before:
                heard += exactly(bob, 1)
        lines = b"cleo: one\r\ncleo: two\rthree\r\ncleo: four\r\n"
        yield differing("ann hears", exactly(ann, len(lines)), lines)
        heard += exactly(bob, len(lines) + 9 * len(b"ann: !\r\n") - len(heard))
        yield differing("bob hears", heard.replace(b"ann: !\r\n", b""), lines)


def who_leaves_is_gone_and_his_last_line_is_heard(server):
    with room(server) as here, here.enter("ann") as ann:
        nameless = connect(here.number)
        nameless.close()
        here.enter("quiet").close()
        here.see("quiet has left")
        bob = here.enter("bob")
        bob.sendall(b"good bye")
        bob.close()
        here.see("bob has left")
        yield hears("ann", ann, "bob: good bye\r\n")


def a_reset_removes_one_and_no_socket_stays(server):
    with room(server) as here, here.enter("ann") as ann, here.enter("bob") as bob:
        before = here.sockets()
        for number in range(50):
            client = here.enter(f"guest {number}")
            reset(client)
            here.see(f"guest {number} has left")
        for _ in range(10_000):
            ann.sendall(b"?\r\n")
            yield hears("bob", bob, "ann: ?\r\n")
            if here.sockets() == before:
                return
        yield f"{here.sockets()} sockets, {before} before"


def who_says_a_line_that_is_too_long_is_out(server):
    with room(server) as here, here.enter("ann") as ann, here.enter("bob") as bob:
        ann.sendall(b"x" * 1024 + b"\r\n")
        yield hears("bob", bob, "ann: " + "x" * 1024 + "\r\n")
        ann.sendall(b"x" * 1025 + b"\r\n")
        here.see("ann has left")
        yield differing("hung up", hung_up(ann), True)


def one_who_floods_and_does_not_read_starves_nobody(server):
    with room(server) as here:
        ann, bob = here.enter("ann"), here.enter("bob")
        flood = flooding(here.enter("flood"))
        heard, answers = listening(bob, "ann"), listening(ann, "bob")
        for number in range(20):
            ann.sendall(b"question %d\r\n" % number)
            heard.wait(lambda: f"question {number}" in heard.lines)
            bob.sendall(b"answer %d\r\n" % number)
            answers.wait(lambda: f"answer {number}" in answers.lines)
        # All the time there was a flood, and it goes on.
        heard.wait(lambda: heard.bytes > 4 * MEBIBYTE)
        here.enter("dora").close()
        here.see("dora has left")
        yield differing("the order of the questions", heard.lines, [f"question {number}" for number in range(20)])
        for one in (flood, heard, answers):
            one.end()
        here.see("ann has left", "bob has left", "flood has left")
        yield differing("status", here.end(), 0)


def one_who_does_not_read_is_out_and_costs_little_memory(server):
    with room(server) as here:
        heard = listening(here.enter("bob"), "nobody")
        flood = flooding(here.enter("flood"))
        # The room itself has all that it needs by then.
        heard.wait(lambda: heard.bytes > 4 * MEBIBYTE)
        before = here.memory()
        deaf = here.enter("deaf")
        here.see("deaf has left")
        more = here.memory() - before
        yield f"{more} bytes more" if more > 8 * MEBIBYTE else None
        so_far = heard.bytes
        heard.wait(lambda: heard.bytes > so_far + 4 * MEBIBYTE)
        flood.end()
        heard.end()
        deaf.close()


def ends_at_sigterm(server):
    # The nameless one first: he has been accepted when ann has come.
    with room(server) as here, connect(here.number) as nameless, here.enter("ann") as ann:
        here.process.send_signal(signal.SIGTERM)
        # Under thread sanitizer a signal waits for the next call of the thread that it came to, so give that one something to do.
        for _ in range(20 * PATIENCE):
            try:
                here.process.wait(timeout=0.05)
                break
            except subprocess.TimeoutExpired:
                come_and_go(here.number)
        yield differing("status", here.status(), 0)
        yield differing("ann", to_end(ann), b"")
        yield differing("the other", to_end(nameless), b"")


def come_and_go(port):
    try:
        connect(port).close()
    except ConnectionError:
        pass  # it has ended meanwhile


sys.exit(main(the_others_hear_a_line_and_the_speaker_does_not, lines_may_come_in_any_pieces,
              who_leaves_is_gone_and_his_last_line_is_heard, a_reset_removes_one_and_no_socket_stays,
              who_says_a_line_that_is_too_long_is_out, one_who_floods_and_does_not_read_starves_nobody,
              one_who_does_not_read_is_out_and_costs_little_memory, ends_at_sigterm))
