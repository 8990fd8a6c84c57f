// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "process/result.h"

namespace curfew::readiness {

// Where a Unix socket is to be found (unix(7)): a path, or "@name" in the abstract namespace.
struct UnixAddress {
  std::string text;

  [[nodiscard]] bool abstract() const { return text.starts_with('@'); }
  // What bind(2) and connect(2) take at most: a path without its final NUL, a name with the NUL before it.
  static constexpr std::size_t kLongest = 107;
};

// One socket that is bound to an address.
struct UnixSocket {
  std::uint64_t inode = 0;
  int type = 0;  // SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET
  bool listens = false;
  uid_t uid = 0;
};

// The seam between the probes and the kernel's table of Unix sockets; unit tests put a table of their own in.
class UnixTable {
 public:
  virtual ~UnixTable() = default;
  // Every socket bound to the address, connections that were accepted there left out. Connects to nothing.
  [[nodiscard]] virtual process::Result<std::vector<UnixSocket>> At(const UnixAddress& address) = 0;
};

// The real table, by sock_diag(7). A path is compared by the file it leads to, not by its text: servers bind to
// relative paths.
[[nodiscard]] std::unique_ptr<UnixTable> MakeUnixTable();

}  // namespace curfew::readiness
