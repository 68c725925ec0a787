# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # dir
# Sourced after lib.bash by tests with emulated arm64 hosts: programs that are
# built for them, kernels, and how to boot.
# Needs deploy/install-packages cross; else the test is skipped, and says so.

skip() {
    echo "SKIP: $*: NOT tested on arm64"
    exit 77
}

for program in qemu-system-aarch64 aarch64-linux-gnu-gcc ninja; do
    command -v "$program" >/dev/null || skip "$program is not installed"
done
# shellcheck source-path=SCRIPTDIR source=emulated.bash
source "$MIG_SOURCE/tests/e2e/emulated.bash"
[ -e "${MIG_ARM64_SYSROOT:-$MIG_CACHE/arm64}/usr/lib/aarch64-linux-gnu/libssl.a" ] ||
    skip "there are no libraries for arm64 (deploy/install-packages cross)"

arm64=${MIG_ARM64_BUILD:-$MIG_BUILD/arm64}
mkdir -p "$arm64" || skip "no folder to work in"

# Built once for all tests, and again when a source has changed.
(
    flock 9
    [ -e "$arm64/build.ninja" ] ||
        cmake -S "$MIG_SOURCE" -B "$arm64" -G Ninja -DMIG_STATIC=ON -DCMAKE_BUILD_TYPE=Release \
            --toolchain "$MIG_SOURCE/deploy/arm64.cmake" || exit 1
    cmake --build "$arm64" -j "$(nproc)" --target mig-agentd first arm64_restore prove_arm64
) 9>"$arm64.lock" >"$dir/out" 2>&1 || fail "the programs for arm64 can not be built"
: >"$dir/out"

kernel() { # META-PACKAGE
    unpack_kernel "$1:arm64" '*/virtio*.ko*' '*/failover.ko*' '*/net_failover.ko*'
}

# Pointer authentication in the architecture's own way takes an emulator longer
# than all the rest.
# shellcheck disable=SC2034
max=max,pauth-impdef=on

emulate() { # NAME KERNEL CPU [options] COMMAND...
    mkdir -p "$dir/$1"
    "$MIG_SOURCE/tests/tools/emulated-host" --arch arm64 --first "$arm64/tests/first" \
        --kernel "$2" --cpu "$3" --smp 1 --out "$dir/$1" --program "$arm64/bin/mig-agentd" \
        --program "$arm64/tests/arm64_restore" --program "$arm64/tests/prove_arm64" "${@:4}" >"$dir/$1/log" 2>&1
}
