// SPDX-License-Identifier: MIT
// What the truth tables watch: a journal of what happens in one cell, values and errors that are counted, futures and closures that
// write into it, and how an answer reads as text.
#pragma once

#include <cstddef>
#include <exception>
#include <expected>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "pollux/core/context.hpp"
#include "pollux/core/polled.hpp"
#include "pollux/core/waker.hpp"

namespace pollux::test {

// How an input ends.
enum class ending { value, error, pending_then_value, pending_then_error, exception, never };
inline constexpr ending all_endings[] = {
    ending::value,     ending::error, ending::pending_then_value, ending::pending_then_error,
    ending::exception, ending::never};
inline constexpr const char* ending_names[] = {"value",     "error", "pending then value", "pending then error",
                                               "exception", "never"};

constexpr bool begins_pending(ending how) {
    return how == ending::pending_then_value || how == ending::pending_then_error || how == ending::never;
}

/// For one thread.
class journal {
public:
    void note(const std::string& what) {
        if (!text_.empty()) text_ += ' ';
        text_ += what;
    }
    const std::string& text() const { return text_; }

    /// Counted objects that live; destroying one twice makes it negative.
    int live = 0;
    int polls = 0;
    /// How often there was an event.
    int fired = 0;

    void keep(const waker& latest) { kept_ = latest; }
    /// The event that a pending input waits for. False: nobody waits for one.
    bool fire() {
        const waker kept = std::exchange(kept_, waker());
        if (!kept) return false;
        ++fired;
        kept.wake();
        return true;
    }
    void forget() { kept_ = waker(); }

    /// How many values and errors were copied.
    int copies = 0;

private:
    std::string text_;
    waker kept_;
};

// A value or an error whose living objects are counted, moved-from ones too.
template <char Kind>
class counted {
public:
    counted(journal& where, int number) noexcept : journal_(&where), number_(number) { ++where.live; }
    counted(const counted& other) noexcept : journal_(other.journal_), number_(other.number_) {
        ++journal_->live;
        ++journal_->copies;
    }
    counted(counted&& other) noexcept : journal_(other.journal_), number_(std::exchange(other.number_, -1)) {
        ++journal_->live;
    }
    counted& operator=(const counted& other) noexcept {
        journal_ = other.journal_;
        number_ = other.number_;
        ++journal_->copies;
        return *this;
    }
    counted& operator=(counted&& other) noexcept {
        journal_ = other.journal_;
        number_ = std::exchange(other.number_, -1);
        return *this;
    }
    ~counted() { --journal_->live; }

    journal& where() const { return *journal_; }
    int number() const { return number_; }
    bool operator==(const counted& other) const { return number_ == other.number_; }

private:
    journal* journal_;
    int number_;  // negative: moved from
};
using thing = counted<'t'>;
using problem = counted<'p'>;

/// A name that is noted with "~" in front when it is destroyed, once it has not been moved from.
class named {
public:
    named(journal& where, std::string name) : journal_(&where), name_(std::move(name)) { ++where.live; }
    named(named&& other) noexcept : journal_(std::exchange(other.journal_, nullptr)), name_(std::move(other.name_)) {}
    named& operator=(named&&) = delete;
    ~named() {
        if (journal_ == nullptr) return;
        --journal_->live;
        journal_->note("~" + name_);
    }

    journal& where() const { return *journal_; }
    const std::string& name() const { return name_; }

private:
    journal* journal_;
    std::string name_;
};

/// A future that ends as it is told; each poll and its destruction are noted.
template <class T = thing, class E = problem>
class [[nodiscard]] scripted {
public:
    using value_type = T;
    using error_type = E;

    scripted(journal& where, std::string name, ending how, int number = 1)
        : named_(where, std::move(name)), how_(how), number_(number) {}

    polled<T, E> poll(context& cx) {
        journal& where = named_.where();
        where.note(named_.name());
        ++where.polls;
        switch (how_) {
            case ending::pending_then_value: return wait(cx, ending::value);
            case ending::pending_then_error: return wait(cx, ending::error);
            case ending::never: return pending;
            case ending::exception: throw std::runtime_error("thrown");
            case ending::error:
                if constexpr (std::is_same_v<E, never>)
                    break;
                else
                    return polled<T, E>::failed(E(where, number_));
            case ending::value: break;
        }
        if constexpr (std::is_void_v<T>)
            return polled<T, E>::ready();
        else
            return polled<T, E>::ready(T(where, number_));
    }

private:
    polled<T, E> wait(context& cx, ending next) {
        how_ = next;
        named_.where().keep(cx.waker());
        return pending;
    }

    named named_;
    ending how_;
    int number_;
};

/// A callable that notes its calls and its destruction.
template <class Fn>
class noting {
public:
    noting(journal& where, std::string name, Fn fn) : named_(where, std::move(name)), fn_(std::move(fn)) {}

    template <class... Args>
        requires std::is_invocable_v<Fn&, Args...>
    decltype(auto) operator()(Args&&... args) {
        named_.where().note(named_.name());
        return fn_(std::forward<Args>(args)...);
    }

private:
    named named_;
    Fn fn_;
};

// --- answers as text ---------------------------------------------------------------------------------------------------------

inline std::string shown(unit) { return "unit"; }
inline std::string shown(bool b) { return b ? "true" : "false"; }
inline std::string shown(int n) { return std::to_string(n); }
inline std::string shown(std::size_t n) { return std::to_string(n); }
inline std::string shown(const thing& t) { return t.number() < 0 ? "moved-from" : std::to_string(t.number()); }
inline std::string shown(const problem& p) { return p.number() < 0 ? "moved-from" : "e" + std::to_string(p.number()); }
inline std::string shown(const std::exception_ptr&) { return "exception"; }

template <class A, class B>
std::string shown(const std::pair<A, B>& p);
template <class... Ts>
std::string shown(const std::tuple<Ts...>& t);
template <class... Ts>
std::string shown(const std::variant<Ts...>& v);
template <class T>
std::string shown(const std::vector<T>& v);
template <class T>
std::string shown(const std::optional<T>& o);
template <class T, class E>
std::string shown(const std::expected<T, E>& x) {
    if (!x.has_value()) return shown(x.error());
    if constexpr (std::is_void_v<T>)
        return "void";
    else
        return shown(*x);
}
template <class T>
std::string shown(const std::optional<T>& o) {
    return o.has_value() ? shown(*o) : "end";
}
template <class A, class B>
std::string shown(const std::pair<A, B>& p) {
    return "(" + shown(p.first) + "," + shown(p.second) + ")";
}
template <class... Ts>
std::string shown(const std::tuple<Ts...>& t) {
    std::string text;
    std::apply([&](const auto&... each) { ((text += (text.empty() ? "" : ",") + shown(each)), ...); }, t);
    return "(" + text + ")";
}
template <class... Ts>
std::string shown(const std::variant<Ts...>& v) {
    return std::to_string(v.index()) + ":" + std::visit([](const auto& each) { return shown(each); }, v);
}
template <class T>
std::string shown(const std::vector<T>& v) {
    std::string text;
    for (const auto& each : v) text += (text.empty() ? "" : ",") + shown(each);
    return "[" + text + "]";
}
template <class T, class E>
std::string shown(polled<T, E>& answer) {
    if (answer.is_pending()) return "pending";
    if (answer.has_error()) {
        if constexpr (!std::is_same_v<E, never>) return shown(answer.error());
    }
    if constexpr (std::is_same_v<T, never>)
        return "never";
    else if constexpr (std::is_void_v<T>)
        return "void";
    else
        return shown(answer.value());
}

}  // namespace pollux::test
