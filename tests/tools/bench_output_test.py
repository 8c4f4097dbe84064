#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Black-box test of `pollux bench`: baselines, and what it writes.

Usage: bench_output_test.py PROGRAM [WORD...]     with words: only the cases whose names hold one of them

Its programs only print what they are told: every figure is exact, and nothing is timed. Each case is a function in a scratch directory
of its own, with a folder `programs`.
"""
import contextlib
import html.parser
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from black_box import PROGRAM, case, expect, expect_equal, main
from bench_run import (
    PATIENCE, define, expect_status, journal, measured, prints, program, run, scenario, scratch, script,
)


# ------------------------------------------------------------------------------------------------------------------
# The baseline


def compared(before, after, status, **more):
    """Runs twice; both are name -> the values of three rounds. The line of the comparison and those below it."""
    names = tuple(before)
    define(scenario(programs=names, **more))
    for values, options in ((before, ("--json", "before.json")), (after, ("--baseline", "before.json"))):
        for name, rounds in values.items():
            Path(f"{name}.at").unlink(missing_ok=True)
            prints(name, *rounds)  # the warm-up takes one
        got = run("--rounds", 3, *options)
        expect_status(got, 0 if values is before else status)
    return got.stdout[got.stdout.index("before.json of "):].splitlines()


@case
def a_run_like_the_baseline_is_no_regression():
    lines = compared({"pollux": [0, 10, 11, 12]}, {"pollux": [0, 11, 10, 12]}, 0)
    expect(lines[0].endswith(": 1 compared, 0 worse, 0 better") and len(lines) == 1, lines)


@case
def a_ratio_to_a_peer_that_has_grown_is_a_regression():
    lines = compared({"pollux": [0, 10, 10, 10], "peer": [0, 20, 20, 20]}, {"pollux": [0, 12, 12, 12], "peer": [0, 20, 20, 20]}, 3)
    expect(lines[0].endswith(": 1 compared, 1 worse, 0 better"), lines)
    expect_equal(lines[1].strip(), "worse   work: pollux, 1 worker: ns_per_op to peer: 0.5 -> 0.6 (+20.0 %, noise 5.0 %)", "line")


@case
def a_slower_machine_is_no_regression_where_a_peer_ran_in_both():
    compared({"pollux": [0, 10, 10, 10], "peer": [0, 20, 20, 20]}, {"pollux": [0, 30, 30, 30], "peer": [0, 60, 60, 60]}, 0)
    compared({"pollux": [0, 10, 10, 10]}, {"pollux": [0, 30, 30, 30]}, 3)


@case
def a_change_within_three_deviations_of_either_run_is_noise():
    noisy = [0, 10, 12, 14]  # deviation 2
    compared({"pollux": noisy}, {"pollux": [0, 17, 17, 17]}, 0)
    compared({"pollux": [0, 12, 12, 12]}, {"pollux": [0, 16, 17, 19]}, 3)
    compared({"pollux": [0, 12, 12, 12]}, {"pollux": [0, 14, 17, 19]}, 0)
    compared({"pollux": noisy}, {"pollux": [0, 19, 19, 19]}, 3)


@case
def what_is_faster_is_told_and_passes():
    lines = compared({"pollux": [0, 10, 10, 10]}, {"pollux": [0, 5, 5, 5]}, 0)
    expect(lines[0].endswith(": 1 compared, 0 worse, 1 better") and "better  work: pollux, 1 worker: ns_per_op: 10 -> 5" in lines[1], lines)


@case
def peers_and_rows_with_a_heuristic_off_are_not_held_to_the_baseline():
    define(scenario(without=["spin"]))
    prints("pollux", 1)
    script("peer", 'echo operations 1; echo "ns_per_op $(cat peer.value)"')
    Path("peer.value").write_text("10")
    measured("--rounds", 3)
    os.rename("out.json", "before.json")
    Path("peer.value").write_text("1000")
    got = run("--rounds", 3, "--baseline", "before.json")
    expect_status(got, 0)
    expect(": 1 compared" in got.stdout, got.stdout)


@case
def what_has_no_partner_in_the_baseline_or_now_is_named():
    prints("pollux", 1)
    both, old, changed = (scenario(name, programs=("pollux",)) for name in ("both", "old", "changed"))
    define(both, old, changed)
    measured("--rounds", 1)
    os.rename("out.json", "before.json")
    define(both, changed | {"size": 2000}, scenario("new", programs=("pollux",)))
    got = run("--rounds", 1, "--baseline", "before.json")
    expect_status(got, 0)
    expect(got.stdout.endswith(": 1 compared, 0 worse, 0 better\n  not compared: changed (nothing of pollux with the same size, metric and "
                               "workers), new (not in the baseline), old (not run)\n"), got.stdout)


@case
def a_baseline_with_nothing_to_compare_is_refused():
    prints("pollux", 1)
    define(scenario(programs=("pollux",)), scenario("other", programs=("pollux",)))
    measured("--quick", "--rounds", 1, "other")
    os.rename("out.json", "before.json")
    os.remove("journal")
    for arguments in (("work",), ("other",)):
        got = run("--baseline", "before.json", *arguments)
        expect_status(got, 2)
        expect("before.json: no scenario of it is to be run now with the same size" in got.stderr, got.stderr)
    expect_equal(journal(), [], "journal")


# ------------------------------------------------------------------------------------------------------------------
# Output


def on_a_terminal(**environment):
    """What it writes where stdout and stderr are a terminal."""
    master, slave = pty.openpty()
    variables = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "TERM")} | environment
    child = subprocess.Popen([PROGRAM, "bench", "--programs", "programs", "--rounds", "2"], stdin=subprocess.DEVNULL, stdout=slave,
                             stderr=slave, env=variables)
    os.close(slave)
    out = b""
    with contextlib.suppress(OSError):
        while got := os.read(master, 65536):
            out += got
    os.close(master)
    expect_equal(child.wait(timeout=PATIENCE), 0, "status")
    return out.decode()


@case
def progress_is_drawn_over_on_a_terminal_only():
    prints("pollux", 1)
    define(scenario(programs=("pollux",), bars=[{"metric": "ns_per_op", "at_most": 1}]))
    for more in ({}, {"NO_COLOR": ""}):  # empty is not set, says no-color.org
        able = on_a_terminal(TERM="xterm", **more)
        expect("\r\x1b[Kwork: round 2 of 2: pollux, 1 worker" in able, f"{more}: progress", repr(able))
        expect("\x1b[32mmet" in able, f"{more}: colour", repr(able))
    expect(not able.replace("\r\n", "\n").split("Other programs")[1].strip().endswith("\x1b[K"), "nothing is erased at the end")
    for variables in ({"TERM": "dumb"}, {}, {"TERM": "xterm", "NO_COLOR": "1"}):
        plain = on_a_terminal(**variables)
        expect("\x1b" not in plain and "work: round 2 of 2\r\n" in plain, f"{variables}:", repr(plain))
    got = run("--rounds", 2)
    expect_equal(got.stderr, "work: warm-up\nwork: round 1 of 2\nwork: round 2 of 2\n", "stderr of a pipe")
    expect("\x1b" not in got.stdout, "stdout of a pipe", got.stdout)


@case
def the_machine_and_the_date_are_named():
    prints("pollux", 1)
    define(scenario(programs=("pollux",)))
    Path("programs/toolchain").write_text("rustc 1.2.3\n")
    got = run("--rounds", 1, "--json", "out.json")
    results = json.loads(Path("out.json").read_text())
    expect(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", results["date"]), "date", results["date"])
    machine = dict(results["machine"])
    expect_equal(machine["CPUs"], str(len(os.sched_getaffinity(0))), "CPUs")
    expect_equal(machine["kernel"], f"Linux {os.uname().release}", "kernel")
    expect_equal(machine["peers built by"], "rustc 1.2.3", "toolchain")
    for name, value in results["machine"]:
        expect(f"{name}: {value}\n" in got.stdout, "on stdout:", name, got.stdout)


@case
def markdown_has_the_tables():
    prints("pollux", 10)
    prints("peer", 40)
    define(scenario(bars=[{"metric": "ns_per_op", "to": "peer", "at_most": 0.5}]))
    expect_status(run("--rounds", 3, "--markdown", "out.md"), 0)
    text = Path("out.md").read_text()
    expect("\n## work: the title of work\n\nWhat it shows.\n\n| program | workers | ns_per_op | MAD | pollux to it |" in text, text)
    expect("\n| * peer | 1 | 40 | 0.0 % | 0.25 (0.25-0.25) |" in text, text)
    expect("\n- met: ns_per_op to peer, 1 worker: 0.25, at most 0.5\n" in text, text)


@case
def markdown_keeps_signs_of_its_own_in_names_and_failures():
    prints("pollux", 1)
    script("fails", "echo 'a|b <c>' >&2; exit 1")
    odd = program("pollux") | {"name": "pollux|<odd>"}
    define(scenario("work<1>", programs=("pollux", odd, program("fails") | {"name": "f|g"}), title="a|b <i>c",
                    bars=[{"metric": "ns_per_op", "to": "pollux|<odd>", "at_most": 1}]))
    expect_status(run("--rounds", 1, "--markdown", "out.md"), 1)
    text = Path("out.md").read_text()
    expect("\n## work&lt;1>: a\\|b &lt;i>c\n" in text, "heading", text)
    expect("\n| pollux\\|&lt;odd> | 1 | 1 |" in text, "cell", text)
    expect("\n- met: ns_per_op to pollux\\|&lt;odd>, 1 worker: 1, at most 1\n" in text, "bar", text)
    expect("\n- work&lt;1>: f\\|g, 1 worker: status 1: a\\|b &lt;c>\n" in text, "failure", text)


class Page(html.parser.HTMLParser):
    """What is open, what was closed in the wrong order, and the texts of elements."""

    def __init__(self, text):
        super().__init__()
        self.open, self.wrong, self.links, self.texts, self.elements = [], [], [], {}, []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.links += [value for name, value in attributes if name in ("src", "href")]
        if tag != "meta":  # the only one that is neither closed nor written with a slash
            self.open.append((tag, dict(attributes).get("id", "")))

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop()[0] != tag:
            self.wrong.append(tag)

    def handle_data(self, text):
        if self.open:
            self.texts[self.open[-1]] = self.texts.get(self.open[-1], "") + text


@case
def the_page_is_one_file_with_plots_tables_and_all_samples():
    script("pollux", 'echo operations 1; echo "ns_per_op $((30 / $1))"; echo latency_us 0 3; echo latency_us 8 40; echo latency_us 64 2')
    prints("peer", 100, more="echo latency_us 8 40")
    bar = {"metric": "ns_per_op", "to": "peer", "at_most": 0.1, "reason": "</script><!--"}
    define(scenario("a<b>&\"c", workers="all", bars=[bar]),
           scenario("alone", programs=("pollux",), title="one program, one number of workers"))
    got = run("--rounds", 3, "--workers", "1,2", "--html", "out.html", "--json", "out.json")
    expect_status(got, 0)
    text = Path("out.html").read_text()
    page = Page(text)
    expect_equal((page.open, page.wrong), ([], []), "elements that are not closed")
    expect(all(link.startswith("#") for link in page.links) and "http" not in text and "url(" not in text, "links", page.links)
    expect_equal(json.loads(page.texts[("script", "samples")]), json.loads(Path("out.json").read_text()), "the samples")
    expect("prefers-color-scheme: dark" in text, "dark")
    expect("a&lt;b&gt;&amp;&quot;c" in text and "a<b" not in text.partition('id="samples"')[0], "a name with signs of HTML")
    # The overview; bars, lines and two histograms of the first; bars and a histogram of the other.
    plots = [attributes["aria-label"] for tag, attributes in page.elements if tag == "svg" and "aria-label" in attributes]
    expect_equal(len(plots), 7, "plots: " + "; ".join(plots))
    for tag, attributes in page.elements:
        for name in ("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "width", "height"):
            # Neither can be said of what is no number.
            is_on_it = tag not in ("rect", "line", "circle") or 0 <= float(attributes.get(name, 0)) < 2000
            expect(is_on_it, "a place off the plot:", tag, attributes)
        expect(tag != "path" or re.fullmatch(r"M[\d.]+ [\d.]+( L[\d.]+ [\d.]+)*", attributes["d"]), "a path", attributes)


@case
def a_page_without_peers_or_results_is_a_page_too():
    script("pollux", "echo operations 1; echo ns_per_op 0")
    script("fails", "exit 1")
    define(scenario("zero", programs=("pollux",)), scenario("none", programs=("fails",)))
    expect_status(run("--rounds", 2, "--html", "out.html"), 1)
    page = Page(Path("out.html").read_text())
    expect_equal((page.open, page.wrong), ([], []), "elements that are not closed")
    text = Path("out.html").read_text()
    for said in ("No peer has run.", "Nothing has been measured.", "failed: none: fails, 1 worker: status 1"):
        expect(said in text, "not said:", said)


@case
def the_help_says_what_counts_as_a_regression():
    got = run("--help")
    expect_status(got, 0)
    for word in ("--baseline", "Exit status", "3 MADs", "--html", "slower than a baseline", "one a line", "143 SIGTERM"):
        expect(word in got.stdout, "missing:", word)


if __name__ == "__main__":
    sys.exit(main(scratch))
