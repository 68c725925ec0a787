/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include "base/alloc.h"
#include "compat/negotiate.h"
#include "support/judged.h"
#include "support/small_host.h"
#include "support/snapshots.h"

#define AVX512                                                                                     \
    " avx512f avx512vl xcr0_avx512_opmask xcr0_avx512_zmm_hi256 xcr0_avx512_hi16_zmm "             \
    "@x86/cpuid/d.5/eax=64 @x86/cpuid/d.5/ebx=0x440 @x86/cpuid/d.6/eax=512 "                       \
    "@x86/cpuid/d.6/ebx=0x480 @x86/cpuid/d.7/eax=1024 @x86/cpuid/d.7/ebx=0x680 "                   \
    "@x86/cpuid/d.0/ecx=0xa80 "
#define PKRU                                                                                       \
    " pku xcr0_pkru @x86/cpuid/d.9/eax=8 @x86/cpuid/d.9/ebx=0xa80 @x86/cpuid/d.0/ecx=0xa88 "
#define TILES                                                                                      \
    " amx_tile xsaves xgetbv1 xfd xcr0_tileconfig xcr0_tiledata @x86/cpuid/d.11/eax=64 "           \
    "@x86/cpuid/d.11/ebx=0xac0 @x86/cpuid/d.12/eax=8192 @x86/cpuid/d.12/ebx=0xb00 "                \
    "@x86/cpuid/d.0/ecx=0x2b00 "

CHECK_TEST(a_guest_finds_its_components_where_they_were)
{
    static const struct {
        const char *label, *guest, *host, *id, *severity;
    } cases[] = {
        {"one layout",                    LEVEL_3 AVX512,                            LEVEL_3 AVX512,                            "x86/xsave/6",            ""       },
        {"another offset",                LEVEL_3 AVX512,                            LEVEL_3 AVX512 "@x86/cpuid/d.6/ebx=0x4c0", "x86/xsave/6",
         "blocker"                                                                                                                                                 },
        {"another size",                  LEVEL_3 AVX512,                            LEVEL_3 AVX512 "@x86/cpuid/d.6/eax=256",   "x86/xsave/6",
         "blocker"                                                                                                                                                 },
        {"other flags",                   LEVEL_3 AVX512,                            LEVEL_3 AVX512 "@x86/cpuid/d.6/ecx=2",     "x86/xsave/6",
         "blocker"                                                                                                                                                 },
        {"PKRU of AMD and Intel",         LEVEL_3 PKRU,                              LEVEL_3 PKRU "@x86/cpuid/d.9/ebx=0x340",
         "x86/xsave/9",                                                                                                                                   "blocker"},
        {"a component the guest has not", LEVEL_3,                                   LEVEL_3 PKRU "@x86/cpuid/d.9/ebx=0x340",
         "x86/xsave/9",                                                                                                                                   ""       },
        {"the host has it not",           LEVEL_3 PKRU,                              LEVEL_3,                                   "x86/cpuid/d.0/eax/9",    "blocker"},
        {"not covered there",             LEVEL_3 PKRU,                              LEVEL_3 " " PARTLY " ^x86/cpuid/d.2/eax",  "x86/xsave/2",
         ""                                                                                                                                                        },
        {"half of AVX-512",               LEVEL_3 AVX512 "-xcr0_avx512_hi16_zmm",    LEVEL_3 AVX512,                            "x86/xsave/5",
         "warning"                                                                                                                                                 },
        {"half of MPX",                   LEVEL_3 " xcr0_mpx_bndregs",               LEVEL_3 " xcr0_mpx_bndregs",               "x86/xsave/3",
         "warning"                                                                                                                                                 },
        {"half of AMX",                   LEVEL_3 TILES "-xcr0_tiledata",            LEVEL_3 TILES,                             "x86/xsave/17",           "warning"},
        {"AVX-512 without AVX",           LEVEL_3 AVX512 "-xcr0_avx",                LEVEL_3 AVX512,                            "x86/xsave/5",
         "warning"                                                                                                                                                 },
        {"SSE without x87",               LEVEL_3 " -xcr0_x87",                      LEVEL_3,                                   "x86/xsave/1",            "warning"},
        {"AVX without SSE",               LEVEL_3 " -xcr0_sse",                      LEVEL_3,                                   "x86/xsave/2",            "warning"},
        {"an area that is too small",     LEVEL_3 AVX512 "@x86/cpuid/d.0/ecx=0x340", LEVEL_3 AVX512,
         "x86/cpuid/d.0/ecx/31:0",                                                                                                                        "warning"},
        {"an area that fits",             LEVEL_3 AVX512,                            LEVEL_3 AVX512,                            "x86/cpuid/d.0/ecx/31:0", ""       },
    };

    CHECK_EACH (c, cases) {
        judged_check(c->label, c->guest, c->host, c->id, c->severity);
    }
}

/* One member lacks a part that XCR0 only takes together with the rest. */
CHECK_TEST(a_group_is_offered_as_a_whole_or_not)
{
    static const struct {
        const char *label, *a, *b;
        uint64_t xcr0;
    } cases[] = {
        {"AVX-512 on both",          LEVEL_3 AVX512,                       LEVEL_3 AVX512,                                  0xe7   },
        {"one has a part of it",     LEVEL_3 AVX512,                       LEVEL_3 AVX512 "-xcr0_avx512_hi16_zmm -avx512f",
         0x7                                                                                                                       },
        {"two have other parts",     LEVEL_3 AVX512 "-xcr0_avx512_opmask",
         LEVEL_3 AVX512 "-xcr0_avx512_hi16_zmm",                                                                            0x7    },
        {"another layout of a part", LEVEL_3 AVX512,                       LEVEL_3 AVX512 "@x86/cpuid/d.6/ebx=0x4c0",
         0x7                                                                                                                       },
        {"one without AVX",          LEVEL_3 AVX512,                       LEVEL_3 AVX512 "-xcr0_avx -avx",                 0x3    },
        {"AMX on both",              LEVEL_3 TILES,                        LEVEL_3 TILES,                                   0x60007},
        {"half of AMX on one",       LEVEL_3 TILES,                        LEVEL_3 TILES "-xcr0_tiledata",                  0x7    },
        {"tiles elsewhere",          LEVEL_3 TILES,                        LEVEL_3 TILES "@x86/cpuid/d.12/ebx=0xc00",       0x7    },
        {"no XFD for tiles",         LEVEL_3 TILES,
         LEVEL_3 TILES "-xfd -amx_tile -xcr0_tiledata -xcr0_tileconfig",                                                    0x7    },
    };
    struct mig_choice choice = {0};

    CHECK_EACH (c, cases) {
        struct mig_result r;
        uint64_t ebx, edx;

        small_negotiate(c->a, c->b, &choice, &r);
        check_number(c->label, c->xcr0, mig_profile_get(r.profile, mig_reg_cpuid(0xd, 0, MIG_EAX)));
        ebx = mig_profile_get(r.profile, mig_reg_cpuid(7, 0, MIG_EBX));
        edx = mig_profile_get(r.profile, mig_reg_cpuid(7, 0, MIG_EDX));
        check_number(c->label, (c->xcr0 & 0xe0) != 0, ebx >> 16 & 1);
        check_number(c->label, (c->xcr0 & 0x60000) != 0, edx >> 24 & 1);
        mig_result_clear(&r);
    }
}

/* Vector registers that are switched on right now. */
CHECK_TEST(what_a_guest_has_switched_on_must_be_there)
{
    static const struct {
        const char *label, *guest, *host, *severity;
    } cases[] = {
        {"all of it is",                   LEVEL_3 " @guest/xcr0=7",            LEVEL_3,        ""       },
        {"less than it may",               LEVEL_3 AVX512 "@guest/xcr0=7",      LEVEL_3,        ""       },
        {"not on the host",                LEVEL_3 AVX512 "@guest/xcr0=0xe7",   LEVEL_3,        "blocker"},
        {"not in its own CPUID",           LEVEL_3 " @guest/xcr0=0xe7",         LEVEL_3 AVX512, "blocker"},
        {"host only with permission",      LEVEL_3 TILES "@guest/xcr0=0x60007",
         LEVEL_3 " @host/xcomp-guest-supp=0x60007",                                             ""       },
        {"x87 alone, no XSAVE",            LEVEL_1 " @guest/xcr0=1",            LEVEL_1,        ""       },
        {"the evidence does not cover it", LEVEL_3 AVX512 "@guest/xcr0=0xe7",
         LEVEL_1 " ~cpuid=none",                                                                ""       },
    };

    CHECK_EACH (c, cases) {
        judged_check(c->label, c->guest, c->host, "guest/xcr0", c->severity);
    }
}

#define LEAKED LEVEL_3 " @guest/xstate-bv=0x207 "
#define ON(release) LEVEL_3 PKRU " !kernel.release=" release

/* A kernel of before the fix saved PKRU of its host for a guest without. */
CHECK_TEST(state_of_a_component_that_the_guest_never_saw_is_named)
{
    static const struct {
        const char *label, *guest, *host, *severity;
    } cases[] = {
        {"the guest was shown it",       LEVEL_3 PKRU " @guest/xstate-bv=0x207", ON("6.2.16-3-pve"),                    ""       },
        {"no such state",                LEVEL_3 " @guest/xstate-bv=7",          ON("6.2.16-3-pve"),                    ""       },
        {"state of x87 and SSE always",  LEVEL_1 " @guest/xstate-bv=3",          ON("6.2.16-3-pve"),                    ""       },
        {"before 5.15",                  LEAKED,                                 ON("5.10.255-253.1008.amzn2.x86_64"),  "note"   },
        {"a distribution's 5.15",        LEAKED,                                 ON("5.15.0-91-generic"),               "warning"},
        {"5.17",                         LEAKED,                                 ON("5.17.0"),                          "blocker"},
        {"6.1 without the later change", LEAKED,                                 ON("6.1.59"),                          "blocker"},
        {"6.1.60",                       LEAKED,                                 ON("6.1.60"),                          "note"   },
        {"6.1.172 of a distribution",    LEAKED,                                 ON("6.1.172-216.329.amzn2023.x86_64"), "note"   },
        {"6.2",                          LEAKED,                                 ON("6.2.16-3-pve"),                    "blocker"},
        {"6.5.8",                        LEAKED,                                 ON("6.5.8"),                           "blocker"},
        {"6.5.9",                        LEAKED,                                 ON("6.5.9"),                           "note"   },
        {"6.6",                          LEAKED,                                 ON("6.6.0"),                           "note"   },
        {"6.12",                         LEAKED,                                 ON("6.12.107+deb12-amd64"),            "note"   },
        {"name of an interface",         LEAKED,                                 ON("6.1.0-13-amd64"),                  "blocker"},
        {"which the build explains",     LEAKED,
         ON("6.1.0-18-amd64 !kernel.version=#1-SMP-Debian-6.1.76-1"),                                                   "note"   },
        {"build of another series",      LEAKED,
         ON("6.5.0-14-generic !kernel.version=#14~22.04.1-Ubuntu"),                                                     "blocker"},
        {"no kernel is named",           LEAKED,                                 LEVEL_3 PKRU,                          "blocker"},
        {"a host without PKRU, 6.12",    LEAKED,                                 LEVEL_3 " !kernel.release=6.12.1",     "blocker"},
    };

    CHECK_EACH (c, cases) {
        judged_check(c->label, c->guest, c->host, "x86/xsave/9", c->severity);
    }
}

CHECK_TEST(a_hang_after_success_is_explained)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *guest = small_host(LEAKED);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *host = small_host(ON("6.2.16-3-pve"));
    struct mig_findings findings;
    const struct mig_finding *f;

    judged(guest, host, &findings);
    f = mig_findings_find(&findings, "x86/xsave/9");
    assert_non_null(f);
    check_text("name", "xcr0_pkru", f->names[0]);
    check_text("reason", "kernel", mig_reason_name(f->reason));
    check_contains("why", "its kernel leaked it", f->why);
    check_contains("why", "hangs", f->why);
    check_contains("remedy", "6.1.60", f->remedy);
    mig_findings_clear(&findings);
}

/* AMX: shown by KVM only to a process that asked for tile data. */
CHECK_TEST(tiles_need_a_vmm_that_asks_first)
{
    static const struct {
        const char *label, *guest, *host, *id, *severity;
    } cases[] = {
        {"granted",                 LEVEL_3 TILES, LEVEL_3 TILES,                             "x86/cpuid/7.0/edx/24", ""       },
        {"not asked for",           LEVEL_3 TILES, LEVEL_3 " @host/xcomp-guest-supp=0x60007",
         "x86/cpuid/7.0/edx/24",                                                                                      "blocker"},
        {"no such CPU",             LEVEL_3 TILES, LEVEL_3 " @host/xcomp-guest-supp=7",       "x86/cpuid/7.0/edx/24",
         "blocker"                                                                                                             },
        {"a guest without",         LEVEL_3,       LEVEL_3 " @host/xcomp-guest-supp=0x60007",
         "x86/cpuid/7.0/edx/24",                                                                                      ""       },
        {"shown only after asking", LEVEL_3 TILES, LEVEL_3 TILES,                             "host/tile-permission", "note"   },
        {"shown without asking",    LEVEL_3 TILES, LEVEL_3 TILES "~cpuid-bare=none",
         "host/tile-permission",                                                                                      ""       },
    };

    CHECK_EACH (c, cases) {
        judged_check(c->label, c->guest, c->host, c->id, c->severity);
    }
}

CHECK_TEST(who_did_not_ask_for_tiles_is_the_vmm)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *guest = small_host(LEVEL_3 TILES);
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *host = small_host(LEVEL_3 " @host/xcomp-guest-supp=0x60007");
    struct mig_findings findings;
    const struct mig_finding *f;

    judged(guest, host, &findings);
    f = mig_findings_find(&findings, "x86/cpuid/7.0/edx/24");
    assert_non_null(f);
    check_text("reason", "VMM", mig_reason_name(f->reason));
    check_contains("remedy", "ARCH_REQ_XCOMP_GUEST_PERM", f->remedy);
    check_contains("remedy", "before KVM_GET_SUPPORTED_CPUID", f->remedy);
    mig_findings_clear(&findings);
}

/* One vendor keeps one layout; Intel's and AMD's PKRU lie apart. */
CHECK_TEST(real_layouts_agree_within_one_vendor)
{
    static const char *const hosts[] = {
        "intel-cascadelake-6.1",    "intel-icelake-6.1", "intel-sapphire-rapids-6.1",
        "intel-granite-rapids-6.1", "amd-milan-6.1",     "amd-genoa-6.1"};

    CHECK_EACH (a, hosts) {
        CHECK_EACH (b, hosts) {
            MIG_AUTO(mig_snapshot_free) struct mig_snapshot *guest = snapshot_host(*a);
            MIG_AUTO(mig_snapshot_free) struct mig_snapshot *host = snapshot_host(*b);
            bool one_vendor = (strstr(*a, "intel") != NULL) == (strstr(*b, "intel") != NULL);
            struct mig_findings findings;

            judged(guest, host, &findings);
            check_text(*b, one_vendor ? "" : "blocker", judged_severity(&findings, "x86/xsave/9"));
            check_text(*b, "", judged_severity(&findings, "x86/xsave/2"));
            check_true(*b, !one_vendor || mig_findings_find(&findings, "x86/xsave/5") == NULL);
            check_text(*a, "", judged_severity(&findings, "x86/cpuid/d.0/ecx/31:0"));
            mig_findings_clear(&findings);
        }
    }
}

CHECK_MAIN(cmocka_unit_test(a_guest_finds_its_components_where_they_were),
           cmocka_unit_test(a_group_is_offered_as_a_whole_or_not),
           cmocka_unit_test(what_a_guest_has_switched_on_must_be_there),
           cmocka_unit_test(state_of_a_component_that_the_guest_never_saw_is_named),
           cmocka_unit_test(a_hang_after_success_is_explained),
           cmocka_unit_test(tiles_need_a_vmm_that_asks_first),
           cmocka_unit_test(who_did_not_ask_for_tiles_is_the_vmm),
           cmocka_unit_test(real_layouts_agree_within_one_vendor))
