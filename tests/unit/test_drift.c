/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/drift.h"

#include <stdio.h>

#include "base/array.h"
#include "base/text.h"
#include "support/check.h"
#include "support/small_host.h"
#include "support/snapshots.h"

static void find_in(const char *label, const struct mig_snapshot *old,
                    const struct mig_snapshot *now, struct mig_drift *ret)
{
    const struct mig_party before = {"alpha (old)", old}, after = {"alpha (new)", now};
    struct mig_error err = {0};

    check_done(label, mig_drift_find(&before, &after, &(struct mig_choice){0}, ret, &err), &err);
}

static void add_ids(struct mig_text *t, char mark, const struct mig_findings *list)
{
    for (size_t i = 0; i < list->len; i++) {
        const struct mig_finding *f = &list->items[i];

        mig_text_addf(t, "%s%c%s", t->len > 0 ? " " : "", mark,
                      f->names_len > 0 ? f->names[0] : f->id);
    }
}

/* "!" dangerous, ">" running forward, "<" back, "+ - ~" new guests, "=" known. */
static char *summary(const struct mig_drift *d)
{
    static const char marks[] = {
        [MIG_CHANGE_GAINED] = '+', [MIG_CHANGE_LOST] = '-', [MIG_CHANGE_OTHER] = '~'};
    struct mig_text t = {0};

    add_ids(&t, '!', &d->dangerous[MIG_DRIFT_FORWARD]);
    add_ids(&t, '?', &d->dangerous[MIG_DRIFT_BACK]);
    add_ids(&t, '>', &d->running[MIG_DRIFT_FORWARD]);
    add_ids(&t, '<', &d->running[MIG_DRIFT_BACK]);
    for (size_t i = 0; i < d->changes.len; i++) {
        mig_text_addf(&t, "%s%c%s", t.len > 0 ? " " : "", marks[d->changes.items[i].kind],
                      d->changes.items[i].field->name);
    }
    for (size_t i = 0; i < d->known.len; i++) {
        mig_text_addf(&t, "%s=%s", t.len > 0 ? " " : "",
                      d->known.items[i].row->id + strlen("known/"));
    }
    mig_text_add(&t, "");
    return t.items;
}

CHECK_TEST(every_change_is_told_once_and_where_it_belongs)
{
    static const struct {
        const char *label, *old, *now, *expected;
    } cases[] = {
        {"nothing",                   LEVEL_3,                                              LEVEL_3,                             ""                                       },
        {"a feature gained",          LEVEL_3,                                              LEVEL_3 " erms",                     "<erms +erms"                            },
        {"a feature lost",            LEVEL_3 " erms",                                      LEVEL_3,                             ">erms -erms"                            },
        {"only opt-in: running ones", LEVEL_3 " rtm",                                       LEVEL_3,                             ">rtm"                                   },
        {"microcode took TSX",        LEVEL_3 " rtm !microcode=0x500002c",                  LEVEL_3 " !microcode=0x5003302",
         ">rtm =microcode-tsx-rtm"                                                                                                                                        },
        {"an immunity lost",          LEVEL_3 " arch_capabilities mds_no",                  LEVEL_3 " arch_capabilities",
         "!mds_no -mds_no"                                                                                                                                                },
        {"an immunity gained",        LEVEL_3 " arch_capabilities",                         LEVEL_3 " arch_capabilities mds_no",
         "?mds_no +mds_no"                                                                                                                                                },
        {"narrower addresses",        LEVEL_3,                                              LEVEL_3 " phys_addr_bits=39",
         "!phys_addr_bits -phys_addr_bits"                                                                                                                                },
        {"capability of the host",    LEVEL_3 " @kvm/cap/MAX_VCPUS=9",                      LEVEL_3 " @kvm/cap/MAX_VCPUS=8",
         ">MAX_VCPUS"                                                                                                                                                     },
        {"shared unknown bit",        LEVEL_3 " @x86/cpuid/7.1/ecx=0x80",
         LEVEL_3 " @x86/cpuid/7.1/ecx=0x80",                                                                                     ""                                       },
        {"never offered",             LEVEL_3 " tm",                                        LEVEL_3,                             ""                                       },
        {"host without mitigation",   LEVEL_3 " !vuln.mds=Mitigation:Clear",
         LEVEL_3 " !vuln.mds=Vulnerable:no-microcode",                                                                           "!fact/vuln.mds"                         },
        {"host with one more",        LEVEL_3 " !vuln.mds=Vulnerable",
         LEVEL_3 " !vuln.mds=Mitigation:Clear",                                                                                  ""                                       },
        {"vectors at another place",  LEVEL_3,                                              LEVEL_3 " @x86/cpuid/d.2/ebx=0x280",
         "!xcr0_avx ?xcr0_avx"                                                                                                                                            },
        {"silent corruption",         LEVEL_3 " pku !kernel.release=5.15.0",
         LEVEL_3 " pku !kernel.release=6.0.0",                                                                                   "!known/xsave-pkru-5.17 =xsave-pkru-5.17"},
        {"the same downwards",        LEVEL_3 " pku !kernel.release=6.0.0",
         LEVEL_3 " pku !kernel.release=5.15.0",                                                                                  "?known/xsave-pkru-5.17 =xsave-pkru-5.17"},
        {"ht under QEMU 10",          LEVEL_3 " !vmm.qemu=9.2.0",                           LEVEL_3 " ht !vmm.qemu=10.0.0",
         "=qemu10-ht"                                                                                                                                                     },
        {"renamed in a report",       LEVEL_3 " ~kvm-view=none monitor !vmm.libvirt=4.5.0",
         LEVEL_3 " ~kvm-view=none !vmm.libvirt=6.0.0",                                                                           "=libvirt-monitor"                       },
        {"gone from what KVM shows",  LEVEL_3 " monitor !vmm.libvirt=4.5.0",
         LEVEL_3 " !vmm.libvirt=6.0.0",                                                                                          ">monitor =libvirt-monitor"              },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *old = small_host(c->old);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *now = small_host(c->now);
        struct mig_drift d = {0};

        find_in(c->label, old, now, &d);
        MIG_AUTO(mig_free) char *got = summary(&d);
        check_text(c->label, c->expected, got);
        mig_drift_clear(&d);
    }
}

CHECK_TEST(findings_have_reason_and_remedy)
{
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *old = small_host(LEVEL_3 " erms pku !kernel.release=5.15.0");
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *now = small_host(LEVEL_3 " pku !kernel.release=6.0.0");
    struct mig_drift d = {0};
    const struct mig_finding *lost, *known;

    find_in("drift", old, now, &d);
    lost = &d.running[MIG_DRIFT_FORWARD].items[0];
    known = &d.dangerous[MIG_DRIFT_FORWARD].items[0];
    check_text("reason", "kernel", mig_reason_name(lost->reason));
    check_contains("remedy", "5.15.0", lost->remedy);
    check_text("rule", "known", known->rule);
    check_contains("remedy", "6.1.60", known->remedy);
    check_true("refused", !mig_drift_accepts(&d, MIG_DRIFT_FORWARD));
    check_true("back is fine", mig_drift_accepts(&d, MIG_DRIFT_BACK));
    mig_drift_clear(&d);
}

static void check_told(const char *label, const char *expected, const char *got)
{
    check_text(label, expected != NULL ? expected : "(none)", got != NULL ? got : "(none)");
}

CHECK_TEST(software_is_told_and_alone_is_no_danger)
{
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *old =
        small_host(LEVEL_3 " !kernel.release=6.12.90 !microcode=0x10 !import.format=a");
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *now =
        small_host(LEVEL_3 " !kernel.release=6.12.107 !cmdline.mitigations=off !import.format=b");
    static const struct {
        const char *name, *old, *now;
    } expected[] = {
        {"cmdline.mitigations", NULL,      "off"     },
        {"kernel.release",      "6.12.90", "6.12.107"},
        {"microcode",           "0x10",    NULL      },
    };
    struct mig_drift d = {0};

    find_in("drift", old, now, &d);
    check_number("facts", MIG_COUNT(expected), d.software.len);
    for (size_t i = 0; i < MIG_COUNT(expected); i++) {
        check_text("name", expected[i].name, d.software.items[i].name);
        check_told("old", expected[i].old, d.software.items[i].old);
        check_told("new", expected[i].now, d.software.items[i].now);
    }
    check_number("dangerous", 0, mig_drift_dangerous(&d));
    check_number("running", 0, mig_drift_running(&d));
    check_true("it differs all the same", !mig_drift_is_same(&d));
    mig_drift_clear(&d);
}

CHECK_TEST(another_machine_is_a_warning_another_kind_an_error)
{
    static const struct {
        const char *label, *old, *now, *warning, *error;
    } cases[] = {
        {"another CPU",       LEVEL_3,                                              LEVEL_3 " @x86/cpuid/1.0/eax=0x806f8",      "host/cpu",     NULL               },
        {"another name",      LEVEL_3 " !cpu.model-name=A",                         LEVEL_3 " !cpu.model-name=B",               "host/cpu",
         NULL                                                                                                                                                      },
        {"less evidence",     LEVEL_3,                                              LEVEL_3 " ~msr=none",                       "coverage/msr", NULL               },
        {"another vendor",    LEVEL_3,                                              LEVEL_3 " @x86/cpuid/0.0/ebx=0x68747541",   NULL,
         "no captures of one host"                                                                                                                                 },
        {"capture failed",    LEVEL_3,                                              LEVEL_3 " ~cpuid=unreadable",               NULL,           "can not be judged"},
        {"vendor not told",
         LEVEL_3 " @x86/cpuid/0.0/ebx=0 @x86/cpuid/0.0/ecx=0 @x86/cpuid/0.0/edx=0",
         LEVEL_3 " @x86/cpuid/0.0/ebx=0 @x86/cpuid/0.0/ecx=0 @x86/cpuid/0.0/edx=0",                                             NULL,
         "can not be judged"                                                                                                                                       },
        {"the gravest cause", LEVEL_3,                                              LEVEL_3 " ~kvm-cap=none ~cpuid=unreadable", NULL,
         "whose CPU it is"                                                                                                                                         },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *old = small_host(c->old);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *now = small_host(c->now);
        const struct mig_party before = {"alpha (old)", old}, after = {"alpha (new)", now};
        struct mig_drift d = {0};
        struct mig_error err = {0};
        bool done = mig_drift_find(&before, &after, &(struct mig_choice){0}, &d, &err);

        check_number(c->label, c->error == NULL, done);
        if (c->error != NULL) {
            check_contains(c->label, c->error, err.msg);
        } else {
            check_true(c->label, mig_findings_find(&d.warnings, c->warning) != NULL);
            check_true(c->label, !mig_drift_is_same(&d));
        }
        mig_drift_clear(&d);
    }
}

CHECK_TEST(arm64_is_told_in_its_own_words)
{
    static const struct {
        const char *label, *now, *warning;
    } cases[] = {
        {"the same",      "",                           NULL               },
        {"another CPU",   "@arm64/MIDR_EL1=0x411fd401", "host/cpu"         },
        {"less evidence", "~reg-list=partial",          "coverage/reg-list"},
        {"no clock",      "~arm64=partial",             "coverage/arm64"   },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *old = small_arm64("");
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *now = small_arm64(c->now);
        struct mig_drift d = {0};

        find_in(c->label, old, now, &d);
        check_number(c->label, c->warning != NULL, d.warnings.len);
        check_true(c->label,
                   c->warning == NULL || mig_findings_find(&d.warnings, c->warning) != NULL);
        mig_drift_clear(&d);
    }
}

CHECK_TEST(a_name_that_only_one_side_tells_is_no_other_machine)
{
    static const struct {
        const char *label, *old, *now;
    } cases[] = {
        {"told after",  LEVEL_3,                      LEVEL_3 " !cpu.model-name=A"},
        {"told before", LEVEL_3 " !cpu.model-name=A", LEVEL_3                     },
        {"the same",    LEVEL_3 " !cpu.model-name=A", LEVEL_3 " !cpu.model-name=A"},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *old = small_host(c->old);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *now = small_host(c->now);
        struct mig_drift d = {0};

        find_in(c->label, old, now, &d);
        check_number(c->label, 0, d.warnings.len);
        mig_drift_clear(&d);
    }
}

CHECK_TEST(captures_of_two_hosts_are_noted)
{
    static const struct {
        const char *label, *old, *now;
        bool noted;
    } cases[] = {
        {"two hosts",      "alpha", "beta",  true },
        {"one host",       "alpha", "alpha", false},
        {"nobody says",    "",      "",      false},
        {"one says",       "alpha", "",      false},
        {"the other says", "",      "beta",  false},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *old = small_host(LEVEL_3);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *now = small_host(LEVEL_3);
        const struct mig_finding *f;
        struct mig_drift d = {0};

        (void)snprintf(old->stamp.host, sizeof old->stamp.host, "%s", c->old);
        (void)snprintf(now->stamp.host, sizeof now->stamp.host, "%s", c->now);
        find_in(c->label, old, now, &d);
        f = mig_findings_find(&d.warnings, "host/name");
        check_number(c->label, c->noted, f != NULL);
        check_true(c->label, f == NULL || f->severity == MIG_NOTE);
        check_true("alike all the same", mig_drift_is_same(&d));
        mig_drift_clear(&d);
    }
}

CHECK_TEST(what_is_known_tells_both_versions_and_the_cause)
{
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *old =
        small_host(LEVEL_3 " pku !kernel.release=5.15.0 !vuln.mds=Mitigation");
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *now =
        small_host(LEVEL_3 " pku !kernel.release=6.0.0 !vuln.mds=Vulnerable");
    struct mig_drift d = {0};
    const struct mig_finding *f;

    find_in("drift", old, now, &d);
    check_number("known", 1, d.known.len);
    check_text("old", "5.15.0", d.known.items[0].old);
    check_text("new", "6.0.0", d.known.items[0].now);
    f = mig_findings_find(&d.dangerous[MIG_DRIFT_FORWARD], "known/xsave-pkru-5.17");
    check_text("cause", "kernel", mig_reason_name(f->reason));
    f = mig_findings_find(&d.dangerous[MIG_DRIFT_FORWARD], "fact/vuln.mds");
    check_text("cause", "kernel", mig_reason_name(f->reason));
    mig_drift_clear(&d);
}

CHECK_TEST(a_warning_alone_is_accepted)
{
    static const struct {
        const char *label, *old, *now;
        bool forward, back;
    } cases[] = {
        {"a capability", LEVEL_3 " @kvm/cap/MAX_VCPUS=9",     LEVEL_3 " @kvm/cap/MAX_VCPUS=8", true,
         true                                                                                             },
        {"a feature",    LEVEL_3 " erms",                     LEVEL_3,                         false, true},
        {"an immunity",  LEVEL_3 " arch_capabilities mds_no", LEVEL_3 " arch_capabilities",    false,
         true                                                                                             },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *old = small_host(c->old);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *now = small_host(c->now);
        struct mig_drift d = {0};

        find_in(c->label, old, now, &d);
        check_number(c->label, c->forward, mig_drift_accepts(&d, MIG_DRIFT_FORWARD));
        check_number(c->label, c->back, mig_drift_accepts(&d, MIG_DRIFT_BACK));
        mig_drift_clear(&d);
    }
}

CHECK_TEST(a_host_has_no_drift_against_itself)
{
    static const char *const hosts[] = {
        "amd-genoa-5.10",
        "amd-genoa-6.1",
        "amd-milan-5.10",
        "amd-milan-6.1",
        "intel-cascadelake-5.10",
        "intel-cascadelake-6.1",
        "intel-icelake-5.10",
        "intel-icelake-6.1",
        "intel-sapphire-rapids-5.10",
        "intel-sapphire-rapids-6.1",
        "intel-granite-rapids-5.10",
        "intel-granite-rapids-6.1",
        "emulated-epyc-milan-6.1",
        "emulated-epyc-milan-6.12",
        "emulated-epyc-rome-6.12",
        "emulated-epyc-genoa-6.12",
        "emulated-max-6.12",
        "nested-pvm",
    };

    for (size_t i = 0; i < MIG_COUNT(hosts); i++) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *host = snapshot_host(hosts[i]);
        struct mig_drift d = {0};

        find_in(hosts[i], host, host, &d);
        check_true(hosts[i], mig_drift_is_same(&d));
        mig_drift_clear(&d);
    }
}

/* Gains and losses as research on the same captures lists them by hand. */
CHECK_TEST(a_kernel_update_of_real_hosts_is_told)
{
    static const struct {
        const char *label, *old, *now, *expected;
    } cases[] = {
        {"Cascade Lake",     "intel-cascadelake-5.10", "intel-cascadelake-6.1", ""            },
        {"Ice Lake",         "intel-icelake-5.10",     "intel-icelake-6.1",
         "<leaf7_n_subleaves <intel_psfd +leaf7_n_subleaves +intel_psfd =kvm-leaf-7.2"        },
        {"Milan",            "amd-milan-5.10",         "amd-milan-6.1",
         "<amd_psfd <no_smm_ctl_msr +amd_psfd +no_smm_ctl_msr =kvm-sev-leaf =kvm-80000021-ecx"},
        {"Genoa",            "amd-genoa-5.10",         "amd-genoa-6.1",
         "<amd_psfd <no_smm_ctl_msr +amd_psfd +no_smm_ctl_msr =kvm-sev-leaf =kvm-80000021-ecx"},
        {"Milan, downwards", "amd-milan-6.1",          "amd-milan-5.10",
         ">amd_psfd >no_smm_ctl_msr -amd_psfd -no_smm_ctl_msr =kvm-sev-leaf =kvm-80000021-ecx"},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *old = snapshot_host(c->old);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *now = snapshot_host(c->now);
        struct mig_drift d = {0};

        find_in(c->label, old, now, &d);
        MIG_AUTO(mig_free) char *got = summary(&d);
        check_text(c->label, c->expected, got);
        check_number(c->label, 1, d.software.len);
        check_text(c->label, "kernel.release", d.software.items[0].name);
        mig_drift_clear(&d);
    }
}

CHECK_MAIN(cmocka_unit_test(every_change_is_told_once_and_where_it_belongs),
           cmocka_unit_test(findings_have_reason_and_remedy),
           cmocka_unit_test(software_is_told_and_alone_is_no_danger),
           cmocka_unit_test(another_machine_is_a_warning_another_kind_an_error),
           cmocka_unit_test(arm64_is_told_in_its_own_words),
           cmocka_unit_test(a_name_that_only_one_side_tells_is_no_other_machine),
           cmocka_unit_test(captures_of_two_hosts_are_noted),
           cmocka_unit_test(what_is_known_tells_both_versions_and_the_cause),
           cmocka_unit_test(a_warning_alone_is_accepted),
           cmocka_unit_test(a_host_has_no_drift_against_itself),
           cmocka_unit_test(a_kernel_update_of_real_hosts_is_told))
