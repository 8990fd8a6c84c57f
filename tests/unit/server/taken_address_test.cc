// SPDX-License-Identifier: Apache-2.0
#include "server/taken_address.h"

#include <gtest/gtest.h>

#include <string>

#include "temp_proc.h"

namespace curfew::server {
namespace {

TEST(TakenAddressTest, KnowsTheWordsOfManyLanguages) {
  const curfew::testing::TempProc folder;
  for (const auto* line :
       {"bind: Address already in use", "OSError: [Errno 98] Address already in use",
        "listen tcp 127.0.0.1:80: bind: address already in use",
        "Error: listen EADDRINUSE: address already in use :::3000", "java.net.BindException: Address in use",
        "Web server failed to start. Port 8080 was already in use."}) {
    folder.Write("log", std::string("starting\n") + line + "\nat main.js:1\n");
    EXPECT_TRUE(SaysAddressInUse(folder.root() / "log", 0)) << line;
  }
}

TEST(TakenAddressTest, OtherWordsEarlierStartsAndNoLogSayNothing) {
  const curfew::testing::TempProc folder;
  const std::string text = "bind: Address already in use\nnow it works; in use: 3 of 5 slots\n";
  folder.Write("log", text);
  EXPECT_FALSE(SaysAddressInUse(folder.root() / "log", 29));
  EXPECT_FALSE(SaysAddressInUse(folder.root() / "log", text.size()));
  EXPECT_FALSE(SaysAddressInUse(folder.root() / "none", 0));
}

TEST(TakenAddressTest, LogThatIsShorterThanItWasIsReadFromItsBegin) {
  const curfew::testing::TempProc folder;
  folder.Write("log", "bind: Address already in use\n");
  EXPECT_TRUE(SaysAddressInUse(folder.root() / "log", 1000)) << "the server has emptied it";
}

TEST(TakenAddressTest, FindsTheWordsBehindAFlood) {
  const curfew::testing::TempProc folder;
  folder.Write("log", std::string(1U << 20U, 'x') + "\nEADDRINUSE\n" + std::string(1000, 'y'));
  EXPECT_TRUE(SaysAddressInUse(folder.root() / "log", 0));
}

}  // namespace
}  // namespace curfew::server
