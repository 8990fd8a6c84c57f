// SPDX-License-Identifier: Apache-2.0
#include <curfew/server.h>

#include <fcntl.h>
#include <signal.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>

#include "process/clock.h"
#include "process/names.h"
#include "process/tcp_connect.h"
#include "server/server_impl.h"

namespace curfew {
namespace {

[[noreturn]] void Fail(const std::string& name, const std::string& what, int error) {
  throw std::runtime_error("failed to " + what + " server " + name + ": " +
                           (error == EPIPE ? "its warden was killed from outside" : process::DescribeErrno(error)));
}

// Signals that ask a server to end, in whatever way it then does. Of others only a death by that very signal is the
// test's doing: a server that crashes after a SIGHUP to reload has crashed.
bool AsksToEnd(int signal) {
  return signal == SIGTERM || signal == SIGINT || signal == SIGQUIT || signal == SIGKILL || signal == SIGABRT;
}

}  // namespace

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::Server(Server&&) noexcept = default;
Server& Server::operator=(Server&&) noexcept = default;
Server::~Server() = default;

Server Server::Start(ServerSpec spec, std::stop_token cancel) {
  auto impl = std::make_unique<Impl>();
  impl->Prepare(std::move(spec));
  impl->Start(cancel);
  return Server(std::move(impl));
}

const std::string& Server::name() const { return impl_->prepared->name(); }
std::string Server::host() const { return impl_->prepared->address().host; }
const std::filesystem::path& Server::dir() const { return impl_->prepared->address().dir; }
std::filesystem::path Server::socket() const { return impl_->prepared->socket(); }
const Log& Server::log() const { return impl_->prepared->log(); }
const std::vector<std::string>& Server::start_notes() const { return impl_->notes; }
std::string Server::learnt_by() const {
  return impl_->life->TellsOfListening() ? "kernel event" : impl_->listeners->way();
}
pid_t Server::pid() const { return impl_->life->Leader(); }

std::uint16_t Server::port(const std::string& port_name) const {
  const auto& ports = impl_->prepared->address().ports;
  const auto found = ports.find(port_name);
  if (found != ports.end()) return found->second;
  std::string names;
  for (const auto& [other, number] : ports) names += " {port" + (other.empty() ? "" : ":" + other) + "}";
  throw std::out_of_range("server " + name() + " has no {port" + (port_name.empty() ? "" : ":" + port_name) +
                          "}; its spec mentions" + (names.empty() ? " none" : names));
}

const std::string& Server::captured(const std::string& group) const {
  const auto found = impl_->captured.find(group);
  if (found != impl_->captured.end()) return found->second;
  std::string groups;
  for (const auto& [other, text] : impl_->captured) groups += ' ' + other;
  throw std::out_of_range(
      "server " + name() + " has captured nothing as " + group + "; it has" +
      (groups.empty() ? " nothing at all: no Ready::Log with a group (?P<name>...) has matched" : groups));
}

int Server::ConnectTcp(const std::string& port_name, Duration timeout) {
  impl_->CheckOwner("ConnectTcp");
  const std::lock_guard lock(impl_->mutex);
  const auto deadline = std::chrono::steady_clock::now() + process::Scaled(timeout);
  const auto number = port(port_name);
  auto socket = impl_->prepared->spec().network.is_private() ? impl_->life->Connect(host(), number)
                                                             : process::BeginConnect(host(), number);
  if (socket.ok()) socket = process::FinishConnect(std::move(*socket), deadline);
  if (socket.ok()) return socket->Release();
  throw std::system_error(socket.failure().error, std::system_category(),
                          "connect to {port" + (port_name.empty() ? "" : ":" + port_name) +
                              "} = " + std::to_string(number) + " of server " + name());
}

std::string Server::url(const std::string& path) const {
  const std::string where = host();
  const bool ipv6 = where.find(':') != std::string::npos;
  return "http://" + (ipv6 ? '[' + where + ']' : where) + ':' + std::to_string(port()) + path;
}

Tree Server::tree() const {
  impl_->CheckOwner("tree");
  auto tree = impl_->life->Snapshot();
  if (tree.processes.empty() && impl_->life->LeaderLives()) {
    // It has not ended: nothing could be read, mostly since there is no descriptor left.
    const process::FileDescriptor proc(::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!proc.valid()) Fail(name(), "look at the tree of", errno);
  }
  return tree;
}

bool Server::running() {
  impl_->CheckOwner("running");
  const std::lock_guard lock(impl_->mutex);
  return !impl_->life->Ended();
}

std::optional<ExitStatus> Server::exit_status() {
  impl_->CheckOwner("exit_status");
  const std::lock_guard lock(impl_->mutex);
  static_cast<void>(impl_->life->Ended());
  if (const auto& stopped = impl_->life->stop_result(); stopped && stopped->leader) return stopped->leader;
  return impl_->life->exit_status();
}

std::string Server::WhyNotReady() {
  impl_->CheckOwner("WhyNotReady");
  const std::lock_guard lock(impl_->mutex);
  if (impl_->life->Ended()) return "it is not running";
  // From the start of the log: the line that made it ready is long written.
  const auto probe = impl_->MakeProbe(*impl_->life, {}, nullptr);
  std::string why;
  for (const auto& seen : readiness::AskOnce(*probe)) {
    if (!seen.satisfied) why += (why.empty() ? "" : "; ") + seen.saw;
  }
  return why;
}

StopResult Server::Stop() {
  impl_->CheckOwner("Stop");
  const std::lock_guard lock(impl_->mutex);
  return impl_->End(false);
}

void Server::Crash() {
  impl_->CheckOwner("Crash");
  const std::lock_guard lock(impl_->mutex);
  impl_->exit_expected = true;
  impl_->End(true);
}

void Server::Signal(int signal) {
  impl_->CheckOwner("Signal");
  const std::lock_guard lock(impl_->mutex);
  if (AsksToEnd(signal)) impl_->exit_expected = true;
  impl_->signals_sent.insert(signal);
  if (const int error = impl_->life->Signal(signal, false)) Fail(name(), "signal", error);
}

void Server::Pause() {
  impl_->CheckOwner("Pause");
  const std::lock_guard lock(impl_->mutex);
  if (const int error = impl_->life->Signal(SIGSTOP, true)) Fail(name(), "pause", error);
}

void Server::Resume() {
  impl_->CheckOwner("Resume");
  const std::lock_guard lock(impl_->mutex);
  if (const int error = impl_->life->Signal(SIGCONT, true)) Fail(name(), "resume", error);
}

void Server::Restart() {
  impl_->CheckOwner("Restart");
  const std::lock_guard lock(impl_->mutex);
  impl_->End(false);
  impl_->Start({});
}

std::optional<ExitStatus> Server::WaitExit(Duration timeout) {
  impl_->CheckOwner("WaitExit");
  const std::lock_guard lock(impl_->mutex);
  impl_->exit_expected = true;
  return impl_->life->AwaitExit(std::chrono::steady_clock::now() + process::Scaled(timeout));
}

void Server::ExpectExit() {
  impl_->CheckOwner("ExpectExit");
  const std::lock_guard lock(impl_->mutex);
  impl_->exit_expected = true;
}

bool Server::died_unexpectedly() {
  impl_->CheckOwner("died_unexpectedly");
  const std::lock_guard lock(impl_->mutex);
  return impl_->DescribeUnexpectedDeath().has_value();
}

}  // namespace curfew
