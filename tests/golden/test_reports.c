/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outages that operators told of in public, each as the data that a capture
 * would have shown beforehand, and the answer that would have spared them.
 */
#include "support/check.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "compat/drift.h"
#include "cpu/level.h"
#include "support/edit.h"
#include "support/move.h"
#include "support/small_host.h"
#include "support/snapshots.h"

static const struct mig_choice choice;

static void drift_of(const char *label, const struct mig_snapshot *old,
                     const struct mig_snapshot *now, struct mig_drift *ret)
{
    struct mig_party before = {"old", old}, after = {"new", now};
    struct mig_error err = {0};

    *ret = (struct mig_drift){0};
    check_done(label, mig_drift_find(&before, &after, &choice, ret, &err), &err);
}

static const struct mig_drift_known *known_in(const char *label, const struct mig_drift *d,
                                              const char *id)
{
    for (size_t i = 0; i < d->known.len; i++) {
        if (strcmp(d->known.items[i].row->id, id) == 0) {
            return &d->known.items[i];
        }
    }
    fail_msg("%s: no word about %s", label, id);
    abort(); /* compilers do not know that the above ends the test */
}

/* The severity of a finding, or -1 where there is none. */
static int severity_of(const struct mig_result *r, const char *name)
{
    return move_has_finding(r, name) ? (int)move_finding(name, r, name)->severity : -1;
}

/* harvester#11615: QEMU 10 reports ht otherwise, an older libvirt refuses it
 * as an extra feature; neither hardware nor guest has changed. */
CHECK_TEST(ht_under_qemu_10_is_a_known_change_that_no_guest_sees)
{
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *old = edit_host("intel-icelake-6.1", "ht !vmm.qemu=9.2.0");
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *now = edit_host("intel-icelake-6.1", "!vmm.qemu=10.0.2");
    const struct mig_drift_known *known;
    struct mig_drift d;

    drift_of("ht", old, now, &d);
    known = known_in("ht", &d, "known/qemu10-ht");
    check_true("on the way there", known->concerns[MIG_DRIFT_FORWARD]);
    check_true("not on the way back", !known->concerns[MIG_DRIFT_BACK]);
    check_text("meaning", "presentation", mig_known_meaning_name(known->row->meaning));
    check_contains("remedy", "libvirt", known->row->remedy);
    check_true("nothing that a guest sees", !known->visible);
    check_number("no change for new guests", 0, d.changes.len);
    check_number("none for running ones", 0, mig_drift_running(&d) + mig_drift_dangerous(&d));
    check_true("a guest may go", mig_drift_accepts(&d, MIG_DRIFT_FORWARD));
    mig_drift_clear(&d);
}

/* igvm#193, xenopsd#758: microcode took TSX away.  What a host offers is not
 * all it can honour: TSX that always aborts is legal for a guest that has it. */
CHECK_TEST(tsx_that_microcode_took_away_is_honoured_where_it_aborts)
{
    static const struct {
        const char *label, *guest, *host, *verdict;
        int rtm, hle;
    } cases[] = {
        {"as before",     "rtm hle", "rtm hle",          "compatible",        -1,          -1         },
        {"always aborts", "rtm hle", "rtm_always_abort", "compatible-masked", MIG_WARNING,
         MIG_WARNING                                                                                  },
        {"gone",          "rtm hle", "",                 "needs-power-cycle", MIG_BLOCKER, MIG_WARNING},
        {"only HLE gone", "rtm hle", "rtm",              "compatible-masked", -1,          MIG_WARNING},
        {"never had it",  "",        "rtm_always_abort", "compatible",        -1,          -1         },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *guest = mig_strf(LEVEL_3 " %s", c->guest);
        MIG_AUTO(mig_free) char *host = mig_strf(LEVEL_3 " %s", c->host);
        struct mig_result r;

        move_small(guest, host, &r);
        check_text(c->label, c->verdict, mig_verdict_name(r.verdict));
        check_number(c->label, (uint64_t)(int64_t)c->rtm,
                     (uint64_t)(int64_t)severity_of(&r, "rtm"));
        check_number(c->label, (uint64_t)(int64_t)c->hle,
                     (uint64_t)(int64_t)severity_of(&r, "hle"));
        mig_result_clear(&r);
    }
}

CHECK_TEST(a_host_that_always_aborts_offers_tsx_to_nobody)
{
    static const char *const tsx[] = {"tsx"};
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = small_host(LEVEL_3 " rtm_always_abort");
    struct mig_choice asked = {.allow = tsx, .allow_len = 1};
    struct mig_party self = {"x", s};
    struct mig_result r;

    mig_baseline(&self, 1, &asked, &r);
    assert_non_null(r.profile);
    check_number("rtm and hle", 0,
                 mig_profile_get(r.profile, mig_reg_cpuid(7, 0, MIG_EBX)) & (1u << 4 | 1u << 11));
    mig_result_clear(&r);
}

/* The same before the reboot: which guests the update will strand. */
CHECK_TEST(drift_tells_that_microcode_takes_tsx_before_the_reboot)
{
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *old = edit_host("intel-cascadelake-6.1", "rtm hle !microcode=0x500002c");
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *now = edit_host("intel-cascadelake-6.1", "!microcode=0x5003901");
    struct mig_drift d;

    drift_of("tsx", old, now, &d);
    check_true("rtm", known_in("tsx", &d, "known/microcode-tsx-rtm")->concerns[MIG_DRIFT_FORWARD]);
    check_true("hle", known_in("tsx", &d, "known/microcode-tsx-hle")->concerns[MIG_DRIFT_FORWARD]);
    check_true("a guest that has it may not go", !mig_drift_accepts(&d, MIG_DRIFT_FORWARD));
    assert_non_null(mig_findings_find(&d.running[MIG_DRIFT_FORWARD], "x86/cpuid/7.0/ebx/11"));
    mig_drift_clear(&d);
}

/* ovirt-engine#958: Ice Lake "is no Skylake-Server", and a microcode update
 * is advised; what it lacks is TSX, and nothing else. */
CHECK_TEST(a_newer_host_lacks_hle_and_rtm_and_nothing_else)
{
    /* Skylake-Server has no MPX in its later versions. */
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *skylake =
        edit_host("intel-cascadelake-6.1",
                  "rtm hle -mpx -xcr0_mpx_bndregs -xcr0_mpx_bndcsr ^x86/cpuid/d.3/eax "
                  "^x86/cpuid/d.3/ebx ^x86/cpuid/d.4/eax ^x86/cpuid/d.4/ebx");
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *icelake = snapshot_host("intel-icelake-6.1");
    struct mig_result r;
    size_t told = 0;

    move_check(skylake, NULL, icelake, &r);
    check_text("verdict", "needs-power-cycle", mig_verdict_name(r.verdict));
    check_number("rtm", MIG_BLOCKER, (uint64_t)severity_of(&r, "rtm"));
    check_number("hle", MIG_WARNING, (uint64_t)severity_of(&r, "hle"));
    for (size_t i = 0; i < r.findings.len; i++) {
        const struct mig_finding *f = &r.findings.items[i];

        told += f->severity > MIG_NOTE && f->reason != MIG_REASON_EVIDENCE;
    }
    check_number("nothing else", 2, told);
    check_text("the profile is as strong", "x86-64-v4", mig_level_name(r.profile->level));
    check_true("and is that without TSX",
               (mig_profile_get(r.profile, mig_reg_cpuid(7, 0, MIG_EBX)) & 1u << 11) == 0);
    mig_result_clear(&r);
}

/* ovirt-engine#1172: hosts gained flags by an update and were refused. */
CHECK_TEST(a_host_that_gained_features_takes_the_guests_of_before)
{
    static const struct {
        const char *before, *after;
    } updates[] = {
        {"intel-icelake-5.10",         "intel-icelake-6.1"        },
        {"intel-sapphire-rapids-5.10", "intel-sapphire-rapids-6.1"},
        {"intel-granite-rapids-5.10",  "intel-granite-rapids-6.1" },
    };

    CHECK_EACH (u, updates) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *before = snapshot_host(u->before);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *after = snapshot_host(u->after);
        struct mig_result r;

        move_check(before, before, after, &r);
        check_text(u->after, "compatible-masked", mig_verdict_name(r.verdict));
        mig_result_clear(&r);
        move_check(after, after, before, &r);
        check_text("not the other way", "needs-power-cycle", mig_verdict_name(r.verdict));
        mig_result_clear(&r);
    }
}

/* nova-operator#1001, litevirt: a guest is refused by hosts equal to its own,
 * over what its own does not credit either. */
CHECK_TEST(what_fails_on_the_guests_own_host_too_is_presentation)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *own = snapshot_host("amd-milan-6.1");
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *equal = snapshot_host("amd-milan-6.1");
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *less = edit_host("amd-milan-6.1", "-clzero");
    /* A VMM that shows topology and an idle hint of its own accord. */
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *guest = edit_host("amd-milan-6.1", "topoext cmp_legacy monitor");
    struct mig_result r;

    move_check(guest, own, equal, &r);
    check_text("verdict", "compatible-masked", mig_verdict_name(r.verdict));
    check_number("a warning", MIG_WARNING, (uint64_t)severity_of(&r, "monitor"));
    check_true("topology is the VMM's", !move_has_finding(&r, "topoext"));
    mig_result_clear(&r);
    move_check(guest, own, less, &r);
    check_text("what only the other lacks blocks", "needs-power-cycle",
               mig_verdict_name(r.verdict));
    check_number("by name", MIG_BLOCKER, (uint64_t)severity_of(&r, "clzero"));
    check_number("still a warning", MIG_WARNING, (uint64_t)severity_of(&r, "monitor"));
    mig_result_clear(&r);
    move_check(guest, NULL, equal, &r);
    check_number("a restored one has no own host", MIG_BLOCKER,
                 (uint64_t)severity_of(&r, "monitor"));
    mig_result_clear(&r);
}

/* chef-bcpc#2278: state of PKRU that older kernels leaked into guests without
 * it makes them spin on kernels that are stricter, after a "good" migration. */
CHECK_TEST(pkru_state_of_a_guest_without_pku_is_told_by_kernel)
{
    static const struct {
        const char *label, *kernel, *guest;
        int severity;
    } cases[] = {
        {"5.10",                "5.10.0-30-amd64",   "@guest/xstate-bv=0x207",                 MIG_NOTE   },
        {"5.15, some have it",  "5.15.0-91-generic", "@guest/xstate-bv=0x207",                 MIG_WARNING},
        {"6.1 before the mend", "6.1.55",            "@guest/xstate-bv=0x207",                 MIG_BLOCKER},
        {"6.2 of the report",   "6.2.16-3-pve",      "@guest/xstate-bv=0x207",                 MIG_BLOCKER},
        {"6.1 with the mend",   "6.1.60",            "@guest/xstate-bv=0x207",                 MIG_NOTE   },
        {"6.6",                 "6.6.1",             "@guest/xstate-bv=0x207",                 MIG_NOTE   },
        {"no such state",       "6.2.16-3-pve",      "@guest/xstate-bv=0x7",                   -1         },
        {"shown pku",           "6.2.16-3-pve",
         "pku xcr0_pkru @x86/cpuid/d.9/eax=8 @x86/cpuid/d.9/ebx=0x340 @guest/xstate-bv=0x207", -1         },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *guest = mig_strf(LEVEL_3 " @guest/xcr0=7 %s", c->guest);
        MIG_AUTO(mig_free)
        char *host = mig_strf(LEVEL_3 " pku xcr0_pkru @x86/cpuid/d.9/eax=8 "
                                      "@x86/cpuid/d.9/ebx=0x340 @host/xcomp-guest-supp=0x207 "
                                      "!kernel.release=%s",
                              c->kernel);
        struct mig_result r;

        move_small(guest, host, &r);
        check_number(c->label, (uint64_t)(int64_t)c->severity,
                     (uint64_t)(int64_t)severity_of(&r, "x86/xsave/9"));
        check_number(c->label, c->severity < (int)MIG_BLOCKER,
                     r.verdict == MIG_COMPATIBLE || r.verdict == MIG_COMPATIBLE_MASKED);
        if (c->severity == (int)MIG_BLOCKER) {
            check_contains(c->label, "6.1.60", move_finding("", &r, "x86/xsave/9")->remedy);
            check_contains(c->label, "hang", move_finding("", &r, "x86/xsave/9")->why);
        }
        mig_result_clear(&r);
    }
}

/* ProxCLMC#3: 48 bits to 39, one level on both: the guest panicked later. */
CHECK_TEST(an_address_width_alone_stops_a_guest)
{
    static const struct {
        const char *label;
        unsigned guest, host;
        bool moves;
    } cases[] = {
        {"48 to 39",        48, 39, false},
        {"QEMU's 40 to 39", 40, 39, false},
        {"39 to 48",        39, 48, true },
        {"equal",           46, 46, true },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *there = mig_strf(LEVEL_3 " phys_addr_bits=%u", c->guest);
        MIG_AUTO(mig_free) char *here = mig_strf(LEVEL_3 " phys_addr_bits=%u", c->host);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *guest = small_host(there);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *host = small_host(here);
        struct mig_party pair[2] = {
            {"alpha", guest},
            {"beta",  host }
        };
        struct mig_result r;

        move_check(guest, guest, host, &r);
        check_number(c->label, c->moves, r.verdict != MIG_NEEDS_POWER_CYCLE);
        move_check_count(c->label, &r, MIG_SECURITY, c->moves ? 0 : 1);
        check_true(c->label, c->moves || move_finding(c->label, &r, "phys_addr_bits") != NULL);
        mig_result_clear(&r);
        mig_baseline(pair, 2, &choice, &r);
        assert_non_null(r.profile);
        check_text(c->label, "x86-64-v3", mig_level_name(r.profile->level));
        check_number("the profile's width", c->guest < c->host ? c->guest : c->host,
                     r.profile->maxphysaddr);
        mig_result_clear(&r);
    }
}

/* cloud-hypervisor#8746: an old VMM left leaf 0x1d of the host in guests
 * without AMX, the new one clears it; its check stopped every live upgrade. */
CHECK_TEST(a_leaf_that_means_nothing_without_amx_stops_nobody)
{
    static const struct {
        const char *label, *guest, *host;
        bool moves;
    } cases[] = {
        {"left over",          "@x86/cpuid/1d.0/eax=1",          "",                               true},
        {"left over, both",    "@x86/cpuid/1d.0/eax=1",          "@x86/cpuid/1d.0/eax=1",          true},
        {"left over in full",
         "@x86/cpuid/1d.0/eax=1 @x86/cpuid/1d.1/eax=0x4002000 @x86/cpuid/1d.1/ebx=0x80040 "
         "@x86/cpuid/1e.0/ebx=0x4010",                           "",                               true},
        {"with AMX it counts", "amx_tile @x86/cpuid/1d.0/eax=1", "amx_tile @x86/cpuid/1d.0/eax=0",
         false                                                                                         },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *guest = mig_strf(LEVEL_3 " max_std_leaf=0x1f %s", c->guest);
        MIG_AUTO(mig_free) char *host = mig_strf(LEVEL_3 " max_std_leaf=0x1f %s", c->host);
        struct mig_result r;

        move_small(guest, host, &r);
        move_check_count(c->label, &r, MIG_SECURITY, c->moves ? 0 : 1);
        check_number(c->label, c->moves, r.verdict != MIG_NEEDS_POWER_CYCLE);
        mig_result_clear(&r);
    }
}

/* cloud-hypervisor#5800: KVM hides AMX from a process that did not ask first. */
CHECK_TEST(a_host_that_can_grant_amx_says_in_which_order_to_call)
{
    static const char *const amx =
        LEVEL_3 " max_std_leaf=0x1e amx_tile xcr0_tileconfig xcr0_tiledata";
    static const struct {
        const char *label, *edits, *id;
        int severity;
        const char *reason;
    } cases[] = {
        {"asked too late",
         "-amx_tile -xcr0_tileconfig -xcr0_tiledata "
         "@host/xcomp-guest-supp=0x60207",                                               "amx_tile", MIG_BLOCKER, "VMM"     },
        {"cannot grant it",
         "-amx_tile -xcr0_tileconfig -xcr0_tiledata "
         "@host/xcomp-guest-supp=0x207 @x86/cpuid/1.0/eax=0x50657",                      "amx_tile", MIG_BLOCKER, "hardware"},
        {"shown when asked", "@x86/cpuid-bare/7.0/edx=0 @host/xcomp-guest-supp=0x60207",
         "host/tile-permission",                                                                     MIG_NOTE,    "VMM"     },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *host = mig_strf("%s %s", amx, c->edits);
        const struct mig_finding *f;
        struct mig_result r;

        move_small(amx, host, &r);
        f = move_finding(c->label, &r, c->id);
        check_number(c->label, (uint64_t)c->severity, f->severity);
        check_text(c->label, c->reason, mig_reason_name(f->reason));
        if (strcmp(c->reason, "VMM") == 0) {
            const char *ask = strstr(f->remedy, "ARCH_REQ_XCOMP_GUEST_PERM");

            check_true(c->label, ask != NULL && strstr(ask, "KVM_GET_SUPPORTED_CPUID") != NULL);
            check_true(c->label, strstr(ask, "first vCPU") != NULL);
        }
        mig_result_clear(&r);
    }
}

/* kubevirt#10181, #9615: rates are measured anew at each boot; equality, or a
 * minimum over hosts that the guest can never use, makes islands. */
CHECK_TEST(clock_rates_are_compared_with_tolerance_and_scaling)
{
    static const struct {
        const char *label, *guest, *host;
        int severity;
    } cases[] = {
        {"measured otherwise by 2 kHz", "constant_tsc",           "@host/tsc-khz=2600002",                              -1         },
        {"250 ppm faster",              "constant_tsc",           "@host/tsc-khz=2600650",                              -1         },
        {"250 ppm slower",              "constant_tsc",           "@host/tsc-khz=2599351",                              -1         },
        {"251 ppm faster",              "constant_tsc",           "@host/tsc-khz=2600653",                              MIG_BLOCKER},
        {"251 ppm slower",              "constant_tsc",           "@host/tsc-khz=2599347",                              MIG_BLOCKER},
        {"another rate",                "constant_tsc",           "@host/tsc-khz=2100000",                              MIG_BLOCKER},
        {"another rate, scaled",        "constant_tsc",           "@host/tsc-khz=2100000 @host/tsc-scaling=1",          -1         },
        {"beyond what scales",          "constant_tsc",
         "@host/tsc-khz=2100000 @host/tsc-scaling=1 @host/tsc-max-khz=2500000",                                         MIG_BLOCKER},
        {"a wider tolerance",           "constant_tsc",           "@host/tsc-khz=2603000 @host/tsc-tolerance-ppm=2000",
         -1                                                                                                                        },
        {"may calibrate again",         "",                       "@host/tsc-khz=2100000",                              MIG_WARNING},
        {"invtsc without a frequency",  "constant_tsc ~tsc=none", "",                                                   MIG_WARNING},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *guest = mig_strf(LEVEL_3 " %s", c->guest);
        MIG_AUTO(mig_free) char *host = mig_strf(LEVEL_3 " constant_tsc %s", c->host);
        struct mig_result r;

        move_small(guest, host, &r);
        check_number(c->label, (uint64_t)(int64_t)c->severity,
                     (uint64_t)(int64_t)severity_of(&r, "host/tsc-khz"));
        mig_result_clear(&r);
    }
}

CHECK_TEST(the_clock_of_a_pool_is_that_of_its_own_hosts)
{
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *a = small_host(LEVEL_3 " constant_tsc @host/tsc-khz=2600000");
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *b = small_host(LEVEL_3 " constant_tsc @host/tsc-khz=2600002");
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *slow = small_host(LEVEL_3 " constant_tsc @host/tsc-khz=2100000");
    struct mig_party set[3] = {
        {"alpha", a   },
        {"beta",  b   },
        {"slow",  slow}
    };
    struct mig_reg reg = mig_reg_cpuid(0x80000007, 0, MIG_EDX);
    struct mig_result r;

    mig_baseline(set, 2, &choice, &r);
    assert_non_null(r.profile);
    check_true("a common rate", r.profile->tsc_khz >= 2600000 && r.profile->tsc_khz <= 2600002);
    check_number("and it is promised", 1u << 8, mig_profile_get(r.profile, reg) & 1u << 8);
    mig_result_clear(&r);
    mig_baseline(set, 3, &choice, &r);
    assert_non_null(r.profile);
    check_number("no common rate with the third", 0, r.profile->tsc_khz);
    check_number("and no promise", 0, mig_profile_get(r.profile, reg) & 1u << 8);
    mig_result_clear(&r);
}

/* KB 301390: hardware is equal, a firmware switch is not. */
CHECK_TEST(aes_that_an_equal_cpu_has_is_likely_switched_off_in_firmware)
{
#define SAME_HOST "!kernel.release=6.1.172 !microcode=0xd000421"
    static const char *const names[] = {"aes", "pclmulqdq"};
    struct mig_result r;

    small_negotiate(LEVEL_3 " aes pclmulqdq " SAME_HOST, LEVEL_3 " " SAME_HOST, &choice, &r);
    CHECK_EACH (name, names) {
        const struct mig_finding *f = move_finding("equal CPUs", &r, *name);

        check_text(*name, "firmware setting", mig_reason_name(f->reason));
        check_true(*name, f->likely);
        check_contains(*name, "AES-NI", f->remedy);
        check_contains(*name, "beta", f->remedy);
    }
    mig_result_clear(&r);
    small_negotiate(LEVEL_3 " aes pclmulqdq " SAME_HOST,
                    LEVEL_3 " @x86/cpuid/1.0/eax=0x50657 " SAME_HOST, &choice, &r);
    check_text("another CPU", "hardware",
               mig_reason_name(move_finding("another CPU", &r, "aes")->reason));
    mig_result_clear(&r);
}

/* ... and new mitigation bits show by themselves once all members have them. */
CHECK_TEST(a_mitigation_is_shown_once_every_member_has_it)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *new = small_host(LEVEL_3 " spec_ctrl");
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *old = small_host(LEVEL_3);
    struct mig_party set[3] = {
        {"alpha", new},
        {"beta",  new},
        {"gamma", old}
    };
    struct mig_reg reg = mig_reg_cpuid(7, 0, MIG_EDX);
    struct mig_result r;

    mig_baseline(set, 3, &choice, &r);
    check_number("one is behind", 0, mig_profile_get(r.profile, reg) & 1u << 26);
    mig_result_clear(&r);
    mig_baseline(set, 2, &choice, &r);
    check_number("all have it", 1u << 26, mig_profile_get(r.profile, reg) & 1u << 26);
    mig_result_clear(&r);
}

CHECK_MAIN(cmocka_unit_test(ht_under_qemu_10_is_a_known_change_that_no_guest_sees),
           cmocka_unit_test(tsx_that_microcode_took_away_is_honoured_where_it_aborts),
           cmocka_unit_test(a_host_that_always_aborts_offers_tsx_to_nobody),
           cmocka_unit_test(drift_tells_that_microcode_takes_tsx_before_the_reboot),
           cmocka_unit_test(a_newer_host_lacks_hle_and_rtm_and_nothing_else),
           cmocka_unit_test(a_host_that_gained_features_takes_the_guests_of_before),
           cmocka_unit_test(what_fails_on_the_guests_own_host_too_is_presentation),
           cmocka_unit_test(pkru_state_of_a_guest_without_pku_is_told_by_kernel),
           cmocka_unit_test(an_address_width_alone_stops_a_guest),
           cmocka_unit_test(a_leaf_that_means_nothing_without_amx_stops_nobody),
           cmocka_unit_test(a_host_that_can_grant_amx_says_in_which_order_to_call),
           cmocka_unit_test(clock_rates_are_compared_with_tolerance_and_scaling),
           cmocka_unit_test(the_clock_of_a_pool_is_that_of_its_own_hosts),
           cmocka_unit_test(aes_that_an_equal_cpu_has_is_likely_switched_off_in_firmware),
           cmocka_unit_test(a_mitigation_is_shown_once_every_member_has_it))
