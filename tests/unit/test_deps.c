/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/deps.h"

#include "base/bits.h"
#include "base/text.h"
#include "cpu/field.h"
#include "support/check.h"

static bool same_reg(struct mig_reg a, struct mig_reg b)
{
    return mig_reg_key(a) == mig_reg_key(b);
}

/* An MSR that KVM does not know, kept because its flag would announce it. */
static bool is_foreign(struct mig_reg reg)
{
    return same_reg(reg, mig_reg_msr(0xcf));
}

CHECK_TEST(each_end_of_an_edge_lies_in_the_table)
{
    struct mig_deps deps = mig_deps_all();

    for (size_t i = 0; i < deps.len; i++) {
        const struct mig_dep *d = &deps.items[i];

        check_true(d->name, d->feature.mask != 0 && d->base.mask != 0);
        check_true(d->name, is_foreign(d->feature.reg) ||
                                (d->feature.mask & mig_field_classified(d->feature.reg)) != 0);
        check_number(d->name, d->base.mask, d->base.mask & mig_field_classified(d->base.reg));
    }
}

CHECK_TEST(an_edge_has_the_name_of_its_feature)
{
    struct mig_deps deps = mig_deps_all();

    for (size_t i = 0; i < deps.len; i++) {
        const struct mig_dep *d = &deps.items[i];
        const struct mig_field *f = mig_field_find(d->name);

        if (mig_text_starts(d->name, "x86/")) {
            char text[MIG_REG_TEXT_MAX];

            mig_reg_print(d->feature.reg, text);
            check_true(d->name, mig_text_starts(d->name, text));
            continue;
        }
        check_true(d->name, f != NULL && same_reg(f->reg, d->feature.reg));
        check_number(d->name, mig_bits_mask(f->hi, f->lo), d->feature.mask);
    }
}

CHECK_TEST(no_edge_stands_twice_or_leads_to_itself)
{
    struct mig_deps deps = mig_deps_all();

    for (size_t i = 0; i < deps.len; i++) {
        const struct mig_dep *a = &deps.items[i];

        check_true(a->name,
                   !same_reg(a->feature.reg, a->base.reg) || (a->feature.mask & a->base.mask) == 0);
        for (size_t j = 0; j < i; j++) {
            const struct mig_dep *b = &deps.items[j];

            check_true(a->name, !same_reg(a->feature.reg, b->feature.reg) ||
                                    !same_reg(a->base.reg, b->base.reg) ||
                                    a->feature.mask != b->feature.mask ||
                                    a->base.mask != b->base.mask);
        }
    }
}

/* Does @some hold the edge @dep, once? */
static bool holds(struct mig_deps some, const struct mig_dep *dep)
{
    size_t found = 0;

    for (size_t i = 0; i < some.len; i++) {
        found += same_reg(some.items[i].feature.reg, dep->feature.reg) &&
                         same_reg(some.items[i].base.reg, dep->base.reg) &&
                         some.items[i].feature.mask == dep->feature.mask &&
                         some.items[i].base.mask == dep->base.mask
                     ? 1
                     : 0;
    }
    return found == 1;
}

CHECK_TEST(each_edge_is_found_by_the_register_of_either_end)
{
    struct mig_deps deps = mig_deps_all();

    for (size_t i = 0; i < deps.len; i++) {
        const struct mig_dep *d = &deps.items[i];

        check_true(d->name, holds(mig_deps_on(mig_reg_key(d->base.reg)), d));
        check_true(d->name, holds(mig_deps_of(mig_reg_key(d->feature.reg)), d));
    }
    check_number("no edge from nowhere", 0, mig_deps_of(UINT64_MAX).len);
    check_number("no edge to nowhere", 0, mig_deps_on(UINT64_MAX).len);
}

CHECK_TEST(well_known_edges_are_there)
{
    static const struct {
        const char *feature, *base;
        bool there;
    } cases[] = {
        {"avx2",            "avx",                true },
        {"avx",             "xsave",              true },
        {"avx512f",         "xcr0_avx512_opmask", true },
        {"amx_tile",        "xcr0_tiledata",      true },
        {"mpx",             "xcr0_mpx_bndregs",   true },
        {"xcr0_tiledata",   "xcr0_tileconfig",    true },
        {"xcr0_tileconfig", "xcr0_tiledata",      true }, /* both or none */
        {"mds_no",          "arch_capabilities",  true },
        {"vmx_ept",         "vmx",                false}, /* by its word */
        {"spec_ctrl_ssbd",  "spec_ctrl",          false}, /* AMD shows it alone */
        {"tsxldtrk",        "rtm",                false}, /* so do Intel's clouds */
        {"cmov",            "fxsr",               false},
    };
    struct mig_deps deps = mig_deps_all();

    CHECK_EACH (c, cases) {
        const struct mig_field *base = mig_field_find(c->base);
        bool there = false;

        for (size_t i = 0; i < deps.len; i++) {
            there |= strcmp(deps.items[i].name, c->feature) == 0 &&
                     same_reg(deps.items[i].base.reg, base->reg) &&
                     deps.items[i].base.mask == mig_bits_mask(base->hi, base->lo);
        }
        check_number(c->feature, c->there, there);
    }
}

CHECK_MAIN(cmocka_unit_test(each_end_of_an_edge_lies_in_the_table),
           cmocka_unit_test(an_edge_has_the_name_of_its_feature),
           cmocka_unit_test(no_edge_stands_twice_or_leads_to_itself),
           cmocka_unit_test(each_edge_is_found_by_the_register_of_either_end),
           cmocka_unit_test(well_known_edges_are_there))
