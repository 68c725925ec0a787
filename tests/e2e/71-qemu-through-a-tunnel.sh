#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A real QEMU migrates through two gates over TLS, with a return path: each side
# reads the head before anything passes, and the guest arrives.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
requires python3 qemu-system-x86_64
cd "$dir" || exit 1
gate=$MIG_BUILD/tests/tunnel
migctl pki init pki >/dev/null || fail "pki init"
for name in alpha beta; do
    migctl pki issue pki agent "$name" --ip 127.0.0.1 >/dev/null || fail "pki issue"
done

cat >move.py <<'PYTHON'
import json, os, socket, subprocess, sys, time

class Guest:
    def __init__(self, name, *options):
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-M", "q35", "-m", "64", "-display", "none", "-nodefaults", "-S",
             "-qmp", "unix:%s.qmp,server=on,wait=off" % name, *options])
        qmp = socket.socket(socket.AF_UNIX)
        while qmp.connect_ex(name + ".qmp") != 0:
            assert self.process.poll() is None
            time.sleep(0.02)
        self.lines = qmp.makefile("rw")
        self.lines.readline()
        self.ask("qmp_capabilities")
        self.ask("migrate-set-capabilities",
                 capabilities=[{"capability": "return-path", "state": True}])

    def ask(self, execute, **arguments):
        self.lines.write(json.dumps({"execute": execute, "arguments": arguments}) + "\n")
        self.lines.flush()
        while True:
            answer = json.loads(self.lines.readline())
            if "event" not in answer:
                return answer["return"]

    def end(self):
        self.process.kill()
        self.process.wait()

gate, kind, *options = sys.argv[1:]
source, target = Guest("source", *options), Guest("target", "-incoming", "defer")
target.ask("migrate-incoming", uri="unix:in.socket")
far = subprocess.Popen([gate, "target", kind, "pki", "in.socket", "0"], stdout=subprocess.PIPE, text=True)
near = subprocess.Popen([gate, "source", kind, "pki", "out.socket", far.stdout.readline().strip()])
while not os.path.exists("out.socket"):
    time.sleep(0.02)
source.ask("migrate", uri="unix:out.socket")
while (state := source.ask("query-migrate"))["status"] in ("setup", "active", "device"):
    time.sleep(0.02)
arrived = target.ask("query-migrate").get("status", "waits")
print("source", state["status"], "target", arrived, "gates", near.wait(20), far.wait(20))
source.end()
target.end()
PYTHON

for kind in plain tls; do
    rm -f ./*.socket ./*.qmp
    timeout 60 python3 move.py "$gate" "$kind" >said 2>err || fail "$kind: $(cat said err)"
    grep -qx 'source completed target completed gates 0 0' said || fail "$kind: $(cat said err)"
done
[ "$(grep -c 'tunnel: pc-q35-[0-9.]*, head of [0-9]* bytes' err)" = 2 ] || fail "heads: $(cat err)"
grep -q 'tunnel: beta: sent [0-9]*, received 16$' err || fail "return path: $(cat err)"

# Without the section that names the machine nothing passes, and the target
# still waits.
rm -f ./*.socket ./*.qmp
timeout 60 python3 move.py "$gate" tls -global migration.send-configuration=off >said 2>err ||
    fail "refused: $(cat said err)"
grep -qx 'source failed target waits gates 1 1' said || fail "refused: $(cat said err)"
grep -q 'tunnel: QEMU stream: byte 8: section type is 0x.*, expected 0x07 (CONFIGURATION' err ||
    fail "refused: $(cat err)"
