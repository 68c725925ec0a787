/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/sweep.h"

#include <assert.h>
#include <string.h>

#include "base/array.h"
#include "snapshot/builder.h"

#define SOURCE "CPUID and RDMSR in a scratch guest"
#define WORD_BYTES 8 /* "MIGSWEEP" */
#define QUESTIONS_AT 0x1000
#define RESET_VECTOR_AT 0xfff0
#define PAIR_WORDS 6
#define MSR_WORDS 4
#define CLOCK_WORDS 3
#define SHIFT_MAX 10 /* 1 MHz to 4 THz, and no number overflows */
#define HYPERVISOR 4 /* top digit of its leaves */
#define BLOCK_LEAVES 0x100u

static const unsigned char code[] = {
#include "vmm/probe_code.def"
};
static_assert(sizeof code <= QUESTIONS_AT, "the code ends before the questions");

static const struct range {
    uint32_t first, last;
    uint16_t subs;
} ranges[] = {
#define SWEEP(first, last, subs, why) {first, last, subs},
#include "vmm/sweep.def"
};

static const uint32_t msr_rows[] = {
#define MSR(index, ...) index,
#include "cpu/x86_msr.def"
};

/* Every MSR that a row reads, once; rows are sorted. */
static size_t list_msrs(uint32_t ret[MIG_SWEEP_MSRS_MAX])
{
    size_t len = 0;

    for (size_t i = 0; i < MIG_COUNT(msr_rows); i++) {
        if (len == 0 || ret[len - 1] != msr_rows[i]) {
            MIG_ASSERT(len < MIG_SWEEP_MSRS_MAX);
            ret[len++] = msr_rows[i];
        }
    }
    return len;
}

static size_t count_pairs(void)
{
    size_t len = 0;

    for (size_t i = 0; i < MIG_COUNT(ranges); i++) {
        len += (size_t)(ranges[i].last - ranges[i].first + 1) * ranges[i].subs;
    }
    return len;
}

size_t mig_sweep_answer_bytes(void)
{
    uint32_t msrs[MIG_SWEEP_MSRS_MAX];
    size_t words = 2 + count_pairs() * PAIR_WORDS + list_msrs(msrs) * MSR_WORDS + CLOCK_WORDS;

    return 2 * WORD_BYTES + words * sizeof(uint32_t);
}

static void put(unsigned char **at, uint32_t word)
{
    for (unsigned i = 0; i < 4; i++) {
        *(*at)++ = (unsigned char)(word >> 8 * i);
    }
}

void mig_sweep_image(unsigned char ret[MIG_SWEEP_IMAGE_BYTES])
{
    /* A far jump to f000:0000, out of the last 64 KiB below 4 GiB. */
    static const unsigned char reset[] = {0xea, 0x00, 0x00, 0x00, 0xf0};
    unsigned char *at = ret + QUESTIONS_AT;
    uint32_t msrs[MIG_SWEEP_MSRS_MAX];
    size_t msrs_len = list_msrs(msrs);

    MIG_ASSERT(mig_sweep_answer_bytes() <= MIG_SWEEP_ANSWER_BYTES_MAX);
    memset(ret, 0, MIG_SWEEP_IMAGE_BYTES);
    memcpy(ret, code, sizeof code);
    memcpy(ret + RESET_VECTOR_AT, reset, sizeof reset);
    put(&at, (uint32_t)count_pairs());
    put(&at, (uint32_t)msrs_len);
    for (size_t i = 0; i < MIG_COUNT(ranges); i++) {
        for (uint32_t leaf = ranges[i].first; leaf <= ranges[i].last; leaf++) {
            for (uint32_t sub = 0; sub < ranges[i].subs; sub++) {
                put(&at, leaf);
                put(&at, sub);
            }
        }
    }
    for (size_t i = 0; i < msrs_len; i++) {
        put(&at, msrs[i]);
    }
    MIG_ASSERT(at <= ret + RESET_VECTOR_AT);
}

struct reading {
    const unsigned char *at;
    struct mig_sweep *sweep;
    uint32_t block_end; /* last leaf of the hypervisor's block that is read */
};

static uint32_t take(struct reading *r)
{
    uint32_t word = 0;

    for (unsigned i = 0; i < 4; i++) {
        word |= (uint32_t)*r->at++ << 8 * i;
    }
    return word;
}

/* Beyond the end of a hypervisor's block KVM answers for some vendors with the
 * highest basic leaf.  Old KVM says 0 and has two leaves. */
static bool is_of_block(struct reading *r, const struct mig_raw_leaf *leaf)
{
    uint32_t base = leaf->index & ~(BLOCK_LEAVES - 1), end = leaf->words[MIG_EAX];

    if (leaf->index >> 28 != HYPERVISOR) {
        return true;
    }
    if (leaf->index == base) {
        r->block_end = end == 0 ? base + 1 : end - base < BLOCK_LEAVES ? end : base;
    }
    return leaf->index <= r->block_end;
}

static bool read_pair(struct reading *r, uint32_t leaf, uint16_t sub, struct mig_error *err)
{
    struct mig_raw_leaf item = {.index = take(r)};
    uint32_t got_sub = take(r);

    if (item.index != leaf || got_sub != sub) {
        return mig_fail(err, MIG_FORMAT, "expected CPUID leaf %x.%x, found %x.%x", leaf, sub,
                        item.index, got_sub);
    }
    item.sub = sub;
    for (unsigned part = 0; part < 4; part++) {
        item.words[part] = take(r);
    }
    return !is_of_block(r, &item) || mig_raw_add(&r->sweep->cpuid, &item, err);
}

static bool read_pairs(struct reading *r, struct mig_error *err)
{
    for (size_t i = 0; i < MIG_COUNT(ranges); i++) {
        for (uint32_t leaf = ranges[i].first; leaf <= ranges[i].last; leaf++) {
            for (uint16_t sub = 0; sub < ranges[i].subs; sub++) {
                if (!read_pair(r, leaf, sub, err)) {
                    return false;
                }
            }
        }
    }
    return true;
}

static bool read_msrs(struct reading *r, const uint32_t *msrs, size_t len, struct mig_error *err)
{
    for (size_t i = 0; i < len; i++) {
        uint32_t index = take(r), faults = take(r), low = take(r), high = take(r);

        if (index != msrs[i] || faults > 1) {
            return mig_fail(err, MIG_FORMAT, "expected MSR %x, found %x (fault %u)", msrs[i], index,
                            faults);
        }
        r->sweep->msrs[r->sweep->msrs_len++] =
            (struct mig_sweep_msr){index, faults == 0, (uint64_t)high << 32 | low};
    }
    return true;
}

/* ns = (ticks << shift) * multiplier >> 32, so the rate in kHz is 10^6 << 32
 * over the multiplier, shifted back.  Rounded, it is what KVM began with. */
static uint64_t rate_of(uint32_t multiplier, int32_t shift)
{
    uint64_t dividend = UINT64_C(1000000) << 32, divisor = multiplier;

    if (multiplier == 0 || shift < -SHIFT_MAX || shift > SHIFT_MAX) {
        return 0;
    }
    dividend <<= shift < 0 ? -shift : 0;
    divisor <<= shift > 0 ? shift : 0;
    return (dividend + divisor / 2) / divisor;
}

static bool read_clock(struct reading *r, struct mig_error *err)
{
    uint32_t faults = take(r), multiplier = take(r), shift = take(r);

    if (faults > 1) {
        return mig_fail(err, MIG_FORMAT, "the clock has fault %u", faults);
    }
    if (faults == 0) {
        r->sweep->tsc_khz = rate_of(multiplier, (int32_t)shift);
    }
    return true;
}

static bool read_counts(struct reading *r, size_t msrs, struct mig_error *err)
{
    uint32_t got_pairs = take(r), got_msrs = take(r);

    return (got_pairs == count_pairs() && got_msrs == msrs) ||
           mig_fail(err, MIG_FORMAT, "expected %zu CPUID leaves and %zu MSRs, found %u and %u",
                    count_pairs(), msrs, got_pairs, got_msrs);
}

static bool ends_with(const unsigned char *bytes, size_t len, const char *word)
{
    return len >= WORD_BYTES && memcmp(bytes + len - WORD_BYTES, word, WORD_BYTES) == 0;
}

bool mig_sweep_read(const unsigned char *bytes, size_t len, struct mig_sweep *ret,
                    struct mig_error *err)
{
    MIG_AUTO(mig_sweep_clear) struct mig_sweep sweep = {.msrs_len = 0};
    struct reading r = {bytes + WORD_BYTES, &sweep, 0};
    uint32_t msrs[MIG_SWEEP_MSRS_MAX];
    size_t msrs_len = list_msrs(msrs);

    if (len < WORD_BYTES || memcmp(bytes, "MIGSWEEP", WORD_BYTES) != 0) {
        return mig_fail(err, MIG_FORMAT, "report of %zu bytes has no beginning", len);
    }
    if (ends_with(bytes, len, "MIGBROKE")) {
        return mig_fail(err, MIG_FORMAT, "an exception ended the report after %zu bytes", len);
    }
    if (len != mig_sweep_answer_bytes() || !ends_with(bytes, len, "MIGENDED")) {
        return mig_fail(err, MIG_FORMAT, "report has %zu bytes of %zu, or no end", len,
                        mig_sweep_answer_bytes());
    }
    if (!read_counts(&r, msrs_len, err) || !read_pairs(&r, err) ||
        !read_msrs(&r, msrs, msrs_len, err) || !read_clock(&r, err)) {
        return false;
    }
    *ret = sweep;
    sweep = (struct mig_sweep){.msrs_len = 0};
    return true;
}

/* The last leaf that is asked for in the range of @leaf. */
static uint32_t last_asked(uint32_t leaf)
{
    uint32_t last = 0;

    for (size_t i = 0; i < MIG_COUNT(ranges); i++) {
        if (ranges[i].first >> 28 == leaf >> 28) {
            last = ranges[i].last;
        }
    }
    return last;
}

/* What is not asked for would pass for not being there. */
static bool check_ends(const struct mig_raw *raw, struct mig_error *err)
{
    for (size_t i = 0; i < raw->len; i++) {
        const struct mig_raw_leaf *head = &raw->items[i];

        if ((head->index & 0x0fffffff) == 0 && head->index >> 28 != HYPERVISOR &&
            head->words[MIG_EAX] >> 28 == head->index >> 28 &&
            head->words[MIG_EAX] > last_asked(head->index)) {
            return mig_fail(err, MIG_LIMIT,
                            "CPUID leaf %x says that leaves reach to %x, "
                            "only those to %x are asked for",
                            head->index, head->words[MIG_EAX], last_asked(head->index));
        }
    }
    return true;
}

static void pour_clock(const struct mig_sweep *s, struct mig_builder *b)
{
    mig_builder_cover(b, MIG_GROUP_TSC, s->tsc_khz != 0 ? MIG_COVER_FULL : MIG_COVER_NONE, 0,
                      s->tsc_khz != 0 ? "KVM clock of a scratch guest"
                                      : "nothing tells guests the rate of their counter");
    if (s->tsc_khz != 0) {
        mig_builder_set(b, mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_KHZ), s->tsc_khz);
    }
}

bool mig_sweep_pour(const struct mig_sweep *s, struct mig_builder *b, struct mig_error *err)
{
    mig_builder_cover(b, MIG_GROUP_KVM_VIEW, MIG_COVER_FULL, 0, SOURCE);
    mig_builder_cover(b, MIG_GROUP_CPUID, MIG_COVER_FULL, 0, SOURCE);
    mig_builder_cover(b, MIG_GROUP_CPUID_HV, MIG_COVER_FULL, 0, SOURCE);
    mig_builder_cover(b, MIG_GROUP_MSR, MIG_COVER_FULL, 0, SOURCE);
    if (!check_ends(&s->cpuid, err) || !mig_raw_pour(&s->cpuid, b, err)) {
        return false;
    }
    mig_raw_pour_hypervisor(&s->cpuid, b, SOURCE);
    for (size_t i = 0; i < s->msrs_len; i++) {
        if (s->msrs[i].there) {
            mig_builder_set(b, mig_reg_msr(s->msrs[i].index), s->msrs[i].value);
        }
    }
    pour_clock(s, b);
    return true;
}

void mig_sweep_clear(struct mig_sweep *s)
{
    mig_raw_clear(&s->cpuid);
    *s = (struct mig_sweep){.msrs_len = 0};
}
