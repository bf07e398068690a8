# Header-only: Debian has spdlog as a shared library alone.
if(NOT TARGET spdlog::spdlog)
  find_package(Threads REQUIRED)
  add_library(spdlog::spdlog INTERFACE IMPORTED GLOBAL)
  set_target_properties(spdlog::spdlog PROPERTIES
    INTERFACE_COMPILE_DEFINITIONS SPDLOG_FMT_EXTERNAL INTERFACE_LINK_LIBRARIES "fmt::fmt;Threads::Threads")
endif()
set(spdlog_FOUND TRUE)
