#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a reader sees: width, colour, JSON and YAML that say the same.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
requires jq script
export TERM=xterm
pair=(--allow-unsigned "$icelake" "$cascadelake")
pool=$dir/pool
mkdir "$pool"
cp "$hosts"/intel-sapphire-rapids-6.1.json "$icelake" "$pool"
check=(--allow-unsigned --tolerate "kvm-cap,tsc,msr,msr-list" "$pool" "$cascadelake")
escape=$(printf '\033')

# A guest that was powered on with everything that one host can give.
migctl baseline --allow-unsigned -o json "$icelake" 2>"$dir/err" | jq '{
    apiVersion, kind: "Contract", vm: "web3", instance: "7f3a", recorder: "alpha",
    recordedAt: 1750000000, hops: [],
    shown: {
        arch: "x86-64", groups: {cpuid: {coverage: "full"}, msr: {coverage: "full"}},
        registers: (.profile.registers | with_entries(select(.value != null))),
        unreadable: {}, facts: {}}}' >"$dir/guest.json" || fail "a contract"
guest=(--allow-unsigned "$dir/guest.json" "$cascadelake")
old=$hosts/intel-icelake-5.10.json

# No line of $dir/out is wider than COLUMNS, but for one word that is; none ends
# with a space.
fits() { # COLUMNS
    awk -v columns="$1" 'length($0) > columns && NF > 1 {print; bad = 1} / $/ {print; bad = 1}
        END {exit bad}' "$dir/out" >"$dir/wide" || fail "beyond $1 columns: $(head -n 3 "$dir/wide")"
}

# Run COMMAND on a terminal of that width; what it shows goes to out.
on_terminal() { # COLUMNS COMMAND...
    local columns=$1
    shift
    # script runs its words through a shell; ours hold no quotes
    script -qefc "stty cols $columns; $*" /dev/null </dev/null >"$dir/raw" 2>"$dir/err"
    tr -d '\r' <"$dir/raw" >"$dir/out"
}

plain() {
    ! grep -q "$escape" "$dir/out" || fail "colour: $(grep -m 1 "$escape" "$dir/out")"
}

painted() {
    grep -q "$escape" "$dir/out" || fail "no colour"
}

wash() {
    sed -i "s/$escape\[[0-9;]*m//g" "$dir/out"
}

# Every report, for files and pipes: 80 columns, no colour.
reports=("contract check ${guest[*]}" "contract check -v ${guest[*]}"
    "negotiate ${pair[*]} --contract $dir/guest.json" "contract show --allow-unsigned $dir/guest.json"
    "drift --allow-unsigned $old $icelake" "explain avx2" "negotiate ${pair[*]}" "negotiate -v ${pair[*]}" "baseline ${pair[*]}" "diff ${pair[*]}"
    "pool check ${check[*]}" "snapshot show --allow-unsigned $icelake"
    "snapshot show -v --allow-unsigned $hosts/emulated-epyc-milan-6.12.json")
for report in "${reports[@]}"; do
    read -ra words <<<"$report"
    migctl "${words[@]}" >"$dir/out" 2>"$dir/err"
    [ -s "$dir/out" ] || fail "$report: says nothing"
    plain
    fits 80
    cp "$dir/out" "$dir/piped"
    # COLUMNS is a wish, the same words.
    COLUMNS=120 migctl "${words[@]}" >"$dir/out" 2>"$dir/err"
    fits 120
    # A terminal has its own width, and colour unless that is refused.
    on_terminal 100 migctl "$report"
    painted
    wash
    fits 100
    on_terminal 80 migctl "$report"
    wash
    cmp -s "$dir/out" "$dir/piped" || fail "$report: a terminal is told something else"
    on_terminal 80 env NO_COLOR=1 migctl "$report"
    plain
    on_terminal 80 env NO_COLOR= migctl "$report"
    painted
    on_terminal 80 env TERM=dumb migctl "$report"
    plain
    on_terminal 80 migctl "$report" --color never
    plain
    NO_COLOR=1 migctl "${words[@]}" --color=always >"$dir/out" 2>"$dir/err"
    painted
    # What programs read has none, whatever is asked for.
    for form in json yaml; do
        migctl "${words[@]}" -o "$form" --color always >"$dir/out" 2>"$dir/err"
        plain
    done
done
grep -q '120' <<<"$(COLUMNS=120 migctl negotiate "${pair[@]}" | awk '{print (length($0) > 80) ? 120 : 80}')" ||
    fail "COLUMNS=120 makes nothing wider"

# A finding: id and names, place and values, why, reason, remedy.
expect 0 migctl negotiate "${pair[@]}"
says 'x86/cpuid/7.0/ecx/8 gfni CPUID leaf 7 subleaf 0, ECX bit 8 source 1 destination 0 rule and' \
    'why: guest code that uses GFNI would fault' 'reason: hardware' 'remedy: '
[ "$(grep -c 'with mig-agentd' "$dir/out")" = 1 ] || fail "one remedy is told twice"
expect 0 migctl negotiate -v "${pair[@]}"
says 'whole: source 0x'

# The guest's own value stands with those of the hosts, or of the only one.
expect 3 migctl negotiate "${pair[@]}" --contract "$dir/guest.json"
says 'The running guest can not move' 'ECX bit 8 guest 1 source 1 destination 0 rule and'
expect 3 migctl contract check "${guest[@]}"
says 'ECX bit 8 guest 1 destination 0 rule and'

# The same object in both forms, for every kind.
python=yes
python3 -c 'import yaml' 2>/dev/null || {
    python=
    echo "note: python3-yaml is not installed; only our own reader checks YAML"
}
same() { # VERB...
    migctl "$@" -o json >"$dir/json" 2>"$dir/err"
    local status=$?
    migctl "$@" -o yaml >"$dir/out" 2>"$dir/err"
    [ $? = "$status" ] || fail "$*: another status with -o yaml"
    [ -s "$dir/json" ] || fail "$*: says nothing"
    ! cmp -s "$dir/json" "$dir/out" || fail "$*: YAML is JSON"
    "$MIG_BUILD/tests/yaml_to_json" "$dir/out" >"$dir/back" 2>"$dir/err" || fail "$*: no YAML"
    jq -S . "$dir/json" | cmp -s - <(jq -S . "$dir/back") || fail "$*: YAML says something else"
    [ -z "$python" ] || python3 - "$dir/json" "$dir/out" <<'PYTHON' || fail "$*: python disagrees"
import json, sys, yaml
sys.exit(json.load(open(sys.argv[1])) != yaml.safe_load(open(sys.argv[2])))
PYTHON
}
same negotiate "${pair[@]}"
same negotiate --allow-unsigned "$milan" "$icelake"
same baseline "${pair[@]}"
same diff "${pair[@]}"
same pool check "${check[@]}"
same snapshot show --allow-unsigned "$icelake"
same snapshot show --allow-unsigned "$hosts/emulated-epyc-milan-6.12.json"
same negotiate "$icelake" "$cascadelake"
same contract check "${guest[@]}"
same contract show --allow-unsigned "$dir/guest.json"
same negotiate "${pair[@]}" --contract "$dir/guest.json"
same drift --allow-unsigned "$old" "$icelake"
same explain avx2

# An answer that could not be written is none, in every form.
if [ -c /dev/full ]; then
    for form in table json yaml; do
        migctl negotiate "${pair[@]}" -o "$form" >/dev/full 2>"$dir/err"
        [ $? = 2 ] || fail "-o $form to a full disk is no failure"
        grep -q 'could not be written' "$dir/err" || fail "-o $form: no word about it"
    done
fi
exit 0
