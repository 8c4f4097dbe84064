// SPDX-License-Identifier: MIT
// The walk of one tree (tree_walk) and the merge of several (path_walk). The header holds the argument for the order.
//
// A tree of any depth is walked with few descriptors and without PATH_MAX: every open names one entry of an open
// directory. When the walk comes back to a directory whose descriptor it had let go, it opens it again from the nearest
// ancestor that is still open, at most 256 levels above, and compares device and inode: a tree that was moved meanwhile
// is an error, never another tree.

#include "path_walk.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

namespace pollux_tool {

namespace {

// Descriptors kept per walk: enough that ordinary trees never open a directory twice, few enough that a walk, the files
// in flight and the runtime stay far below the usual limit of 1024.
constexpr std::size_t nearest_kept = 64;
constexpr std::size_t landmark_distance = 256;  // a way back of at most 256 names, and 400 descriptors at depth 100,000

constexpr std::size_t entry_buffer_bytes = 64 * 1024;  // one getdents64 for nearly every directory

constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK;

std::error_code last_error() { return {errno, std::generic_category()}; }

unsigned char type_of_mode(mode_t mode) {
    if (S_ISREG(mode)) return DT_REG;
    return S_ISDIR(mode) ? DT_DIR : DT_UNKNOWN;
}

}  // namespace

// ------------------------------------------------------------------------------------------------------------------
// One tree

class tree_walk {
public:
    explicit tree_walk(std::string root) : path_(std::move(root)) {}

    std::optional<found_path> next(const std::stop_token& stop);

private:
    struct level {
        std::shared_ptr<const descriptor> directory;  // null: let go, see reopen()
        dev_t device = 0;
        ino_t inode = 0;
        std::size_t path_bytes = 0;      // of path_, up to and with this directory's '/'
        std::string keys;                // `name` or `name/`, each ended by a zero byte
        std::vector<std::size_t> order;  // where each key begins, in byte order of the keys
        std::size_t next = 0;
    };

    std::optional<found_path> start(const std::stop_token& stop);
    std::error_code enter(int parent, const char* name, int extra_flags, const std::stop_token& stop);
    std::error_code read_entries(level& into, const std::stop_token& stop);
    std::error_code reopen(std::size_t index);
    void let_go_of_far_ancestors();
    bool is_ancestor(dev_t device, ino_t inode) const;
    found_path failure(std::error_code error) const;

    std::string path_;  // the root as given, then whatever is being looked at
    std::vector<level> levels_;
    std::vector<char> buffer_;
    bool started_ = false;
    std::error_code read_error_;  // of the directory just entered: its entries so far are walked all the same
};

found_path tree_walk::failure(std::error_code error) const {
    found_path out;
    out.path = path_;
    if (!levels_.empty() && out.path.size() > 1 && out.path.back() == '/')
        out.path.pop_back();  // a root stays as given
    out.error = error;
    return out;
}

std::optional<found_path> tree_walk::next(const std::stop_token& stop) {
    if (!std::exchange(started_, true)) {
        if (auto first = start(stop)) return first;
    }
    while (!levels_.empty() && !stop.stop_requested()) {
        if (read_error_) {
            path_.resize(levels_.back().path_bytes);
            return failure(std::exchange(read_error_, {}));
        }
        level& here = levels_.back();
        if (here.next == here.order.size()) {
            levels_.pop_back();
            continue;
        }
        const char* key = here.keys.data() + here.order[here.next++];
        path_.resize(here.path_bytes);
        path_ += key;
        if (!here.directory) {
            if (const auto error = reopen(levels_.size() - 1)) return failure(error);
        }
        if (path_.back() != '/') {
            found_path out;
            out.path = path_;
            out.directory = here.directory;
            out.name_at = here.path_bytes;
            return out;
        }
        const std::string name(key, std::strlen(key) - 1);
        if (const auto error = enter(here.directory->get(), name.c_str(), O_NOFOLLOW, stop)) return failure(error);
    }
    return std::nullopt;
}

// A root that is a file is found at once; one that is a directory becomes the first level; anything else has no files.
std::optional<found_path> tree_walk::start(const std::stop_token& stop) {
    struct stat status{};
    if (::lstat(path_.c_str(), &status) != 0) return failure(last_error());
    if (S_ISREG(status.st_mode)) {
        found_path out;
        out.path = path_;
        return out;
    }
    if (!S_ISDIR(status.st_mode)) return std::nullopt;
    const std::string root = path_;
    if (path_.back() != '/') path_ += '/';
    const auto error = enter(AT_FDCWD, root.c_str(), 0, stop);
    if (!error) return std::nullopt;
    path_ = root;
    return failure(error);
}

// Opens the directory that path_ (with its '/') names, and makes it the deepest level.
std::error_code tree_walk::enter(int parent, const char* name, int extra_flags, const std::stop_token& stop) {
    descriptor opened(::openat(parent, name, directory_flags | extra_flags));
    if (!opened) return last_error();
    struct stat status{};
    if (::fstat(opened.get(), &status) != 0) return last_error();
    if (is_ancestor(status.st_dev, status.st_ino))
        return std::make_error_code(std::errc::too_many_symbolic_link_levels);

    level entered;
    entered.directory = std::make_shared<const descriptor>(std::move(opened));
    entered.device = status.st_dev;
    entered.inode = status.st_ino;
    entered.path_bytes = path_.size();
    read_error_ = read_entries(entered, stop);
    levels_.push_back(std::move(entered));
    let_go_of_far_ancestors();
    return {};
}

std::error_code tree_walk::read_entries(level& into, const std::stop_token& stop) {
    const int fd = into.directory->get();
    std::error_code error;
    buffer_.resize(entry_buffer_bytes);
    while (!stop.stop_requested()) {
        const auto bytes = ::getdents64(fd, buffer_.data(), buffer_.size());
        if (bytes < 0) error = last_error();
        if (bytes <= 0) break;
        for (std::size_t at = 0; at < static_cast<std::size_t>(bytes);) {
            const auto* entry = reinterpret_cast<const dirent64*>(buffer_.data() + at);
            at += entry->d_reclen;
            const std::string_view name = entry->d_name;
            if (name == "." || name == "..") continue;
            auto type = entry->d_type;
            if (type == DT_UNKNOWN) {
                // Some file systems do not say. One that cannot be asked counts as a file: opening it gives the reason.
                struct stat status{};
                const bool known = ::fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0;
                type = known ? type_of_mode(status.st_mode) : static_cast<unsigned char>(DT_REG);
            }
            if (type != DT_REG && type != DT_DIR) continue;
            into.order.push_back(into.keys.size());
            into.keys += name;
            if (type == DT_DIR) into.keys += '/';
            into.keys += '\0';
        }
    }
    const char* keys = into.keys.data();
    std::ranges::sort(into.order, [keys](auto a, auto b) { return std::strcmp(keys + a, keys + b) < 0; });
    return error;
}

std::error_code tree_walk::reopen(std::size_t index) {
    std::size_t from = index;
    while (!levels_[from].directory) --from;  // level 0 is a landmark: always open
    auto at = levels_[from].directory;
    std::string_view rest(path_);
    rest = rest.substr(levels_[from].path_bytes, levels_[index].path_bytes - levels_[from].path_bytes);
    while (!rest.empty()) {
        const auto cut = rest.size() < PATH_MAX ? rest.size() : rest.rfind('/', PATH_MAX - 2) + 1;
        descriptor step(::openat(at->get(), std::string(rest.substr(0, cut)).c_str(), directory_flags));
        if (!step) return last_error();
        at = std::make_shared<const descriptor>(std::move(step));
        rest.remove_prefix(cut);
    }
    struct stat status{};
    if (::fstat(at->get(), &status) != 0) return last_error();
    if (status.st_dev != levels_[index].device || status.st_ino != levels_[index].inode) {
        return std::make_error_code(std::errc::no_such_file_or_directory);
    }
    levels_[index].directory = std::move(at);
    return {};
}

// Called when a level was added: exactly one ancestor falls out of the nearest ones.
void tree_walk::let_go_of_far_ancestors() {
    if (levels_.size() <= nearest_kept) return;
    const auto far = levels_.size() - nearest_kept - 1;
    if (far % landmark_distance != 0) levels_[far].directory.reset();
}

bool tree_walk::is_ancestor(dev_t device, ino_t inode) const {
    return std::ranges::any_of(levels_, [&](const level& it) { return it.device == device && it.inode == inode; });
}

// ------------------------------------------------------------------------------------------------------------------
// Several trees

struct path_walk::source {
    found_path head;  // before the walk has started: the root's text and nothing else
    std::size_t root_index = 0;
    std::unique_ptr<tree_walk> walk;
    bool has_started = false;

    // The greatest first, as heaps are. Equal paths come in the order of their roots.
    static bool comes_later(const source& a, const source& b) {
        const int order = a.head.path.compare(b.head.path);  // by char_traits: as unsigned bytes
        return order != 0 ? order > 0 : a.root_index > b.root_index;
    }
};

path_walk::path_walk(std::vector<std::string> roots) {
    heap_.reserve(roots.size());
    for (auto& root : roots) {
        source it;
        it.root_index = heap_.size();
        it.head.path = std::move(root);
        heap_.push_back(std::move(it));
    }
    std::ranges::make_heap(heap_, source::comes_later);
}

path_walk::path_walk(path_walk&&) noexcept = default;
path_walk& path_walk::operator=(path_walk&&) noexcept = default;
path_walk::~path_walk() = default;

std::optional<found_path> path_walk::next(const std::stop_token& stop) {
    while (!heap_.empty() && !stop.stop_requested()) {
        std::ranges::pop_heap(heap_, source::comes_later);
        source& earliest = heap_.back();
        std::optional<found_path> out;
        if (std::exchange(earliest.has_started, true)) {
            out = std::move(earliest.head);
        } else {
            earliest.walk = std::make_unique<tree_walk>(earliest.head.path);
        }
        if (auto following = earliest.walk->next(stop)) {
            earliest.head = *std::move(following);
            std::ranges::push_heap(heap_, source::comes_later);
        } else {
            heap_.pop_back();
        }
        if (out) return out;
    }
    return std::nullopt;
}

}  // namespace pollux_tool
