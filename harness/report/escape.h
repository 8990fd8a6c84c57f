// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

// Texts of processes, tests and logs hold any bytes. Each report passes every one of them through the function of its
// format, and nothing else through.
namespace curfew::report {

// Valid UTF-8 without controls, directions or anything XML refuses: such bytes appear as \x1B. Newlines and tabs are
// kept.
[[nodiscard]] std::string Visible(std::string_view text);
// The same on one line: newlines and tabs are spaces, cut at `most` bytes with "...".
[[nodiscard]] std::string OneLine(std::string_view text, std::size_t most = 200);

// Between tags, and in a quoted attribute.
[[nodiscard]] std::string XmlText(std::string_view text);
[[nodiscard]] std::string XmlAttribute(std::string_view text);
// JSON inside <script>: no '<', so no end tag and no comment begins in it.
[[nodiscard]] std::string ScriptJson(std::string json);
// Workflow commands of GitHub: the message, and the value of a property.
[[nodiscard]] std::string GithubMessage(std::string_view text);
[[nodiscard]] std::string GithubProperty(std::string_view text);
// GitHub-flavoured Markdown: words on one line, and a block with a fence longer than any inside.
[[nodiscard]] std::string MarkdownText(std::string_view text);
[[nodiscard]] std::string MarkdownBlock(std::string_view text);

}  // namespace curfew::report
