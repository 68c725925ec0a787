#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# libvirt's hook, called as libvirt calls it: a started domain's contract is
# recorded; one that is to come gets in only as both agents agreed on.
# shellcheck source=tests/e2e/lib.bash
. "$MIG_SOURCE/tests/e2e/lib.bash"
requires jq qemu-system-x86_64
version=$(qemu-system-x86_64 --version | sed -n 's/.* version \([0-9]*\.[0-9]*\).*/\1/p')
[ "$version" = 7.2 ] || {
    echo "SKIP: the domain here is one of QEMU 7.2, this is $version"
    exit 77
}
cd "$dir" || exit 1
# shellcheck source=tests/e2e/move.bash
. "$MIG_SOURCE/tests/e2e/move.bash"
requires_kvm
# shellcheck disable=SC2317
stop_target() { # it is no child of ours
    [ ! -s "$dir/target.pid" ] || kill "$(cat "$dir/target.pid")" 2>/dev/null
}
trap 'stop_target; finish' EXIT

# Hooks are called as their hosts.
migctl pki init "$pki" >/dev/null || fail "pki init"
for host in alpha beta gamma; do
    issue hook $host
    for part in cert key; do
        mv "$pki/$host-$part.pem" "$pki/hook-$host-$part.pem"
    done
    issue agent $host
done
issue operator olga
echo 'prove = off' >policy.conf
start_host alpha
start_host beta

domain=$MIG_SOURCE/tests/data/import/domain-tcg-hsw.xml
uuid=$(sed -n 's/.*<uuid>\(.*\)<.*/\1/p' "$domain")
hook() { # HOST FILE OPERATION SUBOPERATION [options]: XML from FILE
    # shellcheck disable=SC2046
    mig-hook libvirt $(as "hook-$1") --agent "${sock[$1]}" --pending "$dir/$1-pending" "${@:5}" \
        -- web "$3" "$4" - <"$2"
}
# shellcheck disable=SC2317
virsh() { # COMMAND...
    # shellcheck disable=SC2046
    mig-hook virsh $(as hook-alpha) --agent "${sock[alpha]}" "$uuid" "${at[beta]}" -- "$@"
}
standing() { # HOST
    contracts "$1" | jq -r '.contracts[].state'
}
stands() { # HOST STATE
    [ "$(standing "$1")" = "$2" ] || fail "$1's contract is '$(standing "$1")', expected '$2'"
}
silent() { # libvirt takes what is on standard output for another XML
    [ ! -s out ] || fail "standard output"
}
one_line() { # the reason that virsh shows
    silent
    [ "$(wc -l <err)" = 1 ] || fail "expected one line"
}
marked() { [ -f "beta-pending/$uuid" ]; }

boot() { # CPU [arguments]: what libvirt makes of the domain
    qemu-system-x86_64 -display none -nodefaults -S -m 64 -name "guest=web,debug-threads=on" \
        -machine pc-q35-7.2,usb=off,dump-guest-core=off -accel tcg -cpu "$1" \
        -smp 2,sockets=2,cores=1,threads=1 -uuid "$uuid" -qmp unix:qmp,server=on,wait=off \
        "${@:2}" 2>guest.log &
    guest=$!
    pids+=("$guest")
    for _ in $(seq 200); do
        [ ! -S qmp ] || return 0
        sleep 0.05
    done
    fail "guest: $(cat guest.log)"
}
halt() {
    kill "$guest" 2>/dev/null
    wait "$guest" 2>/dev/null
    rm -f qmp
}
haswell=Haswell-noTSX,vendor=GenuineIntel,aes=on,check=off

# All else passes at once: without a configuration, an agent, or a look at the XML.
for call in "prepare begin" "start end" "started end" "stopped end" "release end" \
    "migrate end" "restore end" "reconnect begin" "attach begin" "nonsense begin"; do
    # shellcheck disable=SC2086
    expect 0 mig-hook libvirt --config /nonexistent -- web $call - <&-
    silent
    [ ! -s err ] || fail "$call"
done
expect 2 mig-hook libvirt web migrate begin
says "usage: mig-hook libvirt"

# Nothing stops a start that no agreement is about.
expect 0 mig-hook libvirt --config /nonexistent --pending "$dir/none" -- web start begin - <"$domain"
silent
says "/nonexistent"
expect 0 hook alpha "$domain" start begin
expect 0 hook alpha "$domain" started begin
silent
says "its contract was not recorded" "no process with -uuid"
echo '<nonsense' >nonsense.xml
expect 0 hook alpha nonsense.xml started begin
stands alpha ''

# A guest was powered on.
boot "$haswell"
expect 0 hook alpha "$domain" started begin
silent
[ ! -s err ] || fail "recorded with a word"
stands alpha active

# No agreement, no migration.
expect 4 hook beta "$domain" migrate begin
one_line
says "domain web: no agreement on moving it here"
expect 4 hook alpha "$domain" migrate begin
one_line
says "no contract of '$uuid' waits at this host's agent"
expect 4 hook beta nonsense.xml migrate begin
one_line
expect 2 mig-hook libvirt --config /nonexistent -- web migrate begin - <"$domain"
one_line
marked && fail "marked"

agree() {
    # shellcheck disable=SC2046
    mig-hook agree $(as hook-alpha) --agent "${sock[alpha]}" "$uuid" "${at[beta]}" -q "$@" ||
        fail "agree"
}
# What <cpu> names is not what the guest was shown.  The agreement stays good.
agree -o first.agreement
sed "s/<feature policy='require' name='abm'/<feature policy='disable' name='abm'/" "$domain" \
    >other.xml
cmp -s "$domain" other.xml && fail "the same XML"
expect 4 hook beta other.xml migrate begin
one_line
says "abm is off, the guest's contract has it on"
sed 's/pc-q35-7.2/pc-q35-7.1/' "$domain" >machine.xml
expect 4 hook beta machine.xml migrate begin
says "machine is pc-q35-7.1, the guest's contract has pc-q35-7.2"
marked && fail "marked"
expect 0 hook beta "$domain" migrate begin
silent
marked || fail "not marked"
# Used up.
expect 4 hook beta "$domain" migrate begin
one_line
says "no agreement on moving '$uuid' here"

# Once let in, all must be as agreed on, or the mark goes and the start fails.
again() {
    agree -o "again.agreement"
    hook beta "$domain" migrate begin || fail "migrate begin"
}
again
expect 4 hook beta other.xml start begin
one_line
says "abm is off, the guest's contract has it on"
marked && fail "still marked"
again
expect 4 hook beta nonsense.xml start begin
again
expect 2 mig-hook libvirt --config /nonexistent --pending "$dir/beta-pending" -- web start begin - \
    <"$domain"
again
expect 0 hook beta "$domain" start begin
marked || fail "not marked"
# A QEMU that makes another CPU of it, where libvirt does not look: the model's family.
halt
boot "$haswell,stepping=2" -incoming defer
expect 4 hook beta "$domain" started begin
one_line_of_reason() { grep -q 'the waiting QEMU would not show the guest its CPU: x86/cpuid/1.0/eax' err; }
silent
one_line_of_reason || fail "no reason"
marked && fail "still marked"
halt
# An old mark is no mark.
mkdir -p beta-pending
touch -d '-1 hour' "beta-pending/$uuid"
expect 0 hook beta other.xml start begin
rm "beta-pending/$uuid"

# The whole way, this machine's libvirt played by a script.
cat >move.sh <<MOVE
#!/usr/bin/env bash
# Prepare at the destination, as libvirt does it, then say how it went.
set -e
cd $dir
call() { mig-hook libvirt $(as hook-beta) --agent ${sock[beta]} --pending $dir/beta-pending -- web "\$@" - <$domain; }
call prepare begin
call migrate begin
call start begin
source=\$(cat source.pid)
kill \$source
while kill -0 \$source 2>/dev/null; do sleep 0.05; done
rm -f qmp
qemu-system-x86_64 -display none -nodefaults -S -m 64 -name guest=web,debug-threads=on \
    -machine pc-q35-7.2,usb=off,dump-guest-core=off -accel tcg -cpu $haswell -daemonize \
    -smp 2,sockets=2,cores=1,threads=1 -uuid $uuid -pidfile target.pid -incoming defer
call started begin
exit \${1:-0}
MOVE
chmod 755 move.sh
boot "$haswell" -pidfile source.pid
hook alpha "$domain" started begin || fail "a power cycle"
stands alpha active

# It fails before libvirt has begun: nothing is lost.
expect 7 virsh sh -c 'exit 7'
stands alpha active
expect 127 virsh ./nosuch
stands alpha active
expect 143 virsh sh -c 'kill $$'
# It fails later.
expect 9 virsh ./move.sh 9
stands alpha active
stands beta ''
target=$(cat target.pid)
kill "$target"
for _ in $(seq 100); do
    kill -0 "$target" 2>/dev/null || break
    sleep 0.05
done
boot "$haswell" -pidfile source.pid
hook alpha "$domain" started begin || fail "a power cycle"

# The hook is not there.
expect 4 virsh true
says "is the hook installed in its libvirt?" "must be approved"
stands alpha active
# It moves.
expect 0 virsh ./move.sh
marked && fail "still marked"
stands alpha retired
stands beta active
kill "$(cat target.pid)"

# Nobody but the source's hook ends a move from afar, and none begins one.
# shellcheck disable=SC2046
expect 4 mig-hook advance $(as hook-gamma) --agent "${at[beta]}" complete first.agreement
says "hook 'gamma' of another host may not complete a move from 'alpha' to 'beta'"
# shellcheck disable=SC2046
expect 4 mig-hook advance $(as hook-alpha) --agent "${at[beta]}" switch first.agreement
says "may not switch"

# A saved guest.
expect 0 hook beta "$domain" restore begin
[ ! -s err ] || fail "restored with a word"
expect 0 hook beta other.xml restore begin
says "abm is off, the guest's contract has it on"
expect 0 hook beta other.xml restore begin --restore=off
[ ! -s err ] || fail "asked not to look"
expect 4 hook beta other.xml restore begin --restore=refuse
one_line
expect 2 hook beta "$domain" restore begin --restore=maybe
says "expected refuse, warn or off"
exit 0
