// SPDX-License-Identifier: MIT
// A sink for the table of sinks: it writes into the journal what is done with it, and one step of it ends as it is told. The rows and
// their cells are those of the table of streams.
#pragma once

#include <expected>
#include <stdexcept>
#include <string>
#include <utility>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "truth/journal.hpp"
#include "truth/stream_cells.hpp"

namespace pollux::test {

/// Which step of a sink ends as the cell says: the question whether it is ready for an item, that item, a flush, the close.
enum class sink_step { none, ready, start, flush, close };

/// Ready at once but for that step. Noted are "ready" and "put", with the number of the item that comes next or has come, "flush" and
/// "close", all behind the name.
class [[nodiscard]] scripted_target {
    using answer = polled<void, problem>;

public:
    using item_type = thing;
    using error_type = problem;

    scripted_target(journal& where, std::string name, sink_step which, ending how, int item = 2)
        : named_(where, std::move(name)), which_(which), how_(how), item_(item) {}

    answer poll_ready(context& cx) {
        note("ready" + std::to_string(next_));
        if (next_ == item_ && which_ == sink_step::ready) return scripted(cx);
        return answer::ready();
    }
    std::expected<void, problem> start_send(thing item) {
        note("put" + std::to_string(item.number()));
        if (next_++ == item_ && which_ == sink_step::start) {
            if (how_ == ending::exception) throw std::runtime_error("thrown");
            if (how_ == ending::error) return std::unexpected(problem(named_.where(), 2));
        }
        return {};
    }
    answer poll_flush(context& cx) {
        note("flush");
        return which_ == sink_step::flush ? scripted(cx) : answer::ready();
    }
    answer poll_close(context& cx) {
        note("close");
        return which_ == sink_step::close ? scripted(cx) : answer::ready();
    }

private:
    void note(const std::string& what) { named_.where().note(named_.name() + "." + what); }
    // Ends once: after that the sink is as any.
    answer scripted(context& cx) {
        if (how_ == ending::never) return pending;
        if (begins_pending(how_)) {
            if (waits_from_ < 0) waits_from_ = named_.where().fired;
            if (waits_from_ == named_.where().fired) {
                named_.where().keep(cx.waker());
                return pending;
            }
        }
        which_ = sink_step::none;
        if (how_ == ending::exception) throw std::runtime_error("thrown");
        if (how_ == ending::error || how_ == ending::pending_then_error)
            return answer::failed(problem(named_.where(), 2));
        return answer::ready();
    }

    named named_;
    sink_step which_;
    ending how_;
    int item_;
    int next_ = 1;         // the number of the item that comes next
    int waits_from_ = -1;  // events that there had been at the poll that was pending first
};

}  // namespace pollux::test
