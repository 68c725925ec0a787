#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The agent on kernels that are not this machine's: Debian kernels boot on
# emulated AMD processors, where KVM is the real one, and their evidence comes
# out over a serial line.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
# shellcheck source=amd.bash
source "$(dirname "$0")/amd.bash"
requires taskset

# Boot and have the agent say three things: two captures, pinned to one CPU
# each, and a sealed one.
boot() { # NAME KERNEL CPU [options]
    emulate "$1" "$2" "$3" --program "$MIG_BUILD/bin/mig-agentd" \
        --program "$(command -v taskset)" --file "/ca.pem=$pki/ca-cert.pem" \
        --file "/cert.pem=$pki/$1-cert.pem" --file "/key.pem=$pki/$1-key.pem" "${@:4}" \
        "/bin/taskset -c 0 /bin/mig-agentd snapshot --json" \
        "/bin/taskset -c 1 /bin/mig-agentd snapshot --json" \
        "/bin/mig-agentd snapshot --ca /ca.pem --cert /cert.pem --key /key.pem"
}

booted() { # NAME PID
    emulated "$1" "$2"
    expect 0 migctl snapshot verify "$dir/$1/3" --ca "$pki/ca-cert.pem"
    says "good signature of agent '$1'"
    # What the last JSON checks look at.
    cp "$dir/$1/1" "$dir/out"
    json '[.groups[] | select(.coverage != "none" and .source == null)] | length' 0
    json '[.facts[] | select(.source == null)] | length' 0
    json '(.unreadable | keys) - ((.unreadable | keys) - (.registers | keys))' '[]'
}

migctl pki init "$pki" >/dev/null || fail "pki init"
for name in milan rome plain; do
    issue agent "$name"
done
kernel linux-image-6.12-cloud-amd64
new=$kernel
kernel linux-image-cloud-amd64
old=$kernel

boot milan "$new" EPYC-Milan,+svm --append "mitigations=auto,nosmt tsc=reliable" &
milan_pid=$!
boot rome "$old" EPYC-Rome,+svm --module kvm_amd=nested=0 --module kvm=ignore_msrs=1 &
rome_pid=$!
booted milan $milan_pid
json '[.groups | to_entries[] | select(.value.coverage != "full") | .key]' '[]'
json '.groups | length' 10
json '.unreadable' '{}'
json '.facts["kernel.release"].value' "\"${new##*/linux-image-}\""
json '.facts["cpu.vendor"].value' '"AuthenticAMD"'
json '.registers["x86/cpuid/1.0/eax"]' '"0xa00f11"'
json '.registers["x86/cpuid-bare/1.0/eax"]' '"0xa00f11"'
json '.registers["x86/cpuid/40000000.0/ebx"]' '"0x4b4d564b"'    # KVMK
json '.registers["x86/cpuid-hv/40000000.0/ebx"]' '"0x756e694c"' # Linu
json '.registers["x86/cpuid-emulated/7.0/ecx"]' '"0x400000"'    # RDPID
json '.registers["x86/cpuid/8000000a.0/eax"]' '"0x1"'           # SVM revision
json '.registers["x86/msr/8b"]' '"0x1000065"'
json '.registers | has("x86/msr/10a") and has("x86/msr/345") and has("x86/msr/c0011029")' true
json '[.registers | keys[] | select(startswith("x86/msr-list/"))] | length > 40' true
json '.registers["kvm/cap/VM_TYPES"] != null' true
json '.registers["host/tsc-tolerance-ppm"]' '"0xfa"'
json '.registers["host/tsc-scaling"]' '"0x0"'
json '.facts["kvm.param.kvm_amd.nested"].value' '"1"'
json '.facts["cmdline.mitigations"].value' '"auto,nosmt"'
json '.facts["cmdline.tsc"].value' '"reliable"'
json '.facts.microcode.value' '"0x1000065"'
json '.facts["vuln.meltdown"].value' '"Not affected"'
cmp "$dir/milan/1" "$dir/milan/2" || fail "the CPU that the agent ran on leaves a trace"

booted rome $rome_pid
json '.facts["kernel.release"].value' "\"${old##*/linux-image-}\""
json '.registers["x86/cpuid/1.0/eax"]' '"0x830f10"'
json '.registers | has("x86/cpuid/8000000a.0/eax")' false
json '.facts["kvm.param.kvm_amd.nested"].value' '"0"'
json '.facts["kvm.param.kvm.ignore_msrs"].value' '"Y"'
cmp "$dir/rome/1" "$dir/rome/2" || fail "the CPU that the agent ran on leaves a trace"

# A processor without virtualisation: no device, so no answer, and never a zero.
boot plain "$new" max,-svm &
booted plain $!
json '[.groups | to_entries[] | select(.value.errno != "ENOENT") | .key]' '["software"]'
json '[.registers | keys[] | select(startswith("x86/") or startswith("kvm/"))]' '[]'
json '.facts["cpu.vendor"].value' '"AuthenticAMD"'
grep -qF "/dev/kvm: No such file or directory: enable virtualisation in the firmware" \
    "$dir/plain/log" || fail "no hint"

expect 0 migctl negotiate "$dir/milan/3" "$dir/rome/3" --ca "$pki/ca-cert.pem" -o json
json '.verdict' '"compatible-on-profile"'
json '[.hosts[].kind]' '["filed","filed"]'
json '[.findings[] | select(.severity == "blocker")]' '[]'
expect 4 migctl negotiate "$dir/milan/3" "$dir/plain/3" --ca "$pki/ca-cert.pem" -o json
json '.verdict' '"unknown"'
