// SPDX-License-Identifier: Apache-2.0
#include "process/tail.h"

#include <algorithm>
#include <fstream>

namespace curfew::process {
namespace {

constexpr std::streamoff kMaxRead = 128 << 10;
constexpr std::size_t kMaxLine = 4 << 10;

}  // namespace

std::vector<std::string> TailLines(const std::filesystem::path& path, std::size_t lines) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return {};
  const std::streamoff size = file.tellg();
  const std::streamoff start = std::max<std::streamoff>(0, size - kMaxRead);
  std::string text(static_cast<std::size_t>(size - start), '\0');
  file.seekg(start);
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));

  std::vector<std::string> tail;
  while (!text.empty() && tail.size() < lines) {
    if (text.back() == '\n') text.pop_back();
    const auto newline = text.rfind('\n');
    const auto begin = newline == std::string::npos ? 0 : newline + 1;
    auto line = text.substr(begin);
    if (line.size() > kMaxLine) line = line.substr(0, kMaxLine) + "...";
    tail.push_back(std::move(line));
    text.resize(begin);
  }
  std::ranges::reverse(tail);
  return tail;
}

}  // namespace curfew::process
