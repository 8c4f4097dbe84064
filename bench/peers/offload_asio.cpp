// SPDX-License-Identifier: MIT
// Empty jobs by boost::asio::thread_pool, each with a promise. WORKERS is the number of its threads beside the submitter.
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <future>
#include <utility>

#include "offload_peer.hpp"

int main(int argc, char** argv) {
    const bench::offload_arguments given(argc, argv);
    boost::asio::thread_pool pool(given.workers);
    bench::run_offload_peer(given, [&pool](std::size_t) {
        std::promise<void> promise;
        auto future = promise.get_future();
        boost::asio::post(pool, [promise = std::move(promise)]() mutable { promise.set_value(); });
        return future;
    });
}
