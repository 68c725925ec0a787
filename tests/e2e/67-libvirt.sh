#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two real libvirtds, each in namespaces of its own, with the hook installed as
# deploy/libvirt has it: a domain moves by agreement and not without one.
# shellcheck source=tests/e2e/lib.bash
. "$MIG_SOURCE/tests/e2e/lib.bash"
requires jq qemu-system-x86_64 libvirtd virsh unshare
if [ "$(id -u)" != 0 ] || ! unshare --mount --uts --pid --fork --mount-proc true 2>/dev/null; then
    echo "SKIP: needs root and namespaces"
    exit 77
fi
if ! [ -r /dev/kvm ] || ! [ -w /dev/kvm ]; then
    echo "SKIP: no KVM can be used here, and agreements take live evidence only: NOT tested"
    exit 77
fi
cd "$dir" || exit 1
uuid=6c1e9f2a-0000-4000-8000-000000000066

migctl pki init "$pki" >/dev/null || fail "pki init"
declare -A at uri number=([alpha]=1 [beta]=2)
for host in alpha beta; do
    issue hook $host
    for part in cert key; do
        mv "$pki/$host-$part.pem" "$pki/hook-$host-$part.pem"
    done
    issue agent $host
done
issue operator olga
echo 'prove = off' >policy.conf

# The end of the first process of a PID namespace ends all in it; unshare itself
# waits for that, deaf to SIGTERM.
daemons=()
# shellcheck disable=SC2317
stop_daemons() {
    local pid
    for pid in "${daemons[@]}"; do
        kill -9 "$pid"
        wait "$pid"
    done 2>/dev/null
}
trap 'stop_daemons; finish' EXIT

# What the daemon of host NAME sees: /etc over this machine's, /run and /var its own.
prepare() { # NAME
    mkdir -p "$1"/{run/libvirt,run/mig,lib,cache,log,upper/libvirt/hooks/qemu.d,upper/mig,work}
    cat >"$1/upper/libvirt/libvirtd.conf" <<CONF
host_uuid = "aaaaaaaa-0000-4000-8000-00000000000${number[$1]}"
auth_unix_rw = "none"
auth_unix_ro = "none"
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
CONF
    cat >"$1/upper/libvirt/qemu.conf" <<CONF
user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = [ ]
namespaces = [ ]
dynamic_ownership = 0
remember_owner = 0
stdio_handler = "file"
seccomp_sandbox = 0
CONF
    printf 'ca = %s\ncert = %s\nkey = %s\n' "$pki/ca-cert.pem" "$pki/hook-$1-cert.pem" \
        "$pki/hook-$1-key.pem" >"$1/upper/mig/hook.conf"
    install -m 755 "$MIG_SOURCE/deploy/libvirt/mig" "$1/upper/libvirt/hooks/qemu.d/mig"
    (
        cat /etc/passwd
        echo "libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin"
    ) >"$1/upper/passwd"
    (
        cat /etc/group
        echo "libvirt-qemu:x:64055:"
    ) >"$1/upper/group"
}
cat >daemon.sh <<'DAEMON'
#!/usr/bin/env bash
# $1: folder of the host, $2: its name
set -e
mount -t tmpfs mig-overlay "$1/work"
mkdir "$1/work/upper" "$1/work/work"
cp -a "$1/upper/." "$1/work/upper"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1/work/upper,workdir=$1/work/work" /etc
mkdir -p /var/lib/libvirt /var/cache/libvirt /var/log/libvirt
mount --bind "$1/lib" /var/lib/libvirt
mount --bind "$1/cache" /var/cache/libvirt
mount --bind "$1/log" /var/log/libvirt
mount --bind "$1/run" /run
hostname "$2.example"
libvirtd -f /etc/libvirt/libvirtd.conf -p /run/libvirtd.pid &
wait # as the first process, it reaps whom QEMU and the hook leave
DAEMON
start_host() { # NAME
    prepare "$1"
    # shellcheck disable=SC2046
    start "$1" mig-agentd --config /dev/null $(as "$1") --policy "$dir/policy.conf" \
        --listen "127.0.0.1:0,unix:$dir/$1/run/mig/agent.sock" --contracts "$dir/$1-contracts" \
        --agreements "$dir/$1-agreements" --audit "$dir/$1-audit" -v
    at[$1]=$1@$where
    unshare --mount --uts --pid --fork --kill-child --mount-proc --propagation private \
        bash daemon.sh "$dir/$1" "$1" >"$1-daemon.log" 2>&1 &
    daemons+=($!)
    uri[$1]="qemu+unix:///system?socket=$dir/$1/run/libvirt/libvirt-sock"
    for _ in $(seq 300); do
        virsh -q -c "${uri[$1]}" uri >/dev/null 2>&1 && return 0
        kill -0 "${daemons[-1]}" 2>/dev/null || break
        sleep 0.1
    done
    cat "$1-daemon.log"
    fail "libvirtd of $1"
}
start_host alpha
start_host beta

standing() { # HOST
    # shellcheck disable=SC2046
    migctl contract list $(as olga) --agent "unix:$dir/$1/run/mig/agent.sock" -o json |
        jq -r '.contracts[].state'
}
stands() { # HOST STATE
    [ "$(standing "$1")" = "$2" ] || fail "$1's contract is '$(standing "$1")', expected '$2'"
}
state() { # HOST: of the domain
    virsh -q -c "${uri[$1]}" domstate web 2>/dev/null | head -n 1
}
# From alpha to beta.
words=(virsh -c "${uri[alpha]}" migrate --live web "${uri[beta]}" --migrateuri tcp://127.0.0.1)
# shellcheck disable=SC2317
gate() { # COMMAND...
    mig-hook virsh --config "alpha/upper/mig/hook.conf" \
        --agent "unix:$dir/alpha/run/mig/agent.sock" "$uuid" "${at[beta]}" -- "$@"
}

cat >web.xml <<XML
<domain type='qemu'><name>web</name><uuid>$uuid</uuid>
<memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features>
<cpu mode='custom' match='exact' check='partial'><model fallback='forbid'>Nehalem</model></cpu>
<devices><emulator>$(command -v qemu-system-x86_64)</emulator></devices></domain>
XML

# Powered on: its contract is there before virsh returns.
expect 0 virsh -c "${uri[alpha]}" create web.xml
[ "$(state alpha)" = running ] || fail "the domain is $(state alpha)"
stands alpha active

# Without an agreement: refused at once, with the reason, and it runs on.
expect 1 "${words[@]}"
says "Hook script execution failed" "domain web: no agreement on moving it here"
[ "$(state alpha)" = running ] || fail "the domain is $(state alpha)"
[ -z "$(state beta)" ] || fail "it is at beta, too"

# By agreement.
expect 0 gate "${words[@]}"
[ "$(state beta)" = running ] || fail "the domain is $(state beta)"
[ -z "$(state alpha)" ] || fail "it is at alpha, too"
stands alpha retired
stands beta active
[ -z "$(ls beta/run/mig/pending)" ] || fail "still marked"

# Another contract than what the QEMU there will show: stopped before memory, the
# guest goes on.  The one that alpha stores is of another stepping.
virsh -q -c "${uri[beta]}" destroy web >/dev/null
expect 0 virsh -c "${uri[alpha]}" create web.xml
# shellcheck disable=SC2046
expect 0 migctl contract show $(as olga) --agent "unix:$dir/alpha/run/mig/agent.sock" "$uuid" \
    -o json
jq '.shown.registers["x86/cpuid/1.0/eax", "x86/cpuid/80000001.0/eax"] = "0x106a4" | .instance = "other" | del(.recorder, .recordedAt, .hops)' out \
    >other.json
# shellcheck disable=SC2046
expect 0 migctl contract record $(as hook-alpha) --agent "unix:$dir/alpha/run/mig/agent.sock" \
    --from other.json
expect 1 gate "${words[@]}"
says "Hook script execution failed" "x86/cpuid/1.0/eax: the guest was shown 0x106a4"
[ "$(state alpha)" = running ] || fail "the domain is $(state alpha)"
[ -z "$(state beta)" ] || fail "it is at beta, too"
stands alpha active
[ -z "$(ls beta/run/mig/pending)" ] || fail "still marked"
exit 0
