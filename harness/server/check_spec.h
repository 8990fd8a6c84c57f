// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>

#include <curfew/spec.h>

namespace curfew::server {

// Looks for everything in a spec that cannot be right, before anything is created or started. Throws StartError
// kBadSpec naming the field and its value.
void CheckSpec(const ServerSpec& spec);

// The names of all ports the spec speaks of: {port} is "", {port:admin} is "admin".
[[nodiscard]] std::set<std::string> PortNames(const ServerSpec& spec);

// The spec's name, or what stands for it: the last part of the command, or "sh".
[[nodiscard]] std::string DisplayName(const ServerSpec& spec);

// Calls visit(field, text) for every text of the spec in which placeholders are filled in.
template <class Visitor>
void ForEachText(const ServerSpec& spec, Visitor visit) {
  for (std::size_t i = 0; i < spec.command.size(); ++i) visit("command[" + std::to_string(i) + "]", spec.command[i]);
  visit("shell", spec.shell);
  for (const auto& [name, value] : spec.env) visit("env[\"" + name + "\"]", value);
  visit("working_dir", spec.working_dir.string());
  for (std::size_t i = 0; i < spec.sockets.size(); ++i)
    visit("sockets[" + std::to_string(i) + "]", spec.sockets[i].path());
  for (const auto& [name, text] : spec.files) visit("files[\"" + name + "\"]", text);
}

}  // namespace curfew::server
