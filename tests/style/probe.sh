#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# lib/vmm/probe_code.def is what lib/vmm/probe.S assembles to: it is kept as
# bytes so that a machine without an assembler for x86 builds the probe, too.
#
#   MIG_SOURCE=. tests/style/probe.sh write    after a change of probe.S
set -euo pipefail
cd "$MIG_SOURCE"
prefix=
[ "$(uname -m)" = x86_64 ] || prefix=x86_64-linux-gnu-
for tool in as ld xxd; do
    [ "$tool" != xxd ] && tool=$prefix$tool
    command -v "$tool" >/dev/null || {
        echo "SKIP: $tool is not installed"
        exit 77
    }
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${prefix}as" --32 -o "$dir/probe.o" lib/vmm/probe.S
"${prefix}ld" -m elf_i386 -Ttext 0 -e start --oformat binary -o "$dir/probe.bin" "$dir/probe.o"
{
    echo '/* SPDX-License-Identifier: Apache-2.0 */'
    echo '/* Bytes of probe.S, written by tests/style/probe.sh */'
    xxd -i -c 16 <"$dir/probe.bin" | sed 's/^  //'
} >"$dir/probe_code.def"
if [ "${1:-}" = write ]; then
    cp "$dir/probe_code.def" lib/vmm/probe_code.def
fi
cmp "$dir/probe_code.def" lib/vmm/probe_code.def || {
    echo "lib/vmm/probe_code.def is not what lib/vmm/probe.S assembles to"
    exit 1
}
