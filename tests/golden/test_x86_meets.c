/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The common profile of each pair of real captures, of two CPUs
 * (golden/x86-meets.tsv) or of one under two kernels (x86-kernel-meets.tsv),
 * against an independent plain AND of their words.  Where ours is meant to
 * differ, the reason is a row of differences[] below.
 */
#include "support/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/file.h"
#include "base/text.h"
#include "compat/negotiate.h"
#include "support/snapshots.h"

enum { A, B, KERNEL_A, KERNEL_B, SCOPE, WORD, VALUE_A, VALUE_B, MEET, COLUMNS = 16 };

/* Bits of a word that the plain AND leaves and no profile of ours may show,
 * or the other way round. */
static const struct {
    const char *word;
    uint64_t and_only, ours_only;
    const char *why;
} differences[] = {
    {"0x7.0.ebx",        1u << 14,           0,                   "MPX is an opt-in: state that only some hosts can hold"  },
    {"0xd.0.eax",        3u << 3,            0,                   "the MPX state components go with MPX"                   },
    {"0x7.0.ebx",        0,                  1u << 6 | 1u << 13,
     "FDP_EXCPTN_ONLY and ZERO_FCS_FDS are inverted: set says that something is gone, so the "
     "union is what a guest may rely on"                                                                                   },
    {"msr.0x10a",        0,                  1u << 2 | 1u << 19,
     "RSBA and RRSBA announce a vulnerability: a guest that may run on a vulnerable host must "
     "see it"                                                                                                              },
    {"msr.0x10a",        0,                  1u << 17 | 1u << 28,
     "FB_CLEAR and RFDS_CLEAR may be shown wherever the host is immune, and must where not"                                },
    {"0x7.0.edx",        0,                  1u << 10,            "MD_CLEAR likewise"                                      },
    {"0x80000001.0.ecx", 1u << 1 | 1u << 22, 0,
     "CMP_LEGACY and TOPOEXT describe topology, which the VMM builds for each vCPU"                                        },
    {"0x80000001.0.ecx", 1u << 23,           0,                   "PERFCTR_CORE belongs to the vPMU, an opt-in"            },
    {"0x80000021.0.ecx", 3u << 13,           0,                   "reserved bits that kernel 5.10 passes on; never offered"},
};

static uint64_t word_of(const struct mig_profile *p, const char *word)
{
    static const struct {
        const char *name;
        uint32_t leaf;
        enum mig_part part;
        unsigned hi, lo;
    } numeric[] = {
        {"max_basic_leaf",          0,          MIG_EAX, 31, 0 },
        {"max_extd_leaf",           0x80000000, MIG_EAX, 31, 0 },
        {"max_subleaf_7",           7,          MIG_EAX, 31, 0 },
        {"maxphysaddr",             0x80000008, MIG_EAX, 7,  0 },
        {"maxlinaddr",              0x80000008, MIG_EAX, 15, 8 },
        {"guest_maxphysaddr",       0x80000008, MIG_EAX, 23, 16},
        {"xsave_size_all(d.0.ecx)", 0xd,        MIG_ECX, 31, 0 },
    };
    struct mig_error err;
    struct mig_reg reg;
    char text[64];

    CHECK_EACH (row, numeric) {
        if (strcmp(row->name, word) == 0) {
            return mig_bits_get(mig_profile_get(p, mig_reg_cpuid(row->leaf, 0, row->part)), row->hi,
                                row->lo);
        }
    }
    if (strcmp(word, "msr.0x10a") == 0) {
        return mig_profile_get(p, mig_reg_msr(0x10a));
    }
    (void)snprintf(text, sizeof text, "x86/cpuid/%s", word + strlen("0x"));
    *strrchr(text, '.') = '/';
    check_done(word, mig_reg_parse(text, &reg, &err), &err);
    return mig_profile_get(p, reg);
}

/* "INTEL_ICELAKE", "6.1" -> the snapshot intel-icelake-6.1 */
static struct mig_snapshot *host_of(const char *name, const char *kernel)
{
    MIG_AUTO(mig_free) char *file = mig_strf("%s-%s", name, kernel);

    for (char *p = file; *p != '\0'; p++) {
        *p = (char)(*p == '_' ? '-' : *p >= 'A' && *p <= 'Z' ? *p + ('a' - 'A') : *p);
    }
    return snapshot_host(file);
}

static void explain(const char *label, const char *word, uint64_t meet, uint64_t ours)
{
    uint64_t and_only = meet & ~ours, ours_only = ours & ~meet;

    CHECK_EACH (row, differences) {
        if (strcmp(row->word, word) == 0) {
            and_only &= ~row->and_only;
            ours_only &= ~row->ours_only;
        }
    }
    if ((and_only | ours_only) != 0) {
        fail_msg("%s: plain AND 0x%llx, profile 0x%llx, and no reason is given for it", label,
                 (unsigned long long)meet, (unsigned long long)ours);
    }
}

/* Numbers: a highest leaf may be lower than the plain minimum, since nothing
 * is left up there; the XSAVE area shrinks with its components. */
static void check_numeric(const char *label, const char *word, uint64_t meet, uint64_t ours)
{
    bool shrinks = strncmp(word, "max_", 4) == 0 || strncmp(word, "xsave", 5) == 0;

    if (ours != meet &&
        !(shrinks && ours < meet && (ours != 0 || strstr(word, "subleaf") != NULL))) {
        check_number(label, meet, ours);
    }
}

static void check_row(char **column)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *a = host_of(column[A], column[KERNEL_A]);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *b = host_of(column[B], column[KERNEL_B]);
    MIG_AUTO(mig_free)
    char *label = mig_strf("%s %s + %s %s %s", column[A], column[KERNEL_A], column[B],
                           column[KERNEL_B], column[WORD]);
    struct mig_party parties[2] = {
        {column[A], a},
        {column[B], b}
    };
    struct mig_choice choice = {0};
    struct mig_result result;
    uint64_t meet, ours;

    assert_true(mig_text_to_u64(column[MEET], UINT64_MAX, &meet));
    mig_baseline(parties, 2, &choice, &result);
    assert_non_null(result.profile);
    ours = word_of(result.profile, column[WORD]);
    if (strcmp(column[SCOPE], "numeric") == 0) {
        check_numeric(label, column[WORD], meet, ours);
    } else {
        explain(label, column[WORD], meet, ours);
    }
    mig_result_clear(&result);
}

static size_t check_table(const char *name)
{
    MIG_AUTO(mig_free) char *path = check_shared_path(name);
    MIG_AUTO(mig_bytes_clear) struct mig_bytes file = {0};
    struct mig_error err;
    size_t rows = 0;
    char *rest, *line;

    if (path == NULL) {
        skip();
    }
    check_done(name, mig_file_read(path, 1 << 20, &file, &err), &err);
    rest = (char *)file.items;
    (void)strsep(&rest, "\n");
    while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
        char *column[COLUMNS] = {0};

        for (size_t i = 0; i < COLUMNS; i++) {
            column[i] = strsep(&line, "\t");
        }
        check_row(column);
        rows++;
    }
    return rows;
}

CHECK_TEST(every_word_of_every_pair_agrees_or_says_why)
{
    check_number("rows", 207, check_table("golden/x86-meets.tsv"));
}

CHECK_TEST(every_word_of_one_cpu_under_two_kernels_agrees_or_says_why)
{
    check_number("rows", 149, check_table("golden/x86-kernel-meets.tsv"));
}

CHECK_MAIN(cmocka_unit_test(every_word_of_every_pair_agrees_or_says_why),
           cmocka_unit_test(every_word_of_one_cpu_under_two_kernels_agrees_or_says_why))
