// SPDX-License-Identifier: Apache-2.0
#include "sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <system_error>

namespace curfew::testing {
namespace {

using process::FileDescriptor;

void Require(bool held, const char* what) {
  if (!held) throw std::system_error(errno, std::generic_category(), what);
}

void SetOption(const FileDescriptor& socket, int level, int option, int value) {
  Require(::setsockopt(socket.get(), level, option, &value, sizeof value) == 0, "setsockopt");
}

template <class Address>
bool Bind(const FileDescriptor& socket, const Address& address) {
  return ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

FileDescriptor Listen(const std::string& host, const ListenOptions& options) {
  const bool ipv6 = host.find(':') != std::string::npos;
  FileDescriptor socket(::socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  Require(socket.valid(), "socket");
  if (options.reuse_address) SetOption(socket, SOL_SOCKET, SO_REUSEADDR, 1);
  if (options.reuse_port) SetOption(socket, SOL_SOCKET, SO_REUSEPORT, 1);
  if (!options.device.empty()) {
    const auto size = static_cast<socklen_t>(options.device.size());
    Require(::setsockopt(socket.get(), SOL_SOCKET, SO_BINDTODEVICE, options.device.data(), size) == 0,
            "SO_BINDTODEVICE");
  }
  if (ipv6) SetOption(socket, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6_only ? 1 : 0);
  if (ipv6) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(options.port);
    ::inet_pton(AF_INET6, host.c_str(), &address.sin6_addr);
    Require(Bind(socket, address), "bind");
  } else {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(options.port);
    ::inet_pton(AF_INET, host.c_str(), &address.sin_addr);
    Require(Bind(socket, address), "bind");
  }
  Require(::listen(socket.get(), 16) == 0, "listen");
  return socket;
}

std::uint16_t PortOf(const FileDescriptor& socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  Require(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
  return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

std::uint64_t InodeOf(const FileDescriptor& socket) {
  struct stat status {};
  Require(::fstat(socket.get(), &status) == 0, "fstat");
  return status.st_ino;
}

FileDescriptor ConnectTo(std::uint16_t port) {
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  Require(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0,
          "connect");
  return socket;
}

FileDescriptor Accept(const FileDescriptor& listener) {
  FileDescriptor accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  Require(accepted.valid(), "accept");
  return accepted;
}

void Send(const FileDescriptor& socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL);
    Require(sent > 0, "send");
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::string ReceiveHeader(const FileDescriptor& socket) {
  std::string text;
  while (text.find("\r\n\r\n") == std::string::npos) {
    char byte = 0;
    Require(::recv(socket.get(), &byte, 1, 0) == 1, "recv");
    text += byte;
  }
  return text;
}

bool HasIpv6() {
  try {
    return Listen("::1").valid();
  } catch (const std::system_error&) {
    return false;
  }
}

FileDescriptor ListenUnix(const std::filesystem::path& path, int type, int backlog) {
  FileDescriptor socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.native().copy(address.sun_path, sizeof address.sun_path - 1);
  Require(Bind(socket, address), "bind");
  if (type != SOCK_DGRAM) Require(::listen(socket.get(), backlog) == 0, "listen");
  return socket;
}

TempDir::TempDir() {
  std::string name = std::filesystem::temp_directory_path() / "curfew-test-XXXXXX";
  Require(::mkdtemp(name.data()) != nullptr, "mkdtemp");
  path_ = name;
}

TempDir::~TempDir() {
  std::error_code ignored;  // the directory is for nobody else to find
  std::filesystem::remove_all(path_, ignored);
}

void TempDir::Append(const std::string& file, std::string_view text) const {
  std::ofstream out(path_ / file, std::ios::binary | std::ios::app);
  out << text;
}

}  // namespace curfew::testing
