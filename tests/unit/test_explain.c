/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/explain.h"

#include <dirent.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "cpu/arm64_feat.h"
#include "cpu/arm64_view.h"
#include "support/check.h"

static void check_sentence(const char *label, const char *text)
{
    check_true(label, text != NULL && strlen(text) > 1 && strlen(text) < 400);
}

CHECK_TEST(every_field_can_be_explained)
{
    struct mig_fields all = mig_field_all();

    for (size_t i = 0; i < all.len; i++) {
        const struct mig_field *f = &all.items[i];
        char id[MIG_FIELD_ID_MAX];
        struct mig_explanation e;

        mig_field_print_id(f, f->reg.sub, id);
        check_true(id, mig_explain(id, &e));
        check_text(id, id, e.id);
        check_true(id, e.field == f);
        check_sentence(id, e.place);
        check_sentence(id, e.move);
        check_sentence(id, e.profile);
        check_sentence(id, e.offer);
        for (size_t t = 0; t < e.needs_len; t++) {
            check_sentence(id, e.needs[t].name);
            check_sentence(id, e.needs[t].reason);
        }
        for (size_t t = 0; t < e.takers_len; t++) {
            check_sentence(id, e.takers[t].how);
        }
        mig_explain_clear(&e);
    }
}

CHECK_TEST(names_are_found_however_people_write_them)
{
    static const struct {
        const char *word, *id;
    } cases[] = {
        {"avx2",                          "x86/cpuid/7.0/ebx/5"       },
        {"AVX2",                          "x86/cpuid/7.0/ebx/5"       },
        {"sse3",                          "x86/cpuid/1.0/ecx/0"       },
        {"sse4.2",                        "x86/cpuid/1.0/ecx/20"      },
        {"skip-l1dfl-vmentry",            "x86/msr/10a/3"             },
        {"vmx-rdrand-exit",               "x86/msr/48b/43"            },
        {"NESTED_STATE",                  "kvm/cap/NESTED_STATE"      },
        {"nested-state",                  "kvm/cap/NESTED_STATE"      },
        {"tsc-khz",                       "host/tsc-khz"              },
        {"guest/xcr0",                    "guest/xcr0"                },
        {"x86/cpuid/7.0/ebx/5",           "x86/cpuid/7.0/ebx/5"       },
        {"x86/cpuid/d.9/eax/31:0",        "x86/cpuid/d.9/eax/31:0"    },
        {"FEAT_PMULL",                    "arm64/ID_AA64ISAR0_EL1/AES"},
        {"feat_pmull",                    "arm64/ID_AA64ISAR0_EL1/AES"},
        {"SYSREG_ID_AA64ISAR0_EL1_AES",   "arm64/ID_AA64ISAR0_EL1/AES"},
        {"SYSREG_ID_AA64ISAR0_EL1_AES=2", "arm64/ID_AA64ISAR0_EL1/AES"},
        {"ID_AA64ISAR0_EL1.AES",          "arm64/ID_AA64ISAR0_EL1/AES"},
        {"id_aa64isar0_el1.aes=pmull",    "arm64/ID_AA64ISAR0_EL1/AES"},
        {"arm64/ID_AA64ISAR0_EL1/AES",    "arm64/ID_AA64ISAR0_EL1/AES"},
        {"arm64/ID_AA64ISAR0_EL1/7:4",    "arm64/ID_AA64ISAR0_EL1/AES"},
        {"arm64/PSCI_VERSION/version",    "arm64/PSCI_VERSION/version"},
    };

    CHECK_EACH (c, cases) {
        struct mig_explanation e;

        check_true(c->word, mig_explain(c->word, &e));
        check_text(c->word, c->id, e.id);
        check_true(c->word, e.field != NULL);
        mig_explain_clear(&e);
    }
}

static bool is_tied(const struct mig_tie *ties, size_t len, const char *name)
{
    for (size_t i = 0; i < len; i++) {
        if (strcmp(ties[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_taken(const struct mig_explanation *e, enum mig_reason who, const char *how)
{
    for (size_t i = 0; i < e->takers_len; i++) {
        if (e->takers[i].who == who && strcmp(e->takers[i].how, how) == 0) {
            return true;
        }
    }
    return false;
}

CHECK_TEST(an_explanation_tells_place_level_and_ties)
{
    struct mig_explanation e;

    check_true("avx2", mig_explain("avx2", &e));
    check_text("place", "bit 5 of EBX, CPUID leaf 0x7, subleaf 0", e.place);
    check_number("level", MIG_LEVEL_X86_64_V3, e.level);
    check_true("needs", is_tied(e.needs, e.needs_len, "avx"));
    check_true("needed by", is_tied(e.needed_by, e.needed_by_len, "avx512f"));
    check_text("offer", "on: a new profile shows it by itself", e.offer);
    mig_explain_clear(&e);

    check_true("LRCPC", mig_explain("ID_AA64ISAR1_EL1.LRCPC", &e));
    check_text("the lowest level", "Armv8.3", mig_level_name(e.level));
    mig_explain_clear(&e);
    check_true("FEAT_LRCPC2", mig_explain("FEAT_LRCPC2", &e));
    check_text("of the feature", "Armv8.4", mig_level_name(e.level));
    mig_explain_clear(&e);
    check_true("FEAT_SVE2", mig_explain("FEAT_SVE2", &e));
    check_text("of no single field", "Armv9.0", mig_level_name(e.level));
    mig_explain_clear(&e);

    check_true("mpx", mig_explain("mpx", &e));
    check_text("offer", "opt-in: a new profile shows it only with --allow mpx", e.offer);
    mig_explain_clear(&e);

    check_true("widths", mig_explain("virt_addr_bits", &e));
    check_text("place", "bits 8 to 15 of EAX, CPUID leaf 0x80000008, subleaf 0", e.place);
    check_contains("safe value", "or if it was shown 0x30", e.move);
    check_contains("safe value", "or 0x30 where they do not agree", e.profile);
    mig_explain_clear(&e);

    check_true("aliases", mig_explain("pni", &e));
    check_number("aliases", 1, e.also_len);
    check_text("alias", "sse3", e.also[0].name);
    check_text("who", "qemu intel", e.also[0].who);
    mig_explain_clear(&e);

    check_true("avx10", mig_explain("avx10", &e));
    check_true("any bit", is_tied(e.needs, e.needs_len, "one of x86/cpuid/24.0/ebx"));
    mig_explain_clear(&e);
}

CHECK_TEST(an_explanation_of_an_arm64_field_tells_its_place_and_value)
{
    struct mig_explanation e;

    check_true("pmull", mig_explain("FEAT_PMULL", &e));
    check_text("place", "bits 4 to 7 of ID_AA64ISAR0_EL1 (op0 3, op1 0, CRn 0, CRm 6, op2 0)",
               e.place);
    check_text("sysreg", "SYSREG_ID_AA64ISAR0_EL1_AES", e.also[0].name);
    check_text("asked", "FEAT_PMULL", e.feat->name);
    check_true("value", e.has_value);
    check_number("value", 2, e.value);
    check_text("offer", "on: a new profile shows it by itself", e.offer);
    mig_explain_clear(&e);

    check_true("without a value", mig_explain("SYSREG_CTR_EL0_IDC", &e));
    check_true("no value", !e.has_value && e.feat == NULL);
    mig_explain_clear(&e);

    check_true("firmware", mig_explain("SMCCC_ARCH_WORKAROUND_1.level=not_required", &e));
    check_text("place", "bits 0 to 3 of KVM's firmware register SMCCC_ARCH_WORKAROUND_1", e.place);
    check_number("no sysreg", 0, e.also_len);
    check_number("value", 2, e.value);
    mig_explain_clear(&e);
}

CHECK_TEST(features_and_views_of_arm64_are_explained)
{
    struct mig_arm64_feats feats = mig_arm64_feat_all();
    struct mig_arm64_views views = mig_arm64_view_all();
    struct mig_explanation e;

    for (size_t i = 0; i < feats.len; i++) {
        check_true(feats.items[i].name, mig_explain(feats.items[i].name, &e));
        check_true(feats.items[i].name, e.feat == &feats.items[i] && e.topic == NULL);
        check_number(feats.items[i].name, feats.items[i].terms.len == 1, e.field != NULL);
        if (e.field == NULL) {
            check_text(feats.items[i].name, feats.items[i].name, e.id);
        }
        mig_explain_clear(&e);
    }
    for (size_t i = 0; i < views.len; i++) {
        MIG_AUTO(mig_free) char *id = mig_strf("arm64/%s", views.items[i].name);

        check_true(id, mig_explain(views.items[i].name, &e));
        if (strcmp(views.items[i].name, "sme") == 0) {
            check_text("a flag of AMD has the name", "x86/cpuid/8000001f.0/eax/0", e.id);
        } else {
            check_true(id, e.view == &views.items[i] && e.field == NULL);
            check_text(id, id, e.id);
        }
        mig_explain_clear(&e);
        check_true(id, mig_explain(id, &e));
        check_true(id, e.view == &views.items[i]);
        mig_explain_clear(&e);
    }
}

CHECK_TEST(an_explanation_tells_what_takes_it_away)
{
    static const struct {
        const char *word;
        enum mig_reason who;
        const char *how;
        bool taken;
    } cases[] = {
        {"umip",                   MIG_REASON_COMMAND_LINE, "clearcpuid=514",                               true },
        {"rtm",                    MIG_REASON_COMMAND_LINE, "tsx=off",                                      true },
        {"rtm",                    MIG_REASON_MICROCODE,    "updates take it away",                         true },
        {"md_clear",               MIG_REASON_MICROCODE,    "updates brought it: older microcode has none", true },
        {"amx_tile",               MIG_REASON_KERNEL,       "KVM shows it from Linux 5.17 on",              true },
        {"aes",                    MIG_REASON_FIRMWARE,     "the firmware's switch for AES-NI",             true },
        {"skip_l1dfl_vmentry",     MIG_REASON_PARAMETER,
         "kvm_intel.vmentry_l1d_flush=never (cond gives it back)",                                          true },
        {"vmx",                    MIG_REASON_PARAMETER,    "kvm_intel.nested=0 (1 gives it back)",         true },
        {"vmx",                    MIG_REASON_PARAMETER,    "kvm_amd.nested=0 (1 gives it back)",           false},
        {"SMALLER_MAXPHYADDR",     MIG_REASON_PARAMETER,
         "kvm_intel.allow_smaller_maxphyaddr=0 (1 gives it back)",                                          true },
        {"x2apic",                 MIG_REASON_COMMAND_LINE, "clearcpuid=149",                               false},
        {"svm",                    MIG_REASON_PARAMETER,    "kvm_amd.nested=0 (1 gives it back)",           true },
        {"svm",                    MIG_REASON_PARAMETER,    "kvm_intel.nested=0 (1 gives it back)",         false},
        {"vmx",                    MIG_REASON_COMMAND_LINE, "clearcpuid=133",                               false},
        {"erms",                   MIG_REASON_COMMAND_LINE, "tsx=off",                                      false},
        {"smx",                    MIG_REASON_COMMAND_LINE, "clearcpuid=134",                               false},
        {"sve",                    MIG_REASON_COMMAND_LINE, "arm64.nosve",                                  false},
        {"FEAT_SVE",               MIG_REASON_COMMAND_LINE, "arm64.nosve",                                  true },
        {"FEAT_VHE",               MIG_REASON_COMMAND_LINE, "kvm_arm.mode=nvhe",                            true },
        {"FEAT_AES",               MIG_REASON_COMMAND_LINE, "arm64.nosve",                                  false},
        {"ID_AA64MMFR2_EL1.CCIDX", MIG_REASON_KERNEL,
         "KVM no longer shows all of it from Linux 6.3 on",                                                 true },
    };

    CHECK_EACH (c, cases) {
        struct mig_explanation e;

        check_true(c->word, mig_explain(c->word, &e));
        check_number(c->how, c->taken, is_taken(&e, c->who, c->how));
        mig_explain_clear(&e);
    }
}

CHECK_TEST(ids_that_are_no_field_have_a_topic)
{
    static const struct {
        const char *word, *topic;
    } cases[] = {
        {"host/arch",                       "host/arch"                      },
        {"coverage/msr",                    "coverage/"                      },
        {"coverage/arch",                   "coverage/arch"                  },
        {"inconsistent/alpha",              "inconsistent/"                  },
        {"trust/expired",                   "trust/expired"                  },
        {"trust/some-new-one",              "trust/"                         },
        {"x86/xsave/9",                     "x86/xsave/"                     },
        {"x86/msr-list",                    "x86/msr-list"                   },
        {"x86/msr-list/174",                "x86/msr-list/"                  },
        {"fact/microcode",                  "fact/"                          },
        {"x86/cpuid/7.1/ecx/30",            "unclassified"                   },
        {"x86/cpuid/40000123.0/eax/31:0",   "unclassified"                   },
        {"host/ignore-msrs/alpha",          "host/ignore-msrs/"              },
        {"contract/elsewhere",              "contract/elsewhere"             },
        {"guest/machine-type",              "guest/machine-type"             },
        {"guest/features/alpha",            "guest/features/"                },
        {"host/features/alpha",             "host/features/"                 },
        {"guest/topology",                  "guest/topology"                 },
        {"guest/vendor/alpha",              "guest/vendor/"                  },
        {"guest/alpha",                     "guest/"                         },
        {"host/cpu",                        "host/cpu"                       },
        {"host/maxphysaddr",                "host/maxphysaddr"               },
        {"host/name",                       "host/name"                      },
        {"host/vendor/alpha",               "host/vendor/"                   },
        {"inconsistent/leaf-above-highest", "inconsistent/leaf-above-highest"},
        {"kvm/cpuid-not-enforced",          "kvm/cpuid-not-enforced"         },
        {"kvm/cap/alpha",                   "kvm/cap/"                       },
        {"policy/allow",                    "policy/allow"                   },
        {"policy/minimum",                  "policy/minimum"                 },
        {"policy/security",                 "policy/security"                },
        {"policy/alpha",                    "policy/"                        },
        {"trust/future",                    "trust/future"                   },
        {"trust/malformed",                 "trust/malformed"                },
        {"trust/missing",                   "trust/missing"                  },
        {"trust/not-live",                  "trust/not-live"                 },
        {"trust/policy",                    "trust/policy"                   },
        {"trust/refused",                   "trust/refused"                  },
        {"trust/replayed",                  "trust/replayed"                 },
        {"trust/stale",                     "trust/stale"                    },
        {"trust/unsigned",                  "trust/unsigned"                 },
        {"trust/unverified",                "trust/unverified"               },
        {"trust/wrong-host",                "trust/wrong-host"               },
        {"virtio/alpha",                    "virtio/"                        },
        {"vmm/machine-type",                "vmm/machine-type"               },
        {"vmm/alpha",                       "vmm/"                           },
        {"arm64/reg-list",                  "arm64/reg-list"                 },
        {"arm64/reg-list/603000000013c103", "arm64/reg-list/"                },
        {"arm64/reg-list/MIDR_EL1",         "arm64/reg-list/"                },
        {"arm64/writable/ID_AA64ISAR0_EL1", "arm64/writable/"                },
        {"arm64/sve/vl",                    "arm64/sve/vl"                   },
        {"arm64/603000000013c01b",          "unclassified"                   },
        {"arm64/603000000013c01b/63:0",     "unclassified"                   },
        {"arm64/ID_AA64ISAR0_EL1/3:0",      "unclassified"                   },
    };

    CHECK_EACH (c, cases) {
        struct mig_explanation e;

        check_true(c->word, mig_explain(c->word, &e));
        check_text(c->word, c->word, e.id);
        check_true(c->word, e.field == NULL && e.topic != NULL);
        check_text(c->word, c->topic, e.topic->id);
        check_sentence(c->word, e.topic->title);
        check_sentence(c->word, e.topic->text);
        check_sentence(c->word, e.topic->remedy);
        mig_explain_clear(&e);
    }
}

/* The TSC's rate is no word of a profile, but a constraint compares it. */
CHECK_TEST(a_property_that_a_constraint_judges_says_so)
{
    struct mig_explanation e;

    check_true("tsc", mig_explain("host/tsc-khz", &e));
    check_true("both", e.field != NULL && e.topic != NULL);
    check_contains("move", "250 ppm", e.move);
    check_text("offer", "no part of a profile", e.offer);
    mig_explain_clear(&e);
}

CHECK_TEST(a_property_of_the_guest_has_a_topic_beside_its_field)
{
    static const char *const ids[] = {"guest/vcpus",     "guest/vm-type",        "guest/xcr0",
                                      "guest/xstate-bv", "host/tile-permission", "host/tsc-khz"};

    CHECK_EACH (id, ids) {
        struct mig_explanation e;

        check_true(*id, mig_explain(*id, &e));
        check_true(*id, e.field != NULL && e.topic != NULL);
        check_text(*id, *id, e.topic->id);
        mig_explain_clear(&e);
    }
}

CHECK_TEST(what_nobody_knows_is_not_explained)
{
    static const char *const words[] = {"",
                                        "axv2",
                                        "/",
                                        "x86",
                                        "x86/cpuid/7.0/ebx",
                                        "x86/cpuid/7.0/ebx/",
                                        "x86/cpuid/7.0/ebx/x",
                                        "x86/cpuid/zz.0/ebx/1",
                                        "coverage",
                                        "hostile/arch",
                                        "FEAT_",
                                        "FEAT_PMULL=2",
                                        "ID_AA64ISAR0_EL1.AES=16",
                                        "ID_AA64ISAR0_EL1.AEZ",
                                        "SYSREG_",
                                        "arm64/",
                                        "arm64/ID_AA64ISAR0_EL1",
                                        "arm64/ID_AA64ISAR0_EL1/",
                                        "arm64/nosuch",
                                        "%s%n"};
    char *word = mig_alloc(100001, 1);
    struct mig_explanation e;

    CHECK_EACH (w, words) {
        check_true(*w, !mig_explain(*w, &e));
    }
    memset(word, 'a', 100000);
    check_true("long name", !mig_explain(word, &e));
    memcpy(word, "trust/", 6);
    check_true("long id", !mig_explain(word, &e));
    mig_free(word);
}

CHECK_TEST(a_register_lists_its_rows)
{
    struct mig_fields fields;
    struct mig_reg reg;

    fields = mig_explain_register("x86/cpuid/7.2/edx", &reg);
    check_true("rows", fields.len > 4);
    check_text("first", "intel_psfd", fields.items[0].name);
    check_number("subleaf", 2, reg.sub);
    check_true("an MSR", mig_explain_register("x86/msr/10a", &reg).len > 20);
    check_number("no rows", 0, mig_explain_register("x86/msr/12345", &reg).len);
    check_number("no register", 0, mig_explain_register("avx2", &reg).len);
    check_number("arm64", 15, mig_explain_register("ID_AA64ISAR0_EL1", &reg).len);
    check_number("by its id", 15, mig_explain_register("arm64/ID_AA64ISAR0_EL1", &reg).len);
    check_number("only by its own", 0, mig_explain_register("arm64/603000000013c030", &reg).len);
}

CHECK_TEST(the_nearest_words_are_offered)
{
    static const struct {
        const char *word, *first;
    } cases[] = {
        {"axv2",                 "avx2"                },
        {"avx22",                "avx2"                },
        {"avx512-vbmi3",         "avx512_vbmi2"        },
        {"md_claer",             "md_clear"            },
        {"trust/expire",         "trust/expired"       },
        {"FEAT_PMUL",            "FEAT_PMULL"          },
        {"ID_AA64ISAR0_EL1.ASE", "ID_AA64ISAR0_EL1.AES"},
        {"puath",                "pauth"               },
        {"qqqqqqqqqqqqqq",       NULL                  },
        {"",                     NULL                  },
    };

    CHECK_EACH (c, cases) {
        const char *near[MIG_EXPLAIN_NEAREST] = {NULL};
        size_t len = mig_explain_nearest(c->word, near);

        if (c->first == NULL) {
            check_number(c->word, 0, len);
        } else {
            check_true(c->word, len >= 1 && len <= MIG_EXPLAIN_NEAREST);
            check_text(c->word, c->first, near[0]);
        }
    }
}

/* The start of an id in a string of our sources: "host/arch", "trust/%s". */
static bool is_id(const char *text)
{
    static const char *const starts[] = {
        "contract/", "coverage/", "fact/", "guest/", "host/",        "inconsistent/", "policy/",
        "trust/",    "virtio/",   "vmm/",  "kvm/",   "x86/msr-list", "x86/xsave/",    "arm64/"};

    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
        if (mig_text_starts(text, starts[i])) {
            return strcspn(text, " :") == strlen(text);
        }
    }
    return false;
}

/* What stands for a part that is filled in does not matter. */
static void check_id(const char *file, char *id)
{
    struct mig_explanation e;
    char *percent = strchr(id, '%');

    if (percent != NULL) {
        (void)snprintf(percent, strlen(percent) + 1, "9");
    }
    if (strcmp(id, "kvm/cap/") == 0 || strcmp(id, "fact/") == 0 || strcmp(id, "arm64/") == 0 ||
        !is_id(id)) {
        return;
    }
    if (!mig_explain(id, &e)) {
        fail_msg("%s: no text for %s in explain.def", file, id);
    }
    mig_explain_clear(&e);
}

static unsigned check_source(const char *folder, const char *file)
{
    MIG_AUTO(mig_free) char *relative = mig_strf("%s/%s", folder, file);
    MIG_AUTO(mig_free) char *path = check_source_path(relative);
    MIG_AUTO(mig_bytes_clear) struct mig_bytes text = {0};
    struct mig_error err;
    unsigned seen = 0;

    check_done(path, mig_file_read(path, 1 << 20, &text, &err), &err);
    for (char *at = (char *)text.items; (at = strchr(at, '"')) != NULL;) {
        char *end = at + 1 + strcspn(at + 1, "\"\n");

        if (*end == '"') {
            MIG_AUTO(mig_free) char *literal = mig_strndup(at + 1, (size_t)(end - at - 1));

            seen += is_id(literal) ? 1 : 0;
            check_id(relative, literal);
        }
        at = *end == '\0' ? end : end + 1;
    }
    return seen;
}

CHECK_TEST(every_id_of_a_finding_has_a_text)
{
    static const char *const folders[] = {"lib/compat", "lib/session", "lib/pact",
                                          "negotiator/cli"};
    unsigned seen = 0;

    CHECK_EACH (folder, folders) {
        MIG_AUTO(mig_free) char *path = check_source_path(*folder);
        DIR *dir = opendir(path);
        struct dirent *entry;

        assert_non_null(dir);
        while ((entry = readdir(dir)) != NULL) {
            if (mig_text_ends(entry->d_name, ".c")) {
                seen += check_source(*folder, entry->d_name);
            }
        }
        (void)closedir(dir);
    }
    check_true("ids were found", seen > 30);
}

CHECK_MAIN(cmocka_unit_test(every_field_can_be_explained),
           cmocka_unit_test(names_are_found_however_people_write_them),
           cmocka_unit_test(an_explanation_tells_place_level_and_ties),
           cmocka_unit_test(an_explanation_of_an_arm64_field_tells_its_place_and_value),
           cmocka_unit_test(features_and_views_of_arm64_are_explained),
           cmocka_unit_test(an_explanation_tells_what_takes_it_away),
           cmocka_unit_test(ids_that_are_no_field_have_a_topic),
           cmocka_unit_test(a_property_that_a_constraint_judges_says_so),
           cmocka_unit_test(a_property_of_the_guest_has_a_topic_beside_its_field),
           cmocka_unit_test(what_nobody_knows_is_not_explained),
           cmocka_unit_test(a_register_lists_its_rows),
           cmocka_unit_test(the_nearest_words_are_offered),
           cmocka_unit_test(every_id_of_a_finding_has_a_text))
