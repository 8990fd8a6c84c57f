// SPDX-License-Identifier: Apache-2.0
#include "keeper/listen_sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>

namespace curfew::keeper {
namespace {

using process::Failure;
using process::FileDescriptor;
using process::Result;

int BindInet(int socket, const std::string& host, std::uint16_t port) {
  // The reservation of the port is bound; it has this option too.
  const int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) return EINVAL;
  return ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
}

int BindUnix(int socket, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return ENAMETOOLONG;
  path.copy(address.sun_path, path.size());
  const bool abstract = path.starts_with('@');
  if (abstract) address.sun_path[0] = '\0';
  if (!abstract) ::unlink(path.c_str());  // of an earlier life
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1));
  return ::bind(socket, reinterpret_cast<const sockaddr*>(&address), size) == 0 ? 0 : errno;
}

Result<FileDescriptor> MakeListenSocket(const nlohmann::json& wish) {
  const bool inet = wish.contains("port");
  const bool listens = wish.at("listens").get<bool>();
  const std::string where = inet ? wish.at("host").get<std::string>() + ':' + std::to_string(wish.at("port").get<int>())
                                 : wish.at("path").get<std::string>();
  FileDescriptor socket(::socket(inet ? AF_INET : AF_UNIX, (listens ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return Failure{"make a socket for the server", errno};
  const int error = inet ? BindInet(socket.get(), wish.at("host"), wish.at("port").get<std::uint16_t>())
                         : BindUnix(socket.get(), where);
  if (error != 0) return Failure{"bind the server's socket to " + where, error};
  if (listens && ::listen(socket.get(), SOMAXCONN) != 0) return Failure{"listen for the server on " + where, errno};
  return socket;
}

}  // namespace

Result<std::vector<FileDescriptor>> MakeListenSockets(const nlohmann::json& sockets, process::LaunchRequest& request) {
  std::vector<FileDescriptor> made;
  std::string names;
  for (const auto& wish : sockets) {
    auto socket = MakeListenSocket(wish);
    if (!socket.ok()) return socket.failure();
    request.descriptors.push_back(socket->get());
    made.push_back(std::move(*socket));
    names += (names.empty() ? "" : ":") + wish.at("name").get<std::string>();
  }
  if (made.empty()) return made;
  request.environment.push_back("LISTEN_FDS=" + std::to_string(made.size()));
  request.environment.push_back("LISTEN_FDNAMES=" + names);
  request.listen_pid = true;
  return made;
}

}  // namespace curfew::keeper
