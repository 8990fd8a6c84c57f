// SPDX-License-Identifier: Apache-2.0
// Arrow's AzuriteEnv and Velox' AzuriteServer: a slow server on node, started on its fixed port (Arrow) or on
// one that was free a moment ago (Velox), and taken for ready at once (Arrow) or when it has not ended in 5 s
// (Velox).
#include "blob_client.h"

#include <curfew/curfew.h>
#include <curfew/servers.h>

namespace {

// ---- fixture ----
class AzuriteTest : public curfew::SharedServerFixture<AzuriteTest> {
 public:
  static curfew::ServerSpec Spec() { return curfew::servers::Azurite(); }

 protected:
  static BlobClient Client() { return {server().host(), server().port()}; }
};
// ---- end of fixture ----

// A container of the test's own, so that tests which share the server do not meet.
std::string Container() {
  std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
  for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

TEST_F(AzuriteTest, MakesAndRemovesContainers) {
  auto client = Client();
  EXPECT_EQ(client.CreateContainer(Container()), 201);
  EXPECT_EQ(client.CreateContainer(Container()), 409);
  EXPECT_EQ(client.DeleteContainer(Container()), 202);
  EXPECT_EQ(client.Get("/" + Container() + "/blob").status, 404);
}

TEST_F(AzuriteTest, KeepsBytesAsTheyAre) {
  auto client = Client();
  ASSERT_EQ(client.CreateContainer(Container()), 201);
  std::string bytes(1 << 20, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 + i / 4096);
  EXPECT_EQ(client.Put("/" + Container() + "/bytes", bytes), 201);
  const auto whole = client.Get("/" + Container() + "/bytes");
  EXPECT_EQ(whole.status, 200);
  EXPECT_TRUE(whole.body == bytes) << whole.body.size() << " bytes came back";
  const auto part = client.GetRange("/" + Container() + "/bytes", "bytes=4090-4105");
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, bytes.substr(4090, 16));
}

TEST_F(AzuriteTest, ListsWhatIsBelowADirectory) {
  auto client = Client();
  ASSERT_EQ(client.CreateContainer(Container()), 201);
  for (const char* path : {"/in/a", "/in/b", "/out/c"})
    EXPECT_EQ(client.Put("/" + Container() + path, "x"), 201);
  EXPECT_EQ(client.Delete("/" + Container() + "/in/b"), 202);
  const auto listed = client.List(Container(), "in");
  EXPECT_THAT(listed, testing::HasSubstr("<Name>in/a</Name>"));
  EXPECT_THAT(listed, testing::Not(testing::AnyOf(testing::HasSubstr("in/b"), testing::HasSubstr("out/c"))));
}

TEST_F(AzuriteTest, RefusesAWrongKey) {
  BlobClient stranger(server().host(), server().port(), "d3JvbmcgcGFzc3dvcmQ=");
  EXPECT_EQ(stranger.CreateContainer(Container()), 403);
}

TEST_F(AzuriteTest, HasItsBlobsAfterARestart) {
  ASSERT_EQ(Client().CreateContainer(Container()), 201);
  ASSERT_EQ(Client().Put("/" + Container() + "/kept", "yes"), 201);
  EXPECT_THAT(server().Stop(), curfew::StoppedGracefully());
  server().Restart();  // same port, same directory
  EXPECT_EQ(Client().Get("/" + Container() + "/kept").body, "yes");
}

}  // namespace
