// SPDX-License-Identifier: Apache-2.0
#include "server/placeholders.h"

#include <gmock/gmock.h>

namespace curfew::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::map<std::string, std::string> kValues = {
    {"port", "4711"}, {"port:admin", "4712"}, {"host", "127.0.0.1"}, {"dir", "/tmp/d"}};

std::string Expanded(std::string_view text) {
  std::string unknown;
  return Expand(text, kValues, unknown).value_or("unknown: " + unknown);
}

struct Case {
  const char* text;
  const char* expanded;
};

class ExpandTest : public ::testing::TestWithParam<Case> {};

TEST_P(ExpandTest, GivesThisText) {
  EXPECT_EQ(Expanded(GetParam().text), GetParam().expanded);
}

INSTANTIATE_TEST_SUITE_P(Values, ExpandTest,
                         ::testing::Values(Case{"", ""}, Case{"plain", "plain"}, Case{"{port}", "4711"},
                                           Case{"--listen={host}:{port}", "--listen=127.0.0.1:4711"},
                                           Case{"{port}{port}", "47114711"}, Case{"{port:admin}", "4712"},
                                           Case{"{dir}/{port}.sock", "/tmp/d/4711.sock"}));

INSTANTIATE_TEST_SUITE_P(OtherBracesAreText, ExpandTest,
                         ::testing::Values(Case{"{}", "{}"}, Case{"{ port }", "{ port }"},
                                           Case{"{PORT}", "{PORT}"}, Case{"{port2}", "{port2}"},
                                           Case{"{port:}", "{port:}"}, Case{"{port:a b}", "{port:a b}"},
                                           Case{"{a,b}", "{a,b}"}, Case{"{", "{"}, Case{"}", "}"},
                                           Case{"{port", "{port"}, Case{"{port:admin", "{port:admin"},
                                           Case{"{:port}", "{:port}"}));

INSTANTIATE_TEST_SUITE_P(Json, ExpandTest,
                         ::testing::Values(Case{R"({"port": {port}})", R"({"port": 4711})"},
                                           Case{R"({"a":{"b":"{host}:{port}"}})",
                                                R"({"a":{"b":"127.0.0.1:4711"}})"},
                                           Case{"http {\n  server { listen {port}; }\n}",
                                                "http {\n  server { listen 4711; }\n}"}));

INSTANTIATE_TEST_SUITE_P(Shell, ExpandTest,
                         ::testing::Values(Case{"${port}", "${port}"}, Case{"${HOME}/{port}", "${HOME}/4711"},
                                           Case{"$${port}", "$${port}"}, Case{"$ {port}", "$ 4711"},
                                           Case{"${unheard_of}", "${unheard_of}"}, Case{"${", "${"}));

INSTANTIATE_TEST_SUITE_P(Escapes, ExpandTest,
                         ::testing::Values(Case{"{{port}}", "{port}"}, Case{"{{port:admin}}", "{port:admin}"},
                                           Case{"{{unheard_of}}", "{unheard_of}"},
                                           Case{"{{port}} {port}", "{port} 4711"}, Case{"{{", "{{"},
                                           // Only a whole pair escapes; Go and Jinja templates keep theirs.
                                           Case{"{{ port }}", "{{ port }}"}, Case{"{{.Port}}", "{{.Port}}"},
                                           Case{"{{port", "{{port"}, Case{"{{port} ", "{4711 "},
                                           Case{"{{{port}}}", "{{port}}"}, Case{"${{port}}", "${port}"}));

TEST(ExpandTest, UnknownIsNamedAndTheFirstOfSeveral) {
  EXPECT_EQ(Expanded("{prot}"), "unknown: prot");
  EXPECT_EQ(Expanded("{port:web} {dri}"), "unknown: port:web");
  EXPECT_EQ(Expanded("{{prot}} {dri}"), "unknown: dri");
}

TEST(ExpandTest, ValuesAreNotExpandedAgain) {
  std::string unknown;
  EXPECT_EQ(Expand("{a}", {{"a", "{b}"}, {"b", "no"}}, unknown), "{b}");
  EXPECT_EQ(Expand("{a}b}", {{"a", "{"}, {"b", "no"}}, unknown), "{b}");
}

TEST(ExpandTest, KeepsBytesOfAnyKind) {
  const std::string text("\xff\0{port}\n", 9);
  EXPECT_EQ(Expanded(text), std::string("\xff\0"
                                        "4711\n",
                                        7));
}

TEST(FindPlaceholdersTest, TellsThemInOrderAndLeavesOutWhatIsText) {
  EXPECT_THAT(FindPlaceholders("{b} ${c} {{d}} {a:x-Y_1} {b} {\"e\": 1}"), ElementsAre("b", "a:x-Y_1", "b"));
  EXPECT_THAT(FindPlaceholders("{{{port}}}"), IsEmpty());
}

}  // namespace
}  // namespace curfew::server
