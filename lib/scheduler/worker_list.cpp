// SPDX-License-Identifier: MIT
// Out of line, where workers are known.
#include "scheduler/worker_list.hpp"

#include <utility>

#include "scheduler/worker.hpp"

namespace pollux::inline v0::detail {

worker_list::worker_list(unsigned capacity)
    : places_(std::make_unique<std::unique_ptr<worker>[]>(capacity)), capacity_(capacity) {}

worker_list::~worker_list() = default;

void worker_list::add(std::unique_ptr<worker> one) noexcept {
    const std::size_t n = count_.load(std::memory_order::relaxed);  // only who adds writes it
    places_[n] = std::move(one);
    count_.store(n + 1, std::memory_order::release);  // pairs with size(): shows the worker
}

}  // namespace pollux::inline v0::detail
