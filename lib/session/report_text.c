/* SPDX-License-Identifier: Apache-2.0 */
#include "session/report_text.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cpu/level.h"
#include "session/page.h"

#define SHORT_DIGEST_BYTES 6
#define SHOWN_DEPENDANTS 12

static void print_verdict(const struct mig_report *r, const struct mig_result *result)
{
    static const struct {
        const char *pair, *set;
    } meaning[MIG_VERDICT_COUNT] = {
        [MIG_COMPATIBLE] = {"Guests can move as they are.",
                            "These hosts show the same; guests move between all of them."                                                                                       },
        [MIG_COMPATIBLE_MASKED] =
            {"Guests can move; the destination hides from them what the source does not have.",
                            "Guests move between these hosts; each hides what the others do not have."                                                                          },
        [MIG_COMPATIBLE_ON_PROFILE] =
            {"The hosts differ. Guests booted on the profile below move both ways; what each host "
             "gives up for that is listed.",                                       "The hosts differ. Guests booted on the profile below move between all of them; what "
             "each host gives up for that is listed."                                                   },
        [MIG_NEEDS_POWER_CYCLE] =
            {"The running guest can not move. Power cycled on the profile below, it can.",
                            "The running guest can not move. Power cycled on the profile below, it can."                                                                        },
        [MIG_INCOMPATIBLE] = {"No guest profile makes these two hosts compatible; the blockers say "
                              "why.",                                              "No guest profile fits all of these hosts; the blockers say why."},
        [MIG_UNKNOWN] = {"No answer: evidence is missing, too old, unsigned, refused or "
                         "incomplete. The findings say which.",                    "No answer: evidence is missing, too old, unsigned, refused or "
                         "incomplete. The findings say which."                       },
    };

    (void)fprintf(r->out, "verdict: %s\n", mig_verdict_name(result->verdict));
    mig_page_paragraph(r->out, 2, 2,
                       r->pair ? meaning[result->verdict].pair : meaning[result->verdict].set);
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

    mig_text_addf(&t, "%s%s: ", role, e->name);
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
    (void)fprintf(r->out, "\nhosts\n");
    for (size_t i = 0; i < len; i++) {
        print_host(r, &hosts[i], !r->pair ? "" : i == 0 ? "source " : "destination ");
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

static void add_value(struct mig_text *t, const char *who, struct mig_seen seen)
{
    char value[MIG_REPORT_VALUE_MAX];

    mig_report_text_value(seen, value);
    mig_text_addf(t, "%s%s %s", t->len > 0 ? ", " : "", who, value);
}

/* The id, what people call it, and the values that differ. */
static void print_place(const struct mig_report *r, const struct mig_finding *f)
{
    MIG_AUTO(mig_text_clear) struct mig_text names = {0}, values = {0}, all = {0};

    for (size_t i = 0; i < f->names_len; i++) {
        mig_text_addf(&names, "%s%s", i > 0 ? ", " : "", f->names[i]);
    }
    if (f->guest.known != MIG_UNCOVERED) {
        add_value(&values, "guest", f->guest);
    }
    if (f->source.known != MIG_UNCOVERED || f->destination.known != MIG_UNCOVERED) {
        add_value(&values, r->pair ? "source" : "one host", f->source);
        add_value(&values, r->pair ? "destination" : "another", f->destination);
    }
    mig_text_addf(&all, "%s", f->id);
    if (names.len > 0) {
        mig_text_addf(&all, " (%s)", names.items);
    }
    if (values.len > 0) {
        mig_text_addf(&all, ": %s", values.items);
    }
    mig_page_paragraph(r->out, 2, 6, all.items);
}

/* Many findings share a remedy: @above is that of the one before. */
static void print_cause(const struct mig_report *r, const struct mig_finding *f, const char *above)
{
    MIG_AUTO(mig_text_clear) struct mig_text t = {0};

    if (f->rule != NULL) {
        mig_text_addf(&t, "rule %s, ", f->rule);
    }
    mig_text_addf(&t, "reason %s%s", mig_reason_name(f->reason), f->likely ? " (likely)" : "");
    if (f->why != NULL) {
        mig_text_addf(&t, ": %s", f->why);
    }
    mig_page_paragraph(r->out, 6, 6, t.items);
    if (f->remedy != NULL) {
        mig_page_item(r->out, 6, "remedy: ",
                      above != NULL && strcmp(above, f->remedy) == 0 ? "as above" : f->remedy);
    }
}

/* What follows from a finding is told with it, by name where it has one. */
static void print_dependants(const struct mig_report *r, const struct mig_findings *list,
                             const struct mig_finding *f)
{
    MIG_AUTO(mig_text_clear) struct mig_text t = {0};

    size_t shown = r->verbose || f->dependants_len <= SHOWN_DEPENDANTS + 1 ? f->dependants_len
                                                                           : SHOWN_DEPENDANTS;

    for (size_t i = 0; i < shown; i++) {
        const struct mig_finding *d = mig_findings_find(list, f->dependants[i]);

        mig_text_addf(&t, "%s%s", i > 0 ? ", " : "",
                      d != NULL && d->names_len > 0 ? d->names[0] : f->dependants[i]);
    }
    if (shown < f->dependants_len) {
        mig_text_addf(&t, " and %zu more", f->dependants_len - shown);
    }
    if (t.len > 0) {
        mig_page_item(r->out, 6, "and with it: ", t.items);
    }
}

static size_t count(const struct mig_findings *list, enum mig_severity severity)
{
    size_t n = 0;

    for (size_t i = 0; i < list->len; i++) {
        n += list->items[i].severity == severity;
    }
    return n;
}

static void print_section(const struct mig_report *r, const struct mig_findings *list,
                          enum mig_severity severity)
{
    const char *above = NULL;

    for (size_t i = 0; i < list->len; i++) {
        const struct mig_finding *f = &list->items[i];

        if (f->severity == severity && (f->root == NULL || r->verbose)) {
            print_place(r, f);
            print_cause(r, f, above);
            print_dependants(r, list, f);
            above = f->remedy;
        }
    }
}

void mig_report_text_findings(const struct mig_report *r, const struct mig_findings *list)
{
    static const struct {
        enum mig_severity severity;
        const char *heading;
    } sections[] = {
        {MIG_BLOCKER,  "blockers"},
        {MIG_SECURITY, "security"},
        {MIG_WARNING,  "warnings"},
        {MIG_NOTE,     "notes"   }
    };

    for (size_t s = 0; s < sizeof sections / sizeof *sections; s++) {
        size_t total = count(list, sections[s].severity);

        if (total > 0 && sections[s].severity == MIG_NOTE && !r->verbose) {
            (void)fprintf(r->out, "\nnotes: %zu, shown with -v\n", total);
        } else if (total > 0) {
            (void)fprintf(r->out, "\n%s: %zu\n", sections[s].heading, total);
            print_section(r, list, sections[s].severity);
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
        (void)fprintf(r->out, "\ngiven up for the profile\n");
    }
    while (i < len) {
        const char *host = losses[i].host;
        MIG_AUTO(mig_text_clear) struct mig_text names = {0};
        const char *comma = "";

        mig_text_addf(&names, "%s: ", host);
        for (size_t first = i; i < len && strcmp(losses[i].host, host) == 0; i++) {
            bool named = losses[i].name != NULL && losses[i].name[0] != '\0';

            if (is_told(&losses[first], i - first)) {
                continue;
            }
            mig_text_addf(&names, "%s%s%s", comma, named ? losses[i].name : losses[i].id,
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
        char text[MIG_REG_TEXT_MAX];

        mig_reg_print(reg, text);
        if (p->words[i].covered) {
            (void)fprintf(r->out, "    %-28s 0x%0*" PRIx64 "\n", text, (int)mig_reg_width(reg) / 4,
                          p->words[i].value);
        } else {
            (void)fprintf(r->out, "    %-28s not covered\n", text);
        }
    }
}

void mig_report_text_profile(const struct mig_report *r, const struct mig_profile *p)
{
    char digest[2 * MIG_DIGEST_BYTES + 1];

    if (p == NULL) {
        return;
    }
    mig_text_hex(p->digest, sizeof p->digest, digest);
    (void)fprintf(r->out, "\nprofile\n  digest: %s\n", digest);
    if (p->arch == MIG_ARCH_X86) {
        (void)fprintf(r->out, "  level: %s\n",
                      p->level > 0 ? mig_level_name(p->level) : "below x86-64-v1");
    }
    if (p->maxphysaddr != 0) {
        (void)fprintf(r->out, "  physical address bits: %" PRIu64 "\n", p->maxphysaddr);
    }
    if (p->tsc_khz != 0) {
        (void)fprintf(r->out, "  TSC: %" PRIu64 " kHz\n", p->tsc_khz);
    }
    (void)fprintf(r->out, "  %zu features, %zu registers%s\n", p->features_len, p->words_len,
                  r->verbose ? "" : ", shown with -v or -o json");
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

void mig_report_text(const struct mig_report *r, const struct mig_decision *d)
{
    print_verdict(r, &d->result);
    print_passthrough(r, d);
    print_coverage(r, &d->result);
    mig_report_text_hosts(r, d->hosts, d->hosts_len);
    mig_report_text_findings(r, &d->result.findings);
    mig_report_text_losses(r, d->result.losses, d->result.losses_len);
    mig_report_text_profile(r, d->result.profile);
}
