/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/reg.h"

#include "cpu/host.h"
#include "support/check.h"
#include "support/prop.h"

CHECK_TEST(each_space_has_one_text_form_that_parses_back)
{
    static const struct {
        const char *label;
        struct mig_reg reg;
        const char *text;
    } cases[] = {
        {"cpuid",                     {MIG_SPACE_CPUID, 7, 0, MIG_EBX},               "x86/cpuid/7.0/ebx"              },
        {"hex subleaf",               {MIG_SPACE_CPUID, 0xd, 0x11, MIG_ECX},          "x86/cpuid/d.11/ecx"             },
        {"bare",                      {MIG_SPACE_CPUID_BARE, 0xd, 0, MIG_EAX},        "x86/cpuid-bare/d.0/eax"         },
        {"emulated",                  {MIG_SPACE_CPUID_EMULATED, 1, 0, MIG_ECX},      "x86/cpuid-emulated/1.0/ecx"     },
        {"hyper-v",                   {MIG_SPACE_CPUID_HV, 0x40000003, 0, MIG_EDX},   "x86/cpuid-hv/40000003.0/edx"    },
        {"extended leaf",             {MIG_SPACE_CPUID, 0x80000021, 0, MIG_EAX},      "x86/cpuid/80000021.0/eax"       },
        {"longest",
         {MIG_SPACE_CPUID_EMULATED, 0xffffffff, 0xffff, MIG_EDX},
         "x86/cpuid-emulated/ffffffff.ffff/edx"                                                                        },
        {"msr",                       {MIG_SPACE_MSR, 0x10a, 0, MIG_EAX},             "x86/msr/10a"                    },
        {"high msr",                  {MIG_SPACE_MSR, 0xc0011029, 0, MIG_EAX},        "x86/msr/c0011029"               },
        {"msr list",                  {MIG_SPACE_MSR_LIST, 0x10a, 0, MIG_EAX},        "x86/msr-list/10a"               },
        {"arm64",                     {MIG_SPACE_IDREG, 0x0013c042, 3, MIG_EAX},      "arm64/603000000013c042"         },
        {"arm64 named",               {MIG_SPACE_IDREG, 0x0013c030, 3, MIG_EAX},      "arm64/ID_AA64ISAR0_EL1"         },
        {"arm64 named, 32 bits",
         {MIG_SPACE_IDREG, 0x0013c030, 2, MIG_EAX},
         "arm64/602000000013c030"                                                                                      },
        {"cache type",                {MIG_SPACE_IDREG, 0x0013d801, 3, MIG_EAX},      "arm64/CTR_EL0"                  },
        {"cache levels",              {MIG_SPACE_IDREG, 0x0013c801, 3, MIG_EAX},      "arm64/CLIDR_EL1"                },
        {"cache",                     {MIG_SPACE_IDREG, 0x00110000, 2, MIG_EAX},      "arm64/CCSIDR_L1D"               },
        {"cache in the list",
         {MIG_SPACE_REG_LIST, 0x0011000d, 2, MIG_EAX},
         "arm64/reg-list/CCSIDR_L7I"                                                                                   },
        {"cache with tags",           {MIG_SPACE_IDREG, 0x00110010, 2, MIG_EAX},      "arm64/6020000000110010"         },
        {"firmware",                  {MIG_SPACE_IDREG, 0x00140000, 3, MIG_EAX},      "arm64/PSCI_VERSION"             },
        {"firmware level",
         {MIG_SPACE_IDREG, 0x00140003, 3, MIG_EAX},
         "arm64/SMCCC_ARCH_WORKAROUND_3"                                                                               },
        {"firmware bitmap",           {MIG_SPACE_IDREG, 0x00160003, 3, MIG_EAX},      "arm64/VENDOR_HYP_BMAP_2"        },
        {"mask",                      {MIG_SPACE_IDREG_MASK, 0x0013c030, 3, MIG_EAX}, "arm64/writable/ID_AA64ISAR0_EL1"},
        {"mask without a name",
         {MIG_SPACE_IDREG_MASK, 0x0013c01b, 3, MIG_EAX},
         "arm64/writable/603000000013c01b"                                                                             },
        {"in the list",
         {MIG_SPACE_REG_LIST, 0x00140001, 3, MIG_EAX},
         "arm64/reg-list/SMCCC_ARCH_WORKAROUND_1"                                                                      },
        {"vector lengths",
         {MIG_SPACE_REG_LIST, 0x0015ffff, 6, MIG_EAX},
         "arm64/reg-list/606000000015ffff"                                                                             },
        {"arm64 32 bits",             {MIG_SPACE_IDREG, 0x0010, 2, MIG_EAX},          "arm64/6020000000000010"         },
        {"capability",                {MIG_SPACE_CAP, 157, 0, MIG_EAX},               "kvm/cap/NESTED_STATE"           },
        {"capability without a name", {MIG_SPACE_CAP, 0xfff, 0, MIG_EAX},             "kvm/cap/fff"                    },
        {"host",                      {MIG_SPACE_HOST, MIG_HOST_TSC_KHZ, 0, MIG_EAX}, "host/tsc-khz"                   },
        {"property of a newer peer",  {MIG_SPACE_HOST, 0x1234, 0, MIG_EAX},           "host/1234"                      },
    };

    CHECK_EACH (c, cases) {
        char text[MIG_REG_TEXT_MAX];
        struct mig_error err;
        struct mig_reg back = {0};

        mig_reg_print(c->reg, text);
        check_text(c->label, c->text, text);
        check_done(c->label, mig_reg_parse(c->text, &back, &err), &err);
        check_number(c->label, mig_reg_key(c->reg), mig_reg_key(back));
    }
}

CHECK_TEST(caches_may_be_named_by_id_as_they_were_before_they_had_names)
{
    static const struct {
        const char *older, *text;
    } cases[] = {
        {"arm64/6020000000110001",          "arm64/CCSIDR_L1I"         },
        {"arm64/reg-list/602000000011000c", "arm64/reg-list/CCSIDR_L7D"},
    };

    CHECK_EACH (c, cases) {
        char text[MIG_REG_TEXT_MAX];
        struct mig_error err;
        struct mig_reg reg = {0};

        check_done(c->older, mig_reg_parse(c->older, &reg, &err), &err);
        mig_reg_print(reg, text);
        check_text(c->older, c->text, text);
    }
}

CHECK_TEST(any_other_spelling_is_refused_with_what_was_expected)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"",                                "expected x86/cpuid/..."                    },
        {"x86",                             "expected x86/cpuid/..."                    },
        {"x86/cpuid",                       "expected x86/cpuid/..."                    },
        {"x86/cpuid/",                      "expected LEAF.SUBLEAF/REGISTER"            },
        {"x86/cpuid/7/ebx",                 "expected LEAF.SUBLEAF/REGISTER"            },
        {"x86/cpuid/7.0",                   "expected LEAF.SUBLEAF/REGISTER"            },
        {"x86/cpuid/7.0/",                  "expected LEAF.SUBLEAF/REGISTER"            },
        {"x86/cpuid/7.0/rbx",               "expected LEAF.SUBLEAF/REGISTER"            },
        {"x86/cpuid/7.0/ebx/5",             "expected LEAF.SUBLEAF/REGISTER"            },
        {"x86/cpuid/.0/ebx",                "expected LEAF.SUBLEAF/REGISTER"            },
        {"x86/cpuid/7./ebx",                "expected LEAF.SUBLEAF/REGISTER"            },
        {"x86/cpuid/7/0.ebx",               "expected LEAF.SUBLEAF/REGISTER"            },
        {"x86/cpuid/-7.0/ebx",              "expected LEAF.SUBLEAF/REGISTER"            },
        {"x86/cpuid/7.10000/ebx",           "expected LEAF.SUBLEAF/REGISTER"            },
        {"x86/cpuid/100000000.0/ebx",       "expected LEAF.SUBLEAF/REGISTER"            },
        {"x86/cpuid/07.0/ebx",              "expected 'x86/cpuid/7.0/ebx'"              },
        {"x86/cpuid/D.0/eax",               "expected 'x86/cpuid/d.0/eax'"              },
        {"x86/cpuid/0x7.0/ebx",             "expected LEAF.SUBLEAF/REGISTER"            },
        {"x86/msr/",                        "expected an index in hex"                  },
        {"x86/msr/10A",                     "expected 'x86/msr/10a'"                    },
        {"x86/msr/10g",                     "expected an index in hex"                  },
        {"x86/msr/100000000",               "expected an index in hex"                  },
        {"arm64/6030",                      "expected 'arm64/"                          },
        {"arm64/703000000013c042",          "expected 'arm64/603000000013c042'"         },
        {"arm64/603000010013c042",          "expected 'arm64/603000000013c042'"         },
        {"arm64/",                          "16 hex digits"                             },
        {"arm64/ID_AA64ISAR0",              "a name such as ID_AA64ISAR0_EL1"           },
        {"arm64/id_aa64isar0_el1",          "16 hex digits"                             },
        {"arm64/ID_AA64ISAR0_EL1/AES",      "16 hex digits"                             },
        {"arm64/603000000013c030",          "expected 'arm64/ID_AA64ISAR0_EL1'"         },
        {"arm64/writable/603000000013c030", "expected 'arm64/writable/ID_AA64ISAR0_EL1'"},
        {"arm64/reg-list/0",                "expected 'arm64/reg-list/6000000000000000'"},
        {"arm64/Writable/CTR_EL0",          "16 hex digits"                             },
        {"kvm/cap/NO_SUCH_THING",           "a KVM capability such as"                  },
        {"kvm/cap/9d",                      "expected 'kvm/cap/NESTED_STATE'"           },
        {"host/0",                          "expected 'host/tsc-khz'"                   },
        {"host/tsc-mhz",                    "a property such as"                        },
    };

    CHECK_EACH (c, cases) {
        struct mig_reg reg = {MIG_SPACE_HOST, 77, 7, MIG_EDX};
        struct mig_error err = {0};

        check_true(c->text, !mig_reg_parse(c->text, &reg, &err));
        check_number(c->text, MIG_FORMAT, err.code);
        check_contains(c->text, c->message, err.msg);
        check_number("untouched", 77, reg.index);
    }
}

CHECK_TEST(a_very_long_text_is_refused_and_cut_in_the_message)
{
    char text[4096];
    struct mig_error err = {0};
    struct mig_reg reg;

    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    check_true("long", !mig_reg_parse(text, &reg, &err));
    memcpy(text, "kvm/cap/", 8);
    check_true("long capability", !mig_reg_parse(text, &reg, &err));
    check_contains("long capability", "expected a KVM capability", err.msg);
}

static struct mig_reg any_reg(struct prop *p)
{
    struct mig_reg reg = {.space = (enum mig_space)prop_below(p, MIG_SPACE_COUNT),
                          .index = (uint32_t)(prop_next(p) >> prop_below(p, 64))};

    if (reg.space <= MIG_SPACE_CPUID_HV) {
        reg.sub = (uint16_t)(prop_next(p) >> (48 + prop_below(p, 16)));
        reg.part = (enum mig_part)prop_below(p, 4);
    } else if (mig_reg_is_arm64(reg)) {
        reg.sub = (uint16_t)prop_below(p, 16);
    }
    return reg;
}

CHECK_TEST(any_register_survives_text_and_key)
{
    unsigned runs = prop_runs(1000);
    struct prop p;

    prop_init(&p, "any register survives text and key");
    for (unsigned i = 0; i < runs; i++) {
        struct mig_reg reg = any_reg(&p), back;
        char text[MIG_REG_TEXT_MAX];
        struct mig_error err;

        mig_reg_print(reg, text);
        check_done(text, mig_reg_parse(text, &back, &err), &err);
        check_number(text, mig_reg_key(reg), mig_reg_key(back));
        back = mig_reg_from_key(mig_reg_key(reg));
        check_true(text, back.space == reg.space && back.index == reg.index &&
                             back.sub == reg.sub && back.part == reg.part);
    }
}

CHECK_TEST(keys_sort_by_space_then_index_then_sub_then_part)
{
    static const struct mig_reg order[] = {
        {MIG_SPACE_CPUID,      1,          0, MIG_EAX},
        {MIG_SPACE_CPUID,      1,          0, MIG_EDX},
        {MIG_SPACE_CPUID,      1,          1, MIG_EAX},
        {MIG_SPACE_CPUID,      7,          0, MIG_EAX},
        {MIG_SPACE_CPUID,      0x80000001, 0, MIG_EAX},
        {MIG_SPACE_CPUID_BARE, 0,          0, MIG_EAX},
        {MIG_SPACE_CPUID_HV,   0,          0, MIG_EAX},
        {MIG_SPACE_MSR,        0,          0, MIG_EAX},
        {MIG_SPACE_MSR_LIST,   0,          0, MIG_EAX},
        {MIG_SPACE_CAP,        0xffffffff, 0, MIG_EAX},
        {MIG_SPACE_HOST,       0,          0, MIG_EAX},
    };

    for (size_t i = 1; i < sizeof order / sizeof *order; i++) {
        char text[MIG_REG_TEXT_MAX];

        mig_reg_print(order[i], text);
        check_true(text, mig_reg_key(order[i - 1]) < mig_reg_key(order[i]));
    }
}

CHECK_TEST(a_key_that_names_no_register_prints_without_harm)
{
    char text[MIG_REG_TEXT_MAX];

    mig_reg_print(mig_reg_from_key(~UINT64_C(0)), text);
    check_text("all ones", "unknown/ffffffffffffffff", text);
    mig_reg_print((struct mig_reg){MIG_SPACE_CPUID, 1, 0, (enum mig_part)9}, text);
    check_text("bad part", "x86/cpuid/1.0/?", text);
}

CHECK_TEST(cpuid_registers_have_32_bits_and_all_others_64)
{
    check_number("cpuid", 32, mig_reg_width(mig_reg_cpuid(7, 0, MIG_EBX)));
    check_number("hyper-v", 32, mig_reg_width(mig_reg_plain(MIG_SPACE_CPUID_HV, 0x40000000)));
    check_number("msr", 64, mig_reg_width(mig_reg_msr(0x10a)));
    check_number("host", 64, mig_reg_width(mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_KHZ)));
}

CHECK_MAIN(cmocka_unit_test(each_space_has_one_text_form_that_parses_back),
           cmocka_unit_test(caches_may_be_named_by_id_as_they_were_before_they_had_names),
           cmocka_unit_test(any_other_spelling_is_refused_with_what_was_expected),
           cmocka_unit_test(a_very_long_text_is_refused_and_cut_in_the_message),
           cmocka_unit_test(any_register_survives_text_and_key),
           cmocka_unit_test(keys_sort_by_space_then_index_then_sub_then_part),
           cmocka_unit_test(a_key_that_names_no_register_prints_without_harm),
           cmocka_unit_test(cpuid_registers_have_32_bits_and_all_others_64))
