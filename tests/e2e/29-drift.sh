#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two captures of one host, before and after an update of its software.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
requires jq
before=$hosts/intel-icelake-5.10.json
after=$hosts/intel-icelake-6.1.json

# One file twice, or under two names: nothing.
expect 0 migctl drift --allow-unsigned "$after" "$after"
says 'drift: none'
cp "$after" "$dir/copy.json"
expect 0 migctl drift --allow-unsigned -o json "$after" "$dir/copy.json"
valid drift
json '[.same, .counts.new, .counts.running, .counts.dangerous]' '[true,0,0,0]'

# A new kernel on Ice Lake: gains for new guests, no way back for those.
expect 1 migctl drift --allow-unsigned "$before" "$after"
says 'drift: 2 changes for new guests, 2 for running ones, 0 dangerous' 'not back' \
    'x86/cpuid/7.2/edx/0' 'intel_psfd' 'kernel.release' \
    '5.10.255-253.1008.amzn2.x86_64 -> 6.1.172-216.329.amzn2023.x86_64' 'known/kvm-leaf-7.2' \
    'https://github.com/firecracker-microvm/firecracker/pull/4572' 'remedy'
expect 1 migctl drift --allow-unsigned -o json "$before" "$after"
valid drift
json '[.same, .accepts]' '[false,{"forward":true,"back":false}]'
json '[.new[] | [.id, .change, .new]]' \
    '[["x86/cpuid/7.0/eax/31:0","gained","0x2"],["x86/cpuid/7.2/edx/0","gained","0x1"]]'
json '[.running.back[] | .severity] | unique' '["blocker"]'
json '.running.forward' '[]'
json '[.software[].name]' '["kernel.release"]'
json '[.known[] | [.id, .meaning]]' '[["known/kvm-leaf-7.2","visible"]]'
expect 1 migctl drift --allow-unsigned -o json "$after" "$before"
json '[.accepts.forward, ([.new[].change] | unique)]' '[false,["lost"]]'

# Milan: what an old kernel leaked is explained and stands against no guest.
expect 1 migctl drift --allow-unsigned -o json "$hosts/amd-milan-5.10.json" "$milan"
valid drift
json '.accepts.forward' true
json '[.known[].id]' '["known/kvm-sev-leaf","known/kvm-80000021-ecx"]'
json '[.known[] | select(.id == "known/kvm-sev-leaf") | .explains[] | select(startswith("x86/cpuid/8000001f.0/eax/"))] | length > 10' true

# A gate: gains pass, a refused or endangered guest does not.
expect 0 migctl drift --allow-unsigned -q --fail-on blocker "$before" "$after"
[ ! -s "$dir/out" ] || fail "-q is not quiet"
expect 1 migctl drift --allow-unsigned -q --fail-on blocker "$after" "$before"
expect 1 migctl drift --allow-unsigned -q --fail-on warn "$before" "$after"
expect 0 migctl drift --allow-unsigned -q --fail-on never "$after" "$before"
expect 2 migctl drift --allow-unsigned --fail-on sometimes "$after" "$before"

# Dangerous: a kernel between the leak of PKRU state and its remedy; told first.
jq '.facts["kernel.release"].value = "6.1.0-9-amd64"' "$after" >"$dir/strict.json"
expect 1 migctl drift --allow-unsigned --fail-on blocker "$before" "$dir/strict.json"
says '1 dangerous' 'known/xsave-pkru-5.17' '6.1.60'
awk '/^dangerous, from/ {d = NR} /^new guests/ {n = NR} /^running guests/ {r = NR} /^software/ {s = NR} /^known/ {k = NR}
    END {exit !(d && d < r && r < n && n < s && s < k)}' "$dir/out" || fail "order of the sections"

# Dangerous: the host itself lost a mitigation; a narrower address width.
jq '.facts["vuln.mds"] = {value: "Mitigation: Clear CPU buffers"}' "$after" >"$dir/good.json"
jq '.facts["vuln.mds"] = {value: "Vulnerable: Clear CPU buffers attempted, no microcode"}' "$after" >"$dir/bad.json"
expect 1 migctl drift --allow-unsigned -o json "$dir/good.json" "$dir/bad.json"
valid drift
json '[.dangerous.forward[] | [.id, .severity]]' '[["fact/vuln.mds","security"]]'
jq '.registers["x86/cpuid/80000008.0/eax"] = "0x3927"' "$after" >"$dir/narrow.json"
expect 1 migctl drift --allow-unsigned -o json "$after" "$dir/narrow.json"
json '[.dangerous.forward[].id]' '["x86/cpuid/80000008.0/eax/7:0"]'

# Presentation: QEMU 10 reports ht otherwise; no guest sees it.
jq '.facts["vmm.qemu"] = {value: "QEMU emulator version 9.2.4 (Debian 1:9.2.4+ds-1)"}' "$after" >"$dir/qemu9.json"
jq '.facts["vmm.qemu"] = {value: "QEMU emulator version 10.0.2 (Debian 1:10.0.2+ds-2)"}' "$after" >"$dir/qemu10.json"
expect 1 migctl drift --allow-unsigned "$dir/qemu9.json" "$dir/qemu10.json"
says '0 for running ones, 0 dangerous' 'known/qemu10-ht' 'no guest-visible change' 'update libvirt'
expect 0 migctl drift --allow-unsigned --fail-on warn "$dir/qemu9.json" "$dir/qemu10.json"

# Another machine is said; another kind of machine is refused.
expect 1 migctl drift --allow-unsigned -o json "$cascadelake" "$after"
valid drift
json '[.warnings[].id] | index("host/cpu") != null' true
expect 2 migctl drift --allow-unsigned "$milan" "$after"
says 'no captures of one host' 'AuthenticAMD' 'GenuineIntel'
jq '.arch = "arm64" | .stamp = {} | .registers = {} | .unreadable = {} | .groups = {idreg: {coverage: "full"}}' \
    "$after" >"$dir/graviton.json"
expect 2 migctl drift --allow-unsigned "$after" "$dir/graviton.json"
says 'arm64'
expect 4 migctl drift --allow-unsigned "$dir/graviton.json" "$dir/graviton.json"
says 'can not be judged'

# Evidence: unsigned only when asked for; garbage; nothing.
expect 4 migctl drift "$before" "$after"
says '--allow-unsigned'
echo 'Dear diary' >"$dir/garbage.json"
expect 4 migctl drift --allow-unsigned "$before" "$dir/garbage.json"
says 'garbage.json'
: >"$dir/empty.json"
expect 4 migctl drift --allow-unsigned "$dir/empty.json" "$after"
says 'empty.json'
expect 2 migctl drift --allow-unsigned "$before" "$dir/missing.json"
says 'missing.json'
expect 2 migctl drift --allow-unsigned "$before"
says 'usage: migctl drift'
expect 2 migctl drift --allow-unsigned "$before" "$after" "$after"
jq '.groups.cpuid = {coverage: "unreadable", errno: "EACCES"}' "$after" >"$dir/failed.json"
expect 4 migctl drift --allow-unsigned "$before" "$dir/failed.json"
says 'can not be judged'
expect 0 migctl drift --help
says 'usage: migctl drift [options] OLD NEW'

# Sealed, as a gate would have them; its age does not count.
make_fleet
for state in before after; do
    # shellcheck disable=SC2046
    mig-agentd snapshot --config /dev/null $(as alpha) --replay "${!state}" -o "$dir/$state.sealed" \
        2>"$dir/err" || fail "mig-agentd snapshot"
done
sleep 1.1
expect 1 migctl drift --ca "$pki/ca-cert.pem" --max-age 1s -o json "$dir/before.sealed" "$dir/after.sealed"
valid drift
json '[.hosts[].name]' '["alpha","alpha"]'
json '.counts | [.new, .dangerous]' '[2,0]'
expect 0 migctl drift --ca "$pki/ca-cert.pem" "$dir/after.sealed" "$dir/after.sealed"
expect 2 migctl drift "$dir/before.sealed" "$dir/after.sealed"
says 'give --ca'
migctl pki init "$dir/other" >/dev/null || fail "pki init"
expect 4 migctl drift --ca "$dir/other/ca-cert.pem" "$dir/before.sealed" "$dir/after.sealed"
