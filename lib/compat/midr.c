/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which implementation a guest is told that it runs on.  Its kernel chose its
 * workarounds for errata by that, at boot: it may move to another one only if
 * it was told then that it might (the list of target implementations, read by
 * hypercalls), and if the VMM may still show the first one
 * (KVM_CAP_ARM_WRITABLE_IMP_ID_REGS, Linux 6.15).
 */
#include <assert.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/text.h"
#include "compat/constraint.h"
#include "compat/limit.h"
#include "compat/vmm.h"
#include "cpu/arm64_core.h"
#include "cpu/arm64_reg.h"
#include "snapshot/listing.h"

#define CALLS UINT64_C(3) /* of VENDOR_HYP_BMAP_2 */
#define FIRST_WRITABLE "6.15"

static const enum mig_arm64 names[] = {MIG_ARM64_MIDR_EL1, MIG_ARM64_REVIDR_EL1,
                                       MIG_ARM64_AIDR_EL1};

#define NAMES MIG_COUNT(names)

struct identity {
    struct mig_seen of[NAMES];
};

static struct identity identity_of(const struct mig_party *p)
{
    struct identity id = {0};

    for (size_t i = 0; i < NAMES; i++) {
        id.of[i] = mig_party_seen(p, mig_reg_arm64(names[i]));
    }
    return id;
}

/* The first register in which they differ; NAMES: in none that both know. */
static size_t first_difference(const struct identity *a, const struct identity *b)
{
    size_t i = 0;

    while (i < NAMES && (!mig_seen_is_value(a->of[i]) || !mig_seen_is_value(b->of[i]) ||
                         a->of[i].value == b->of[i].value)) {
        i++;
    }
    return i;
}

/* Was the guest told, when it booted, that it may meet @there? */
static bool is_target(const struct mig_party *guest, const struct identity *there)
{
    uint64_t calls = mig_party_get(guest, mig_reg_arm64(MIG_ARM64_VENDOR_HYP_BMAP_2));
    struct mig_listed wanted = {0};

    static_assert(NAMES == MIG_LISTING_NUMBERS, "a CPU is listed by all of its names");
    for (size_t i = 0; i < NAMES; i++) {
        wanted.numbers[i] = there->of[i].value;
    }
    return (calls & CALLS) == CALLS &&
           mig_listing_has(guest->snapshot, MIG_LISTING_TARGET_CPUS, &wanted);
}

static bool may_show_other(const struct mig_party *host)
{
    struct mig_limit limit;

    mig_limit_init(&limit, host, 0);
    return limit.has_imp_id;
}

/* What keeps @host from showing another implementation; NULL: nothing. */
static char *find_obstacle(const struct mig_party *host, const struct mig_vmm *vmm,
                           enum mig_reason *ret)
{
    const char *release = mig_snapshot_fact(host->snapshot, "kernel.release");

    if (!may_show_other(host)) {
        *ret = MIG_REASON_KERNEL;
        return mig_strf("Linux " FIRST_WRITABLE " or later on %s (it runs %s), with a VMM that "
                        "enables KVM_CAP_ARM_WRITABLE_IMP_ID_REGS",
                        host->name, release != NULL ? release : "?");
    }
    if (vmm != NULL && !mig_vmm_shows_other_implementation(vmm)) {
        *ret = MIG_REASON_VMM;
        return mig_strf("a VMM on %s that enables KVM_CAP_ARM_WRITABLE_IMP_ID_REGS, which %s does "
                        "not",
                        host->name, mig_vmm_name(vmm));
    }
    return NULL;
}

static struct mig_finding *add(struct mig_findings *list, enum mig_severity severity, size_t which,
                               const struct identity *a, const struct identity *b,
                               enum mig_reason reason)
{
    struct mig_finding *f;
    char id[MIG_REG_TEXT_MAX];

    mig_reg_print(mig_reg_arm64(names[which]), id);
    f = mig_constraint_add(list, id, severity, "midr", reason);
    if (f != NULL) {
        f->source = a->of[which];
        f->destination = b->of[which];
    }
    return f;
}

/* A core by its name, the other registers as numbers. */
static void print_identity(size_t which, uint64_t value, char ret[MIG_ARM64_CORE_MAX])
{
    if (names[which] == MIG_ARM64_MIDR_EL1) {
        mig_arm64_core_print(value, ret);
    } else {
        (void)snprintf(ret, MIG_ARM64_CORE_MAX, "0x%llx", (unsigned long long)value);
    }
}

void mig_midr_judge(const struct mig_party *guest, const struct mig_party *host,
                    struct mig_findings *ret)
{
    struct identity shown = identity_of(guest), there = identity_of(host);
    size_t which = first_difference(&shown, &there);
    bool told = is_target(guest, &there);
    enum mig_reason reason = MIG_REASON_HARDWARE;
    MIG_AUTO(mig_free) char *obstacle = NULL;
    char before[MIG_ARM64_CORE_MAX], after[MIG_ARM64_CORE_MAX];
    struct mig_finding *f;

    if (which == NAMES) {
        return;
    }
    obstacle = find_obstacle(host, mig_vmm_of(guest, host), &reason);
    if (told && obstacle == NULL) {
        return;
    }
    f = add(ret, MIG_BLOCKER, which, &shown, &there, told ? reason : MIG_REASON_HARDWARE);
    if (f == NULL) {
        return;
    }
    f->guest = f->source;
    print_identity(which, f->source.value, before);
    print_identity(which, f->destination.value, after);
    f->why = told
                 ? mig_strf("%s may meet this CPU, but %s can not go on showing it the one it "
                            "booted on",
                            guest->name, host->name)
                 : mig_strf("the kernel of %s chose its workarounds for the CPU that it was shown, "
                            "%s; %s has %s, which it was not told of when it booted",
                            guest->name, before, host->name, after);
    f->remedy =
        told
            ? mig_strf("run %s", obstacle)
            : mig_strf("keep the guest on CPUs like the one it booted on, or power cycle it with "
                       "a list of all CPUs that it may meet (Linux 6.15 or later in the guest)%s%s",
                       obstacle != NULL ? "; that takes " : "", obstacle != NULL ? obstacle : "");
}

/* Whose CPU guests are shown: the one of the smallest number, so that the order
 * of the hosts does not matter. */
static size_t find_presenter(const struct mig_merge *m)
{
    size_t best = 0;

    for (size_t i = 1; i < m->len; i++) {
        struct identity a = identity_of(&m->parties[i]), b = identity_of(&m->parties[best]);
        size_t which = first_difference(&a, &b);

        best = which < NAMES && a.of[which].value < b.of[which].value ? i : best;
    }
    return best;
}

/* One party's whole identity, not the smallest parts of several. */
static void present(struct mig_merge *m, size_t who)
{
    for (size_t i = 0; i < NAMES; i++) {
        struct mig_word *word = mig_merge_word(m, mig_reg_arm64(names[i]));

        if (word != NULL && word->covered) {
            word->value = mig_party_get(&m->parties[who], mig_reg_arm64(names[i]));
        }
    }
}

/* A host that can not show @who's implementation, else one that differs;
 * m->len: none differs. */
static size_t find_odd(const struct mig_merge *m, size_t who, size_t *ret_which)
{
    struct identity shown = identity_of(&m->parties[who]);
    size_t odd = m->len, least = NAMES;

    for (size_t i = 0; i < m->len; i++) {
        struct identity own = identity_of(&m->parties[i]);
        size_t which = first_difference(&shown, &own);

        if (which < NAMES && (odd == m->len || !may_show_other(&m->parties[i]))) {
            odd = i;
        }
        least = which < least ? which : least;
    }
    *ret_which = least;
    return odd;
}

void mig_midr_merge(struct mig_merge *m)
{
    enum mig_reason reason = MIG_REASON_HARDWARE;
    MIG_AUTO(mig_free) char *obstacle = NULL;
    struct identity shown, own;
    char mine[MIG_ARM64_CORE_MAX], theirs[MIG_ARM64_CORE_MAX];
    const struct mig_party *host;
    struct mig_finding *f;
    size_t which = 0, who = find_presenter(m), odd = find_odd(m, who, &which);

    present(m, who);
    if (odd == m->len) {
        return;
    }
    host = &m->parties[odd];
    obstacle = find_obstacle(host, mig_vmm_of(host, host), &reason);
    m->unsettable = m->unsettable || obstacle != NULL;
    if (m->findings == NULL) {
        return;
    }
    shown = identity_of(&m->parties[0]);
    own = identity_of(&m->parties[odd != 0 ? odd : who]);
    f = add(m->findings, obstacle != NULL ? MIG_BLOCKER : MIG_WARNING, which, &shown, &own, reason);
    if (f == NULL) {
        return;
    }
    print_identity(which, identity_of(&m->parties[who]).of[which].value, mine);
    print_identity(which, identity_of(host).of[which].value, theirs);
    f->why = mig_strf("%s, %s, and %s, %s, are different CPUs: a guest's kernel chooses its "
                      "workarounds for errata by the one that it is shown",
                      m->parties[who].name, mine, host->name, theirs);
    f->remedy = mig_strf("show all guests the CPU of %s and give them, when they boot, the list of "
                         "all CPUs that they may meet (Linux 6.15 or later in the guest)%s%s",
                         m->parties[who].name, obstacle != NULL ? "; that takes " : "",
                         obstacle != NULL ? obstacle : "");
}
