/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words in which XenServer's levelling of two real hosts is not a plain
 * AND of theirs, or they differ at all (golden/x86-xen-levelled.tsv): it adds
 * mitigations that some host needs, derives RSBA and RRSBA, and drops what
 * lost its base.  Where ours is meant to differ, the reason is a row of
 * differences[] below.
 */
#include "support/check.h"

#include "base/alloc.h"
#include "base/text.h"
#include "compat/negotiate.h"
#include "support/golden.h"

enum { A, B, KERNEL, WORD, VALUE_A, VALUE_B, AND, LEVELLED, ADDED, DROPPED, COLUMNS };

static const struct {
    const char *word;
    uint64_t xen_only, ours_only;
    const char *why;
} differences[] = {
    {"0x7.0.edx", 0, 1u << 16,
     "TSXLDTRK without RTM: Sapphire and Granite Rapids with TSX off are that way, so levelling "
     "such a host with itself must not take it away"},
};

/* Which of them some row needed. */
static bool used[sizeof differences / sizeof *differences];

static uint64_t number(const char *text)
{
    uint64_t value = 0;

    if (!mig_text_to_u64(text, UINT64_MAX, &value)) {
        fail_msg("'%s' is no number", text);
    }
    return value;
}

/* "msr.0x10a.lo" and ".hi" are the halves of one word. */
static uint64_t half(const char *word, uint64_t value)
{
    size_t len = strlen(word);

    if (strncmp(word, "msr.", 4) != 0) {
        return value;
    }
    return strcmp(word + len - 3, ".hi") == 0 ? value >> 32 : value & UINT32_MAX;
}

static struct mig_reg reg_of(const char *word)
{
    MIG_AUTO(mig_free) char *whole = mig_strdup(word);

    if (strncmp(word, "msr.", 4) == 0) {
        *strrchr(whole, '.') = '\0';
    }
    return golden_reg(whole);
}

static void explain(const char *label, const char *word, uint64_t xen, uint64_t ours)
{
    uint64_t xen_only = xen & ~ours, ours_only = ours & ~xen;

    for (size_t i = 0; i < sizeof differences / sizeof *differences; i++) {
        if (strcmp(differences[i].word, word) == 0) {
            used[i] = used[i] || (xen_only & differences[i].xen_only) != 0 ||
                      (ours_only & differences[i].ours_only) != 0;
            xen_only &= ~differences[i].xen_only;
            ours_only &= ~differences[i].ours_only;
        }
    }
    if ((xen_only | ours_only) != 0) {
        fail_msg("%s: Xen's level 0x%llx, profile 0x%llx, and no reason is given for it", label,
                 (unsigned long long)xen, (unsigned long long)ours);
    }
}

static void check_row(char **column, const struct mig_snapshot *a, const struct mig_snapshot *b)
{
    MIG_AUTO(mig_free)
    char *label = mig_strf("%s + %s %s %s", column[A], column[B], column[KERNEL], column[WORD]);
    struct mig_party parties[2] = {
        {column[A], a},
        {column[B], b}
    };
    struct mig_reg reg = reg_of(column[WORD]);
    struct mig_choice choice = {0};
    uint64_t value_a, value_b;
    struct mig_result result;

    (void)mig_snapshot_get(a, reg, &value_a);
    (void)mig_snapshot_get(b, reg, &value_b);
    /* The table was made from the same evidence ... */
    check_number(label, number(column[VALUE_A]), half(column[WORD], value_a));
    check_number(label, number(column[VALUE_B]), half(column[WORD], value_b));
    check_number(label, number(column[AND]), half(column[WORD], value_a & value_b));
    /* ... and the hosts are levelled to the same word. */
    mig_baseline(parties, 2, &choice, &result);
    if (result.profile == NULL) {
        fail_msg("%s: no common profile", label);
    } else {
        explain(label, column[WORD], number(column[LEVELLED]),
                half(column[WORD], mig_profile_get(result.profile, reg)));
    }
    mig_result_clear(&result);
}

CHECK_TEST(every_word_that_xen_levels_agrees_or_says_why)
{
    size_t compared = 0, without_capture = 0, added = 0, dropped = 0;
    char *column[COLUMNS];
    struct golden g;

    if (!golden_open(&g, "golden/x86-xen-levelled.tsv")) {
        skip();
    }
    while (golden_next(&g, column, COLUMNS)) {
        MIG_AUTO(mig_snapshot_free)
        struct mig_snapshot *a = golden_host(column[A], column[KERNEL]);
        MIG_AUTO(mig_snapshot_free)
        struct mig_snapshot *b = golden_host(column[B], column[KERNEL]);

        if (a == NULL || b == NULL) {
            without_capture++;
            continue;
        }
        check_row(column, a, b);
        compared++;
        added += strcmp(column[ADDED], "-") != 0;
        dropped += strcmp(column[DROPPED], "-") != 0;
    }
    golden_clear(&g);
    check_number("rows compared", 40, compared);
    check_number("rows of hosts without a capture", 0, without_capture);
    check_number("rows with an added bit", 4, added);
    check_number("rows with a dropped bit", 2, dropped);
    for (size_t i = 0; i < sizeof differences / sizeof *differences; i++) {
        check_true(differences[i].why, used[i]);
    }
}

CHECK_MAIN(cmocka_unit_test(every_word_that_xen_levels_agrees_or_says_why))
