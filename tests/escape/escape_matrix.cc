// SPDX-License-Identifier: Apache-2.0
// The whole escape matrix; scripts/escape-matrix.sh runs it.
//   escape_matrix --cells [--shard I/N] [--rows A,B] [--columns A,B] [--log FILE]
//                                  runs the cells, one line each on stdout: "CELL row column letter"
//   escape_matrix --table FILE...  the table from such lines; exit 1 unless every cell is clean or skipped
//   escape_matrix --left-out       the cells that make no sense, with the reasons
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "cell.h"

namespace curfew::escape {
namespace {

std::set<std::string> Words(const std::string& list) {
  std::set<std::string> words;
  std::istringstream in(list);
  for (std::string word; std::getline(in, word, ',');) words.insert(word);
  return words;
}

struct Choice {
  std::size_t shard = 0;
  std::size_t shards = 1;
  std::set<std::string> rows;
  std::set<std::string> columns;
  std::string log;
};

char RunOne(const Row& row, const Column& column, const CellOptions& options, std::ofstream& log) {
  const std::string name = std::string(row.name) + "." + std::string(column.name);
  try {
    const Outcome outcome = RunCell(row, column, options);
    if (!outcome.clean()) log << name << "\n" << outcome.ToString() << std::endl;
    if (!outcome.skipped.empty()) log << name << " skipped: " << outcome.skipped << std::endl;
    return outcome.Letter();
  } catch (const std::exception& error) {
    log << name << "\n  failed: " << error.what() << std::endl;
    return 'F';
  }
}

int RunCells(const Choice& choice) {
  const CellOptions options = OptionsFromEnvironment();
  std::ofstream log(choice.log.empty() ? "/dev/stderr" : choice.log, std::ios::app);
  std::size_t number = 0;
  for (const Row& row : Rows()) {
    for (const Column& column : Columns()) {
      if (LeftOut(row, column)) continue;
      if (!choice.rows.empty() && !choice.rows.contains(std::string(row.name))) continue;
      if (!choice.columns.empty() && !choice.columns.contains(std::string(column.name))) continue;
      if (number++ % choice.shards != choice.shard) continue;
      std::cout << "CELL " << row.name << ' ' << column.name << ' ' << RunOne(row, column, options, log) << std::endl;
    }
  }
  return 0;
}

// The worse of two runs of one cell.
char Worse(char one, char other) {
  static const std::string kOrder = " -.FSH";
  return kOrder.find(one) > kOrder.find(other) ? one : other;
}

int PrintTable(const std::vector<std::string>& files) {
  std::map<std::pair<std::string, std::string>, char> cells;
  std::map<char, std::size_t> counts;
  for (const auto& file : files) {
    std::ifstream in(file);
    std::string word;
    std::string row;
    std::string column;
    for (char letter = 0; in >> word >> row >> column >> letter;) {
      auto& cell = cells.try_emplace({row, column}, ' ').first->second;
      cell = Worse(cell, letter);
      ++counts[letter];
    }
  }
  std::size_t height = 0;
  for (const Column& column : Columns()) height = std::max(height, column.name.size());
  for (std::size_t line = 0; line < height; ++line) {
    std::printf("%27s", "");
    for (const Column& column : Columns()) {
      const std::size_t blank = height - column.name.size();
      std::printf("%c ", line < blank ? ' ' : column.name[line - blank]);
    }
    std::puts("");
  }
  std::size_t missing = 0;
  for (const Row& row : Rows()) {
    std::printf("%-27s", std::string(row.name).c_str());
    for (const Column& column : Columns()) {
      const auto found = cells.find({std::string(row.name), std::string(column.name)});
      const bool ran = found != cells.end();
      if (!ran && !LeftOut(row, column)) ++missing;
      std::printf("%c ", ran ? found->second : LeftOut(row, column) ? 'x' : ' ');
    }
    std::puts("");
  }
  std::printf(
      "\n. clean %zu   S survivors %zu   H harmed %zu   F failed %zu   - cannot run here %zu   x left out   (blank: "
      "not run, %zu)\n",
      counts['.'], counts['S'], counts['H'], counts['F'], counts['-'], missing);
  return counts['S'] + counts['H'] + counts['F'] == 0 && counts['.'] > 0 ? 0 : 1;
}

int PrintLeftOut() {
  for (const Row& row : Rows()) {
    for (const Column& column : Columns()) {
      if (const auto reason = LeftOut(row, column)) {
        std::cout << row.name << '.' << column.name << ": " << *reason << '\n';
      }
    }
  }
  return 0;
}

int Usage() {
  std::cerr << "escape_matrix --cells [--shard I/N] [--rows A,B] [--columns A,B] [--log FILE]\n"
               "escape_matrix --table FILE...\nescape_matrix --left-out\n";
  return 2;
}

int Main(const std::vector<std::string>& arguments) {
  if (arguments.empty()) return Usage();
  if (arguments[0] == "--left-out") return PrintLeftOut();
  if (arguments[0] == "--table") return PrintTable({arguments.begin() + 1, arguments.end()});
  if (arguments[0] != "--cells" || arguments.size() % 2 == 0) return Usage();
  Choice choice;
  for (std::size_t i = 1; i + 1 < arguments.size(); i += 2) {
    const std::string& value = arguments[i + 1];
    if (arguments[i] == "--rows") {
      choice.rows = Words(value);
    } else if (arguments[i] == "--columns") {
      choice.columns = Words(value);
    } else if (arguments[i] == "--log") {
      choice.log = value;
    } else if (arguments[i] == "--shard") {
      if (std::sscanf(value.c_str(), "%zu/%zu", &choice.shard, &choice.shards) != 2 || choice.shards == 0)
        return Usage();
    } else {
      return Usage();
    }
  }
  return RunCells(choice);
}

}  // namespace
}  // namespace curfew::escape

int main(int argc, char** argv) {
  return curfew::escape::Main({argv + 1, argv + argc});
}
