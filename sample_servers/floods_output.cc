// SPDX-License-Identifier: Apache-2.0
// Writes --mib N (default 100) MiB of numbered lines to stdout at once and "flood done", then listens: a
// harness that does not take its output never sees it ready.
#include "sample.h"

int main(int argc, char** argv) {
  const sample::Options options(argc, argv, {"mib"});
  constexpr std::size_t kLine = 64;
  const std::string filler(kLine - sizeof "000000000 ", '.');
  const std::size_t lines = static_cast<std::size_t>(options.Number("mib", 100)) * ((1U << 20) / kLine);
  for (std::size_t i = 0; i < lines; ++i) {
    if (std::printf("%09zu %s\n", i, filler.c_str()) < 0) sample::Die("write");
  }
  sample::Say("flood done");
  sample::ServeEcho(sample::ListenTcp(options.port()));
}
