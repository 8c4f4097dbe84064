# SPDX-License-Identifier: MIT
"""Rounds of several programs in turn, and the table of what they took: ratios inside one round, and their medians over the rounds."""

import json
import os
import pathlib
import resource
import statistics
import sys
import time

MANY, QUICK = 9, 3


def add_options(parser):
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} short rounds instead of {MANY}: to see that it works")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="where to keep what every round gave")


def _machine_cpu():
    user, nice, system, _, _, irq, softirq = map(int, pathlib.Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def _our_cpu():
    return sum(usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


def _with_others(run):
    """What `run` gave, and how many CPUs processes that are not ours kept busy meanwhile: the noise of this round."""
    start, machine, ours = time.monotonic(), _machine_cpu(), _our_cpu()
    taken = run()
    others = (_machine_cpu() - machine - (_our_cpu() - ours)) / (time.monotonic() - start)
    return {**taken, "others_cpus": max(0.0, others)}


def take(runs, options):
    """`runs`: name -> function that gives metric -> value. The same names, each with its list of such results."""
    results = {name: [] for name in runs}
    names = list(runs)
    count = QUICK if options.quick else MANY
    for i in range(count):
        # Another one goes first in each round.
        for name in names[i % len(names):] + names[:i % len(names)]:
            results[name].append(_with_others(runs[name]))
        print(f"round {i + 1} of {count}", file=sys.stderr)
    return results


def keep(results, options):
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


def _number(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _ratio(mine, base, metric):
    if metric == "others_cpus" or not all(round_.get(metric, 0) > 0 for round_ in mine + base):
        return ""
    return f"{statistics.median(m[metric] / b[metric] for m, b in zip(mine, base)):.2f}"


def table(results, bases):
    """Markdown. `bases`: the names that all others are compared with; those that did not run are left out."""
    bases = [name for name in bases if name in results]
    lines = ["| program | metric | median | range |" + "".join(f" to {name} |" for name in bases), "|---" * (4 + len(bases)) + "|"]
    for name, rounds in results.items():
        for metric in rounds[0]:
            values = [round_[metric] for round_ in rounds]
            ratios = "".join(f" {_ratio(rounds, results[base], metric)} |" for base in bases)
            lines.append(f"| {name} | {metric} | {_number(statistics.median(values))} | {_number(min(values))} to {_number(max(values))} |{ratios}")
    return "\n".join(lines) + "\n"
