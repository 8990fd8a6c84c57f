// SPDX-License-Identifier: Apache-2.0
#include "server/command_run.h"

#include <utility>

#include <curfew/stop.h>

#include "process/clock.h"
#include "process/tail.h"
#include "report/encode.h"
#include "server/placeholders.h"

namespace curfew::server {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using readiness::CommandEnd;

// What a warden does before it answers takes milliseconds; this only bounds one that was stopped from outside.
Deadline AnswerDeadline() { return std::chrono::steady_clock::now() + process::Scaled(10s); }

// One that ended before it began.
class Unbegun : public readiness::RunningCommand {
 public:
  explicit Unbegun(std::string why) : end_(CommandEnd{.failure = std::move(why)}) {}
  [[nodiscard]] int fd() const override { return -1; }
  [[nodiscard]] const std::optional<CommandEnd>& Advance() override { return end_; }
  void Kill() override {}

 private:
  std::optional<CommandEnd> end_;
};

class WardenCommand : public readiness::RunningCommand {
 public:
  WardenCommand(keeper::Channel channel, std::filesystem::path output, const json& request)
      : channel_(std::move(channel)), output_(std::move(output)) {
    if (auto sent = channel_.Send(request, AnswerDeadline()); !sent.ok()) Fail(sent.failure());
  }
  ~WardenCommand() override {
    Kill();
    const auto deadline = AnswerDeadline();
    while (!Advance()) {
      auto message = channel_.Receive(deadline);
      // Not in time: closing the channel has the warden end it all the same.
      if (!message.ok()) break;
      Take(message->body);
    }
    std::error_code ignored;
    std::filesystem::remove(output_, ignored);
  }
  WardenCommand(const WardenCommand&) = delete;
  WardenCommand& operator=(const WardenCommand&) = delete;

  [[nodiscard]] int fd() const override { return channel_.fd(); }

  [[nodiscard]] const std::optional<CommandEnd>& Advance() override {
    while (!end_) {
      auto message = channel_.TryReceive();
      if (!message) break;
      Take(message->body);
    }
    if (!end_ && !channel_.open()) Fail({"run it: its warden was killed from outside", EPIPE});
    return end_;
  }

  void Kill() override {
    if (end_ || std::exchange(stopping_, true)) return;
    // A warden that is gone needs no telling.
    static_cast<void>(channel_.Send({{"op", "stop"}, {"kill", true}}, AnswerDeadline()));
  }

 private:
  void Take(const json& message) {
    const std::string op = message.at("op");
    if (op == "failed") Fail({message.at("operation").get<std::string>(), message.at("errno").get<int>()});
    if (op == "exited") {
      status_ = report::DecodeExitStatus(message.at("status"));
      Kill();  // what it has left behind
    }
    if (op == "stopped" && !end_) TakeEnd(message.at("result").get<StopResult>());
  }

  void TakeEnd(const StopResult& result) {
    CommandEnd end{.status = status_ ? status_ : result.leader};
    for (const auto& stopped : result.processes) {
      if (stopped.needed != 0) ++end.left_behind;
    }
    // The command itself, when it was killed at the end of its time.
    if (!status_ && end.left_behind > 0) --end.left_behind;
    const auto lines = process::TailLines(output_, 1);
    if (!lines.empty()) end.last_line = lines.front();
    end_ = std::move(end);
  }

  void Fail(const process::Failure& failure) { end_ = CommandEnd{.failure = "failed to " + failure.ToString()}; }

  keeper::Channel channel_;
  std::filesystem::path output_;
  bool stopping_ = false;
  std::optional<ExitStatus> status_;
  std::optional<CommandEnd> end_;
};

}  // namespace

bool WardenCommandRunner::FillIn(std::string& text, std::string& why_not) const {
  // Every other placeholder has been filled in when the spec was prepared; braces that are left are text.
  constexpr std::string_view kBegin = readiness::kLateCapture;
  for (std::size_t at = text.find(kBegin); at != std::string::npos; at = text.find(kBegin, at)) {
    const std::size_t end = text.find('}', at);
    if (end == std::string::npos) break;
    const std::string name = text.substr(at + kBegin.size(), end - at - kBegin.size());
    const auto value = captures_.find(name);
    if (value == captures_.end()) {
      why_not = "not run yet: no log line has shown {captured:" + name + "}";
      return false;
    }
    if (value->second.find('\0') != std::string::npos) {
      why_not = "not run: {captured:" + name + "} holds a NUL byte, which no argument can";
      return false;
    }
    text.replace(at, end + 1 - at, value->second);
    at += value->second.size();
  }
  return true;
}

std::unique_ptr<readiness::RunningCommand> WardenCommandRunner::Start(const std::vector<std::string>& argv,
                                                                      const std::map<std::string, std::string>& env) {
  auto words = argv;
  auto variables = env;
  std::string why_not;
  bool complete = true;
  for (auto& word : words) complete = complete && FillIn(word, why_not);
  for (auto& [name, value] : variables) complete = complete && FillIn(value, why_not);
  if (!complete) return std::make_unique<Unbegun>(std::move(why_not));

  const auto output = server_.command_output();
  std::error_code ignored;  // of the run before this one
  std::filesystem::remove(output, ignored);
  auto request = server_.CommandRequest(words, variables, mark_);
  if (!request.ok()) return std::make_unique<Unbegun>("failed to " + request.failure().ToString());
  request.value()["level"] = level_;
  auto channel = start_warden_();
  if (!channel.ok()) return std::make_unique<Unbegun>("failed to " + channel.failure().ToString());
  return std::make_unique<WardenCommand>(std::move(*channel), output, request.value());
}

}  // namespace curfew::server
