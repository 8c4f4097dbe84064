#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What echo servers hold and do with many clients that are silent: threads, memory and throughput, as a table for README.md.

Usage: bench/idle_clients.py [--server NAME=COMMAND]... [--quick] [--json FILE]
       bench/idle_clients.py --server 'pollux=build/bench/bench/bench_echo_server --workers 2'

For each server, each round and 1,000 and 10,000 idle clients: a fresh server; its memory; the clients come, say one thing each and stay; its
threads and memory; then 100 others keep it busy (see echo.py). Memory is what the process has resident: the kernel's share, which
is its sockets and the 16 KiB stack of each thread, is not in it. Server and clients need a descriptor a client, so the limit is raised
as far as it goes.
"""

import argparse
import contextlib
import resource
import subprocess

import programs
import rounds
import servers

IDLE, BUSY = (1_000, 10_000), 100


@contextlib.contextmanager
def idle_clients(port, count):
    program, = programs.built("bench_idle_clients")
    process = subprocess.Popen([program, port, str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        if process.stdout.readline() != f"connected {count}\n":
            raise RuntimeError(f"{count} clients could not connect")
        yield
    finally:
        process.communicate(timeout=30)


def one_round(command, idle, seconds):
    with servers.running(command) as (process, port):
        servers.load(port, "--requests", 1_000)  # warm
        before = servers.status(process, "VmRSS")
        with idle_clients(port, idle):
            resident = servers.status(process, "VmRSS")
            taken = {"threads": servers.status(process, "Threads"), "resident_MiB": resident / 1024,
                     "KiB_per_idle_client": (resident - before) / idle}
            cpu = servers.cpu_seconds(process)
            busy = servers.load(port, "--connections", BUSY, "--seconds", seconds)
            cpu = servers.cpu_seconds(process) - cpu
        return {**taken, "requests_per_s": busy["requests_per_s"], "p99_us": busy["p99_us"], "server_cpu_us": cpu * 1e6 / busy["requests"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", action="append", default=[], type=servers.named, metavar="NAME=COMMAND")
    rounds.add_options(parser)
    options = parser.parse_args()

    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    programs.built("bench_echo_load", "bench_idle_clients")
    threads, epoll = programs.built("peer_echo_threads", "peer_echo_epoll")
    commands = {"threads": [threads, "0"], "epoll": [epoll], **dict(options.server)}
    kept = {}
    for idle in IDLE:
        heading = f"{idle:,} idle clients, {BUSY} busy ones"
        runs = {name: lambda command=command: one_round(command, idle, 1 if options.quick else 5) for name, command in commands.items()}
        kept[heading] = rounds.take(runs, options)
        print(f"{heading}\n\n{rounds.table(kept[heading], ['threads'])}", flush=True)
    rounds.keep(kept, options)


main()
