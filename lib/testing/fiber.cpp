// SPDX-License-Identifier: MIT
#include "testing/fiber.hpp"

#include <cxxabi.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <new>
#include <utility>

#include "core/address_sanitizer.hpp"
#include "pollux/core/block_cache.hpp"
#include "pollux/core/execution.hpp"
#include "pollux/core/sync_policy.hpp"

#if defined(POLLUX_ADDRESS_SANITIZER)
extern "C" void __sanitizer_start_switch_fiber(void** fake_stack_save, const void* bottom, std::size_t size);
extern "C" void __sanitizer_finish_switch_fiber(void* fake_stack_save, const void** bottom_old, std::size_t* size_old);
#endif
#if defined(POLLUX_THREAD_SANITIZER)
extern "C" void* __tsan_get_current_fiber();
extern "C" void* __tsan_create_fiber(unsigned flags);
extern "C" void __tsan_destroy_fiber(void* fiber);
extern "C" void __tsan_switch_to_fiber(void* fiber, unsigned flags);
#endif

namespace pollux::inline v0::detail {

namespace {

std::size_t page() noexcept {
    static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return size;
}

// Who has switched last, and to whom: the first thing that a fiber asks when it goes on.
constinit thread_local fiber* left = nullptr;
constinit thread_local fiber* entered = nullptr;

}  // namespace

fiber_stack::fiber_stack()
    : mapped_(
          ::mmap(nullptr, bytes + page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {
    if (mapped_ == MAP_FAILED) throw std::bad_alloc();
    ::mprotect(mapped_, page(), PROT_NONE);
}

fiber_stack::~fiber_stack() { ::munmap(mapped_, bytes + page()); }

void* fiber_stack::bottom() const noexcept { return static_cast<char*>(mapped_) + page(); }

fiber::fiber() noexcept {
#if defined(POLLUX_THREAD_SANITIZER)
    thread_ = __tsan_get_current_fiber();
#endif
}

fiber::fiber(const fiber_stack& stack, std::function<void()> body)
    : body_(std::move(body)), bottom_(stack.bottom()), size_(fiber_stack::bytes) {
    ::getcontext(&context_);
    context_.uc_stack.ss_sp = stack.bottom();
    context_.uc_stack.ss_size = fiber_stack::bytes;
    context_.uc_link = nullptr;
    ::makecontext(&context_, &fiber::enter, 0);
#if defined(POLLUX_THREAD_SANITIZER)
    thread_ = __tsan_create_fiber(0);
#endif
}

fiber::~fiber() {
#if defined(POLLUX_THREAD_SANITIZER)
    if (body_) __tsan_destroy_fiber(thread_);
#endif
}

void fiber::switch_to(fiber& next, [[maybe_unused]] bool for_good) noexcept {
    void* const globals = abi::__cxa_get_globals();
    std::memcpy(&exceptions_, globals, sizeof exceptions_);
    std::memcpy(globals, &next.exceptions_, sizeof exceptions_);
    execution_ = std::exchange(current_execution, next.execution_);
    blocks_ = std::exchange(current_blocks, next.blocks_);
    waited_for_ = std::exchange(waits_for_us, next.waited_for_);
    left = this;
    entered = &next;
#if defined(POLLUX_ADDRESS_SANITIZER)
    __sanitizer_start_switch_fiber(for_good ? nullptr : &fake_stack_, next.bottom_, next.size_);
#endif
#if defined(POLLUX_THREAD_SANITIZER)
    __tsan_switch_to_fiber(next.thread_, 0);
#endif
    ::swapcontext(&context_, &next.context_);
    arrive();
}

void fiber::arrive() noexcept {
#if defined(POLLUX_ADDRESS_SANITIZER)
    // The bounds of a thread's own stack are learnt from whoever leaves it.
    const void* bottom = nullptr;
    std::size_t size = 0;
    __sanitizer_finish_switch_fiber(fake_stack_, &bottom, &size);
    left->bottom_ = bottom;
    left->size_ = size;
#endif
}

void fiber::enter() noexcept {
    fiber& self = *entered;
    self.arrive();
    self.body_();
}

}  // namespace pollux::inline v0::detail
