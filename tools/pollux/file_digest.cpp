// SPDX-License-Identifier: MIT
// System calls and OpenSSL calls behind file_digest.hpp.

#include "file_digest.hpp"

#include <openssl/evp.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

namespace pollux_tool {

namespace {

void check(int ok, const char* what) {
    if (ok != 1) throw std::runtime_error(what);
}

struct free_algorithm {
    void operator()(EVP_MD* it) const { EVP_MD_free(it); }
};

}  // namespace

std::expected<opened_file, std::error_code> open_regular(const found_path& found) {
    const int at = found.directory ? found.directory->get() : AT_FDCWD;
    // The walk has seen a regular file here. O_NONBLOCK is for what may have replaced it since: opening a FIFO would
    // wait for a writer; and for files under /proc whose read would wait for events: they fail instead.
    opened_file out;
    out.file = descriptor(::openat(at, found.name(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
    struct stat status{};
    if (!out.file || ::fstat(out.file.get(), &status) != 0) {
        return std::unexpected(std::error_code(errno, std::generic_category()));
    }
    if (!S_ISREG(status.st_mode)) return std::unexpected(std::make_error_code(std::errc::operation_not_supported));
    out.bytes = static_cast<std::uint64_t>(status.st_size);
    return out;
}

std::expected<std::size_t, std::error_code> read_full(const descriptor& file, std::span<std::byte> into) {
    std::size_t filled = 0;
    while (filled < into.size()) {
        const auto got = ::read(file.get(), into.data() + filled, into.size() - filled);
        if (got == 0) break;
        if (got > 0) {
            filled += static_cast<std::size_t>(got);
        } else if (errno != EINTR) {
            return std::unexpected(std::error_code(errno, std::generic_category()));
        }
    }
    return filled;
}

void sha256_hasher::free_context::operator()(EVP_MD_CTX* it) const { EVP_MD_CTX_free(it); }

sha256_hasher::sha256_hasher() : context_(EVP_MD_CTX_new()) {
    if (!context_) throw std::bad_alloc();
    const std::unique_ptr<EVP_MD, free_algorithm> algorithm(EVP_MD_fetch(nullptr, "SHA256", nullptr));
    if (!algorithm) throw std::runtime_error("pollux: sum: this OpenSSL has no SHA-256; check its configuration");
    check(EVP_DigestInit_ex(context_.get(), algorithm.get(), nullptr), "pollux: sum: OpenSSL cannot start SHA-256");
}

void sha256_hasher::update(std::span<const std::byte> bytes) {
    check(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()), "pollux: sum: SHA-256 failed in OpenSSL");
}

sha256_digest sha256_hasher::finish() {
    sha256_digest out;
    check(EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(out.data()), nullptr),
          "pollux: sum: SHA-256 failed in OpenSSL");
    // Without an algorithm the context keeps the one it has: nothing is looked up or allocated again.
    check(EVP_DigestInit_ex(context_.get(), nullptr, nullptr), "pollux: sum: OpenSSL cannot start SHA-256");
    return out;
}

}  // namespace pollux_tool
