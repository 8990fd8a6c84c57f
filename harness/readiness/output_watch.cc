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

using Instance = OutputWatch::Instance;

// Instances nobody is using. As many as there have ever been waits at the same time.
struct Spare {
  std::mutex mutex;
  std::vector<Instance> instances;
  pid_t owner = ::getpid();
};

Spare& Instances() {
  // Never destroyed: a server may be started or stopped by a destructor that runs at exit.
  static auto& spare = *new Spare;
  return spare;
}

void Drain(int inotify) {
  std::array<char, 4096> events;
  while (::read(inotify, events.data(), events.size()) > 0) {
    // What the events say does not matter: there was output.
  }
}

Instance Borrow() {
  Spare& spare = Instances();
  const std::lock_guard lock(spare.mutex);
  // A forked child shares its parent's instances, and would read the parent's events.
  if (spare.owner != ::getpid()) {
    spare.instances.clear();
    spare.owner = ::getpid();
  }
  if (spare.instances.empty()) return {.inotify = FileDescriptor(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK))};
  Instance instance = std::move(spare.instances.back());
  spare.instances.pop_back();
  if (instance.watch >= 0) ::inotify_rm_watch(instance.inotify.get(), std::exchange(instance.watch, -1));
  Drain(instance.inotify.get());
  return instance;
}

void GiveBack(Instance instance) {
  Spare& spare = Instances();
  const std::lock_guard lock(spare.mutex);
  if (spare.owner == ::getpid()) spare.instances.push_back(std::move(instance));
}

}  // namespace

OutputWatch::OutputWatch(const std::filesystem::path& file) : instance_(Borrow()), owner_(::getpid()) {
  if (!instance_.inotify.valid()) return;
  instance_.watch = ::inotify_add_watch(instance_.inotify.get(), file.c_str(), IN_MODIFY);
}

OutputWatch::~OutputWatch() {
  // The watch is removed when the instance is borrowed again: a server that is ready is not kept waiting for that.
  // Until then one event at most lies in the queue, since the kernel merges equal ones (inotify(7)).
  if (instance_.inotify.valid() && owner_ == ::getpid()) GiveBack(std::move(instance_));
}

void OutputWatch::Drain() const { readiness::Drain(instance_.inotify.get()); }

}  // namespace curfew::readiness
