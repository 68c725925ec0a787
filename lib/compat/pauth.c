/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pointer authentication is one switch behind six fields: algorithm and level
 * are in signatures that a guest holds in memory, so hosts that differ in any
 * of them give guests none at all.  (That KVM takes no other value from a
 * guest that moves is the idreg constraint's.)
 */
#include "base/alloc.h"
#include "base/bits.h"
#include "compat/constraint.h"
#include "compat/limit.h"

static bool is_even(const struct mig_merge *m, struct mig_reg reg, uint64_t bits)
{
    for (size_t i = 1; i < m->len; i++) {
        if (((mig_party_get(&m->parties[i], reg) ^ mig_party_get(&m->parties[0], reg)) & bits) !=
            0) {
            return false;
        }
    }
    return true;
}

/* What the field tier says of one of the fields, in the words of the whole. */
static void tell(struct mig_merge *m, struct mig_reg reg, uint64_t bits)
{
    for (size_t i = 0; i < m->findings->len; i++) {
        struct mig_finding *f = &m->findings->items[i];

        if (f->key == mig_reg_key(reg) && f->field != NULL &&
            (mig_bits_mask(f->field->hi, f->field->lo) & bits) != 0) {
            char *before = f->remedy;

            f->rule = "pauth";
            mig_free(f->why);
            f->why = mig_strdup("signatures of pointers in a guest's memory fit one algorithm and "
                                "level; KVM can switch pointer authentication off, not change it");
            f->remedy = mig_strf("boot guests without pointer authentication, as the common "
                                 "profile has it (QEMU: -cpu host,pauth=off)%s%s",
                                 before != NULL ? ", or " : "", before != NULL ? before : "");
            mig_free(before);
        }
    }
}

void mig_pauth_merge(struct mig_merge *m)
{
    bool even = true;

    for (size_t w = 0; w < m->words_len; w++) {
        struct mig_reg reg = mig_reg_from_key(m->words[w].key);
        uint64_t bits = mig_feature_bits(reg, 1u << MIG_FEATURE_PAUTH);

        if (bits != 0 && m->words[w].covered && !is_even(m, reg, bits)) {
            even = false;
            if (m->findings != NULL) {
                tell(m, reg, bits);
            }
        }
    }
    if (!even) {
        mig_feature_take(m, MIG_FEATURE_PAUTH);
    }
}
