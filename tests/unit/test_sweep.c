/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include "base/alloc.h"
#include "snapshot/builder.h"
#include "vmm/sweep.h"

#define REPORT "tests/fuzz/corpus/sweep/qemu-7.2-max"
#define COUNTS_AT 8
#define FIRST_PAIR_AT 16

static void load(struct mig_bytes *ret)
{
    MIG_AUTO(mig_free) char *path = check_source_path(REPORT);
    struct mig_error err;

    check_done(path, mig_file_read(path, MIG_SWEEP_ANSWER_BYTES_MAX, ret, &err), &err);
}

CHECK_TEST(a_report_becomes_registers)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
    MIG_AUTO(mig_sweep_clear) struct mig_sweep sweep = {.msrs_len = 0};
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    char vendor[13];
    uint64_t word;
    struct mig_error err;

    load(&bytes);
    check_number("length", mig_sweep_answer_bytes(), bytes.len);
    check_done("read", mig_sweep_read(bytes.items, bytes.len, &sweep, &err), &err);
    check_done("pour", mig_sweep_pour(&sweep, b, &err), &err);
    check_done("freeze", mig_builder_freeze(b, &s, &err), &err);
    mig_snapshot_vendor(s, vendor);
    check_text("vendor", "AuthenticAMD", vendor);
    check_number("XSAVE layout", MIG_KNOWN,
                 mig_snapshot_get(s, mig_reg_cpuid(0xd, 2, MIG_EBX), &word));
    check_number("AVX at", 0x240, word);
    check_number("no rate", MIG_COVER_NONE, s->groups[MIG_GROUP_TSC].coverage);
    check_number("MSRs", MIG_COVER_FULL, s->groups[MIG_GROUP_MSR].coverage);
}

CHECK_TEST(a_damaged_report_is_refused)
{
    static const struct {
        const char *label;
        size_t at; /* changed byte; from the end if @cut is not 0 */
        size_t cut;
        const char *says;
    } cases[] = {
        {"no beginning", 0,             0, "has no beginning"       },
        {"other counts", COUNTS_AT,     0, "expected"               },
        {"other leaf",   FIRST_PAIR_AT, 0, "expected CPUID leaf 0.0"},
        {"cut",          0,             1, "bytes of"               },
        {"all cut",      0,             8, "bytes of"               },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
        MIG_AUTO(mig_sweep_clear) struct mig_sweep sweep = {.msrs_len = 0};
        struct mig_error err = {.code = MIG_OK};

        load(&bytes);
        if (c->cut == 0) {
            bytes.items[c->at] ^= 1;
        }
        check_true(c->label, !mig_sweep_read(bytes.items, bytes.len - c->cut, &sweep, &err));
        check_contains(c->label, c->says, err.msg);
    }
}

CHECK_MAIN(cmocka_unit_test(a_report_becomes_registers),
           cmocka_unit_test(a_damaged_report_is_refused))
