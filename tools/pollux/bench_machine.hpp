// SPDX-License-Identifier: MIT
// What figures depend on: the machine, its system, the compiler, and the versions of packages.
#pragma once

#include "bench.hpp"
#include "bench_process.hpp"
#include "bench_results.hpp"

#include <map>
#include <set>
#include <string>

namespace pollux_tool::bench {

/// Processor, CPUs, kernel, governor, virtualisation where they are known, the build, and the lines of the file `toolchain`
/// in the folder of programs, if there is one.
facts machine_facts(const bench_options& options);

/// Of Debian packages, as far as they are installed. Throws: interrupted.
std::map<std::string, std::string> package_versions(const std::set<std::string>& packages,
                                                    const interrupt_guard& guard);

/// Now, UTC, ISO 8601.
std::string utc_date();

}  // namespace pollux_tool::bench
