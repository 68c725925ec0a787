/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/listing.h"

#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "cpu/arm64_core.h"
#include "cpu/arm64_reg.h"
#include "snapshot/onereg.h"

#define BETWEEN_WORDS ", "
#define BETWEEN_NUMBERS "/"
#define WORD_MAX 64
#define FORM "%s, separated by commas or spaces"

static bool is_cpu(const struct mig_listed *l)
{
    return mig_arm64_core_is_midr(l->numbers[0]);
}

static void print_cpu(const struct mig_listed *l, struct mig_text *ret)
{
    char core[MIG_ARM64_CORE_MAX];

    mig_arm64_core_print(l->numbers[0], core);
    mig_text_addf(ret, "%s/0x%llx/0x%llx", core, (unsigned long long)l->numbers[1],
                  (unsigned long long)l->numbers[2]);
}

static bool is_register(const struct mig_listed *l)
{
    struct mig_reg reg;
    struct mig_error err;

    return mig_onereg_from_id(l->numbers[0], &reg, &err);
}

static void print_register(const struct mig_listed *l, struct mig_text *ret)
{
    const char *name = NULL;
    struct mig_reg reg;
    struct mig_error err;

    if (mig_onereg_from_id(l->numbers[0], &reg, &err)) {
        name = mig_arm64_reg_name(reg);
    }
    mig_text_addf(ret, name != NULL ? "0x%llx (%s)" : "0x%llx", (unsigned long long)l->numbers[0],
                  name);
}

static const struct row {
    const char *name;
    size_t numbers;
    bool (*check)(const struct mig_listed *l);
    void (*print)(const struct mig_listed *l, struct mig_text *ret);
    const char *expected;
} rows[] = {
#define LISTING(constant, name, numbers, check, print, expected)                                   \
    [MIG_LISTING_##constant] = {name, numbers, check, print, expected},
#include "snapshot/listing.def"
};

const char *mig_listing_name(enum mig_listing which)
{
    return rows[which].name;
}

static const struct row *find(const char *name)
{
    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

/* The next word of *@list, which moves behind it; false: none is left. */
static bool next_word(const char **list, const char **ret, size_t *ret_len)
{
    *ret = *list + strspn(*list, BETWEEN_WORDS);
    *ret_len = strcspn(*ret, BETWEEN_WORDS);
    *list = *ret + *ret_len;
    return *ret_len > 0;
}

static bool parse(const struct row *row, const char *word, size_t len, struct mig_listed *ret)
{
    char copy[WORD_MAX], *rest = copy;
    struct mig_listed l = {0};

    if (len >= sizeof copy) {
        return false;
    }
    memcpy(copy, word, len);
    copy[len] = '\0';
    for (size_t i = 0; i < row->numbers; i++) {
        const char *number = strsep(&rest, BETWEEN_NUMBERS);

        if (number == NULL || !mig_text_to_u64(number, UINT64_MAX, &l.numbers[i])) {
            return false;
        }
    }
    *ret = l;
    return rest == NULL && row->check(&l);
}

bool mig_listing_check(const struct mig_fact *fact, struct mig_error *err)
{
    const struct row *row = find(fact->name);
    const char *list = fact->value, *word;
    struct mig_listed l;
    size_t len;
    bool any = false;

    if (row == NULL || list == NULL) {
        return true;
    }
    for (; next_word(&list, &word, &len); any = true) {
        if (!parse(row, word, len, &l)) {
            return mig_fail(err, MIG_FORMAT, "fact %s: '%.*s': expected " FORM, row->name,
                            (int)(len < WORD_MAX ? len : WORD_MAX), word, row->expected);
        }
    }
    return any ||
           mig_fail(err, MIG_FORMAT, "fact %s: is empty: expected " FORM, row->name, row->expected);
}

bool mig_listing_has(const struct mig_snapshot *s, enum mig_listing which,
                     const struct mig_listed *wanted)
{
    const char *list = mig_snapshot_fact(s, rows[which].name), *word;
    struct mig_listed l;
    size_t len;

    while (list != NULL && next_word(&list, &word, &len)) {
        if (parse(&rows[which], word, len, &l) && memcmp(&l, wanted, sizeof l) == 0) {
            return true;
        }
    }
    return false;
}

bool mig_listing_print(const struct mig_fact *fact, struct mig_text *ret)
{
    const struct row *row = find(fact->name);
    const char *list = fact->value, *word;
    struct mig_listed l;
    size_t len;

    if (row == NULL || list == NULL) {
        return false;
    }
    while (next_word(&list, &word, &len)) {
        if (parse(row, word, len, &l)) {
            mig_text_add(ret, ret->len > 0 ? ", " : "");
            row->print(&l, ret);
        }
    }
    return true;
}
