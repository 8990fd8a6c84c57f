// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <curfew/tree.h>

#include "procfs/character.h"

namespace curfew {
namespace {

// A chain of 10,000 processes would else take 200 MB of indentation.
constexpr std::size_t kDeepestIndent = 32;

// Text up to a limit. Cuts between characters and escapes, never inside one, and shows that it did.
class Clipped {
 public:
  explicit Clipped(std::size_t max) : max_(max) {}

  [[nodiscard]] bool full() const { return text_.size() > max_; }
  void Add(std::string_view piece) {
    text_ += piece;
    if (text_.size() + kDots.size() <= max_) safe_ = text_.size();
  }
  void AddEscaped(std::string_view text, char quote) {
    while (!text.empty() && !full()) {
      const auto next = procfs::NextCharacter(text);
      if (next.plain && text.front() != quote) {
        Add(text.substr(0, next.size));
      } else {
        for (const char byte : text.substr(0, next.size)) Add(procfs::HexEscape(byte));
      }
      text.remove_prefix(next.size);
    }
  }
  [[nodiscard]] std::string Take() && {
    if (full()) text_.replace(safe_, std::string::npos, kDots.substr(0, max_));
    return std::move(text_);
  }

 private:
  static constexpr std::string_view kDots = "...";
  std::size_t max_;
  std::size_t safe_ = 0;  // text up to here leaves room for the dots
  std::string text_;
};

// The quotation mark an argument needs to be seen as one, or NUL.
char QuoteFor(std::string_view argument) {
  if (!argument.empty() && argument.find_first_of(" '\"") == std::string_view::npos) return '\0';
  const bool has_single = argument.find('\'') != std::string_view::npos;
  const bool has_double = argument.find('"') != std::string_view::npos;
  return has_single && !has_double ? '"' : '\'';
}

std::string Line(const ProcessInfo& process) {
  std::string notes;
  const auto note = [&notes](const std::string& text) { notes += (notes.empty() ? "" : ", ") + text; };
  if (process.zombie()) note("zombie");
  if (process.state == 'T' || process.state == 't') note("stopped");
  if (process.state == 'D') note("uninterruptible");
  if (process.session == process.pid) {
    note("own session");
  } else if (process.group == process.pid) {
    note("own group");
  }
  for (const std::uint16_t port : process.ports) note("port " + std::to_string(port));
  return std::to_string(process.pid) + ' ' + process.CommandLine() +
         (notes.empty() ? "" : "  (" + notes + ')');
}

// Draws each process once, whatever the parent links say: a snapshot is not taken in one instant, so a reused
// number can make them a circle.
class Drawing {
 public:
  explicit Drawing(const Tree& tree) {
    for (const ProcessInfo& process : tree.processes) sorted_.push_back(&process);
    std::sort(sorted_.begin(), sorted_.end(), [&tree](const ProcessInfo* a, const ProcessInfo* b) {
      if ((a->pid == tree.leader) != (b->pid == tree.leader)) return a->pid == tree.leader;
      return a->start_ticks != b->start_ticks ? a->start_ticks < b->start_ticks : a->pid < b->pid;
    });
    for (const ProcessInfo* process : sorted_) {
      drawn_[process->pid] = false;
      if (process->parent != process->pid) children_[process->parent].push_back(process);
    }
  }

  [[nodiscard]] std::string Draw() && {
    for (const ProcessInfo* process : sorted_) {
      if (drawn_.count(process->parent) == 0 || process->parent == process->pid) From(process);
    }
    for (const ProcessInfo* process : sorted_) From(process);  // what only a circle leads to
    return std::move(text_);
  }

 private:
  struct Place {
    const ProcessInfo* process;
    std::size_t depth;
  };

  // With a stack of its own: the tree may be deeper than ours.
  void From(const ProcessInfo* root) {
    std::vector<Place> open = {{root, 0}};
    while (!open.empty()) {
      const Place place = open.back();
      open.pop_back();
      if (std::exchange(drawn_[place.process->pid], true)) continue;
      text_ += std::string(2 * std::min(place.depth, kDeepestIndent), ' ') + Line(*place.process) + '\n';
      const auto below = children_.find(place.process->pid);
      if (below == children_.end()) continue;
      for (auto child = below->second.rbegin(); child != below->second.rend(); ++child) {
        open.push_back({*child, place.depth + 1});
      }
    }
  }

  std::vector<const ProcessInfo*> sorted_;
  std::map<pid_t, std::vector<const ProcessInfo*>> children_;
  std::map<pid_t, bool> drawn_;  // of every process of the tree
  std::string text_;
};

}  // namespace

std::string ProcessInfo::CommandLine(std::size_t max) const {
  Clipped line(max);
  if (command.empty()) {  // as ps(1) does
    line.Add("[");
    line.AddEscaped(name, '\0');
    line.Add("]");
    return std::move(line).Take();
  }
  for (std::size_t i = 0; i < command.size() && !line.full(); ++i) {
    if (i > 0) line.Add(" ");
    const char quote = QuoteFor(command[i]);
    const std::string_view mark(&quote, quote == '\0' ? 0 : 1);
    line.Add(mark);
    line.AddEscaped(command[i], quote);
    line.Add(mark);
  }
  return std::move(line).Take();
}

bool Tree::Contains(pid_t pid) const {
  return std::any_of(processes.begin(), processes.end(),
                     [pid](const ProcessInfo& process) { return process.pid == pid; });
}

std::string Tree::ToString() const {
  return Drawing(*this).Draw();
}

std::ostream& operator<<(std::ostream& out, const Tree& tree) {
  return out << tree.ToString();
}

}  // namespace curfew
