/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/owner.h"

#include "base/array.h"
#include "base/bits.h"
#include "cpu/place.h"

/* EXACT fields that describe a feature: when hosts disagree about the
 * description, the feature goes. */
static const struct {
    struct mig_bit field, owner;
    const char *name; /* of the owner */
} owners[] = {
#define OWNER(field, owner) {MIG_PLACE_BIT(field), MIG_PLACE_BIT(owner), #owner},
#include "compat/owner.def"
};

static bool is_bit(struct mig_bit bit, const struct mig_field *f)
{
    return mig_reg_key(bit.reg) == mig_reg_key(f->reg) && bit.mask == mig_bits_mask(f->hi, f->lo);
}

void mig_owner_take(struct mig_merge *m, const struct mig_field *f)
{
    for (size_t i = 0; i < MIG_COUNT(owners); i++) {
        if (is_bit(owners[i].field, f)) {
            mig_merge_take(m, owners[i].owner.reg, owners[i].owner.mask);
        }
    }
}

void mig_owner_tell(struct mig_merge *m, const struct mig_field *f)
{
    for (size_t i = 0; i < MIG_COUNT(owners); i++) {
        struct mig_finding *told = mig_findings_on(m->findings, owners[i].field);
        const struct mig_word *word = mig_merge_word(m, owners[i].owner.reg);

        if (is_bit(owners[i].field, f) && told != NULL && word != NULL &&
            (m->taken[word - m->words] & owners[i].owner.mask) != 0) {
            mig_finding_add_dependant(told, owners[i].name);
        }
    }
}

struct mig_finding *mig_owner_root(const struct mig_merge *m, struct mig_bit bit)
{
    struct mig_finding *f = mig_findings_on(m->findings, bit);

    for (size_t i = 0; f == NULL && i < MIG_COUNT(owners); i++) {
        if (mig_reg_key(owners[i].owner.reg) == mig_reg_key(bit.reg) &&
            (owners[i].owner.mask & bit.mask) != 0) {
            f = mig_findings_on(m->findings, owners[i].field);
        }
    }
    return f;
}
