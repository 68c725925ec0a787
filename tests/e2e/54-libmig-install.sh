#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a VMM's build sees: libmig installed somewhere, found by pkg-config, in C99
# and C++, shared and as an archive, beside functions of the names that libmig
# has inside.
# shellcheck source-path=SCRIPTDIR source=lib.bash
source "$(dirname "$0")/lib.bash"
requires cmake pkg-config cc c++ jq
nm -D "$MIG_BUILD/lib/libmig/libmig.so" 2>/dev/null | grep ' __asan_' >/dev/null && {
    echo "SKIP: a sanitized library needs a sanitized program"
    exit 77
}

expect 0 cmake --install "$MIG_BUILD" --prefix "$dir/installed" --component libmig
expect 0 test -f "$(find "$dir/installed" -name libmig.3)"
PKG_CONFIG_PATH=$(dirname "$(find "$dir/installed" -name mig.pc)")
export PKG_CONFIG_PATH
expect 0 pkg-config --modversion mig
says "$("$MIG_BUILD/bin/migctl" --version | grep -oE '[0-9.]+$')"
# A VMM that loads libmig loads no event loop, TLS or XML with it.
expect 0 pkg-config --static --libs mig
says_not event
says_not ssl
says_not xml

cat >"$dir/consumer.c" <<'C'
#include <mig.h>
#include <stdio.h>
#include <stdlib.h>

/* Names that libmig has inside: its archive must not answer for them. */
const char *mig_free(void);
const char *mig_contract_free(void);
const char *mig_free(void)
{
    return "mine";
}
const char *mig_contract_free(void)
{
    return mig_free();
}

int main(int argc, char **argv)
{
    static char json[1 << 20];
    struct libmig_error err;
    struct libmig_profile *profile = NULL;
    struct libmig_cpu *cpu;
    uint64_t word = 0;
    FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
    size_t len = file != NULL ? fread(json, 1, sizeof json, file) : 0;

    if (libmig_profile_read(json, len, &profile, &err)) {
        (void)fprintf(stderr, "%s\n", err.text);
        return EXIT_FAILURE;
    }
    cpu = libmig_cpu_of_profile(profile);
    if (libmig_cpu_value(cpu, "x86/cpuid/1.0/edx", &word, &err)) {
        return EXIT_FAILURE;
    }
    (void)printf("%s %s 0x%llx %s\n", libmig_version(), libmig_profile_digest(profile),
                 (unsigned long long)word, mig_contract_free());
    libmig_cpu_free(cpu);
    libmig_profile_free(profile);
    return EXIT_SUCCESS;
}
C

expect 0 migctl baseline --allow-unsigned -o json "$icelake" "$cascadelake"
cp "$dir/out" "$dir/profile.json"
wanted="$(pkg-config --modversion mig) $(jq -r .profile.digest "$dir/profile.json") $(jq -r '.profile.registers["x86/cpuid/1.0/edx"]' "$dir/profile.json") mine"

# shellcheck disable=SC2046
build() { # NAME COMPILER... -- LIBRARIES
    local name=$1
    shift
    expect 0 "$@" -Wall -Wextra -Werror -pedantic -o "$dir/$name" "$dir/consumer.c" $(pkg-config --cflags mig) \
        $(pkg-config "${how[@]}" --libs mig)
}

how=()
build shared cc -std=c99
LD_LIBRARY_PATH=$(pkg-config --variable=libdir mig) expect 0 "$dir/shared" "$dir/profile.json"
says "$wanted"
build cpp c++ -x c++ -Wno-long-long
LD_LIBRARY_PATH=$(pkg-config --variable=libdir mig) expect 0 "$dir/cpp" "$dir/profile.json"
says "$wanted"

# The archive: with the shared one out of the way, then everything static.
rm "$dir"/installed/lib*/libmig.so* 2>/dev/null || rm "$dir"/installed/lib*/*/libmig.so*
how=(--static)
build archive cc -std=c99
expect 0 "$dir/archive" "$dir/profile.json"
says "$wanted"
build static cc -std=c99 -static
expect 0 "$dir/static" "$dir/profile.json"
says "$wanted"
expect 1 "$dir/static" /dev/null
