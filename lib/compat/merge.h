/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/merge.h: a baseline in the making.  The field tier fills the words,
 * constraints then take bits away; closure follows only what was taken.
 * Private to this room.
 */
#pragma once

#include "base/slots.h"
#include "compat/negotiate.h"
#include "cpu/arm64_term.h"
#include "cpu/deps.h"
#include "cpu/sheet.h"

struct mig_span; /* merge.c */

struct mig_merge {
    const struct mig_party *parties;
    size_t len;
    const struct mig_choice *choice;
    uint32_t allowed;       /* opt-ins of the choice (mig_opt_in_mask) */
    bool directional;       /* parties are source and destination, in this order */
    size_t donor;           /* the party whose identity and caches the profile shows */
    struct mig_word *words; /* every CPUID, feature MSR or ID register word of any party */
    uint64_t *taken;        /* per word: bits that this computation removed */
    size_t words_len, words_cap;
    struct mig_slots slots;        /* of @words */
    uint64_t *values;              /* scratch: one register's value per party */
    struct mig_span *spans;        /* scratch: where the walk is in each party */
    struct mig_findings *findings; /* NULL when only the words are wanted */
    uint64_t sve_vqs;              /* vector lengths of the profile, as host/sve-vqs; 0: none */
    bool blocked;                  /* a blocker that no profile lifts */
    bool unsettable;               /* the profile would do, were every host able to show it */
    bool unverified;               /* something that must be known could not be read */
};

void mig_merge_init(struct mig_merge *m, const struct mig_party *parties, size_t len,
                    const struct mig_choice *choice, bool directional,
                    struct mig_findings *findings);

/* Field tier, constraints, closure, derived words: all of the baseline. */
void mig_merge_run(struct mig_merge *m);

/* The words that are left, as a profile. */
struct mig_profile *mig_merge_finish(const struct mig_merge *m);
void mig_merge_clear(struct mig_merge *m);

/* The word of @reg, or NULL. */
struct mig_word *mig_merge_word(const struct mig_merge *m, struct mig_reg reg);
uint64_t mig_merge_get(const struct mig_merge *m, struct mig_reg reg);

/* Remove @mask from the result and remember that the computation did it. */
void mig_merge_take(struct mig_merge *m, struct mig_reg reg, uint64_t mask);

/* What the party knows of @reg, per-vCPU and runtime bits gone. */
struct mig_seen mig_party_seen(const struct mig_party *p, struct mig_reg reg);
/* Its value where known or absent; 0 where not. */
uint64_t mig_party_get(const struct mig_party *p, struct mig_reg reg);
/* Is one of these bits set?  False also when not known. */
bool mig_party_has(const struct mig_party *p, struct mig_bit bit);
/* A running guest by its contract: it can be power cycled, not updated or set
 * up as a host can. */
static inline bool mig_party_is_guest(const struct mig_party *p)
{
    return p->snapshot->of_guest;
}

/* A value, as against unreadable or uncovered. */
static inline bool mig_seen_is_value(struct mig_seen seen)
{
    return seen.known == MIG_KNOWN || seen.known == MIG_ABSENT;
}

/* A value for every register that the terms are about: else they make no
 * statement about the host. */
bool mig_party_knows_terms(const struct mig_party *p, struct mig_arm64_terms terms);

/* Could the host not read this one register, of a group that it could ask
 * for?  A whole group is said once, by its coverage. */
bool mig_party_failed_at(const struct mig_party *p, struct mig_reg reg);

/* The word of address widths with the guest's own width filled in where it is
 * left to be the physical one; any other word as it is. */
uint64_t mig_addrwidth_stated(struct mig_reg reg, uint64_t word);

/* Does @reg describe 32-bit code only, and some party has none? */
bool mig_aarch32_is_moot(const struct mig_merge *m, struct mig_reg reg);
/* ... and the guest was shown none? */
bool mig_aarch32_is_useless(const struct mig_party *guest, struct mig_reg reg);

/* Bits of a register that this choice puts into new profiles. */
uint64_t mig_merge_offered(const struct mig_merge *m, const struct mig_sheet *s);

/* Size, offset and flags of an XSAVE component: the xsave constraint answers
 * for all of them at once. */
bool mig_merge_is_geometry(struct mig_reg reg);
