#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Usage: connect_and_write_check.py PROGRAM    listens for the client; prints what fails, and `N passed, N failed` last"""

import hashlib
import os
import sys
import tempfile

from outside import accept, address_of, differing, listener, main, program, refused_port, to_end


def writes_eleven_bytes(client):
    with listener(receive_buffer=1024) as server, program(client, address_of(server)) as running:
        with accept(server) as connection:
            yield differing("heard", to_end(connection), b"hello world")
        yield differing("printed", [running.line() for _ in range(3)], ["connected", "wrote 11 bytes", None])
        yield differing("status", running.status(), 0)


def loses_and_repeats_nothing_of(size, receive_buffer, client):
    with tempfile.NamedTemporaryFile() as file, listener(receive_buffer) as server:
        content = os.urandom(size)
        file.write(content)
        file.flush()
        with program(client, address_of(server), file.name) as running, accept(server) as connection:
            heard = to_end(connection)
            yield differing("size", len(heard), size)
            yield differing("hash", hashlib.sha256(heard).hexdigest(), hashlib.sha256(content).hexdigest())
            yield differing("printed", [running.line() for _ in range(3)], ["connected", f"wrote {size} bytes", None])
            yield differing("status", running.status(), 0)


def writes_what_a_small_buffer_takes_part_by_part(client):
    return loses_and_repeats_nothing_of(1 << 20, 4096, client)


def writes_fifty_mebibytes(client):
    return loses_and_repeats_nothing_of(50 << 20, None, client)


def fails_where_nobody_listens(client):
    with refused_port() as nobody, program(client, address_of(nobody)) as running:
        yield differing("printed", [running.line(), running.line()], ["error: Connection refused", None])
        yield differing("status", running.status(), 1)


sys.exit(main(writes_eleven_bytes, writes_what_a_small_buffer_takes_part_by_part, writes_fifty_mebibytes,
              fails_where_nobody_listens))
