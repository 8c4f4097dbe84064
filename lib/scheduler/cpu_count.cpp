// SPDX-License-Identifier: MIT
#include "scheduler/cpu_count.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <thread>

namespace pollux::inline v0::detail {

namespace {

// "max 100000" or "20000 100000"; 0: no quota.
double quota_of_version_2(const std::string& folder) {
    std::ifstream file(folder + "/cpu.max");
    std::string quota;
    double period = 0;
    if (!(file >> quota >> period) || quota == "max" || period <= 0) return 0;
    return std::strtod(quota.c_str(), nullptr) / period;
}

double quota_of_version_1(const std::string& folder) {
    std::ifstream quota_file(folder + "/cpu.cfs_quota_us");
    std::ifstream period_file(folder + "/cpu.cfs_period_us");
    double quota = 0;
    double period = 0;
    if (!(quota_file >> quota) || !(period_file >> period) || quota <= 0 || period <= 0) return 0;
    return quota / period;
}

// The least quota of a group and its parents.
template <class Read>
double least_quota(const std::string& mount, std::string group, Read read) {
    double least = 0;
    for (;;) {
        const double quota = read(mount + group);
        if (quota > 0) least = least > 0 ? std::min(least, quota) : quota;
        const auto slash = group.rfind('/');
        if (slash == std::string::npos || group.empty()) return least;
        group.resize(slash);
    }
}

bool names_controller(const std::string& list, const std::string& name) {
    std::istringstream names(list);
    for (std::string each; std::getline(names, each, ',');)
        if (each == name) return true;
    return false;
}

}  // namespace

double cgroup_cpu_quota(const std::string& cgroup_file, const std::string& mount) {
    std::ifstream file(cgroup_file);
    double least = 0;
    for (std::string line; std::getline(file, line);) {
        // hierarchy:controllers:group
        const auto first = line.find(':');
        const auto second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        std::string group = line.substr(second + 1);
        if (group == "/") group.clear();
        double quota = 0;
        if (controllers.empty())
            quota = least_quota(mount, group, quota_of_version_2);
        else if (names_controller(controllers, "cpu"))
            // In a container the group's own files stand at the mount itself.
            quota = std::max(least_quota(mount + "/" + controllers, group, quota_of_version_1),
                             least_quota(mount + "/cpu", group, quota_of_version_1));
        if (quota > 0) least = least > 0 ? std::min(least, quota) : quota;
    }
    return least;
}

unsigned usable_cpu_count() {
    unsigned count = std::max(1u, std::thread::hardware_concurrency());
    // A fixed set has room for 1024 CPUs; on larger machines the call fails and the count above stands.
    cpu_set_t mask;
    if (sched_getaffinity(0, sizeof mask, &mask) == 0) count = std::max(1u, static_cast<unsigned>(CPU_COUNT(&mask)));
    const double quota = cgroup_cpu_quota("/proc/self/cgroup", "/sys/fs/cgroup");
    if (quota > 0) count = std::min(count, std::max(1u, static_cast<unsigned>(std::ceil(quota))));
    return count;
}

}  // namespace pollux::inline v0::detail
