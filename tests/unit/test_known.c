/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/known.h"

#include "base/text.h"
#include "compat/difference.h"
#include "compat/version.h"
#include "support/check.h"
#include "support/small_host.h"

/* Names of hosts that every row of a vendor must match are Intel's or AMD's. */
#define AMD                                                                                        \
    " @x86/cpuid/0.0/ebx=0x68747541 @x86/cpuid/0.0/edx=0x69746e65 @x86/cpuid/0.0/ecx=0x444d4163"

CHECK_TEST(a_row_concerns_the_moves_of_its_versions)
{
    static const struct {
        const char *label, *id, *source, *destination;
        bool expected;
    } cases[] = {
        {"QEMU before and after",            "qemu10-ht",                      "!vmm.qemu=9.2.4",                               "!vmm.qemu=10.0.2",                                true },
        {"QEMU of a distribution",           "qemu10-ht",                      "!vmm.qemu=1:7.2+dfsg-7+deb12u18",
         "!vmm.qemu=1:10.0.2+ds-2",                                                                                                                                                true },
        {"the way back",                     "qemu10-ht",                      "!vmm.qemu=10.0.2",                              "!vmm.qemu=9.2.4",                                 false},
        {"a candidate is before",            "qemu10-ht",                      "!vmm.qemu=9.2.4",                               "!vmm.qemu=10.0.0-rc1",                            false},
        {"both after",                       "qemu10-ht",                      "!vmm.qemu=10.0.0",                              "!vmm.qemu=10.2.2",                                false},
        {"no version told",                  "qemu10-ht",                      "",                                              "!vmm.qemu=10.2.2",                                false},
        {"no version in the text",           "qemu10-ht",                      "!vmm.qemu=unknown",                             "!vmm.qemu=10.2.2",                                false},
        {"another component",                "qemu10-ht",                      "!vmm.libvirt=9.2.4",                            "!vmm.libvirt=10.0.2",                             false},
        {"leaky kernel to strict one",       "xsave-pkru-5.17",                "pku !kernel.release=5.15.0-91-generic",
         "pku !kernel.release=6.1.0-9-amd64",                                                                                                                                      true },
        {"to one with the fix",              "xsave-pkru-5.17",                "pku !kernel.release=5.15.131",
         "pku !kernel.release=6.1.60",                                                                                                                                             false},
        {"to a strict one after it",         "xsave-pkru-6.2",                 "pku !kernel.release=5.15.131",
         "pku !kernel.release=6.2.16-5-pve",                                                                                                                                       true },
        {"to 6.5.9",                         "xsave-pkru-6.2",                 "pku !kernel.release=5.15.131",                  "pku !kernel.release=6.5.9",
         false                                                                                                                                                                          },
        {"from one that masks",              "xsave-pkru-6.2",                 "pku !kernel.release=6.1.10",
         "pku !kernel.release=6.2.16",                                                                                                                                             false},
        {"from strict to leaky",             "xsave-pkru-5.17",                "pku !kernel.release=6.0.1",
         "pku !kernel.release=5.15.131",                                                                                                                                           false},
        {"a host without the state",         "xsave-pkru-5.17",                "!kernel.release=5.15.131",
         "!kernel.release=6.0.1",                                                                                                                                                  false},
        {"guests of a newer tap",            "tun-uso",                        "!kernel.release=6.8.0-31-generic",
         "!kernel.release=5.14.0-570.el9.x86_64",                                                                                                                                  true },
        {"guests of an older tap",           "tun-uso",                        "!kernel.release=5.14.0-570.el9.x86_64",
         "!kernel.release=6.8.0-31-generic",                                                                                                                                       false},
        {"leaf gained",                      "kvm-leaf-7.2",                   "!kernel.release=5.10.255",
         "!kernel.release=6.1.172 intel_psfd",                                                                                                                                     true },
        {"leaf lost: either way",            "kvm-leaf-7.2",                   "!kernel.release=6.1.172 intel_psfd",
         "!kernel.release=5.10.255",                                                                                                                                               true },
        {"leaf the same",                    "kvm-leaf-7.2",                   "!kernel.release=5.10.255 intel_psfd",
         "!kernel.release=6.1.172 intel_psfd",                                                                                                                                     false},
        {"TSX gone with microcode",          "microcode-tsx-rtm",              "rtm !microcode=0x500002c",
         "!microcode=0x5003302",                                                                                                                                                   true },
        {"TSX gone, same microcode",         "microcode-tsx-rtm",              "rtm !microcode=0x5003302",
         "!microcode=0x5003302",                                                                                                                                                   false},
        {"microcode alone",                  "microcode-tsx-rtm",              "rtm !microcode=0x500002c",
         "rtm !microcode=0x5003302",                                                                                                                                               false},
        {"Milan",                            "kvm-amd-spec-ctrl",              "spec_ctrl !kernel.release=6.12.107" AMD,
         "!kernel.release=6.18.44" AMD,                                                                                                                                            true },
        {"not an AMD host",                  "kvm-amd-spec-ctrl",              "spec_ctrl !kernel.release=6.12.107",
         "!kernel.release=6.18.44",                                                                                                                                                false},
        {"immunities read too early",        "kvm-msr-before-cpuid",
         "@x86/msr/10a=0xeb !kernel.release=6.1.172",                                                                           "@x86/msr/10a=0 !kernel.release=6.18.1",
         true                                                                                                                                                                           },
        {"some immunities lost",             "kvm-msr-before-cpuid",
         "@x86/msr/10a=0xeb !kernel.release=6.1.172",                                                                           "@x86/msr/10a=0x6b !kernel.release=6.18.1",
         false                                                                                                                                                                          },
        {"AMX left by an older VMM",         "cloud-hypervisor50-amx-leaf",
         "amx_max_palette !vmm.cloud-hypervisor=v48.0",                                                                         "amx_max_palette !vmm.cloud-hypervisor=v51.1",     true },
        {"no AMX there",                     "cloud-hypervisor50-amx-leaf",    "!vmm.cloud-hypervisor=v48.0",
         "!vmm.cloud-hypervisor=v51.1",                                                                                                                                            false},
        {"nested guests and new names",      "libvirt-vmx-names",              "vmx !vmm.libvirt=9.0.0",
         "vmx !vmm.libvirt=10.0.0",                                                                                                                                                true },
        {"and back",                         "libvirt-vmx-names",              "vmx !vmm.libvirt=10.0.0",                       "vmx !vmm.libvirt=9.0.0",
         true                                                                                                                                                                           },
        {"renamed",                          "libvirt-arch-facilities",        "arch_capabilities !vmm.libvirt=4.5.0",
         "arch_capabilities !vmm.libvirt=6.0.0",                                                                                                                                   true },
        {"QEMU hides it on AMD",             "qemu10.1-amd-arch-capabilities",
         "arch_capabilities !vmm.qemu=10.0.3" AMD,                                                                              "arch_capabilities !vmm.qemu=10.1.0" AMD,          true },
        {"not on Intel",                     "qemu10.1-amd-arch-capabilities", "arch_capabilities !vmm.qemu=10.0.3",
         "arch_capabilities !vmm.qemu=10.1.0",                                                                                                                                     false},
        {"L1 flush shown by a newer kernel", "kvm-flush-l1d",                  "!kernel.release=6.1.5",
         "flush_l1d !kernel.release=6.4.0",                                                                                                                                        true },
        {"and by both",                      "kvm-flush-l1d",                  "flush_l1d !kernel.release=6.1.5",
         "flush_l1d !kernel.release=6.4.0",                                                                                                                                        false},
        {"both kernels are older",           "kvm-flush-l1d",                  "!kernel.release=6.1.5",
         "flush_l1d !kernel.release=6.3.9",                                                                                                                                        false},
        {"told as a whole register",         "kvm-flush-l1d",                  "flush_l1d !kernel.release=6.1.5",
         "?x86/cpuid/7.0/edx !kernel.release=6.4.0",                                                                                                                               true },
        {"microcode tells of returns",       "microcode-rrsba",
         "arch_capabilities ibrs_all !microcode=0x1",                                                                           "arch_capabilities ibrs_all rrsba !microcode=0x2", true },
        {"not on AMD",                       "microcode-rrsba",                "arch_capabilities ibrs_all !microcode=0x1" AMD,
         "arch_capabilities ibrs_all rrsba !microcode=0x2" AMD,                                                                                                                    false},
        {"lock elision gone",                "microcode-tsx-hle",              "hle !microcode=0x1",                            "!microcode=0x2",                                  true },
        {"there were none to lose",          "kvm-msr-before-cpuid",
         "@x86/msr/10a=0 !kernel.release=6.1.172",                                                                              "@x86/msr/10a=0 !kernel.release=6.18.44",          false},
        {"that could not be read",           "kvm-msr-before-cpuid",
         "@x86/msr/10a=0xeb !kernel.release=6.1.172",                                                                           "?x86/msr/10a !kernel.release=6.18.44",
         false                                                                                                                                                                          },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *source = small_host(c->source);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *destination = small_host(c->destination);
        const struct mig_known_row *row = mig_known_find(c->id);
        struct mig_findings differences = {0};

        check_true(c->label, row != NULL);
        mig_difference(source, destination, &differences);
        check_number(c->label, c->expected,
                     mig_known_concerns(row, source, destination, &differences));
        mig_findings_clear(&differences);
    }
}

CHECK_TEST(rows_are_whole_and_have_ids_of_their_own)
{
    size_t len;
    const struct mig_known_row *rows = mig_known_all(&len);

    check_true("some", len >= 15);
    for (size_t i = 0; i < len; i++) {
        const struct mig_known_span *spans[] = {&rows[i].source, &rows[i].destination};
        struct mig_version version;

        check_true(rows[i].id, mig_known_find(rows[i].id) == &rows[i]);
        check_true(rows[i].id, mig_known_find(rows[i].id + strlen("known/")) == &rows[i]);
        check_true(rows[i].id, mig_text_starts(rows[i].link, "https://"));
        check_true(rows[i].id, strlen(rows[i].text) > 40 && strlen(rows[i].remedy) > 10);
        check_true(rows[i].id, rows[i].field.mask != 0 || rows[i].ids != NULL);
        check_true(rows[i].id, rows[i].when != MIG_KNOWN_HAS || rows[i].field.mask != 0);
        for (size_t s = 0; s < 2; s++) {
            const char *since = spans[s]->since, *until = spans[s]->until;

            check_true(rows[i].id, since == NULL || mig_version_parse(since, &version));
            check_true(rows[i].id, until == NULL || mig_version_parse(until, &version));
            check_true(rows[i].id,
                       since == NULL || until == NULL || mig_version_compare(since, until) < 0);
        }
    }
    check_true("unknown id", mig_known_find("known/nothing") == NULL);
    check_true("empty id", mig_known_find("") == NULL);
}

CHECK_MAIN(cmocka_unit_test(a_row_concerns_the_moves_of_its_versions),
           cmocka_unit_test(rows_are_whole_and_have_ids_of_their_own))
