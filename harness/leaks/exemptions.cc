// SPDX-License-Identifier: Apache-2.0
#include "leaks/exemptions.h"

#include <fnmatch.h>

#include <algorithm>
#include <set>

#include <re2/re2.h>

namespace curfew::leaks {
namespace {

using Matcher = std::function<bool(const std::string&)>;

// Nothing if it is no pattern; then `error` says why.
std::optional<Matcher> Compile(const std::string& pattern, std::string& error) {
  if (pattern.size() < 2 || !pattern.starts_with('/') || !pattern.ends_with('/')) {
    return [pattern](const std::string& text) { return ::fnmatch(pattern.c_str(), text.c_str(), 0) == 0; };
  }
  RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  options.set_encoding(RE2::Options::EncodingLatin1);  // command lines are bytes, not always UTF-8
  auto expression = std::make_shared<RE2>(pattern.substr(1, pattern.size() - 2), options);
  if (!expression->ok()) {
    error = "\"" + pattern + "\" is no regular expression: " + expression->error();
    return std::nullopt;
  }
  return [expression](const std::string& text) { return RE2::PartialMatch(text, *expression); };
}

std::string CommandOf(const Leak& leak) {
  std::string text;
  for (const auto& argument : leak.process.command) text += (text.empty() ? "" : " ") + argument;
  return text.empty() ? leak.process.name : text;
}

std::string ExeOf(const Leak& leak) { return leak.process.exe; }
std::string MarkOf(const Leak& leak) { return leak.test + '/' + leak.server; }

std::string Shown(const IgnoreLeaks& what) {
  std::string text;
  const auto add = [&text](const char* key, const std::string& value) {
    if (!value.empty()) text += (text.empty() ? "" : " ") + std::string(key) + "=" + value;
  };
  add("command", what.command);
  add("exe", what.exe);
  add("mark", what.mark);
  if (what.port != 0) add("port", std::to_string(what.port));
  return text;
}

}  // namespace

const std::vector<Exemptions::ReadyMade>& Exemptions::AllReadyMade() {
  static const std::vector<ReadyMade> all = {
      {"epmd", R"(/(^|\/)epmd( |$)/)",
       "Erlang's port mapper is begun by the first node and shared by all of the machine"},
      {"ssh-agent", R"(/(^|\/)ssh-agent( |$)/)", "an agent outlives whoever needed it first, by design"},
      {"gpg-agent", R"(/(^|\/)(gpg-agent|dirmngr|scdaemon|keyboxd)( |$)/)",
       "GnuPG begins its daemons at first need, and they stay for the session"},
      {"ccache", R"(/(^|\/)ccache-storage\S*( |$)/)", "ccache's storage helpers serve later builds, and end when idle"},
      {"sccache", R"(/(^|\/)sccache( |$)/)", "sccache's server serves later builds, and ends when idle"},
      {"gradle-daemon", R"(/org\.gradle\.launcher\.daemon\.bootstrap\.GradleDaemon/)",
       "Gradle keeps its daemon for later builds, and it ends when idle"},
  };
  return all;
}

std::optional<std::string> Exemptions::Add(const IgnoreLeaks& exemption, std::string source) {
  if (exemption.reason.find_first_not_of(" \t") == std::string::npos) return "an exemption needs a reason";
  Entry entry{exemption, std::move(source), {}, false};
  std::string error;
  const auto add = [&](const std::string& pattern, std::string (*text)(const Leak&)) {
    if (pattern.empty() || !error.empty()) return;
    if (auto matcher = Compile(pattern, error)) {
      entry.tests.emplace_back([matcher = std::move(*matcher), text](const Leak& leak) { return matcher(text(leak)); });
    }
  };
  add(exemption.command, CommandOf);
  add(exemption.exe, ExeOf);
  add(exemption.mark, MarkOf);
  if (exemption.port != 0) {
    entry.tests.emplace_back([port = exemption.port](const Leak& leak) {
      return std::ranges::find(leak.process.ports, port) != leak.process.ports.end();
    });
  }
  if (!error.empty()) return error;
  if (entry.tests.empty()) return "an exemption needs something to match: command, exe, mark or port";
  entries_.push_back(std::move(entry));
  return std::nullopt;
}

std::optional<std::string> Exemptions::AddReadyMade(const std::string& name) {
  std::string names;
  for (const auto& each : AllReadyMade()) {
    if (each.name == name)
      return Add({.command = each.command, .exe = {}, .mark = {}, .reason = each.reason}, "--exempt=" + name);
    names += (names.empty() ? "" : ", ") + std::string(each.name);
  }
  return "there is no ready-made exemption \"" + name + "\"; there are " + names;
}

void Exemptions::Apply(std::vector<Leak>& leaks) {
  for (auto& leak : leaks) {
    if (!leak.exempted.empty()) continue;
    for (auto& entry : entries_) {
      if (!std::ranges::all_of(entry.tests, [&leak](const Test& test) { return test(leak); })) continue;
      entry.used = true;
      leak.exempted = entry.what.reason;
      break;
    }
  }
  // Workers of a daemon that may stay are a part of it.
  for (bool more = true; more;) {
    more = false;
    for (auto& leak : leaks) {
      if (!leak.exempted.empty()) continue;
      const auto parent =
          std::ranges::find(leaks, leak.process.parent, [](const Leak& each) { return each.process.pid; });
      if (parent == leaks.end() || parent->exempted.empty()) continue;
      leak.exempted = parent->exempted;
      more = true;
    }
  }
}

std::vector<std::string> Exemptions::Unused() const {
  std::vector<std::string> unused;
  for (const auto& entry : entries_) {
    if (!entry.used) unused.push_back(entry.source + ": " + Shown(entry.what) + " (" + entry.what.reason + ")");
  }
  return unused;
}

}  // namespace curfew::leaks
