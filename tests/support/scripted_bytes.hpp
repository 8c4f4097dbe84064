// SPDX-License-Identifier: MIT
// A byte stream that follows a script: how many bytes each read or write may move, and where it is pending or fails.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <deque>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/io/span.hpp"

namespace pollux::test {

/// One answer of a scripted_bytes.
struct byte_step {
    enum kind { moves, waits, fails, throws };

    kind what = moves;
    std::size_t n = 0;
    std::error_code error{};
};

/// At most `n` bytes.
inline byte_step up_to(std::size_t n) { return {byte_step::moves, n, {}}; }
/// Pending, and woken at once.
inline byte_step waits() { return {byte_step::waits, 0, {}}; }
inline byte_step fails(std::errc error) { return {byte_step::fails, 0, std::make_error_code(error)}; }
/// std::runtime_error("scripted").
inline byte_step throws_once() { return {byte_step::throws, 0, {}}; }

/// What its stream reads is `input`, and what is written to it is `output`. Behind the end of a script everything goes at once.
struct scripted_bytes {
    class [[nodiscard]] stream_type {
    public:
        explicit stream_type(std::shared_ptr<scripted_bytes> shared) : shared_(std::move(shared)) {}
        stream_type(stream_type&&) noexcept = default;
        stream_type& operator=(stream_type&&) = delete;
        ~stream_type() {
            if (shared_ != nullptr) shared_->is_alive = false;
        }

        polled<std::size_t, std::error_code> poll_read(context& cx, io::span to) {
            ++shared_->read_polls;
            std::size_t most = std::min(to.size(), shared_->longest_read);
            if (auto stopped = shared_->next(cx, shared_->reads, most); !stopped.has_value()) return stopped;
            const std::size_t n = std::min(most, shared_->input.size() - shared_->read);
            if (n != 0) std::memcpy(to.data(), shared_->input.data() + shared_->read, n);
            shared_->read += n;
            return n;
        }
        polled<std::size_t, std::error_code> poll_write(context& cx, io::const_span bytes) {
            ++shared_->write_polls;
            std::size_t n = bytes.size();
            if (auto stopped = shared_->next(cx, shared_->writes, n); !stopped.has_value()) return stopped;
            shared_->output.append(bytes.data(), n);
            shared_->flushed = false;
            return n;
        }
        polled<void, std::error_code> poll_flush(context& cx) {
            std::size_t none = 0;
            auto stopped = shared_->next(cx, shared_->flushes, none);
            if (stopped.is_pending()) return pending;
            if (stopped.has_error()) return std::unexpected(stopped.error());
            shared_->flushed = true;
            return polled<void, std::error_code>::ready();
        }
        polled<void, std::error_code> poll_shutdown(context& cx) {
            auto done = poll_flush(cx);
            if (done.has_value()) ++shared_->shutdowns;
            return done;
        }

    private:
        std::shared_ptr<scripted_bytes> shared_;
    };

    using script = std::deque<byte_step>;

    std::string input;
    std::string output{};
    script reads{}, writes{}, flushes{};
    std::size_t longest_read = static_cast<std::size_t>(-1);  // beside the script
    std::size_t read = 0;                                     // of the input
    int read_polls = 0, write_polls = 0, shutdowns = 0;
    bool flushed = true, is_alive = true;

    static std::shared_ptr<scripted_bytes> make(std::string input, script reads = {}, script writes = {}) {
        auto made = std::make_shared<scripted_bytes>();
        made->input = std::move(input);
        made->reads = std::move(reads);
        made->writes = std::move(writes);
        return made;
    }

    /// Lowers `n` to what the script says.
    static polled<std::size_t, std::error_code> next(context& cx, script& steps, std::size_t& n) {
        if (steps.empty()) return n;
        const byte_step step = steps.front();
        steps.pop_front();
        switch (step.what) {
            case byte_step::moves: n = std::min(n, step.n); return n;
            case byte_step::waits: cx.waker().wake(); return pending;
            case byte_step::fails: return std::unexpected(step.error);
            case byte_step::throws: break;
        }
        throw std::runtime_error("scripted");
    }
};

inline scripted_bytes::stream_type stream_of(const std::shared_ptr<scripted_bytes>& shared) {
    return scripted_bytes::stream_type(shared);
}

/// Of `count` steps, short ones and pending ones mixed.
inline scripted_bytes::script random_script(std::mt19937& random, std::size_t count, std::size_t longest) {
    scripted_bytes::script steps;
    while (steps.size() != count) {
        steps.push_back(random() % 3 == 0 ? waits() : up_to(1 + random() % longest));
    }
    return steps;
}

}  // namespace pollux::test
