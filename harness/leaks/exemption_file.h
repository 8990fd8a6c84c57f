// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "leaks/exemptions.h"

namespace curfew::leaks {

// A file of exemptions, one a line:
//
//   # What this file is for.
//   command:*GradleDaemon*             # shared by every build of this machine
//   exe:/usr/bin/epmd port:4369        # Erlang's; everything given has to fit
//   command:"/my daemon( |$)/"         # quotes around what holds blanks; a regular expression between slashes
//
// The text behind # is the reason; it is required. What stands alone behind a # is a comment.
// Returns what is wrong, each "curfew.supp:3: ..."; lines that are right are added all the same.
[[nodiscard]] std::vector<std::string> ParseExemptions(std::string_view text, const std::string& name,
                                                       Exemptions& exemptions);
// The same for a file; one that cannot be read is an error, too.
[[nodiscard]] std::vector<std::string> ReadExemptions(const std::string& path, Exemptions& exemptions);

}  // namespace curfew::leaks
