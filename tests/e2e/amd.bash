# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # dir
# Sourced after lib.bash by tests with emulated AMD hosts, where KVM is the real
# one: kernels, and how to boot.

skip() {
    echo "SKIP: $*: NOT tested on emulated AMD hosts"
    exit 77
}

[ "$(uname -m)" = x86_64 ] || skip "this is no x86-64 machine"
for program in qemu-system-x86_64 ldd; do
    command -v "$program" >/dev/null || skip "$program is not installed"
done
# shellcheck source-path=SCRIPTDIR source=emulated.bash
source "$MIG_SOURCE/tests/e2e/emulated.bash"

kernel() { # META-PACKAGE
    unpack_kernel "$1" '*/kvm.ko*' '*/kvm-amd.ko*' '*/irqbypass.ko*'
}

# What the n-th command says becomes NAME/n.
emulate() { # NAME KERNEL CPU [options] COMMAND...
    mkdir -p "$dir/$1"
    "$MIG_SOURCE/tests/tools/emulated-host" --first "$MIG_BUILD/tests/first" --kernel "$2" \
        --cpu "$3" --out "$dir/$1" "${@:4}" >"$dir/$1/log" 2>&1
}
