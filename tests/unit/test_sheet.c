/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/sheet.h"

#include "base/bits.h"
#include "support/check.h"
#include "support/prop.h"

CHECK_TEST(a_register_without_rows_has_a_sheet_without_bits)
{
    const struct mig_sheet *s = mig_sheet_of(mig_reg_key(mig_reg_msr(0x999)));

    check_number("rows", 0, s->len);
    check_number("bits", 0, s->classified | s->on | s->flags);
    check_number("a guest may have none of it", 5, mig_sheet_doubts(s, 5, 7));
}

CHECK_TEST(every_row_is_on_the_sheet_of_its_register)
{
    struct mig_fields all = mig_field_all();

    for (size_t i = 0; i < all.len; i++) {
        const struct mig_field *f = &all.items[i];
        uint64_t mask = mig_bits_mask(f->hi, f->lo);

        for (unsigned sub = f->reg.sub; sub <= f->sub_last; sub++) {
            struct mig_reg reg = f->reg;
            const struct mig_sheet *s;

            reg.sub = (uint16_t)sub;
            s = mig_sheet_of(mig_reg_key(reg));
            check_number(f->name, mask, s->classified & mask);
            check_number(f->name, f->offer == MIG_OFFER_ON ? mask : 0, s->on & mask);
            check_number(f->name, mig_field_is_flag(f) ? mask : 0, s->flags & mask);
            check_true(f->name, mig_sheet_row(s, f->lo) == f && mig_sheet_row(s, f->hi) == f);
        }
    }
}

CHECK_TEST(a_bit_goes_by_one_kind_of_rule)
{
    struct mig_fields all = mig_field_all();

    for (size_t i = 0; i < all.len; i++) {
        const struct mig_sheet *s = mig_sheet_of(mig_reg_key(all.items[i].reg));

        check_number(all.items[i].name, s->classified,
                     s->all + s->any + s->zero + s->number + s->donor);
    }
}

/* Whatever a rule refuses, the masks point at. */
CHECK_TEST(no_field_that_is_refused_goes_without_doubt)
{
    struct mig_fields all = mig_field_all();
    struct prop p;

    prop_init(&p, "sheet");
    for (unsigned run = prop_runs(200); run > 0; run--) {
        for (size_t i = 0; i < all.len; i++) {
            const struct mig_field *f = &all.items[i];
            const struct mig_sheet *s = mig_sheet_of(mig_reg_key(f->reg));
            uint64_t guest = prop_next(&p), host = prop_once_in(&p, 4) ? guest : prop_next(&p);
            uint64_t mask = mig_bits_mask(f->hi, f->lo);
            enum mig_allow allow =
                mig_rule_allows(&f->shape, (struct mig_value){.num = mig_field_get(f, guest)},
                                (struct mig_value){.num = mig_field_get(f, host)});
            bool doubted = (mig_sheet_doubts(s, guest, host) & mask) != 0;

            if ((s->apart & mask) == 0 && (s->compared & mask) != 0) {
                check_true(f->name, doubted || allow == MIG_ALLOW_YES);
            } else {
                check_true(f->name, !doubted);
            }
        }
    }
}

CHECK_TEST(opt_ins_have_a_bit_each)
{
    uint32_t mpx = mig_opt_in_mask("mpx"), nested = mig_opt_in_mask("nested");

    check_true("two names, two bits", mpx != 0 && nested != 0 && mpx != nested);
    check_number("no such name", 0, mig_opt_in_mask("mpxx"));
    check_number("of a field", mpx, mig_field_opt_in(mig_field_find("mpx")));
    check_number("of none", 0, mig_field_opt_in(mig_field_find("avx2")));
}

CHECK_MAIN(cmocka_unit_test(a_register_without_rows_has_a_sheet_without_bits),
           cmocka_unit_test(every_row_is_on_the_sheet_of_its_register),
           cmocka_unit_test(a_bit_goes_by_one_kind_of_rule),
           cmocka_unit_test(no_field_that_is_refused_goes_without_doubt),
           cmocka_unit_test(opt_ins_have_a_bit_each))
