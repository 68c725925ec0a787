/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/arm64_reg.h"

#include "base/bits.h"
#include "cpu/field.h"
#include "support/check.h"

static const struct {
    const char *name;
    uint32_t index;
} rows[] = {
#define ARM64_CACHE(name, number) {#name, MIG_ARM64_##name},
#define ARM64_REG(name, ...) {#name, MIG_ARM64_##name},
#define ARM64_FIRMWARE(name, number) {#name, MIG_ARM64_##name},
#define ARM64_BITMAP(name, number) {#name, MIG_ARM64_##name},
#include "cpu/arm64_reg.def"
};

CHECK_TEST(rows_are_sorted_by_kvm_id)
{
    for (size_t i = 1; i < sizeof rows / sizeof *rows; i++) {
        check_true(rows[i].name, rows[i - 1].index < rows[i].index);
    }
}

CHECK_TEST(each_name_is_a_register_and_back)
{
    CHECK_EACH (row, rows) {
        struct mig_reg reg = {.space = MIG_SPACE_REG_LIST};

        check_true(row->name, mig_arm64_reg_parse(row->name, &reg));
        check_number(row->name, row->index, reg.index);
        check_number(row->name, row->index < 0x120000 ? 2 : 3, reg.sub);
        check_number("the space stays", MIG_SPACE_REG_LIST, reg.space);
        check_text(row->name, row->name, mig_arm64_reg_name(reg));
        reg.sub = reg.sub == 2 ? 3 : 2;
        check_true("another width is another register", mig_arm64_reg_name(reg) == NULL);
    }
}

/* As KVM counts them (asm/kvm.h): architecture, size, kind, encoding. */
CHECK_TEST(indices_are_those_of_kvm)
{
    static const struct {
        enum mig_arm64 index;
        uint32_t expected;
    } cases[] = {
        {MIG_ARM64_CCSIDR_L1D,              0x110000},
        {MIG_ARM64_CCSIDR_L1I,              0x110001},
        {MIG_ARM64_CCSIDR_L7I,              0x11000d},
        {MIG_ARM64_MIDR_EL1,                0x13c000},
        {MIG_ARM64_ID_AA64PFR0_EL1,         0x13c020},
        {MIG_ARM64_ID_AA64ISAR0_EL1,        0x13c030},
        {MIG_ARM64_CLIDR_EL1,               0x13c801},
        {MIG_ARM64_CTR_EL0,                 0x13d801},
        {MIG_ARM64_PSCI_VERSION,            0x140000},
        {MIG_ARM64_SMCCC_ARCH_WORKAROUND_3, 0x140003},
        {MIG_ARM64_STD_BMAP,                0x160000},
        {MIG_ARM64_VENDOR_HYP_BMAP_2,       0x160003},
    };

    CHECK_EACH (c, cases) {
        check_number("index", c->expected, (uint64_t)c->index);
        check_number("as a register", c->expected, mig_reg_arm64(c->index).index);
    }
}

CHECK_TEST(places_are_those_of_the_rows)
{
    static const struct {
        struct mig_reg reg;
        uint64_t mask;
        const char *name;
    } cases[] = {
        {MIG_ARM64_PLACE(ID_AA64PFR0_EL1),  MIG_ARM64_MASK(ID_AA64PFR0_EL1,  SVE),
         "ID_AA64PFR0_EL1.SVE"                                                                           },
        {MIG_ARM64_PLACE(ID_AA64PFR0_EL1),  MIG_ARM64_MASK(ID_AA64PFR0_EL1,  CSV3),
         "ID_AA64PFR0_EL1.CSV3"                                                                          },
        {MIG_ARM64_PLACE(REVIDR_EL1),       MIG_ARM64_MASK(REVIDR_EL1,       IMPDEF), "REVIDR_EL1.IMPDEF"},
        {MIG_ARM64_PLACE(ID_AA64SMFR0_EL1), MIG_ARM64_MASK(ID_AA64SMFR0_EL1, FA64),
         "ID_AA64SMFR0_EL1.FA64"                                                                         },
        {MIG_ARM64_PLACE(VENDOR_HYP_BMAP),  MIG_ARM64_MASK(VENDOR_HYP_BMAP,  rest),
         "VENDOR_HYP_BMAP.rest"                                                                          },
    };

    CHECK_EACH (c, cases) {
        const struct mig_field *f = mig_field_find(c->name);

        check_true(c->name, f != NULL);
        check_number(c->name, mig_reg_key(f->reg), mig_reg_key(c->reg));
        check_number(c->name, mig_bits_mask(f->hi, f->lo), c->mask);
    }
}

CHECK_TEST(what_has_no_row_has_no_name)
{
    static const char *const names[] = {"", "ID_AA64ISAR0", "id_aa64isar0_el1", "SVE_VLS",
                                        "ID_AA64ISAR0_EL1 "};
    static const struct mig_reg regs[] = {
        {MIG_SPACE_IDREG, 0,          3, MIG_EAX},
        {MIG_SPACE_IDREG, 0x11000e,   2, MIG_EAX},
        {MIG_SPACE_IDREG, 0x13c01b,   3, MIG_EAX},
        {MIG_SPACE_IDREG, 0x15ffff,   6, MIG_EAX},
        {MIG_SPACE_IDREG, UINT32_MAX, 3, MIG_EAX},
    };
    struct mig_reg reg = {MIG_SPACE_HOST, 7, 7, MIG_EDX};

    CHECK_EACH (name, names) {
        check_true(*name, !mig_arm64_reg_parse(*name, &reg));
    }
    check_true("untouched", reg.index == 7 && reg.sub == 7);
    CHECK_EACH (r, regs) {
        check_true("no name", mig_arm64_reg_name(*r) == NULL);
    }
}

CHECK_MAIN(cmocka_unit_test(rows_are_sorted_by_kvm_id),
           cmocka_unit_test(each_name_is_a_register_and_back),
           cmocka_unit_test(indices_are_those_of_kvm),
           cmocka_unit_test(places_are_those_of_the_rows),
           cmocka_unit_test(what_has_no_row_has_no_name))
