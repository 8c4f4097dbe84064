// SPDX-License-Identifier: MIT
#include "testing/simulation.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdarg>
#include <cstdio>
#include <new>
#include <utility>

#include "pollux/core/polled.hpp"
#include "pollux/core/runnable.hpp"
#include "pollux/core/task_header.hpp"
#include "pollux/testing/poll.hpp"
#include "scheduler/runtime_core.hpp"

namespace pollux::inline v0::detail {

namespace {

using namespace std::chrono_literals;

// Where the virtual clock starts: not at zero, so that a moment before the start can be told.
constexpr auto beginning = platform::time_point(1h);

// A loop that waits for another thread looks so often before it is taken for hopeless: more than once, for what a look sees may be
// what another such loop has done.
constexpr unsigned most_looks = 64;

constinit thread_local simulation* newest = nullptr;

long long since_beginning(platform::time_point moment) noexcept {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(moment - beginning).count();
}

}  // namespace

struct simulation::strand final : platform_thread {
    strand(simulation& of, unsigned numbered) : world(of), number(numbered) {}
    strand(simulation& of, unsigned numbered, std::unique_ptr<fiber_stack> on, std::function<void()> body)
        : world(of), number(numbered), stack(std::move(on)), runs_on(*stack, std::move(body)) {}

    void join() noexcept override { world.wait(has_ended, 0, time_point::max()); }

    /// Waits, and nothing but the clock or a word that somebody writes can end it.
    bool has_deadline() const noexcept { return deadline != time_point::max(); }

    simulation& world;
    const unsigned number;
    std::unique_ptr<fiber_stack> stack;
    fiber runs_on;
    state is = state::ready;
    // While it waits.
    const word* waited_for = nullptr;
    std::uint32_t value = 0;
    time_point deadline = time_point::max();
    bool in_block_on = false;
    unsigned looks = 0;    // turns that it has waited since anything else has happened
    bool is_lost = false;  // nobody can end its wait
    word has_ended{0};
};

simulation::simulation(std::uint64_t seed)
    : seed_(seed),
      thread_(std::this_thread::get_id()),
      random_(seed),
      switch_one_in_(std::uint64_t{2} << random() % 4),
      pass_over_one_in_(std::uint64_t{2} << random() % 4),
      now_(beginning),
      strands_{std::make_shared<strand>(*this, next_number_++)},
      running_(strands_.front().get()),
      older_(std::exchange(newest, this)) {
    current_platform = this;
}

simulation::~simulation() {
    reap();
    if (strands_.size() != 1) fail_check("pollux: simulation: ends while one of its threads lives");
    simulation** link = &newest;
    while (*link != this) link = &(*link)->older_;
    *link = older_;
    current_platform = newest;
}

bool simulation::is_on_first() const noexcept { return running_ == strands_.front().get(); }

// splitmix64: two seeds that follow each other give sequences without likeness.
std::uint64_t simulation::random() noexcept {
    random_ += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = random_;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    return mixed ^ mixed >> 31;
}

// --- who goes on -------------------------------------------------------------------------------------------------------------

bool simulation::can_go_on(const strand& one) const noexcept {
    switch (one.is) {
        case state::ready: return true;
        case state::waits:
            return one.deadline <= now_ || one.waited_for->load(std::memory_order::relaxed) != one.value;  // one thread
        case state::waits_a_turn: return one.deadline <= now_;
        case state::advances:
        case state::ended: return false;
    }
    __builtin_unreachable();
}

simulation::strand& simulation::next() noexcept {
    for (;;) {
        candidates_.clear();
        for (const auto& each : strands_)
            if (can_go_on(*each)) candidates_.push_back(each.get());
        const std::size_t ready = candidates_.size();
        for (const auto& each : strands_)
            if (each->is == state::waits_a_turn && !can_go_on(*each) && (ready != 0 || each->looks < most_looks))
                candidates_.push_back(each.get());
        if (candidates_.empty()) {
            if (jump()) continue;
            return stalled();
        }
        const std::size_t chosen = random() % candidates_.size();
        if (chosen < ready)
            something_happens();
        else
            ++candidates_[chosen]->looks;
        return *candidates_[chosen];
    }
}

void simulation::something_happens() noexcept {
    for (const auto& each : strands_) each->looks = 0;
}

// Nobody can go on at this moment. False: nor at a later one.
bool simulation::jump() noexcept {
    time_point earliest = time_point::max();
    for (const auto& each : strands_)
        if (each->is == state::waits || each->is == state::waits_a_turn) earliest = std::min(earliest, each->deadline);
    // After all that is due at that moment.
    if (strand& first = *strands_.front(); first.is == state::advances && first.deadline < earliest) {
        first.is = state::ready;
        earliest = first.deadline;
    }
    if (earliest == time_point::max()) return false;
    something_happens();
    if (earliest == now_) return true;
    now_ = earliest;
    note("the clock is at %lld\n", since_beginning(now_));
    return true;
}

simulation::strand& simulation::stalled() noexcept {
    for (const auto& each : strands_) {
        if (!each->in_block_on) continue;
        each->is_lost = true;
        each->is = state::ready;
        something_happens();
        note("stalled: thread %u gives up\n", each->number);
        return *each;
    }
    fail_check(describe().c_str());
}

std::string simulation::describe() const {
    std::string text = "pollux: sim_runtime: nothing can run and no sleep is armed, so a wait would never end: ";
    for (const auto& each : strands_) {
        if (each->is == state::ended) continue;
        text += "thread " + std::to_string(each->number) +
                (each->in_block_on                 ? " is in block_on, "
                 : each->is == state::waits_a_turn ? " waits for another thread, "
                                                   : " sleeps, ");
    }
    text += "seed " + std::to_string(seed_) + "; was a wake-up lost, or does it come from outside?\n";
    return runtime_ != nullptr ? text + runtime_->describe() : text;
}

void simulation::suspend(const char* where) noexcept {
    strand& chosen = next();
    if (&chosen != running_) go_on(chosen, where);
    running_->is = state::ready;
}

void simulation::go_on(strand& chosen, const char* where) noexcept {
    note("%u -> %u: %s\n", running_->number, chosen.number, where);
    strand& left = *std::exchange(running_, &chosen);
    left.runs_on.switch_to(chosen.runs_on, left.is == state::ended);
}

// --- what a thread does ------------------------------------------------------------------------------------------------------

void simulation::yield_point(const char* where) noexcept {
    if (random() % switch_one_in_ == 0) suspend(where);
}

bool simulation::wait(const word& waited_for, std::uint32_t value, time_point deadline) noexcept {
    strand& self = *running_;
    self.waited_for = &waited_for;
    self.value = value;
    self.deadline = deadline;
    self.is = state::waits;
    suspend("sleeps");
    self.deadline = time_point::max();
    return now_ < deadline || waited_for.load(std::memory_order::relaxed) != value;  // one thread
}

void simulation::wait_in_block_on(const word& waited_for, std::uint32_t value, const runtime_core* runtime) {
    if (runtime != nullptr && runtime != runtime_) return platform::wait_in_block_on(waited_for, value, runtime);
    strand& self = *running_;
    self.in_block_on = true;
    wait(waited_for, value, time_point::max());
    const std::string found = self.is_lost ? describe() : std::string();
    self.in_block_on = false;
    if (std::exchange(self.is_lost, false)) throw testing::assertion_failed(found);
}

void simulation::wait_a_turn(time_point deadline) noexcept {
    strand& self = *running_;
    self.deadline = deadline;
    self.is = state::waits_a_turn;
    suspend("waits a turn");
    self.deadline = time_point::max();
}

void simulation::run_until(time_point moment) noexcept {
    strand& self = *running_;
    self.deadline = std::max(moment, now_);
    self.is = state::advances;
    suspend("advances");
    self.deadline = time_point::max();
}

bool simulation::prefers_later_ones() noexcept { return random() % pass_over_one_in_ == 0; }

void simulation::runs(runnable& item) noexcept {
    task_header* const task = item.owner();
    if (task == nullptr) return note("%u takes finished jobs\n", running_->number);
    const auto known = tasks_.try_emplace(task->identity().id.value, static_cast<unsigned>(tasks_.size() + 1)).first;
    note("%u runs task %u\n", running_->number, known->second);
}

std::shared_ptr<platform_thread> simulation::start(std::function<void()> body) {
    reap();
    auto stack = free_stacks_.empty() ? std::make_unique<fiber_stack>() : std::move(free_stacks_.back());
    if (!free_stacks_.empty()) free_stacks_.pop_back();
    strands_.push_back(nullptr);
    candidates_.reserve(strands_.size());
    auto run = [this, body = std::move(body)] {
        body();
        running_->has_ended.store(1, std::memory_order::relaxed);  // one thread
        running_->is = state::ended;
        suspend("has ended");
    };
    auto made = std::make_shared<strand>(*this, next_number_++, std::move(stack), std::move(run));
    strands_.back() = made;
    note("%u starts %u\n", running_->number, made->number);
    return made;
}

// Not the one that runs: its stack is in use.
void simulation::reap() noexcept {
    std::erase_if(strands_, [this](const std::shared_ptr<strand>& each) {
        if (each->is != state::ended || each.get() == running_) return false;
        free_stacks_.push_back(std::move(each->stack));
        return true;
    });
}

void simulation::note(const char* format, ...) noexcept {
    char line[160];
    va_list arguments;
    va_start(arguments, format);
    const int length = std::vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    log_.append(line, std::min(static_cast<std::size_t>(length), sizeof line - 1));
}

}  // namespace pollux::inline v0::detail
