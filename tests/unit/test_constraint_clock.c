/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include "base/alloc.h"
#include "compat/negotiate.h"
#include "support/judged.h"
#include "support/small_host.h"
#include "support/snapshots.h"

#define RATE(khz) LEVEL_1 " @host/tsc-khz=" khz " "
#define HV "@x86/cpuid-hv/40000003.0/eax="

/* A guest of some rate on hosts of others. */
CHECK_TEST(a_guest_keeps_the_rate_it_counts_on)
{
    static const struct {
        const char *label, *guest, *host, *severity;
    } cases[] = {
        {"the same",                         RATE("2600000") "constant_tsc",                         RATE("2600000"),                       ""       },
        {"measured 2 kHz off",               RATE("2600000") "constant_tsc",                         RATE("2600002"),                       ""       },
        {"250 ppm above",                    RATE("2600650") "constant_tsc",                         RATE("2600000"),                       ""       },
        {"just beyond",                      RATE("2600651") "constant_tsc",                         RATE("2600000"),                       "blocker"},
        {"250 ppm below",                    RATE("2599350") "constant_tsc",                         RATE("2600000"),                       ""       },
        {"just beyond",                      RATE("2599349") "constant_tsc",                         RATE("2600000"),                       "blocker"},
        {"scaling",                          RATE("2100000") "constant_tsc",                         RATE("2600000") "@host/tsc-scaling=1", ""       },
        {"scaling, not that far",            RATE("3100000") "constant_tsc",
         RATE("2600000") "@host/tsc-scaling=1 @host/tsc-max-khz=3000000",                                                                   "blocker"},
        {"a host of its own tolerance",      RATE("2601000") "constant_tsc",
         RATE("2600000") "@host/tsc-tolerance-ppm=1000",                                                                                    ""       },
        {"scaling of the source is nothing", RATE("2100000") "constant_tsc @host/tsc-scaling=1",
         RATE("2600000"),                                                                                                                   "blocker"},
        {"nothing was promised",             RATE("2100000"),                                        RATE("2600000"),                       "warning"},
        {"a rate in leaf 15",                RATE("2100000") "@x86/cpuid/15.0/ebx=168",              RATE("2600000"),
         "blocker"                                                                                                                                   },
        {"a rate in leaf 40000010",          RATE("2100000") "@x86/cpuid/40000010.0/eax=2100000",
         RATE("2600000"),                                                                                                                   "blocker"},
        {"recorded nowhere but there",       RATE("0") "@x86/cpuid/40000010.0/eax=2100000",
         RATE("2600000"),                                                                                                                   "blocker"},
        {"or in leaf 15",
         RATE("0") "@x86/cpuid/15.0/eax=2 @x86/cpuid/15.0/ebx=168 "
                   "@x86/cpuid/15.0/ecx=25000000",                                                   RATE("2600000"),                       "blocker"},
        {"Hyper-V reference TSC",            RATE("2100000") HV "0x200",                             RATE("2600000"),                       "blocker"},
        {"Hyper-V frequency MSRs",           RATE("2100000") HV "0x800",                             RATE("2600000"),                       "blocker"},
        {"Hyper-V invariant TSC",            RATE("2100000") HV "0x8000",                            RATE("2600000"),                       "blocker"},
        {"TSC promised, re-enlightened",     RATE("2100000") "constant_tsc " HV "0x2000",
         RATE("2600000"),                                                                                                                   "blocker"},
        {"leaf 15, re-enlightened",          RATE("2100000") "@x86/cpuid/15.0/ebx=168 " HV "0x2000",
         RATE("2600000"),                                                                                                                   "blocker"},
        {"leaf 40000010, re-enlightened",
         RATE("2100000") "@x86/cpuid/40000010.0/eax=2100000 " HV "0x2000",                           RATE("2600000"),
         "blocker"                                                                                                                                   },
        {"leaf 15 says the same rate",
         RATE("0") "@x86/cpuid/15.0/eax=2 @x86/cpuid/15.0/ebx=208 @x86/cpuid/15.0/ecx=25000000",
         RATE("2600000"),                                                                                                                   ""       },
        {"with re-enlightenment",            RATE("2100000") HV "0xaa00",                            RATE("2600000"),                       "warning"},
        {"other Hyper-V features",           RATE("2100000") HV "0x20",                              RATE("2600000"),                       "warning"},
        {"promised, no rate recorded",       RATE("0") "constant_tsc",                               RATE("2600000"),                       "warning"},
        {"not promised, no rate recorded",   RATE("0"),                                              RATE("2600000"),                       ""       },
        {"scaling by its capability",        RATE("2100000") "constant_tsc",
         RATE("2600000") "~tsc=partial @kvm/cap/TSC_CONTROL=1",                                                                             ""       },
        {"no scaling by its capability",     RATE("2100000") "constant_tsc",
         RATE("2600000") "~tsc=partial @kvm/cap/TSC_CONTROL=0",                                                                             "blocker"},
        {"host's clock is not covered",      RATE("2100000") "constant_tsc",                         LEVEL_1 " ~tsc=none",                  ""       },
    };

    CHECK_EACH (c, cases) {
        judged_check(c->label, c->guest, c->host, "host/tsc-khz", c->severity);
    }
}

/* A host that may scale for all that is known does not stop the guest; it is
 * unknown. */
CHECK_TEST(scaling_that_nobody_knows_of_is_told_as_such)
{
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *guest = small_host(RATE("2100000") "constant_tsc");
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *host = small_host(RATE("2600000") "~tsc=partial ~kvm-cap=none");
    struct mig_party vm = {"vm", guest}, beta = {"beta", host};
    static const struct mig_choice choice;
    const struct mig_finding *f;
    struct mig_result r;

    mig_check_contract(&vm, NULL, &beta, &choice, &r);
    check_text("verdict", "unknown", mig_verdict_name(r.verdict));
    f = mig_findings_find(&r.findings, "host/tsc-khz");
    assert_non_null(f);
    check_text("reason", "evidence", mig_reason_name(f->reason));
    check_contains("why", "does not tell whether it scales", f->why);
    mig_result_clear(&r);
}

CHECK_TEST(a_set_of_rates_is_one_finding)
{
    static const char *const rates[] = {RATE("2600000"), RATE("2100000"), RATE("3000000")};
    static const struct mig_choice choice;
    struct mig_snapshot *hosts[3];
    struct mig_party set[3];
    struct mig_result r;
    size_t told = 0;

    for (int i = 0; i < 3; i++) {
        hosts[i] = small_host(rates[i]);
        set[i] = (struct mig_party){"host", hosts[i]};
    }
    mig_baseline(set, 3, &choice, &r);
    for (size_t i = 0; i < r.findings.len; i++) {
        told += strcmp(r.findings.items[i].id, "host/tsc-khz") == 0 ? 1 : 0;
    }
    check_number("findings", 1, told);
    mig_result_clear(&r);
    for (int i = 0; i < 3; i++) {
        mig_snapshot_free(hosts[i]);
    }
}

CHECK_TEST(a_blocked_clock_is_explained)
{
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *guest = small_host(RATE("2100000") "constant_tsc");
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *host = small_host(RATE("2600000"));
    struct mig_findings findings;
    const struct mig_finding *f;

    judged(guest, host, &findings);
    f = mig_findings_find(&findings, "host/tsc-khz");
    assert_non_null(f);
    check_number("guest", 2100000, f->guest.value);
    check_number("host", 2600000, f->destination.value);
    check_contains("why", "was shown constant_tsc", f->why);
    check_contains("remedy", "within 250 ppm of 2100000 kHz", f->remedy);
    mig_findings_clear(&findings);
}

#define WIDE(bits) LEVEL_1 " phys_addr_bits=" bits " "
#define PHYS "x86/cpuid/80000008.0/eax/7:0"

CHECK_TEST(a_guest_needs_a_host_as_wide_as_itself)
{
    static const struct {
        const char *label, *guest, *host, *id, *severity;
    } cases[] = {
        {"SPR to GNR",                     WIDE("46"),                           WIDE("52"),                          PHYS,                             ""       },
        {"GNR to SPR",                     WIDE("52"),                           WIDE("46"),                          PHYS,                             "blocker"},
        {"Milan to Genoa",                 WIDE("48"),                           WIDE("52"),                          PHYS,                             ""       },
        {"Genoa to Milan",                 WIDE("52"),                           WIDE("48"),                          PHYS,                             "blocker"},
        {"40 bits by default, 39 there",   WIDE("40"),                           WIDE("39"),                          PHYS,                             "blocker"},
        {"40 bits by default on 48",       WIDE("40"),                           WIDE("48"),                          PHYS,                             ""       },
        {"five levels, four there",        WIDE("52") "la57 virt_addr_bits=57",  WIDE("52"),
         "x86/cpuid/80000008.0/eax/15:8",                                                                                                               "blocker"},
        {"four levels, five there",        WIDE("52"),                           WIDE("52") "la57 virt_addr_bits=57",
         "x86/cpuid/80000008.0/eax/15:8",                                                                                                               ""       },
        {"a guest's own width",            WIDE("52") "guest_phys_addr_bits=50",
         WIDE("52") "guest_phys_addr_bits=48",                                                                        "x86/cpuid/80000008.0/eax/23:16", "blocker"},
        {"nested, narrower than the host", WIDE("46") "vmx",                     WIDE("52") "vmx",                    "host/maxphysaddr",
         "warning"                                                                                                                                               },
        {"nested on AMD",                  WIDE("48") "svm",                     WIDE("52") "svm",                    "host/maxphysaddr",               "warning"},
        {"KVM emulates smaller widths",    WIDE("46") "vmx",
         WIDE("52") "vmx @kvm/cap/SMALLER_MAXPHYADDR=1",                                                              "host/maxphysaddr",               ""       },
        {"not nested",                     WIDE("46"),                           WIDE("52"),                          "host/maxphysaddr",               ""       },
    };

    CHECK_EACH (c, cases) {
        judged_check(c->label, c->guest, c->host, c->id, c->severity);
    }
}

CHECK_TEST(real_widths_work_one_way)
{
    static const struct {
        const char *narrow, *wide;
    } cases[] = {
        {"intel-sapphire-rapids-6.1", "intel-granite-rapids-6.1"},
        {"amd-milan-6.1",             "amd-genoa-6.1"           },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *narrow = snapshot_host(c->narrow);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *wide = snapshot_host(c->wide);
        struct mig_findings findings;
        const struct mig_finding *f;

        judged(narrow, wide, &findings);
        check_text(c->narrow, "", judged_severity(&findings, PHYS));
        mig_findings_clear(&findings);
        judged(wide, narrow, &findings);
        f = mig_findings_find(&findings, PHYS);
        assert_non_null(f);
        check_text(c->wide, "blocker", mig_severity_name(f->severity));
        check_contains(c->wide, "phys-bits=", f->remedy);
        mig_findings_clear(&findings);
    }
}

CHECK_MAIN(cmocka_unit_test(a_guest_keeps_the_rate_it_counts_on),
           cmocka_unit_test(scaling_that_nobody_knows_of_is_told_as_such),
           cmocka_unit_test(a_set_of_rates_is_one_finding),
           cmocka_unit_test(a_blocked_clock_is_explained),
           cmocka_unit_test(a_guest_needs_a_host_as_wide_as_itself),
           cmocka_unit_test(real_widths_work_one_way))
