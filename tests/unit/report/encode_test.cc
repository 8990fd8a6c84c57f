// SPDX-License-Identifier: Apache-2.0
#include "report/encode.h"

#include <gmock/gmock.h>
#include <signal.h>

#include <nlohmann/json.hpp>

#include "samples.h"

namespace curfew {
namespace {

using curfew::testing::WildProcess;
using nlohmann::json;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace std::chrono_literals;

// There and back again the way the channel does it: through CBOR, not text.
template <class T>
T RoundTrip(const T& value) {
  return json::from_cbor(json::to_cbor(json(value))).template get<T>();
}

void ExpectSame(const ProcessInfo& a, const ProcessInfo& b) {
  EXPECT_EQ(a.pid, b.pid);
  EXPECT_EQ(a.parent, b.parent);
  EXPECT_EQ(a.group, b.group);
  EXPECT_EQ(a.session, b.session);
  EXPECT_EQ(a.uid, b.uid);
  EXPECT_EQ(a.state, b.state);
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.command, b.command);
  EXPECT_EQ(a.cwd, b.cwd);
  EXPECT_EQ(a.ports, b.ports);
  EXPECT_EQ(a.start_ticks, b.start_ticks);
  EXPECT_EQ(a.started, b.started);
}

TEST(EncodeTest, ProcessKeepsEveryFieldAndEveryByte) {
  ExpectSame(RoundTrip(WildProcess()), WildProcess());
  ExpectSame(RoundTrip(ProcessInfo{}), ProcessInfo{});
}

TEST(EncodeTest, ExitStatusKeepsCodesAndSignalsApart) {
  for (const auto& status : {ExitStatus::Exited(0), ExitStatus::Exited(255), ExitStatus::Exited(9),
                             ExitStatus::KilledBy(9), ExitStatus::KilledBy(SIGSEGV, true)}) {
    EXPECT_EQ(report::DecodeExitStatus(json::from_cbor(json::to_cbor(json(status)))), status) << status;
  }
}

TEST(EncodeTest, LeakKeepsEveryField) {
  Leak leak;
  leak.process = WildProcess();
  leak.escapes = {"own session 5 (setsid)", "zombie"};
  leak.evidence = {"lineage", "tag", "mark"};
  leak.server = "d\xff";
  leak.test = "Suite/0.Test/1";
  leak.reaped = true;
  leak.why_alive = "EPERM: runs as uid 33";
  const auto back = RoundTrip(leak);
  ExpectSame(back.process, leak.process);
  EXPECT_EQ(back.escapes, leak.escapes);
  EXPECT_EQ(back.evidence, leak.evidence);
  EXPECT_EQ(back.server, leak.server);
  EXPECT_EQ(back.test, leak.test);
  EXPECT_EQ(back.reaped, leak.reaped);
  EXPECT_EQ(back.why_alive, leak.why_alive);
}

TEST(EncodeTest, PolicyKeepsOrderTargetsAndLongGraces) {
  const StopPolicy policy{
      .steps = {{SIGINT, 0ns, StopStep::To::kLeader}, {SIGRTMAX, 24h * 36500}, {SIGTERM, 1ns}}};
  const auto back = RoundTrip(policy);
  ASSERT_THAT(back.steps, SizeIs(3));
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(back.steps[i].signal, policy.steps[i].signal);
    EXPECT_EQ(back.steps[i].grace, policy.steps[i].grace);
    EXPECT_EQ(back.steps[i].to, policy.steps[i].to);
  }
}

// The default policy has a step; an empty one, "kill at once", must not turn into it on the way.
TEST(EncodeTest, EmptyPolicyStaysEmpty) {
  EXPECT_THAT(RoundTrip(StopPolicy{.steps = {}}).steps, IsEmpty());
}

StopResult FullResult() {
  StopResult result;
  result.leader = ExitStatus::KilledBy(SIGTERM);
  result.processes.push_back({WildProcess(10), SIGTERM, ExitStatus::KilledBy(SIGTERM)});
  result.processes.push_back({WildProcess(11), 0, std::nullopt});
  Leak orphan;
  orphan.process = WildProcess(12);
  result.orphans.push_back(orphan);
  result.survivors.push_back({WildProcess(13), "uninterruptible sleep in \xff"});
  result.took = 1'234'567'890'123ns;
  return result;
}

TEST(EncodeTest, StopResultKeepsEverything) {
  const auto back = RoundTrip(FullResult());
  EXPECT_EQ(back.leader, ExitStatus::KilledBy(SIGTERM));
  ASSERT_THAT(back.processes, SizeIs(2));
  ExpectSame(back.processes[0].process, WildProcess(10));
  EXPECT_EQ(back.processes[0].needed, SIGTERM);
  EXPECT_EQ(back.processes[0].status, ExitStatus::KilledBy(SIGTERM));
  EXPECT_EQ(back.processes[1].needed, 0);
  EXPECT_EQ(back.processes[1].status, std::nullopt);
  ASSERT_THAT(back.orphans, SizeIs(1));
  ExpectSame(back.orphans[0].process, WildProcess(12));
  ASSERT_THAT(back.survivors, SizeIs(1));
  EXPECT_EQ(back.survivors[0].reason, "uninterruptible sleep in \xff");
  EXPECT_EQ(back.took, 1'234'567'890'123ns);
  EXPECT_EQ(RoundTrip(StopResult{}).leader, std::nullopt);
}

TEST(EncodeTest, DecodingReplacesWhatWasThere) {
  auto result = FullResult();
  json(FullResult()).get_to(result);
  EXPECT_THAT(result.processes, SizeIs(2));
  EXPECT_THAT(result.survivors, SizeIs(1));
  auto policy = StopPolicy{};
  json(StopPolicy{.steps = {}}).get_to(policy);
  EXPECT_THAT(policy.steps, IsEmpty());
}

TEST(EncodeTest, AMissingFieldIsAnErrorAndNotADefault) {
  auto process = json(WildProcess());
  process.erase("start_ticks");
  EXPECT_THROW(static_cast<void>(process.get<ProcessInfo>()), json::exception);
  EXPECT_THROW(static_cast<void>(json::object().get<StopResult>()), json::exception);
}

}  // namespace
}  // namespace curfew
