/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "compat/negotiate.h"
#include "support/judged.h"
#include "support/small_host.h"
#include "support/snapshots.h"

#define MSR "x86/msr/10a"
#define SEES LEVEL_1 " arch_capabilities "

/* A guest that saw @guest of ARCH_CAPABILITIES goes to a host with @host. */
CHECK_TEST(a_guest_is_told_of_what_its_returns_may_do)
{
    static const struct {
        const char *label, *guest, *host, *id, *severity;
    } cases[] = {
        {"told nothing, host has RSBA",      SEES,                        SEES "rsba",           MSR "/2",  "security"},
        {"told nothing, host has RRSBA",     SEES,                        SEES "rrsba",          MSR "/19", "security"},
        {"eIBRS, told nothing",              SEES "ibrs_all",             SEES "ibrs_all rrsba", MSR "/19", "security"},
        {"RRSBA and eIBRS",                  SEES "ibrs_all rrsba",       SEES "ibrs_all rrsba", MSR "/19", ""        },
        {"RSBA is the stronger statement",   SEES "ibrs_all rsba",        SEES "ibrs_all rrsba", MSR "/19",
         ""                                                                                                           },
        {"RSBA without eIBRS",               SEES "rsba",                 SEES "ibrs_all rrsba", MSR "/19", ""        },
        {"RRSBA without eIBRS says nothing", SEES "rrsba",                SEES "rsba",           MSR "/2",  "security"},
        {"RRSBA, host calls it RSBA",        SEES "ibrs_all rrsba",       SEES "ibrs_all rsba",  MSR "/2",  ""        },
        {"told, host has neither",           SEES "ibrs_all rrsba",       SEES "ibrs_all",       MSR "/19", ""        },
        {"can not read the MSR",             LEVEL_1,                     SEES "rsba",           MSR "/2",  ""        },
        {"leftover bits it can not read",    LEVEL_1 " ibrs_all rdcl_no", SEES,                  MSR "/0",  ""        },
        {"immunity it reads",                SEES "rdcl_no",              SEES,                  MSR "/0",  "security"},
        {"TAA_NO",                           SEES "taa_no",               SEES,                  MSR "/8",  "security"},
        {"PBRSB_NO",                         SEES "pbrsb_no",             SEES,                  MSR "/24", "security"},
        {"what only the host is immune to",  SEES,                        SEES "rdcl_no",        MSR "/0",  ""        },
        {"enhanced IBRS",                    SEES "ibrs_all",             SEES,                  MSR "/1",  "blocker" },
        {"TSX_CTRL",                         SEES "tsx_ctrl",             SEES,                  MSR "/7",  "blocker" },
        {"a bit that is never shown",        SEES "doitm",                SEES "doitm",          MSR "/12", "blocker" },
    };

    CHECK_EACH (c, cases) {
        judged_check(c->label, c->guest, c->host, c->id, c->severity);
    }
}

/* The profile of a pair shows RRSBA with enhanced IBRS and RSBA without. */
CHECK_TEST(the_announcement_follows_from_enhanced_ibrs)
{
    static const struct {
        const char *label, *a, *b;
        uint64_t shown; /* of RSBA and RRSBA */
    } cases[] = {
        {"neither",                        SEES "ibrs_all",            SEES "ibrs_all", 0      },
        {"one RRSBA",                      SEES "ibrs_all rrsba",      SEES "ibrs_all", 1 << 19},
        {"one RSBA",                       SEES "rsba",                SEES,            1 << 2 },
        {"RRSBA, and one has no eIBRS",    SEES "ibrs_all rrsba",      SEES,            1 << 2 },
        {"RRSBA and RSBA",                 SEES "ibrs_all rrsba",      SEES "rsba",     1 << 2 },
        {"both bits on one, eIBRS on all", SEES "ibrs_all rsba rrsba", SEES "ibrs_all", 1 << 19},
        {"RSBA under eIBRS on all",        SEES "ibrs_all rsba",       SEES "ibrs_all", 1 << 19},
        {"RRSBA without eIBRS",            SEES "rrsba",               SEES "rrsba",    1 << 2 },
    };
    struct mig_choice choice = {0};

    CHECK_EACH (c, cases) {
        struct mig_result r;

        small_negotiate(c->a, c->b, &choice, &r);
        check_number(c->label, c->shown,
                     mig_profile_get(r.profile, mig_reg_msr(0x10a)) & (1 << 2 | 1 << 19));
        mig_result_clear(&r);
        small_negotiate(c->b, c->a, &choice, &r);
        check_number(c->label, c->shown,
                     mig_profile_get(r.profile, mig_reg_msr(0x10a)) & (1 << 2 | 1 << 19));
        mig_result_clear(&r);
    }
}

CHECK_TEST(silence_of_old_microcode_is_named)
{
    struct mig_choice choice = {0};
    const struct mig_finding *f;
    struct mig_result r;

    small_negotiate(SEES "ibrs_all", SEES "ibrs_all rrsba", &choice, &r);
    f = mig_findings_find(&r.findings, MSR "/19");
    assert_non_null(f);
    check_text("severity", "security", mig_severity_name(f->severity));
    check_text("reason", "microcode", mig_reason_name(f->reason));
    check_contains("why", "August 2023", f->why);
    mig_result_clear(&r);

    small_negotiate(SEES "ibrs_all rrsba", SEES "ibrs_all", &choice, &r);
    check_text("the way back", "note", judged_severity(&r.findings, MSR "/19"));
    mig_result_clear(&r);

    small_negotiate(SEES "ibrs_all", SEES "ibrs_all", &choice, &r);
    check_text("alike", "note", judged_severity(&r.findings, MSR "/19"));
    check_text("alike", "compatible", mig_verdict_name(r.verdict));
    mig_result_clear(&r);
}

/* Of a pair, source and destination keep their places; who speaks, is not
 * silent; without eIBRS there is nothing to state. */
CHECK_TEST(announcements_of_a_pair_are_told_with_both_values)
{
    static const struct {
        const char *label, *source, *destination, *id, *severity;
        uint64_t values[2];
    } cases[] = {
        {"news there",           SEES "ibrs_all",       SEES "ibrs_all rrsba", MSR "/19", "security", {0, 1}},
        {"news on the way back", SEES "ibrs_all rrsba", SEES "ibrs_all",       MSR "/19", "note",     {1, 0}},
        {"RSBA there",           SEES "ssb_no",         SEES "ssb_no rsba",    MSR "/2",  "security", {0, 1}},
        {"RSBA here",            SEES "ssb_no rsba",    SEES "ssb_no",         MSR "/2",  "note",     {1, 0}},
        {"silent on both",       SEES "ibrs_all",       SEES "ibrs_all",       MSR "/19", "note",     {0, 0}},
        {"stated on both",       SEES "ibrs_all rrsba", SEES "ibrs_all rrsba", MSR "/19", "",         {0, 0}},
        {"no eIBRS on both",     SEES "ssb_no",         SEES "ssb_no",         MSR "/19", "",         {0, 0}},
    };
    struct mig_choice choice = {0};

    CHECK_EACH (c, cases) {
        const struct mig_finding *f;
        struct mig_result r;

        small_negotiate(c->source, c->destination, &choice, &r);
        check_text(c->label, c->severity, judged_severity(&r.findings, c->id));
        f = mig_findings_find(&r.findings, c->id);
        if (f != NULL) {
            check_number(c->label, c->values[0], f->source.value);
            check_number(c->label, c->values[1], f->destination.value);
        }
        mig_result_clear(&r);
    }
}

#define FB_NO "mds_no sbdr_ssdp_no fbsdp_no psdp_no "

/* What the running guest was shown is asked of the destination alone. */
CHECK_TEST(a_guest_that_clears_buffers_needs_a_host_that_does_or_is_immune)
{
    static const struct {
        const char *label, *guest, *host, *id, *severity;
    } cases[] = {
        {"cleared there too",            SEES "fb_clear",       SEES "fb_clear",                MSR "/17",                    ""        },
        {"neither cleared nor immune",   SEES "fb_clear",       SEES,                           MSR "/17",                    "security"},
        {"immune",                       SEES "fb_clear",       SEES FB_NO,                     MSR "/17",                    ""        },
        {"one proof short",              SEES "fb_clear",       SEES "mds_no fbsdp_no",         MSR "/17",                    "security"},
        {"guest with RTM",               SEES "fb_clear rtm",   SEES FB_NO "rtm",               MSR "/17",                    "security"},
        {"guest with RTM, TAA_NO",       SEES "fb_clear rtm",   SEES FB_NO "rtm taa_no",        MSR "/17",                    ""        },
        {"RTM of the host is nothing",   SEES "fb_clear",       SEES FB_NO "rtm",               MSR "/17",                    ""        },
        {"a guest that can not read it", LEVEL_1 " fb_clear",   SEES,                           MSR "/17",                    ""        },
        {"shown only there",             SEES,                  SEES "fb_clear",                MSR "/17",                    ""        },
        {"md_clear needs no MSR",        LEVEL_1 " md_clear",   LEVEL_1,                        "x86/cpuid/7.0/edx/10",       "security"},
        {"md_clear, immune",             LEVEL_1 " md_clear",   SEES "mds_no",                  "x86/cpuid/7.0/edx/10",       ""        },
        {"rfds_clear",                   SEES "rfds_clear",     SEES,                           MSR "/28",                    "security"},
        {"rfds_clear, immune",           SEES "rfds_clear",     SEES "rfds_no",                 MSR "/28",                    ""        },
        {"verw_clear",                   LEVEL_1 " verw_clear", LEVEL_1 " tsa_sq_no",           "x86/cpuid/80000021.0/eax/5",
         "security"                                                                                                                     },
        {"verw_clear, immune",           LEVEL_1 " verw_clear", LEVEL_1 " tsa_sq_no tsa_l1_no",
         "x86/cpuid/80000021.0/eax/5",                                                                                        ""        },
        {"rfds_clear, RTM is nothing",   SEES "rfds_clear rtm", SEES "rfds_no rtm",             MSR "/28",                    ""        },
        {"verw_clear, RTM is nothing",   SEES "verw_clear rtm", SEES "tsa_sq_no tsa_l1_no rtm",
         "x86/cpuid/80000021.0/eax/5",                                                                                        ""        },
        {"verw_clear, the other proof",  LEVEL_1 " verw_clear", LEVEL_1 " tsa_l1_no",
         "x86/cpuid/80000021.0/eax/5",                                                                                        "security"},
        {"rfds_clear, another's proof",  SEES "rfds_clear",     SEES FB_NO,                     MSR "/28",                    "security"},
        {"md_clear with RTM",            SEES "md_clear rtm",   SEES "mds_no rtm",              "x86/cpuid/7.0/edx/10",
         "security"                                                                                                                     },
        {"the evidence does not tell",   SEES "fb_clear",       LEVEL_1 " ~msr=none",           MSR "/17",                    ""        },
        {"nor of the proofs",            LEVEL_1 " md_clear",   LEVEL_1 " ~msr=none",           "x86/cpuid/7.0/edx/10",
         "security"                                                                                                                     },
    };

    CHECK_EACH (c, cases) {
        judged_check(c->label, c->guest, c->host, c->id, c->severity);
    }
}

/* Where one host has no RTM, no guest of the profile has it. */
CHECK_TEST(transactions_count_only_where_a_profile_may_show_them)
{
    static const struct {
        const char *label, *a, *b, *severity;
    } cases[] = {
        {"immune, RTM on the other only", LEVEL_3 " md_clear",
         LEVEL_3 " arch_capabilities mds_no rtm",                                                                  "note"},
        {"immune, RTM on the first only", LEVEL_3 " md_clear rtm",
         LEVEL_3 " arch_capabilities mds_no",                                                                      "note"},
        {"RTM on both",                   LEVEL_3 " md_clear rtm", LEVEL_3 " arch_capabilities mds_no rtm",
         "blocker"                                                                                                       },
        {"RTM and TAA_NO",                LEVEL_3 " md_clear rtm", LEVEL_3 " arch_capabilities mds_no rtm taa_no",
         "note"                                                                                                          },
    };
    struct mig_choice choice = {0};

    CHECK_EACH (c, cases) {
        struct mig_snapshot *a = small_host(c->a), *b = small_host(c->b);
        const struct mig_party set[] = {
            {"alpha", a},
            {"beta",  b}
        };
        struct mig_result r;

        mig_baseline(set, 2, &choice, &r);
        check_text(c->label, c->severity, judged_severity(&r.findings, "x86/cpuid/7.0/edx/10"));
        mig_result_clear(&r);
        mig_snapshot_free(a);
        mig_snapshot_free(b);
    }
}

/* Real words of ARCH_CAPABILITIES: Cascade Lake, Sapphire and Granite Rapids. */
CHECK_TEST(known_words_of_the_msr_are_judged_by_bit)
{
    static const struct {
        const char *label;
        const char *guest, *host;
        const char *findings; /* of the MSR, in order */
    } cases[] = {
        {"CLX to CLX",            "0xc0aa0eb",          "0xc0aa0eb",          ""                             },
        {"SPR to GNR",            "0x400000000c08e1eb", "0x400000000d08e1eb", ""                             },
        {"GNR to SPR: PBRSB_NO",  "0x400000000d08e1eb", "0x400000000c08e1eb", MSR "/24 "                     },
        {"GNR without it to SPR", "0x400000000c08e1eb", "0x400000000c08e1eb", ""                             },
        {"CLX to SPR",            "0xc0aa0eb",          "0x400000000c08e1eb", ""                             },
        {"SPR to CLX",            "0x400000000c08e1eb", "0xc0aa0eb",          MSR "/8 " MSR "/14 " MSR "/62 "},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *guest = mig_strf(SEES "@x86/msr/10a=%s", c->guest);
        MIG_AUTO(mig_free) char *host = mig_strf(SEES "@x86/msr/10a=%s", c->host);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *g = small_host(guest);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *h = small_host(host);
        MIG_AUTO(mig_free) char *all = mig_strdup("");
        struct mig_findings findings;

        judged(g, h, &findings);
        for (size_t i = 0; i < findings.len; i++) {
            char *longer = mig_strf("%s%s ", all, findings.items[i].id);

            mig_free(all);
            all = longer;
            check_text(c->label, "security", mig_severity_name(findings.items[i].severity));
        }
        check_text(c->label, c->findings, all);
        mig_findings_clear(&findings);
    }
}

enum { A, B, KERNEL, WORD, VALUE_A, VALUE_B, AND, LEVELLED, COLUMNS = 10 };

static uint64_t number(const char *text)
{
    uint64_t value;

    assert_true(mig_text_to_u64(text, UINT64_MAX, &value));
    return value;
}

static struct mig_snapshot *capture(const char *name, const char *kernel)
{
    MIG_AUTO(mig_free) char *file = mig_strf("%s-%s", name, kernel);

    for (char *p = file; *p != '\0'; p++) {
        *p = (char)(*p == '_' ? '-' : *p >= 'A' && *p <= 'Z' ? *p + ('a' - 'A') : *p);
    }
    return snapshot_host(file);
}

static void check_row(char **column)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *a = capture(column[A], column[KERNEL]);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *b = capture(column[B], column[KERNEL]);
    MIG_AUTO(mig_free)
    char *label = mig_strf("%s + %s %s %s", column[A], column[B], column[KERNEL], column[WORD]);
    struct mig_party parties[2] = {
        {column[A], a},
        {column[B], b}
    };
    unsigned shift = strstr(column[WORD], ".hi") != NULL ? 32 : 0;
    struct mig_choice choice = {0};
    struct mig_result r;

    mig_baseline(parties, 2, &choice, &r);
    assert_non_null(r.profile);
    check_number(label, number(column[LEVELLED]),
                 mig_profile_get(r.profile, mig_reg_msr(0x10a)) >> shift & UINT32_MAX);
    mig_result_clear(&r);
}

/* ARCH_CAPABILITIES of real pairs, levelled as Xen's pools do; its other words
 * are plain ANDs, which the meets cover. */
CHECK_TEST(real_pairs_are_levelled_as_xen_levels_them)
{
    MIG_AUTO(mig_free) char *path = check_shared_path("golden/x86-xen-levelled.tsv");
    MIG_AUTO(mig_bytes_clear) struct mig_bytes file = {0};
    struct mig_error err;
    size_t rows = 0;
    char *rest, *line;

    if (path == NULL) {
        skip();
    }
    check_done(path, mig_file_read(path, 1 << 20, &file, &err), &err);
    rest = (char *)file.items;
    (void)strsep(&rest, "\n");
    while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
        char *column[COLUMNS] = {0};

        for (size_t i = 0; i < COLUMNS; i++) {
            column[i] = strsep(&line, "\t");
        }
        if (mig_text_starts(column[WORD], "msr.0x10a") && strcmp(column[KERNEL], "6.18") != 0) {
            check_row(column);
            rows++;
        }
    }
    check_true("some rows", rows >= 8);
}

/* Two CPUs of one kind of microcode trouble, as their guests saw them. */
CHECK_TEST(ice_lake_guests_are_warned_of_sapphire_rapids)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *ice = snapshot_host("intel-icelake-6.1");
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *sapphire = snapshot_host("intel-sapphire-rapids-6.1");
    struct mig_findings findings;

    judged(ice, sapphire, &findings);
    check_text("RRSBA", "security", judged_severity(&findings, MSR "/19"));
    check_text("FB_CLEAR: Sapphire Rapids is immune", "", judged_severity(&findings, MSR "/17"));
    mig_findings_clear(&findings);
    judged(sapphire, ice, &findings);
    check_text("RRSBA", "", judged_severity(&findings, MSR "/19"));
    mig_findings_clear(&findings);
}

CHECK_MAIN(cmocka_unit_test(a_guest_is_told_of_what_its_returns_may_do),
           cmocka_unit_test(the_announcement_follows_from_enhanced_ibrs),
           cmocka_unit_test(silence_of_old_microcode_is_named),
           cmocka_unit_test(announcements_of_a_pair_are_told_with_both_values),
           cmocka_unit_test(a_guest_that_clears_buffers_needs_a_host_that_does_or_is_immune),
           cmocka_unit_test(transactions_count_only_where_a_profile_may_show_them),
           cmocka_unit_test(known_words_of_the_msr_are_judged_by_bit),
           cmocka_unit_test(real_pairs_are_levelled_as_xen_levels_them),
           cmocka_unit_test(ice_lake_guests_are_warned_of_sapphire_rapids))
