/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include "base/alloc.h"
#include "compat/negotiate.h"
#include "support/small_host.h"

CHECK_TEST(each_difference_is_one_finding_with_its_severity)
{
    static const struct {
        const char *label, *source, *destination, *id;
        enum mig_severity severity;
    } cases[] = {
        {"lost flag",                  LEVEL_3 " erms",                      LEVEL_3,                                  "x86/cpuid/7.0/ebx/9",          MIG_WARNING },
        {"hidden surplus",             LEVEL_3,                              LEVEL_3 " erms",                          "x86/cpuid/7.0/ebx/9",          MIG_NOTE    },
        {"lost immunity",              LEVEL_3 " arch_capabilities rdcl_no", LEVEL_3 " arch_capabilities",
         "x86/msr/10a/0",                                                                                                                              MIG_SECURITY},
        {"width",                      LEVEL_3,                              LEVEL_3 " phys_addr_bits=39",             "x86/cpuid/80000008.0/eax/7:0",
         MIG_WARNING                                                                                                                                               },
        {"vendor once",                LEVEL_3,                              LEVEL_3 " @x86/cpuid/0.0/ebx=0x68747541", "x86/cpuid/0.0/ebx",
         MIG_BLOCKER                                                                                                                                               },
        {"layout",                     LEVEL_3,                              LEVEL_3 " @x86/cpuid/d.2/ebx=0x280",      "x86/xsave/2",                  MIG_WARNING },
        {"clock",                      LEVEL_3,                              LEVEL_3 " @host/tsc-khz=2600652",         "host/tsc-khz",                 MIG_WARNING },
        {"clearing without microcode", LEVEL_3 " md_clear",                  LEVEL_3,                                  "x86/cpuid/7.0/edx/10",
         MIG_BLOCKER                                                                                                                                               },
        {"clearing only there",        LEVEL_3,                              LEVEL_3 " md_clear",                      "x86/cpuid/7.0/edx/10",         MIG_SECURITY},
        {"clearing and immune",        LEVEL_3 " md_clear",                  LEVEL_3 " arch_capabilities mds_no",
         "x86/cpuid/7.0/edx/10",                                                                                                                       MIG_NOTE    },
        {"unknown bit shared",         LEVEL_3 " @x86/cpuid/7.1/ecx=0x80",
         LEVEL_3 " @x86/cpuid/7.1/ecx=0x80",                                                                           "x86/cpuid/7.1/ecx/7",          MIG_NOTE    },
        {"unknown bit only there",     LEVEL_3,                              LEVEL_3 " @x86/cpuid/7.1/ecx=0x80",
         "x86/cpuid/7.1/ecx/7",                                                                                                                        MIG_NOTE    },
        {"unknown MSR",                LEVEL_3 " @x86/msr/999=1",            LEVEL_3,                                  "x86/msr/999/63:0",             MIG_WARNING },
        {"capability gone",            LEVEL_3 " @kvm/cap/MAX_VCPUS=9",      LEVEL_3,                                  "kvm/cap/MAX_VCPUS",
         MIG_WARNING                                                                                                                                               },
        {"capability only there",      LEVEL_3,                              LEVEL_3 " @kvm/cap/MAX_VCPUS=9",          "kvm/cap/MAX_VCPUS",
         MIG_NOTE                                                                                                                                                  },
        {"MSR not saved there",        LEVEL_3 " @x86/msr-list/10=1",        LEVEL_3,                                  "x86/msr-list",
         MIG_WARNING                                                                                                                                               },
        {"MSR saved only there",       LEVEL_3,                              LEVEL_3 " @x86/msr-list/10=1",            "x86/msr-list",                 MIG_NOTE    },
        {"clock on the way back",      LEVEL_3 " @host/tsc-scaling=1",       LEVEL_3 " @host/tsc-khz=2700000",
         "host/tsc-khz",                                                                                                                               MIG_WARNING },
        {"clock only on the way back", LEVEL_3,
         LEVEL_3 " @host/tsc-khz=2700000 @host/tsc-scaling=1",                                                         "host/tsc-khz",                 MIG_NOTE    },
        {"below the minimum",          LEVEL_3,                              LEVEL_3 " -cx16 -cmov",                   "policy/minimum",               MIG_BLOCKER },
        {"unknown bit lost",           LEVEL_3 " @x86/cpuid/7.1/ecx=0x80",   LEVEL_3,                                  "x86/cpuid/7.1/ecx/7",
         MIG_WARNING                                                                                                                                               },
    };
    struct mig_choice choice = {0};

    CHECK_EACH (c, cases) {
        const struct mig_finding *f;
        struct mig_result r;

        small_negotiate(c->source, c->destination, &choice, &r);
        f = mig_findings_find(&r.findings, c->id);
        if (f == NULL) {
            fail_msg("%s: no finding %s", c->label, c->id);
        } else {
            check_text(c->label, mig_severity_name(c->severity), mig_severity_name(f->severity));
            check_true(c->label, f->why != NULL && f->rule != NULL);
            check_true(c->label, f->remedy != NULL || f->severity == MIG_NOTE);
        }
        mig_result_clear(&r);
    }
}

CHECK_TEST(cascades_are_folded_under_their_root)
{
    struct mig_choice choice = {0};
    const struct mig_finding *root, *leaf;
    struct mig_result r;

    small_negotiate(LEVEL_3 " avx512f avx512bw avx512vl", LEVEL_3, &choice, &r);
    root = mig_findings_find(&r.findings, "x86/cpuid/7.0/ebx/16");
    leaf = mig_findings_find(&r.findings, "x86/cpuid/7.0/ebx/30");
    assert_non_null(root);
    assert_non_null(leaf);
    check_text("root", root->id, leaf->root);
    check_number("dependants", 2, root->dependants_len);
    assert_null(root->root);
    mig_result_clear(&r);
}

/* Both sides of a finding keep their place, whoever lacks what. */
CHECK_TEST(source_and_destination_are_not_mixed_up)
{
    static const struct {
        const char *label, *source, *destination, *id;
        uint64_t from, to;
    } cases[] = {
        {"flag here",      LEVEL_3 " erms",     LEVEL_3,                                              "x86/cpuid/7.0/ebx/9",    1,       0      },
        {"flag there",     LEVEL_3,             LEVEL_3 " erms",                                      "x86/cpuid/7.0/ebx/9",    0,       1      },
        {"clearing here",  LEVEL_3 " md_clear", LEVEL_3,                                              "x86/cpuid/7.0/edx/10",   1,       0      },
        {"clearing there", LEVEL_3,             LEVEL_3 " md_clear",                                  "x86/cpuid/7.0/edx/10",   0,       1      },
        {"clock",          LEVEL_3,             LEVEL_3 " @host/tsc-khz=2700000",                     "host/tsc-khz",           2600000, 2700000},
        {"clock back",     LEVEL_3,             LEVEL_3 " @host/tsc-khz=2700000 @host/tsc-scaling=1",
         "host/tsc-khz",                                                                                                        2600000, 2700000},
        {"conflict",       LEVEL_3,             LEVEL_3 " clflush_size=4",                            "x86/cpuid/1.0/ebx/15:8", 8,       4      },
        {"layout",         LEVEL_3,             LEVEL_3 " @x86/cpuid/d.2/ebx=0x280",                  "x86/xsave/2",            0x240,   0x280  },
    };
    struct mig_choice choice = {0};

    CHECK_EACH (c, cases) {
        const struct mig_finding *f;
        struct mig_result r;

        small_negotiate(c->source, c->destination, &choice, &r);
        f = mig_findings_find(&r.findings, c->id);
        if (f == NULL) {
            fail_msg("%s: no finding %s", c->label, c->id);
        } else {
            check_number(c->label, c->from, f->source.value);
            check_number(c->label, c->to, f->destination.value);
        }
        mig_result_clear(&r);
    }
}

/* What no guest is given, or a constraint says once, is no finding. */
CHECK_TEST(what_concerns_no_guest_is_not_reported)
{
    static const struct {
        const char *label, *source, *destination, *id;
    } cases[] = {
        {"never offered",              LEVEL_3 " tm",                   LEVEL_3,                               "x86/cpuid/1.0/edx/29"   },
        {"part of a layout",           LEVEL_3,                         LEVEL_3 " @x86/cpuid/d.2/ebx=0x280",
         "x86/cpuid/d.2/ebx/31:0"                                                                                                       },
        {"layout that only one has",   LEVEL_3,                         LEVEL_1 " @x86/cpuid/d.2/eax=0",       "x86/xsave/2"            },
        {"layout that only one tells", LEVEL_3,
         LEVEL_3 " ~cpuid=partial ^x86/cpuid/d.2/eax ^x86/cpuid/d.2/ebx",                                      "x86/xsave/2"            },
        {"identity",                   LEVEL_3,                         LEVEL_3 " @x86/cpuid/1.0/eax=0x806f8", "x86/cpuid/1.0/eax/19:16"},
        {"microcode revision",         LEVEL_3 " @x86/msr/8b=1",        LEVEL_3,                               "x86/msr/8b/31:0"        },
        {"equal capability",           LEVEL_3 " @kvm/cap/MAX_VCPUS=9", LEVEL_3 " @kvm/cap/MAX_VCPUS=9",
         "kvm/cap/MAX_VCPUS"                                                                                                            },
    };
    struct mig_choice choice = {0};

    CHECK_EACH (c, cases) {
        struct mig_result r;

        small_negotiate(c->source, c->destination, &choice, &r);
        check_true(c->label, mig_findings_find(&r.findings, c->id) == NULL);
        mig_result_clear(&r);
    }
}

/* One guest against one host: the place that is named and how grave it is. */
CHECK_TEST(a_guest_is_judged_against_a_host)
{
    static const struct {
        const char *label, *guest, *host, *id;
        enum mig_severity worst;
    } cases[] = {
        {"nothing",                    "",                                          "",                                   NULL,                           MIG_NOTE    },
        {"flag",                       "erms",                                      "",                                   "x86/cpuid/7.0/ebx/9",          MIG_BLOCKER },
        {"immunity",                   "arch_capabilities rdcl_no",                 "arch_capabilities",                  "x86/msr/10a/0",
         MIG_SECURITY                                                                                                                                                 },
        {"mitigation",                 "md_clear",                                  "arch_capabilities",                  "x86/cpuid/7.0/edx/10",         MIG_SECURITY},
        {"mitigation, RTM only there", "md_clear",                                  "arch_capabilities mds_no rtm",       NULL,                           MIG_NOTE    },
        {"capability",                 "@kvm/cap/MAX_VCPUS=9",                      "",                                   "kvm/cap/MAX_VCPUS",            MIG_WARNING },
        {"width",                      "",                                          "phys_addr_bits=40",                  "x86/cpuid/80000008.0/eax/7:0", MIG_BLOCKER },
        {"own width",                  "guest_phys_addr_bits=44",                   "guest_phys_addr_bits=40",
         "x86/cpuid/80000008.0/eax/23:16",                                                                                                                MIG_BLOCKER },
        {"own width that is none",     "phys_addr_bits=40 guest_phys_addr_bits=44", "phys_addr_bits=40",
         NULL,                                                                                                                                            MIG_NOTE    },
        {"microcode revision",         "@x86/msr/8b=1",                             "",                                   NULL,                           MIG_NOTE    },
        {"clock",                      "",                                          "@host/tsc-khz=2700000",              "host/tsc-khz",                 MIG_WARNING },
        {"clock that is constant",     "constant_tsc",                              "constant_tsc @host/tsc-khz=2700000",
         "host/tsc-khz",                                                                                                                                  MIG_BLOCKER },
        {"MSR list",                   "@x86/msr-list/10=1",                        "",                                   "x86/msr-list",                 MIG_BLOCKER },
        {"unknown bit",                "@x86/cpuid/7.1/ecx=0x80",                   "",                                   "x86/cpuid/7.1/ecx/7",          MIG_BLOCKER },
        {"unknown bit shared",         "@x86/cpuid/7.1/ecx=0x80",                   "@x86/cpuid/7.1/ecx=0x80",
         "x86/cpuid/7.1/ecx/7",                                                                                                                           MIG_WARNING },
        {"unknown MSR shared",         "@x86/msr/999=1",                            "@x86/msr/999=1",                     "x86/msr/999/0",                MIG_BLOCKER },
    };
    struct mig_choice choice = {0};

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *guest_text = mig_strf(LEVEL_3 " %s", c->guest);
        MIG_AUTO(mig_free) char *host_text = mig_strf(LEVEL_3 " %s", c->host);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *a = small_host(guest_text);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *b = small_host(host_text);
        struct mig_party guest = {"guest", a}, there = {"host", b};
        struct mig_findings findings = {0};

        mig_judge(&guest, &there, &choice, &findings);
        check_text(c->label, mig_severity_name(c->worst),
                   mig_severity_name(mig_findings_worst(&findings)));
        check_true(c->label, c->id == NULL || mig_findings_find(&findings, c->id) != NULL);
        mig_findings_clear(&findings);
    }
}

/* What a pair of level 3 with these edits says under @id; fails the test when
 * it says nothing.  The caller clears @ret. */
static const struct mig_finding *find_between(const char *label, const char *source,
                                              const char *destination, const char *id,
                                              struct mig_result *ret)
{
    MIG_AUTO(mig_free) char *from = mig_strf(LEVEL_3 " %s", source);
    MIG_AUTO(mig_free) char *to = mig_strf(LEVEL_3 " %s", destination);
    static const struct mig_choice choice;
    const struct mig_finding *f;

    small_negotiate(from, to, &choice, ret);
    f = mig_findings_find(&ret->findings, id);
    if (f == NULL) {
        fail_msg("%s: no finding %s", label, id);
    }
    return f;
}

CHECK_TEST(findings_stand_in_the_order_of_the_table)
{
    struct mig_choice choice = {0};
    struct mig_result r;

    small_negotiate(LEVEL_3 " erms sha_ni adx ~msr-list=none", LEVEL_3 " md_clear clflush_size=4",
                    &choice, &r);
    assert_true(r.findings.len > 5);
    for (size_t i = 1; i < r.findings.len; i++) {
        const struct mig_finding *a = &r.findings.items[i - 1], *b = &r.findings.items[i];

        check_true(b->id,
                   a->key < b->key || (a->key == b->key && a->lo < b->lo) ||
                       (a->key == b->key && strcmp(a->id, b->id) < 0 && a->key == UINT64_MAX));
    }
    mig_result_clear(&r);
}

CHECK_TEST(roots_are_the_lowest_base_that_is_lost_alike)
{
    static const struct {
        const char *label, *source, *destination, *id, *root;
    } cases[] = {
        {"mutual edges",      "mpx xcr0_mpx_bndregs xcr0_mpx_bndcsr", "",        "x86/cpuid/7.0/ebx/14", NULL},
        {"components",        "mpx xcr0_mpx_bndregs xcr0_mpx_bndcsr", "",        "x86/cpuid/d.0/eax/4",
         "x86/cpuid/7.0/ebx/14"                                                                              },
        {"chain",             "avx512f avx512bw avx512_vbmi2",        "",        "x86/cpuid/7.0/ecx/6",
         "x86/cpuid/7.0/ebx/16"                                                                              },
        {"base is a surplus", "avx512bw",                             "avx512f", "x86/cpuid/7.0/ebx/30", NULL},
    };

    CHECK_EACH (c, cases) {
        struct mig_result r;
        const struct mig_finding *f = find_between(c->label, c->source, c->destination, c->id, &r);

        check_text(c->label, c->root != NULL ? c->root : "none",
                   f->root != NULL ? f->root : "none");
        mig_result_clear(&r);
    }
}

CHECK_TEST(a_list_names_only_what_the_other_lacks)
{
    struct mig_choice choice = {0};
    const struct mig_finding *f;
    struct mig_result r;

    small_negotiate(LEVEL_3 " @x86/msr-list/10=1 @x86/msr-list/174=1",
                    LEVEL_3 " @x86/msr-list/10=1", &choice, &r);
    f = mig_findings_find(&r.findings, "x86/msr-list");
    assert_non_null(f);
    check_number("MSRs", 1, f->dependants_len);
    check_text("MSR", "x86/msr-list/174", f->dependants[0]);
    mig_result_clear(&r);
}

/* Two ways, one finding: ids are unique in an answer. */
CHECK_TEST(lists_that_miss_on_both_sides_are_one_finding)
{
    struct mig_choice choice = {0};
    struct mig_result r;
    size_t told = 0;

    small_negotiate(LEVEL_3 " @x86/msr-list/10=1 @x86/msr-list/174=1",
                    LEVEL_3 " @x86/msr-list/10=1 @x86/msr-list/175=1 @x86/msr-list/176=1", &choice,
                    &r);
    for (size_t i = 0; i < r.findings.len; i++) {
        const struct mig_finding *f = &r.findings.items[i];

        if (strcmp(f->id, "x86/msr-list") == 0) {
            told++;
            check_number("all three", 3, f->dependants_len);
            check_text("the way there decides", "warning", mig_severity_name(f->severity));
            check_contains("both ways", "saves 1 MSR that beta can not restore, and 2", f->why);
        }
    }
    check_number("findings", 1, told);
    mig_result_clear(&r);
}

CHECK_TEST(a_group_that_could_not_be_read_is_said_once)
{
    struct mig_choice choice = {0};
    struct mig_result r;

    small_negotiate(LEVEL_3, LEVEL_3 " ~cpuid=unreadable ~kvm-cap=unreadable", &choice, &r);
    for (size_t i = 0; i < r.findings.len; i++) {
        check_true(r.findings.items[i].id, r.findings.items[i].key == UINT64_MAX);
    }
    mig_result_clear(&r);
}

CHECK_MAIN(cmocka_unit_test(lists_that_miss_on_both_sides_are_one_finding),
           cmocka_unit_test(each_difference_is_one_finding_with_its_severity),
           cmocka_unit_test(cascades_are_folded_under_their_root),
           cmocka_unit_test(source_and_destination_are_not_mixed_up),
           cmocka_unit_test(what_concerns_no_guest_is_not_reported),
           cmocka_unit_test(a_guest_is_judged_against_a_host),
           cmocka_unit_test(findings_stand_in_the_order_of_the_table),
           cmocka_unit_test(roots_are_the_lowest_base_that_is_lost_alike),
           cmocka_unit_test(a_list_names_only_what_the_other_lacks),
           cmocka_unit_test(a_group_that_could_not_be_read_is_said_once))
