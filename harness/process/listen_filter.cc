// SPDX-License-Identifier: Apache-2.0
#include "process/listen_filter.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <iterator>

#include "process/passed_descriptor.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV  // of Linux 5.19, in headers of before
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

namespace curfew::process {
namespace {

#if defined(__x86_64__)
constexpr unsigned kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr unsigned kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr unsigned kArchitecture = 0;
#endif

// A later kernel may know more of a notification and writes all of it (SECCOMP_GET_NOTIF_SIZES).
struct Notification {
  seccomp_notif data;
  std::array<char, 512> more;
};

// The filter's descriptor, or -1 with errno.
int SetFilter() {
  constexpr auto kNumber = static_cast<unsigned>(offsetof(seccomp_data, nr));
  constexpr auto kTable = static_cast<unsigned>(offsetof(seccomp_data, arch));
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kTable),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kArchitecture, 0, 2),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kNumber),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_listen, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
  };
  const sock_fprog filter{static_cast<unsigned short>(std::size(program)), program};
  // SPEC_ALLOW: or kernels before 5.16 would slow the whole server down against speculation it does not fear.
  constexpr unsigned kFlags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  // A call that the warden has taken is not interrupted by a signal with a handler (since Linux 5.19).
  const auto set = [&filter](unsigned flags) {
    return static_cast<int>(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter));
  };
  const int descriptor = set(kFlags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
  return descriptor < 0 && errno == EINVAL ? set(kFlags) : descriptor;
}

// Whether a later kernel's notifications fit into ours.
bool SizesFit() {
  seccomp_notif_sizes sizes{};
  return ::syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) == 0 &&
         sizes.seccomp_notif <= sizeof(Notification) && sizes.seccomp_notif_resp <= sizeof(Notification);
}

// A failure leaves nobody with the descriptor after exec: whoever receives knows it by the missing word.
void Tell(int socket, int error, int descriptor) {
  static_cast<void>(!SendWithDescriptor(socket, &error, sizeof error, descriptor));
}

}  // namespace

void SetListenFilter(int socket, bool give_up_privileges) {
  if (kArchitecture == 0 || !SizesFit()) {
    Tell(socket, ENOSYS, -1);
    return;
  }
  int filter = SetFilter();
  if (filter < 0 && errno == EACCES && give_up_privileges && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) {
    filter = SetFilter();
  }
  Tell(socket, filter < 0 ? errno : 0, filter);
  // Our own copy is close-on-exec. It must be gone with exec: a server that held it would wait for itself.
}

Result<FileDescriptor> ReceiveListenFilter(int socket) {
  int error = 0;
  FileDescriptor filter;
  const ssize_t got = ReceiveWithDescriptor(socket, &error, sizeof error, filter);
  if (got != sizeof error) return Failure{"hear of the filter on listen", got < 0 ? errno : EBADMSG};
  if (error != 0 || !filter.valid()) return Failure{"set a filter on listen", error != 0 ? error : EMFILE};
  return filter;
}

std::optional<ListenCall> TakeListenCall(int filter) {
  // The call that receives would wait if there was nothing.
  pollfd waiting{filter, POLLIN, 0};
  while (::poll(&waiting, 1, 0) > 0 && (waiting.revents & POLLIN) != 0) {
    Notification notification{};
    if (::ioctl(filter, SECCOMP_IOCTL_NOTIF_RECV, &notification) != 0) {
      if (errno == EINTR || errno == ENOENT) continue;  // ENOENT: who called was killed meanwhile
      return std::nullopt;
    }
    struct {
      seccomp_notif_resp data;
      std::array<char, 512> more;
    } answer{};
    answer.data.id = notification.data.id;
    answer.data.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    static_cast<void>(::ioctl(filter, SECCOMP_IOCTL_NOTIF_SEND, &answer));  // or it was killed meanwhile
    return ListenCall{.thread = static_cast<pid_t>(notification.data.pid),
                      .descriptor = static_cast<int>(notification.data.data.args[0])};
  }
  return std::nullopt;
}

}  // namespace curfew::process
