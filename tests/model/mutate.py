#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Weakens the modelled code, one place at a time, and sees whether a model notices.

Usage: mutate.py [--all | --sample N] [--seed S] [--jobs J] [--only TEXT] [--list]

Each memory order becomes each weaker one, each fence goes, each line with a comment `// re-check:` goes (if the comment
stands alone, the line after it), each bug in PLANTED is put in. The models of that file are built against the changed copy, in a temporary folder, and
one of them must fail. A mutant that none notices is a failure, unless equivalent_mutants.txt lists it with a reason; an
entry there that fits no mutant, or one that is noticed after all, is a failure too. Listed mutants are run only with
--all, and before them each model with --deep against the code as it is. Without --all a sample is run, chosen by the date:
all places get their turn. Compiler: CXX, else clang++-19 or g++.
"""
import argparse
import concurrent.futures
import datetime
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent

# Modelled file: the models that must notice, quickest first. A file or model that is not there is left out.
MODELLED = {
    'include/pollux/core/fork_deque.hpp': ['fork_deque'],
    'include/pollux/coro/join_word.hpp': ['join_word'],
    'include/pollux/offload/job_state.hpp': ['offload_job'],
    'lib/offload/finished_list.hpp': ['finished_list'],
    'lib/offload/runner_count.hpp': ['runner_count'],
    'include/pollux/sync/mpsc_list.hpp': ['mpsc_queue'],
    'include/pollux/sync/mpsc_queue.hpp': ['mpsc_queue'],
    'include/pollux/sync/oneshot.hpp': ['oneshot'],
    'include/pollux/sync/oneshot_state.hpp': ['oneshot'],
    'include/pollux/sync/notify_state.hpp': ['notify_state'],
    'include/pollux/sync/permit_queue.hpp': ['permit_queue'],
    'include/pollux/sync/permit_reserve.hpp': ['permit_queue'],
    'include/pollux/core/waker_cell.hpp': ['waker_cell'],
    'include/pollux/sink/detail/half_lock.hpp': ['half_lock'],
    'lib/scheduler/parker.hpp': ['idle_set'],
    'lib/scheduler/idle_set.hpp': ['idle_set'],
    'lib/scheduler/injection_queue.hpp': ['injection_queue'],
    'lib/scheduler/next_slot.hpp': ['next_slot'],
    'lib/scheduler/run_queue.hpp': ['run_queue'],
    'include/pollux/core/task_state.hpp': ['task_state', 'forked_unit'],
    'lib/scheduler/task_census.hpp': ['task_census', 'poll_gate'],
    'lib/scheduler/poll_gate.hpp': ['poll_gate'],
    'lib/signal/two_places.hpp': ['two_places'],
    'include/pollux/driver/readiness.hpp': ['readiness'],
    'include/pollux/stream/detail/woken_groups.hpp': ['woken_list'],
    'include/pollux/stream/detail/woken_list.hpp': ['woken_list'],
}
# Bugs in files whose protocol is more than its memory orders: (the bug, what the code says, what it says with the bug).
PLANTED = {
    'include/pollux/sync/notify_state.hpp': [
        ('a dropped waiter keeps its notification', 'if (one.is_marked_) {', 'if (false) {'),
        ('the last that leaves does not say so', 'if ((seen & waiting) != 0 && line_.is_alone()) word_', 'if (false) word_'),
    ],
    'lib/offload/finished_list.hpp': [
        ('an attended list is scheduled, too', 'return newest == nullptr;', 'return newest == nullptr || newest == attended();'),
        ('an attendant in vain leaves what came last', 'newest_.compare_exchange_strong(newest, nullptr, std::memory_order::relaxed))',
         '(newest_.exchange(nullptr, std::memory_order::relaxed), true))'),
        ('the end leaves null', 'exchange(attended(), std::memory_order::acquire)', 'exchange(nullptr, std::memory_order::acquire)'),
        ('a second attendant is sent', '!is_attendant_out_.exchange(true, std::memory_order::acquire)',
         '(is_attendant_out_.exchange(true, std::memory_order::acquire), true)'),
    ],
    'include/pollux/sync/mpsc_list.hpp': [
        ('a new block does not say that it is awaited', 'fresh->places[0].mark.store(awaited,', 'fresh->places[0].mark.store(empty,'),
        ('a push does not say that it was awaited', '? mpsc_push::awaited :', '? mpsc_push::done :'),
        ('a block that is used again is marked as before', '.mark.store(empty,', '.mark.load('),
        ('the count of an awaited item is given back, too', '            --n;', ''),
        ('the count of a destroyed item that was awaited is given back, too', '!= r.awaited_) ++done;', '!= r.nothing_awaited) ++done;'),
        ('the counts of destroyed items are lost', '!= r.awaited_) ++done;', '!= r.awaited_) done += 0;'),
        ('a push under way is done though the receiver goes', 'each.mark.exchange(awaited, std::memory_order::acquire)',
         'each.mark.load(std::memory_order::acquire)'),
        ('a block that comes later is not awaited', 'if (seen != &gone_) continue;', 'continue;'),
        ('the next block but one is not awaited', 'fresh->next.store(&gone_,', 'fresh->next.store(nullptr,'),
    ],
    'include/pollux/sync/oneshot.hpp': [
        ('a waker that was taken is dropped with the block, too', 'taken.forget();', ''),
        ('a waker is written that the other end may take', 'if (!state_.withdraw_waker(end)) return false;', ''),
    ],
    'include/pollux/sync/permit_queue.hpp': [
        ('who waits is overtaken', 'while (seen >= n && seen < waiting)', 'while (permits_in(seen) >= n && seen < closed)'),
        ('a dropped waiter keeps its permits', 'one.answer_ == permit_answer::taken ? one.wanted_ : 0', '0'),
        ('what is just enough is too little', 'permits_in(seen) >= first().wanted_)', 'permits_in(seen) > first().wanted_)'),
        ('an empty line is not left', 'seen &= ~waiting;', ''),
        ('what has come into the reserve meanwhile lies idle', 'is_enough || take_what_has_come(one.wanted_)', 'is_enough'),
        ('who takes what has come is thought to wait', '(seen - n) & ~waiting', '(seen - n)'),
        ('who tries does not look into the reserve', 'if (!collect(seen)) return', 'return'),
        ('the reserve is collected without the lock',
         'const lock_scope guard(lock_);\n        // Acquire: read before', '// Acquire: read before'),
    ],
    'include/pollux/core/waker_cell.hpp': [
        ('a waker is kept that is not there', 'return state_.load(std::memory_order::relaxed) == full;', 'return true;'),
    ],
    'include/pollux/coro/join_word.hpp': [
        ('a taking is not counted', 'n_.load() + 1', 'n_.load()'),
        ('the holder does not wait', '!was_taken() || join_with_others(stolen.value())', 'true'),
        ('the holder counts as a child', 'join_with_others(stolen.value())', 'join_with_others(~std::uint32_t{0})'),
        ('a child counts as two', 'join_with_others(~std::uint32_t{0})', 'join_with_others(~std::uint32_t{1})'),
        ('a child without a result leaves no mark', 'abandoned_.store(1,', 'abandoned_.store(0,'),
    ],
    'include/pollux/stream/detail/woken_list.hpp': [
        ('a node that is in the list is freed', 'return gone.woken.exchange(1, std::memory_order::relaxed) == 0;',
         'gone.woken.exchange(1, std::memory_order::relaxed); return true;'),
        ('a node that is retired is pushed', 'return gone.woken.exchange(1, std::memory_order::relaxed) == 0;',
         'return gone.woken.load(std::memory_order::relaxed) == 0;'),
        ('a node is put back that is in the list', 'if (again.woken.exchange(1, std::memory_order::relaxed) != 0) return;',
         'again.woken.exchange(1, std::memory_order::relaxed);'),
    ],
    'include/pollux/stream/detail/woken_groups.hpp': [
        ('a group is in the list twice', 'if (of.woken.fetch_or(child, std::memory_order::acq_rel) != 0) return false;',
         'of.woken.fetch_or(child, std::memory_order::acq_rel);'),
        ('a wake-up takes the bits of the others', 'of.woken.fetch_or(child,', 'of.woken.exchange(child,'),
    ],
}
EQUIVALENT = FOLDER / 'equivalent_mutants.txt'

# About 90 s with two jobs: 5 s to build a mutant without optimisation, some seconds to notice.
SAMPLE = 12
# A model that ends neither way in this time has not noticed: the searches that must be complete take less.
SECONDS = 400

ORDER = re.compile(r'memory_order::(seq_cst|acq_rel|acquire|release)\b')
CALL = re.compile(r'\.\s*(load|store|exchange|compare_exchange_weak|compare_exchange_strong|fetch_\w+)\s*\(')
FENCE = re.compile(r'\b\w+::(full_fence|light_fence|heavy_fence)\s*\(\s*\)')
# From strongest to weakest, for each kind of access.
WEAKER = {
    'load': {'seq_cst': ['acquire', 'relaxed'], 'acquire': ['relaxed']},
    'store': {'seq_cst': ['release', 'relaxed'], 'release': ['relaxed']},
    'change': {'seq_cst': ['acq_rel', 'relaxed'], 'acq_rel': ['acquire', 'release', 'relaxed'],
               'acquire': ['relaxed'], 'release': ['relaxed']},
}


class Mutant(NamedTuple):
    file: str
    line: int      # from 1
    what: str      # "acquire -> relaxed", "without full_fence", "without re-check", "planted: ..."
    code: str      # the line without its comment
    text: str      # the whole changed file

    def key(self):
        return f'{self.file}: {self.what}: {self.code}'

    def __str__(self):
        return f'{self.file}:{self.line}: {self.what}: {self.code}'


def access_kind(text, position):
    """Which weaker orders an order at `position` has: those of the call it is an argument of."""
    calls = list(CALL.finditer(text, max(0, position - 400), position))
    if not calls:
        return 'change'
    call = calls[-1]
    name = call.group(1)
    if name in ('load', 'store'):
        return name
    is_second = name.startswith('compare') and 'memory_order::' in text[call.end():position - len('std::')]
    return 'load' if is_second else 'change'


def mutants_of(file):
    text = (ROOT / file).read_text()
    # Comments become blanks, so that places stay the same.
    bare = re.sub(r'//[^\n]*', lambda comment: ' ' * len(comment.group()), text)
    lines = bare.split('\n')

    def place(position):
        line = bare.count('\n', 0, position)
        return line + 1, ' '.join(lines[line].split())

    for match in ORDER.finditer(bare):
        order = match.group(1)
        for weaker in WEAKER[access_kind(bare, match.start())].get(order, []):
            line, code = place(match.start())
            yield Mutant(file, line, f'{order} -> {weaker}', code,
                         text[:match.start(1)] + weaker + text[match.end(1):])
    for match in FENCE.finditer(bare):
        line, code = place(match.start())
        yield Mutant(file, line, f'without {match.group(1)}', code,
                     text[:match.start()] + '(void)0' + text[match.end():])
    original = text.split('\n')
    for index, line in enumerate(original):
        if '// re-check:' not in line:
            continue
        gone = index + 1 if line.strip().startswith('//') else index
        changed = original[:gone] + [''] + original[gone + 1:]
        yield Mutant(file, gone + 1, 'without re-check', ' '.join(lines[gone].split()), '\n'.join(changed))
    for bug, right, wrong in PLANTED.get(file, []):
        if text.count(right) != 1:
            sys.exit(f'{file}: not once in it: {right}')
        line, code = place(text.index(right))
        yield Mutant(file, line, f'planted: {bug}', code, text.replace(right, wrong))


def equivalent_mutants():
    """Keys of the listed mutants, each with its reason. An entry is a key line, then indented lines: the reason."""
    entries = {}
    key = None
    for line in EQUIVALENT.read_text().split('\n'):
        if line.startswith('#') or not line.strip():
            continue
        if line[0].isspace():
            if key is None:
                sys.exit(f'{EQUIVALENT.name}: a reason without a mutant: {line.strip()}')
            entries[key] += line.strip() + ' '
        else:
            key = line.strip()
            if key in entries:
                sys.exit(f'{EQUIVALENT.name}: twice: {key}')
            entries[key] = ''
    for key, reason in entries.items():
        if not reason:
            sys.exit(f'{EQUIVALENT.name}: no reason: {key}')
    return entries


def compiler():
    if 'CXX' in os.environ:
        return shlex.split(os.environ['CXX'])
    return ['clang++-19' if shutil.which('clang++-19') else 'g++']


class Outcome(NamedTuple):
    noticed: bool
    how: str
    broken: bool = False  # the tool itself has failed


def build(model, program, optimization, folders):
    """The compiler's errors, none if it is built."""
    source = FOLDER / f'{model}_model.cpp'
    built = subprocess.run([*compiler(), '-std=c++23', '-w', optimization, *(f'-I{folder}' for folder in folders),
                            str(source), '-o', str(program)], capture_output=True, text=True)
    if built.returncode == 0:
        return []
    return [line for line in built.stderr.split('\n') if 'error' in line] or ['the compiler has failed']


class Deep(NamedTuple):
    model: str

    def __str__(self):
        return f'{self.model}: deep search'


def run_deep(deep):
    """Whether the model of the code as it is finds nothing in its long search, and how much it has run."""
    with tempfile.TemporaryDirectory(prefix='pollux-model-') as temporary:
        program = Path(temporary) / deep.model
        errors = build(deep.model, program, '-O1', [ROOT / 'include', ROOT / 'lib'])
        if errors:
            return False, f'does not build: {errors[:1]}'
        ran = subprocess.run([str(program), '--deep'], capture_output=True, text=True)
    verdicts = re.findall(r'^(.*): (ok|FAILED), (.*)$', ran.stdout, re.MULTILINE)
    if ran.returncode != 0:
        return False, f'{verdicts[-1] if verdicts else f"exit code {ran.returncode}"}'
    figures = [re.search(r'(random|exhaustive).*, (\d+) executions, ([\d.]+) s', each[2]) for each in verdicts]
    counts = {kind: sum(int(each[2]) for each in figures if each[1] == kind) for kind in ('exhaustive', 'random')}
    seconds = sum(float(each[3]) for each in figures)
    return True, (f'{len({each[0] for each in verdicts})} scenarios, {counts["exhaustive"]} schedules in exhaustive '
                  f'searches, {counts["random"]} random ones, {seconds:.0f} s')


def run(mutant):
    with tempfile.TemporaryDirectory(prefix='pollux-mutant-') as temporary:
        changed = Path(temporary) / mutant.file
        changed.parent.mkdir(parents=True)
        changed.write_text(mutant.text)
        for model in MODELLED[mutant.file]:
            if not (FOLDER / f'{model}_model.cpp').exists():
                continue
            program = Path(temporary) / model
            folders = [Path(temporary) / 'include', Path(temporary) / 'lib', ROOT / 'include', ROOT / 'lib']
            errors = build(model, program, '-O0', folders)
            if errors:
                return Outcome(False, f'{model} does not build: {errors[:1]}', broken=True)
            # Random schedules first: they notice most mutants within a second.
            for arguments in (['--bound', '0'], ['--random', '0']):
                try:
                    ran = subprocess.run([str(program), *arguments], capture_output=True, text=True, timeout=SECONDS)
                except subprocess.TimeoutExpired:
                    return Outcome(False, f'{model} did not end in {SECONDS} s')
                if ran.returncode != 0:
                    verdicts = [line.strip() for line in ran.stdout.split('\n') if 'FAILED' in line]
                    return Outcome(True, f'noticed: {verdicts[-1] if verdicts else f"exit code {ran.returncode}"}')
    return Outcome(False, 'no model noticed')


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--all', action='store_true', help='deep searches, then every mutant, those listed as equivalent too')
    parser.add_argument('--sample', type=int, default=SAMPLE, metavar='N')
    parser.add_argument('--seed', type=int, default=datetime.date.today().toordinal(), help='of the sample')
    parser.add_argument('--jobs', type=int, default=2)
    parser.add_argument('--only', default='', metavar='TEXT', help='mutants and deep searches whose description holds it')
    parser.add_argument('--list', action='store_true', help='print the mutants and end')
    options = parser.parse_args()

    mutants = []
    for file, models in MODELLED.items():
        if (ROOT / file).exists() and any((FOLDER / f'{model}_model.cpp').exists() for model in models):
            mutants += mutants_of(file)
    listed = equivalent_mutants()
    passed = failed = 0
    for key in sorted(set(listed) - {mutant.key() for mutant in mutants}):
        print(f'FAILED {EQUIVALENT.name}: fits no mutant: {key}')
        failed += 1

    mutants = [mutant for mutant in mutants if options.only in str(mutant)]
    if not options.all:
        mutants = [mutant for mutant in mutants if mutant.key() not in listed]
        if len(mutants) > options.sample:
            print(f'seed {options.seed}: {options.sample} of {len(mutants)} mutants')
            mutants = random.Random(options.seed).sample(mutants, options.sample)
    if options.list:
        for mutant in mutants:
            print(('listed ' if mutant.key() in listed else '       ') + str(mutant))
        return 0

    searches = [Deep(source.name.removesuffix('_model.cpp')) for source in sorted(FOLDER.glob('*_model.cpp'))]
    searches = [deep for deep in searches if options.all and options.only in str(deep)]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for deep, (good, how) in zip(searches, pool.map(run_deep, searches)):
            passed += good
            failed += not good
            print(f'{"ok    " if good else "FAILED"} {deep}\n       {how}', flush=True)
        for mutant, outcome in zip(mutants, pool.map(run, mutants)):
            is_listed = mutant.key() in listed
            good = not outcome.broken and outcome.noticed != is_listed
            passed += good
            failed += not good
            note = ' (listed as equivalent)' if is_listed else ''
            print(f'{"ok    " if good else "FAILED"} {mutant}\n       {outcome.how}{note}', flush=True)
    print(f'{passed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
