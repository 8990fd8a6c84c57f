// SPDX-License-Identifier: Apache-2.0
// The fuzz target over its corpus, and over random damage of it: seconds, with any compiler.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

std::vector<std::string> Corpus() {
  std::vector<std::string> corpus;
  for (const auto& entry : std::filesystem::directory_iterator(CURFEW_CORPUS)) {
    std::ifstream in(entry.path(), std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return corpus;
}

void Feed(const std::string& text) {
  EXPECT_NO_THROW(LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

TEST(JournalCorpusTest, EveryFileIsReadWithoutAFault) {
  const auto corpus = Corpus();
  EXPECT_GE(corpus.size(), 3U);
  for (const auto& text : corpus) Feed(text);
}

TEST(JournalCorpusTest, DamagedFilesAreReadWithoutAFault) {
  const auto corpus = Corpus();
  std::mt19937 random(std::random_device{}());
  const auto seed = random();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  random.seed(seed);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(3);
  while (std::chrono::steady_clock::now() < until && !HasFailure()) {
    std::string text = corpus[random() % corpus.size()];
    for (unsigned i = random() % 16; i > 0 && !text.empty(); --i) {
      const auto at = random() % text.size();
      if (random() % 2 == 0) {
        text[at] = static_cast<char>(random());
      } else {
        text.erase(at, random() % 20);
      }
    }
    Feed(text);
  }
}

}  // namespace
