// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the sample servers share: options, the self-destruct alarm, a listening socket, an echo loop,
// children. They use nothing of Curfew: they stand for the servers of strangers.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace sample {

[[noreturn]] inline void Die(const std::string& what) {
  std::perror(what.c_str());
  std::exit(1);
}

// One line on stdout, at once: whoever reads the log file must see it.
inline void Say(const std::string& line) {
  std::puts(line.c_str());
  std::fflush(stdout);
}

inline unsigned lifetime = 120;  // seconds

// Whatever goes wrong in a test, no sample outlives this. An alarm is not inherited: every child arms its
// own.
inline void ArmSelfDestruct() {
  ::alarm(lifetime);
}

inline in_addr listen_address{.s_addr = htonl(INADDR_LOOPBACK)};

// `--name value` pairs; a bare number is the port. Every sample takes --port and --lifetime, and --host: the IPv4
// address to listen on.
class Options {
 public:
  Options(int argc, char** argv, std::initializer_list<std::string_view> known = {}) {
    for (int i = 1; i < argc; ++i) {
      const std::string_view word = argv[i];
      if (!word.starts_with("--")) {
        given_.emplace_back("port", word);
        continue;
      }
      const std::string_view name = word.substr(2);
      if (name != "port" && name != "lifetime" && name != "host" &&
          std::find(known.begin(), known.end(), name) == known.end()) {
        Usage(word);
      }
      const bool has_value = i + 1 < argc && !std::string_view(argv[i + 1]).starts_with("--");
      given_.emplace_back(name, has_value ? argv[++i] : "");
    }
    lifetime = static_cast<unsigned>(Number("lifetime", static_cast<int>(lifetime)));
    if (Has("host") && ::inet_pton(AF_INET, Text("host").c_str(), &listen_address) != 1) Usage("host");
    ArmSelfDestruct();
  }

  [[nodiscard]] bool Has(std::string_view name) const {
    return std::any_of(given_.begin(), given_.end(),
                       [name](const auto& option) { return option.first == name; });
  }
  [[nodiscard]] std::string Text(std::string_view name) const {
    for (const auto& [key, value] : given_) {
      if (key == name) return std::string(value);
    }
    return {};
  }
  [[nodiscard]] int Number(std::string_view name, int fallback) const {
    if (!Has(name)) return fallback;
    const std::string text = Text(name);
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number < 0) Usage(name);
    return number;
  }
  [[nodiscard]] std::uint16_t port() const { return static_cast<std::uint16_t>(Number("port", 0)); }
  [[nodiscard]] std::chrono::milliseconds Milliseconds(std::string_view name, int fallback) const {
    return std::chrono::milliseconds(Number(name, fallback));
  }

 private:
  [[noreturn]] static void Usage(std::string_view word) {
    std::fprintf(stderr, "what is meant by %.*s?\n", static_cast<int>(word.size()), word.data());
    std::exit(2);
  }
  std::vector<std::pair<std::string_view, std::string_view>> given_;
};

[[noreturn]] inline void BlockForEver() {
  for (;;) ::pause();
}

// Ends by the signal --signal, else with the code --code. The default action first: a sanitizer handles
// SIGSEGV.
[[noreturn]] inline void EndAs(const Options& options, int default_code) {
  if (options.Has("signal")) {
    const int signal = options.Number("signal", SIGKILL);
    ::signal(signal, SIG_DFL);
    ::raise(signal);
  }
  std::exit(options.Number("code", default_code));
}

// A bound socket that does not listen yet, non-blocking: several processes may accept from it.
inline int BindTcp(std::uint16_t port, bool reuse_address = true) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) Die("socket");
  const int on = reuse_address ? 1 : 0;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr = listen_address;
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    Die("bind 127.0.0.1:" + std::to_string(port));
  }
  return fd;
}

inline void Listen(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::listen(fd, SOMAXCONN) != 0) Die("listen");
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) Die("getsockname");
  Say("listening on 127.0.0.1:" + std::to_string(ntohs(address.sin_port)));
}

inline int ListenTcp(std::uint16_t port) {
  const int fd = BindTcp(port);
  Listen(fd);
  return fd;
}

// Answers every client with what it sends, for ever. `see` is shown each piece before it goes back.
[[noreturn]] inline void ServeEcho(int listener, const std::function<void(std::string_view)>& see = {}) {
  std::vector<pollfd> open = {{.fd = listener, .events = POLLIN, .revents = 0}};
  for (;;) {
    if (::poll(open.data(), open.size(), -1) < 0) continue;
    for (std::size_t i = open.size() - 1; i > 0; --i) {  // backwards: closed ones are taken out
      if (open[i].revents == 0) continue;
      std::array<char, 4096> piece{};
      const ssize_t got = ::read(open[i].fd, piece.data(), piece.size());
      if (got > 0 && see) see({piece.data(), static_cast<std::size_t>(got)});
      if (got > 0 && ::send(open[i].fd, piece.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) == got)
        continue;
      ::close(open[i].fd);
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(i));
    }
    const int client = open.front().revents != 0 ? ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC) : -1;
    if (client >= 0) open.push_back({.fd = client, .events = POLLIN, .revents = 0});
  }
}

// Child processes that are in place before the server listens: who finds it ready finds them too.
class Children {
 public:
  // Returns once the child has done `prepare`. It begins `body` after Go().
  void Add(const std::function<void()>& prepare, const std::function<void()>& body) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) Die("socketpair");
    const pid_t pid = ::fork();
    if (pid < 0) Die("fork");
    char byte = 0;
    if (pid == 0) {
      ArmSelfDestruct();
      prepare();
      Say("child " + std::to_string(::getpid()));
      if (::write(ends[1], &byte, 1) == 1 && ::read(ends[1], &byte, 1) == 1) body();
      ::_exit(0);
    }
    ::close(ends[1]);
    if (::read(ends[0], &byte, 1) != 1) Die("child");
    ends_.push_back(ends[0]);
  }

  void Go() const {
    for (const int end : ends_) {
      if (::write(end, "g", 1) != 1) Die("child");
    }
  }

 private:
  std::vector<int> ends_;
};

}  // namespace sample
