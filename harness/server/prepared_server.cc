// SPDX-License-Identifier: Apache-2.0
#include "server/prepared_server.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <set>

#include <nlohmann/json.hpp>

#include <curfew/start_error.h>

#include "process/clock.h"
#include "process/mark.h"
#include "process/names.h"
#include "procfs/proc.h"
#include "readiness/command.h"
#include "readiness/holder.h"
#include "readiness/validate.h"
#include "report/encode.h"
#include "server/check_spec.h"
#include "server/executable.h"
#include "server/placeholders.h"

namespace curfew::server {
namespace {

// The first descriptor after the standard ones.
constexpr int kNotifyFd = 3;
// unix(7): sun_path has 108 bytes, the last of them NUL.
constexpr std::size_t kMaxSocketPath = 107;
constexpr int kTriesForBoth = 50;

[[noreturn]] void CouldNotLaunch(const std::string& name, const std::string& what, int error,
                                 const std::string& advice = "") {
  throw StartError(StartError::kCouldNotLaunch,
                   "failed to start server " + name + ": " + what +
                       (error == 0 ? "" : ": " + process::DescribeErrno(error)) +
                       (advice.empty() ? "" : "\n  try         " + advice),
                   {.error_number = error});
}

std::string ListCaptured(const std::map<std::string, std::string>& values) {
  std::string names;
  for (const auto& [name, value] : values) {
    if (name.starts_with("captured:")) names += " {" + name + "}";
  }
  return names.empty() ? ", nor anything else" : "; there is" + names;
}

// What is wrong with the working directory, before anything is started in it.
int CheckDirectory(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return errno;
  if (!S_ISDIR(status.st_mode)) return ENOTDIR;
  return ::access(path.c_str(), X_OK) == 0 ? 0 : errno;
}

}  // namespace

PreparedServer::PreparedServer(ServerSpec spec, const std::filesystem::path& base,
                               std::map<std::string, std::string> values)
    : spec_(std::move(spec)), log_(base.string() + ".log"), ready_(spec_.ready), values_(std::move(values)) {
  CheckSpec(spec_);
  name_ = DisplayName(spec_);
  address_.host = "127.0.0.1";
  address_.dir = base;
  socket_ = base.string() + ".sock";
  Place();
}

void PreparedServer::Place() {
  ReserveAddress();
  ReservePorts();
  values_.insert({{"host", address_.host}, {"dir", address_.dir.string()}, {"socket", socket_.string()}});
  if (readiness::Mentions(spec_.ready, Ready::Kind::kNotifyFd)) values_["notify_fd"] = std::to_string(kNotifyFd);
  if (readiness::Mentions(spec_.ready, Ready::Kind::kNotify)) {
    const std::filesystem::path& base = address_.dir;
    const std::string path = base.string() + ".notify";
    if (path.size() > kMaxSocketPath && spec_.network.is_private()) {
      CouldNotLaunch(name_, "NOTIFY_SOCKET would be " + path + ", too long for a Unix socket; use a shorter TMPDIR",
                     ENAMETOOLONG);
    }
    // Elsewhere too long a TMPDIR does not matter: a name of the abstract namespace will do.
    notify_address_ = path.size() <= kMaxSocketPath
                          ? readiness::UnixAddress{path}
                          : readiness::UnixAddress{'@' + base.parent_path().filename().string() + '-' +
                                                   base.filename().string() + ".notify"};
  }
  FillInReady();
  if (const auto problem = readiness::FindProblem(ready_, address_)) {
    throw StartError(StartError::kBadSpec, "failed to start server " + name_ + ": ServerSpec::ready: " + *problem, {});
  }
  FindProgram();
  argv_.clear();
  MakeDirectory();
  try {
    FillIn();
  } catch (...) {
    RemoveFiles();
    throw;
  }
}

PreparedServer::~PreparedServer() { RemoveFiles(); }

void PreparedServer::RemoveFiles() {
  std::error_code ignored;  // another user's files may refuse; the keeper tries once more
  std::filesystem::remove_all(address_.dir, ignored);
  std::filesystem::remove(socket_, ignored);
}

void PreparedServer::StartOver() {
  RemoveFiles();
  Place();
}

bool PreparedServer::HasFreshPorts() const {
  return std::ranges::any_of(address_.ports, [this](const auto& port) {
    const auto kind = PortOf(port.first).kind();
    return kind == Port::Kind::kReserved || kind == Port::Kind::kReservedUdp;
  });
}

Port PreparedServer::PortOf(const std::string& port_name) const {
  const auto given = spec_.ports.find(port_name);
  return given == spec_.ports.end() ? Port() : given->second;
}

std::map<std::string, Port> PreparedServer::PortsToDiscover() const {
  std::map<std::string, Port> wanted;
  for (const auto& [port_name, port] : spec_.ports) {
    if (port.kind() == Port::Kind::kDiscovered) wanted.emplace(port_name, port);
  }
  return wanted;
}

void PreparedServer::Discovered(const std::map<std::string, std::uint16_t>& numbers) {
  for (const auto& [port_name, number] : numbers) address_.ports[port_name] = number;
}

void PreparedServer::ReachedByIpv6Only(bool only) {
  if (private_address_ || spec_.network.is_private()) return;
  address_.host = only ? "::1" : "127.0.0.1";
}

bool PreparedServer::MeansUdp(const std::string& port_name) const {
  return PortOf(port_name).kind() == Port::Kind::kReservedUdp ||
         std::ranges::any_of(spec_.sockets, [&](const ListenSocket& socket) {
           return socket.kind() == ListenSocket::Kind::kUdp && socket.name() == port_name;
         });
}

bool PreparedServer::MeansTcp(const std::string& port_name) const {
  const bool has_socket = std::ranges::any_of(spec_.sockets, [&](const ListenSocket& socket) {
    return socket.kind() == ListenSocket::Kind::kTcp && socket.name() == port_name;
  });
  return has_socket || !MeansUdp(port_name);
}

std::string PreparedServer::HoldAddress() const { return private_address_ ? private_address_->address() : ""; }

void PreparedServer::ReserveAddress() {
  if (!spec_.private_address || private_address_) return;
  auto reserved = ports::AddressReservation::Any();
  if (!reserved.ok()) {
    CouldNotLaunch(name_, "could not have a private_address: " + reserved.failure().operation,
                   reserved.failure().error);
  }
  private_address_ = std::move(*reserved);
  address_.host = private_address_->address();
}

void PreparedServer::ReleasePorts() {
  if (ports_left_to_server_) reservations_.clear();
}

void PreparedServer::HoldPorts() {
  if (!ports_left_to_server_ || !reservations_.empty()) return;
  const auto hold = [this](std::uint16_t number, ports::Protocol protocol) {
    auto held = ports::PortReservation::Of(number, protocol, HoldAddress());
    if (held.ok()) reservations_.push_back(std::move(*held));
  };
  for (const auto& [port_name, number] : address_.ports) {
    if (PortOf(port_name).kind() == Port::Kind::kDiscovered) continue;
    if (MeansTcp(port_name)) hold(number, ports::Protocol::kTcp);
    if (MeansUdp(port_name)) hold(number, ports::Protocol::kUdp);
  }
}

std::set<std::uint64_t> PreparedServer::HeldInodes() const {
  std::set<std::uint64_t> inodes;
  for (const auto& held : reservations_) inodes.insert(held.inode());
  return inodes;
}

void PreparedServer::ReservePorts() {
  // Fresh numbers while the old ones are held: so they are others. A number of the spec has to be let go of first.
  std::vector<ports::PortReservation> former = std::move(reservations_);
  std::erase_if(former, [this](const ports::PortReservation& held) {
    return std::ranges::any_of(spec_.ports,
                               [&held](const auto& fixed) { return fixed.second.number() == held.port(); });
  });
  reservations_.clear();
  for (const auto& port_name : PortNames(spec_)) {
    if (PortOf(port_name).kind() == Port::Kind::kDiscovered) {
      address_.ports[port_name] = 0;
    } else {
      Reserve(port_name);
    }
    values_[port_name.empty() ? "port" : "port:" + port_name] = std::to_string(address_.ports.at(port_name));
  }
}

void PreparedServer::Reserve(const std::string& port_name) {
  using ports::PortReservation;
  using ports::Protocol;
  const int fixed = PortOf(port_name).number();
  const auto reserve = [this](int number, Protocol protocol) {
    return number == 0 ? PortReservation::Any(protocol, HoldAddress())
                       : PortReservation::Of(static_cast<std::uint16_t>(number), protocol, HoldAddress());
  };
  if (fixed != 0 && spec_.network.is_private()) {  // nobody else is there
    address_.ports[port_name] = static_cast<std::uint16_t>(fixed);
    return;
  }
  const bool both = MeansTcp(port_name) && MeansUdp(port_name);
  bool udp = !MeansTcp(port_name);  // which of the two is being reserved
  auto reserved = reserve(fixed, udp ? Protocol::kUdp : Protocol::kTcp);
  // A number that is free for one protocol is mostly free for the other.
  std::vector<PortReservation> passed_over;
  for (int i = 0; both && reserved.ok() && i < kTriesForBoth; ++i) {
    auto other = reserve(reserved->port(), Protocol::kUdp);
    if (other.ok()) {
      reservations_.push_back(std::move(*other));
      break;
    }
    if (fixed != 0 || i + 1 == kTriesForBoth) {
      reserved = other.failure();
      udp = true;
      break;
    }
    passed_over.push_back(std::move(*reserved));
    reserved = reserve(fixed, Protocol::kTcp);
  }
  if (!reserved.ok()) RefusePort(port_name, fixed, udp, reserved.failure());
  address_.ports[port_name] = reserved->port();
  reservations_.push_back(std::move(*reserved));
}

std::string PreparedServer::DescribeOther(const std::string& port_name, bool udp) const {
  return readiness::DescribePortHolder(
      procfs::Proc(),
      {.number = address_.ports.at(port_name), .udp = udp, .host = HoldAddress(), .holds = HeldInodes()});
}

void PreparedServer::RefusePort(const std::string& port_name, int fixed, bool udp,
                                const process::Failure& failure) const {
  const bool taken = fixed != 0 && failure.error == EADDRINUSE;
  std::string holder;
  if (taken) {
    holder = readiness::DescribePortHolder(
        procfs::Proc(), {.number = static_cast<std::uint16_t>(fixed), .udp = udp, .host = HoldAddress()});
  }
  if (taken) holder = holder.empty() ? "; somebody had it" : "; " + holder;
  throw StartError(taken ? StartError::kPortTaken : StartError::kCouldNotLaunch,
                   "failed to start server " + name_ + ": could not reserve {port" +
                       (port_name.empty() ? "" : ":" + port_name) + '}' +
                       (fixed == 0 ? "" : " = " + std::to_string(fixed)) + ": " + failure.ToString() + holder +
                       (taken ? "\n  try         end that process, or let Curfew choose the number" : ""),
                   {.error_number = failure.error});
}

nlohmann::json PreparedServer::SocketRequests() const {
  auto requests = nlohmann::json::array();
  for (const auto& socket : spec_.sockets) {
    const bool listens = socket.kind() == ListenSocket::Kind::kTcp || socket.kind() == ListenSocket::Kind::kUnix;
    nlohmann::json request = {{"listens", listens}};
    if (socket.has_port()) {
      request["name"] = socket.name().empty() ? "port" : socket.name();
      request["host"] = address_.host;
      request["port"] = address_.ports.at(socket.name());
    } else {
      const std::string path = Expanded(socket.path());
      request["name"] = socket.name().empty() ? "socket" : socket.name();
      request["path"] = path.starts_with('@') ? path : (address_.dir / path).string();
    }
    requests.push_back(std::move(request));
  }
  return requests;
}

// What this server's own log will show is filled in when it has: until then the placeholder stands for itself.
void PreparedServer::FillInReady() {
  auto values = values_;
  for (const auto& group : readiness::CapturedNames(spec_.ready)) {
    const std::string placeholder = "captured:" + group;
    if (readiness::Mentions(spec_.ready, Ready::Kind::kCommand))
      values[placeholder] = std::string(1, readiness::kLateCapture.front()) + '{' + placeholder + '}';
  }
  ready_ = readiness::ExpandSubjects(spec_.ready,
                                     [&](const std::string& text) { return Expanded(name_, text, values); });
}

std::string PreparedServer::Expanded(const std::string& text) const { return Expanded(name_, text, values_); }

std::string PreparedServer::Expanded(const std::string& name, const std::string& text,
                                     const std::map<std::string, std::string>& values) {
  std::string unknown;
  auto expanded = Expand(text, values, unknown);
  if (!expanded && unknown.starts_with("captured:")) {
    throw StartError(StartError::kBadSpec,
                     "failed to start server " + name + ": ServerSpec: \"" + text + "\": {" + unknown +
                         "}: no server that is up has captured that" + ListCaptured(values),
                     {});
  }
  if (!expanded) {
    throw StartError(StartError::kBadSpec,
                     "failed to start server " + name + ": ServerSpec::ready: \"" + text + "\": {" + unknown +
                         "} is no placeholder, or no port that the spec mentions",
                     {});
  }
  return *expanded;
}

void PreparedServer::MakeDirectory() {
  if (::mkdir(address_.dir.c_str(), 0755) != 0) {
    CouldNotLaunch(name_, "could not make its directory " + address_.dir.string(), errno);
  }
}

std::string PreparedServer::ExpandedWord(const std::string& text) const {
  std::string word = Expanded(text);
  if (word.find('\0') == std::string::npos) return word;
  throw StartError(StartError::kBadSpec,
                   "failed to start server " + name_ + ": ServerSpec: \"" + text +
                       "\": what a log has shown for it holds a NUL byte, which no argument, variable or path can",
                   {});
}

void PreparedServer::FillIn() {
  for (const auto& argument : spec_.command) argv_.push_back(ExpandedWord(argument));
  if (!spec_.shell.empty()) argv_ = {"sh", "-c", ExpandedWord(spec_.shell)};
  for (const auto& [variable, value] : spec_.env) env_[variable] = ExpandedWord(value);
  if (notify_address_) env_["NOTIFY_SOCKET"] = notify_address_->text;
  working_dir_ = spec_.working_dir.empty()
                     ? address_.dir.string()
                     : std::filesystem::absolute(ExpandedWord(spec_.working_dir.string())).string();
  if (const int error = CheckDirectory(working_dir_)) {
    CouldNotLaunch(name_, "could not enter its working_dir " + working_dir_, error,
                   "make it before the start, or leave it out: then it is {dir}");
  }
  for (const auto& [file, text] : spec_.files) {
    const auto path = address_.dir / file;
    std::error_code ignored;  // the open below tells
    std::filesystem::create_directories(path.parent_path(), ignored);
    errno = 0;
    std::ofstream out(path, std::ios::binary);
    out << Expanded(text);
    if (!out.flush()) CouldNotLaunch(name_, "could not write " + path.string(), errno);
  }
  const auto uses_socket = [](const std::string& text) {
    const auto words = FindPlaceholders(text);
    return std::find(words.begin(), words.end(), "socket") != words.end();
  };
  ForEachText(spec_, [&](const std::string& field, const std::string& text) {
    if (!uses_socket(text) || socket_.string().size() <= kMaxSocketPath) return;
    CouldNotLaunch(
        name_, field + ": {socket} would be " + socket_.string() + ", too long for a Unix socket; use a shorter TMPDIR",
        ENAMETOOLONG);
  });
}

std::string PreparedServer::SearchPath() const {
  const auto own = spec_.env.find("PATH");
  if (own != spec_.env.end()) return Expanded(own->second);
  const char* inherited = std::getenv("PATH");
  return inherited != nullptr ? inherited : "/usr/local/bin:/usr/bin:/bin";
}

void PreparedServer::FindProgram() {
  const std::string program = spec_.shell.empty() ? Expanded(spec_.command.front()) : "/bin/sh";
  const auto search = FindExecutable(program, SearchPath());
  if (search.error == 0) {
    executable_ = search.path;
    return;
  }
  std::string where;
  for (const auto& place : search.looked) where += (where.empty() ? "" : ":") + place;
  const bool in_path = program.find('/') == std::string::npos;
  CouldNotLaunch(name_,
                 "could not execute " + program + (in_path ? ", looked for in PATH " : ", that is ") +
                     (where.empty() ? "(empty)" : where),
                 search.error,
                 search.error == EACCES ? "chmod +x, if it is the right file"
                 : in_path              ? "is it installed? Give its path, or PATH in ServerSpec::env"
                           : "is it built? A relative path is taken from the test program's working directory");
}

std::string PreparedServer::CommandLine() const {
  ProcessInfo shown;
  shown.command = argv_;
  return shown.CommandLine(2000);
}

std::vector<std::string> PreparedServer::Environment(const std::map<std::string, std::string>& env) {
  // A service manager's words to the test program are not for its servers, which would answer it.
  static const std::set<std::string> kNotForServers = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
                                                        "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"};
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text(*entry);
    const std::string name = text.substr(0, text.find('='));
    if (!env.contains(name) && !kNotForServers.contains(name)) environment.push_back(text);
  }
  for (const auto& [variable, value] : env) environment.push_back(variable + '=' + value);
  return environment;
}

process::Result<nlohmann::json> PreparedServer::CommandRequest(const std::vector<std::string>& argv,
                                                               const std::map<std::string, std::string>& more,
                                                               const std::string& mark) const {
  const auto search = FindExecutable(argv.front(), SearchPath());
  if (search.error != 0) return process::Failure{"find the program " + argv.front(), search.error};
  auto env = env_;
  for (const auto& [variable, value] : more) env[variable] = value;
  env[process::kMarkVariable] = mark;
  env.erase("NOTIFY_SOCKET");  // the server's to talk to
  return nlohmann::json{{"op", "launch"},
                        {"executable", search.path},
                        {"argv", argv},
                        {"environment", Environment(env)},
                        {"working_dir", working_dir_},
                        {"log", command_output().string()},
                        {"own_session", true},
                        {"daemonizes", false},
                        {"kernel_event", "never"},
                        {"policy", StopPolicy{.steps = {}}}};
}

nlohmann::json PreparedServer::LaunchRequest(const std::string& mark) const {
  auto env = env_;
  env[process::kMarkVariable] = mark;
  const auto environment = Environment(env);
  StopPolicy policy = spec_.stop;
  for (auto& step : policy.steps) step.grace = process::Scaled(step.grace);
  return {{"op", "launch"},
          {"executable", executable_},
          {"argv", argv_},
          {"environment", environment},
          {"working_dir", working_dir_},
          {"log", log_.path().string()},
          {"own_session", spec_.own_session},
          {"daemonizes", spec_.daemonizes},
          {"policy", policy},
          {"sockets", SocketRequests()},
          {"private_network", spec_.network.is_private()},
          {"kernel_event", !spec_.kernel_event ? "free" : *spec_.kernel_event ? "always" : "never"}};
}

}  // namespace curfew::server
