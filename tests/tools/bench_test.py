#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Black-box test of `pollux bench` with programs that only print what they are told: every figure is exact, and nothing is timed.

Usage: bench_test.py PROGRAM [WORD...]     with words: only the cases whose names hold one of them

Each case is a function in a scratch directory of its own, with a folder `programs`.
"""
import contextlib
import html.parser
import json
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from black_box import PROGRAM, case, expect, expect_equal, main

PATIENCE = 60  # seconds after which a case that waits has failed
CONTENT = Path(PROGRAM).read_bytes()
IS_SANITIZED = b"__asan_init" in CONTENT or b"__tsan_init" in CONTENT  # holds memory of its own
del CONTENT


def run(*arguments, environment=None, **options):
    folder = () if "--programs" in arguments else ("--programs", "programs")
    return subprocess.run([PROGRAM, "bench", *folder, *map(str, arguments)], capture_output=True, text=True, timeout=PATIENCE,
                          stdin=subprocess.DEVNULL, env=os.environ | (environment or {}), **options)


def expect_status(got, status):
    expect(got.returncode == status, f"status {got.returncode}, wanted {status}:", got.stdout, got.stderr)


def measured(*arguments, status=0, **options):
    """The results, as --json gives them."""
    expect_status(run("--json", "out.json", *arguments, **options), status)
    return json.loads(Path("out.json").read_text())


def script(name, text):
    path = Path("programs") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)


def prints(name, *values, operations=100, more=""):
    """A program that reports the values one after the other, from run to run, and writes each run into the journal."""
    Path(f"{name}.values").write_text("".join(f"{value}\n" for value in values))
    script(name, f"""
        echo "{name} $*" >> journal
        at=$(cat {name}.at 2>/dev/null || echo 1)
        echo $((at % {len(values)} + 1)) > {name}.at
        echo "operations {operations}"
        echo "ns_per_op $(sed -n "$at"p {name}.values)"
        {more}
    """)


def program(name, **more):
    return {"name": name, "command": [name.replace(" ", "_"), "{workers}", "{size}"], **more}


def scenario(name="work", programs=("pollux", "peer"), **more):
    return {"name": name, "title": f"the title of {name}", "shows": "What it shows.", "size": 1000, "quick_size": 10, "workers": [1],
            "metric": "ns_per_op", "programs": [it if isinstance(it, dict) else program(it) for it in programs], **more}


def define(*scenarios, file="all.json"):
    folder = Path("programs/scenarios")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(json.dumps(scenarios))


def journal():
    return Path("journal").read_text().splitlines() if Path("journal").exists() else []


def series(results, program, workers=1, scenario=0):
    return next(it for it in results["scenarios"][scenario]["series"] if (it["program"], it["workers"]) == (program, workers))


def row(stdout, program):
    """The cells of the table's row."""
    line = next(it for it in stdout.splitlines() if it.strip().removeprefix("* ").startswith(program + "  "))
    return re.split(r"  +", line.strip().removeprefix("* "))


# ------------------------------------------------------------------------------------------------------------------
# Figures


@case
def medians_deviations_and_ratios_are_of_the_rounds_without_the_warm_up():
    prints("pollux", 9999, 10, 20, 60, 30, 40)
    prints("peer", 9999, 20, 20, 20, 10, 80)
    define(scenario())
    got = run("--rounds", 5, "--json", "out.json")
    expect_status(got, 0)
    results = json.loads(Path("out.json").read_text())
    ours = series(results, "pollux")
    expect_equal(ours["samples"]["ns_per_op"], [10, 20, 60, 30, 40], "samples")
    expect_equal((ours["median"], ours["mad"]), (30, 10), "median and deviation")
    expect_equal(ours["ratio_to"], {"peer": 1}, "the median of 0.5, 1, 3, 3, 0.5")
    expect_equal(row(got.stdout, "pollux")[:4], ["pollux", "1", "30", "33.3 %"], "row")
    expect_equal(row(got.stdout, "peer")[4], "1.00 (0.50-3.00)", "ratio in the peer's row")


@case
def programs_run_in_turn_and_another_one_is_first_in_each_round():
    for name in ("pollux", "a", "b"):
        prints(name, 1)
    define(scenario(programs=("pollux", "a", "b")))
    expect_status(run("--rounds", 4), 0)
    expect_equal([line.split()[0] for line in journal()],
                 ["pollux", "a", "b"] + ["pollux", "a", "b"] + ["a", "b", "pollux"] + ["b", "pollux", "a"] + ["pollux", "a", "b"], "order")


@case
def the_best_peer_is_marked_for_each_number_of_workers():
    prints("pollux", 5)
    script("a", 'echo operations 1; echo ns_per_op "$1"')
    script("b", 'echo operations 1; echo "ns_per_op $((10 - 2 * $1))"')
    define(scenario(programs=("pollux", "a", "b"), workers="all"))
    got = run("--rounds", 1, "--workers", "1,4")
    marked = [re.split(r"  +", line.strip())[:2] for line in got.stdout.splitlines() if line.startswith("  * ") and "best" not in line]
    expect_equal(marked, [["* a", "1"], ["* b", "4"]], "marked")


@case
def what_a_process_took_is_measured_from_outside():
    busy = "x = bytearray(100000000); x[::4096] = x[::4096]; [i for i in range(10**6)]"
    script("pollux", f'echo operations 2; echo ns_per_op 1; exec python3 -c "{busy}"')
    script("peer", "echo operations 2; echo ns_per_op 1; for i in 1 2 3 4 5 6 7 8 9 10; do /bin/true; done")
    define(scenario())
    results = measured("--rounds", 1)
    ours, peer = (series(results, name)["samples"] for name in ("pollux", "peer"))
    expect(100 < ours["peak_rss_mb"][0] < 200, "peak RSS", ours)
    expect(IS_SANITIZED or peer["peak_rss_mb"][0] < 8, "peak RSS of a shell, not of pollux", peer)
    expect(ours["cpu_ns_per_op"][0] > 1e6, "CPU time", ours)
    expect(peer["wakeups_per_op"][0] >= 5, "the shell waits for each of its ten children", peer)
    expect(len(results["scenarios"][0]["others_cpus"]) == 1, "noise of the round")


@case
def further_metrics_and_histograms_are_kept_and_histograms_summed():
    prints("pollux", 1, more="echo p99_us 12.5; echo latency_us 1 10; echo latency_us 2 5; echo latency_us 1 1")
    define(scenario(programs=("pollux",)))
    got = run("--rounds", 2, "--json", "out.json", "--html", "out.html")
    ours = series(json.loads(Path("out.json").read_text()), "pollux")
    expect_equal(ours["histograms"], {"latency_us": [[1, 22], [2, 10]]}, "buckets of both rounds")
    expect_equal(ours["samples"]["p99_us"], [12.5, 12.5], "samples")
    expect("p99_us" in got.stdout and "12.5" in row(got.stdout, "pollux"), "column", got.stdout)


@case
def counts_are_slopes_between_two_sizes():
    # 1,000 at the start and 7 an operation; 3 operations for each of the size.
    script("pollux", 'n=$((3 * $2)); echo operations $n; echo ns_per_op 1; echo "allocations $((50 + 2 * n))" >&2')
    script("valgrind", 'for size; do :; done; shift 2; echo "==1== Collected : $((1000 + 7 * 3 * size))" >&2; exec "$@"')
    define(scenario(programs=("pollux",), count_sizes=[10, 110],
                    bars=[{"metric": "instructions", "at_most": 6}, {"metric": "allocations", "at_most": 2}]))
    path = {"PATH": f"{os.path.abspath('programs')}:{os.environ['PATH']}"}
    for options in ((), ("--quick",)):
        got = run("--rounds", 1, "--counts", "--json", "out.json", *options, environment=path)
        expect_status(got, 0)
        expect_equal(series(json.loads(Path("out.json").read_text()), "pollux")["counts"], {"instructions": 7, "allocations": 2}, "counts")
        expect(re.search(r"missed +instructions, 1 worker: 7, at most 6", got.stdout), "a bar that is missed", got.stdout)
        expect(re.search(r"met +allocations, 1 worker: 2, at most 2", got.stdout), "a bar that is met", got.stdout)
    expect_equal(series(measured("--rounds", 1), "pollux").get("counts"), None, "without --counts")


@case
def what_cannot_be_counted_is_a_failure_and_the_times_stay():
    prints("pollux", 1)
    script("valgrind", "echo no such tool >&2; exit 1")
    define(scenario(programs=("pollux",), count_sizes=[10, 20]))
    path = {"PATH": f"{os.path.abspath('programs')}:{os.environ['PATH']}"}
    results = measured("--rounds", 1, "--counts", status=1, environment=path)
    expect_equal(len(results["failures"]), 2, "failures")
    expect("work: pollux: counting instructions: status 1: no such tool" in results["failures"][0], results["failures"])
    expect_equal(series(results, "pollux")["median"], 1, "median")


@case
def bars_are_met_missed_with_a_reason_or_not_measured():
    script("pollux", 'echo operations 1; echo "ns_per_op $((30 / $1))"; echo switches 0')
    prints("peer", 100)
    define(scenario(workers="all", bars=[
        {"metric": "ns_per_op", "to": "peer", "at_most": 0.2, "reason": "the reason"},
        {"metric": "ns_per_op", "workers": 2, "to_workers": 1, "at_most": 0.5},
        {"metric": "ns_per_op", "workers": [1, 8], "at_most": 30},
        {"metric": "switches", "workers": 1, "at_most": 0},
        {"metric": "instructions", "workers": 1, "at_most": 100},
    ]))
    got = run("--rounds", 3, "--workers", "1,2", "--json", "out.json")
    expect_status(got, 0)
    bars = [re.sub(" +", " ", line.strip()) for line in got.stdout.splitlines() if " at most " in line]
    expect_equal(bars, [
        "missed ns_per_op to peer, 1 worker: 0.3, at most 0.2: the reason",
        "met ns_per_op to peer, 2 workers: 0.15, at most 0.2",
        "met ns_per_op to that of 1 worker, 2 workers: 0.5, at most 0.5",
        "met ns_per_op, 1 worker: 30, at most 30",
        "not measured ns_per_op, 8 workers: at most 30",
        "met switches, 1 worker: 0, at most 0",
        "not measured instructions, 1 worker: at most 100",
    ], "bars")
    expect_equal([it.get("is_met") for it in json.loads(Path("out.json").read_text())["scenarios"][0]["bars"]],
                 [False, True, True, True, None, True, None], "bars in JSON")
    expect("to peer" not in run("--quick").stdout, "times of small sizes are not judged")


# ------------------------------------------------------------------------------------------------------------------
# What runs


@case
def sizes_and_workers_are_filled_in():
    prints("pollux", 1)
    prints("peer", 1)
    define(scenario(workers="all", programs=("pollux", program("peer", workers=[2], size=50))))
    expect_status(run("--rounds", 1, "--workers", "1,2,3"), 0)
    expect_equal(sorted(set(journal())), ["peer 2 50", "pollux 1 1000", "pollux 2 1000", "pollux 3 1000"], "runs")
    os.remove("journal")
    expect_status(run("--quick"), 0)
    expect("pollux 1 10" in journal(), "the small size")
    expect("peer 2 50" not in journal(), "a peer's own size is for the normal one", journal())


@case
def a_quick_run_has_three_rounds_and_a_normal_one_nine():
    prints("pollux", 1)
    define(scenario(programs=("pollux",)))
    for options, wanted in (((), 9), (("--quick",), 3), (("--quick", "--rounds", 2), 2)):
        expect_equal(len(series(measured(*options), "pollux")["samples"]["ns_per_op"]), wanted, f"rounds with {options}")


@case
def all_workers_are_powers_of_two_and_all_cpus_and_a_list_is_kept():
    prints("pollux", 1)
    define(scenario("every", programs=("pollux",), workers="all"), scenario("own", programs=("pollux",), workers=[1, 3]))
    cpus = len(os.sched_getaffinity(0))
    powers = sorted({2**i for i in range(20) if 2**i < cpus} | {cpus})
    results = measured("--rounds", 1)
    expect_equal([it["workers"] for it in results["scenarios"][0]["series"]], powers, "every number")
    expect_equal([it["workers"] for it in results["scenarios"][1]["series"]], [1, 3], "its own")
    results = measured("--rounds", 1, "--workers", "3,5")
    expect_equal([[it["workers"] for it in one["series"]] for one in results["scenarios"]], [[3, 5], [3]], "asked for")


@case
def a_scenario_that_does_not_run_with_the_workers_asked_for_is_left_out_with_a_line():
    prints("pollux", 1)
    define(scenario("every", programs=("pollux",), workers="all"), scenario("own", programs=("pollux",), workers=[1, 3]))
    got = run("--rounds", 1, "--workers", "2", "--json", "out.json")
    expect_status(got, 0)
    expect("pollux: bench: own: left out, it does not run with the workers asked for\n" in got.stderr, got.stderr)
    expect_equal([it["name"] for it in json.loads(Path("out.json").read_text())["scenarios"]], ["every"], "scenarios")
    got = run("--workers", "2", "own")
    expect_status(got, 2)
    expect("--workers: no scenario runs with these numbers of workers" in got.stderr, got.stderr)
    expect_equal(run("--workers", "2", "--list", "own").stdout, run("--list", "own").stdout, "the list")


@case
def heuristics_that_are_off_have_a_row_of_their_own():
    prints("pollux", 1)
    prints("peer", 1)
    define(scenario(without=["spin", "next_slot"]))
    results = measured("--rounds", 1)
    expect_equal([it["program"] for it in results["scenarios"][0]["series"]],
                 ["pollux", "pollux without spin", "pollux without next_slot", "peer"], "rows")
    expect_equal(journal()[:4], ["pollux 1 1000", "pollux 1 1000 --without spin", "pollux 1 1000 --without next_slot", "peer 1 1000"], "runs")


@case
def the_filter_is_a_regular_expression_on_names():
    prints("pollux", 1)
    define(*(scenario(name, programs=("pollux",)) for name in ("fib", "fibber", "offload")))
    for expression, wanted in (("fib", ["fib", "fibber"]), ("^fib$", ["fib"]), ("[o]f", ["offload"]), ("fib$|off", ["fib", "offload"])):
        expect_equal([it["name"] for it in measured("--rounds", 1, expression)["scenarios"]], wanted, expression)


@case
def a_list_names_scenarios_and_their_programs_and_runs_nothing():
    prints("pollux", 1)
    define(scenario("one", without=["spin"]), scenario("two", programs=("nowhere",)))
    got = run("--list")
    expect_status(got, 0)
    expect_equal(got.stdout.splitlines(), ["one  the title of one", "     pollux, pollux without spin",
                                           "two  the title of two", "     (no program of it is there)"], "stdout")
    expect_equal(journal(), [], "journal")


@case
def a_program_that_is_not_there_is_left_out_with_a_line():
    prints("pollux", 1)
    Path("programs/dull").write_text("not executable")
    define(scenario(programs=("pollux", "peer", "dull")), scenario("other", programs=("peer",)))
    got = run("--rounds", 1, "--json", "out.json")
    expect_status(got, 0)
    left_out = [line for line in got.stderr.splitlines() if "left out" in line]
    expect_equal(left_out, ["pollux: bench: work: left out, it is not there: peer (peer)",
                            "pollux: bench: work: left out, it is not there: dull (dull)",
                            "pollux: bench: other: left out, it is not there: peer (peer)"], "stderr")
    expect_equal([it["name"] for it in json.loads(Path("out.json").read_text())["scenarios"]], ["work"], "scenarios")


# ------------------------------------------------------------------------------------------------------------------
# Failures


@case
def a_program_that_fails_is_named_and_taken_out_and_the_others_go_on():
    prints("pollux", 1)
    prints("peer", 1)
    script("wrong", "echo operations 1; echo ns_per_op 1; echo the sum is 7 >&2; exit 3")
    script("late", "echo x >> late.runs; [ $(wc -l < late.runs) -lt 3 ] && echo 'operations 1\nns_per_op 1'")
    script("killed", "kill -SEGV $$")
    define(scenario(programs=("pollux", "peer", "wrong", "late", "killed")), scenario("next", programs=("pollux",)))
    got = run("--rounds", 4, "--json", "out.json")
    expect_status(got, 1)
    results = json.loads(Path("out.json").read_text())
    expect_equal([it["program"] for it in results["scenarios"][0]["series"]], ["pollux", "peer"], "what is left")
    expect_equal(results["failures"], ["work: wrong, 1 worker: status 3: the sum is 7",
                                       "work: killed, 1 worker: killed by signal 11 (Segmentation fault): it said nothing on stderr",
                                       "work: late, 1 worker: status 1: it said nothing on stderr"], "failures")
    for failure in results["failures"]:
        expect(f"pollux: bench: {failure}\n" in got.stderr, "on stderr:", failure, got.stderr)
    expect_equal(len(series(results, "pollux", scenario=1)["samples"]["ns_per_op"]), 4, "the next scenario")


@case
def a_report_that_cannot_be_read_is_a_failure():
    reports = {
        "a line": ("operations 1\nns_per_op 1\nhello", "line 3 of its output is neither"),
        "a number": ("operations 1\nns_per_op fast", "line 2 of its output is neither"),
        "no number": ("operations 1\nns_per_op nan", "line 2 of its output is neither"),
        "no metric": ("operations 1", "it has not reported its `ns_per_op`"),
        "no operations": ("ns_per_op 1", "it has not reported its `operations`"),
        "zero operations": ("operations 0\nns_per_op 1", "it has not reported its `operations`"),
        "nothing": ("", "it has not reported its `operations`"),
    }
    define(scenario(programs=("pollux",)))
    for name, (text, wanted) in reports.items():
        script("pollux", f"cat <<'X'\n{text}\nX\n")
        failures = measured("--rounds", 1, status=1)["failures"]
        expect(len(failures) == 1 and wanted in failures[0], f"{name}:", failures)


@case
def what_a_program_leaves_behind_is_ended_with_it():
    script("pollux", "sleep 1000 & echo $! >> left; echo operations 1; echo ns_per_op 1")
    define(scenario(programs=("pollux",)))
    measured("--rounds", 1)
    begin = time.monotonic()
    for pid in map(int, Path("left").read_text().split()):
        while is_alive(pid):  # it has been killed, and dies when it has its turn
            expect(time.monotonic() - begin < PATIENCE, "still there:", pid)


@case
def a_program_that_prints_much_is_read_to_its_end():
    prints("pollux", 1, more="i=0; while [ $i -lt 3000 ]; do echo latency_us $i 1; echo $i words on stderr >&2; i=$((i + 1)); done")
    define(scenario(programs=("pollux",)))
    expect_equal(len(series(measured("--rounds", 1), "pollux")["histograms"]["latency_us"]), 3000, "buckets")


def is_alive(pid):
    """A zombie is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@case
def control_c_ends_the_program_and_keeps_what_has_been_measured():
    prints("pollux", 1)
    script("peer", """
        echo x >> peer.runs
        if [ $(wc -l < peer.runs) -ge 3 ]; then echo $$ > pid.new; mv pid.new pid; sleep 1000; fi
        echo operations 1; echo ns_per_op 2
    """)
    define(scenario("first", programs=("pollux",)), scenario("second"), scenario("third"))
    for start_with in ([], ["sh", "-c", 'trap "" INT; exec "$@"', "ignoring"]):
        for left in ("peer.runs", "pid"):
            Path(left).unlink(missing_ok=True)
        command = [*start_with, PROGRAM, "bench", "--programs", "programs", "--rounds", "5", "--json", "out.json", "--html", "out.html"]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        begin = time.monotonic()
        while not Path("pid").exists():
            expect(child.poll() is None and time.monotonic() - begin < PATIENCE, "the program did not start")
        child.send_signal(signal.SIGINT)
        out, errors = child.communicate(timeout=PATIENCE)
        expect_equal(child.returncode, 130, "status")
        expect(not is_alive(int(Path("pid").read_text())), "the program is still there")
        expect("interrupted: 1 of 3 scenarios measured, and 1 of 5 rounds of second" in errors, "stderr", errors)
        expect("first: the title" in out and "second: the title" in out, "stdout", out)
        results = json.loads(Path("out.json").read_text())
        expect_equal(results["is_interrupted"], True, "in JSON")
        expect_equal([len(series(results, "pollux", scenario=i)["samples"]["ns_per_op"]) for i in (0, 1)], [5, 1], "rounds kept")


@case
def control_c_before_anything_was_measured_leaves_an_earlier_file():
    script("pollux", "echo $$ > pid.new; mv pid.new pid; sleep 1000")
    define(scenario(programs=("pollux",)))
    Path("out.json").write_text("of an earlier run")
    child = subprocess.Popen([PROGRAM, "bench", "--programs", "programs", "--json", "out.json"], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    begin = time.monotonic()
    while not Path("pid").exists():
        expect(child.poll() is None and time.monotonic() - begin < PATIENCE, "the program did not start")
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=PATIENCE)
    expect_equal(child.returncode, 130, "status")
    expect_equal(Path("out.json").read_text(), "of an earlier run", "the file")


@case
def a_program_that_changes_its_metrics_is_left_out():
    prints("pollux", 1)
    script("peer", """
        echo x >> peer.runs
        echo operations 1; echo ns_per_op 2
        [ $(wc -l < peer.runs) -lt 3 ] || echo more 1
    """)
    define(scenario())
    got = run("--rounds", 3)
    expect_status(got, 1)
    expect("peer, 1 worker: not the same metrics as in its first round" in got.stderr, "stderr", got.stderr)


@case
def counts_without_valgrind_are_refused_before_anything_runs():
    prints("pollux", 1)
    define(scenario(programs=("pollux",), count_sizes=[1, 2]))
    Path("empty").mkdir()
    got = run("--counts", environment={"PATH": "empty"})
    expect_status(got, 2)
    expect("--counts: valgrind, which counts instructions, is not installed" in got.stderr, "stderr", got.stderr)
    expect_equal(journal(), [], "journal")


@case
def the_program_that_runs_does_not_outlive_pollux():
    script("pollux", "echo $$ > pid.new; mv pid.new pid; exec sleep 1000")
    define(scenario(programs=("pollux",)))
    child = subprocess.Popen([PROGRAM, "bench", "--programs", "programs"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    begin = time.monotonic()
    while not Path("pid").exists():
        expect(time.monotonic() - begin < PATIENCE, "the program did not start")
    child.kill()
    child.wait()
    while is_alive(int(Path("pid").read_text())):
        expect(time.monotonic() - begin < PATIENCE, "the program is still there")


# ------------------------------------------------------------------------------------------------------------------
# Wrong input


@case
def what_cannot_be_used_is_told_before_anything_runs():
    prints("pollux", 1)
    define(scenario(programs=("pollux",)))
    Path("no.json").write_text("{]")
    Path("other.json").write_text('{"format": 7}')
    Path("not-results.json").write_text("[1]")
    for arguments, wanted in (
            (("[",), "`[` is no regular expression"),
            (("*a",), "`*a` is no regular expression"),
            (("nothing",), "no scenario has `nothing` in its name; see pollux bench --list"),
            (("--json", "no/such/folder/x"), "no/such/folder/x: cannot be written: No such file or directory"),
            (("--html", "/"), "/: cannot be written: Is a directory"),
            (("--markdown", "no/x"), "no/x: cannot be written"),
            (("--baseline", "nowhere.json"), "nowhere.json: cannot be read: No such file or directory"),
            (("--baseline", "programs"), "programs: cannot be read: Is a directory"),
            (("--baseline", "no.json"), "no.json:1: no JSON"),
            (("--baseline", "other.json"), "other.json: format: this is not 1"),
            (("--baseline", "not-results.json"), "not-results.json: not an object"),
            (("--rounds", "0"), "--rounds"), (("--workers", "0"), "--workers"), (("--workers", "1,x"), "--workers"),
            (("a", "b"), "not expected: b"), (("--unknown",), "--unknown"),
            (("--json", "x", "--html", "x"), "x: one file for two kinds of results"),
            (("--programs", "[x]"), "[x]/scenarios: No such file or directory"),
            (("--programs", "nowhere"), "nowhere/scenarios: No such file or directory; build the programs with tools/bench"),
    ):
        got = run(*arguments)
        expect_status(got, 2)
        expect(wanted in got.stderr and got.stderr.startswith("pollux: "), f"{arguments}: stderr", got.stderr)
        expect_equal(got.stdout, "", f"{arguments}: stdout")
    expect_equal(journal(), [], "journal")


@case
def a_broken_definition_is_named_by_file_entry_and_key():
    prints("pollux", 1)

    def broken(**changes):
        good = scenario(programs=("pollux",), bars=[{"metric": "ns_per_op", "at_most": 1}])
        return {key: value for key, value in (good | changes).items() if value is not None}

    at = "programs/scenarios/all.json: scenario 2 (work)"
    for changes, wanted in (
            ({"name": None}, "programs/scenarios/all.json: scenario 2: no `name`"),
            ({"name": 7}, "scenario 2: name: not a string"),
            ({"size": None}, f"{at}: no `size`"),
            ({"size": 0}, f"{at}: size: not a whole number of at least 1"),
            ({"size": 1.5}, f"{at}: size: not a whole number of at least 1"),
            ({"size": "big"}, f"{at}: size: not a whole number of at least 1"),
            ({"count_sizes": [20, 10]}, f"{at}: count_sizes: not two sizes, the smaller first"),
            ({"workers": "some"}, f"{at}: workers: neither \"all\" nor a list of numbers"),
            ({"workers": []}, f"{at}: workers: an empty list"),
            ({"workers": [1, -1]}, f"{at}: workers[2]: not a whole number"),
            ({"programs": []}, f"{at}: programs: an empty list"),
            ({"programs": [program("pollux"), program("pollux")]}, f"{at}: programs[2]: a second `pollux`"),
            ({"programs": [{"name": "a"}]}, f"{at}: programs[1] (a): no `command`"),
            ({"programs": [{"name": "a", "command": "a"}]}, f"{at}: programs[1] (a): command: not a list"),
            ({"programs": [{"name": "a", "command": ["a", "{n}"]}]}, f"{at}: programs[1] (a): command: `{{n}}`: only {{workers}} and {{size}}"),
            ({"programs": [{"name": "a", "command": ["a"], "nice": 1}]}, f"{at}: programs[1]: nice: unknown; the keys here are name command"),
            ({"sise": 3}, "scenario 2: sise: unknown; the keys here are"),
            ({"without": [1]}, f"{at}: without[1]: not a string"),
            ({"bars": [{"at_most": 1}]}, f"{at}: bars[1]: no `metric`"),
            ({"bars": [{"metric": "x", "at_most": "1"}]}, f"{at}: bars[1]: at_most: not a number"),
            ({"bars": [{"metric": "x", "at_most": 1, "to": "y"}]}, f"{at}: bars[1]: to: `y` is none of this scenario's programs"),
            ({"bars": [{"metric": "x", "at_most": 1, "to": "pollux", "to_workers": 1}]}, f"{at}: bars[1]: to_workers: there is a `to` as well"),
    ):
        define(scenario("first", programs=("pollux",)), broken(**changes))
        got = run("--list")
        expect_status(got, 2)
        expect(wanted in got.stderr, f"{changes}: wanted {wanted!r}:", got.stderr)

    define(scenario("twice", programs=("pollux",)))
    define(scenario("twice", programs=("pollux",)), file="other.json")
    second = "other.json: a second scenario `twice`; the first stands in programs/scenarios/all.json"
    expect(second in run("--list").stderr, "a second one")
    Path("programs/scenarios/other.json").write_text('[\n{"name":\n}]')
    expect("other.json:3: no JSON" in run("--list").stderr, "the line", run("--list").stderr)
    Path("programs/scenarios/other.json").write_text("{}")
    expect("other.json: not a list of scenarios" in run("--list").stderr, "an object")
    expect_equal(journal(), [], "journal")


@case
def a_folder_without_any_program_is_an_error():
    define(scenario())
    got = run()
    expect_status(got, 2)
    expect("none of the programs is there; build them with tools/bench" in got.stderr, got.stderr)


@case
def results_that_cannot_be_written_at_the_end_give_status_1():
    prints("pollux", 1)
    define(scenario(programs=("pollux",)))
    got = run("--rounds", 1, "--json", "/dev/full")
    expect_status(got, 1)
    expect("/dev/full: cannot be written: No space left on device" in got.stderr, got.stderr)
    with open("/dev/full", "w") as full:
        done = subprocess.run([PROGRAM, "bench", "--programs", "programs", "--rounds", "1"], stdout=full, stderr=subprocess.PIPE,
                              timeout=PATIENCE)
    expect_equal(done.returncode, 1, "stdout is full")


@case
def an_earlier_file_stays_until_there_is_something_to_write():
    prints("pollux", 1)
    define(scenario(programs=("pollux",)))
    measured("--rounds", 2)
    got = run("--rounds", 1, "--baseline", "out.json", "--json", "out.json")
    expect_status(got, 0)
    expect_equal(json.loads(Path("out.json").read_text())["rounds"], 1, "rounds")


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
    able = on_a_terminal(TERM="xterm")
    expect("\r\x1b[Kwork: round 2 of 2: pollux, 1 worker" in able, "progress", repr(able))
    expect("\x1b[32mmet" in able, "colour", repr(able))
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
    for word in ("--baseline", "Exit status", "3 MADs", "--html", "slower than a baseline"):
        expect(word in got.stdout, "missing:", word)


@contextlib.contextmanager
def scratch():
    with tempfile.TemporaryDirectory() as folder:
        before = os.getcwd()
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


if __name__ == "__main__":
    sys.exit(main(scratch))
