#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# mig.h, mig.map, the shared library and the archive name the same functions and
# nothing else; neither needs what a VMM would not want to load.
set -euo pipefail
lib=$MIG_BUILD/lib/libmig
source=$MIG_SOURCE/lib/libmig
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
status=0

same() { # WHAT FILE
    diff -u "$dir/header" "$2" || {
        echo "$1 and mig.h differ"
        status=1
    }
}

# Comments name functions too.
python3 - "$source/mig.h" >"$dir/header" <<'PYTHON'
import re, sys
text = re.sub(r"/\*.*?\*/", "", open(sys.argv[1], encoding="utf-8").read(), flags=re.S)
print("\n".join(sorted(set(re.findall(r"\b(libmig_\w+)\(", text)))))
PYTHON
[ "$(wc -l <"$dir/header")" -gt 30 ] || {
    echo "mig.h declares nothing"
    exit 1
}
sed -n 's/^ *\(libmig_[a-z_]*\);$/\1/p' "$source/mig.map" | sort >"$dir/map"
same mig.map "$dir/map"
grep -ohE 'Fn libmig_[a-z_]+' "$source/libmig.3" | sed 's/^Fn //' | sort -u >"$dir/page"
same libmig.3 "$dir/page"

# Every one has a version, none comes without.
if [ -e "$lib/libmig.so" ]; then
    nm -D --defined-only "$lib/libmig.so" | awk '$2 != "A" {print $3}' | grep -v '^__' >"$dir/exported"
    sed -n 's/@@LIBMIG_[0-9.]*$//p' "$dir/exported" | sort >"$dir/shared"
    same libmig.so "$dir/shared"
    [ "$(wc -l <"$dir/exported")" = "$(wc -l <"$dir/shared")" ] || {
        echo "libmig.so shows names without a version:"
        grep -v '@@LIBMIG_' "$dir/exported"
        status=1
    }
    if readelf -d "$lib/libmig.so" | grep NEEDED | grep -E 'event|libssl|xml|yaml'; then
        echo "libmig.so needs too much"
        status=1
    fi
fi
nm --defined-only --extern-only "$lib/libmig.a" | awk 'NF == 3 {print $3}' | sort >"$dir/archive"
same libmig.a "$dir/archive"
if nm --undefined-only "$lib/libmig.a" | grep -E ' (event_|bufferevent|SSL_|xml|yaml|mig_|migctl__)'; then
    echo "libmig.a needs too much"
    status=1
fi
exit $status
