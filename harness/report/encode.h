// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <curfew/leak.h>
#include <curfew/stop.h>
#include <curfew/tree.h>

// How Curfew's values are written between its processes and into the journal. The names of the members are
// those of the structs; times are nanoseconds with the unit in the name.
namespace curfew {

void to_json(nlohmann::json& json, const ProcessInfo& process);
void from_json(const nlohmann::json& json, ProcessInfo& process);
void to_json(nlohmann::json& json, const ExitStatus& status);
void to_json(nlohmann::json& json, const Leak& leak);
void from_json(const nlohmann::json& json, Leak& leak);
void to_json(nlohmann::json& json, const StopPolicy& policy);
void from_json(const nlohmann::json& json, StopPolicy& policy);
void to_json(nlohmann::json& json, const Survivor& survivor);
void from_json(const nlohmann::json& json, Survivor& survivor);
void to_json(nlohmann::json& json, const StopResult& result);
void from_json(const nlohmann::json& json, StopResult& result);

}  // namespace curfew

namespace curfew::report {

// ExitStatus has no default constructor, which from_json would need.
[[nodiscard]] ExitStatus DecodeExitStatus(const nlohmann::json& json);

}  // namespace curfew::report
