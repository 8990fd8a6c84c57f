// SPDX-License-Identifier: Apache-2.0
#include "readiness/unix_table.h"

#include <linux/rtnetlink.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "readiness/diag_dump.h"

namespace curfew::readiness {
namespace {

using process::Failure;
using process::Result;
using Bytes = std::span<const std::byte>;

// The value of an attribute of an answer.
std::optional<Bytes> FindAttribute(Bytes answer, int wanted) {
  if (answer.size() < sizeof(unix_diag_msg)) return std::nullopt;
  Bytes rest = answer.subspan(sizeof(unix_diag_msg));
  while (rest.size() >= sizeof(rtattr)) {
    rtattr attribute;
    std::memcpy(&attribute, rest.data(), sizeof attribute);
    if (attribute.rta_len < sizeof attribute || attribute.rta_len > rest.size()) return std::nullopt;
    if (attribute.rta_type == wanted) return rest.first(attribute.rta_len).subspan(RTA_LENGTH(0));
    rest = rest.subspan(std::min<std::size_t>(RTA_ALIGN(attribute.rta_len), rest.size()));
  }
  return std::nullopt;
}

uid_t UidOf(Bytes answer) {
  const auto found = FindAttribute(answer, UNIX_DIAG_UID);
  uid_t uid = 0;
  if (found && found->size() >= sizeof uid) std::memcpy(&uid, found->data(), sizeof uid);
  return uid;
}

using Matches = std::function<bool(Bytes)>;

Matches ByName(const std::string& address) {
  return [name = '\0' + address.substr(1)](Bytes answer) {
    const auto found = FindAttribute(answer, UNIX_DIAG_NAME);
    return found && std::string_view(reinterpret_cast<const char*>(found->data()), found->size()) == name;
  };
}

Matches ByFile(const struct stat& file) {
  // The kernel's own form of a device number, and 32 bits of the inode's (net/unix/diag.c).
  const auto device = static_cast<std::uint32_t>(major(file.st_dev) << 20 | minor(file.st_dev));
  const auto inode = static_cast<std::uint32_t>(file.st_ino);
  return [device, inode](Bytes answer) {
    const auto found = FindAttribute(answer, UNIX_DIAG_VFS);
    unix_diag_vfs vfs;
    if (!found || found->size() < sizeof vfs) return false;
    std::memcpy(&vfs, found->data(), sizeof vfs);
    return vfs.udiag_vfs_dev == device && vfs.udiag_vfs_ino == inode;
  };
}

class DiagUnixTable final : public UnixTable {
 public:
  [[nodiscard]] Result<std::vector<UnixSocket>> At(const UnixAddress& address) override {
    std::vector<UnixSocket> found;
    struct stat file {};
    if (!address.abstract() && ::stat(address.text.c_str(), &file) != 0) return found;
    const Matches matches = address.abstract() ? ByName(address.text) : ByFile(file);

    unix_diag_req request{};
    request.sdiag_family = AF_UNIX;
    request.udiag_states = 1U << TCP_LISTEN | 1U << TCP_CLOSE | 1U << TCP_ESTABLISHED;
    request.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_UID;
    const int error = DumpSockets(std::as_bytes(std::span(&request, 1)), [&](Bytes answer) {
      unix_diag_msg message;
      if (answer.size() < sizeof message || !matches(answer)) return;
      std::memcpy(&message, answer.data(), sizeof message);
      // A connection has the name of the socket that accepted it. A datagram socket keeps its own when it connects.
      if (message.udiag_type != SOCK_DGRAM && message.udiag_state == TCP_ESTABLISHED) return;
      found.push_back({.inode = message.udiag_ino,
                       .type = message.udiag_type,
                       .listens = message.udiag_state == TCP_LISTEN,
                       .uid = UidOf(answer)});
    });
    if (error != 0) return Failure{"list the Unix sockets", error};
    return found;
  }
};

}  // namespace

std::unique_ptr<UnixTable> MakeUnixTable() {
  return std::make_unique<DiagUnixTable>();
}

}  // namespace curfew::readiness
