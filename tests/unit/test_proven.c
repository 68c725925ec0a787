/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/proven.h"

#include <errno.h>

#include "base/alloc.h"
#include "compat/negotiate.h"
#include "support/check.h"

static uint64_t ebx7(void)
{
    return mig_reg_key(mig_reg_cpuid(7, 0, MIG_EBX));
}

/* An answer that said yes so far. */
static struct mig_result yes(void)
{
    return (struct mig_result){.verdict = MIG_COMPATIBLE_ON_PROFILE,
                               .passthrough = MIG_COMPATIBLE,
                               .direction = "both",
                               .profile = MIG_NEW(struct mig_profile)};
}

CHECK_TEST(what_held_changes_nothing)
{
    const struct mig_proven p = {.ran = true, .compared = 7};
    struct mig_result r = yes();

    mig_proven_tell(&p, "alpha", &r);
    check_number("verdict", MIG_COMPATIBLE_ON_PROFILE, r.verdict);
    check_number("findings", 0, r.findings.len);
    mig_result_clear(&r);
}

CHECK_TEST(each_place_is_named_with_what_was_seen)
{
    static const struct {
        const char *label;
        struct mig_mismatch m; /* its key is 7.0.EBX unless it says none */
        const char *id, *why;
    } cases[] = {
        {"seen",
         {.stage = MIG_STAGE_GUEST, .wanted = 0x20, .has_got = true},
         "proof/x86/cpuid/7.0/ebx", "a guest on alpha was to see 0x20 and sees 0x0"                         },
        {"kept",
         {.stage = MIG_STAGE_READ, .wanted = 0x20, .has_got = true},
         "proof/x86/cpuid/7.0/ebx", "KVM on alpha was given 0x20, took it and keeps 0x0"                    },
        {"refused",
         {.stage = MIG_STAGE_CPUID, .wanted = 0x20, .errnum = EINVAL},
         "proof/x86/cpuid/7.0/ebx", "KVM on alpha refuses 0x20 with EINVAL"                                 },
        {"raised",
         {.stage = MIG_STAGE_CPUID, .wanted = 0x20, .has_got = true},
         "proof/x86/cpuid/7.0/ebx", "KVM on alpha does not support 0x20, only 0x0"                          },
        {"no place",
         {.key = UINT64_MAX, .stage = MIG_STAGE_TILE, .errnum = EPERM},
         "proof/tile-permission",   "KVM on alpha answers EPERM to: ask for AMX tiles before the first vCPU"},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_proven_clear) struct mig_proven p = {0};
        struct mig_result r = yes();
        struct mig_mismatch m = c->m;

        m.key = m.key == 0 ? ebx7() : m.key;
        mig_proven_add(&p, &m);
        mig_proven_settle(&p);
        mig_proven_tell(&p, "alpha", &r);
        check_number(c->label, MIG_INCOMPATIBLE, r.verdict);
        check_number(c->label, 1, r.findings.len);
        check_text(c->label, c->id, r.findings.items[0].id);
        check_text(c->label, c->why, r.findings.items[0].why);
        check_number(c->label, MIG_BLOCKER, r.findings.items[0].severity);
        check_true(c->label, r.possible && r.findings.items[0].remedy != NULL);
        if (m.key == ebx7()) {
            check_number(c->label, 1, r.findings.items[0].names_len);
            check_text(c->label, "avx2", r.findings.items[0].names[0]);
        }
        mig_result_clear(&r);
    }
}

CHECK_TEST(two_hosts_at_one_place_are_one_finding)
{
    const struct mig_mismatch m = {
        .key = ebx7(), .stage = MIG_STAGE_CPUID, .wanted = 0x20, .errnum = EINVAL};
    MIG_AUTO(mig_proven_clear) struct mig_proven p = {0};
    struct mig_result r = yes();

    mig_proven_add(&p, &m);
    mig_proven_settle(&p);
    mig_proven_tell(&p, "alpha", &r);
    mig_proven_tell(&p, "beta", &r);
    check_number("findings", 1, r.findings.len);
    check_text("why", "KVM on alpha refuses 0x20 with EINVAL; KVM on beta refuses 0x20 with EINVAL",
               r.findings.items[0].why);
    mig_result_clear(&r);
}

CHECK_TEST(a_kvm_that_enforces_nothing_is_one_finding)
{
    const struct mig_proven p = {.outcome = MIG_OUTCOME_NOT_ENFORCED, .ran = true};
    struct mig_result r = yes();

    mig_proven_tell(&p, "alpha", &r);
    mig_proven_tell(&p, "beta", &r);
    check_number("verdict", MIG_INCOMPATIBLE, r.verdict);
    check_number("passthrough", MIG_INCOMPATIBLE, r.passthrough);
    check_number("findings", 1, r.findings.len);
    check_text("id", "kvm/cpuid-not-enforced", r.findings.items[0].id);
    mig_result_clear(&r);
}

CHECK_TEST(no_proof_is_no_answer_and_outranks_a_no)
{
    const struct mig_proven tried = {.outcome = MIG_OUTCOME_NOT_ENFORCED};
    const struct mig_proven not_tried = {
        .outcome = MIG_OUTCOME_NOT_TRIED, .stage = MIG_STAGE_OPEN, .errnum = ENOENT};
    struct mig_result r = yes();

    mig_proven_tell(&not_tried, "alpha", &r);
    mig_proven_tell(&tried, "beta", &r);
    mig_proven_tell_missing("gamma", "no route", &r);
    check_number("verdict", MIG_UNKNOWN, r.verdict);
    check_true("profile", r.profile == NULL && !r.possible);
    check_text("id", "proof/missing", r.findings.items[0].id);
    check_text("why", "alpha: make a scratch VM and its vCPU: ENOENT; gamma: no route",
               r.findings.items[0].why);
    mig_result_clear(&r);
}

/* An emulated guest for which nothing but a proof is missing. */
static struct mig_result waiting(void)
{
    struct mig_result r = {.verdict = MIG_UNKNOWN,
                           .passthrough = MIG_UNKNOWN,
                           .contract = true,
                           .emulated = true,
                           .provable = true};
    struct mig_finding *f = mig_findings_add(&r.findings, "vmm/emulated", MIG_BLOCKER);

    f->why = mig_strdup("is emulated");
    f->remedy = mig_strdup("prove it");
    return r;
}

CHECK_TEST(an_emulated_guest_is_decided_by_its_vmm_alone)
{
    static const struct {
        const char *label;
        struct mig_proven p;
        bool differs;
        const char *verdict, *id, *why;
    } cases[] = {
        {"held",
         {.ran = true, .compared = 7, .vmm = "QEMU 7.2.22"},
         false, "compatible",
         "vmm/emulated",            "QEMU 7.2.22 on beta proved that it shows this emulated guest what it was shown" },
        {"contradicted",
         {.ran = true, .compared = 7, .vmm = "QEMU 7.2.22"},
         true,  "incompatible",
         "proof/x86/cpuid/7.0/ebx", "a guest on beta was to see 0x20 and sees 0x0"                                   },
        {"not there",
         {.outcome = MIG_OUTCOME_NOT_TRIED,
          .stage = MIG_STAGE_MACHINE,
          .errnum = EIO,
          .vmm = "7.2.22 has no machine type pc-9"},
         false, "unknown",
         "proof/missing",           "beta: find the guest's machine type in its VMM: 7.2.22 has no machine type pc-9"},
        {"by KVM",
         {.ran = true, .compared = 7},
         false, "unknown",
         "proof/missing",           "beta: its agent asked KVM, not the guest's VMM"                                 },
    };

    CHECK_EACH (c, cases) {
        const struct mig_mismatch m = {
            .key = ebx7(), .stage = MIG_STAGE_GUEST, .wanted = 0x20, .has_got = true};
        struct mig_proven p = c->p;
        struct mig_result r = waiting();
        const struct mig_finding *f;

        if (c->differs) {
            mig_proven_add(&p, &m);
        }
        mig_proven_settle(&p);
        mig_proven_tell(&p, "beta", &r);
        check_text(c->label, c->verdict, mig_verdict_name(r.verdict));
        check_number(c->label, r.verdict, r.passthrough);
        check_true(c->label, !r.provable);
        f = mig_findings_find(&r.findings, c->id);
        check_text(c->label, c->why, f != NULL ? f->why : "");
        mig_proven_clear(&p);
        mig_result_clear(&r);
    }
}

CHECK_TEST(mismatches_are_sorted_and_end_somewhere)
{
    MIG_AUTO(mig_proven_clear) struct mig_proven p = {0};
    struct mig_mismatch m = {.stage = MIG_STAGE_GUEST, .has_got = true};

    for (uint64_t i = 0; i < MIG_MISMATCHES_MAX + 10; i++) {
        m.key = UINT64_MAX - i;
        mig_proven_add(&p, &m);
    }
    mig_proven_settle(&p);
    check_number("kept", MIG_MISMATCHES_MAX, p.len);
    for (size_t i = 1; i < p.len; i++) {
        check_true("order", p.items[i - 1].key < p.items[i].key);
    }
    check_number("outcome", MIG_OUTCOME_CONTRADICTED, p.outcome);
}

CHECK_MAIN(cmocka_unit_test(what_held_changes_nothing),
           cmocka_unit_test(an_emulated_guest_is_decided_by_its_vmm_alone),
           cmocka_unit_test(each_place_is_named_with_what_was_seen),
           cmocka_unit_test(two_hosts_at_one_place_are_one_finding),
           cmocka_unit_test(a_kvm_that_enforces_nothing_is_one_finding),
           cmocka_unit_test(no_proof_is_no_answer_and_outranks_a_no),
           cmocka_unit_test(mismatches_are_sorted_and_end_somewhere))
