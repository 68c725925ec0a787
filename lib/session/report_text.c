/* SPDX-License-Identifier: Apache-2.0 */
#include "session/report_text.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cpu/level.h"
#include "session/contract_file.h"
#include "session/finding_text.h"
#include "session/page.h"
#include "session/paint.h"

#define SHORT_DIGEST_BYTES 6

struct meaning {
    enum mig_paint paint;
    const char *pair, *set, *running;
};

static const struct meaning meanings[MIG_VERDICT_COUNT] = {
    [MIG_COMPATIBLE] =
        {
                          MIG_PAINT_GOOD,                                                               "Guests can move as they are.",
                          "These hosts show the same; guests move between all of them.",                                                            "The running guest can move as it is.",
                          },
    [MIG_COMPATIBLE_MASKED] =
        {
                          MIG_PAINT_GOOD,                                                                            "Guests can move; the destination hides from them what the source does not have.",
                          "Guests move between these hosts; each hides what the others do not have.",
                          "The running guest can move; the destination hides from it what it was not shown.",
                          },
    [MIG_COMPATIBLE_ON_PROFILE] =
        {
                          MIG_PAINT_CARE,   "The hosts differ. Guests booted on the profile below move both ways; what each "
            "host gives up for that is listed.",                          "The hosts differ. Guests booted on the profile below move between all of them; "
            "what each host gives up for that is listed.",                                                                                                                        "The hosts differ. Guests booted on the profile below move both ways.",
                          },
    [MIG_NEEDS_POWER_CYCLE] =
        {
                          MIG_PAINT_CARE,                                                               "The running guest can not move. Power cycled on the profile below, it can.",
                          "The running guest can not move. Power cycled on the profile below, it can.",
                          "The running guest can not move: it was shown what the destination can not give, "
            "and keeps that until it is powered off. Power cycled on the profile below, it can.", },
    [MIG_INCOMPATIBLE] =
        {
                          MIG_PAINT_BAD,                                                                            "No guest profile makes these two hosts compatible; the blockers say why.",
                          "No guest profile fits all of these hosts; the blockers say why.",                                                                                                           "The running guest can not move, and no profile that it could be powered on with "
            "lifts that; the blockers say why.", },
    [MIG_UNKNOWN] =
        {
                          MIG_PAINT_BAD, "No answer: evidence is missing, too old, unsigned, refused or incomplete. The "
            "findings say which.",                                      "No answer: evidence is missing, too old, unsigned, refused or incomplete. The "
            "findings say which.",                                               "No answer for this guest: evidence is missing, too old, unsigned, refused or "
            "incomplete. The findings say which.", },
};

void mig_report_text_heading(const struct mig_report *r, const char *text)
{
    MIG_AUTO(mig_text_clear) struct mig_text t = {0};

    mig_paint_add(&t, r->colour, MIG_PAINT_STRONG, text);
    (void)fprintf(r->out, "\n%s\n", t.items);
}

static void print_verdict(const struct mig_report *r, const struct mig_result *result)
{
    MIG_AUTO(mig_text_clear) struct mig_text t = {0};
    const struct meaning *m = &meanings[result->verdict];

    mig_paint_add(&t, r->colour, m->paint, mig_verdict_name(result->verdict));
    (void)fprintf(r->out, "verdict: %s\n", t.items);
    mig_page_paragraph(r->out, 2, 2,
                       result->possible
                           ? "No guest profile works on these hosts as they are. The one "
                             "below would, once the blockers are lifted; each says "
                             "what that takes."
                       : r->running ? m->running
                       : r->pair    ? m->pair
                                    : m->set);
}

/* What becomes of a guest that saw everything. */
static void print_passthrough(const struct mig_report *r, const struct mig_decision *d)
{
    static const struct {
        const char *direction, *text;
    } ways[] = {
        {"both",     "either way"                           },
        {"forward",  "from %s to %s, not back"              },
        {"backward", "not from %s to %s, only the other way"},
        {"none",     "neither way between %s and %s"        },
    };
    const char *direction = d->result.direction;
    MIG_AUTO(mig_text_clear) struct mig_text t = {0};

    if (!r->pair || direction == NULL || d->result.passthrough == MIG_UNKNOWN) {
        return;
    }
    mig_text_add(&t, "Guests given everything their host can grant move ");
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        const char *text = ways[i].text, *first = strstr(text, "%s"), *second;

        if (strcmp(ways[i].direction, direction) != 0) {
            continue;
        }
        if (first == NULL) {
            mig_text_add(&t, text);
            continue;
        }
        second = strstr(first + 2, "%s");
        mig_text_addf(&t, "%.*s%s%.*s%s%s", (int)(first - text), text, d->hosts[0].name,
                      (int)(second - first) - 2, first + 2, d->hosts[1].name, second + 2);
    }
    mig_text_add(&t, ".");
    mig_page_paragraph(r->out, 2, 2, t.items);
}

/* "source alpha: live, age 0 s, x86-64 GenuineIntel, evidence 1a2b..." */
static void print_host(const struct mig_report *r, const struct mig_evidence *e, const char *role)
{
    MIG_AUTO(mig_text_clear) struct mig_text t = {0};
    char age[MIG_PAGE_AGE_MAX], digest[2 * SHORT_DIGEST_BYTES + 1], vendor[13] = "";

    mig_text_add(&t, role);
    mig_paint_add(&t, r->colour, MIG_PAINT_STRONG, e->name);
    mig_text_add(&t, ": ");
    if (e->snapshot == NULL) {
        mig_text_add(&t, "no evidence");
        mig_page_paragraph(r->out, 2, 6, t.items);
        return;
    }
    mig_page_age(e->age_s, age);
    mig_text_hex(e->digest, SHORT_DIGEST_BYTES, digest);
    if (e->snapshot->arch == MIG_ARCH_X86) {
        mig_snapshot_vendor(e->snapshot, vendor);
        mig_text_make_printable(vendor);
    }
    mig_text_addf(&t, "%s, age %s, %s%s%s, evidence %s", mig_evidence_kind_name(e->kind), age,
                  mig_arch_name(e->snapshot->arch), vendor[0] != '\0' ? " " : "", vendor, digest);
    if (e->format != NULL) {
        mig_text_addf(&t, ", format %s", e->format);
    }
    mig_page_paragraph(r->out, 2, 6, t.items);
}

void mig_report_text_hosts(const struct mig_report *r, const struct mig_evidence *hosts, size_t len)
{
    mig_report_text_heading(r, "hosts");
    for (size_t i = 0; i < len; i++) {
        bool goes_there = r->pair ? i == 1 : r->running;

        print_host(r, &hosts[i], goes_there ? "destination " : r->pair ? "source " : "");
    }
}

void mig_report_text_value(struct mig_seen seen, char ret[MIG_REPORT_VALUE_MAX])
{
    switch (seen.known) {
    case MIG_KNOWN:
        (void)snprintf(ret, MIG_REPORT_VALUE_MAX, seen.value < 10 ? "%" PRIu64 : "0x%" PRIx64,
                       seen.value);
        return;
    case MIG_ABSENT:
        (void)snprintf(ret, MIG_REPORT_VALUE_MAX, "0 (absent)");
        return;
    case MIG_UNREADABLE:
        (void)snprintf(ret, MIG_REPORT_VALUE_MAX, "unreadable");
        return;
    case MIG_UNCOVERED:
        (void)snprintf(ret, MIG_REPORT_VALUE_MAX, "not covered");
        return;
    }
    MIG_ASSERT(false);
}

static size_t count(const struct mig_findings *list, enum mig_severity severity)
{
    size_t n = 0;

    for (size_t i = 0; i < list->len; i++) {
        n += list->items[i].severity == severity;
    }
    return n;
}

void mig_report_text_findings(const struct mig_report *r, const struct mig_findings *list)
{
    static const struct {
        enum mig_severity severity;
        enum mig_paint paint;
        const char *heading;
    } sections[] = {
        {MIG_BLOCKER,  MIG_PAINT_BAD,    "blockers"},
        {MIG_SECURITY, MIG_PAINT_BAD,    "security"},
        {MIG_WARNING,  MIG_PAINT_CARE,   "warnings"},
        {MIG_NOTE,     MIG_PAINT_STRONG, "notes"   }
    };

    for (size_t s = 0; s < sizeof sections / sizeof *sections; s++) {
        MIG_AUTO(mig_text_clear) struct mig_text heading = {0};
        size_t total = count(list, sections[s].severity);
        bool hidden = sections[s].severity == MIG_NOTE && !r->verbose;

        if (total == 0) {
            continue;
        }
        mig_paint_add(&heading, r->colour, sections[s].paint, sections[s].heading);
        (void)fprintf(r->out, "\n%s: %zu%s\n", heading.items, total,
                      hidden ? ", shown with -v" : "");
        if (!hidden) {
            mig_finding_text_print(r, list, sections[s].severity);
        }
    }
}

/* Is losses[at] called what one before it was?  Rows of one leaf share a name. */
static bool is_told(const struct mig_loss *losses, size_t at)
{
    const char *name = losses[at].name;

    for (size_t i = 0; name != NULL && name[0] != '\0' && i < at; i++) {
        if (losses[i].name != NULL && strcmp(losses[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

void mig_report_text_losses(const struct mig_report *r, const struct mig_loss *losses, size_t len)
{
    size_t i = 0;

    if (len > 0) {
        mig_report_text_heading(r, "given up for the profile");
    }
    while (i < len) {
        const char *host = losses[i].host;
        MIG_AUTO(mig_text_clear) struct mig_text names = {0};
        const char *comma = "";

        mig_paint_add(&names, r->colour, MIG_PAINT_STRONG, host);
        mig_text_add(&names, ": ");
        for (size_t first = i; i < len && strcmp(losses[i].host, host) == 0; i++) {
            bool named = losses[i].name != NULL && losses[i].name[0] != '\0';

            if (is_told(&losses[first], i - first)) {
                continue;
            }
            mig_text_addf(&names, "%s%s", comma, named ? losses[i].name : losses[i].id);
            mig_paint_add(&names, r->colour, losses[i].security ? MIG_PAINT_BAD : MIG_PAINT_FAINT,
                          losses[i].security    ? " [security]"
                          : losses[i].announced ? " [to be shown]"
                                                : "");
            comma = ", ";
        }
        mig_page_paragraph(r->out, 2, 6, names.items);
    }
}

static void print_features(const struct mig_report *r, const struct mig_profile *p)
{
    MIG_AUTO(mig_text_clear) struct mig_text t = {0};

    for (size_t i = 0; i < p->features_len; i++) {
        mig_text_addf(&t, "%s%s", i > 0 ? " " : "", p->features[i]);
    }
    if (t.len > 0) {
        mig_page_item(r->out, 2, "features: ", t.items);
    }
}

static void print_registers(const struct mig_report *r, const struct mig_profile *p)
{
    (void)fprintf(r->out, "  registers:\n");
    for (size_t i = 0; i < p->words_len; i++) {
        struct mig_reg reg = mig_reg_from_key(p->words[i].key);
        char text[MIG_REG_TEXT_MAX], head[MIG_REG_TEXT_MAX + 2], value[24];

        mig_reg_print(reg, text);
        (void)snprintf(head, sizeof head, "%-28s ", text);
        (void)snprintf(value, sizeof value, "0x%0*" PRIx64, (int)mig_reg_width(reg) / 4,
                       p->words[i].value);
        mig_page_item(r->out, 4, head, p->words[i].covered ? value : "not covered");
    }
}

void mig_report_text_profile(const struct mig_report *r, const struct mig_profile *p)
{
    MIG_AUTO(mig_text_clear) struct mig_text t = {0};
    char digest[2 * MIG_DIGEST_BYTES + 1];

    if (p == NULL) {
        return;
    }
    mig_text_hex(p->digest, sizeof p->digest, digest);
    mig_report_text_heading(r, "profile");
    mig_page_item(r->out, 2, "digest: ", digest);
    mig_page_item(r->out, 2, "level: ", mig_level_name(p->level));
    if (p->maxphysaddr != 0) {
        (void)fprintf(r->out, "  physical address bits: %" PRIu64 "\n", p->maxphysaddr);
    }
    if (p->tsc_khz != 0) {
        (void)fprintf(r->out, "  TSC: %" PRIu64 " kHz\n", p->tsc_khz);
    }
    mig_text_addf(&t, "%zu features, %zu registers%s", p->features_len, p->words_len,
                  r->verbose ? "" : ", shown with -v or -o json");
    mig_page_paragraph(r->out, 2, 2, t.items);
    if (r->verbose) {
        print_features(r, p);
        print_registers(r, p);
    }
}

static void print_coverage(const struct mig_report *r, const struct mig_result *result)
{
    MIG_AUTO(mig_text_clear) struct mig_text t = {0};

    for (int g = 0; g < MIG_GROUP_COUNT; g++) {
        if (result->uncovered[g]) {
            mig_text_addf(&t, "%s%s", t.len > 0 ? ", " : "", mig_group_name((enum mig_group)g));
        }
    }
    if (t.len > 0) {
        mig_page_item(r->out, 2, "Partial: not all evidence covers ", t.items);
    }
}

static void print_proofs(const struct mig_report *r, const struct mig_decision *d)
{
    bool headed = false;

    for (size_t i = 0; i < d->hosts_len && d->proofs != NULL; i++) {
        const struct mig_proof_slot *slot = &d->proofs[i];
        const struct mig_proven *p = &slot->proof.proven;
        MIG_AUTO(mig_text_clear) struct mig_text t = {0};
        bool held = slot->error.code == MIG_OK && p->outcome == MIG_OUTCOME_HELD;

        if (!slot->asked) {
            continue;
        }
        if (!headed) {
            mig_report_text_heading(r, "proofs");
            headed = true;
        }
        mig_paint_add(&t, r->colour, MIG_PAINT_STRONG, d->hosts[i].name);
        mig_text_add(&t, ": ");
        mig_paint_add(&t, r->colour, held ? MIG_PAINT_GOOD : MIG_PAINT_BAD,
                      slot->error.code != MIG_OK ? "missing" : mig_outcome_name(p->outcome));
        if (slot->error.code == MIG_OK && p->compared > 0) {
            mig_text_addf(&t, ", %u words%s", p->compared, p->ran ? ", seen by a guest" : "");
        }
        mig_page_paragraph(r->out, 2, 6, t.items);
    }
}

static void print_guest(const struct mig_report *r, const struct mig_contract_file *f)
{
    char line[MIG_CONTRACT_LINE_MAX];

    mig_contract_file_print(f, line);
    mig_page_paragraph(r->out, 2, 4, line);
}

void mig_report_text(const struct mig_report *r, const struct mig_decision *d)
{
    struct mig_report whole = *r;

    if (r->pair && d->hosts_len == 2) {
        whole.source = d->hosts[0].snapshot;
        whole.destination = d->hosts[1].snapshot;
    }
    if (d->contract != NULL && d->contract->contract != NULL) {
        whole.guest = d->contract->contract->shown;
        whole.destination = d->hosts[d->hosts_len - 1].snapshot;
    }
    print_verdict(r, &d->result);
    if (d->contract != NULL) {
        print_guest(r, d->contract);
    } else {
        print_passthrough(r, d);
    }
    print_coverage(r, &d->result);
    mig_report_text_hosts(r, d->hosts, d->hosts_len);
    print_proofs(r, d);
    mig_report_text_findings(&whole, &d->result.findings);
    mig_report_text_losses(r, d->result.losses, d->result.losses_len);
    mig_report_text_profile(r, d->result.profile);
}
