// SPDX-License-Identifier: Apache-2.0
#include "report/escape.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "wild_report.h"

namespace curfew::report {
namespace {

using curfew::testing::kWild;

TEST(EscapeTest, VisibleKeepsTextAndShowsTheRest) {
  EXPECT_EQ(Visible("plain ä € 😀\n\tnext \\"), "plain ä € 😀\n\tnext \\");
  EXPECT_EQ(Visible("\x1b[31m\x07\r\x7f"), "\\x1B[31m\\x07\\x0D\\x7F");
  EXPECT_EQ(Visible("\xff\xc0\xaf\xed\xa0\x80"), "\\xFF\\xC0\\xAF\\xED\\xA0\\x80");
  EXPECT_EQ(Visible("\xe2\x80\xae"), "\\xE2\\x80\\xAE");  // right-to-left override
  EXPECT_EQ(Visible(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(Visible(""), "");
}

TEST(EscapeTest, OneLineIsOneAndCutBetweenCharacters) {
  EXPECT_EQ(OneLine("a\nb\tc"), "a b c");
  EXPECT_EQ(OneLine("abcdefghij", 8), "abcde...");
  EXPECT_EQ(OneLine("abcd€€€€", 9), "abcd...");
  EXPECT_LE(OneLine(std::string(1'000'000, '\x01'), 200).size(), 200U);
}

TEST(EscapeTest, Xml) {
  EXPECT_EQ(XmlText("a<b>&\"]]>\n"), "a&lt;b&gt;&amp;&quot;]]&gt;\n");
  EXPECT_EQ(XmlAttribute("a\n\t\""), "a&#10;&#9;&quot;");
}

TEST(EscapeTest, ScriptJsonMeansTheSame) {
  const nlohmann::json value = {{"</script>", "<!-- <script> \xe2\x80\xa8"}};
  const auto text = ScriptJson(value.dump());
  EXPECT_EQ(text.find('<'), std::string::npos);
  EXPECT_EQ(nlohmann::json::parse(text), value);
}

TEST(EscapeTest, Github) {
  EXPECT_EQ(GithubMessage("50%\n::error::x"), "50%25%0A::error::x");
  EXPECT_EQ(GithubProperty("a:b,c%\n"), "a%3Ab%2Cc%25%0A");
}

TEST(EscapeTest, Markdown) {
  EXPECT_EQ(MarkdownText("a|b`c`*d*\n<i>"), "a\\|b\\`c\\`\\*d\\* &lt;i&gt;");
  EXPECT_EQ(MarkdownBlock("plain"), "```text\nplain\n```\n");
  EXPECT_EQ(MarkdownBlock("````\nx"), "`````text\n````\nx\n`````\n");
}

TEST(EscapeTest, NothingWildIsLeftInAny) {
  for (const auto& text : {Visible(kWild), OneLine(kWild), XmlText(kWild), XmlAttribute(kWild), GithubMessage(kWild),
                           GithubProperty(kWild), MarkdownText(kWild), MarkdownBlock(kWild)}) {
    EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
    EXPECT_EQ(text.find('\r'), std::string::npos) << text;
    EXPECT_NO_THROW(static_cast<void>(nlohmann::json(text).dump())) << text;
  }
}

}  // namespace
}  // namespace curfew::report
