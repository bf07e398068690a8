// Preloaded into a process (LD_PRELOAD): counts its calls that change something below a directory, and ends
// it, as kill -9 does, just before the one that the test asks for. Both numbers are in a file that the test
// maps, too (kill_at_write.h).
#include "tests/support/kill_at_write.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

using hivemind::tests::WriteCount;

template <typename Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

// From the environment, once: the mapped counters, or nothing.
WriteCount* counters() {
  static WriteCount* const mapped = []() -> WriteCount* {
    const char* file = std::getenv(hivemind::tests::kKillFileVariable);
    if (file == nullptr) return nullptr;
    const int fd = ::open(file, O_RDWR | O_CLOEXEC);
    if (fd < 0) return nullptr;
    void* place = ::mmap(nullptr, sizeof(WriteCount), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    return place == MAP_FAILED ? nullptr : static_cast<WriteCount*>(place);
  }();
  return mapped;
}

bool is_below(const char* path) {
  const char* directory = std::getenv(hivemind::tests::kKillBelowVariable);
  return directory != nullptr && path != nullptr &&
         std::strncmp(path, directory, std::strlen(directory)) == 0;
}

bool is_below(int fd) {
  char link[64];
  char path[4096];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = ::readlink(link, path, sizeof path - 1);
  if (size <= 0) return false;
  path[size] = '\0';
  return is_below(path);
}

template <typename Where>
void boundary(Where where) {
  const int before = errno;
  WriteCount* count = counters();
  if (count != nullptr && is_below(where)) {
    const auto now = count->calls.fetch_add(1) + 1;
    if (now == count->kill_at.load()) {
      count->killed.store(1);
      ::kill(::getpid(), SIGKILL);
    }
  }
  errno = before;
}

// A path below a descriptor counts as its directory.
void boundary_at(int fd, const char* path) {
  if (path != nullptr && path[0] == '/') {
    boundary(path);
  } else {
    boundary(fd);
  }
}

}  // namespace

extern "C" {

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t offset) {
  boundary(fd);
  return real<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64")(fd, bytes, size, offset);
}
ssize_t pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  boundary(fd);
  return real<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite")(fd, bytes, size, offset);
}
ssize_t write(int fd, const void* bytes, size_t size) {
  boundary(fd);
  return real<ssize_t (*)(int, const void*, size_t)>("write")(fd, bytes, size);
}
int fsync(int fd) {
  boundary(fd);
  return real<int (*)(int)>("fsync")(fd);
}
int fdatasync(int fd) {
  boundary(fd);
  return real<int (*)(int)>("fdatasync")(fd);
}
int ftruncate64(int fd, off64_t size) {
  boundary(fd);
  return real<int (*)(int, off64_t)>("ftruncate64")(fd, size);
}
int ftruncate(int fd, off_t size) {
  boundary(fd);
  return real<int (*)(int, off_t)>("ftruncate")(fd, size);
}
int unlink(const char* path) {
  boundary(path);
  return real<int (*)(const char*)>("unlink")(path);
}
int unlinkat(int fd, const char* path, int flags) {
  boundary_at(fd, path);
  return real<int (*)(int, const char*, int)>("unlinkat")(fd, path, flags);
}
int rename(const char* from, const char* to) {
  boundary(to);
  return real<int (*)(const char*, const char*)>("rename")(from, to);
}
int renameat(int from_fd, const char* from, int to_fd, const char* to) {
  boundary_at(to_fd, to);
  return real<int (*)(int, const char*, int, const char*)>("renameat")(from_fd, from, to_fd, to);
}
int renameat2(int from_fd, const char* from, int to_fd, const char* to, unsigned flags) {
  boundary_at(to_fd, to);
  return real<int (*)(int, const char*, int, const char*, unsigned)>("renameat2")(from_fd, from, to_fd, to,
                                                                                  flags);
}
int mkdirat(int fd, const char* path, mode_t mode) {
  boundary_at(fd, path);
  return real<int (*)(int, const char*, mode_t)>("mkdirat")(fd, path, mode);
}

}  // extern "C"
