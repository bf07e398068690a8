// The program inside the sample fleet's containers: one static binary that is a whole image by itself.
//
//   app serve                  answers HTTP on $PORT (8080): / greets, /healthz, /config (the file
//   $CONFIG_FILE), /env app work                   counts its heartbeats in $DATA_DIR/heartbeats (/data), one
//   each $INTERVAL_MS (1000) app healthcheck            exit code 0 when the server on $PORT says that it is
//   healthy app job [CODE [DELAY_MS]]  waits, says so, and exits with CODE (0)
//
// $HEALTHY_AFTER_MS: the server calls itself unhealthy before then; -1: for ever.
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

extern char** environ;

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

std::string variable(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

// As process 1 of a container nothing ends us by default: the kernel ignores signals without a handler there.
void end_on_signals() {
  for (int signal : {SIGTERM, SIGINT, SIGQUIT}) {
    std::signal(signal, [](int) { _exit(0); });
  }
  std::signal(SIGPIPE, SIG_IGN);
}

void pause_for(milliseconds time) {
  usleep(static_cast<useconds_t>(time.count()) * 1000U);
}

sockaddr_in address(std::uint32_t host) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_addr.s_addr = htonl(host);
  result.sin_port = htons(static_cast<std::uint16_t>(std::atoi(variable("PORT", "8080").c_str())));
  return result;
}

void limit_waiting(int socket) {
  const timeval limit{2, 0};
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

std::string receive_head(int socket) {
  std::string head;
  char piece[1024];
  while (head.size() < 8192 && head.find("\r\n\r\n") == std::string::npos) {
    const ssize_t size = recv(socket, piece, sizeof piece, 0);
    if (size <= 0) break;
    head.append(piece, static_cast<std::size_t>(size));
  }
  return head;
}

void send_all(int socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = send(socket, text.data(), text.size(), 0);
    if (size <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
}

bool healthy(Clock::time_point started) {
  const milliseconds after{std::atoi(variable("HEALTHY_AFTER_MS", "0").c_str())};
  return after.count() >= 0 && Clock::now() - started >= after;
}

std::string greeting() {
  char host[256] = {};
  gethostname(host, sizeof host - 1);
  return variable("GREETING", "hello") + " from " + host + "\nversion " + variable("VERSION", "none") + "\n";
}

std::string environment() {
  std::string text;
  for (char** entry = environ; *entry != nullptr; ++entry) text += std::string(*entry) + "\n";
  return text;
}

struct Answer {
  const char* status;
  std::string body;
};

Answer answer(std::string_view path, Clock::time_point started) {
  if (path == "/") return {"200 OK", greeting()};
  if (path == "/env") return {"200 OK", environment()};
  if (path == "/healthz") {
    return healthy(started) ? Answer{"200 OK", "ok\n"} : Answer{"503 Service Unavailable", "not yet\n"};
  }
  if (path == "/config") {
    std::ifstream file(variable("CONFIG_FILE", "/etc/app/message.txt"));
    if (file) return {"200 OK", {std::istreambuf_iterator<char>(file), {}}};
  }
  return {"404 Not Found", "not found\n"};
}

void serve_one(int client, Clock::time_point started) {
  limit_waiting(client);
  const std::string head = receive_head(client);
  const auto begin = head.find(' ');
  const auto end = begin == std::string::npos ? begin : head.find(' ', begin + 1);
  if (end == std::string::npos) return;
  const Answer reply = answer(std::string_view(head).substr(begin + 1, end - begin - 1), started);
  send_all(client, std::string("HTTP/1.1 ") + reply.status +
                       "\r\nContent-Type: text/plain\r\nConnection: close\r\n" +
                       "Content-Length: " + std::to_string(reply.body.size()) + "\r\n\r\n" + reply.body);
}

int serve() {
  const auto started = Clock::now();
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in here = address(INADDR_ANY);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0 ||
      listen(listener, 64) != 0) {
    std::perror("app: cannot listen");
    return 1;
  }
  std::printf("serving on port %d, version %s\n", ntohs(here.sin_port), variable("VERSION", "none").c_str());
  while (true) {
    const int client = accept(listener, nullptr, nullptr);
    if (client < 0) continue;
    serve_one(client, started);
    close(client);
  }
}

int work() {
  const std::string file = variable("DATA_DIR", "/data") + "/heartbeats";
  const milliseconds interval{std::atoi(variable("INTERVAL_MS", "1000").c_str())};
  long count = 0;
  std::ifstream(file) >> count;  // absent on the first start: stays 0
  std::printf("going on from heartbeat %ld\n", count);
  while (true) {
    std::ofstream(file) << ++count << "\n";
    pause_for(interval);
  }
}

int healthcheck() {
  const int server = socket(AF_INET, SOCK_STREAM, 0);
  limit_waiting(server);
  const sockaddr_in there = address(INADDR_LOOPBACK);
  if (connect(server, reinterpret_cast<const sockaddr*>(&there), sizeof there) != 0) {
    std::perror("app: cannot connect");
    return 1;
  }
  send_all(server, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  return receive_head(server).rfind("HTTP/1.1 200", 0) == 0 ? 0 : 1;
}

int job(int code, milliseconds delay) {
  pause_for(delay);
  std::printf("job done, exit code %d\n", code);
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  setvbuf(stdout, nullptr, _IOLBF, 0);
  end_on_signals();
  const std::string_view verb = argc > 1 ? argv[1] : "serve";
  if (verb == "serve") return serve();
  if (verb == "work") return work();
  if (verb == "healthcheck") return healthcheck();
  if (verb == "job")
    return job(argc > 2 ? std::atoi(argv[2]) : 0, milliseconds{argc > 3 ? std::atoi(argv[3]) : 0});
  std::fprintf(stderr, "app: unknown command '%s' (serve, work, healthcheck, job)\n", argv[1]);
  return 2;
}
