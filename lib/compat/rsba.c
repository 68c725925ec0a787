/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RSBA and RRSBA announce one thing: a return may be predicted from elsewhere
 * when the return stack runs empty, so retpolines are not safe.  A guest that
 * sees enhanced IBRS looks for RRSBA, one that does not for RSBA.  Which of the
 * two a profile shows therefore follows from ibrs_all, and the announcement of
 * any host goes into all.
 *
 * A guest that is not shown ARCH_CAPABILITIES reads no announcement and no
 * immunity: it goes by tables of CPU models, whatever the host says, so nothing
 * of the MSR is judged for it (meaning.def).
 */
#include "base/alloc.h"
#include "compat/constraint.h"
#include "compat/reason.h"
#include "cpu/place.h"

static const struct mig_bit arch_caps = MIG_PLACE_BIT(arch_capabilities);
static const struct mig_bit ibrs_all = MIG_PLACE_BIT(ibrs_all);
static const struct mig_bit rsba = MIG_PLACE_BIT(rsba), rrsba = MIG_PLACE_BIT(rrsba);

#define EITHER (rsba.mask | rrsba.mask)

/* Does who reads this word know?  RSBA is the stronger statement. */
static bool is_told(uint64_t word)
{
    return (word & rsba.mask) != 0 || ((word & rrsba.mask) != 0 && (word & ibrs_all.mask) != 0);
}

/* Does @host announce what a guest that read @guest does not know? */
static bool is_news(uint64_t guest, uint64_t host)
{
    return (host & EITHER & ~guest) != 0 && !is_told(guest);
}

/* Microcode of before August 2023 has eIBRS and says nothing of RRSBA. */
static bool may_be_silent(const struct mig_party *p, uint64_t word)
{
    return (word & ibrs_all.mask) != 0 && (word & EITHER) == 0 && mig_party_has(p, arch_caps);
}

static struct mig_seen bit_of(uint64_t word, struct mig_bit bit)
{
    return (struct mig_seen){MIG_KNOWN, (word & bit.mask) != 0};
}

/* The news of @host: the announcement that the guest looks for, else the
 * other one. */
static struct mig_bit announced(uint64_t guest, uint64_t host)
{
    struct mig_bit fits = (guest & ibrs_all.mask) != 0 ? rrsba : rsba;
    uint64_t news = host & ~guest;

    return (news & fits.mask) != 0 ? fits : (news & rsba.mask) != 0 ? rsba : rrsba;
}

/* What old microcode keeps from guests of its host. */
static const char *say_silent(bool silent, bool runs)
{
    if (!silent) {
        return "";
    }
    return runs ? "; microcode before August 2023 does not state it, so it may hold where it runs "
                  "as well"
                : "; microcode before August 2023 does not state it, so it may hold for that host "
                  "as well";
}

/* Microcode of one CPU model may be read from the evidence; where it is not,
 * silence is a reason of its own. */
static void attribute(struct mig_finding *f, const char *name, const struct mig_party *guest,
                      bool silent, const struct mig_party *host)
{
    mig_reason_attribute(f, guest, host);
    if (!silent || (f->reason != MIG_REASON_HARDWARE && f->reason != MIG_REASON_UNCLASSIFIED)) {
        return;
    }
    f->reason = MIG_REASON_MICROCODE;
    f->likely = true;
    mig_free(f->remedy);
    f->remedy =
        mig_party_is_guest(guest)
            ? mig_strf("power cycle %s on the common profile, which shows %s; hosts with current "
                       "microcode state it by themselves",
                       guest->name, name)
            : mig_strf("update the microcode of %s and power cycle the guest, or boot it on the "
                       "common profile, which shows %s",
                       guest->name, name);
}

static void tell(struct mig_finding *f, struct mig_bit bit, const struct mig_party *guest,
                 uint64_t g, const struct mig_party *host)
{
    const char *name = bit.mask == rsba.mask ? "RSBA" : "RRSBA";
    bool silent = may_be_silent(guest, g), runs = mig_party_is_guest(guest);

    attribute(f, name, guest, silent, host);
    mig_free(f->why);
    f->why = mig_strf("%s announces %s, %s%s did not see it and may trust retpolines there%s",
                      host->name, name, runs ? "" : "a guest of ", guest->name,
                      say_silent(silent, runs));
}

/* One host that the operator should know about, though nothing differs. */
static void note_silent(struct mig_merge *m)
{
    for (size_t i = 0; i < m->len; i++) {
        struct mig_seen word = mig_party_seen(&m->parties[i], rrsba.reg);
        struct mig_finding *f;

        if (word.known != MIG_KNOWN || !may_be_silent(&m->parties[i], word.value)) {
            continue;
        }
        f = mig_constraint_raise(m->findings, rrsba, MIG_NOTE);
        if (f != NULL) {
            f->source = f->destination = bit_of(word.value, rrsba);
            f->reason = MIG_REASON_MICROCODE;
            f->likely = true;
            mig_constraint_say(
                f,
                mig_strf("%s has enhanced IBRS and does not state RRSBA; microcode before August "
                         "2023 never does, also where it holds",
                         m->parties[i].name),
                mig_strf("update the microcode of %s", m->parties[i].name));
        }
        return;
    }
}

/* Is the announcement of some member news to guests of another?  Say it on
 * the difference that the field tier reported. */
static bool find_untold(const struct mig_merge *m, size_t *ret_guest, size_t *ret_host)
{
    for (size_t i = 0; i < m->len; i++) {
        struct mig_seen g = mig_party_seen(&m->parties[i], rsba.reg);

        for (size_t j = 0; mig_seen_is_value(g) && !is_told(g.value) && j < m->len; j++) {
            if (is_news(g.value, mig_party_get(&m->parties[j], rsba.reg))) {
                *ret_guest = i;
                *ret_host = j;
                return true;
            }
        }
    }
    return false;
}

static void report(struct mig_merge *m)
{
    size_t guest = 0, host = 0;
    struct mig_finding *f;
    struct mig_bit bit;
    uint64_t g, h;

    if (!find_untold(m, &guest, &host)) {
        note_silent(m);
        return;
    }
    g = mig_party_get(&m->parties[guest], rsba.reg);
    h = mig_party_get(&m->parties[host], rsba.reg);
    bit = announced(g, h);
    f = mig_constraint_raise(m->findings, bit,
                             m->directional && guest != 0 ? MIG_NOTE : MIG_SECURITY);
    if (f != NULL) {
        f->source = bit_of(m->directional ? mig_party_get(&m->parties[0], bit.reg) : g, bit);
        f->destination = bit_of(m->directional ? mig_party_get(&m->parties[1], bit.reg) : h, bit);
        tell(f, bit, &m->parties[guest], g, &m->parties[host]);
    }
}

void mig_rsba_merge(struct mig_merge *m)
{
    struct mig_word *word = mig_merge_word(m, rsba.reg);
    uint64_t shown;

    if (word == NULL || !word->covered) {
        return;
    }
    if ((word->value & EITHER) != 0) {
        shown = (word->value & ibrs_all.mask) != 0 ? rrsba.mask : rsba.mask;
        mig_merge_take(m, rsba.reg, EITHER & ~shown);
        word->value |= shown;
    }
    if (m->findings != NULL) {
        report(m);
    }
}

void mig_rsba_judge(const struct mig_party *guest, const struct mig_party *host,
                    struct mig_findings *ret)
{
    struct mig_seen h = mig_party_seen(host, rsba.reg), g;
    struct mig_finding *f;
    struct mig_bit bit;

    if ((h.value & EITHER) == 0 || !mig_party_has(guest, arch_caps)) {
        return;
    }
    g = mig_party_seen(guest, rsba.reg);
    if (!mig_seen_is_value(g) || !is_news(g.value, h.value)) {
        return;
    }
    bit = announced(g.value, h.value);
    f = mig_constraint_raise(ret, bit, MIG_SECURITY);
    if (f != NULL) {
        f->guest = f->source = bit_of(g.value, bit);
        f->destination = bit_of(h.value, bit);
        tell(f, bit, guest, g.value, host);
    }
}
