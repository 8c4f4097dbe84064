#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Black-box test of `pollux bench`: what it runs, and what it makes of it.

Usage: bench_figures_test.py PROGRAM [WORD...]     with words: only the cases whose names hold one of them

Its programs only print what they are told: every figure is exact, and nothing is timed. Each case is a function in a scratch directory
of its own, with a folder `programs`.
"""
import json
import os
import re
import sys
from pathlib import Path

from black_box import case, expect, expect_equal, main
from bench_run import (
    IS_SANITIZED, define, expect_status, journal, measured, prints, program, row, run, scenario, scratch, script,
    series,
)


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
def a_program_that_ran_at_another_size_than_the_title_says_is_shown_with_it_and_in_a_quick_run_every_one():
    prints("pollux", 1)
    prints("peer", 2)
    define(scenario(programs=("pollux", program("peer", size=50))))
    said = "(quick: at the sizes in the table)"
    for options, names in (((), ("pollux", "peer (size 50)")), (("--quick",), ("pollux (size 10)", "peer (size 10)"))):
        got = run("--rounds", 1, "--markdown", "out.md", "--html", "out.html", *options)
        expect_status(got, 0)
        markdown, page = Path("out.md").read_text(), Path("out.html").read_text().partition('id="samples"')[0]
        for text, form in ((got.stdout, "{}  "), (markdown, "{} |"), (page, "{}</td>")):
            for name in names:
                expect(form.format(name) in text, f"{options}: no {name!r}:", text)
            expect_equal(text.count(said), len(options), f"{options}: quick is said")
        expect(f"work: the title of work{' ' + said if options else ''}\n" in got.stdout, "title", got.stdout)
        expect_equal(page.count('<tr class="pollux">'), 1, "the row of ours in the page")


@case
def a_peer_of_another_size_is_compared_in_amounts_for_each_operation_only():
    for name, value in (("pollux", 10), ("same", 40), ("small", 20)):
        prints(name, value, more=f"echo bytes_per_task {value}; echo total_ms {value}")
    for metric, best, ratio, bar in (("ns_per_op", "small", "0.50 (0.50-0.50)", "met"),
                                     ("bytes_per_task", "small", "0.50 (0.50-0.50)", "met"),
                                     ("total_ms", "same", "other size", "not measured")):
        define(scenario(programs=("pollux", "same", program("small", size=50)), metric=metric,
                        bars=[{"metric": metric, "to": "small", "at_most": 1}]))
        got = run("--rounds", 1, "--json", "out.json")
        expect_status(got, 0)
        expect(f"\n  * {best} " in got.stdout, f"{metric}: best peer:", got.stdout)
        expect_equal(row(got.stdout, "small (size 50)")[4], ratio, f"{metric}: ratio")
        expect(re.search(rf"\n  {bar} +{metric} to small", got.stdout), f"{metric}: bar:", got.stdout)
        ratios = series(json.loads(Path("out.json").read_text()), "pollux")["ratio_to"]
        expect_equal("small" in ratios, bar == "met", f"{metric}: ratio in JSON")


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
    script("peer", "exit 1")
    comma = program("peer") | {"name": "peer, with a comma"}
    define(scenario("one", programs=("pollux", comma), without=["spin"]), scenario("two", programs=("nowhere",)))
    got = run("--list")
    expect_status(got, 0)
    expect_equal(got.stdout.splitlines(), ["one  the title of one", "  pollux", "  pollux without spin", "  peer, with a comma",
                                           "two  the title of two", "  (no program of it is there)"], "stdout")
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


if __name__ == "__main__":
    sys.exit(main(scratch))
