#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Licence lines, spelling, shell scripts, manual pages, names of files.
set -euo pipefail
cd "$MIG_SOURCE"
status=0
complain() {
    echo "$*"
    status=1
}

while IFS= read -r file; do
    case $file in
    *.c | *.h | *.def | *.proto | *.sh | *.py | *CMakeLists.txt)
        head -n 3 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' ||
            complain "$file: no SPDX line"
        ;;
    esac
    case ${file##*/} in
    util.* | utils.* | common.* | misc.* | helpers.*) complain "$file: a name without a noun" ;;
    esac
done < <(git ls-files)

git ls-files '*.h' | while IFS= read -r file; do
    grep -q '^#pragma once' "$file" || echo "$file: no #pragma once"
done | grep . && status=1

codespell --quiet-level=2 --skip='*.json,*/corpus/*,LICENSE,*.txt' \
    --ignore-words tests/style/codespell-ignore $(git ls-files | grep -vE '^tests/hosts/|/corpus/') ||
    complain "codespell has something to say"

shellcheck -x -e SC1091,SC2046 $(git ls-files | while IFS= read -r f; do
    head -n 1 "$f" | grep -qa '^#!.*bash' && echo "$f"
done || true) || complain "shellcheck has something to say"

for page in $(git ls-files '*.[1-8]'); do
    mandoc -Tlint -W warning "$page" || complain "$page: mandoc has something to say"
done
exit $status
