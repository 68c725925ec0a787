/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/readback.h"

#include "base/alloc.h"
#include "snapshot/snapshot.h"
#include "support/check.h"
#include "support/small_host.h"

CHECK_TEST(what_was_shown_and_what_is_seen_are_compared_word_by_word)
{
    static const struct {
        const char *label, *shown, *seen, *place; /* NULL: nothing differs */
        uint64_t wanted, got;
    } cases[] = {
        {"equal",                "@x86/msr/345=1",       "@x86/msr/345=1",       NULL,                0,    0},
        {"lost",                 "@x86/cpuid/7.1/eax=4", "",                     "x86/cpuid/7.1/eax", 4,    0},
        {"surplus",              "",                     "@x86/cpuid/7.1/eax=4", "x86/cpuid/7.1/eax", 0,    4},
        {"changed",              "@x86/msr/345=1",       "@x86/msr/345=2",       "x86/msr/345",       1,    2},
        {"none is as good as 0", "@x86/msr/345=0",       "",                     NULL,                0,    0},
        {"said by nobody",       "~msr=none",            "@x86/msr/345=2",       NULL,                0,    0},
        {"a host's own",         "@kvm/cap/MAX_VCPUS=9", "",                     NULL,                0,    0},
        {"the rate where told",  "@host/tsc-khz=2000",   "@host/tsc-khz=3000",   "host/tsc-khz",      2000,
         3000                                                                                                },
        {"the rate of nobody",   "@host/tsc-khz=2000",   "^host/tsc-khz",        NULL,                0,    0},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shown = small_host(c->shown);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *seen = small_host(c->seen);
        MIG_AUTO(mig_proven_clear) struct mig_proven p = {0};
        char place[MIG_REG_TEXT_MAX];

        mig_readback_compare(shown, seen, &p);
        check_number(c->label, c->place != NULL, p.len);
        if (c->place != NULL && p.len == 1) {
            mig_reg_print(mig_reg_from_key(p.items[0].key), place);
            check_text(c->label, c->place, place);
            check_number(c->label, c->wanted, p.items[0].wanted);
            check_number(c->label, c->got, p.items[0].got);
            check_number(c->label, MIG_STAGE_GUEST, p.items[0].stage);
        }
    }
}

CHECK_MAIN(cmocka_unit_test(what_was_shown_and_what_is_seen_are_compared_word_by_word))
