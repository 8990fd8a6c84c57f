// SPDX-License-Identifier: Apache-2.0
#include "procfs/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace curfew::procfs {
namespace {

constexpr std::size_t kFirstRead = std::size_t{4} << 10;
constexpr std::size_t kListing = std::size_t{64} << 10;

// procfs may not depend on the process box, which has the real one.
class Descriptor {
 public:
  Descriptor(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

// One buffer of getdents64(2): records of varying length, each of which says its own.
void EachEntry(const char* buffer, std::size_t size, int fd,
               const std::function<void(int, const char*)>& each) {
  for (std::size_t at = 0; at < size;) {
    const char* record = buffer + at;
    unsigned short length = 0;
    std::memcpy(&length, record + offsetof(dirent64, d_reclen), sizeof length);
    each(fd, record + offsetof(dirent64, d_name));
    at += length;
  }
}

}  // namespace

std::optional<std::string> ReadWhole(const std::string& path, std::size_t most) {
  const Descriptor file(path, O_RDONLY);
  if (file.get() < 0) return std::nullopt;
  std::string text(kFirstRead, '\0');
  std::size_t size = 0;
  while (size < most) {
    if (size == text.size()) text.resize(2 * size);
    const ssize_t got = ::read(file.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return text;
}

bool ListDirectory(const std::string& path, const std::function<void(int, const char*)>& each) {
  const Descriptor directory(path, O_RDONLY | O_DIRECTORY);
  if (directory.get() < 0) return false;
  alignas(dirent64) std::array<char, kListing> buffer;  // not initialised: it would cost more than the call
  for (;;) {
    const long got = ::syscall(SYS_getdents64, directory.get(), buffer.data(), buffer.size());
    if (got < 0) return false;
    if (got == 0) return true;
    EachEntry(buffer.data(), static_cast<std::size_t>(got), directory.get(), each);
  }
}

std::string_view TakeUntil(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

std::string_view TakeWord(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
  const std::size_t end = std::min(rest.find_first_of(" \t"), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end);
  return word;
}

std::optional<std::uint64_t> SocketInode(std::string_view link) {
  constexpr std::string_view kPrefix = "socket:[";
  if (!link.starts_with(kPrefix) || !link.ends_with(']')) return std::nullopt;
  return ParseNumber<std::uint64_t>(link.substr(kPrefix.size(), link.size() - kPrefix.size() - 1));
}

}  // namespace curfew::procfs
