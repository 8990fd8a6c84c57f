// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <curfew/ignore_leaks.h>
#include <curfew/leak.h>

namespace curfew::leaks {

// Everything that is exempted, and which of it was needed.
class Exemptions {
 public:
  // What is wrong with it, or nothing. `source` names it in lists: "curfew.supp:3".
  [[nodiscard]] std::optional<std::string> Add(const IgnoreLeaks& exemption, std::string source);
  // One that comes with Curfew, by name. What is wrong: there is none of that name; the names.
  [[nodiscard]] std::optional<std::string> AddReadyMade(const std::string& name);
  [[nodiscard]] bool empty() const { return entries_.empty(); }

  // Sets `exempted` of every leak that fits one, and of whatever descends from such a process among the leaks.
  void Apply(std::vector<Leak>& leaks);
  // Those that have fitted nothing, each as "curfew.supp:3: command=... (reason)".
  [[nodiscard]] std::vector<std::string> Unused() const;

  // Names and what each is for, for help and documentation.
  struct ReadyMade {
    const char* name;
    const char* command;  // a regular expression
    const char* reason;
  };
  [[nodiscard]] static const std::vector<ReadyMade>& AllReadyMade();

 private:
  using Test = std::function<bool(const Leak&)>;
  struct Entry {
    IgnoreLeaks what;
    std::string source;
    std::vector<Test> tests;
    bool used = false;
  };

  std::vector<Entry> entries_;
};

}  // namespace curfew::leaks
