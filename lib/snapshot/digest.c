/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/array.h"
#include "seal/seal.h"
#include "snapshot/codec.h"
#include "snapshot/normalise.h"

/*
 * What is hashed is a list of 64-bit words, little-endian: the architecture,
 * one coverage per group, then pairs of key and masked value in key order.  A
 * register that could not be read counts as its own kind of value.
 */
struct words {
    unsigned char *items;
    size_t len, cap;
};

static void add(struct words *w, uint64_t word)
{
    for (unsigned i = 0; i < 8; i++) {
        *MIG_PUSH(w) = (unsigned char)(word >> (8 * i));
    }
}

/* What KVM emulates is never offered, what AMX adds is in CPUID, and software
 * is provenance: no rule or constraint reads these. */
static bool is_judged(struct mig_reg reg)
{
    static const bool judged[MIG_SPACE_COUNT] = {
        [MIG_SPACE_CPUID] = true,    [MIG_SPACE_CPUID_HV] = true, [MIG_SPACE_MSR] = true,
        [MIG_SPACE_MSR_LIST] = true, [MIG_SPACE_IDREG] = true,    [MIG_SPACE_CAP] = true,
        [MIG_SPACE_HOST] = true,     [MIG_SPACE_VIRTIO] = true,   [MIG_SPACE_IDREG_MASK] = true,
        [MIG_SPACE_REG_LIST] = true,
    };

    return judged[reg.space];
}

void mig_snapshot_capability_digest(const struct mig_snapshot *s,
                                    unsigned char ret[MIG_DIGEST_BYTES])
{
    struct words w = {0};

    add(&w, s->arch);
    for (size_t i = 0; i < MIG_GROUP_COUNT; i++) {
        add(&w, s->groups[i].coverage);
    }
    for (size_t i = 0; i < s->entries_len; i++) {
        const struct mig_entry *e = &s->entries[i];
        struct mig_reg reg = mig_reg_from_key(e->key);
        uint64_t mask = mig_normalise_mask(reg);
        bool silent = s->groups[mig_group_of(reg)].coverage == MIG_COVER_FULL;

        if (!is_judged(reg) || mask == 0) {
            continue;
        }
        if (e->errnum != 0) {
            add(&w, e->key | 1ULL << 63);
        } else if (!silent || (e->value & mask) != 0) {
            add(&w, e->key);
            add(&w, e->value & mask);
        }
    }
    mig_sha256(w.items, w.len, ret);
    mig_free(w.items);
}
