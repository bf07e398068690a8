set(HIVEMIND_TRIPLET x86_64-linux-gnu)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
# One page off what 2 MiB pages could map: with those, the kernel would have the whole program resident for a touch of it.
set(HIVEMIND_TEXT_SEGMENT 0x401000)
include(${CMAKE_CURRENT_LIST_DIR}/toolchain.cmake)
