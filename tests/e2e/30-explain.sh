#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the tables know of a word, without any host.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
requires jq

expect 0 migctl explain avx2
says 'avx2 x86/cpuid/7.0/ebx/5' 'bit 5 of EBX, CPUID leaf 0x7' 'level x86-64-v3' 'needs avx' \
    'clearcpuid=293'
expect 0 migctl explain SSE3
says 'pni x86/cpuid/1.0/ecx/0' 'sse3 (qemu, intel)'
expect 0 migctl explain amx_tile md_clear aes skip-l1dfl-vmentry
says 'KVM shows it from Linux 5.17 on' 'microcode: updates brought it' "firmware's switch for AES-NI" \
    'kvm_intel.vmentry_l1d_flush=never'

# The id of a register lists its rows, and every id of a report can be asked for.
expect 0 migctl explain x86/cpuid/7.2/edx
says 'intel_psfd' 'bhi_ctrl' 'mcdt_no'
expect 0 migctl explain coverage/msr x86/xsave/9 trust/expired host/tsc-khz x86/cpuid/7.1/ecx/30
says 'what evidence that one host does not give' 'bits whose meaning is not in the table'
migctl negotiate --allow-unsigned -o json "$icelake" "$cascadelake" >"$dir/negotiation"
for id in $(jq -r '.findings[].id' "$dir/negotiation"); do
    expect 0 migctl explain "$id"
done

expect 0 migctl explain -o json avx2 x86/msr/10a coverage/msr
valid explanation
json '.kind' '"Explanation"'
json '.items[0].field.level' '"x86-64-v3"'
json '[.items[].id | select(startswith("x86/msr/10a/"))] | length > 20' true
json '.items[-1] | [.id, .field]' '["coverage/msr",null]'
json '[.items[0].field.takenBy[] | select(.reason == "command line").how]' '["clearcpuid=293"]'
expect 0 migctl explain -o json sse3
json '.items[0].field.aliases' '[{"name":"sse3","by":["qemu","intel"]}]'
expect 0 migctl explain -o yaml avx2
says 'kind: Explanation' 'id: x86/cpuid/7.0/ebx/5'

# Every field in one answer keeps to the schema.
expect 0 migctl explain -o json x86/cpuid/1.0/ecx x86/cpuid/7.0/ebx x86/cpuid/7.0/edx \
    x86/cpuid/80000008.0/ebx x86/cpuid/80000021.0/eax x86/msr/48b kvm/cap/NESTED_STATE guest/xcr0
valid explanation

# Bad words are an error that helps; nothing half is printed for programs.
expect 2 migctl explain axv2
says "'axv2' is no name" 'did you mean avx2'
expect 2 migctl explain -o json avx2 axv2
[ ! -s "$dir/out" ] || fail 'half an object'
expect 2 migctl explain avx2 qqqqqqqqqqqqqqqq
says 'avx2 x86/cpuid/7.0/ebx/5' 'qqqqqqqqqqqqqqqq'
says_not 'did you mean'
expect 2 migctl explain
says 'usage: migctl explain'
expect 2 migctl explain -o xml avx2
says 'expected table, json or yaml'
expect 2 migctl explain --color sometimes avx2
expect 2 migctl explain ''
expect 2 migctl explain "$(printf 'x%.0s' $(seq 20000))"
expect 2 migctl explain $'\033[31mred'
says 'is no name'
expect 0 migctl explain --help
says 'NAME|ID' 'Asks no host'

COLUMNS=120 migctl explain amx_tile | awk 'length > 120 { exit 1 }' || fail 'wider than 120 columns'
COLUMNS=80 migctl explain amx_tile | awk 'length > 80 { exit 1 }' || fail 'wider than 80 columns'
