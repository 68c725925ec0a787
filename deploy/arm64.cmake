# SPDX-License-Identifier: Apache-2.0
# Toolchain: programs for arm64 on a machine of another kind.  The compiler
# brings its C library; all other libraries come from a folder that
# deploy/install-packages cross fills (MIG_ARM64_SYSROOT), where they can not get
# into the way of this machine's own.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
if(NOT CMAKE_C_COMPILER)
    set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
endif()

if(NOT MIG_ARM64_SYSROOT)
    set(MIG_ARM64_SYSROOT $ENV{MIG_ARM64_SYSROOT})
endif()
if(NOT MIG_ARM64_SYSROOT)
    execute_process(COMMAND ${CMAKE_CURRENT_LIST_DIR}/cache-folder
        OUTPUT_VARIABLE MIG_ARM64_SYSROOT OUTPUT_STRIP_TRAILING_WHITESPACE)
    set(MIG_ARM64_SYSROOT ${MIG_ARM64_SYSROOT}/arm64)
endif()
set(MIG_ARM64_SYSROOT ${MIG_ARM64_SYSROOT} CACHE PATH "libraries for arm64")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES MIG_ARM64_SYSROOT)

set(CMAKE_FIND_ROOT_PATH ${MIG_ARM64_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(ENV{PKG_CONFIG_LIBDIR} ${MIG_ARM64_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${MIG_ARM64_SYSROOT})
set(ENV{PKG_CONFIG_ALLOW_SYSTEM_CFLAGS} 1)
set(ENV{PKG_CONFIG_ALLOW_SYSTEM_LIBS} 1)
set(CMAKE_C_FLAGS_INIT "-isystem ${MIG_ARM64_SYSROOT}/usr/include/aarch64-linux-gnu")

# Tests run under qemu-user.
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static;-L;/usr/aarch64-linux-gnu;-E;LD_LIBRARY_PATH=${MIG_ARM64_SYSROOT}/usr/lib/aarch64-linux-gnu)
