// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>

#include <curfew/ready.h>

namespace curfew::readiness {

// What is wrong with a Ready, naming the part and its value, or nothing: a regex that does not compile, a
// port name the spec does not have, a Unix path too long for the kernel, an impossible status range, a
// predicate that is not there. To be asked before anything is launched, with subjects expanded. Of the
// address only the names of the ports and `dir` matter.
[[nodiscard]] std::optional<std::string> FindProblem(const Ready& ready, const ServerAddress& address);

// The same Ready with `expand` applied to every text that may hold placeholders: paths of Unix sockets and files,
// commands, and of HTTP what ready.h says. What `expand` throws is passed on.
using Expand = std::function<std::string(const std::string&)>;
[[nodiscard]] Ready ExpandSubjects(const Ready& ready, const Expand& expand);

// Whether it, or a part of it, is of this kind.
[[nodiscard]] bool Mentions(const Ready& ready, Ready::Kind kind);

// The named groups of every Log in it: what Server::captured will know.
[[nodiscard]] std::set<std::string> CapturedNames(const Ready& ready);

}  // namespace curfew::readiness
