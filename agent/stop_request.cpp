#include "agent/stop_request.h"

#include <csignal>
#include <cstdint>
#include <string_view>
#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

#include "common/error.h"

namespace hivemind::agent {
namespace {

// A signal handler reaches nothing but this.
volatile std::sig_atomic_t requests = -1;

extern "C" void hivemind_stop_requested(int) {
  const std::uint64_t one = 1;
  if (::write(requests, &one, sizeof one) != sizeof one) ::_exit(0);
  ::alarm(static_cast<unsigned>(StopRequest::kPatience.count()));
}

extern "C" void hivemind_stop_overdue(int) {
  constexpr std::string_view kWords = "hivemind-agent: it takes too long to end well: ends at once\n";
  (void)!::write(STDERR_FILENO, kWords.data(), kWords.size());
  ::_exit(0);
}

void handle(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  ::sigaction(signal, &action, nullptr);
}

int new_event() {
  const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) throw Error(ErrorCode::kInternal, "no descriptor for stop requests");
  return fd;
}

}  // namespace

StopRequest::StopRequest(boost::asio::any_io_executor loop) : requests_(std::move(loop), new_event()) {
  requests = requests_.native_handle();
  handle(SIGALRM, hivemind_stop_overdue);
  handle(SIGTERM, hivemind_stop_requested);
  handle(SIGINT, hivemind_stop_requested);
}

StopRequest::~StopRequest() {
  for (const int signal : {SIGTERM, SIGINT}) handle(signal, SIG_IGN);
  requests = -1;
}

void StopRequest::on_stop(std::function<void()> stop) {
  stop_ = std::move(stop);
  requests_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [this](const boost::system::error_code& cancelled) {
                         if (!cancelled) stop_();
                       });
}

}  // namespace hivemind::agent
