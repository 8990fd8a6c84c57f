// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <functional>
#include <memory>
#include <utility>

namespace curfew::keeper {

// Calls back each time a descriptor that somebody else owns is readable, until destroyed.
//
// The handler may destroy the Watch. The descriptor has to outlive it.
class Watch {
 public:
  Watch(boost::asio::io_context& io, int fd, std::function<void()> on_readable)
      : descriptor_(io, fd), on_readable_(std::move(on_readable)) {
    Arm();
  }
  ~Watch() { descriptor_.release(); }  // cancels the wait and gives the descriptor back
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  void Arm() {
    descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                           [this, alive = std::weak_ptr<int>(alive_)](const boost::system::error_code& error) {
                             if (error || alive.expired()) return;
                             const auto handler = on_readable_;  // it may destroy this Watch
                             handler();
                             if (!alive.expired()) Arm();
                           });
  }

  boost::asio::posix::stream_descriptor descriptor_;
  std::function<void()> on_readable_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace curfew::keeper
