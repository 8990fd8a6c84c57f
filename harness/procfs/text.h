// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace curfew::procfs {

// The whole text of a file, or nothing if it cannot be opened or read to its end; errno says why. A process may point
// its argv and environment at anything (PR_SET_MM), so what is beyond 16 MiB is cut, if nothing else is asked for.
//
// Not std::ifstream with istreambuf_iterator: a file of /proc fails with ESRCH when its process ends between open and
// read, which libstdc++'s file buffer throws out of there.
inline constexpr std::size_t kMostOfProc = std::size_t{16} << 20;
[[nodiscard]] std::optional<std::string> ReadWhole(const std::string& path, std::size_t most = kMostOfProc);

// Calls `each` with the name of every entry of a directory, in the directory's own order, "." and ".." too.
// False if it cannot be opened or listed to its end.
// Not readdir(3), whose 32 KiB buffer doubles the calls that a /proc with many processes takes.
bool ListDirectory(const std::string& path,
                   const std::function<void(int directory_fd, const char* name)>& each);

// Takes the text up to the separator off the front of `rest`, which is empty after the last part.
[[nodiscard]] std::string_view TakeUntil(std::string_view& rest, char separator);

// Takes the next word off the front of `rest`: words are parted by any number of spaces and tabs.
[[nodiscard]] std::string_view TakeWord(std::string_view& rest);

// The number the text is: all of it, nothing around it.
template <class Number>
[[nodiscard]] std::optional<Number> ParseNumber(std::string_view text, int base = 10) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// The inode of the socket that the text of a link in /proc/PID/fd stands for, "socket:[4711]"; nothing for another.
[[nodiscard]] std::optional<std::uint64_t> SocketInode(std::string_view link);

}  // namespace curfew::procfs
