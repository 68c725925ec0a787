/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/field.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/text.h"
#include "cpu/host.h"
#include "support/check.h"
#include "support/prop.h"

static const char *id_of(const struct mig_field *f)
{
    static char id[MIG_FIELD_ID_MAX];

    mig_field_print_id(f, f->reg.sub, id);
    return id;
}

static bool same_register(const struct mig_field *a, const struct mig_field *b)
{
    return mig_reg_key(a->reg) == mig_reg_key(b->reg);
}

#define EACH_ROW(f)                                                                                \
    for (const struct mig_field *f = mig_field_all().items, *end = f + mig_field_all().len;        \
         f < end; f++)

CHECK_TEST(rows_are_sorted_and_share_no_bit)
{
    struct mig_fields all = mig_field_all();

    for (size_t i = 1; i < all.len; i++) {
        const struct mig_field *f = &all.items[i], *before = f - 1;

        if (same_register(before, f)) {
            check_true(id_of(f), before->hi < f->lo && before->sub_last == f->sub_last);
        } else {
            check_true(id_of(f), mig_reg_key(before->reg) < mig_reg_key(f->reg));
        }
    }
}

CHECK_TEST(subleaf_ranges_of_one_leaf_are_equal_or_apart)
{
    struct mig_fields all = mig_field_all();

    for (size_t i = 1; i < all.len; i++) {
        const struct mig_field *f = &all.items[i], *before = f - 1;
        bool same_leaf = before->reg.space == f->reg.space && before->reg.index == f->reg.index;

        if (same_leaf) {
            check_true(id_of(f), before->reg.sub == f->reg.sub ? before->sub_last == f->sub_last
                                                               : before->sub_last < f->reg.sub);
        }
    }
}

CHECK_TEST(each_row_is_well_formed)
{
    EACH_ROW(f)
    {
        const char *id = id_of(f);

        check_true(id, f->hi >= f->lo && f->hi < mig_reg_width(f->reg));
        check_true(id, f->sub_last >= f->reg.sub);
        check_number(id, f->hi - f->lo + 1u, f->shape.width);
        check_true(id, (f->opt_in != NULL) == (f->offer == MIG_OFFER_OPT_IN));
        check_true(id, f->shape.rule < MIG_RULE_COUNT && f->class_ < MIG_CLASS_COUNT);
        check_true(id, !f->shape.has_safe || f->shape.rule == MIG_RULE_EXACT);
        check_true(id, f->shape.safe <= mig_bits_mask(f->shape.width - 1u, 0));
        /* Never offered and never to be shown are one thing, but for what KVM
         * passes on and no guest reads, and what it may show one day. */
        check_number(id, f->shape.rule == MIG_RULE_DENY, f->class_ == MIG_CLASS_ZERO);
        check_number(id, f->offer == MIG_OFFER_NEVER,
                     f->shape.rule == MIG_RULE_DENY || mig_text_starts(f->name, "rsvd_21_ecx") ||
                         mig_text_starts(f->name, "ID_AA64SMFR0_EL1.") ||
                         mig_text_starts(f->name, "ID_DFR1_EL1."));
    }
}

CHECK_TEST(each_why_is_one_sentence_without_capital_or_full_stop)
{
    EACH_ROW(f)
    {
        size_t len = strlen(f->why);

        check_true(id_of(f), len >= 10 && len <= 100);
        check_true(id_of(f), f->why[len - 1] != '.' && strstr(f->why, ". ") == NULL);
        /* An acronym may come first, a plain word may not be capitalised. */
        check_true(id_of(f), !(f->why[0] >= 'A' && f->why[0] <= 'Z' && f->why[1] >= 'a'));
    }
}

/* Rows whose bits are one bitmap: each bit is a capability by itself. */
static bool is_bitmap(const struct mig_field *f)
{
    static const char *const names[] = {
        "pmu_fcounters_bitmap", "mtc_periods_bmp", "cycle_thresholds_bmp", "psb_periods_bmp",
        "hv_evmcs_version",     "gic-types",       "vcpu-features"};

    if (f->reg.space == MIG_SPACE_CAP || strstr(f->name, "_rest_") != NULL ||
        mig_text_ends(f->name, "_BMAP.rest") || mig_text_ends(f->name, "_BMAP_2.rest")) {
        return true;
    }
    CHECK_EACH (name, names) {
        if (strcmp(f->name, *name) == 0) {
            return true;
        }
    }
    return false;
}

CHECK_TEST(each_and_row_is_one_bit_or_a_listed_bitmap)
{
    EACH_ROW(f)
    {
        bool bitwise = f->shape.rule == MIG_RULE_AND || f->shape.rule == MIG_RULE_AND_IMMUNE ||
                       f->shape.rule == MIG_RULE_OR_MITIGATION ||
                       f->shape.rule == MIG_RULE_OR_VULNERABLE ||
                       f->shape.rule == MIG_RULE_OR_INVERTED;

        check_true(id_of(f), !bitwise || f->hi == f->lo || is_bitmap(f));
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct mig_field *const *)a)->name,
                  (*(const struct mig_field *const *)b)->name);
}

#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789_"

static const char *letters_of(enum mig_space space)
{
    return space == MIG_SPACE_IDREG ? UPPER LOWER DIGITS "."
           : space == MIG_SPACE_CAP ? UPPER DIGITS
                                    : LOWER DIGITS "-";
}

CHECK_TEST(names_are_unique_and_no_numbers)
{
    struct mig_fields all = mig_field_all();
    const struct mig_field **sorted = mig_alloc(all.len, sizeof *sorted);

    for (size_t i = 0; i < all.len; i++) {
        const char *name = all.items[i].name;

        check_true(name, name[strspn(name, letters_of(all.items[i].reg.space))] == '\0');
        check_true(name, name[strspn(name, "0123456789abcdef")] != '\0' ||
                             all.items[i].reg.space < MIG_SPACE_CAP);
        sorted[i] = &all.items[i];
    }
    qsort(sorted, all.len, sizeof *sorted, by_name);
    for (size_t i = 1; i < all.len; i++) {
        check_true(sorted[i]->name, strcmp(sorted[i - 1]->name, sorted[i]->name) != 0);
    }
    mig_free(sorted);
}

CHECK_TEST(each_row_is_found_by_register_by_name_and_by_id)
{
    EACH_ROW(f)
    {
        for (unsigned sub = f->reg.sub; sub <= f->sub_last; sub++) {
            struct mig_reg reg = f->reg;
            struct mig_fields here;
            char id[MIG_FIELD_ID_MAX];

            reg.sub = (uint16_t)sub;
            here = mig_field_of(reg);
            mig_field_print_id(f, reg.sub, id);
            check_true(id, here.len > 0 && f >= here.items && f < here.items + here.len);
            check_true(id,
                       same_register(here.items, f) && same_register(&here.items[here.len - 1], f));
            check_true(id, mig_field_find(id) == f);
            check_number(id, mig_bits_mask(f->hi, f->lo),
                         mig_field_classified(reg) & mig_bits_mask(f->hi, f->lo));
        }
        check_true(f->name, mig_field_find(f->name) == f);
    }
}

CHECK_TEST(ids_read_like_manuals)
{
    static const struct {
        const char *name, *id;
    } cases[] = {
        {"avx2",                 "x86/cpuid/7.0/ebx/5"          },
        {"phys_addr_bits",       "x86/cpuid/80000008.0/eax/7:0" },
        {"xsave_sz",             "x86/cpuid/d.2/eax/31:0"       },
        {"hv_synic",             "x86/cpuid-hv/40000003.0/eax/2"},
        {"fb_clear",             "x86/msr/10a/17"               },
        {"vmx_cr0_fixed0",       "x86/msr/486/63:0"             },
        {"NESTED_STATE",         "kvm/cap/NESTED_STATE"         },
        {"tsc-khz",              "host/tsc-khz"                 },
        {"ID_AA64ISAR0_EL1.AES", "arm64/ID_AA64ISAR0_EL1/AES"   },
        {"MIDR_EL1.PartNum",     "arm64/MIDR_EL1/PartNum"       },
        {"CTR_EL0.IDC",          "arm64/CTR_EL0/IDC"            },
        {"PSCI_VERSION.version", "arm64/PSCI_VERSION/version"   },
    };

    CHECK_EACH (c, cases) {
        const struct mig_field *f = mig_field_find(c->name);

        check_true(c->name, f != NULL);
        check_text(c->name, c->id, id_of(f));
        check_true(c->id, mig_field_find(c->id) == f);
    }
}

CHECK_TEST(what_no_row_covers_is_not_found)
{
    static const char *const cases[] = {
        "",
        "/",
        "avx3",
        "AVX2",
        "x86/cpuid/7.0/ebx",
        "x86/cpuid/7.0/ebx/",
        "x86/cpuid/7.0/ebx/05",
        "x86/cpuid/7.0/ebx/5:5",
        "x86/cpuid/7.0/ebx/5/5",
        "x86/cpuid/7.0/ebx/32",
        "x86/cpuid/7.0/ecx/15",
        "x86/cpuid/7.3/eax/0",
        "x86/cpuid/d.40/eax/31:0",
        "x86/cpuid/ffffffff.ffff/edx/31",
        "x86/cpuid-bare/7.0/ebx/5",
        "x86/msr/0/0",
        "x86/msr/10a/63",
        "x86/msr-list/10a",
        "kvm/cap/NESTED_STATE/0",
        "kvm/cap/fff",
        "host/1234",
        "arm64/603000000013c042/7:4",
        "arm64/603000000013c030/AES",
        "arm64/ID_AA64ISAR0_EL1",
        "arm64/ID_AA64ISAR0_EL1/",
        "arm64/ID_AA64ISAR0_EL1/7:4",
        "arm64/ID_AA64ISAR0_EL1/aes",
        "arm64/ID_AA64ISAR0_EL1/AES/",
        "arm64/writable/ID_AA64ISAR0_EL1/AES",
        "arm64/reg-list/ID_AA64ISAR0_EL1",
        "ID_AA64ISAR0_EL1",
        "ID_AA64ISAR0_EL1.",
        "ID_AA64ISAR0_EL1.PMULL",
        ".AES",
    };
    char longest[1000];

    CHECK_EACH (c, cases) {
        check_true(*c, mig_field_find(*c) == NULL);
    }
    memset(longest, '/', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    check_true("slashes", mig_field_find(longest) == NULL);
}

/* The slow way round, over every row. */
CHECK_TEST(any_register_finds_exactly_its_rows)
{
    struct mig_fields all = mig_field_all();
    unsigned runs = prop_runs(1000) * 10;
    struct prop p;

    prop_init(&p, "any register finds exactly its rows");
    for (unsigned i = 0; i < runs; i++) {
        struct mig_reg reg = all.items[prop_below(&p, all.len)].reg;
        struct mig_fields here;
        size_t expected = 0;
        char text[MIG_REG_TEXT_MAX];

        reg.space =
            prop_once_in(&p, 8) ? (enum mig_space)prop_below(&p, MIG_SPACE_COUNT) : reg.space;
        reg.index += (uint32_t)prop_below(&p, 3) - 1;
        reg.sub = (uint16_t)prop_below(&p, prop_once_in(&p, 4) ? 65536 : 70);
        reg.part = (enum mig_part)prop_below(&p, 4);
        mig_reg_print(reg, text);
        here = mig_field_of(reg);
        for (size_t j = 0; j < all.len; j++) {
            const struct mig_field *f = &all.items[j];

            if (f->reg.space == reg.space && f->reg.index == reg.index && f->reg.part == reg.part &&
                f->reg.sub <= reg.sub && reg.sub <= f->sub_last) {
                check_true(text, expected < here.len && &here.items[expected] == f);
                expected++;
            }
        }
        check_number(text, expected, here.len);
    }
}

CHECK_TEST(values_are_cut_out_and_put_back)
{
    const struct mig_field *f = mig_field_find("phys_addr_bits");

    check_number("get", 46, mig_field_get(f, 0x302e));
    check_number("put", 0x3027, mig_field_put(f, 0x302e, 39));
    f = mig_field_find("vmx_cr0_fixed0");
    check_number("whole word", ~UINT64_C(0), mig_field_get(f, ~UINT64_C(0)));
    check_number("whole word", 5, mig_field_put(f, ~UINT64_C(0), 5));
}

CHECK_TEST(a_flag_is_one_bit_that_a_feature_list_would_name)
{
    static const struct {
        const char *name;
        bool flag;
    } cases[] = {
        {"avx2",           true },
        {"mds_no",         true },
        {"md_clear",       true },
        {"rsba",           true },
        {"zero_fcs_fds",   true },
        {"monitor",        true },
        {"ds_cpl",         true },
        {"vmx_ept",        true },
        {"constant_tsc",   true },
        {"osxsave",        false},
        {"ht",             false},
        {"phys_addr_bits", false},
        {"is_xss_bit",     false},
        {"tsc-scaling",    false},
        {"XSAVE",          false},
    };

    CHECK_EACH (c, cases) {
        const struct mig_field *f = mig_field_find(c->name);

        check_true(c->name, f != NULL);
        check_number(c->name, c->flag, mig_field_is_flag(f));
    }
}

CHECK_TEST(offers_and_classes_have_names)
{
    check_text("offer", "opt-in", mig_offer_name(MIG_OFFER_OPT_IN));
    check_text("class", "immunity", mig_class_name(MIG_CLASS_IMMUNE));
    for (unsigned i = 0; i < MIG_CLASS_COUNT; i++) {
        check_true("class", mig_class_name((enum mig_class)i) != NULL);
    }
}

CHECK_MAIN(cmocka_unit_test(rows_are_sorted_and_share_no_bit),
           cmocka_unit_test(subleaf_ranges_of_one_leaf_are_equal_or_apart),
           cmocka_unit_test(each_row_is_well_formed),
           cmocka_unit_test(each_why_is_one_sentence_without_capital_or_full_stop),
           cmocka_unit_test(each_and_row_is_one_bit_or_a_listed_bitmap),
           cmocka_unit_test(names_are_unique_and_no_numbers),
           cmocka_unit_test(each_row_is_found_by_register_by_name_and_by_id),
           cmocka_unit_test(ids_read_like_manuals),
           cmocka_unit_test(what_no_row_covers_is_not_found),
           cmocka_unit_test(any_register_finds_exactly_its_rows),
           cmocka_unit_test(values_are_cut_out_and_put_back),
           cmocka_unit_test(a_flag_is_one_bit_that_a_feature_list_would_name),
           cmocka_unit_test(offers_and_classes_have_names))
