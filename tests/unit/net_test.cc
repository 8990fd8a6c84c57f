// SPDX-License-Identifier: Apache-2.0
#include "procfs/net.h"

#include <gmock/gmock.h>

#include <string>

#include "temp_proc.h"

namespace curfew::procfs {
namespace {

using curfew::testing::TempProc;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// As the kernel of a little-endian machine prints them; where this runs on a big-endian one, they would
// differ.
constexpr const char* kTcp =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000    33        0 111 1 0 100 "
    "0\n"
    "   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 222 1 0 100 "
    "0\n"
    "   2: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 333 1 0 100 "
    "0\n";
constexpr const char* kTcp6 =
    "  sl  local_address                         remote_address                        st ...\n"
    "   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000"
    " 00:00000000 00000000  1000        0 444 1 0 100 0\n"
    "   1: 00000000000000000000000000000000:FFFF 00000000000000000000000000000000:0000 0A 00000000:00000000"
    " 00:00000000 00000000  1000        0 555 1 0 100 0\n";

TEST(NetTest, ReadsListenersAndPassesOverConnections) {
  const auto listeners = ParseNetTcp(kTcp);
  ASSERT_THAT(listeners, SizeIs(2));
  EXPECT_EQ(listeners[0].address, "127.0.0.1");
  EXPECT_EQ(listeners[0].port, 8080);
  EXPECT_EQ(listeners[0].inode, 111U);
  EXPECT_EQ(listeners[0].uid, 33U);
  EXPECT_EQ(listeners[1].address, "0.0.0.0");
  EXPECT_EQ(listeners[1].port, 22);
}

TEST(NetTest, ReadsVersionSix) {
  const auto listeners = ParseNetTcp(kTcp6);
  ASSERT_THAT(listeners, SizeIs(2));
  EXPECT_EQ(listeners[0].address, "::1");
  EXPECT_EQ(listeners[0].port, 8080);
  EXPECT_EQ(listeners[1].address, "::");
  EXPECT_EQ(listeners[1].port, 65535);
}

TEST(NetTest, CutAndGarbledLinesArePassedOver) {
  const std::string line = std::string(kTcp).substr(std::string(kTcp).find("   0:"));
  const std::size_t inode_end = line.find("111") + 3;
  for (std::size_t size = 0; size <= inode_end; ++size)
    EXPECT_THAT(ParseNetTcp(line.substr(0, size)), IsEmpty());
  for (const char* address :
       {"0100007:1F90", "0100007G:1F90", "0100007F:1F90F", "0100007F", ":", "0100007F:"}) {
    std::string garbled = line;
    EXPECT_THAT(ParseNetTcp(garbled.replace(garbled.find("0100007F:1F90"), 13, address).substr(0, 110)),
                IsEmpty())
        << address;
  }
}

TEST(NetTest, ReadsBothTablesOrWhicheverThereIs) {
  const TempProc root;
  EXPECT_THAT(ReadListeners(Proc(root.root())), IsEmpty());
  root.Write("net/tcp6", kTcp6);
  EXPECT_THAT(ReadListeners(Proc(root.root())), SizeIs(2));
  root.Write("net/tcp", kTcp);
  EXPECT_THAT(ReadListeners(Proc(root.root())), SizeIs(4));
}

TEST(NetTest, PortsAreThoseOfTheSocketsAProcessHolds) {
  const TempProc root;
  root.Write("net/tcp", kTcp);
  root.Write("net/tcp6", kTcp6);
  root.Link("1/fd/3", "socket:[555]");
  root.Link("1/fd/4", "socket:[111]");
  root.Link("1/fd/5", "socket:[444]");  // the same port on the other family
  root.Link("2/fd/3", "socket:[333]");  // a connection
  std::vector<ProcessInfo> processes(3);
  for (std::size_t i = 0; i < processes.size(); ++i) processes[i].pid = static_cast<pid_t>(i + 1);
  processes[2].ports = {1};  // from an earlier read
  FillPorts(Proc(root.root()), processes);
  EXPECT_THAT(processes[0].ports, ElementsAre(8080, 65535));
  EXPECT_THAT(processes[1].ports, IsEmpty());
  EXPECT_THAT(processes[2].ports, IsEmpty());
}

}  // namespace
}  // namespace curfew::procfs
