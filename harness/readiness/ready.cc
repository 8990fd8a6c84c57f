// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include <curfew/ready.h>

namespace curfew {

Ready Ready::Tcp(std::string port_name) {
  return {Kind::kTcp, std::move(port_name)};
}

Ready Ready::TcpAccept(std::string port_name, Duration attempt) {
  Ready ready(Kind::kTcpAccept, std::move(port_name));
  ready.duration_ = attempt;
  return ready;
}

Ready Ready::Udp(std::string port_name) {
  return {Kind::kUdp, std::move(port_name)};
}

Ready Ready::Unix(std::string path) {
  return {Kind::kUnix, std::move(path)};
}

Ready Ready::UnixDatagram(std::string path) {
  return {Kind::kUnixDatagram, std::move(path)};
}

Ready Ready::Http(std::string path) {
  return Http(std::move(path), HttpOptions{});
}

Ready Ready::Http(std::string path, HttpOptions options) {
  Ready ready(Kind::kHttp, std::move(path));
  ready.http_ = std::move(options);
  return ready;
}

Ready Ready::Https(std::string path, HttpOptions options) {
  Ready ready(Kind::kHttps, std::move(path));
  ready.http_ = std::move(options);
  return ready;
}

Ready Ready::Log(std::string regex) {
  return Log(std::move(regex), LogOptions{});
}

Ready Ready::Log(std::string regex, LogOptions options) {
  Ready ready(Kind::kLog, std::move(regex));
  ready.log_ = options;
  return ready;
}

Ready Ready::File(std::string path) {
  return {Kind::kFile, std::move(path)};
}

Ready Ready::FileSettled(std::string path, Duration quiet) {
  Ready ready(Kind::kFileSettled, std::move(path));
  ready.duration_ = quiet;
  return ready;
}

Ready Ready::Command(std::vector<std::string> argv) {
  return Command(std::move(argv), CommandOptions{});
}

Ready Ready::Command(std::vector<std::string> argv, CommandOptions options) {
  return Ready(Kind::kCommand, {}).With(std::move(argv), std::move(options));
}

Ready Ready::Notify() {
  return {Kind::kNotify, {}};
}

Ready Ready::NotifyFd() {
  return {Kind::kNotifyFd, {}};
}

Ready Ready::When(std::function<bool(const ServerAddress&)> predicate) {
  Ready ready(Kind::kWhen, {});
  ready.predicate_ = std::move(predicate);
  return ready;
}

Ready Ready::StaysReady(Ready probe, Duration hold) {
  Ready ready(Kind::kStaysReady, {});
  ready.duration_ = hold;
  ready.parts_.push_back(std::move(probe));
  return ready;
}

Ready Ready::Activated() {
  return {Kind::kActivated, {}};
}

Ready Ready::All(std::vector<Ready> parts) {
  Ready ready(Kind::kAll, {});
  ready.parts_ = std::move(parts);
  return ready;
}

Ready Ready::Any(std::vector<Ready> parts) {
  Ready ready(Kind::kAny, {});
  ready.parts_ = std::move(parts);
  return ready;
}

Ready Ready::With(std::string subject) const {
  Ready changed = *this;
  changed.subject_ = std::move(subject);
  return changed;
}

Ready Ready::With(std::vector<Ready> parts) const {
  Ready changed = *this;
  changed.parts_ = std::move(parts);
  return changed;
}

Ready Ready::With(std::vector<std::string> argv, CommandOptions options) const {
  Ready changed = *this;
  changed.argv_ = std::move(argv);
  changed.command_ = std::move(options);
  return changed;
}

Ready Ready::With(HttpOptions options) const {
  Ready changed = *this;
  changed.http_ = std::move(options);
  return changed;
}

}  // namespace curfew
