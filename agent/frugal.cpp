#include "agent/frugal.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include <link.h>
#include <malloc.h>
#include <nss.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

namespace hivemind::agent {
namespace {

constexpr int kTrimThreshold = 64 * 1024;
constexpr int kMapThreshold = 64 * 1024;
// Of threads that say nothing themselves: Paho's. Sanitizers keep much of their own there.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kStack = 8 * 1024 * 1024;
#else
constexpr std::size_t kStack = 256 * 1024;
#endif
constexpr std::chrono::seconds kPause{20};

// The first that dl_iterate_phdr tells of is the program itself.
int give_back_segments(dl_phdr_info* program, std::size_t, void*) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (int i = 0; i < program->dlpi_phnum; ++i) {
    const auto& segment = program->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    const std::uintptr_t begin = (program->dlpi_addr + segment.p_vaddr) & ~(page - 1);
    const std::uintptr_t end = program->dlpi_addr + segment.p_vaddr + segment.p_memsz;
    // Advice: where the kernel does not take it, nothing is lost.
    ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  return 1;  // no shared libraries: others use them as well
}

}  // namespace

void be_frugal() {
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_TRIM_THRESHOLD, kTrimThreshold);
  mallopt(M_MMAP_THRESHOLD, kMapThreshold);
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) == 0) {
    if (pthread_attr_setstacksize(&attributes, kStack) == 0) pthread_setattr_default_np(&attributes);
    pthread_attr_destroy(&attributes);
  }
  __nss_configure_lookup("hosts", "files dns");
}

void Thrift::wait() {
  timer_.expires_after(kPause);
  timer_.async_wait([this](const boost::system::error_code& cancelled) {
    if (cancelled) return;
    malloc_trim(0);
    dl_iterate_phdr(give_back_segments, nullptr);
    wait();
  });
}

}  // namespace hivemind::agent

// Called for an exception that nothing catches. libstdc++'s own one also writes the name of its type, and
// brings a demangler of 50 KB along for that.
namespace __gnu_cxx {

void __verbose_terminate_handler() {
  try {
    if (const std::exception_ptr thrown = std::current_exception()) std::rethrow_exception(thrown);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "hivemind-agent: nothing catches: %s\n", error.what());
  } catch (...) {
    std::fprintf(stderr, "hivemind-agent: nothing catches what was thrown\n");
  }
  std::abort();
}

}  // namespace __gnu_cxx
