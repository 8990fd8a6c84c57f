// SPDX-License-Identifier: Apache-2.0
// A web server, and two proxies that lead to it: one asks for a password in the clear, one for a digest of
// it.
#pragma once

#include <string>
#include <utility>

#include <curfew/curfew.h>
#include <curfew/servers.h>

// ---- fixture ----
// Where squid keeps its helpers is squid's own business: Debian's place.
inline const std::string kHelpers = "/usr/lib/squid/";

inline curfew::ServerSpec Origin() {
  return curfew::servers::Nginx(R"(
    location = /get { return 200 "via=$http_via;auth=$http_proxy_authorization"; }
    location = /redirect/2 { absolute_redirect off; return 302 /redirect/1; }
    location = /redirect/1 { absolute_redirect off; return 302 /get; }
  )");
}

// Users are in a file that the helper reads; hello's password is world.
inline curfew::ServerSpec ProxyWithPassword(const std::string& name, const std::string& scheme,
                                            const std::string& helper, const std::string& users,
                                            const std::string& more = "") {
  auto spec = curfew::servers::Squid(
      "visible_hostname " + name + "\nauth_param " + scheme + " program " + kHelpers + helper +
      " {dir}/users\nauth_param " + scheme + " realm proxy\nauth_param " + scheme +
      " children 2\nacl known proxy_auth REQUIRED\n" + more + "http_access deny !known\n");
  spec.name = name;
  spec.files["users"] = users;
  return spec;
}

class ProxyTest : public testing::Test {
 public:
  static void SetUpTestSuite() {
    try {
      servers_ = new Servers;
    } catch (const curfew::Unavailable& unavailable) {
      why_not_ = unavailable.what();
    }
  }
  static void TearDownTestSuite() { delete std::exchange(servers_, nullptr); }

 protected:
  struct Servers {
    curfew::Server origin = curfew::Server::Start(Origin());
    curfew::Server basic = curfew::Server::Start(ProxyWithPassword(
        "basic", "basic", "basic_ncsa_auth", "hello:$apr1$DZDn7lj4$s5qop2bfr.pcDpkgPUCzt.\n"));
    curfew::Server digest =
        curfew::Server::Start(ProxyWithPassword("digest", "digest", "digest_file_auth", "hello:world\n"));
  };

  void SetUp() override {
    if (servers_ == nullptr) GTEST_SKIP() << why_not_;
  }
  static Servers& servers() { return *servers_; }

 private:
  static inline Servers* servers_ = nullptr;
  static inline std::string why_not_;
};
// ---- end of fixture ----
