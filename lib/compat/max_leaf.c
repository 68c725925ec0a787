/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Highest leaves: a guest's own must not be above the host's (the field tier
 * says so).  KVM answers a leaf that its table lists even above the highest,
 * so entries up there are shown to a guest that was told there are none.
 */
#include "base/alloc.h"
#include "base/array.h"
#include "compat/constraint.h"

/* First entry of @s behind @reg. */
static size_t first_behind(const struct mig_snapshot *s, struct mig_reg reg)
{
    uint64_t key = mig_reg_key(reg);
    size_t low = 0, high = s->entries_len;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (s->entries[middle].key <= key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void add(const struct mig_party *guest, struct mig_reg reg, uint64_t stated,
                struct mig_findings *ret)
{
    static const char id[] = "inconsistent/leaf-above-highest";
    char text[MIG_REG_TEXT_MAX];
    struct mig_finding *f;

    if (!mig_findings_want(ret, MIG_NOTE)) {
        return;
    }
    mig_reg_print(reg, text);
    if (mig_findings_find(ret, id) != NULL) {
        return;
    }
    f = mig_findings_add(ret, id, MIG_NOTE);
    f->rule = "max_leaf";
    f->reason = MIG_REASON_VMM;
    f->why = mig_strf("%s was shown %s although it was told that 0x%llx is the highest leaf of its "
                      "block; KVM answers it all the same",
                      guest->name, text, (unsigned long long)stated);
    f->remedy = mig_strdup("have the VMM delete what is above the highest leaf before it starts a "
                           "guest");
}

void mig_max_leaf_judge(const struct mig_party *guest, const struct mig_party *host,
                        struct mig_findings *ret)
{
    static const struct {
        uint32_t start, end;
    } blocks[] = {
        {0,          0x40000000},
        {0x80000000, 0x80010000}
    };
    const struct mig_snapshot *s = guest->snapshot;

    (void)host;
    for (size_t b = 0; b < MIG_COUNT(blocks); b++) {
        struct mig_seen stated = mig_party_seen(guest, mig_reg_cpuid(blocks[b].start, 0, MIG_EAX));
        size_t i;

        if (stated.known != MIG_KNOWN || stated.value < blocks[b].start) {
            continue;
        }
        i = first_behind(s, mig_reg_cpuid((uint32_t)stated.value, UINT16_MAX, MIG_EDX));
        for (; i < s->entries_len; i++) {
            struct mig_reg reg = mig_reg_from_key(s->entries[i].key);

            if (reg.space != MIG_SPACE_CPUID || reg.index >= blocks[b].end) {
                break;
            }
            if (s->entries[i].value != 0) {
                add(guest, reg, stated.value, ret);
                break;
            }
        }
    }
}
