# Included by amd64.cmake, arm64.cmake and armhf.cmake, which set HIVEMIND_TRIPLET, HIVEMIND_TEXT_SEGMENT and CMAKE_SYSTEM_PROCESSOR.
# Expects HIVEMIND_CROSS: the directory that build.sh filled (sysroot/ and sources/).
set(CMAKE_SYSTEM_NAME Linux)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES HIVEMIND_CROSS)

set(CMAKE_C_COMPILER ${HIVEMIND_TRIPLET}-gcc)
set(CMAKE_CXX_COMPILER ${HIVEMIND_TRIPLET}-g++)
set(CMAKE_AR ${HIVEMIND_TRIPLET}-gcc-ar)
set(CMAKE_RANLIB ${HIVEMIND_TRIPLET}-gcc-ranlib)
set(CMAKE_STRIP ${HIVEMIND_TRIPLET}-strip)
set(CMAKE_LIBRARY_ARCHITECTURE ${HIVEMIND_TRIPLET})

set(CMAKE_SYSROOT ${HIVEMIND_CROSS}/sysroot)
set(CMAKE_FIND_ROOT_PATH ${HIVEMIND_CROSS}/sysroot)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
# What Debian describes as shared libraries is found by these instead.
set(CMAKE_MODULE_PATH ${CMAKE_CURRENT_LIST_DIR}/modules)
set(ENV{PKG_CONFIG_DIR} "")
set(ENV{PKG_CONFIG_LIBDIR} ${CMAKE_SYSROOT}/usr/lib/${HIVEMIND_TRIPLET}/pkgconfig:${CMAKE_SYSROOT}/usr/share/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${CMAKE_SYSROOT})

# No path of this machine gets into the bytes. Of several maps that fit, the compiler takes the last: the build may lie below the
# sources. With a relative path, link-time optimisation would record the working directory as well.
cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH source)
string(JOIN " " flags
  -Oz -DNDEBUG -ffunction-sections -fdata-sections
  -ffile-prefix-map=${source}=/hivemind
  -ffile-prefix-map=${HIVEMIND_CROSS}=/hivemind/cross -ffile-prefix-map=${CMAKE_BINARY_DIR}=/hivemind/build)
# With link-time optimisation, a random number of each compilation would get into names of sections and symbols. The object's path is
# relative to the build but for sources that lie elsewhere (modules/), which have a seed of their own.
set(CMAKE_CXX_COMPILE_OBJECT "<CMAKE_CXX_COMPILER> -frandom-seed=<OBJECT> <DEFINES> <INCLUDES> <FLAGS> -o <OBJECT> -c <SOURCE>")
set(CMAKE_C_FLAGS_MINSIZEREL_INIT ${flags})
set(CMAKE_CXX_FLAGS_MINSIZEREL_INIT ${flags})
set(CMAKE_C_FLAGS_MINSIZEREL ${flags} CACHE STRING "")
set(CMAKE_CXX_FLAGS_MINSIZEREL ${flags} CACHE STRING "")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static -Wl,--gc-sections -Wl,--build-id=none -Wl,-O1 -Wl,-Map=hivemind-agent.map -Wl,-Ttext-segment=${HIVEMIND_TEXT_SEGMENT}")
