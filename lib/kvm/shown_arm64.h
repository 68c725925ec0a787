/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm/shown_arm64.h: a register set as the writes that show it to a guest, in
 * their one right order, and what a host's own answer to one is worth.
 */
#pragma once

#include "kvm/apply.h"

struct mig_shown_word {
    uint64_t key, id, value; /* mig_reg_key(); KVM's id */
    enum mig_stage stage;    /* of the write */
};

/* Zero-initialised is empty. */
struct mig_shown {
    uint32_t init;     /* features for KVM_ARM_VCPU_INIT */
    bool mte;          /* a capability of the whole VM */
    bool nested;       /* a guest with EL2 */
    bool gicv3;        /* ID_AA64PFR0_EL1 tells of its system registers */
    uint64_t vqs;      /* vector lengths; 0: as KVM has them */
    uint64_t counters; /* of the PMU, with @has_counters */
    bool has_counters;
    uint64_t ipa_bits;            /* 0: not told */
    struct mig_shown_word *items; /* in the order of writing */
    size_t len, cap;
};

void mig_shown_make(struct mig_shown *s, const struct mig_snapshot *shown);
void mig_shown_clear(struct mig_shown *s);
static inline void mig_shown_clear_auto(struct mig_shown *s)
{
    mig_shown_clear(s);
}

const struct mig_shown_word *mig_shown_find(const struct mig_shown *s, uint64_t key);
uint64_t mig_shown_item_key(enum mig_host_item item);

/* Did a call for @w fail because the kernel does not have the register, and needs
 * the guest none? */
bool mig_shown_is_needless(const struct mig_shown_word *w, int errnum);
/* A call failed: a mismatch.  @got is what KVM shows instead, or NULL. */
void mig_shown_refused(struct mig_proven *p, const struct mig_shown_word *w, int errnum,
                       const uint64_t *got);
/* Did a call for @key fail before? */
bool mig_shown_is_refused(const struct mig_proven *p, uint64_t key);
/* If another value is there, and nobody said so before. */
void mig_shown_compare(struct mig_proven *p, const struct mig_shown_word *w, uint64_t got);
