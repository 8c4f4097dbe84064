// SPDX-License-Identifier: MIT
// Empty jobs by libuv's queue_work: each request is queued again by its own callback on the loop, as a server does it. WORKERS is the
// number of the pool's threads beside the loop's.
#include <uv.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "offload_peer.hpp"

namespace {

void queue(uv_work_t* request);

void work(uv_work_t*) {}
void after_work(uv_work_t* request, int) { queue(request); }

void queue(uv_work_t* request) {
    auto& to_queue = *static_cast<std::size_t*>(request->data);
    if (to_queue == 0) return;
    --to_queue;
    uv_queue_work(uv_default_loop(), request, &work, &after_work);
}

}  // namespace

int main(int argc, char** argv) {
    const bench::offload_arguments given(argc, argv);
    setenv("UV_THREADPOOL_SIZE", std::to_string(given.workers).c_str(), 1);
    std::vector<uv_work_t> requests(given.is_round_trip ? 1 : bench::jobs_in_flight);
    bench::measure(given.size, [&] {
        std::size_t to_queue = given.size;
        for (uv_work_t& request : requests) {
            request.data = &to_queue;
            queue(&request);
        }
        return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    });
}
