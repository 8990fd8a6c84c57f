// SPDX-License-Identifier: Apache-2.0
#include "readiness/output_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <mutex>
#include <utility>
#include <vector>

namespace curfew::readiness {
namespace {

using process::FileDescriptor;

// Instances nobody is using. As many as there have ever been waits at the same time.
struct Spare {
  std::mutex mutex;
  std::vector<FileDescriptor> instances;
  pid_t owner = ::getpid();
};

Spare& Instances() {
  // Never destroyed: a server may be started or stopped by a destructor that runs at exit.
  static auto& spare = *new Spare;
  return spare;
}

FileDescriptor Borrow() {
  Spare& spare = Instances();
  const std::lock_guard lock(spare.mutex);
  // A forked child shares its parent's instances, and would read the parent's events.
  if (spare.owner != ::getpid()) {
    spare.instances.clear();
    spare.owner = ::getpid();
  }
  if (spare.instances.empty()) return FileDescriptor(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  FileDescriptor instance = std::move(spare.instances.back());
  spare.instances.pop_back();
  return instance;
}

void GiveBack(FileDescriptor instance) {
  Spare& spare = Instances();
  const std::lock_guard lock(spare.mutex);
  if (spare.owner == ::getpid()) spare.instances.push_back(std::move(instance));
}

}  // namespace

OutputWatch::OutputWatch(const std::filesystem::path& file) : inotify_(Borrow()), owner_(::getpid()) {
  if (inotify_.valid()) watch_ = ::inotify_add_watch(inotify_.get(), file.c_str(), IN_MODIFY);
}

OutputWatch::~OutputWatch() {
  if (!inotify_.valid() || owner_ != ::getpid()) return;
  if (watch_ >= 0) ::inotify_rm_watch(inotify_.get(), watch_);
  Drain();
  GiveBack(std::move(inotify_));
}

void OutputWatch::Drain() const {
  std::array<char, 4096> events;
  while (::read(inotify_.get(), events.data(), events.size()) > 0) {
    // What the events say does not matter: there was output.
  }
}

}  // namespace curfew::readiness
