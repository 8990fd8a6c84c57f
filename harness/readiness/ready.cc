// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include <curfew/ready.h>

namespace curfew {

Ready Ready::Tcp(std::string port_name) {
  return {Kind::kTcp, std::move(port_name)};
}

Ready Ready::Http(std::string path) {
  return Http(std::move(path), HttpOptions{});
}

Ready Ready::Http(std::string path, HttpOptions options) {
  Ready ready(Kind::kHttp, std::move(path));
  ready.http_ = std::move(options);
  return ready;
}

Ready Ready::Unix(std::string path) {
  return {Kind::kUnix, std::move(path)};
}

Ready Ready::Log(std::string regex) {
  return {Kind::kLog, std::move(regex)};
}

Ready Ready::File(std::string path) {
  return {Kind::kFile, std::move(path)};
}

Ready Ready::When(std::function<bool(const ServerAddress&)> predicate) {
  Ready ready(Kind::kWhen, {});
  ready.predicate_ = std::move(predicate);
  return ready;
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

}  // namespace curfew
