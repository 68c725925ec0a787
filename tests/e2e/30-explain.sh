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

# arm64: one field in every spelling, features and views.
for word in FEAT_PMULL SYSREG_ID_AA64ISAR0_EL1_AES=2 ID_AA64ISAR0_EL1.AES=pmull \
    arm64/ID_AA64ISAR0_EL1/AES=0x2; do
    expect 0 migctl explain "$word"
    says 'ID_AA64ISAR0_EL1.AES arm64/ID_AA64ISAR0_EL1/AES' 'settable Linux 6.12: yes; Linux 7.2: yes' \
        'values 0 (ni), 1 (aes), 2 (pmull)' 'FEAT_AES from 1 on, FEAT_PMULL from 2 on' \
        'value ID_AA64ISAR0_EL1.AES=pmull, SYSREG_ID_AA64ISAR0_EL1_AES=2, FEAT_AES, FEAT_PMULL'
done
expect 0 migctl explain FEAT_PAuth pauth csv2 arm64/sve/vl
says 'ID_AA64ISAR1_EL1.APA >= 1 or ID_AA64ISAR1_EL1.API >= 1 or ID_AA64ISAR2_EL1.APA3 >= 1' \
    'one switch behind many fields' 'version with a fraction' 'lengths of SVE vectors'
expect 0 migctl explain ID_AA64PFR0_EL1
says '35:32 SVE lower' 'guest code compiled for SVE would fault'

# What hosts show, and the values that their KVM takes.
max=$MIG_SOURCE/tests/hosts/emulated-arm-max-6.12.json
v1=$MIG_SOURCE/tests/hosts/arm-neoverse-v1-6.1.json
migctl negotiate --allow-unsigned -o json "$max" "$v1" >"$dir/negotiation"
for id in $(jq -r '.findings[].id' "$dir/negotiation"); do
    expect 0 migctl explain "$id"
done
expect 0 migctl explain --allow-unsigned --host "$max" --host "$v1" ID_AA64ISAR0_EL1.AES=aes sve avx2
says 'emulated-arm-max-6.12 shows 2 (pmull); KVM takes 0 (ni), 1 (aes), 2 (pmull); takes 1: yes' \
    'arm-neoverse-v1-6.1 shows 2 (pmull); KVM takes 2 (pmull); takes 1: no' \
    'emulated-arm-max-6.12 on' 'arm-neoverse-v1-6.1 off' 'emulated-arm-max-6.12 no answer: this is an arm64 host, the question is about x86-64'
expect 0 migctl explain --allow-unsigned --host "$max,$v1" -o json FEAT_PMULL sve avx2 \
    arm64/ID_AA64PFR0_EL1 PSCI_VERSION.version
valid explanation
json '.items[0] | [.id, .value.value, .feature.name, .hosts[0].takes[].value]' \
    '["arm64/ID_AA64ISAR0_EL1/AES",2,"FEAT_PMULL",0,1,2]'
json '[.items[0].hosts[] | [.name, .takesValue, .hasFeature]]' \
    '[["emulated-arm-max-6.12",true,true],["arm-neoverse-v1-6.1",true,true]]'
json '[.items[1].hosts[].label]' '["on","off"]'
json '.items[2].field.arm64' 'null'
expect 4 migctl explain --host "$max" FEAT_PMULL
says 'unsigned'
expect 2 migctl explain --allow-unsigned --host "$dir/no-such-file" FEAT_PMULL
expect 2 migctl explain ID_AA64ISAR0_EL1.AES=16
says 'expected a number up to 15 or one of ni, aes, pmull'
expect 2 migctl explain ID_AA64ISAR0_EL1.AEZ FEAT_PMUL
says 'did you mean ID_AA64ISAR0_EL1.AES' 'did you mean FEAT_PMULL'

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
