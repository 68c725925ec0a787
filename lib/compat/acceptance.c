/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/acceptance.h"

#include "base/array.h"
#include "base/bits.h"
#include "compat/merge.h"
#include "cpu/place.h"

/* Each condition that has a mask must hold. */
struct row {
    struct mig_bit guest;
    struct mig_bit has;     /* of the host */
    struct mig_bit unshown; /* of the guest */
    const char *why;        /* NULL: nothing is lost */
};

#define NONE .mask = 0
#define CAP(number, bits)                                                                          \
    {                                                                                              \
        {MIG_SPACE_CAP, (number), 0, MIG_EAX}, (bits)                                              \
    }

static const struct row rows[] = {
#define ACCEPT(guest, host, why) {MIG_PLACE_BIT(guest), MIG_PLACE_BIT(host), {NONE}, why},
#define ACCEPT_ALWAYS(guest, why) {MIG_PLACE_BIT(guest), {NONE}, {NONE}, why},
#define ACCEPT_UNSHOWN(guest, other, why) {MIG_PLACE_BIT(guest), {NONE}, MIG_PLACE_BIT(other), why},
#define VMM_GIVES(guest) {MIG_PLACE_BIT(guest), {NONE}, {NONE}, NULL},
#define VMM_GIVES_BY(guest, number, bits) {MIG_PLACE_BIT(guest), CAP(number, bits), {NONE}, NULL},
#include "compat/accept.def"
};

/* Known not to have been shown it; no condition is met. */
static bool is_unshown(const struct mig_party *guest, struct mig_bit bit)
{
    struct mig_seen seen = mig_party_seen(guest, bit.reg);

    return bit.mask == 0 || (mig_seen_is_value(seen) && (seen.value & bit.mask) == 0);
}

enum mig_acceptance mig_acceptance_find(const struct mig_party *guest, const struct mig_party *host,
                                        const struct mig_field *f, const char **ret_why)
{
    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        const struct row *row = &rows[i];

        if (mig_reg_key(row->guest.reg) == mig_reg_key(f->reg) &&
            row->guest.mask == mig_bits_mask(f->hi, f->lo) &&
            (row->has.mask == 0 || mig_party_has(host, row->has)) &&
            is_unshown(guest, row->unshown)) {
            *ret_why = row->why;
            return row->why != NULL ? MIG_ACCEPT_TOLERATED : MIG_ACCEPT_SAME;
        }
    }
    return MIG_ACCEPT_NOT;
}
