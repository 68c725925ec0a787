#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Calls and strings that have one place, or none.
set -euo pipefail
cd "$MIG_SOURCE"
status=0

# banned PATTERN REASON [PATHSPEC that may]...
banned() {
    local pattern=$1 reason=$2
    shift 2
    local hits
    hits=$(git grep -nE "$pattern" -- 'lib/**.[ch]' 'agent/**.[ch]' 'negotiator/**.[ch]' \
        "${@/#/:!}" || true)
    if [ -n "$hits" ]; then
        printf '%s\n  -> %s\n' "$hits" "$reason"
        status=1
    fi
}

banned '\b(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|alloca|system|popen|gets)\(' 'banned call'
banned '\b(malloc|calloc|realloc|reallocarray|free|strdup|strndup)\(' 'use base/alloc.h' \
    lib/base/alloc.c
banned '\b(time|clock_gettime|gettimeofday)\(' 'clocks are read in base/now.c' lib/base/now.c
banned '"/(dev|sys)/' 'only collectors know these paths' 'agent/collect_*' 'agent/*.def' agent/options.def \
    'lib/snapshot/hostcapture*'
banned '\bprintf\(' 'stdout belongs to reports and the CLI' 'negotiator/*' 'agent/*'
banned '\b(TODO|FIXME|XXX)\b' 'an issue number or nothing' lib/base/file.c
exit $status
