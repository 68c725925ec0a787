#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Arrows point one way; the check itself must notice one that does not.
set -euo pipefail
python3 "$MIG_SOURCE/tests/style/layers.py" "$MIG_SOURCE"

broken=$(mktemp -d)
trap 'rm -rf "$broken"' EXIT
mkdir -p "$broken/lib/base" "$broken/lib/cpu"
printf 'base: |\ncpu: base |\n' >"$broken/lib/LAYERS"
echo '#include "cpu/field.h"' >"$broken/lib/base/text.c"
if python3 "$MIG_SOURCE/tests/style/layers.py" "$broken" >/dev/null; then
    echo "an arrow that points up went unnoticed"
    exit 1
fi
