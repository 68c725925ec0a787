/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/onereg.h"

#include "snapshot/builder.h"
#include "snapshot/keyset.h"
#include "support/check.h"

CHECK_TEST(ids_name_a_place_a_width_and_whether_a_host_grants_it)
{
    static const struct {
        const char *label;
        uint64_t id;
        unsigned width;
        bool granted, core;
    } cases[] = {
        {"x0",                 0x6030000000100000, 64,   false, true },
        {"v0",                 0x6040000000100054, 128,  false, true },
        {"cache",              0x6020000000110000, 32,   true,  false},
        {"last cache",         0x602000000011000d, 32,   true,  false},
        {"cache with tags",    0x6020000000110010, 32,   false, false},
        {"MIDR_EL1",           0x603000000013c000, 64,   true,  false},
        {"MPIDR_EL1",          0x603000000013c005, 64,   false, false},
        {"last ID register",   0x603000000013c03f, 64,   true,  false},
        {"CRm 8",              0x603000000013c040, 64,   false, false},
        {"CCSIDR_EL1",         0x603000000013c800, 64,   false, false},
        {"CLIDR_EL1",          0x603000000013c801, 64,   true,  false},
        {"CSSELR_EL1",         0x603000000013d000, 64,   false, false},
        {"CTR_EL0",            0x603000000013d801, 64,   true,  false},
        {"DCZID_EL0",          0x603000000013d807, 64,   false, false},
        {"SCTLR_EL1",          0x603000000013c080, 64,   false, false},
        {"op0 2",              0x6030000000138000, 64,   false, false},
        {"PSCI_VERSION",       0x6030000000140000, 64,   true,  false},
        {"z0",                 0x6080000000150000, 2048, false, false},
        {"lengths",            0x606000000015ffff, 512,  false, false},
        {"bitmap",             0x6030000000160003, 64,   true,  false},
        {"a kind not known",   0x6070000000fff000, 1024, false, false},
        {"the smallest width", 0x6000000000170000, 8,    false, false},
    };

    CHECK_EACH (c, cases) {
        struct mig_reg reg = {0};
        struct mig_error err;

        check_done(c->label, mig_onereg_from_id(c->id, &reg, &err), &err);
        check_number(c->label, MIG_SPACE_REG_LIST, reg.space);
        check_number(c->label, (uint32_t)c->id, reg.index);
        check_number(c->label, c->width, mig_onereg_width(reg));
        check_number(c->label, c->granted, mig_onereg_is_granted(reg));
        check_number(c->label, c->core, mig_onereg_is_core(reg));
    }
}

CHECK_TEST(names_and_encodings_give_the_same_place)
{
    static const struct {
        const char *name;
        uint32_t index; /* 0: no register */
    } cases[] = {
        {"ID_AA64PFR0_EL1",      0x13c020},
        {"S3_0_C0_C4_0",         0x13c020},
        {"S3_0_0_4_0",           0x13c020},
        {"S3_3_C14_C15_7",       0x13df7f},
        {"PSCI_VERSION",         0x140000},
        {"",                     0       },
        {"S",                    0       },
        {"S3",                   0       },
        {"S3_",                  0       },
        {"S3_0_C0_C4",           0       },
        {"S3_0_C0_C4_",          0       },
        {"S3_0_C0_C4_0_0",       0       },
        {"S3_0_C0_C4_0 ",        0       },
        {"S4_0_C0_C4_0",         0       },
        {"S3_8_C0_C4_0",         0       },
        {"S3_0_C16_C4_0",        0       },
        {"S3_0_C0_C4_8",         0       },
        {"S3_C0_C0_C4_0",        0       },
        {"S3_0_CC0_C4_0",        0       },
        {"S3_0_C-1_C4_0",        0       },
        {"id_aa64pfr0_el1",      0       },
        {"ID_AA64PFR0_EL1_MORE", 0       },
    };

    CHECK_EACH (c, cases) {
        struct mig_reg reg = {0};

        check_number(c->name, c->index != 0, mig_onereg_from_name(c->name, &reg));
        check_number(c->name, c->index, reg.index);
    }
}

CHECK_TEST(a_register_given_twice_is_refused_in_any_order)
{
    static const uint32_t order[] = {5, 1, 9, 7, 3, 8, 2, 6, 4};
    MIG_AUTO(mig_keyset_clear) struct mig_keyset set = {0};
    struct mig_error err = {0};

    CHECK_EACH (index, order) {
        check_done("new", mig_keyset_add(&set, mig_reg_msr(*index), &err), &err);
    }
    CHECK_EACH (index, order) {
        check_true("again", !mig_keyset_add(&set, mig_reg_msr(*index), &err));
        check_contains("again", "is there twice", err.msg);
    }
    check_number("kept", sizeof order / sizeof *order, set.len);
    for (uint32_t i = 10; set.len < MIG_ENTRIES_MAX; i++) {
        check_done("up to the limit", mig_keyset_add(&set, mig_reg_msr(i), &err), &err);
    }
    check_true("beyond", !mig_keyset_add(&set, mig_reg_msr(UINT32_MAX), &err));
    check_number("beyond", MIG_LIMIT, err.code);
}

CHECK_MAIN(cmocka_unit_test(ids_name_a_place_a_width_and_whether_a_host_grants_it),
           cmocka_unit_test(names_and_encodings_give_the_same_place),
           cmocka_unit_test(a_register_given_twice_is_refused_in_any_order))
