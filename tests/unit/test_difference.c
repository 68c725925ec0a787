/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/difference.h"

#include "base/alloc.h"
#include "base/text.h"
#include "snapshot/builder.h"
#include "support/check.h"
#include "support/small_host.h"

/* "id id": what differs, in order. */
static char *ids(const struct mig_findings *list)
{
    struct mig_text t = {0};

    for (size_t i = 0; i < list->len; i++) {
        mig_text_addf(&t, "%s%s", i > 0 ? " " : "", list->items[i].id);
    }
    mig_text_add(&t, "");
    return t.items;
}

CHECK_TEST(all_that_differs_is_listed_by_its_place)
{
    static const struct {
        const char *label, *a, *b, *expected;
    } cases[] = {
        {"nothing",                          "",                              "",                     ""                            },
        {"a flag",                           "erms",                          "",                     "x86/cpuid/7.0/ebx/9"         },
        {"a number",                         "",                              "phys_addr_bits=40",    "x86/cpuid/80000008.0/eax/7:0"},
        {"bits without a row",               "@x86/cpuid/7.1/ecx=0x80000001", "",
         "x86/cpuid/7.1/ecx/0 x86/cpuid/7.1/ecx/31"                                                                                 },
        {"both at once",                     "erms @x86/msr/999=2",           "adx",
         "x86/cpuid/7.0/ebx/9 x86/cpuid/7.0/ebx/19 x86/msr/999/1"                                                                   },
        {"a register that one can not read", "erms",                          "?x86/cpuid/7.0/ebx",   "x86/cpuid/7.0/ebx"           },
        {"a register that neither can",      "?x86/msr/10a",                  "?x86/msr/10a",         ""                            },
        {"a capability",                     "@kvm/cap/MAX_VCPUS=9",          "@kvm/cap/MAX_VCPUS=8", "kvm/cap/MAX_VCPUS"           },
        {"a fact that changed",              "!microcode=0x1",                "!microcode=0x2",       "fact/microcode"              },
        {"a fact that is the same",          "!microcode=0x1",                "!microcode=0x1",       ""                            },
        {"a fact that came",                 "",                              "!microcode=0x1",       "fact/microcode"              },
        {"a fact that went",                 "!microcode=0x1",                "",                     "fact/microcode"              },
        {"facts before, between and behind", "!b=1 !d=1",                     "!a=1 !c=1 !e=1",
         "fact/a fact/b fact/c fact/d fact/e"                                                                                       },
        {"more facts on the first",          "!a=1 !c=1 !e=1",                "!b=1",                 "fact/a fact/b fact/c fact/e" },
        {"evidence of a group",              "~virtio=none",                  "",                     "coverage/virtio"             },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *a_text = mig_strf(LEVEL_3 " %s", c->a);
        MIG_AUTO(mig_free) char *b_text = mig_strf(LEVEL_3 " %s", c->b);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *a = small_host(a_text);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *b = small_host(b_text);
        struct mig_findings found = {0};

        mig_difference(a, b, &found);
        MIG_AUTO(mig_free) char *got = ids(&found);
        check_text(c->label, c->expected, got);
        mig_findings_clear(&found);
    }
}

CHECK_TEST(both_values_are_told)
{
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *a = small_host("phys_addr_bits=46 !microcode=0x1 !x=1 ~msr=none");
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *b = small_host("phys_addr_bits=40 !microcode=0x2 !y=1");
    struct mig_findings found = {0};
    const struct mig_finding *f;

    mig_difference(a, b, &found);
    f = mig_findings_find(&found, "x86/cpuid/80000008.0/eax/7:0");
    assert_non_null(f);
    check_number("source", 46, f->source.value);
    check_number("destination", 40, f->destination.value);
    check_text("fact", "0x1 -> 0x2", mig_findings_find(&found, "fact/microcode")->why);
    check_text("gone", "1 -> (none)", mig_findings_find(&found, "fact/x")->why);
    check_text("new", "(none) -> 1", mig_findings_find(&found, "fact/y")->why);
    check_text("group", "none -> full", mig_findings_find(&found, "coverage/msr")->why);
    mig_findings_clear(&found);
}

CHECK_TEST(architectures_differ_too)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_ARM64);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *arm = NULL, *x86 = small_host("");
    struct mig_findings found = {0};
    struct mig_error err;

    check_done("freeze", mig_builder_freeze(b, &arm, &err), &err);
    mig_difference(x86, arm, &found);
    check_true("host/arch", mig_findings_find(&found, "host/arch") != NULL);
    mig_findings_clear(&found);
}

CHECK_TEST(only_what_a_guest_may_be_shown_makes_a_difference_to_it)
{
    static const struct {
        const char *label, *guest, *host;
        bool shows;
    } cases[] = {
        {"nothing",                    "",              "",                                  false},
        {"a surplus",                  "",              "erms",                              true },
        {"a loss",                     "erms",          "",                                  true },
        {"what is never shown",        "",              "tm",                                false},
        {"an opt-in",                  "",              "mpx",                               true },
        {"a bit of a feature word",    "",              "@x86/cpuid/7.1/ecx=0x80",           true },
        {"a bit of an MSR",            "",              "@x86/msr/999=1",                    false},
        {"not covered",                "erms",          "~cpuid=partial ^x86/cpuid/7.0/ebx", false},
        {"Windows leaves that it has", "hv_synic",      "hv_synic hv_vp_index",              true },
        {"Windows leaves of others",   "",              "hv_vp_index",                       false},
        {"a device of its own",        "@virtio/net=1", "@virtio/net=3",                     true },
        {"devices of others",          "",              "@virtio/net=3",                     false},
        {"capabilities are the VMM's", "",              "@kvm/cap/MAX_VCPUS=9",              false},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *guest = small_host(c->guest);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *host = small_host(c->host);

        check_number(c->label, c->shows, mig_difference_shows(guest, host));
    }
}

CHECK_MAIN(cmocka_unit_test(all_that_differs_is_listed_by_its_place),
           cmocka_unit_test(both_values_are_told), cmocka_unit_test(architectures_differ_too),
           cmocka_unit_test(only_what_a_guest_may_be_shown_makes_a_difference_to_it))
