set(HIVEMIND_TRIPLET arm-linux-gnueabihf)
set(CMAKE_SYSTEM_PROCESSOR armv7l)
# As in amd64.cmake; what is the default here.
set(HIVEMIND_TEXT_SEGMENT 0x10000)
include(${CMAKE_CURRENT_LIST_DIR}/toolchain.cmake)
