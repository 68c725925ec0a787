# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154 # dir
# Sourced by amd.bash and arm64.bash, which say what to skip: what emulated hosts
# of every architecture share.

for program in flock python3 jq apt-get apt-cache dpkg-deb; do
    command -v "$program" >/dev/null || skip "$program is not installed"
done
mkdir -p "$MIG_CACHE/kernels" || skip "no folder to keep kernels in"

# Sets $kernel to an unpacked kernel package: the one that a meta package stands
# for, whose name changes with every fix.
unpack_kernel() { # META-PACKAGE FILE...
    local package
    package=$(apt-cache depends "$1" 2>/dev/null | awk '/Depends: linux-image-[0-9]/ {print $2; exit}')
    [ -n "$package" ] || skip "the package index has no $1"
    kernel=$MIG_CACHE/kernels/${package%:*}
    (
        flock 9
        [ ! -e "$kernel/complete" ] || exit 0
        rm -rf "$kernel"
        mkdir -p "$kernel" && cd "$kernel" && apt-get -q download "$package" &&
            dpkg-deb --fsys-tarfile ./*.deb | tar -x --wildcards './boot/vmlinuz-*' "${@:2}" &&
            rm -f ./*.deb && touch complete
    ) 9>"$MIG_CACHE/kernels/lock" >"$dir/out" 2>&1 || {
        cat "$dir/out"
        skip "$package can not be downloaded"
    }
}

# Wait for a host whose emulate() runs in the background.
emulated() { # NAME PID
    wait "$2" || {
        cat "$dir/$1/log" "$dir/$1/console"
        fail "$1: the emulated host did not do all it was told"
    }
}

# emulate() one host to its end.
host() { # NAME KERNEL CPU [options] COMMAND...
    emulate "$@" &
    emulated "$1" $!
}
