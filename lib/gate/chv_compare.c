/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/chv_compare.h"

#include <stdio.h>

#include "base/array.h"
#include "base/text.h"
#include "compat/difference.h"
#include "compat/meaning.h"
#include "compat/merge.h"
#include "cpu/place.h"

#define TOLD_MAX 8

static struct mig_reg reg_of(const struct mig_finding *f)
{
    return mig_reg_from_key(f->key);
}

static bool is_register(const struct mig_finding *f)
{
    enum mig_space space = reg_of(f).space;

    return f->key != UINT64_MAX &&
           (space == MIG_SPACE_CPUID || space == MIG_SPACE_CPUID_HV || space == MIG_SPACE_MSR);
}

static bool is_clock(const struct mig_finding *f)
{
    struct mig_reg clock = mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_KHZ);

    return f->key == mig_reg_key(clock);
}

static bool is_compared(const struct mig_finding *f)
{
    return f->field == NULL || mig_rule_is_compared(f->field->shape.rule);
}

/* A register that one of the two knows to be 0 and of which the other does not
 * speak is one that nobody has. */
static bool is_nothing(const struct mig_finding *f)
{
    return f->source.value == 0 && f->destination.value == 0 &&
           (f->source.known == MIG_UNCOVERED || f->destination.known == MIG_UNCOVERED);
}

/* MSRs beyond the features of the guest: KVM lists them, nobody reads them. */
static bool is_dead(const struct mig_snapshot *shown, const struct mig_finding *f)
{
    const struct mig_party guest = {"", shown};

    return reg_of(f).space == MIG_SPACE_MSR && mig_meaning_is_dead(&guest, reg_of(f));
}

static const char *value_of(struct mig_seen seen, char ret[32])
{
    if (!mig_seen_is_value(seen)) {
        return "nothing";
    }
    (void)snprintf(ret, 32, "0x%llx", (unsigned long long)seen.value);
    return ret;
}

/* Hand one difference over to @ret; its sides become contract and stream. */
static void take(struct mig_finding *f, enum mig_severity severity, const char *who,
                 struct mig_findings *ret)
{
    struct mig_finding *added = mig_findings_add(ret, f->id, severity), empty = *added;
    char contract[32], stream[32];
    char *effect;

    *added = *f;
    *f = empty; /* which owns nothing */
    effect = added->why;
    added->severity = severity;
    added->guest = added->source;
    added->source = added->destination;
    added->destination = (struct mig_seen){.known = MIG_UNCOVERED};
    added->why = mig_strf("the contract of the guest tells %s, %s %s%s%s",
                          value_of(added->guest, contract), who, value_of(added->source, stream),
                          effect != NULL ? ": " : "", effect != NULL ? effect : "");
    mig_free(effect);
}

static bool counts_in_guest(const struct mig_snapshot *shown, const struct mig_finding *f)
{
    return (is_register(f) || is_clock(f)) && (is_clock(f) || is_compared(f)) && !is_nothing(f) &&
           !is_dead(shown, f);
}

/* XSAVE components that the CPUID of @s shows, and x87. */
static uint64_t components_of(const struct mig_snapshot *s)
{
    uint64_t low, high;

    (void)mig_snapshot_get(s, mig_reg_cpuid(0xd, 0, MIG_EAX), &low);
    (void)mig_snapshot_get(s, mig_reg_cpuid(0xd, 0, MIG_EDX), &high);
    return high << 32 | low | 1;
}

/* What the guest has switched on changes while it runs, within what it was
 * shown. */
static void compare_xcr0(const struct mig_snapshot *shown, const struct mig_snapshot *seen,
                         struct mig_findings *ret)
{
    uint64_t xcr0, components = components_of(shown);

    (void)mig_snapshot_get(seen, mig_reg_plain(MIG_SPACE_GUEST, MIG_GUEST_XCR0), &xcr0);
    if ((xcr0 & ~components) != 0) {
        mig_chv_compare_add(ret, "guest/xcr0", components, xcr0,
                            "the guest has XSAVE components switched on that its contract does not "
                            "show");
    }
}

void mig_chv_compare_seen(const struct mig_snapshot *shown, const struct mig_snapshot *seen,
                          struct mig_findings *ret)
{
    struct mig_findings all = {0};

    mig_difference(shown, seen, &all);
    for (size_t i = 0; i < all.len; i++) {
        if (counts_in_guest(shown, &all.items[i])) {
            take(&all.items[i], MIG_BLOCKER, "its vCPUs have", ret);
        }
    }
    compare_xcr0(shown, seen, ret);
    mig_findings_clear(&all);
    mig_findings_sort(ret);
}

static bool is_added(const struct mig_finding *f)
{
    static const struct mig_bit rows[] = {
#define ADDED(field) MIG_PLACE_BIT(field),
#include "gate/chv_added.def"
    };

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        if (f->key == mig_reg_key(rows[i].reg)) {
            return true;
        }
    }
    return false;
}

/* Of the registers that the table holds, and that VMM and host leave alone. */
static bool counts_in_table(const struct mig_snapshot *shown, const struct mig_finding *f)
{
    const struct mig_party guest = {"", shown};

    return is_register(f) && reg_of(f).space != MIG_SPACE_MSR && is_compared(f) && !is_nothing(f) &&
           !is_added(f) && !mig_meaning_is_dead(&guest, reg_of(f));
}

/* Could a guest that was shown what @f says come from that table? */
static bool is_surplus(const struct mig_finding *f)
{
    struct mig_value guest = {.num = f->source.value}, table = {.num = f->destination.value};

    if (!mig_seen_is_value(f->source) || !mig_seen_is_value(f->destination)) {
        return false;
    }
    return f->field != NULL ? mig_rule_allows(&f->field->shape, guest, table) == MIG_ALLOW_YES
                            : (guest.num & ~table.num) == 0;
}

void mig_chv_compare_table(const struct mig_snapshot *shown, const struct mig_snapshot *table,
                           struct mig_findings *ret)
{
    struct mig_findings all = {0};

    mig_difference(shown, table, &all);
    for (size_t i = 0; i < all.len; i++) {
        struct mig_finding *f = &all.items[i];

        if (counts_in_table(shown, f)) {
            take(f, is_surplus(f) ? MIG_NOTE : MIG_BLOCKER, "the CPUID table of its host has", ret);
        }
    }
    mig_findings_clear(&all);
    mig_findings_sort(ret);
}

void mig_chv_compare_add(struct mig_findings *ret, const char *id, uint64_t contract,
                         uint64_t stream, const char *why)
{
    struct mig_finding *f = mig_findings_add(ret, id, MIG_BLOCKER);

    f->guest = (struct mig_seen){MIG_KNOWN, contract};
    f->source = (struct mig_seen){MIG_KNOWN, stream};
    f->why = mig_strdup(why);
}

static void tell(const struct mig_finding *f, struct mig_text *t)
{
    const char *name = f->names_len > 0 ? f->names[0] : "";
    char contract[32], stream[32];

    mig_text_add(t, f->id);
    if (!mig_text_ends(f->id, name)) {
        mig_text_addf(t, " (%s)", name);
    }
    mig_text_addf(t, ": contract %s, guest %s", value_of(f->guest, contract),
                  value_of(f->source, stream));
}

char *mig_chv_compare_tell(const struct mig_findings *findings)
{
    struct mig_text t = {0};
    size_t told = 0, left = 0;

    for (size_t i = 0; i < findings->len; i++) {
        const struct mig_finding *f = &findings->items[i];

        if (f->severity >= MIG_SECURITY && told < TOLD_MAX) {
            mig_text_add(&t, told++ > 0 ? "; " : "");
            tell(f, &t);
        } else if (f->severity >= MIG_SECURITY) {
            left++;
        }
    }
    if (left > 0) {
        mig_text_addf(&t, "; and %zu more", left);
    }
    return t.items;
}
