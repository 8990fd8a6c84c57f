// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "process/file_descriptor.h"

namespace curfew::testing {

struct ListenOptions {
  std::uint16_t port = 0;  // 0: the kernel's choice
  bool reuse_address = true;
  bool reuse_port = false;
  bool ipv6_only = false;
  std::string device = {};  // SO_BINDTODEVICE
};

// A listening TCP socket; throws std::system_error.
[[nodiscard]] process::FileDescriptor Listen(const std::string& host, const ListenOptions& options = {});
[[nodiscard]] std::uint16_t PortOf(const process::FileDescriptor& socket);
[[nodiscard]] std::uint64_t InodeOf(const process::FileDescriptor& socket);
// A connection to 127.0.0.1:port.
[[nodiscard]] process::FileDescriptor ConnectTo(std::uint16_t port);
[[nodiscard]] process::FileDescriptor Accept(const process::FileDescriptor& listener);
void Send(const process::FileDescriptor& socket, std::string_view text);
// What has arrived, up to the blank line that ends a request's header.
[[nodiscard]] std::string ReceiveHeader(const process::FileDescriptor& socket);
[[nodiscard]] bool HasIpv6();

// A Unix socket at this path that listens; of SOCK_STREAM or another type.
[[nodiscard]] process::FileDescriptor ListenUnix(const std::filesystem::path& path, int type,
                                                 int backlog = 8);

// An empty directory, removed with what is in it.
class TempDir {
 public:
  TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  // Appends to a file in it.
  void Append(const std::string& file, std::string_view text) const;

 private:
  std::filesystem::path path_;
};

}  // namespace curfew::testing
