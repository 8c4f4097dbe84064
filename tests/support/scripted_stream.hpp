// SPDX-License-Identifier: MIT
// A stream that answers its polls from a list, for tests of adapters.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"

namespace pollux::test {

/// Gives one answer of its list a poll, and std::nullopt after the last. It never wakes anybody.
template <class T, class E = never>
class [[nodiscard]] scripted_stream {
public:
    using value_type = T;
    using error_type = E;
    using answer = polled<std::optional<T>, E>;

    template <class... Answers>
    explicit scripted_stream(int* polls, Answers&&... answers) : polls_(polls) {
        (answers_.emplace_back(std::forward<Answers>(answers)), ...);
    }

    answer poll_next(context&) {
        if (polls_ != nullptr) ++*polls_;
        if (at_ == answers_.size()) return answer::ready();
        return std::move(answers_[at_++]);
    }

private:
    std::vector<answer> answers_;
    std::size_t at_ = 0;
    int* polls_;
};

}  // namespace pollux::test
