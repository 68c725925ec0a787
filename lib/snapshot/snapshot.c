/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/snapshot.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/slots.h"
#include "base/text.h"
#include "cpu/arm64_reg.h"

enum mig_group mig_group_of(struct mig_reg reg)
{
    static const enum mig_group of_space[] = {
        [MIG_SPACE_CPUID] = MIG_GROUP_CPUID,
        [MIG_SPACE_CPUID_BARE] = MIG_GROUP_CPUID_BARE,
        [MIG_SPACE_CPUID_EMULATED] = MIG_GROUP_CPUID_EMULATED,
        [MIG_SPACE_CPUID_HV] = MIG_GROUP_CPUID_HV,
        [MIG_SPACE_MSR] = MIG_GROUP_MSR,
        [MIG_SPACE_MSR_LIST] = MIG_GROUP_MSR_LIST,
        [MIG_SPACE_IDREG] = MIG_GROUP_IDREG,
        [MIG_SPACE_CAP] = MIG_GROUP_CAP,
        [MIG_SPACE_HOST] = MIG_GROUP_SOFTWARE,
        [MIG_SPACE_GUEST] = MIG_GROUP_GUEST,
        [MIG_SPACE_VIRTIO] = MIG_GROUP_VIRTIO,
        [MIG_SPACE_IDREG_MASK] = MIG_GROUP_IDREG_MASK,
        [MIG_SPACE_REG_LIST] = MIG_GROUP_REG_LIST,
    };
    static const enum mig_group of_host[MIG_HOST_COUNT] = {
#define HOST(id, name, group, ...) [MIG_HOST_##id] = MIG_GROUP_##group,
#include "cpu/host.def"
    };

    static_assert(MIG_COUNT(of_space) == MIG_SPACE_COUNT, "a group for each space");
    return reg.space == MIG_SPACE_HOST && reg.index < MIG_HOST_COUNT ? of_host[reg.index]
                                                                     : of_space[reg.space];
}

struct mig_index {
    struct mig_slots slots;
    size_t first[MIG_SPACE_COUNT + 1]; /* entry of each space, and the end */
};

/* Index of the first entry whose key is not below @key. */
static size_t lower_bound(const struct mig_snapshot *s, uint64_t key)
{
    size_t low = 0, high = s->entries_len;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (s->entries[mid].key < key) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

/* Index of the entry, or SIZE_MAX. */
static size_t find(const struct mig_snapshot *s, uint64_t key)
{
    size_t i;

    if (s->index != NULL) {
        return mig_slots_find(&s->index->slots, s->entries, sizeof *s->entries, key);
    }
    i = lower_bound(s, key);
    return i < s->entries_len && s->entries[i].key == key ? i : SIZE_MAX;
}

enum mig_known mig_snapshot_get(const struct mig_snapshot *s, struct mig_reg reg, uint64_t *ret)
{
    static const enum mig_known when_missing[] = {
        [MIG_COVER_NONE] = MIG_UNCOVERED,
        [MIG_COVER_UNREADABLE] = MIG_UNREADABLE,
        [MIG_COVER_PARTIAL] = MIG_UNCOVERED,
        [MIG_COVER_FULL] = MIG_ABSENT,
    };
    size_t i = find(s, mig_reg_key(reg));

    *ret = 0;
    if (i == SIZE_MAX) {
        enum mig_known known = when_missing[s->groups[mig_group_of(reg)].coverage];

        return known == MIG_ABSENT && mig_arm64_is_cache(reg) ? MIG_UNCOVERED : known;
    }
    if (s->entries[i].errnum != 0) {
        return MIG_UNREADABLE;
    }
    *ret = s->entries[i].value;
    return MIG_KNOWN;
}

static size_t first_of(const struct mig_snapshot *s, unsigned space)
{
    return s->index != NULL ? s->index->first[space] : lower_bound(s, (uint64_t)space << 56);
}

const struct mig_entry *mig_snapshot_space(const struct mig_snapshot *s, enum mig_space space,
                                           size_t *ret_len)
{
    size_t first = first_of(s, space), end = first_of(s, space + 1u);

    *ret_len = end - first;
    return end == first ? NULL : s->entries + first;
}

void mig_snapshot_make_index(struct mig_snapshot *s)
{
    struct mig_index *index = s->index != NULL ? s->index : MIG_NEW(struct mig_index);

    s->index = NULL;
    for (unsigned space = 0; space <= MIG_SPACE_COUNT; space++) {
        index->first[space] = lower_bound(s, (uint64_t)space << 56);
    }
    mig_slots_build(&index->slots, s->entries, s->entries_len, sizeof *s->entries);
    s->index = index;
}

const char *mig_snapshot_fact(const struct mig_snapshot *s, const char *name)
{
    size_t low = 0, high = s->facts_len;

    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int order = strcmp(s->facts[mid].name, name);

        if (order == 0) {
            return s->facts[mid].value;
        }
        if (order < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return NULL;
}

const char *mig_arch_name(enum mig_arch arch)
{
    static const char *const names[] = {
        [MIG_ARCH_NONE] = "unknown",
        [MIG_ARCH_X86] = "x86-64",
        [MIG_ARCH_ARM64] = "arm64",
    };

    return names[arch];
}

const char *mig_coverage_name(enum mig_coverage coverage)
{
    static const char *const names[] = {
        [MIG_COVER_NONE] = "none",
        [MIG_COVER_UNREADABLE] = "unreadable",
        [MIG_COVER_PARTIAL] = "partial",
        [MIG_COVER_FULL] = "full",
    };

    return names[coverage];
}

void mig_snapshot_vendor(const struct mig_snapshot *s, char ret[13])
{
    static const enum mig_part order[] = {MIG_EBX, MIG_EDX, MIG_ECX};

    for (size_t i = 0; i < MIG_COUNT(order); i++) {
        uint64_t word;

        (void)mig_snapshot_get(s, mig_reg_cpuid(0, 0, order[i]), &word);
        for (unsigned byte = 0; byte < 4; byte++) {
            ret[i * 4 + byte] = (char)(word >> (8 * byte) & 0x7f);
        }
    }
    ret[12] = '\0';
    mig_text_make_printable(ret);
}

void mig_snapshot_free(struct mig_snapshot *s)
{
    if (s == NULL) {
        return;
    }
    if (s->index != NULL) {
        mig_slots_clear(&s->index->slots);
        mig_free(s->index);
    }
    for (size_t i = 0; i < s->facts_len; i++) {
        mig_free(s->facts[i].name);
        mig_free(s->facts[i].value);
        mig_free(s->facts[i].source);
    }
    for (size_t i = 0; i < MIG_GROUP_COUNT; i++) {
        mig_free(s->groups[i].source);
    }
    mig_free(s->facts);
    mig_free(s->entries);
    mig_free(s);
}
