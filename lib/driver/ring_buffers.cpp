// SPDX-License-Identifier: MIT
#include "driver/ring_buffers.hpp"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <system_error>

namespace pollux::inline v0::detail {

ring_buffers::ring_buffers(int ring, unsigned count, unsigned bytes) : count_(count), bytes_(bytes) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t head = (count * sizeof(io_uring_buf) + page - 1) / page * page;
    mapped_bytes_ = head + std::size_t{count} * bytes;
    void* const at = ::mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    io_uring_buf_reg asked{};
    asked.ring_addr = reinterpret_cast<std::uintptr_t>(at);
    asked.ring_entries = count;
    asked.bgid = group;
    if (at == MAP_FAILED || ::syscall(SYS_io_uring_register, ring, IORING_REGISTER_PBUF_RING, &asked, 1) != 0) {
        const int error = errno;
        if (at != MAP_FAILED) ::munmap(at, mapped_bytes_);
        throw std::system_error(error, std::system_category(),
                                "pollux: runtime: io = uring: no memory for its buffers; use io_driver::epoll");
    }
    entries_ = static_cast<io_uring_buf*>(at);
    data_ = static_cast<char*>(at) + head;
    for (unsigned id = 0; id != count; ++id) give_back(id);
}

ring_buffers::~ring_buffers() { ::munmap(entries_, mapped_bytes_); }

void ring_buffers::give_back(unsigned id) noexcept {
    io_uring_buf& entry = entries_[tail_ & (count_ - 1)];
    entry.addr = reinterpret_cast<std::uintptr_t>(at(id));
    entry.len = bytes_;
    entry.bid = static_cast<unsigned short>(id);
    // Release: pairs with the kernel's acquire: shows the entry. The tail lies where the first entry has nothing.
    std::atomic_ref(entries_[0].resv).store(++tail_, std::memory_order::release);
}

}  // namespace pollux::inline v0::detail
