/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The common value of every ID register of each pair of Graviton captures
 * (golden/arm64-meets.tsv), made by independent code from the same tables of
 * Linux, and the fields in which no VMM can show it under two kernels.
 */
#include "support/check.h"

#include "base/alloc.h"
#include "base/array.h"
#include "base/bits.h"
#include "base/file.h"
#include "base/text.h"
#include "compat/merge.h"
#include "compat/settable.h"
#include "cpu/arm64_reg.h"
#include "snapshot/import.h"
#include "snapshot/onereg.h"
#include "support/golden.h"

enum { PAIR, KERNEL, NAME, ID, VALUE_A, VALUE_B, MEET, FIXED_6_12, FIXED_7_2, COLUMNS };

static struct mig_snapshot *capture(const char *cpu, const char *kernel)
{
    MIG_AUTO(mig_free)
    char *relative =
        mig_strf("data/firecracker/fingerprint_ARM_NEOVERSE_%s_%shost.json", cpu, kernel);
    MIG_AUTO(mig_free) char *path = check_shared_path(relative);
    MIG_AUTO(mig_bytes_clear) struct mig_bytes text = {0};
    struct mig_snapshot *s = NULL;
    const char *format;
    struct mig_error err;

    if (path == NULL) {
        skip();
    }
    check_done(path, mig_file_read(path, 1 << 20, &text, &err), &err);
    check_done(path, mig_import(cpu, (const char *)text.items, text.len, &s, &format, &err), &err);
    return s;
}

struct pair {
    char first[4], second[4];
    struct mig_snapshot *a, *b;
    struct mig_party parties[2];
    struct mig_result result;
};

static void pair_open(struct pair *p, const char *names, const char *kernel)
{
    struct mig_choice choice = {0};

    *p = (struct pair){0};
    memcpy(p->first, names, 2);
    memcpy(p->second, names + 3, 2);
    p->a = capture(p->first, kernel);
    p->b = capture(p->second, kernel);
    p->parties[0] = (struct mig_party){p->first, p->a};
    p->parties[1] = (struct mig_party){p->second, p->b};
    mig_baseline(p->parties, 2, &choice, &p->result);
}

static void pair_close(struct pair *p)
{
    mig_result_clear(&p->result);
    mig_snapshot_free(p->a);
    mig_snapshot_free(p->b);
}

static uint64_t hex(const char *text)
{
    uint64_t value = 0;

    assert_true(mig_text_digits(text, strlen(text), 16, UINT64_MAX, &value));
    return value;
}

static struct mig_reg reg_of(const char *id)
{
    struct mig_reg reg = {0};
    struct mig_error err;

    check_done(id, mig_onereg_from_id(hex(id + 2), &reg, &err), &err);
    reg.space = MIG_SPACE_IDREG;
    return reg;
}

static void check_meet(const struct pair *p, char **column)
{
    struct mig_reg reg = reg_of(column[ID]);
    const struct mig_word *word = mig_profile_find(p->result.profile, reg);
    MIG_AUTO(mig_free)
    char *label = mig_strf("%s %s %s", column[PAIR], column[KERNEL], column[NAME]);

    check_number(label, hex(column[VALUE_A]), mig_party_get(&p->parties[0], reg));
    check_number(label, hex(column[VALUE_B]), mig_party_get(&p->parties[1], reg));
    if (strncmp(column[MEET], "dontcare", 8) == 0) {
        check_true(label, word == NULL); /* left to the host */
    } else if (strcmp(column[MEET], "policy") == 0) {
        check_true(label, word != NULL && (word->value == hex(column[VALUE_A]) ||
                                           word->value == hex(column[VALUE_B])));
    } else {
        check_number(label, hex(column[MEET]), mig_profile_get(p->result.profile, reg));
    }
}

/* "MPAM,RAS" -> the bits of these fields */
static uint64_t bits_of(struct mig_reg reg, char *fields)
{
    uint64_t bits = 0;
    char *field;

    while ((field = strsep(&fields, ",")) != NULL && *field != '\0') {
        char name[MIG_REG_TEXT_MAX];
        MIG_AUTO(mig_free) char *id = NULL;
        const struct mig_field *f;

        mig_reg_print(reg, name);
        id = mig_strf("%s/%s", name, field);
        f = mig_field_find(id);
        if (f == NULL) {
            fail_msg("no field is called %s", id);
        }
        bits |= mig_bits_mask(f->hi, f->lo);
    }
    return bits;
}

/* The fields that some host of the pair would not show under this kernel. */
static void check_fixed(const struct pair *p, char **column, const char *kernel, char *fields)
{
    struct mig_reg reg = reg_of(column[ID]);
    MIG_AUTO(mig_free)
    char *label = mig_strf("%s %s %s under %s", column[PAIR], column[KERNEL], column[NAME], kernel);
    uint64_t refused = 0;

    if (strncmp(column[MEET], "dontcare", 8) == 0 || strcmp(column[MEET], "policy") == 0) {
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        struct mig_limit limit, under;
        struct mig_settable s;

        mig_limit_init(&limit, &p->parties[i],
                       mig_feature_of(&p->parties[0]) & mig_feature_of(&p->parties[1]));
        under = mig_limit_under(&limit, kernel);
        s = mig_settable_ask(&under, reg, hex(column[MEET]));
        refused |= s.refused;
    }
    check_number(label, bits_of(reg, fields), refused);
}

CHECK_TEST(every_register_of_every_pair_and_kernel_agrees)
{
    static const char *const pairs[] = {"N1+V1", "V1+V2", "N1+V2"};
    static const char *const kernels[] = {"5.10", "6.1"};
    size_t rows = 0;

    CHECK_EACH (names, pairs) {
        CHECK_EACH (kernel, kernels) {
            struct golden g;
            char *column[COLUMNS];
            struct pair p;

            if (!golden_open(&g, "golden/arm64-meets.tsv")) {
                skip();
            }
            pair_open(&p, *names, *kernel);
            assert_non_null(p.result.profile);
            while (golden_next(&g, column, COLUMNS)) {
                if (strcmp(column[PAIR], *names) == 0 && strcmp(column[KERNEL], *kernel) == 0) {
                    check_meet(&p, column);
                    check_fixed(&p, column, "6.12", column[FIXED_6_12]);
                    check_fixed(&p, column, "7.2", column[FIXED_7_2]);
                    rows++;
                }
            }
            pair_close(&p);
            golden_clear(&g);
        }
    }
    check_number("rows", 270, rows);
}

CHECK_TEST(what_equals_neither_value_is_met)
{
    struct pair p;
    struct mig_reg mmfr0 = mig_reg_arm64(MIG_ARM64_ID_AA64MMFR0_EL1);

    pair_open(&p, "V1+V2", "6.1");
    check_number("neither host's granules", 0x11100101125,
                 mig_profile_get(p.result.profile, mmfr0));
    pair_close(&p);
}

CHECK_MAIN(cmocka_unit_test(every_register_of_every_pair_and_kernel_agrees),
           cmocka_unit_test(what_equals_neither_value_is_met))
