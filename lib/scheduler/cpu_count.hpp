// SPDX-License-Identifier: MIT
// How many CPUs this process may use: the affinity mask, and the CPU quota of its control groups, versions 1 and 2.
#pragma once

#include <string>

namespace pollux::inline v0::detail {

/// The lesser of the affinity mask and the quota, rounded up; at least 1. Asked once for each runtime: both may change.
unsigned usable_cpu_count();

/// The quota in CPUs that the files say, or 0 for none. `cgroup_file` is /proc/self/cgroup, `mount` /sys/fs/cgroup; a parent group's
/// quota counts too. Files that cannot be read say nothing.
double cgroup_cpu_quota(const std::string& cgroup_file, const std::string& mount);

}  // namespace pollux::inline v0::detail
