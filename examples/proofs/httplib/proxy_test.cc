// SPDX-License-Identifier: Apache-2.0
// cpp-httplib's proxy tests: a make target brings two squids up in containers on ports 3128 and 3129, polls
// both, sleeps 5 s, and the tests ask servers on the internet through them. Here proxies and origin are the
// test's own.
#include "proxies.h"

#include <httplib.h>

#include <memory>

namespace {

enum class Who { kNobody, kHello, kStranger };

// A client of the origin, through this proxy.
std::unique_ptr<httplib::Client> Through(const curfew::Server& proxy, const curfew::Server& origin, Who who) {
  auto client = std::make_unique<httplib::Client>(origin.host(), origin.port());
  client->set_proxy(proxy.host(), proxy.port());
  client->set_read_timeout(60);
  const std::string password = who == Who::kHello ? "world" : "guess";
  if (who != Who::kNobody && proxy.name() == "digest") client->set_proxy_digest_auth("hello", password);
  if (who != Who::kNobody && proxy.name() != "digest") client->set_proxy_basic_auth("hello", password);
  return client;
}

int StatusOf(const httplib::Result& result) {
  return result ? result->status : 0;
}

TEST_F(ProxyTest, AsksForAPassword) {
  for (auto* proxy : {&servers().basic, &servers().digest}) {
    SCOPED_TRACE(proxy->name());
    const auto answer = Through(*proxy, servers().origin, Who::kNobody)->Get("/get");
    ASSERT_EQ(StatusOf(answer), 407);
    EXPECT_THAT(
        answer->get_header_value("Proxy-Authenticate"),
        testing::StartsWith(proxy->name() == "basic" ? "Basic realm=\"proxy\"" : "Digest realm=\"proxy\""));
  }
}

TEST_F(ProxyTest, RefusesAGuess) {
  EXPECT_EQ(StatusOf(Through(servers().basic, servers().origin, Who::kStranger)->Get("/get")), 407);
  EXPECT_EQ(StatusOf(Through(servers().digest, servers().origin, Who::kStranger)->Get("/get")), 407);
}

TEST_F(ProxyTest, LeadsToTheOrigin) {
  for (auto* proxy : {&servers().basic, &servers().digest}) {
    SCOPED_TRACE(proxy->name());
    const auto answer = Through(*proxy, servers().origin, Who::kHello)->Get("/get");
    ASSERT_EQ(StatusOf(answer), 200);
    // It went through this proxy, which kept the password to itself.
    EXPECT_THAT(answer->body, testing::HasSubstr(proxy->name() + " (squid"));
    EXPECT_THAT(answer->body, testing::EndsWith(";auth="));
  }
}

TEST_F(ProxyTest, FollowsRedirectionsThroughTheProxy) {
  for (auto* proxy : {&servers().basic, &servers().digest}) {
    SCOPED_TRACE(proxy->name());
    const auto client = Through(*proxy, servers().origin, Who::kHello);
    client->set_follow_location(true);
    const auto answer = client->Get("/redirect/2");
    ASSERT_EQ(StatusOf(answer), 200);
    EXPECT_THAT(answer->body, testing::HasSubstr(proxy->name() + " (squid"));
  }
}

TEST_F(ProxyTest, PassesAChainOfTwo) {
  auto& last = servers().basic;
  auto spec = curfew::servers::Squid("visible_hostname first\nnever_direct allow all\ncache_peer " +
                                     last.host() + " parent " + std::to_string(last.port()) +
                                     " 0 no-query no-digest login=hello:world\n");
  auto first = curfew::Server::Start(std::move(spec));
  const auto answer = Through(first, servers().origin, Who::kNobody)->Get("/get");
  ASSERT_EQ(StatusOf(answer), 200);
  EXPECT_THAT(answer->body, testing::ContainsRegex("first \\(squid.*basic \\(squid"));
}

// A container that is restarted gets its fixed port back, and everybody else's tests meet it there.
TEST_F(ProxyTest, ComesBackAfterACrash) {
  auto& proxy = servers().digest;
  proxy.Crash();
  EXPECT_TRUE(proxy.tree().empty()) << proxy.tree();  // its helpers are gone, too
  EXPECT_EQ(StatusOf(Through(proxy, servers().origin, Who::kHello)->Get("/get")), 0);
  proxy.Restart();
  EXPECT_EQ(StatusOf(Through(proxy, servers().origin, Who::kHello)->Get("/get")), 200);
}

}  // namespace
