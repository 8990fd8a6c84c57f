// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>

#include <curfew/ready.h>

namespace curfew::readiness {

// What is wrong with a Ready, naming the part and its value, or nothing: a regex that does not compile, a
// port name the spec does not have, a Unix path too long for the kernel, an impossible status range, a
// predicate that is not there. To be asked before anything is launched, with subjects expanded. Of the
// address only the names of the ports and `dir` matter.
[[nodiscard]] std::optional<std::string> FindProblem(const Ready& ready, const ServerAddress& address);

// The same Ready with `expand` applied to each subject that may hold placeholders: paths of Unix and File.
// What `expand` throws is passed on.
[[nodiscard]] Ready ExpandSubjects(const Ready& ready,
                                   const std::function<std::string(const std::string&)>& expand);

}  // namespace curfew::readiness
