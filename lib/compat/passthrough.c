/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/passthrough.h"

#include "base/alloc.h"
#include "compat/difference.h"
#include "compat/judge.h"
#include "compat/merge.h"

uint64_t mig_passthrough_grant(const struct mig_entry *e)
{
    const struct mig_sheet *s = mig_sheet_of(e->key);
    uint64_t never = s->classified & ~(s->on | s->opt_in);

    if (mig_reg_from_key(e->key).space == MIG_SPACE_IDREG) {
        return e->value; /* KVM shows nothing there that it hides from guests */
    }
    return mig_judge_movable(mig_reg_from_key(e->key), e->value) & ~never;
}

/* Could a register not be read that such a guest may have been shown? */
static bool failed_somewhere(const struct mig_party *p, const struct mig_choice *choice)
{
    for (size_t i = 0; i < p->snapshot->entries_len; i++) {
        const struct mig_entry *e = &p->snapshot->entries[i];
        struct mig_reg reg = mig_reg_from_key(e->key);

        if (e->errnum != 0 &&
            (reg.space == MIG_SPACE_CPUID || reg.space == MIG_SPACE_MSR ||
             reg.space == MIG_SPACE_IDREG) &&
            !choice->tolerate[mig_group_of(reg)]) {
            return true;
        }
    }
    return false;
}

/* Does nothing stand against the guest but that too little is known? */
static bool wants_evidence(const struct mig_findings *findings)
{
    for (size_t i = 0; i < findings->len; i++) {
        const struct mig_finding *f = &findings->items[i];

        if (f->severity >= MIG_SECURITY && f->reason != MIG_REASON_EVIDENCE) {
            return false;
        }
    }
    return true;
}

/* A difference that the judgement lets pass: the VMM must do without. */
static bool tolerates(const struct mig_findings *findings)
{
    for (size_t i = 0; i < findings->len; i++) {
        const struct mig_finding *f = &findings->items[i];

        if (f->severity == MIG_WARNING && f->source.value != f->destination.value) {
            return true;
        }
    }
    return false;
}

enum mig_verdict mig_passthrough_ask(const struct mig_party *source,
                                     const struct mig_party *destination,
                                     const struct mig_choice *choice)
{
    struct mig_snapshot all = *source->snapshot; /* borrows all but the words */
    struct mig_party guest = {source->name, &all};
    struct mig_findings findings = {0};
    enum mig_verdict verdict = MIG_COMPATIBLE;

    all.entries = mig_memdup(all.entries, all.entries_len * sizeof *all.entries);
    for (size_t i = 0; i < all.entries_len; i++) {
        all.entries[i].value = mig_passthrough_grant(&all.entries[i]);
    }
    mig_judge(&guest, destination, choice, &findings);
    if (mig_findings_worst(&findings) >= MIG_SECURITY) {
        verdict = wants_evidence(&findings) ? MIG_UNKNOWN : MIG_INCOMPATIBLE;
    } else if (failed_somewhere(source, choice) || failed_somewhere(destination, choice)) {
        verdict = MIG_UNKNOWN;
    } else if (tolerates(&findings) || mig_difference_shows(&all, destination->snapshot)) {
        verdict = MIG_COMPATIBLE_MASKED;
    }
    mig_findings_clear(&findings);
    mig_free(all.entries);
    return verdict;
}

bool mig_passthrough_works(enum mig_verdict passthrough)
{
    return passthrough == MIG_COMPATIBLE || passthrough == MIG_COMPATIBLE_MASKED;
}

const char *mig_passthrough_direction(enum mig_verdict forward, enum mig_verdict backward)
{
    bool there = mig_passthrough_works(forward), back = mig_passthrough_works(backward);

    return there && back ? "both" : there ? "forward" : back ? "backward" : "none";
}
