set(HIVEMIND_TRIPLET aarch64-linux-gnu)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
# As in amd64.cmake, with pages of up to 64 KiB.
set(HIVEMIND_TEXT_SEGMENT 0x410000)
include(${CMAKE_CURRENT_LIST_DIR}/toolchain.cmake)
