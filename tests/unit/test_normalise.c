/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/normalise.h"

#include <errno.h>

#include "snapshot/builder.h"
#include "support/check.h"

CHECK_TEST(what_differs_between_cpus_of_one_host_is_cleared)
{
    static const struct {
        const char *label;
        struct mig_reg reg;
        uint64_t raw, normal;
    } cases[] = {
        {"apic id and thread count",  {MIG_SPACE_CPUID, 1, 0, MIG_EBX},          0x05100800, 0x00000800},
        {"OSXSAVE",                   {MIG_SPACE_CPUID, 1, 0, MIG_ECX},          0x0c000000, 0x04000000},
        {"OSPKE",                     {MIG_SPACE_CPUID, 7, 0, MIG_ECX},          0x00000018, 0x00000008},
        {"present XSAVE size",        {MIG_SPACE_CPUID, 0xd, 0, MIG_EBX},        0x00000340, 0         },
        {"x2APIC id",                 {MIG_SPACE_CPUID, 0xb, 1, MIG_EDX},        0x00000005, 0         },
        {"x2APIC id, newer leaf",     {MIG_SPACE_CPUID, 0x1f, 0, MIG_EDX},       0x00000005, 0         },
        {"AMD apic id",               {MIG_SPACE_CPUID, 0x8000001e, 0, MIG_EAX}, 0x00000005, 0         },
        {"the same before tiles",     {MIG_SPACE_CPUID_BARE, 1, 0, MIG_EBX},     0x05100800, 0x00000800},
        {"a feature word stays",      {MIG_SPACE_CPUID, 7, 0, MIG_EBX},          0x219c03a9, 0x219c03a9},
        {"an unknown register stays",
         {MIG_SPACE_CPUID, 0x12345, 0, MIG_EBX},
         0xffffffff,                                                                         0xffffffff},
        {"an MSR stays",              {MIG_SPACE_MSR, 0x10a, 0, MIG_EAX},        0x0c02a0eb, 0x0c02a0eb},
    };

    CHECK_EACH (c, cases) {
        check_number(c->label, c->normal, mig_normalise(c->reg, c->raw));
        check_number(c->label, c->normal, mig_normalise(c->reg, c->normal));
    }
}

CHECK_TEST(an_empty_leaf_is_dropped_only_where_absence_says_the_same)
{
    static const struct {
        const char *label;
        enum mig_coverage coverage;
        size_t left;
    } cases[] = {
        {"full",    MIG_COVER_FULL,    4},
        {"partial", MIG_COVER_PARTIAL, 8},
        {"none",    MIG_COVER_NONE,    8},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
        struct mig_error err;

        for (enum mig_part part = MIG_EAX; part <= MIG_EDX; part++) {
            mig_builder_set(b, mig_reg_cpuid(7, 0, part), part);
            mig_builder_set(b, mig_reg_cpuid(0x19, 0, part), 0);
        }
        mig_builder_cover(b, MIG_GROUP_CPUID, c->coverage, 0, "test");
        check_done(c->label, mig_builder_freeze(b, &s, &err), &err);
        check_number(c->label, c->left, s->entries_len);
        check_true(c->label, !mig_normalise_snapshot(s));
    }
}

CHECK_TEST(zeros_that_are_evidence_stay)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    struct mig_error err;

    mig_builder_cover(b, MIG_GROUP_CPUID, MIG_COVER_FULL, 0, "test");
    mig_builder_cover(b, MIG_GROUP_MSR, MIG_COVER_FULL, 0, "test");
    mig_builder_set(b, mig_reg_msr(0x345), 0);
    mig_builder_set(b, mig_reg_cpuid(0x19, 0, MIG_EAX), 0);
    mig_builder_set_unreadable(b, mig_reg_cpuid(0x19, 0, MIG_EBX), EIO);
    check_done("freeze", mig_builder_freeze(b, &s, &err), &err);
    check_number("an MSR and a leaf that failed", 3, s->entries_len);
}

CHECK_MAIN(cmocka_unit_test(what_differs_between_cpus_of_one_host_is_cleared),
           cmocka_unit_test(an_empty_leaf_is_dropped_only_where_absence_says_the_same),
           cmocka_unit_test(zeros_that_are_evidence_stay))
