#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Dumps of libvirt and QEMU as evidence: each is shown, judged as far as it
# goes, and never taken for more.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
requires jq
data=$MIG_SOURCE/tests/data/import
export MIG_LIBVIRT_CPU_MAP=$data/cpu_map
cd "$dir" || exit 1

for dump in "$data"/*.xml "$data"/*.json; do
    expect 0 migctl snapshot show "$dump"
    says 'foreign'
    expect 0 migctl snapshot import "$dump" -o imported.json --name lab
    cp imported.json out
    valid snapshot
    expect 4 migctl negotiate "$dump" "$milan"
    says 'trust/unsigned'
done

# What a QEMU grants is evidence, in part.
expect 0 migctl negotiate --allow-unsigned "$data/expansion-7.2-max-full.json" "$milan"
says 'verdict: compatible-on-profile' 'coverage/cpuid' 'coverage/msr-list'
expect 4 migctl negotiate --allow-unsigned --require-complete \
    "$data/expansion-7.2-max-full.json" "$milan"
expect 0 migctl negotiate --allow-unsigned -o json "$data/expansion-7.2-max-full.json" "$milan"
json '.coverage' '"partial"'
json '.uncovered | contains(["cpuid", "msr-list", "tsc", "kvm-cap"])' true

# A definition is not what the host grants.
expect 0 migctl negotiate --allow-unsigned "$data/expansion-7.2-kvm-milan-static.json" "$milan"
says 'coverage/kvm-view'

# Names of models alone decide nothing.
for dump in definitions-7.2-kvm.json domain-not-running.xml domain-maximum.xml domain-tcg-hm.xml; do
    expect 4 migctl negotiate --allow-unsigned "$data/$dump" "$milan"
    says 'verdict: unknown'
done
expect 0 migctl snapshot show -o json "$data/domain-tcg-hm.xml"
json '.facts["import.gap"].value | contains("is not defined in")' true
json '.groups.cpuid.coverage' '"none"'

# The XML of a running guest is what it sees.
cat >guest.xml <<'DUMP'
<domain type='kvm'>
  <name>g</name>
  <vcpu>2</vcpu>
  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
  <cpu mode='custom' match='exact' check='full'>
    <model fallback='forbid'>Grown</model>
    <vendor>AMD</vendor>
    <feature policy='require' name='sse4a'/>
    <feature policy='disable' name='arch-capabilities'/>
  </cpu>
</domain>
DUMP
expect 0 migctl snapshot show -o json guest.xml
json '.registers["x86/cpuid/80000001.0/ecx"]' '"0x40"'
json '.registers["x86/cpuid/1.0/ecx"]' '"0x12000000"'
expect 0 migctl contract check --allow-unsigned guest.xml "$milan"
says 'guest guest' 'libvirt-domain'
expect 1 migctl contract check --allow-unsigned guest.xml "$icelake"
says 'AuthenticAMD'

sed -i "s/'sse4a'/'amx-tile'/" guest.xml
expect 3 migctl contract check --allow-unsigned guest.xml "$milan"
says 'x86/cpuid/7.0/edx/24'

sed -i "s/'amx-tile'/'warp'/" guest.xml
expect 4 migctl contract check --allow-unsigned guest.xml "$milan"
sed -i "s/policy='require'/policy='maybe'/" guest.xml
expect 4 migctl snapshot show guest.xml
says 'line 8, domain/cpu/feature[1]: policy'
