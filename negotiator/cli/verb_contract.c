/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/now.h"
#include "base/text.h"
#include "command.h"
#include "cpu/field.h"
#include "session/contract_file.h"
#include "session/page.h"
#include "sheet.h"
#include "verb.h"

static const struct mig_option show_rows[] = {
#define OPTION MIG_HOST_OPTION
#include "session/host_options.def"
    MIG_HOST_OPTION_CONFIG,
    COMMAND_OUTPUT,
    COMMAND_HELP,
};

static const struct mig_option check_rows[] = {
#define OPTION MIG_HOST_OPTION
#include "session/host_options.def"
    MIG_HOST_OPTION_CONFIG, COMMAND_OUTPUT, COMMAND_FAIL_ON, COMMAND_NO_PROVE, COMMAND_HELP,
};

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

/* Who, where and since when, and what that stands on. */
static void print_identity(const struct mig_report *r, const struct mig_contract_file *f)
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

static void show_text(const struct mig_report *r, const struct mig_contract_file *f)
{
    const struct mig_snapshot *shown = f->contract->shown;

    print_identity(r, f);
    sheet_coverage(r, shown, true);
    print_uncovered(r, shown);
    sheet_facts(r, shown);
    print_features(r, shown);
    sheet_registers(r, shown);
}

static int show(struct command *c)
{
    MIG_AUTO(mig_contract_file_clear) struct mig_contract_file f = {0};
    const struct mig_report r = command_report(c, false);
    struct mig_error err;

    if (!command_read_contract(c, c->words.operands[0], &f, &err)) {
        return verb_fail(&err);
    }
    if (c->json && !c->host.quiet) {
        MIG_AUTO(mig_free) char *json = mig_contract_to_json(f.contract);

        command_print(c, json_loads(json, JSON_REJECT_DUPLICATES, NULL));
    } else if (!c->host.quiet) {
        show_text(&r, &f);
    }
    return 0;
}

static int verify(struct command *c)
{
    const struct mig_report r = command_report(c, false);
    MIG_AUTO(mig_contract_file_clear) struct mig_contract_file f = {0};
    const char *path = c->words.operands[0];
    struct mig_error err;

    if (!command_read_contract(c, path, &f, &err)) {
        if (f.refusal != NULL &&
            mig_error_exit_status(err.code) == mig_verdict_exit_status(MIG_UNKNOWN)) {
            (void)mig_wrap(&err, "%s", f.refusal);
        }
        return verb_fail(&err);
    }
    if (f.kind != MIG_EVIDENCE_FILED) {
        (void)mig_fail(&err, MIG_TRUST, "trust/unsigned: %s: %s: carries no signature", path,
                       f.format);
        return verb_fail(&err);
    }
    if (!c->host.quiet) {
        (void)printf("%s: good signature of agent '%s'\n\n", path, mig_contract_holder(f.contract));
        print_identity(&r, &f);
    }
    return 0;
}

static int check(struct command *c)
{
    return command_decide_contract(c, c->words.operands[0], &c->words.operands[1], 1);
}

static const struct {
    const char *name;
    int (*run)(struct command *c);
    struct command_form form;
} nouns[] = {
    {"show",
     show,   {{show_rows, MIG_COUNT(show_rows)},
      "contract show [options] FILE",
      "What a guest was shown at power-on: where it was recorded and went since, coverage,\n"
      "facts, features, registers.",
      1,
      1,
      false}  },
    {"verify",
     verify, {{show_rows, MIG_COUNT(show_rows)},
      "contract verify [options] FILE",
      "Check the signature of a sealed contract and say whose it is.",
      1,
      1,
      false}},
    {"check",
     check,  {{check_rows, MIG_COUNT(check_rows)},
      "contract check [options] FILE HOST",
      "May the running guest with this contract go on at HOST?  The same answer holds for\n"
      "restoring a saved guest there.",
      2,
      2,
      false} },
};

static int run(int argc, char **argv)
{
    struct command c;
    struct mig_error err;
    int status;

    for (size_t i = 0; argc > 1 && i < MIG_COUNT(nouns); i++) {
        if (strcmp(nouns[i].name, argv[1]) == 0) {
            if (command_begin(&nouns[i].form, argc - 1, argv + 1, &c, &status)) {
                status = nouns[i].run(&c);
            }
            return command_end(&nouns[i].form, &c, status);
        }
    }
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        for (size_t i = 0; i < MIG_COUNT(nouns); i++) {
            command_summarise(&nouns[i].form);
        }
        return 0;
    }
    (void)mig_fail(&err, MIG_USAGE, "usage: migctl contract show|verify|check ...");
    return verb_fail(&err);
}

const struct verb verb_contract = {"contract", "what a running guest was shown, where it may go",
                                   run};
