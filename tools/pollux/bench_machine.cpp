// SPDX-License-Identifier: MIT
// Facts about the machine, see bench_machine.hpp.

#include "bench_machine.hpp"

#include <fmt/chrono.h>
#include <fmt/core.h>

#include <sys/utsname.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace pollux_tool::bench {

namespace {

std::string first_line(const std::string& path) {
    std::ifstream file(path);
    std::string out;
    std::getline(file, out);
    return out;
}

// The value of the first line `key : value` of /proc/cpuinfo.
std::string cpu_info(std::string_view key) {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);) {
        const auto colon = line.find(": ");
        if (line.starts_with(key) && colon != std::string::npos) return line.substr(colon + 2);
    }
    return {};
}

}  // namespace

facts machine_facts(const bench_options& options) {
    facts out;
    const auto add = [&out](const char* name, std::string value) {
        if (!value.empty()) out.emplace_back(name, std::move(value));
    };
    add("processor", cpu_info("model name"));
    add("CPUs", fmt::format("{}", every_worker_count().back()));
    add("governor", first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"));
    if (cpu_info("flags").find("hypervisor") != std::string::npos) {
        const auto kind = first_line("/sys/class/dmi/id/sys_vendor");
        add("virtual machine", kind.empty() ? "yes" : kind);
    }
    utsname system{};
    if (::uname(&system) == 0) add("kernel", fmt::format("{} {}", system.sysname, system.release));
    add("built by", options.build);
    std::ifstream toolchain(std::filesystem::path(options.programs) / "toolchain");
    for (std::string line; std::getline(toolchain, line);) add("peers built by", line);
    return out;
}

std::map<std::string, std::string> package_versions(const std::set<std::string>& packages,
                                                    const interrupt_guard& guard) {
    std::map<std::string, std::string> out;
    if (packages.empty()) return out;
    std::vector<std::string> command{"dpkg-query", "-W", "-f", "${Package} ${Version}\n"};
    command.insert(command.end(), packages.begin(), packages.end());
    // It fails if one is unknown, and still lists the others; on another system there is none of it.
    std::istringstream lines(guard.run(command).output);
    for (std::string package, version; lines >> package >> version;) out[package] = version;
    return out;
}

std::string utc_date() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

}  // namespace pollux_tool::bench
