// SPDX-License-Identifier: MIT
// The loop of whatever reads a stream to its end as a future: `fold`, `for_each`, `any`, `all`, `collect`, `concat`,
// `count`. What they do with an item is in a reader of theirs:
//
//   value_type               of the future
//   step                     the future behind what read() returns if it is a future or a std::expected; else void
//   read(T&) -> R            takes an item, moves out of it if it wants
//   took(value) -> bool      only with a step: its value, `unit` for void; true: that was enough
//   is_done() -> bool        only without: the item that was read was enough
//   finish() -> value_type   moves the result out
//   drop()                   destroys what was gathered
//   polled_again() -> text   static; the message of a debug build for a poll after the end
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "pollux/core/concepts.hpp"
#include "pollux/core/context.hpp"
#include "pollux/future/detail/meet.hpp"
#include "pollux/future/detail/result_future.hpp"
#include "pollux/future/detail/slot.hpp"
#include "pollux/future/detail/until_over.hpp"

namespace pollux::inline v0::detail {

struct no_step {};

/// The step behind what a callable returned; void if that is a plain value.
template <class R, bool is_plain = !is_future_or_expected<R>>
struct step_for {
    using type = void;
};
template <class R>
struct step_for<R, false> {
    using type = typename future_for<R>::type;
};

template <class Step>
struct step_error {
    using type = error_type_of<Step>;
};
template <>
struct step_error<void> {
    using type = never;
};

template <class S, class Reader>
class [[nodiscard]] consume_future {
    using step = typename Reader::step;
    static constexpr bool has_steps = !std::is_void_v<step>;

public:
    using value_type = typename Reader::value_type;
    using error_type = met<error_type_of<S>, typename step_error<step>::type>;

    consume_future(S source, Reader reader) : reader_(std::move(reader)), source_(std::move(source)) {}

    polled<value_type, error_type> poll(context& cx) {
        debug_check(!is_over_, Reader::polled_again());
        return until_over([&] [[gnu::always_inline]] { return advance(cx); }, [&] { is_over_ = true; });
    }

private:
    [[gnu::always_inline]] polled<value_type, error_type> advance(context& cx) {
        for (;;) {
            if constexpr (has_steps) {
                if (step_.is_alive()) {
                    auto result = (*step_).poll(cx);
                    if (result.is_pending()) return pending;
                    step_.reset();
                    if (result.has_error()) return fail(result);
                    if constexpr (!std::is_same_v<value_type_of<step>, never>) {
                        if (reader_.took(result.value())) return finish();
                    }
                }
            }
            // Before the poll: an item that has been given is never put back.
            if (!cx.consume_budget()) return pending;
            auto item = source_.poll_next(cx);
            if (item.is_pending()) return pending;
            if (item.has_error()) return fail(item);
            if (!item.value().has_value()) return finish();
            if constexpr (has_steps) {
                step_.emplace([&]() -> step { return begin(*item.value()); });
            } else {
                reader_.read(*item.value());
                if (reader_.is_done()) return finish();
            }
        }
    }
    step begin(value_type_of<S>& item) {
        using returned = decltype(reader_.read(item));
        if constexpr (future<returned>) {
            return reader_.read(item);
        } else if constexpr (is_expected<std::remove_cvref_t<returned>>) {
            return step(answer_of(std::remove_cvref_t<returned>(reader_.read(item))));
        } else {
            return step(polled<value_type_of<step>>(std::remove_cvref_t<returned>(reader_.read(item))));
        }
    }
    polled<value_type, error_type> finish() {
        if constexpr (std::is_void_v<value_type>) {
            return polled<value_type, error_type>::ready();
        } else {
            return polled<value_type, error_type>::ready(reader_.finish());
        }
    }
    template <class Answer>
    polled<value_type, error_type> fail(Answer& answer) {
        reader_.drop();
        return pass_error<polled<value_type, error_type>>(answer);
    }

    [[no_unique_address]] Reader reader_;  // above the future that may point into its callable, so destroyed after it
    [[no_unique_address]] S source_;
    [[no_unique_address]] std::conditional_t<has_steps, slot<step>, no_step> step_;
    bool is_over_ = false;  // written by a debug build
};

/// Has something of a stream or a future. Names that others use too (`count`, `all`) are for these only: under `using
/// namespace pollux` a call that means another function of that name does not find ours better.
template <class X>
concept nearly_stream = has_error_type<X> || requires(std::remove_cvref_t<X>& x, context& cx) { x.poll_next(cx); } ||
                        requires(std::remove_cvref_t<X>& x, context& cx) { x.poll(cx); };

}  // namespace pollux::inline v0::detail
