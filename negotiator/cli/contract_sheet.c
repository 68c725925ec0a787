/* SPDX-License-Identifier: Apache-2.0 */
#include "contract_sheet.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cpu/field.h"
#include "pact/store.h"
#include "session/page.h"
#include "sheet.h"

static void print_hops(const struct mig_report *r, const struct mig_contract *c)
{
    for (size_t i = 0; i < c->hops_len; i++) {
        MIG_AUTO(mig_free) char *label = mig_strf("came to %s", c->hops[i].host);

        sheet_time(r, label, c->hops[i].at);
    }
}

static const char *or_unknown(const char *text)
{
    return text[0] != '\0' ? text : "not known";
}

void contract_sheet_identity(const struct mig_report *r, const struct mig_contract_file *f)
{
    const struct mig_contract *c = f->contract;
    MIG_AUTO(mig_free) char *architecture = NULL;
    MIG_AUTO(mig_free)
    char *kind = mig_strf("%s%s%s", mig_evidence_kind_name(f->kind), f->format != NULL ? ", " : "",
                          f->format != NULL ? f->format : "");
    char age[MIG_PAGE_AGE_MAX], vendor[13] = "";

    mig_page_age(f->age_s, age);
    if (c->shown->arch == MIG_ARCH_X86) {
        mig_snapshot_vendor(c->shown, vendor);
        mig_text_make_printable(vendor);
    }
    architecture = mig_strf("%s %s", mig_arch_name(c->shown->arch), vendor);
    sheet_line(r, "guest", MIG_PAINT_STRONG, c->vm);
    sheet_line(r, "instance", MIG_PAINT_PLAIN, or_unknown(c->instance));
    sheet_line(r, "recorded on", MIG_PAINT_PLAIN, or_unknown(c->recorder));
    sheet_time(r, "recorded", c->recorded_at);
    print_hops(r, c);
    sheet_line(r, "age", MIG_PAINT_PLAIN, age);
    sheet_line(r, "evidence", MIG_PAINT_PLAIN, kind);
    sheet_line(r, "architecture", MIG_PAINT_PLAIN, architecture);
    sheet_digest(r, "digest", f->digest);
}

/* Not a host's, not another architecture's: what a contract could tell of. */
static bool is_expected(enum mig_group group, enum mig_arch arch)
{
    if (!mig_contract_may_cover(group) || group == MIG_GROUP_KVM_VIEW) {
        return false;
    }
    if (group == MIG_GROUP_IDREG) {
        return arch == MIG_ARCH_ARM64;
    }
    return arch == MIG_ARCH_X86 || (group != MIG_GROUP_CPUID && group != MIG_GROUP_CPUID_HV &&
                                    group != MIG_GROUP_MSR && group != MIG_GROUP_TSC);
}

/* What a guest has and this contract does not tell of. */
static void print_uncovered(const struct mig_report *r, const struct mig_snapshot *s)
{
    MIG_AUTO(mig_text_clear) struct mig_text t = {0};

    for (int g = 0; g < MIG_GROUP_COUNT; g++) {
        enum mig_group group = (enum mig_group)g;

        if (s->groups[g].coverage == MIG_COVER_NONE && is_expected(group, s->arch)) {
            mig_text_addf(&t, "%s%s", t.len > 0 ? ", " : "", mig_group_name(group));
        }
    }
    if (t.len > 0) {
        mig_page_item(r->out, 2, "not covered: ", t.items);
    }
}

static void add_features(const struct mig_entry *e, struct mig_text *t, size_t *count)
{
    struct mig_fields fields = mig_field_of(mig_reg_from_key(e->key));

    for (size_t i = 0; i < fields.len; i++) {
        const struct mig_field *f = &fields.items[i];

        if (mig_field_is_flag(f) && mig_field_get(f, e->value) != 0) {
            mig_text_addf(t, "%s%s", t->len > 0 ? " " : "", f->name);
            (*count)++;
        }
    }
}

static void print_features(const struct mig_report *r, const struct mig_snapshot *s)
{
    MIG_AUTO(mig_text_clear) struct mig_text t = {0};
    size_t count = 0;

    for (size_t i = 0; i < s->entries_len; i++) {
        add_features(&s->entries[i], &t, &count);
    }
    (void)fprintf(r->out, "\nfeatures: %zu\n", count);
    if (t.len > 0) {
        mig_page_paragraph(r->out, 2, 2, t.items);
    }
}

void contract_sheet(const struct mig_report *r, const struct mig_contract_file *f)
{
    const struct mig_snapshot *shown = f->contract->shown;

    contract_sheet_identity(r, f);
    sheet_coverage(r, shown, true);
    print_uncovered(r, shown);
    sheet_facts(r, shown);
    print_features(r, shown);
    sheet_registers(r, shown);
}

#define COLUMNS 6

/* What one line says, and how wide the columns get. */
struct line {
    char text[COLUMNS][MIG_NAME_MAX];
};

static void fill_line(const struct mig_store_entry *e, int64_t now, struct line *ret)
{
    char age[MIG_PAGE_AGE_MAX] = "";

    if (e->error.code == MIG_OK) {
        mig_page_age(now > e->recorded_at ? now - e->recorded_at : 0, age);
        (void)snprintf(ret->text[4], sizeof ret->text[4], "%zu", e->hops);
    }
    (void)snprintf(ret->text[0], sizeof ret->text[0], "%s", e->vm);
    (void)snprintf(ret->text[1], sizeof ret->text[1], "%s", mig_store_state_name(e->state));
    (void)snprintf(ret->text[2], sizeof ret->text[2], "%s", e->instance);
    (void)snprintf(ret->text[3], sizeof ret->text[3], "%s", e->recorder);
    (void)snprintf(ret->text[5], sizeof ret->text[5], "%s", age);
    for (size_t i = 0; i < COLUMNS; i++) {
        if (ret->text[i][0] == '\0') {
            (void)snprintf(ret->text[i], sizeof ret->text[i], "-");
        }
    }
}

static void print_line(const struct mig_report *r, const struct line *line,
                       const size_t widths[COLUMNS], const char *last)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        (void)fprintf(r->out, "%-*s  ", (int)widths[i], line->text[i]);
    }
    (void)fprintf(r->out, "%s\n", last);
}

void contract_sheet_list(const struct mig_report *r, const struct mig_store_list *list, int64_t now)
{
    static const struct line head = {
        {"GUEST", "STATE", "INSTANCE", "RECORDED ON", "HOPS", "AGE"}
    };
    struct line *lines = mig_alloc(list->len + 1, sizeof *lines);
    size_t widths[COLUMNS] = {0};

    lines[0] = head;
    for (size_t i = 0; i <= list->len; i++) {
        if (i > 0) {
            fill_line(&list->items[i - 1], now, &lines[i]);
        }
        for (size_t column = 0; column < COLUMNS; column++) {
            size_t width = strlen(lines[i].text[column]);

            widths[column] = width > widths[column] ? width : widths[column];
        }
    }
    for (size_t i = 0; i <= list->len; i++) {
        const struct mig_store_entry *e = i == 0 ? NULL : &list->items[i - 1];
        bool good = e == NULL || e->error.code == MIG_OK;

        print_line(r, &lines[i], widths, e == NULL ? "SIGNATURE" : good ? "good" : "not usable");
        if (!good) {
            mig_page_item(r->out, 2, "", e->error.msg);
        }
    }
    mig_free(lines);
}
