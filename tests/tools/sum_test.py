#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Black-box test of `pollux sum`: its output is compared, byte for byte, with that of find, sort and sha256sum.

Usage: sum_test.py PROGRAM [WORD...]     with words: only the cases whose names hold one of them

Each case is a function in a scratch directory of its own. Nothing here waits for a time to pass: a case that needs the
program in the middle of its work reads its first lines first.
"""
import contextlib
import ctypes
import json
import os
import pty
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from black_box import PROGRAM, case, expect, expect_equal, main

BUFFER = 1 << 20  # buffer_bytes of tools/pollux/file_group.hpp: sizes around it take different ways
REFERENCE = 'find "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum --'


def run(*arguments, **options):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, timeout=60, stdin=subprocess.DEVNULL, **options)


def reference(*roots):
    done = subprocess.run(["bash", "-c", REFERENCE, "reference", *roots], capture_output=True, timeout=60)
    return done.stdout


def expect_as_reference(*roots, status=0):
    got = run("sum", "-q", "--", *roots)
    expect_equal(got.stdout, reference(*roots), f"stdout for {roots}")
    expect_equal(got.returncode, status, f"status for {roots}")
    if status == 0:
        expect_equal(got.stderr, b"", f"stderr for {roots}")
    return got


def write(path, content=b"content\n"):
    path = os.fsencode(path)
    os.makedirs(os.path.dirname(path) or b".", exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


def start(*arguments, **options):
    return subprocess.Popen([PROGRAM, *arguments], stdin=subprocess.DEVNULL, **options)


def make_long_work(directory):
    """Enough small files for a first group of results, then a file that takes minutes."""
    for i in range(64):
        write(f"{directory}/a{i:02}")
    with open(f"{directory}/b", "wb") as file:
        file.truncate(200 << 30)


# ------------------------------------------------------------------------------------------------------------------
# Names and order


@case
def names_with_odd_bytes_come_out_as_sha256sum_writes_them():
    names = [b" ", b" a b ", b"new\nline", b"carriage\rreturn", b"back\\slash", b"\\n", b"tab\t", b"-dash", b"--", b"-",
             b"\xff\xfe", b"\xc3\xa9", b"\xc3", b"'", b'"', b"*", b"$(x)", b"\x01\x1b[31m", b"\x7f",
             b"[a,b]", b"[]", b"%%", b"a,b", b":", b":[x]"]
    for name in names:
        write(b"tree/" + name, name)
        write(b"tree/in " + name + b"/" + name, name)
    expect_as_reference("tree")
    os.chdir("tree")
    expect_as_reference("./-dash", "./-", "[a,b]", "[]", "%%", "a,b", " ", ":", ":[x]")
    expect_as_reference(os.fsdecode(b"\xff\xfe"), "new\nline", "back\\slash")
    dashed = run("sum", "-q", "--", "-dash")
    expect_equal(dashed.stdout, reference("./-dash").replace(b"./", b""), "a path after --")


@case
def directories_sort_among_files_as_their_whole_paths_do():
    for name in ["a/b", "a/b.c", "a/d/c", "a-b", "a.txt", "a0", "a!", "A", "aa/x", "a b/c", "a./x", "a-/y",
                 "a/b-/z", "a/b0"]:
        write("tree/" + name)
    expect_as_reference("tree")
    expect_as_reference("tree/a", "tree/a-b", "tree/a.txt", "tree/a0", "tree")


@case
def random_trees_come_out_in_byte_order():
    for seed in range(12):
        rng = random.Random(seed)
        root = f"tree{seed}"
        os.mkdir(root)
        directories = [root]
        for _ in range(rng.randrange(60, 200)):
            path = rng.choice(directories) + "/" + "".join(rng.choice("a-.!0~ ") for _ in range(rng.randrange(1, 4)))
            if path.endswith(("/.", "/..")) or os.path.lexists(path):
                continue
            if rng.random() < 0.4:
                os.mkdir(path)
                directories.append(path)
            else:
                write(path, path.encode())
        roots = [rng.choice(directories) + rng.choice(["", "/", "//"]) for _ in range(rng.randrange(1, 6))]
        try:
            expect_as_reference(*roots)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error


# ------------------------------------------------------------------------------------------------------------------
# Roots


@case
def a_path_may_be_spelt_in_any_way():
    write("d/f")
    write("d/e/g")
    write("h")
    os.symlink("d", "link")
    os.symlink("h", "file-link")
    os.symlink("nowhere", "broken")
    os.mkdir("empty")
    for root in ["d", "d/", "d//", "./d", ".//d", "d/.", "d/../d", ".", "./", "h", "./h", "link", "link/", "link//",
                 "link/e", "file-link", "broken", "empty", os.path.abspath("d"), "//" + os.path.abspath("d"), "d/e/.."]:
        expect_as_reference(root)
    os.chdir("d/e")
    expect_as_reference("..")
    expect_as_reference("../..", "..", ".", "g")


@case
def several_paths_merge_into_one_order_and_repeated_ones_repeat():
    for name in ["a/x", "a/y/z", "b", "c/d"]:
        write(name)
    for roots in [("c", "b", "a"), ("a", "a"), ("a", "a/y", "a/y/z", "a"), ("b", "b", "./b"), ("a/", "a", "a//"),
                  ("c/d", "c", ".")]:
        expect_as_reference(*roots)


@case
def hundreds_of_paths_need_few_descriptors():
    names = [f"d{i:03}" for i in range(600)]
    for name in names:
        write(f"{name}/sub/file", name.encode())
    limited = ["bash", "-c", 'ulimit -n 256; exec "$@"', "limited", PROGRAM, "sum", "-q", *reversed(names)]
    got = subprocess.run(limited, capture_output=True, timeout=60)
    expect_equal(got.stderr, b"", "stderr")
    expect_equal(got.stdout, reference(*names), "stdout")


@case
def a_missing_path_costs_one_line_and_status_1_and_the_others_go_on():
    write("a")
    write("c")
    got = expect_as_reference("a", "missing", "c", "", "a/", "mis\nsing", status=1)
    lines = got.stderr.decode().splitlines()
    expect_equal(len(lines), 4, "lines on stderr")
    for name in ['"missing"', '""', '"a/"', '"mis\\nsing"']:
        expect(any(name in line for line in lines), name, "in", lines)


@case
def unreadable_files_and_directories_cost_one_line_each():
    for name in ["a", "closed/hidden", "list-only/x", "secret", "z"]:
        write(f"tree/{name}")
    os.chmod("tree/secret", 0)
    os.chmod("tree/closed", 0)
    os.chmod("tree/list-only", 0o444)
    # Root reads everything, unless it does without these two capabilities.
    humble = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.getuid() == 0 else []
    got = subprocess.run([*humble, PROGRAM, "sum", "-q", "tree"], capture_output=True, timeout=60)
    os.chmod("tree/closed", 0o755)
    lines = got.stderr.decode().splitlines()
    expect_equal(got.returncode, 1, "status")
    expect_equal(len(lines), 3, f"lines on stderr {lines}")
    for name in ["tree/closed", "tree/list-only/x", "tree/secret"]:
        expect(any(f'"{name}"' in line and "permission denied" in line for line in lines), name, "in", lines)
    expect_equal(got.stdout, reference("tree/a", "tree/z"), "stdout")


# ------------------------------------------------------------------------------------------------------------------
# Content


@case
def files_of_every_size_have_the_right_sum():
    rng = random.Random(1)
    for size in [0, 1, 63, 64, 65, 4096, BUFFER - 1, BUFFER, BUFFER + 1, 2 * BUFFER - 1, 2 * BUFFER,
                 2 * BUFFER + 1, 5 * BUFFER]:
        write(f"sizes/{size}", rng.randbytes(size))
    for i in range(300):  # groups that are cut by their bytes, not by their number
        write(f"mixed/{i}", rng.randbytes(rng.choice([0, 10, 5000, 90_000, 400_000 if i % 20 == 0 else 1])))
    expect_as_reference("sizes")
    expect_as_reference("sizes", "mixed")


@case
def a_file_whose_size_is_unknown_is_read_to_its_end():
    expect_as_reference("/proc/version", "/proc/filesystems")


@case
def a_path_longer_than_the_system_allows_is_walked():
    content = b"at the bottom\n"
    top = os.open(".", os.O_RDONLY)
    at = os.dup(top)
    depth, name = 700, "n" * 100
    for level in range(depth):
        for file in ["a", "z"]:  # before and after the directory: the walk comes back to every level
            made = os.open(file, os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=at)
            os.write(made, content)
            os.close(made)
        os.mkdir(name, dir_fd=at)
        below = os.open(name, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    os.close(top)
    limited = ["bash", "-c", 'ulimit -n 200; exec "$@"', "limited", PROGRAM, "sum", "-q", "."]
    got = subprocess.run(limited, capture_output=True, timeout=60)
    digest = subprocess.run(["sha256sum"], input=content, capture_output=True, check=True).stdout.split()[0].decode()
    prefixes = ["./" + (name + "/") * level for level in range(depth)]
    wanted = [f"{digest}  {it}a" for it in prefixes] + [f"{digest}  {it}z" for it in reversed(prefixes)]
    expect_equal(got.stderr, b"", "stderr")
    lines = got.stdout.decode().splitlines()
    expect(lines == wanted, "the lines differ;", len(lines), "of", len(wanted))


@case
def what_is_not_a_regular_file_is_never_opened():
    os.mkdir("tree")
    os.mkfifo("tree/fifo")
    write("tree/file")
    os.symlink("file", "tree/link")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("tree/socket")
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(os.O_NONBLOCK)
    opened_event = 0x20
    for name in [b"tree/fifo", b"tree/file"]:
        expect(libc.inotify_add_watch(watch, name, opened_event) > 0, "inotify")
    got = run("sum", "-q", "tree", "tree/fifo", "tree/socket")
    events = os.read(watch, 4096)
    os.close(watch)
    expect_equal(got.stdout, reference("tree/file"), "stdout")
    expect_equal(got.returncode, 0, "status")
    watched = {int.from_bytes(events[at:at + 4], sys.byteorder) for at in range(0, len(events), 16)}
    expect_equal(watched, {2}, "opened: the file and not the FIFO")


# ------------------------------------------------------------------------------------------------------------------
# stdout


@case
def a_reader_that_goes_away_ends_it_silently():
    for i in range(3000):
        write(f"tree/{i}")
    program = start("sum", "tree", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    program.stdout.readline()
    program.stdout.close()
    expect_equal(program.stderr.read(), b"", "stderr")
    expect_equal(program.wait(10), -signal.SIGPIPE, "status: as sha256sum ends")


@case
def a_stdout_that_is_closed_ends_it_silently_with_status_1():
    write("tree/file")
    closing = ["bash", "-c", 'exec "$@" >&-', "closing", PROGRAM, "sum", "tree"]
    got = subprocess.run(closing, stderr=subprocess.PIPE, timeout=60)
    expect_equal((got.returncode, got.stderr), (1, b""), "status and stderr")
    expect_equal(Path("tree/file").read_bytes(), b"content\n", "the file")


@case
def a_full_stdout_is_one_message_and_status_1():
    write("tree/file")
    with open("/dev/full", "wb") as full:
        got = subprocess.run([PROGRAM, "sum", "tree"], stdout=full, stderr=subprocess.PIPE, timeout=60)
    expect_equal(got.returncode, 1, "status")
    lines = got.stderr.decode().splitlines()
    expect(len(lines) == 1 and lines[0].startswith("pollux: ") and "no space left" in lines[0], lines)


# ------------------------------------------------------------------------------------------------------------------
# Ctrl-C


def expect_quick_130(program):
    before = time.monotonic()
    program.send_signal(signal.SIGINT)
    expect_equal(program.wait(10), 130, "status")
    expect(time.monotonic() - before < 1, "took", time.monotonic() - before, "s")


@case
def control_c_in_a_large_file_ends_it_within_a_second():
    make_long_work("tree")
    program = start("sum", "tree", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    program.stdout.readline()
    expect_quick_130(program)
    expect_equal(len(program.stdout.read().splitlines()), 63, "the lines that were ready are written, whole")


@case
def control_c_while_nobody_reads_stdout_ends_it_within_a_second():
    for i in range(3000):
        write(f"tree/{i}")
    program = start("sum", "tree", stdout=subprocess.PIPE, stderr=subprocess.PIPE, pipesize=4096)
    program.stdout.readline()
    expect_quick_130(program)


@case
def control_c_while_nobody_reads_stderr_ends_it_within_a_second():
    program = start("sum", *(f"missing {i}" for i in range(3000)), stderr=subprocess.PIPE, pipesize=4096)
    program.stderr.readline()
    expect_quick_130(program)


@case
def control_c_counts_even_if_the_shell_had_it_ignored():
    make_long_work("tree")
    ignoring = ["bash", "-c", 'trap "" INT; exec "$@"', "ignoring", PROGRAM, "sum", "-q", "tree"]
    program = subprocess.Popen(ignoring, stdout=subprocess.PIPE)
    program.stdout.readline()
    expect_quick_130(program)


# ------------------------------------------------------------------------------------------------------------------
# stderr and options


@case
def json_is_one_object_with_the_promised_keys():
    write("tree/a", b"12345")
    write("tree/b", b"")
    got = run("sum", "--json", "tree", "missing")
    expect_equal(got.returncode, 1, "status")
    failure, summary = got.stderr.decode().splitlines()
    values = json.loads(summary)
    expect_equal(list(values), ["files", "bytes", "seconds", "errors", "offloaded", "stolen"], "keys")
    expect_equal((values["files"], values["bytes"], values["errors"]), (2, 5, 1), "counts")
    expect(values["offloaded"] >= 1 and values["seconds"] > 0, values)
    expect("missing" in failure, failure)
    expect_equal(got.stdout, reference("tree"), "stdout")


@case
def a_summary_ends_stderr_unless_q_is_given():
    write("tree/a")
    got = run("sum", "tree")
    expect(got.stderr.startswith(b"pollux: 1 files, 8 B in ") and got.stderr.count(b"\n") == 1, got.stderr)
    expect_equal(run("sum", "-q", "tree").stderr, b"", "stderr with -q")
    expect_equal(run("sum", "--quiet", "--json", "tree").stderr, b"", "stderr with --quiet --json")


@case
def a_terminal_sees_a_progress_line_that_is_erased_at_the_end():
    os.mkdir("tree")
    with open("tree/big", "wb") as file:
        file.truncate(400_000_000)  # some 0.3 s of hashing; the line is due every 0.1 s
    for kind, has_line in [("xterm", True), ("dumb", False)]:
        ours, theirs = pty.openpty()
        program = start("sum", "tree", stdout=subprocess.DEVNULL, stderr=theirs, env={**os.environ, "TERM": kind})
        os.close(theirs)
        seen = b""
        try:
            while chunk := os.read(ours, 4096):
                seen += chunk
        except OSError:
            pass  # the other end was closed
        os.close(ours)
        expect_equal(program.wait(60), 0, "status")
        erase = b"\r\x1b[K"
        expect_equal(seen.count(erase) >= 2, has_line, f"progress drawn, TERM={kind}: {seen!r}")
        summary = seen.split(erase)[-1]
        expect(summary.startswith(b"pollux: 1 files, 400.0 MB in ") and summary.endswith(b"\r\n"), seen)


@case
def wrong_usage_is_status_2_with_the_usage_on_stderr():
    for arguments in [[], ["sum"], ["sum", "-q"], ["sum", "--unknown", "."], ["sum", "-x", "."], ["unknown"],
                      ["--unknown"], ["sum", "--json=3x", "."]]:
        got = run(*arguments)
        expect_equal(got.returncode, 2, f"status of {arguments}")
        expect(b"usage: pollux sum" in got.stderr, arguments, got.stderr)
        expect_equal(got.stdout, b"", f"stdout of {arguments}")


@case
def help_and_version_go_to_stdout():
    for arguments, word in [(["--help"], b"sum"), (["-h"], b"sum"), (["sum", "--help"], b"--json"),
                            (["--version"], b"pollux 0.")]:
        got = run(*arguments)
        expect_equal((got.returncode, got.stderr), (0, b""), f"status and stderr of {arguments}")
        expect(word in got.stdout, arguments, got.stdout)


# ------------------------------------------------------------------------------------------------------------------
# Memory


@case
def a_hundred_thousand_files_stay_under_100_megabytes():
    def fill(directory, count):
        os.makedirs(directory)
        write(f"{directory}/0")
        for i in range(1, count):  # links to one file: quick to make, and each is a regular file
            os.link(f"{directory}/0", f"{directory}/a-name-of-some-length-{i}")

    fill("tree/flat", 50_000)
    for i in range(100):
        fill(f"tree/deep/{i % 10}/{i}", 500)
    # In between: a small process of its own. A child starts with the peak of the one that forked it, and ours is large.
    measure = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
               "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)")
    got = subprocess.run([sys.executable, "-c", measure, PROGRAM, "sum", "-q", "tree"], capture_output=True, timeout=60)
    expect_equal(got.stdout.count(b"\n"), 100_000, "lines")
    peak = int(got.stderr)
    # Sanitizers keep freed blocks and shadows of their own: with them only growth with the tree would be seen.
    program = Path(PROGRAM).read_bytes()
    limit = 400_000 if b"__asan_init" in program or b"__tsan_init" in program else 100_000
    expect(peak < limit, "peak RSS", peak, "kB")
    print(f"      peak RSS {peak} kB")


@contextlib.contextmanager
def scratch_directory():
    home = os.getcwd()
    # In memory where that can be had: holes in large files cost nothing there. TMPDIR overrides it.
    place = "/dev/shm" if "TMPDIR" not in os.environ and os.access("/dev/shm", os.W_OK) else None
    scratch = tempfile.mkdtemp(prefix="pollux-sum-", dir=place)
    os.chdir(scratch)
    try:
        yield
    finally:
        os.chdir(home)
        # rm, not shutil.rmtree: that one fails on paths longer than PATH_MAX.
        subprocess.run(["rm", "-rf", scratch], check=False)


if __name__ == "__main__":
    sys.exit(main(scratch_directory))
