// SPDX-License-Identifier: MIT
// The workers of a runtime, with room for those that come later to stand in for others (stand_ins.hpp). They are looked through by
// thieves and sleepers while one is added, so none ever moves or goes before the runtime does.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

namespace pollux::inline v0::detail {

class worker;

/// Threads: add() and has_room() by one at a time, the others by any.
class worker_list {
public:
    explicit worker_list(unsigned capacity);
    worker_list(const worker_list&) = delete;
    worker_list& operator=(const worker_list&) = delete;
    ~worker_list();

    bool has_room() const noexcept {
        return count_.load(std::memory_order::relaxed) != capacity_;  // only who adds writes it
    }
    /// There is room.
    void add(std::unique_ptr<worker> one) noexcept;

    std::size_t size() const noexcept { return count_.load(std::memory_order::acquire); }  // pairs with add()
    const std::unique_ptr<worker>* begin() const noexcept { return places_.get(); }
    const std::unique_ptr<worker>* end() const noexcept { return places_.get() + size(); }
    const std::unique_ptr<worker>& operator[](std::size_t i) const noexcept { return places_[i]; }
    const std::unique_ptr<worker>& front() const noexcept { return places_[0]; }

private:
    const std::unique_ptr<std::unique_ptr<worker>[]> places_;
    const std::size_t capacity_;
    std::atomic<std::size_t> count_{0};
};

}  // namespace pollux::inline v0::detail
