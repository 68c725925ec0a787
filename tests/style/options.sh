#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every long option that --help shows stands in the manual page.
set -euo pipefail
status=0
check() { # manual page, command...
    local page=$1 option
    shift
    for option in $("$@" --help 2>&1 | grep -oE '^ +(-., )?--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort -u); do
        # mdoc writes an option as "Fl -name"
        grep -qE "Fl -${option#--}( |\$)" "$MIG_SOURCE/$page" || {
            echo "$page: $option is not there ($*)"
            status=1
        }
    done
}
check agent/mig-agentd.8 "$MIG_BUILD/bin/mig-agentd"
check agent/hook/mig-hook.1 "$MIG_BUILD/bin/mig-hook" exec
for verb in $("$MIG_BUILD/bin/migctl" --help | awk '/^  [a-z]/ {print $1}'); do
    check negotiator/cli/migctl.1 "$MIG_BUILD/bin/migctl" "$verb"
done
exit $status
