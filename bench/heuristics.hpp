// SPDX-License-Identifier: MIT
// `--without NAME`, anywhere among the arguments of a program and as often as one likes: switches heuristics of the scheduler off
// (lib/scheduler/heuristics.hpp), to show what each is worth. First in main, before arguments are counted.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "scheduler/heuristics.hpp"

namespace bench {

/// Takes them out of the arguments. The runtimes that this thread makes do without those named.
inline void take_heuristics(int& argc, char** argv) {
    using pollux::detail::heuristic_names;
    int left = 0;
    for (int i = 0; i != argc; ++i) {
        if (i == 0 || std::string_view(argv[i]) != "--without") {
            argv[left++] = argv[i];
            continue;
        }
        const std::string_view name = ++i != argc ? argv[i] : "";
        const auto* const found = std::ranges::find(heuristic_names, name, &pollux::detail::heuristic_name::name);
        if (found == std::ranges::end(heuristic_names)) {
            std::fprintf(stderr, "%s: --without takes one of:", argv[0]);
            for (const auto& each : heuristic_names) std::fprintf(stderr, " %s", each.name.data());
            std::fprintf(stderr, "\n");
            std::exit(2);
        }
        pollux::detail::chosen_heuristics.*found->is_on = false;
    }
    argc = left;
}

}  // namespace bench
