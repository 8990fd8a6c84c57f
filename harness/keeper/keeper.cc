// SPDX-License-Identifier: Apache-2.0
#include "keeper/keeper.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "keeper/evidence.h"
#include "keeper/remains.h"
#include "process/await_fd.h"
#include "process/owner_status.h"
#include "process/switches.h"
#include "process/tail.h"
#include "procfs/own_view.h"
#include "procfs/system_proc.h"
#include "procfs/text.h"
#include "report/encode.h"
#include "report/read_journal.h"
#include "report/render.h"

namespace curfew::keeper {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using process::Tag;
using Clock = std::chrono::steady_clock;

// From the end of a process's sockets to its own; an exec has passed it long before.
constexpr auto kOwnerEnd = 1s;

Deadline SendDeadline() { return Clock::now() + 1s; }

// The warden's program stands beside the keeper's.
std::string WardenProgram() {
  std::error_code error;
  return (std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / "curfew-warden").string();
}

std::vector<std::string> Environment() {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) entries.emplace_back(*entry);
  return entries;
}

// The end of a log as the journal has it: enough to explain, little enough for ten thousand servers.
std::vector<std::string> LogTail(const std::string& log) {
  constexpr std::size_t kLines = 20;
  constexpr std::size_t kLineBytes = 400;
  auto lines = process::TailLines(log, kLines);
  for (auto& line : lines) line.resize(std::min(line.size(), kLineBytes));
  return lines;
}

// Why there is no leaf: by choice, or what failed.
std::string WhyNot(const process::Failure& failure) {
  return failure.error == 0 ? failure.operation : "failed to " + failure.ToString();
}

}  // namespace

Keeper::Keeper(Channel&& control, process::Pidfd owner, KeeperOptions options, process::Launcher& launcher)
    : control_(std::move(control)),
      owner_(std::move(owner)),
      options_(std::move(options)),
      launcher_(launcher),
      journal_(options_.journal),
      leaves_(options_.run, journal_),
      test_clock_(
          io_, owner_, [this](const auto& test, const auto& why) { OnTestTimeOut(test, why); },
          [this] { return DebuggerOnAServer(); }),
      owner_command_(procfs::SystemProc().ReadCommand(owner_.pid())),
      stacks_(io_, launcher) {}

void Keeper::Run(int own_pidfd) {
  journal_.Write({{"event", "run_begin"},
                  {"schema", report::kJournalSchema},
                  {"run", options_.run},
                  {"host", procfs::HostName()},
                  {"pid", owner_.pid()},
                  {"cwd", procfs::SystemProc().ReadLink(owner_.pid(), "cwd").value_or("")},
                  {"command", owner_command_}});
  control_watch_.emplace(io_, control_.fd(), [this] { OnControl(); });
  if (!process::SwitchedOff("pidfd")) owner_watch_.emplace(io_, owner_.get(), [this] { OnOwnerGone(); });
  // A terminal's signals do not reach us (own session); who sends these means the run to end.
  terminations_.async_wait([this](const boost::system::error_code& error, int) {
    if (!error) StopAll("the keeper was told to end by a signal", false);
  });
  AwaitChildren();
  // A test program that is gone already is noticed, and the directory removed, like any other end.
  static_cast<void>(control_.Send({{"op", "hello"}, {"pid", ::getpid()}}, SendDeadline(), own_pidfd));
  io_.run();
  NoteTimeOut("");  // a debugger that is still at it would be waited for
  if (ProgramEnds()) SweepStrays();
  // The wardens that have said goodbye are about to be zombies of ours.
  CollectRest([this] { OnChild(); });
  TellOwnersEnd();
  journal_.Write({{"event", "run_end"}, {"run", options_.run}, {"why", ending_}});
  RescueResults();
  std::error_code ignored;  // what cannot be removed (another user's) stays; the journal has been closed by then
  if (!options_.directory.empty()) std::filesystem::remove_all(options_.directory, ignored);
  if (end_asked_) Reply({{"op", "ok"}});
}

void Keeper::AwaitChildren() {
  children_.async_wait([this](const boost::system::error_code& error, int) {
    if (error) return;
    AwaitChildren();
    OnChild();
  });
}

void Keeper::OnChild() {
  int status = 0;
  // Wardens say goodbye on their links; here they, and what a killed one left, are only collected. A warden
  // that a server has stopped (SIGSTOP) is woken.
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG | WUNTRACED | __WALL)) > 0;) {
    if (!WIFSTOPPED(status)) continue;
    for (const auto& warden : wardens_) {
      if (warden.process.pid() == pid) static_cast<void>(warden.process.Signal(SIGCONT));
    }
  }
}

void Keeper::OnControl() {
  while (auto message = control_.TryReceive()) {
    auto reply = Handle(message->body, std::move(message->descriptor));
    if (!reply.is_null()) Reply(reply);
  }
  if (control_.open()) return;
  // Closed though the test program may live on: it has replaced itself by exec, or closed everything.
  control_watch_.reset();
  StopAll("the test program let go of its keeper", true);
}

void Keeper::OnOwnerGone() {
  owner_watch_.reset();
  owner_gone_ = true;
  test_clock_.Cancel();
  NoteTimeOut("");
  StopAll("the test program ended", true);
}

json Keeper::Handle(const json& message, process::FileDescriptor descriptor) {
  const std::string op = message.at("op");
  if (op == "server") return StartWarden(message, std::move(descriptor));
  if (op == "alive") return {{"op", "alive"}};
  if (op == "test_begins") {
    const auto test = message.at("test").get<std::string>();
    NoteTimeOut("");
    // A server that was stopped by the test before is none of this one's, though its warden's word waits unread.
    for (auto& warden : wardens_) TakeEvents(warden);
    running_test_ = test;
    artifacts_.TestBegins();
    // The first test with a server had begun before there was a keeper to tell.
    const auto passed = std::chrono::nanoseconds(message.at("passed_ns").get<std::int64_t>());
    const auto began = std::chrono::system_clock::now() - std::chrono::duration_cast<std::chrono::microseconds>(passed);
    const auto began_ms = std::chrono::duration_cast<std::chrono::milliseconds>(began.time_since_epoch()).count();
    journal_.Write({{"event", "test_begin"}, {"test", test}, {"begin_ms", began_ms}});
    test_clock_.TestBegins(test, Duration(message.at("timeout_ns").get<std::int64_t>()),
                           Duration(message.at("passed_ns").get<std::int64_t>()), !message.at("explicit").get<bool>(),
                           !wardens_.empty());
    return {{"op", "ok"}};
  }
  if (op == "test_timeout") {
    test_clock_.SetTimeout(Duration(message.at("timeout_ns").get<std::int64_t>()));
    return {{"op", "ok"}};
  }
  if (op == "test_ends") {
    NoteTimeOut("");  // it has ended while its stacks were being read
    json reply = {{"op", "ok"}};
    if (auto why = test_clock_.TestEnds()) reply["timed_out"] = *why;
    return reply;
  }
  if (op == "test_result") return OnTestResult(message);
  if (op == "program") OnProgram(message);
  if (op == "iteration") {
    if (rescue_) rescue_->IterationBegins();
    journal_.Write({{"event", "iteration"}, {"iteration", message.at("iteration")}});
  }
  if (op == "program_end") {
    rescue_.reset();
    journal_.Write({{"event", "program_end"}});
  }
  if (op == "note") journal_.Write(message.at("journal"));
  if (op == "log_released") artifacts_.LogReleased(message.at("log").get<std::string>());
  if (op == "log_released" || op == "program" || op == "iteration" || op == "program_end" || op == "note") return {};
  if (op == "spare") {
    for (const auto& pid : message.at("pids")) spared_.insert(pid.get<pid_t>());
    return {{"op", "ok"}};
  }
  if (op == "end") {
    end_asked_ = true;
    test_clock_.Cancel();
    NoteTimeOut("");
    StopAll("the test program has finished", true);
    return {};  // answered when it is done
  }
  return {{"op", "failed"}, {"operation", "understand " + op}, {"errno", EINVAL}};
}

void Keeper::OnProgram(const json& message) {
  const auto& events = message.at("journal");
  for (const auto& event : events) journal_.Write(event);
  artifacts_ = report::Artifacts({message.at("directory").get<std::string>(),
                                  static_cast<report::Keep>(message.at("keep").get<int>())},
                                 options_.run);
  rescue_.emplace(message.at("output").get<std::string>(), owner_command_);
}

json Keeper::OnTestResult(const json& message) {
  auto event = message.at("test");
  const auto test = event.at("test").get<std::string>();
  const auto kept = artifacts_.TestEnds(test, message.at("bad").get<bool>());
  running_test_.clear();
  event["event"] = "test_end";
  if (!kept.empty()) event["files"] = kept;
  journal_.Write(std::move(event));
  return {{"op", "ok"}, {"kept", kept}};
}

void Keeper::TellOwnersEnd() {
  if (const auto kept = artifacts_.RunEnds(running_test_); !kept.empty()) {
    journal_.Write({{"event", "kept"}, {"test", running_test_}, {"files", kept}});
  }
  if (const auto status = process::StatusOfOther(owner_)) journal_.Write({{"event", "owner_end"}, {"status", *status}});
}

void Keeper::RescueResults() {
  if (!rescue_) return;
  const auto text = procfs::ReadWhole(options_.journal, std::numeric_limits<std::size_t>::max());
  report::RunReport report;
  report::ReadJournal(text.value_or(""), options_.journal, report);
  // No tests: a full disk, or a program without a framework that writes results.
  if (report.runs.empty() || report.runs.back().tests.empty()) return;
  // Of a repeated program, as GoogleTest would have it: the last time only.
  auto& tests = report.runs.back().tests;
  const int last = std::ranges::max_element(tests, {}, &report::TestRecord::iteration)->iteration;
  std::erase_if(tests, [last](const auto& test) { return test.iteration != last; });
  const report::RunReport last_run{{std::move(report.runs.back())}, {}};
  static_cast<void>(
      rescue_->Write(rescue_->json() ? report::RenderGtestJson(last_run) : report::RenderJunit(last_run)));
}

std::uint32_t Keeper::FreeSlot() const {
  std::set<std::uint32_t> taken;
  for (const auto& warden : wardens_) taken.insert(warden.slot);
  std::uint32_t slot = 0;
  while (taken.contains(slot)) ++slot;
  return slot;
}

json Keeper::StartWarden(const json& message, process::FileDescriptor channel) {
  const auto failed = [](const std::string& operation, int error) {
    return json{{"op", "failed"}, {"operation", operation}, {"errno", error}};
  };
  if (!ending_.empty()) return failed("start a warden: the run is ending", ECANCELED);
  // One more server would only be one more wait for the same test.
  if (test_clock_.timed_out()) return failed("start a warden: the test has timed out", ECANCELED);
  const std::uint32_t slot = FreeSlot();
  if (slot >= Tag::kServers) return failed("start a warden: too many servers at once", EAGAIN);
  const auto level =
      containment::ParseLevel(message.at("level").get<std::string>()).value_or(containment::Level::kAuto);
  auto leaf = leaves_.Make(slot, level);
  if (!leaf.ok() && level == containment::Level::kCgroup) {
    return failed("contain it in a cgroup, as CURFEW_CONTAINMENT=cgroup asks: " + leaf.failure().operation,
                  leaf.failure().error);
  }
  auto link = Channel::Pair();
  if (!link.ok()) return failed(link.failure().operation, link.failure().error);
  auto& [ours, theirs] = *link;

  auto& warden = wardens_.emplace_back();
  warden.slot = slot;
  if (options_.tag) warden.tag = options_.tag->WithSlot(slot);
  message.at("name").get_to(warden.server);
  message.at("test").get_to(warden.test);
  message.at("log").get_to(warden.log);
  warden.quiet = message.value("quiet", false);
  const auto tag_value = warden.tag ? warden.tag->value() : 0;
  process::LaunchRequest request;
  request.executable = WardenProgram();
  request.argv = {"curfew-warden", std::to_string(tag_value), warden.server};
  request.environment = Environment();
  request.descriptors = {theirs.fd(), channel.get()};
  if (leaf.ok()) {
    request.argv.push_back(leaf->name());
    request.descriptors.push_back(leaf->fd());
  }
  request.new_session = true;
  auto launched = launcher_.Launch(request);
  if (!launched.ok()) {
    wardens_.pop_back();
    if (leaf.ok()) leaf->Remove();
    return failed(launched.failure().operation, launched.failure().error);
  }
  warden.process = std::move(*launched);
  warden.link = std::move(ours);
  if (leaf.ok()) warden.leaf = std::move(*leaf);
  warden.watch = std::make_unique<Watch>(io_, warden.link.fd(), [this, &warden] { OnWarden(warden); });
  const auto why_no_leaf = leaf.ok() ? std::string() : WhyNot(leaf.failure());
  if (!warden.quiet) {
    journal_.Write({{"event", "server"},
                    {"server", warden.server},
                    {"test", warden.test},
                    {"warden", warden.process.pid()},
                    {"log", warden.log},
                    {"containment", warden.leaf ? "cgroup v2 " + warden.leaf->name() : "basic (" + why_no_leaf + ')'}});
    artifacts_.ServerStarts(warden.server, warden.test, warden.log);
  }
  test_clock_.ServerStarts();
  return {{"op", "warden"}, {"pid", warden.process.pid()}, {"tag", tag_value}, {"why_no_leaf", why_no_leaf}};
}

void Keeper::TakeEvents(WardenRecord& warden) {
  while (auto message = warden.link.TryReceive()) {
    auto& body = message->body;
    if (body.contains("op") && body.at("op") == "drained") {
      warden.drained = true;
      continue;
    }
    if (warden.quiet) continue;
    body["server"] = warden.server;
    body["test"] = warden.test;
    body["warden"] = warden.process.pid();
    if (body.value("event", "") == "stopped") {
      body["log_tail"] = LogTail(warden.log);
      artifacts_.ServerEnds(warden.log,
                            body.contains("result") && body.at("result").value("survivors", json::array()).empty());
    }
    journal_.Write(std::move(body));
  }
}

void Keeper::OnWarden(WardenRecord& warden) {
  TakeEvents(warden);
  if (warden.link.open()) return;
  if (!warden.drained) {
    Recover(warden);
  } else if (warden.leaf) {
    warden.leaf->Remove();  // of a warden that could not: it is gone, mostly
  }
  if (!warden.quiet) artifacts_.ServerEnds(warden.log);
  wardens_.remove_if([&warden](const WardenRecord& other) { return &other == &warden; });
  EndIfOver();
}

void Keeper::Recover(const WardenRecord& lost) {
  std::set<pid_t> others;
  for (const auto& warden : wardens_) {
    if (&warden != &lost) others.insert(warden.process.pid());
  }
  containment::TreeFinder finder(procfs::SystemProc(), ::getpid(), lost.tag, others);
  const auto survivors = ReapTree(finder, lost.leaf ? &*lost.leaf : nullptr, [this] { OnChild(); });
  journal_.Write({{"event", "warden_lost"},
                  {"server", lost.server},
                  {"test", lost.test},
                  {"warden", lost.process.pid()},
                  {"log_tail", LogTail(lost.log)},
                  {"survivors", survivors}});
}

void Keeper::TellWardensToStop(const std::string& cause, bool announced) {
  for (auto& warden : wardens_) {
    // One that is gone needs no telling.
    static_cast<void>(warden.link.Send({{"op", "stop"}, {"cause", cause}, {"announced", announced}}, SendDeadline()));
  }
}

void Keeper::StopAll(const std::string& cause, bool announced) {
  if (ending_.empty()) ending_ = cause;
  TellWardensToStop(cause, announced);
  EndIfOver();
}

bool Keeper::ProgramEnds() {
  if (owner_gone_ || end_asked_) return true;
  // The control socket was closed. Only its writing side: a signal handler waits for us, then ends the program.
  pollfd control{control_.fd(), 0, 0};
  ::poll(&control, 1, 0);
  if ((control.revents & POLLHUP) == 0) return !control_.open();
  // Both sides: the program is ending (its sockets are closed before its pidfd tells), or has become another by exec.
  return process::AwaitFd(owner_.get(), POLLIN, Clock::now() + kOwnerEnd) == 0;
}

void Keeper::OnTestTimeOut(const std::string& test, const std::string& why) {
  // The evidence before anything is changed.
  std::string text = why + "; its servers were stopped to end it\n  test program " + std::to_string(owner_.pid()) +
                     ":\n" + DescribeThreads(owner_.pid());
  for (const auto& warden : wardens_) {
    const containment::TreeFinder finder(procfs::SystemProc(), warden.process.pid(), warden.tag);
    text += DescribeServer(warden.server, finder, warden.log);
  }
  // A test that ends while its stacks are being read is told this much.
  test_clock_.SetReason(text);
  time_out_ = TimeOut{test, why, std::move(text)};
  const auto finish = [this](const std::string& stacks) {
    const std::string reason = time_out_->why;
    NoteTimeOut(stacks);
    TellWardensToStop(reason, true);
    EndIfOver();
  };
  // gdb takes a number, not a pidfd: it is asked only while the program that has it is alive.
  if (owner_.Ended() || !stacks_.Start(owner_.pid(), finish)) finish("");
}

void Keeper::NoteTimeOut(const std::string& stacks) {
  if (!time_out_) return;
  stacks_.Cancel();
  auto& text = time_out_->evidence;
  if (!stacks.empty()) {
    text += "  stacks of the test program:\n" + stacks;
    test_clock_.SetReason(text);
  }
  journal_.Write({{"event", "test_timeout"}, {"test", time_out_->test}, {"evidence", text}});
  time_out_.reset();
}

bool Keeper::DebuggerOnAServer() const {
  for (const auto& warden : wardens_) {
    const containment::TreeFinder finder(procfs::SystemProc(), warden.process.pid(), warden.tag);
    if (TracedFromOutside(finder)) return true;
  }
  return false;
}

void Keeper::EndIfOver() {
  if (!wardens_.empty()) return;
  test_clock_.ServersStopped();
  if (!ending_.empty()) io_.stop();
}

void Keeper::SweepStrays() {
  if (!options_.tag) return;
  // What the test's bodies began. The test program itself may be a zombie its parent has not collected yet.
  auto excluded = spared_;
  excluded.insert(owner_.pid());
  const containment::TreeFinder finder(procfs::SystemProc(), 0, options_.tag, std::move(excluded));
  const auto strays = ReapStrays(finder, [this] { OnChild(); });
  if (!strays.empty()) journal_.Write({{"event", "strays"}, {"processes", strays}});
}

void Keeper::Reply(const json& message) {
  // A test program that is gone is told nothing.
  if (control_.open()) static_cast<void>(control_.Send(message, SendDeadline()));
}

}  // namespace curfew::keeper
