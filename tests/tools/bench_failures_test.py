#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Black-box test of `pollux bench`: programs that fail, and wrong input.

Usage: bench_failures_test.py PROGRAM [WORD...]     with words: only the cases whose names hold one of them

Its programs only print what they are told: every figure is exact, and nothing is timed. Each case is a function in a scratch directory
of its own, with a folder `programs`.
"""
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from black_box import PROGRAM, case, expect, expect_equal, main
from bench_run import (
    PATIENCE, define, expect_status, journal, measured, prints, program, run, scenario, scratch, script, series,
)


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
def a_signal_ends_the_program_and_keeps_what_has_been_measured():
    prints("pollux", 1)
    script("peer", """
        echo x >> peer.runs
        if [ $(wc -l < peer.runs) -ge 3 ]; then echo $$ > pid.new; mv pid.new pid; sleep 1000; fi
        echo operations 1; echo ns_per_op 2
    """)
    define(scenario("first", programs=("pollux",)), scenario("second"), scenario("third"))
    ignoring = ["sh", "-c", 'trap "" INT; exec "$@"', "ignoring"]
    for start_with, number in (([], signal.SIGINT), (ignoring, signal.SIGINT), ([], signal.SIGTERM), ([], signal.SIGHUP)):
        for left in ("peer.runs", "pid"):
            Path(left).unlink(missing_ok=True)
        command = [*start_with, PROGRAM, "bench", "--programs", "programs", "--rounds", "5", "--json", "out.json", "--html", "out.html"]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        begin = time.monotonic()
        while not Path("pid").exists():
            expect(child.poll() is None and time.monotonic() - begin < PATIENCE, "the program did not start")
        child.send_signal(number)
        out, errors = child.communicate(timeout=PATIENCE)
        expect_equal(child.returncode, 128 + number, f"status after {number.name}")
        expect(not is_alive(int(Path("pid").read_text())), "the program is still there")
        expect("interrupted: 1 of 3 scenarios measured, and 1 of 5 rounds of second" in errors, "stderr", errors)
        expect("first: the title" in out and "second: the title" in out, "stdout", out)
        results = json.loads(Path("out.json").read_text())
        expect_equal(results["is_interrupted"], True, "in JSON")
        expect_equal([len(series(results, "pollux", scenario=i)["samples"]["ns_per_op"]) for i in (0, 1)], [5, 1], "rounds kept")


@case
def a_signal_before_anything_was_measured_leaves_an_earlier_file_and_no_new_one():
    script("pollux", "echo $$ > pid.new; mv pid.new pid; sleep 1000")
    define(scenario(programs=("pollux",)))
    Path("out.json").write_text("of an earlier run")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        Path("pid").unlink(missing_ok=True)
        child = subprocess.Popen([PROGRAM, "bench", "--programs", "programs", "--json", "out.json", "--html", "out.html"],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        begin = time.monotonic()
        while not Path("pid").exists():
            expect(child.poll() is None and time.monotonic() - begin < PATIENCE, "the program did not start")
        child.send_signal(number)
        child.communicate(timeout=PATIENCE)
        expect_equal(child.returncode, 128 + number, f"status after {number.name}")
        expect_equal(Path("out.json").read_text(), "of an earlier run", "the file that was there")
        expect(not Path("out.html").exists(), "a new file is left, with nothing in it")


@case
def a_hang_up_that_is_ignored_as_under_nohup_stops_nothing():
    script("pollux", "kill -HUP $PPID; echo operations 1; echo ns_per_op 1")
    define(scenario(programs=("pollux",)))
    got = subprocess.run(["sh", "-c", 'trap "" HUP; exec "$@"', "ignoring", PROGRAM, "bench", "--programs", "programs", "--rounds", "2"],
                         capture_output=True, text=True, timeout=PATIENCE)
    expect_status(got, 0)


@case
def a_program_is_ended_by_a_broken_pipe_as_it_always_is():
    script("pollux", "kill -PIPE $$; echo operations 1; echo ns_per_op 1")
    define(scenario(programs=("pollux",)))
    expect("killed by signal 13" in run("--rounds", 1).stderr, "SIGPIPE is ignored in the program")


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
            (("--workers", "1,,2"), "--workers: `1,,2`: not numbers from 1 to 4096 with a comma between them"),
            (("--workers", "1,"), "--workers: `1,`"), (("--workers", ",1"), "--workers: `,1`"), (("--workers", "4097"), "--workers"),
            (("--workers", ""), "--workers"), *((("--" + it, ""), f"--{it}: an empty name") for it in ("json", "html", "markdown", "baseline")),
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


def on_a_broken_stdout(*arguments):
    """Runs with each stdout that takes nothing: its reader has gone, it is full, it is closed."""
    command = [PROGRAM, "bench", "--programs", "programs", *arguments]
    reader, writer = os.pipe()
    os.close(reader)
    full = os.open("/dev/full", os.O_WRONLY)
    for start_with, stdout, why in (([], writer, "Broken pipe"), ([], full, "No space left on device"),
                                    (["sh", "-c", 'exec "$@" >&-', "closing"], None, "Bad file descriptor")):
        yield why, subprocess.run([*start_with, *command], stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
    os.close(writer)
    os.close(full)


@case
def a_stdout_that_takes_nothing_is_told_once_and_the_files_are_written():
    prints("pollux", 1)
    define(scenario(programs=("pollux",)), scenario("next", programs=("pollux",)))
    files = [Path(f"out.{it}") for it in ("json", "html", "markdown")]
    for why, got in on_a_broken_stdout("--rounds", "2", *(word for it in files for word in (f"--{it.suffix[1:]}", it.name))):
        expect_equal(got.returncode, 1, f"{why}: status")
        said = [line for line in got.stderr.splitlines() if line.startswith("pollux: ")]
        expect_equal(said, [f"pollux: bench: writing the tables to stdout: {why}; the files that were asked for are still written, "
                            "with all of it"], "messages")
        results = json.loads(files[0].read_text())
        expect_equal([len(series(results, "pollux", scenario=i)["samples"]["ns_per_op"]) for i in (0, 1)], [2, 2], f"{why}: rounds")
        for it in files:
            expect("next" in it.read_text(), f"{why}: {it}")
            it.unlink()


@case
def a_stdout_that_takes_nothing_ends_a_run_without_files():
    prints("pollux", 1)
    define(scenario(programs=("pollux",)))
    for why, got in on_a_broken_stdout("--rounds", "2"):
        wanted = f"{why}; the run ends here, as no file was asked for by --json, --markdown or --html\n"
        expect_equal((got.returncode, got.stderr), (1, f"pollux: bench: writing the tables to stdout: {wanted}"), "status and message")
    expect_equal(journal(), [], "journal")


@case
def a_stdout_that_does_not_take_the_list_is_told():
    prints("pollux", 1)
    define(scenario(programs=("pollux",)))
    for why, got in on_a_broken_stdout("--list"):
        wanted = f"{why}; it needs a stdout that takes all of it\n"
        expect_equal((got.returncode, got.stderr), (1, f"pollux: bench: writing the list to stdout: {wanted}"), "status and message")


@case
def a_file_that_was_made_goes_again_if_another_cannot_be_opened():
    prints("pollux", 1)
    define(scenario(programs=("pollux",)))
    expect_status(run("--json", "new.json", "--html", "no/such/folder/x"), 2)
    expect(not Path("new.json").exists(), "new.json is left, with nothing in it")


@case
def an_earlier_file_stays_until_there_is_something_to_write():
    prints("pollux", 1)
    define(scenario(programs=("pollux",)))
    measured("--rounds", 2)
    got = run("--rounds", 1, "--baseline", "out.json", "--json", "out.json")
    expect_status(got, 0)
    expect_equal(json.loads(Path("out.json").read_text())["rounds"], 1, "rounds")


if __name__ == "__main__":
    sys.exit(main(scratch))
