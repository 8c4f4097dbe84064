// SPDX-License-Identifier: MIT
// A host that links libpollux.so, and a plugin that has libpollux.a inside, its symbols hidden. Each has its own runtimes, workers
// and current-thread state, and neither sees the other's; a waker works across. The plugin may be unloaded where nobody else uses
// oneTBB. Usage: two_copies PLUGIN
#include "two_copies.hpp"

#include <dlfcn.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <thread>

#include "pollux/coro.hpp"
#include "pollux/offload.hpp"
#include "pollux/runtime.hpp"
#include "pollux/sync.hpp"

namespace {

bool is_mapped(const std::string& file) {
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);)
        if (line.find(file) != std::string::npos) return true;
    return false;
}

bool is_in_no_runtime() {
    try {
        static_cast<void>(pollux::runtime_handle::current());
    } catch (const pollux::no_runtime&) {
        return !pollux::current_task_id().has_value();
    }
    return false;
}

// Called by the plugin, on a worker of its runtime: that is no thread of the host's.
int asked_by_plugin() { return is_in_no_runtime() ? 0 : 1; }

int failed(const char* what) {
    std::printf("two copies: %s\n", what);
    return 1;
}

bool computes(pollux::runtime& host) {
    return host.block_on(host.spawn(pollux::offload([] { return 5; }))) == 5;
}

int load_use_and_unload(pollux::runtime& host, const char* file, int mode) {
    void* const plugin = dlopen(file, RTLD_NOW | RTLD_LOCAL | mode);
    if (plugin == nullptr) return failed(dlerror());
    const auto begin = reinterpret_cast<decltype(&begin_work)>(dlsym(plugin, "begin_work"));
    const auto end = reinterpret_cast<decltype(&end_work)>(dlsym(plugin, "end_work"));
    if (begin == nullptr || end == nullptr) return failed("the plugin lacks a function");
    {
        pollux::waker kept;
        // In the host's runtime, on a thread that only blocks there and on one of its workers.
        const auto before = host.metrics();
        answers blocked;
        host.block_on([&] { begin(asked_by_plugin, kept, blocked); });
        if (!blocked.plugin_is_in_no_runtime) return failed("the plugin sees the host's runtime");
        if (blocked.sum != 10) return failed("the plugin did not do its work, or the host sees the plugin's runtime");
        if (blocked.plugin_alive != 1) return failed("not one task of the plugin waits");
        if (host.metrics().spawned != before.spawned) return failed("the plugin has spawned in the host's runtime");
        kept.wake();
        static_cast<void>(end());
        kept.wake();  // while the plugin's code is still there
        const auto of_worker = host.block_on(host.spawn([&] {
            answers seen;
            begin(asked_by_plugin, kept, seen);
            static_cast<void>(end());
            return seen.plugin_is_in_no_runtime && seen.sum == 10;
        }));
        if (!of_worker) return failed("on a worker of the host the plugin does not work as elsewhere");
    }
    if (dlclose(plugin) != 0) return failed(dlerror());
    return 0;
}

pollux::runtime_options one_worker() {
    pollux::runtime_options options;
    options.workers = 1;
    return options;
}

}  // namespace

int main(int, char** argv) {
    for (int round = 0; round != 20; ++round) {
        pollux::runtime host(one_worker());
        if (load_use_and_unload(host, argv[1], 0) != 0) return 1;
        if (is_mapped(argv[1])) return failed("the plugin is still mapped after dlclose");
        if (!computes(host)) return failed("the host does not work after the plugin");
    }
    // Both copies use oneTBB at once. Its threads stay then, and one may be in the last instructions of the plugin's copy.
    pollux::runtime host(one_worker());
    for (int round = 0; round != 20; ++round) {
        if (!computes(host)) return failed("the host does not work beside the plugin");
        if (load_use_and_unload(host, argv[1], RTLD_NODELETE) != 0) return 1;
    }
    return 0;
}
