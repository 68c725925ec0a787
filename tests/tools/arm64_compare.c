/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is what we predict what the kernel said?
 *
 *   arm64_compare HOST.json < ANSWERS
 *
 * HOST.json: the agent's snapshot of a host.  ANSWERS: what arm64_restore said on
 * it.  Prints each answer that was predicted otherwise, and what a guest saw
 * otherwise than written, then a count; exit status 1 when there was one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/text.h"
#include "compat/settable.h"
#include "cpu/arm64_reg.h"
#include "session/evidence.h"
#include "snapshot/builder.h"

#define WORDS 6
#define INIT_SVE (UINT64_C(1) << 4)
#define INIT_PSCI (UINT64_C(1) << 2)

/* "FILE set ID VALUE ANSWER READS" */
struct line {
    char *text, *words[WORDS];
    uint64_t id, value;
};

struct lines {
    struct line *items;
    size_t len, cap;
};

struct host {
    struct mig_party party;
    size_t answers, different, changed, seen;
};

static const struct {
    uint64_t init;
} features[] = {
#define FEATURE(id, name, bits) {bits},
#define TELLS(...)
#define PART(...)
#define SAVED(...)
#include "compat/vcpu_feature.def"
};

static struct mig_reg reg_of(uint64_t id)
{
    return (struct mig_reg){MIG_SPACE_IDREG, (uint32_t)id, (uint16_t)(id >> 52 & 0xf), MIG_EAX};
}

static uint64_t item(const struct host *h, enum mig_host_item item)
{
    uint64_t value = 0;

    (void)mig_snapshot_get(h->party.snapshot, mig_reg_plain(MIG_SPACE_HOST, (uint32_t)item),
                           &value);
    return value;
}

static const char *word_of(enum mig_answer answer)
{
    switch (answer) {
    case MIG_ANSWER_TAKES:
    case MIG_ANSWER_REWRITES:
    case MIG_ANSWER_IGNORES:
        return "0";
    case MIG_ANSWER_EINVAL:
        return "EINVAL";
    case MIG_ANSWER_ENOENT:
        return "ENOENT";
    case MIG_ANSWER_UNKNOWN:
        break;
    }
    return "unknown";
}

static void compare(struct host *h, const struct line *l, const char *answer, const char *reads)
{
    bool same = strcmp(answer, l->words[WORDS - 2]) == 0 &&
                (reads == NULL || strcmp(reads, l->words[WORDS - 1]) == 0);

    h->answers++;
    h->different += !same;
    if (!same) {
        printf("%s %s %s %s: said %s %s, predicted %s %s\n", l->words[0], l->words[1], l->words[2],
               l->words[3], l->words[WORDS - 2], l->words[WORDS - 1], answer,
               reads == NULL ? "" : reads);
    }
}

static void compare_features(struct host *h, const struct line *l)
{
    bool has = (l->value & ~(item(h, MIG_HOST_VCPU_FEATURES) | INIT_PSCI)) == 0;

    compare(h, l, has ? "0" : "EINVAL", NULL);
}

static void compare_lengths(struct host *h, const struct line *l)
{
    bool can = mig_settable_is_vl_set(item(h, MIG_HOST_SVE_VQS), l->value);

    compare(h, l, can ? "0" : "EINVAL", NULL);
}

static void compare_write(struct host *h, const struct mig_limit *limit, const struct line *l)
{
    struct mig_settable got = mig_settable_ask(limit, reg_of(l->id), l->value);
    char reads[32];

    (void)snprintf(reads, sizeof reads, "0x%" PRIx64, got.reads);
    h->changed += mig_settable_is_taken(&got) && got.reads != l->value;
    compare(h, l, word_of(got.answer), got.answer == MIG_ANSWER_ENOENT ? "-" : reads);
}

/* Without an interrupt controller, as the guest is run, KVM may hide its
 * interface when the guest starts.  Kernels without masks do not stand between
 * a guest and CTR_EL0: where the caches imply IDC and the processor does not say
 * so, only the kernel does. */
static uint64_t kept_when_run(const struct host *h, uint64_t id)
{
    size_t masks;

    switch ((uint32_t)id) {
    case MIG_ARM64_ID_AA64PFR0_EL1:
        return ~MIG_ARM64_MASK(ID_AA64PFR0_EL1, GIC);
    case MIG_ARM64_ID_PFR1_EL1:
        return ~MIG_ARM64_MASK(ID_PFR1_EL1, GIC);
    case MIG_ARM64_CTR_EL0:
        (void)mig_snapshot_space(h->party.snapshot, MIG_SPACE_IDREG_MASK, &masks);
        return masks == 0 ? ~MIG_ARM64_MASK(CTR_EL0, IDC) : ~UINT64_C(0);
    default:
        return ~UINT64_C(0);
    }
}

/* Did the guest see what was written? */
static void compare_seen(struct host *h, const struct line *seen, const struct line *lines,
                         size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (strcmp(lines[i].words[1], "set") == 0 && lines[i].id == seen->id) {
            h->seen++;
            if (((lines[i].value ^ seen->value) & kept_when_run(h, seen->id)) == 0) {
                return;
            }
            break;
        }
    }
    h->different++;
    printf("%s: the guest saw %s in %s\n", seen->words[0], seen->words[3], seen->words[2]);
}

/* What was restored, as the party that it came from. */
static struct mig_snapshot *snapshot_of(const struct line *lines, size_t len)
{
    struct mig_builder *b = mig_builder_new(MIG_ARCH_ARM64);
    struct mig_snapshot *s = NULL;
    struct mig_error err;

    mig_builder_cover(b, MIG_GROUP_IDREG, MIG_COVER_FULL, 0, "arm64_restore");
    for (size_t i = 0; i < len; i++) {
        if (strcmp(lines[i].words[1], "set") == 0) {
            mig_builder_set(b, reg_of(lines[i].id), lines[i].value);
        }
    }
    if (!mig_builder_freeze(b, &s, &err)) {
        (void)fprintf(stderr, "%s: %s\n", lines[0].words[0], err.msg);
    }
    mig_builder_free(b);
    return s;
}

static unsigned features_of(const struct line *lines, size_t len)
{
    unsigned set = 0;

    for (size_t i = 0; i < len; i++) {
        for (size_t j = 0; strcmp(lines[i].words[1], "features") == 0 && j < MIG_COUNT(features);
             j++) {
            set |= (lines[i].value & features[j].init) != 0 ? 1U << j : 0;
        }
    }
    return set;
}

/* All lines of one file. */
static void compare_file(struct host *h, const struct line *lines, size_t len)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = snapshot_of(lines, len);
    struct mig_party source = {.name = lines[0].words[0], .snapshot = s};
    struct mig_limit limit;

    if (s == NULL) {
        h->different++;
        return;
    }
    mig_limit_init(&limit, &h->party, features_of(lines, len));
    limit.same_cpu = mig_limit_is_one_cpu(&source, &h->party);
    for (size_t i = 0; i < len; i++) {
        if (strcmp(lines[i].words[1], "features") == 0) {
            compare_features(h, &lines[i]);
        } else if (strcmp(lines[i].words[1], "vls") == 0) {
            compare_lengths(h, &lines[i]);
        } else if (strcmp(lines[i].words[1], "set") == 0) {
            compare_write(h, &limit, &lines[i]);
        } else if (strcmp(lines[i].words[1], "seen") == 0) {
            compare_seen(h, &lines[i], lines, len);
        }
    }
}

/* Words in the places of a "set" line, whichever line it is. */
static bool parse(char *text, struct line *ret)
{
    static char none[] = "";
    char *rest = text, *word;
    size_t n = 0;
    bool is_set;

    *ret = (struct line){.text = text};
    for (size_t i = 0; i < WORDS; i++) {
        ret->words[i] = none;
    }
    while (n < WORDS && (word = strsep(&rest, " \n")) != NULL && *word != '\0') {
        ret->words[n++] = word;
    }
    if (n < 4) {
        return false;
    }
    is_set = strcmp(ret->words[1], "set") == 0 || strcmp(ret->words[1], "seen") == 0;
    if (!is_set) { /* FILE features VALUE ANSWER */
        ret->words[4] = ret->words[3];
        ret->words[3] = ret->words[2];
        ret->words[2] = none;
    }
    return (!is_set || mig_text_to_u64(ret->words[2], UINT64_MAX, &ret->id)) &&
           mig_text_to_u64(ret->words[3], UINT64_MAX, &ret->value);
}

static bool read_lines(struct lines *ret)
{
    char *text = NULL;
    size_t size = 0;
    ssize_t got;

    while ((got = getline(&text, &size, stdin)) > 0) {
        if (ret->len == ret->cap) {
            ret->cap = ret->cap == 0 ? 1024 : ret->cap * 2;
            ret->items = mig_resize(ret->items, ret->cap, sizeof *ret->items);
        }
        if (!parse(mig_strdup(text), &ret->items[ret->len++])) {
            (void)fprintf(stderr, "not an answer: %s\n", text);
            mig_free(text);
            return false;
        }
    }
    mig_free(text);
    return true;
}

static size_t end_of_file(const struct lines *all, size_t first)
{
    size_t end = first;

    while (end < all->len && strcmp(all->items[end].words[0], all->items[first].words[0]) == 0) {
        end++;
    }
    return end;
}

int main(int argc, char **argv)
{
    struct mig_evidence e = {0};
    struct lines all = {0};
    struct host h = {0};
    struct mig_error err;

    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s HOST.json < ANSWERS\n", argv[0]);
        return 2;
    }
    if (!mig_evidence_read(NULL, argv[1], 0, &e, &err)) {
        (void)fprintf(stderr, "%s\n", err.msg);
        return 2;
    }
    if (!read_lines(&all)) {
        return 2;
    }
    h.party = (struct mig_party){.name = e.name, .snapshot = e.snapshot};
    for (size_t i = 0, end; i < all.len; i = end) {
        end = end_of_file(&all, i);
        compare_file(&h, &all.items[i], end - i);
    }
    printf("%s: %zu answers, %zu taken and changed, %zu seen by guests, %zu otherwise\n", e.name,
           h.answers, h.changed, h.seen, h.different);
    for (size_t i = 0; i < all.len; i++) {
        mig_free(all.items[i].text);
    }
    mig_free(all.items);
    mig_evidence_clear(&e);
    return h.different > 0 || h.answers == 0 ? 1 : 0;
}
