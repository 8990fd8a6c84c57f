// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "report/model.h"

// Reading JSON that may be anything: each function takes what has the right type and range and refuses the rest
// by std::runtime_error, never by undefined behaviour. A member that is absent or null has the default.
namespace curfew::report {

// Nothing if it is no whole JSON object, is nested deeper than any of ours, or holds numbers that are not integers
// (nothing of ours does; converting one that is out of range would be undefined).
[[nodiscard]] std::optional<nlohmann::json> ParseObject(std::string_view text);

[[nodiscard]] std::string Text(const nlohmann::json& in, const char* member);
[[nodiscard]] std::int64_t Integer(const nlohmann::json& in, const char* member, std::int64_t low, std::int64_t high,
                                   std::int64_t otherwise = 0);
[[nodiscard]] bool Flag(const nlohmann::json& in, const char* member);
[[nodiscard]] std::vector<std::string> Texts(const nlohmann::json& in, const char* member);
[[nodiscard]] std::vector<std::uint16_t> Ports(const nlohmann::json& in, const char* member);
[[nodiscard]] pid_t ProcessId(const nlohmann::json& in, const char* member);
[[nodiscard]] std::optional<Time> ReadTime(const nlohmann::json& in, const char* member);
[[nodiscard]] std::optional<ExitStatus> ReadStatus(const nlohmann::json& in, const char* member);
[[nodiscard]] Leak ReadLeak(const nlohmann::json& in);
[[nodiscard]] StopResult ReadStop(const nlohmann::json& in);
[[nodiscard]] std::vector<Survivor> ReadSurvivors(const nlohmann::json& in);

}  // namespace curfew::report
