#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Programs that were linked with an older libmig.so go on running: nothing that
# tests/abi/libmig.abi knows has gone or changed.  With MIG_ABI_UPDATE=1 what
# was added is written there.
set -euo pipefail
skip() {
    echo "SKIP: $*"
    exit 77
}
lib=$MIG_BUILD/lib/libmig/libmig.so
header=$MIG_SOURCE/lib/libmig/mig.h
known=$MIG_SOURCE/tests/abi/libmig.abi
[ -e "$lib" ] || skip "this build has no shared libmig"
if ! command -v abidiff >/dev/null || ! command -v abidw >/dev/null; then
    skip "abidiff is not installed"
fi
# Sanitizers put names of their own beside ours, and another compiler describes
# the same types in other words.
if nm -D "$lib" | grep ' __asan_' >/dev/null; then
    skip "a sanitized library has another ABI"
fi

# The one header alone: what only handles.h knows is nobody's business.
public=$(mktemp -d)
trap 'rm -rf "$public"' EXIT
cp "$header" "$public"

dump() {
    abidw --headers-dir "$public" --drop-private-types \
        --no-corpus-path --no-comp-dir-path --no-show-locs --type-id-style hash \
        --no-elf-needed --no-architecture "$1"
}
# Dump against dump: of the library itself it would leave out the structs.
dump "$lib" >"$public/libmig.abi"
if [ "${MIG_ABI_UPDATE:-}" = 1 ]; then
    mkdir -p "$(dirname "$known")"
    cp "$public/libmig.abi" "$known"
fi
status=0
abidiff "$known" "$public/libmig.abi" || status=$?
# 1 and 2: it could not tell; 4: something differs; 8: incompatibly.
case $status in
0) echo "the ABI is the known one" ;;
*) echo "the ABI has changed: additions go to $known with MIG_ABI_UPDATE=1, all else is to be undone" ;;
esac
exit $status
