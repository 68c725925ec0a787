/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "snapshot/builder.h"
#include "snapshot/codec.h"
#include "support/check.h"
#include "support/snapshots.h"

/* A small host that each case changes in one place. */
static struct mig_builder *host(void)
{
    struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);

    mig_builder_cover(b, MIG_GROUP_CPUID, MIG_COVER_FULL, 0, "test");
    mig_builder_cover(b, MIG_GROUP_CPUID_EMULATED, MIG_COVER_FULL, 0, "test");
    mig_builder_cover(b, MIG_GROUP_TSC, MIG_COVER_FULL, 0, "test");
    mig_builder_set(b, mig_reg_cpuid(0, 0, MIG_EAX), 0x16);
    mig_builder_set(b, mig_reg_cpuid(7, 0, MIG_ECX), 0x2);
    return b;
}

static void digest_of(struct mig_builder *b, unsigned char ret[MIG_DIGEST_BYTES])
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    struct mig_error err;

    check_done("freeze", mig_builder_freeze(b, &s, &err), &err);
    mig_snapshot_capability_digest(s, ret);
}

CHECK_TEST(only_what_is_judged_counts)
{
    static const struct {
        const char *label;
        struct mig_reg reg;
        uint64_t value;
        bool counts;
    } cases[] = {
        {"a feature",                 {MIG_SPACE_CPUID, 7, 0, MIG_EBX},                       0x20,       true },
        {"a bit without a row",       {MIG_SPACE_CPUID, 0x12345, 0, MIG_EBX},                 0x1,        true },
        {"a zero where all is known", {MIG_SPACE_CPUID, 0x19, 0, MIG_EBX},                    0,          false},
        {"an apic id",                {MIG_SPACE_CPUID, 1, 0, MIG_EBX},                       0x05000000, false},
        {"OSXSAVE",                   {MIG_SPACE_CPUID, 1, 0, MIG_ECX},                       0x08000000, false},
        {"a model name",              {MIG_SPACE_CPUID, 0x80000002, 0, MIG_EAX},              0x41424344, false},
        {"a cache descriptor",        {MIG_SPACE_CPUID, 2, 0, MIG_EAX},                       0x00feff01, false},
        {"a feature MSR",             {MIG_SPACE_MSR, 0x10a, 0, MIG_EAX},                     0x1,        true },
        {"microcode",                 {MIG_SPACE_MSR, 0x8b, 0, MIG_EAX},                      1ULL << 32, false},
        {"a saved MSR",               {MIG_SPACE_MSR_LIST, 0x48, 0, MIG_EAX},                 1,          true },
        {"what KVM emulates",         {MIG_SPACE_CPUID_EMULATED, 1, 0, MIG_ECX},              0x400000,   false},
        {"CPUID before tiles",        {MIG_SPACE_CPUID_BARE, 7, 0, MIG_EDX},                  0x1,        false},
        {"clock rate",                {MIG_SPACE_HOST, MIG_HOST_TSC_KHZ, 0, MIG_EAX},         2500000,    false},
        {"clock scaling",             {MIG_SPACE_HOST, MIG_HOST_TSC_SCALING, 0, MIG_EAX},     1,          true },
        {"tile permission",           {MIG_SPACE_HOST, MIG_HOST_TILE_PERMISSION, 0, MIG_EAX}, 1,          false},
        {"a capability",              {MIG_SPACE_CAP, 157, 0, MIG_EAX},                       0x1000,     true },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_builder_free) struct mig_builder *plain = host();
        MIG_AUTO(mig_builder_free) struct mig_builder *other = host();
        unsigned char a[MIG_DIGEST_BYTES], b[MIG_DIGEST_BYTES];

        mig_builder_set(other, c->reg, c->value);
        digest_of(plain, a);
        digest_of(other, b);
        check_number(c->label, c->counts, memcmp(a, b, sizeof a) != 0);
    }
}

CHECK_TEST(coverage_counts_and_provenance_does_not)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = host();
    unsigned char plain[MIG_DIGEST_BYTES], other[MIG_DIGEST_BYTES];

    digest_of(b, plain);
    mig_builder_add_fact(b, "kernel.release", "6.1", "uname");
    mig_builder_stamp(b, &(struct mig_stamp){.host = "alpha", .sequence = 7});
    mig_builder_cover(b, MIG_GROUP_CPUID, MIG_COVER_FULL, 0, "another source");
    digest_of(b, other);
    assert_memory_equal(plain, other, sizeof plain);
    mig_builder_cover(b, MIG_GROUP_MSR, MIG_COVER_PARTIAL, 0, "test");
    digest_of(b, other);
    assert_memory_not_equal(plain, other, sizeof plain);
}

CHECK_TEST(a_register_that_failed_is_not_one_that_is_zero)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *zero = host();
    MIG_AUTO(mig_builder_free) struct mig_builder *failed = host();
    unsigned char a[MIG_DIGEST_BYTES], b[MIG_DIGEST_BYTES];

    mig_builder_set(zero, mig_reg_msr(0x10a), 0);
    mig_builder_set_unreadable(failed, mig_reg_msr(0x10a), EIO);
    digest_of(zero, a);
    digest_of(failed, b);
    assert_memory_not_equal(a, b, sizeof a);
}

/* One machine, two kernels: no CPUID bit of the judgement differs there. */
CHECK_TEST(equal_hosts_have_equal_digests)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *old = snapshot_host("intel-cascadelake-5.10");
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *new = snapshot_host("intel-cascadelake-6.1");
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *other = snapshot_host("intel-icelake-6.1");
    unsigned char a[MIG_DIGEST_BYTES], b[MIG_DIGEST_BYTES], c[MIG_DIGEST_BYTES];

    mig_snapshot_capability_digest(old, a);
    mig_snapshot_capability_digest(new, b);
    mig_snapshot_capability_digest(other, c);
    assert_memory_equal(a, b, sizeof a);
    assert_memory_not_equal(a, c, sizeof a);
}

CHECK_MAIN(cmocka_unit_test(only_what_is_judged_counts),
           cmocka_unit_test(coverage_counts_and_provenance_does_not),
           cmocka_unit_test(a_register_that_failed_is_not_one_that_is_zero),
           cmocka_unit_test(equal_hosts_have_equal_digests))
