// SPDX-License-Identifier: Apache-2.0
#include "leaks/machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "strays.h"

namespace curfew::leaks {
namespace {

using curfew::testing::Stray;
using curfew::testing::TakeTag;
using process::Tag;
using Owner = MachineRun::Owner;

// The processes are real, the run is one of our own, and this program stands for its owner.
class MachineTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::optional<MachineRun> Find(const std::string& id,
                                               Machine::Witness witness = Machine::Witness::kTagsAndMarks) const {
    for (auto& run : Machine(proc_, witness).Runs()) {
      if (run.id == id) return std::move(run);
    }
    return std::nullopt;
  }
  [[nodiscard]] static bool Has(const MachineRun& run, pid_t pid) {
    return std::ranges::any_of(run.processes, [pid](const Leak& leak) { return leak.process.pid == pid; });
  }
  // "CURFEW_OWNER=..." of a process that has ended: our own, at another time.
  [[nodiscard]] std::string DeadOwner() const {
    auto owner = *process::Owner::OfSelf(proc_);
    owner.start_ticks -= 1;
    return owner.ToString();
  }
  // A stray that was executed with this mark and owner, and carries the tag.
  [[nodiscard]] Stray Executed(const std::string& mark, const std::string& owner) const {
    return Stray(
        Stray::Where::kOrphan, [this] { TakeTag(tag_); },
        [mark, owner] {
          const auto mark_entry = "CURFEW_MARK=" + mark;
          const auto owner_entry = "CURFEW_OWNER=" + owner;
          const char* const environment[] = {mark_entry.c_str(), owner_entry.c_str(), nullptr};
          ::execle("/bin/sleep", "sleep", "60", nullptr, environment);
          ::_exit(1);
        });
  }
  // Until the stray has executed its program: its mark is there then.
  static void AwaitMark(pid_t pid, const std::string& run) {
    const procfs::Proc proc;
    for (int i = 0; i < 3000; ++i) {
      const auto mark = process::Mark::Read(proc, pid);
      if (mark && mark->run == run) return;
      ::usleep(10'000);
    }
    ADD_FAILURE() << "the stray has no mark";
  }

  procfs::Proc proc_;
  Tag tag_ = *Tag::ForNewRun(process::TagCeiling());
  std::string id_ = tag_.RunId();
};

TEST_F(MachineTest, OrphanWhoseOwnerIsDeadIsOfADeadRun) {
  const Stray stray = Executed(id_ + "/Kv.Pings/redis", DeadOwner());
  AwaitMark(stray.pid(), id_);
  auto run = Find(id_);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->owner, Owner::kDead);
  Machine(proc_, Machine::Witness::kTags).Describe(*run);
  ASSERT_EQ(run->processes.size(), 1U);
  EXPECT_EQ(run->processes[0].test, "Kv.Pings");
  EXPECT_EQ(run->processes[0].server, "redis");
  EXPECT_THAT(run->processes[0].evidence, ::testing::ElementsAre("tag", "mark"));
}

TEST_F(MachineTest, OrphanWhoseOwnerLivesIsLeftAlone) {
  const Stray stray = Executed(id_ + "//", process::Owner::OfSelf(proc_)->ToString());
  AwaitMark(stray.pid(), id_);
  auto run = Find(id_);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->owner, Owner::kAlive);
  EXPECT_EQ(run->owner_pid, ::getpid());
  Machine(proc_, Machine::Witness::kTags).Kill(*run);
  EXPECT_FALSE(stray.Ended());
}

TEST_F(MachineTest, OwnerInAnotherNamespaceCannotBeTold) {
  auto owner = *process::Owner::OfSelf(proc_);
  owner.name_space = "pid:[1]";
  const Stray stray = Executed(id_ + "//", owner.ToString());
  AwaitMark(stray.pid(), id_);
  EXPECT_EQ(Find(id_)->owner, Owner::kUnknown);
}

TEST_F(MachineTest, KeeperThatLivesMakesItARunningOne) {
  const Stray stray = Executed(id_ + "//", DeadOwner());
  const Stray keeper(Stray::Where::kOrphan, [this] { TakeTag(tag_.WithSlot(Tag::kCurfew)); });
  AwaitMark(stray.pid(), id_);
  EXPECT_EQ(Find(id_)->owner, Owner::kAlive);
}

TEST_F(MachineTest, MarkAloneIsEnoughWithAnOwner) {
  const std::string run = "a1b2c3d4e5f6";
  const Stray stray(
      Stray::Where::kOrphan, [] {},
      [this, run] {
        const auto mark = "CURFEW_MARK=" + run + "//";
        const auto owner = "CURFEW_OWNER=" + DeadOwner();
        const char* const environment[] = {mark.c_str(), owner.c_str(), nullptr};
        ::execle("/bin/sleep", "sleep", "60", nullptr, environment);
        ::_exit(1);
      });
  AwaitMark(stray.pid(), run);
  ASSERT_TRUE(Find(run));
  EXPECT_EQ(Find(run)->owner, Owner::kDead);
  EXPECT_FALSE(Find(run, Machine::Witness::kTags)) << "the tag pass reads no environments";
}

TEST_F(MachineTest, KillEndsADeadRunAndNobodyElse) {
  const Stray stray = Executed(id_ + "//", DeadOwner());
  const Tag other = *Tag::ForNewRun(process::TagCeiling());
  const Stray stranger(Stray::Where::kOrphan, [other] { TakeTag(other); });
  AwaitMark(stray.pid(), id_);
  const Machine machine(proc_, Machine::Witness::kTagsAndMarks);
  auto run = Find(id_);
  ASSERT_TRUE(run && run->owner == Owner::kDead);
  machine.Describe(*run);
  machine.Kill(*run);
  EXPECT_TRUE(stray.Ended());
  EXPECT_FALSE(stranger.Ended());
  EXPECT_TRUE(run->processes.at(0).reaped);
}

TEST(MarkTest, ParsesNamesWithSlashes) {
  const auto mark = process::Mark::Parse("cf01/Inst/Suite.Test/0/redis");
  ASSERT_TRUE(mark);
  EXPECT_EQ(mark->run, "cf01");
  EXPECT_EQ(mark->test, "Inst/Suite.Test/0");
  EXPECT_EQ(mark->server, "redis");
  EXPECT_TRUE(process::Mark::Parse("cf01//"));
  for (const char* bad : {"", "cf01", "cf01/x", "//", "/x/y"}) EXPECT_FALSE(process::Mark::Parse(bad)) << bad;
}

TEST(OwnerTest, IsReadBackAsWritten) {
  const procfs::Proc proc;
  const auto self = process::Owner::OfSelf(proc);
  ASSERT_TRUE(self);
  const auto parsed = process::Owner::Parse(self->ToString());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->Alive(proc), true);
  for (const char* bad : {"", "1", "1@2", "x@2@n", "1@x@n", "-1@2@n", "0@2@n", "1@2@"}) {
    EXPECT_FALSE(process::Owner::Parse(bad)) << bad;
  }
}

}  // namespace
}  // namespace curfew::leaks
