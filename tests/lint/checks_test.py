#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests of tools/checks: what is planted is found, at its line, and what is allowed is not.

Usage: checks_test.py    The last line is `N passed, N failed`.
"""

import pathlib
import subprocess
import sys
import tempfile

CHECKS = pathlib.Path(__file__).resolve().parents[2] / "tools/checks"

# Each stands alone in the body of a coroutine, or as a class.
BROKEN = {
    "if": "if (co_await f()) g();",
    "if not": "if (!co_await f()) g();",
    "if comparison": "if (x == co_await f()) g();",
    "while": "while (co_await f()) {}",
    "do while": "do { g(); } while (co_await f());",
    "for": "for (; co_await f();) {}",
    "switch": "switch (co_await f()) {}",
    "if over lines": "if (x &&\n    co_await f()) g();",
    "closure": "co_await f([v] { return v; });",
    "closure, default capture": "auto x = co_await f([=] { return 1; });",
    "closure with an initializer": "co_await (f() | map([v = std::move(v)](int) mutable { return 1; }));",
    "closure before the await": "g([&a, v] { return v; }, co_await f());",
    "closure with this": "co_await f([this, v] {});",
    "closure by copy of this": "co_await f([*this] {});",
    "closure in a condition": "if (bool ok = co_await f([v] {})) g();",
    "closure in a yield": "co_yield f([v] {});",
    "aggregate": "co_await f(message{1, 2});",
    "aggregate template": "co_await f(pair<int, int>{1, 2});",
    "aggregate awaiter": "co_await awaiter{};",
    "designated": "co_await f({.n = 1});",
    "aggregate in a yield": "co_yield message{1, 2};",
    "list in a yield": "co_yield {1, 2};",
    "list": "co_await f(1, {a, b});",
    "conditional": "co_await (c ? f() : g());",
    "conditional argument": "co_await f(c ? a() : b());",
    "new": "::new (p) T(co_await f());",
    "assertion": "CHECK(co_await f() == 1);",
    "required": "REQUIRE((co_await f()));",
    "awaiter": "};\nstruct early {\n    bool await_ready();\n    int await_resume();\n",
    "promise": "};\nstruct promise_type {\n    task get_return_object();\n",
}

ALLOWED = {
    "declared": "if (bool ok = co_await f()) g();",
    "declared, structured": "if (auto [a, b] = co_await f(); a) g();",
    "initializer": "if (auto r = co_await f(); r) g([v] {});",
    "range": "for (auto x : co_await f()) g(message{x});",
    "named": "auto job = f([v] { return v; });\nco_await std::move(job);",
    "by reference": "co_await f([&] { return 1; });",
    "by reference, named": "co_await f([&a, this] { return a[1]; });",
    "no capture": "co_await f([] { return message{1}; });",
    "conditional of awaits": "auto x = c ? co_await f() : co_await g();",
    "coroutine closure": "spawn([v]() -> task<> { co_await v.f(); });",
    "closure after the condition": "if (bool ok = co_await f()) { g([v] { return message{v}; }); }",
    "closure in the body": "while (auto x = co_await f()) { auto h = [v] {}; }",
    "index": "co_await f(a[i], b[1]);",
    "comment": "// if (co_await f()) [v]\ng(\"if (co_await f())\");",
    "with a reason": "// coroutine_lint: an int\nco_await f([n] { return n; });",
    "in an assertion's closure": "CHECK(block_on([]() -> task<int> { co_return co_await f(); }()) == 1);",
    "awaiter": "};\nstruct early {\n    early() noexcept {}\n    ~early();\n    int await_resume();\n",
}

LAYERS = (
    ("include/pollux/core/a.hpp", '#include "pollux/core/b.hpp"', True),
    ("include/pollux/coro/a.hpp", '#include "pollux/core/b.hpp"\n#include <coroutine>', True),
    ("lib/scheduler/a.cpp", '#include "scheduler/b.hpp"\n#include <boost/lockfree/queue.hpp>', True),
    ("lib/testing/a.cpp", '#include "offload/b.hpp"', True),
    ("include/pollux/pollux.hpp", '#include "pollux/net/b.hpp"', True),
    ("include/pollux/core/a.hpp", '#include "pollux/coro/b.hpp"', False),
    ("include/pollux/core/a.hpp", '#include "pollux/coro.hpp"', False),
    ("include/pollux/core/a.hpp", '#include "core/private.hpp"', False),
    ("include/pollux/core/a.hpp", "#include <boost/lockfree/queue.hpp>", False),
    ("include/pollux/core/a.hpp", "#include <unistd.h>", False),
    ("lib/sync/a.cpp", '#  include "scheduler/b.hpp"', False),
    ("lib/offload/a.cpp", '#include "pollux/testing/b.hpp"', False),
    ("lib/unknown/a.cpp", "", False),
)


def run(check, *arguments):
    return subprocess.run([CHECKS / check, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)


def cases():
    """(name, whether it holds, what was printed)"""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "planted.cpp"
        for forms, status in ((BROKEN, 1), (ALLOWED, 0)):
            for name, form in forms.items():
                source.write_text(f"struct outer {{\ntask<> coroutine(int v) {{\n{form}\n}}\n}};\n")
                done = run("coroutine_lint", source)
                yield f"coroutine_lint: {name}", done.returncode == status and not done.stderr, done.stdout + done.stderr
    for path, text, is_allowed in LAYERS:
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder) / path
            source.parent.mkdir(parents=True)
            source.write_text(text + "\n")
            done = run("layering", folder)
            yield f"layering: {path}: {text}", done.returncode == (not is_allowed) and not done.stderr, done.stdout + done.stderr


def main():
    passed = failed = 0
    for name, holds, printed in cases():
        passed += holds
        failed += not holds
        if not holds:
            print(f"{name}\n{printed}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
