/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/text.h"
#include "compat/merge.h"
#include "cpu/arm64_core.h"
#include "cpu/arm64_name.h"
#include "cpu/arm64_reg.h"
#include "cpu/arm64_value.h"
#include "cpu/arm64_view.h"
#include "cpu/level.h"
#include "explain_report.h"
#include "session/page.h"
#include "session/paint.h"
#include "session/report_text.h"

#define INDENT 2
#define HOST_INDENT 9 /* below the names of a register's fields */

static void print_item(const char *label, const char *text)
{
    char *head = mig_strf("%-9s ", label);

    mig_page_item(stdout, INDENT, head, text);
    mig_free(head);
}

/* "sse3 (qemu, intel)" */
static void print_also(const struct mig_explanation *e)
{
    struct mig_text t = {0};

    for (size_t i = 0; i < e->also_len; i++) {
        mig_text_addf(&t, "%s%s (", i > 0 ? ", " : "", e->also[i].name);
        for (const char *c = e->also[i].who; *c != '\0'; c++) {
            mig_text_add_bytes(&t, *c == ' ' ? ", " : c, *c == ' ' ? 2 : 1);
        }
        mig_text_add(&t, ")");
    }
    if (t.len > 0) {
        print_item("also", t.items);
    }
    mig_text_clear(&t);
}

/* "vaes, vpclmulqdq (encoded in AVX registers)": what shares a reason stands
 * together. */
static void print_ties(const char *label, const struct mig_tie *ties, size_t len)
{
    struct mig_text t = {0};

    for (size_t i = 0; i < len; i++) {
        bool last = i + 1 == len || strcmp(ties[i].reason, ties[i + 1].reason) != 0;

        mig_text_addf(&t, "%s%s", i > 0 ? ", " : "", ties[i].name);
        if (last) {
            mig_text_addf(&t, " (%s)", ties[i].reason);
        }
    }
    if (len > 0) {
        print_item(label, t.items);
    }
    mig_text_clear(&t);
}

static void print_takers(const struct mig_explanation *e)
{
    for (size_t i = 0; i < e->takers_len; i++) {
        MIG_AUTO(mig_free)
        char *text = mig_strf("%s: %s", mig_reason_name(e->takers[i].who), e->takers[i].how);

        print_item(i == 0 ? "taken by" : "", text);
    }
}

static const char *scope_in_words(enum mig_scope scope)
{
    switch (scope) {
    case MIG_SCOPE_EL1:
        return "any guest";
    case MIG_SCOPE_EL2:
        return "only guests that run guests of their own";
    case MIG_SCOPE_AA32:
        return "only 32-bit code";
    case MIG_SCOPE_GEOMETRY:
        return "any guest: numbers and sizes";
    case MIG_SCOPE_IDENTITY:
        return "any guest: names the CPU";
    }
    return "any guest";
}

static const char *settable_in_words(enum mig_writable settable)
{
    switch (settable) {
    case MIG_SETTABLE_NO:
        return "no";
    case MIG_SETTABLE_YES:
        return "yes";
    case MIG_SETTABLE_MASK_ONLY:
        return "no, although KVM's mask says so";
    case MIG_SETTABLE_CAP:
        return "with KVM_CAP_ARM_WRITABLE_IMP_ID_REGS";
    }
    return "no";
}

static void print_list(const char *label, struct mig_text *t)
{
    if (t->len > 0) {
        print_item(label, t->items);
    }
    mig_text_clear(t);
}

/* "2 (pmull)" */
static void add_value(struct mig_text *t, const struct mig_field *f, uint64_t value)
{
    char name[MIG_ARM64_NAME_MAX];

    mig_text_add(t, t->len > 0 ? ", " : "");
    mig_arm64_name_number(f, value, name);
    mig_text_add(t, name);
    if (mig_arm64_value_name(f, value) != NULL) {
        mig_arm64_name_value(f, value, name);
        mig_text_addf(t, " (%s)", name);
    }
}

static void print_values(const struct mig_field *f)
{
    struct mig_arm64_values values = mig_arm64_value_all(f);
    struct mig_text t = {0};

    for (size_t i = 0; i < values.len; i++) {
        add_value(&t, f, values.items[i].value);
    }
    print_list("values", &t);
}

/* What a feature asks of this field alone is a threshold; else it takes more. */
static void print_feats(const struct mig_field *f)
{
    struct mig_arm64_feats all = mig_arm64_feat_all();
    struct mig_text alone = {0}, among = {0}, aa32 = {0};

    for (size_t i = 0; i < all.len; i++) {
        const struct mig_arm64_feat *feat = &all.items[i];
        struct mig_text *t = feat->terms.len == 1 ? &alone : &among;

        if (mig_arm64_terms_read(feat->terms, f)) {
            mig_text_addf(t, "%s%s", t->len > 0 ? ", " : "", feat->name);
            if (t == &alone) {
                mig_text_addf(t,
                              feat->terms.items[0].op == MIG_ARM64_EQUAL ? " at %d" : " from %d on",
                              (int)mig_bits_signed(feat->terms.items[0].value, f->shape.width));
            }
        }
        if (mig_arm64_terms_read(mig_arm64_feat_aa32(feat), f)) {
            mig_text_addf(&aa32, "%s%s", aa32.len > 0 ? ", " : "", feat->name);
        }
    }
    print_list("tells", &alone);
    print_list("part of", &among);
    print_list("32-bit of", &aa32);
}

static void print_views(const struct mig_field *f)
{
    struct mig_arm64_views all = mig_arm64_view_all();
    struct mig_text t = {0};

    for (size_t i = 0; i < all.len; i++) {
        if (mig_arm64_view_has(&all.items[i], f)) {
            mig_text_addf(&t, "%s%s", t.len > 0 ? ", " : "", all.items[i].name);
        }
    }
    print_list("view", &t);
}

/* The value that was asked for, in every notation. */
static void print_asked(const struct mig_explanation *e)
{
    const struct mig_arm64_feat *feats[MIG_ARM64_FEATS_MAX];
    char name[MIG_ARM64_NAME_MAX], number[MIG_ARM64_NAME_MAX];
    struct mig_text t = {0};
    size_t len;

    if (!e->has_value) {
        return;
    }
    mig_arm64_name_value(e->field, e->value, name);
    mig_arm64_name_number(e->field, e->value, number);
    mig_text_addf(&t, "%s=%s", e->field->name, name);
    if (e->sysreg != NULL) {
        mig_text_addf(&t, ", %s=%s", e->sysreg, number);
    }
    len = mig_arm64_feat_at(e->field, e->value, feats, MIG_ARM64_FEATS_MAX);
    for (size_t i = 0; i < len; i++) {
        mig_text_addf(&t, ", %s", feats[i]->name);
    }
    print_list("value", &t);
}

static void print_arm64(const struct mig_explanation *e)
{
    const struct mig_field *f = e->field;
    char *settable = mig_strf("Linux 6.12: %s; Linux 7.2: %s", settable_in_words(f->settable_6_12),
                              settable_in_words(f->settable_7_2));

    print_item("scope", scope_in_words(f->scope));
    print_item("settable", settable);
    mig_free(settable);
    print_values(f);
    print_asked(e);
    print_feats(f);
    print_views(f);
}

static void print_field(const struct mig_explanation *e)
{
    const struct mig_field *f = e->field;

    print_item("place", e->place);
    print_also(e);
    print_item("why", f->why);
    print_item("rule", mig_rule_name(f->shape.rule));
    print_item("move", e->move);
    print_item("profile", e->profile);
    print_item("offer", e->offer);
    print_item("class", mig_class_name(f->class_));
    if (f->reg.space == MIG_SPACE_IDREG) {
        print_arm64(e);
    } else {
        print_item("vendor", mig_explain_vendor(f->vendor));
    }
    if (e->level != MIG_LEVEL_NONE) {
        print_item("level", mig_level_name(e->level));
    }
    print_ties("needs", e->needs, e->needs_len);
    print_ties("needed by", e->needed_by, e->needed_by_len);
    print_takers(e);
}

static void print_terms(const char *label, struct mig_arm64_terms terms)
{
    struct mig_text t = {0};

    mig_arm64_terms_print(terms, &t);
    print_list(label, &t);
}

static void print_feat(const struct mig_arm64_feat *feat)
{
    struct mig_arm64_terms aa32 = mig_arm64_feat_aa32(feat);

    print_item("what", "feature of the Arm architecture");
    if (mig_level_asking(feat->name) != MIG_LEVEL_NONE) {
        print_item("level", mig_level_name(mig_level_asking(feat->name)));
    }
    print_terms("when", feat->terms);
    if (aa32.len > 0) {
        print_terms("32-bit", aa32);
    }
    if (feat->note[0] != '\0') {
        print_item("note", feat->note);
    }
}

static void print_view(const struct mig_arm64_view *view)
{
    struct mig_text t = {0};

    print_item("what", view->kind == MIG_ARM64_VIEW_FRACTION ? "version with a fraction"
                                                             : "one switch behind many fields");
    print_item("means", view->note);
    for (size_t i = 0; i < view->labels_len; i++) {
        const struct mig_arm64_label *label = &view->labels[i];

        mig_text_addf(&t, "%s: ", label->label);
        mig_arm64_terms_print(label->terms, &t);
        mig_text_addf(&t, label->note[0] != '\0' ? " (%s)" : "%s", label->note);
        print_list(i == 0 ? "labels" : "", &t);
    }
    for (size_t i = 0; i < view->parts_len; i++) {
        mig_text_addf(&t, "%s%s", i > 0 ? ", " : "",
                      mig_field_at(view->parts[i].reg, view->parts[i].lo)->name);
    }
    print_list("fields", &t);
}

static const char *has_in_words(enum mig_explain_has has)
{
    static const char *const words[] = {
        [MIG_EXPLAIN_UNKNOWN] = "not known", [MIG_EXPLAIN_YES] = "yes", [MIG_EXPLAIN_NO] = "no"};

    return words[has];
}

/* "shows 2 (pmull); KVM takes 0 (ni), 1 (aes), 2 (pmull)" */
static void add_shown(const struct mig_explanation *e, const struct mig_explain_host *on,
                      struct mig_text *t)
{
    char value[MIG_REPORT_VALUE_MAX], number[MIG_ARM64_NAME_MAX];
    struct mig_text list = {0};

    if (e->field->reg.space != MIG_SPACE_IDREG || !explain_is_value(on->shown)) {
        mig_report_text_value(on->shown, value);
        mig_text_addf(t, "shows %s", value);
        return;
    }
    add_value(&list, e->field, on->shown.value);
    mig_text_addf(t, "shows %s", list.items);
    mig_text_clear(&list);
    for (size_t i = 0; i < on->values.len && on->knows_values; i++) {
        add_value(&list, e->field, on->values.items[i]);
    }
    if (list.len > 0) {
        mig_text_addf(t, "; KVM takes %s", list.items);
    }
    mig_text_clear(&list);
    if (e->has_value) {
        mig_arm64_name_number(e->field, e->value, number);
        mig_text_addf(t, "; takes %s: %s", number, has_in_words(on->takes));
    }
}

/* "; the core is Neoverse-N1 r3p1 (0x413fd0c1)": its parts alone tell little. */
static void add_core(const struct mig_field *f, const struct mig_party *host, struct mig_text *t)
{
    struct mig_reg midr = mig_reg_arm64(MIG_ARM64_MIDR_EL1);
    struct mig_seen seen = mig_party_seen(host, midr);
    char core[MIG_ARM64_CORE_MAX];

    if (mig_reg_key(f->reg) == mig_reg_key(midr) && explain_is_value(seen)) {
        mig_arm64_core_print(seen.value, core);
        mig_text_addf(t, "; the core is %s", core);
    }
}

static void print_host(const struct mig_explanation *e, const struct mig_party *host, int indent)
{
    MIG_AUTO(mig_free) char *head = mig_strf("%-9s ", host->name);
    struct mig_explain_host on;
    struct mig_text t = {0};

    mig_explain_host(e, host, &on);
    if (on.alien != MIG_ARCH_NONE) {
        mig_text_addf(&t, "no answer: this is an %s host, the question is about %s",
                      mig_arch_name(host->snapshot->arch), mig_arch_name(on.alien));
    } else if (e->field != NULL) {
        add_shown(e, &on, &t);
        add_core(e->field, host, &t);
    }
    if (e->feat != NULL && on.alien == MIG_ARCH_NONE) {
        mig_text_addf(&t, "%s%s: %s", t.len > 0 ? "; " : "", e->feat->name, has_in_words(on.feat));
    }
    if (e->view != NULL && on.alien == MIG_ARCH_NONE) {
        mig_text_add(&t, on.label != NULL ? on.label : "not known");
    }
    if (t.len > 0) {
        mig_page_item(stdout, indent, head, t.items);
    }
    mig_text_clear(&t);
}

void explain_page_print(const struct mig_explanation *e, struct explain_hosts hosts, bool painted)
{
    struct mig_text head = {0};

    if (e->field != NULL) {
        mig_paint_add(&head, painted, MIG_PAINT_STRONG, e->field->name);
        mig_text_add(&head, "  ");
    }
    mig_text_add(&head, e->id);
    (void)puts(head.items);
    mig_text_clear(&head);
    if (e->field != NULL) {
        print_field(e);
    } else if (e->feat != NULL) {
        print_feat(e->feat);
    } else if (e->view != NULL) {
        print_view(e->view);
    }
    if (e->topic != NULL) {
        print_item("what", e->topic->title);
        print_item("means", e->topic->text);
        print_item("remedy", e->topic->remedy);
    }
    for (size_t i = 0; i < hosts.len; i++) {
        print_host(e, &hosts.items[i], INDENT);
    }
}

static void print_field_hosts(const struct mig_field *f, struct mig_reg reg,
                              struct explain_hosts hosts)
{
    struct mig_explanation e;

    if (hosts.len == 0) {
        return;
    }
    mig_explain_field(f, reg.sub, &e);
    for (size_t i = 0; i < hosts.len; i++) {
        print_host(&e, &hosts.items[i], HOST_INDENT);
    }
    mig_explain_clear(&e);
}

void explain_page_register(const char *word, struct mig_reg reg, struct mig_fields fields,
                           struct explain_hosts hosts)
{
    (void)puts(word);
    for (size_t i = 0; i < fields.len; i++) {
        const struct mig_field *f = &fields.items[i];
        const char *dot = strchr(f->name, '.');
        char bits[16], *head;

        if (f->hi == f->lo) {
            (void)snprintf(bits, sizeof bits, "%u", f->lo);
        } else {
            (void)snprintf(bits, sizeof bits, "%u:%u", f->hi, f->lo);
        }
        head = mig_strf("%5s  %-20s %-14s %-7s", bits, dot != NULL ? dot + 1 : f->name,
                        mig_rule_name(f->shape.rule), mig_offer_name(f->offer));
        mig_page_item(stdout, INDENT, head, f->why);
        mig_free(head);
        print_field_hosts(f, reg, hosts);
    }
}
