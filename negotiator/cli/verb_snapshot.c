/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/now.h"
#include "base/text.h"
#include "command.h"
#include "cpu/arm64_core.h"
#include "cpu/arm64_reg.h"
#include "seal/key.h"
#include "seal/seal.h"
#include "session/page.h"
#include "session/paint.h"
#include "sheet.h"
#include "snapshot/codec.h"
#include "snapshot/import.h"
#include "snapshot/json.h"
#include "verb.h"

static const struct mig_option file_rows[] = {
#define OPTION MIG_HOST_OPTION
#include "session/host_options.def"
    MIG_HOST_OPTION_CONFIG,
    COMMAND_ROW("output", 'o', TEXT, output, "FILE", "-", "where to, - for standard output"),
    COMMAND_HELP,
};

static const struct mig_option import_rows[] = {
#define OPTION MIG_HOST_OPTION
#include "session/host_options.def"
    MIG_HOST_OPTION_CONFIG,
    COMMAND_ROW("output", 'o', TEXT, output, "FILE", "-", "where to, - for standard output"),
    COMMAND_ROW("name", 'n', TEXT, name, "NAME", NULL, "host name, where the dump has none"),
    COMMAND_HELP,
};

static const struct mig_option show_rows[] = {
#define OPTION MIG_HOST_OPTION
#include "session/host_options.def"
    MIG_HOST_OPTION_CONFIG,
    COMMAND_OUTPUT,
    COMMAND_HELP,
};

/* One word, one host; the slot's error or gather's own is the answer. */
static bool ask(struct command *c, struct mig_evidence *e, struct mig_error *err)
{
    if (!mig_gather_run(&c->host.gather, c->words.operands, 1, e, err)) {
        return false;
    }
    *err = e->error;
    return e->error.code == MIG_OK;
}

static int get(struct command *c)
{
    struct mig_evidence e = {0};
    struct mig_error err;
    bool good = ask(c, &e, &err);

    if (good && e.kind != MIG_EVIDENCE_LIVE && e.kind != MIG_EVIDENCE_REPLAYED) {
        good =
            mig_fail(&err, MIG_USAGE, "%s is a file; get asks a live agent", c->words.operands[0]);
    }
    good = good && mig_file_write(c->output, e.sealed, e.sealed_len, 0644, &err);
    mig_evidence_clear(&e);
    return good ? 0 : verb_fail(&err);
}

static void print_core(const struct mig_report *r, const struct mig_snapshot *s)
{
    char core[MIG_ARM64_CORE_MAX];
    uint64_t midr;

    if (s->arch == MIG_ARCH_ARM64 &&
        mig_snapshot_get(s, mig_reg_arm64(MIG_ARM64_MIDR_EL1), &midr) == MIG_KNOWN) {
        mig_arm64_core_print(midr, core);
        sheet_line(r, "core", MIG_PAINT_PLAIN, core);
    }
}

static void print_identity(const struct mig_report *r, const struct mig_evidence *e)
{
    MIG_AUTO(mig_free)
    char *kind = mig_strf("%s%s%s", mig_evidence_kind_name(e->kind), e->format != NULL ? ", " : "",
                          e->format != NULL ? e->format : "");
    MIG_AUTO(mig_free) char *architecture = NULL;
    unsigned char capability[MIG_DIGEST_BYTES];
    char age[MIG_PAGE_AGE_MAX], vendor[13];

    mig_page_age(e->age_s, age);
    mig_snapshot_vendor(e->snapshot, vendor);
    mig_text_make_printable(vendor);
    architecture = mig_strf("%s %s", mig_arch_name(e->snapshot->arch), vendor);
    mig_snapshot_capability_digest(e->snapshot, capability);
    sheet_line(r, "host", MIG_PAINT_STRONG, e->name);
    sheet_line(r, "evidence", MIG_PAINT_PLAIN, kind);
    sheet_line(r, "age", MIG_PAINT_PLAIN, age);
    sheet_time(r, "issued", e->snapshot->stamp.issued_at);
    sheet_time(r, "expires", e->snapshot->stamp.expires_at);
    sheet_line(r, "architecture", MIG_PAINT_PLAIN, architecture);
    print_core(r, e->snapshot);
    sheet_digest(r, "evidence digest", e->digest);
    sheet_digest(r, "capability digest", capability);
}

static void show_one(const struct command *c, const struct mig_evidence *e)
{
    const struct mig_report r = command_report(c, false);

    if (c->json) {
        MIG_AUTO(mig_free) char *text = mig_snapshot_to_json(e->snapshot);

        command_print(c, json_loads(text, JSON_REJECT_DUPLICATES, NULL));
        return;
    }
    print_identity(&r, e);
    sheet_coverage(&r, e->snapshot, false);
    sheet_facts(&r, e->snapshot);
    sheet_registers(&r, e->snapshot);
}

static int show(struct command *c)
{
    struct mig_evidence e = {0};
    struct mig_error err;
    bool good = ask(c, &e, &err);

    if (good && !c->host.quiet) {
        show_one(c, &e);
    }
    mig_evidence_clear(&e);
    return good ? 0 : verb_fail(&err);
}

static int verify(struct command *c)
{
    MIG_AUTO(mig_trust_free) struct mig_trust *trust = NULL;
    const char *path = c->words.operands[0];
    const struct mig_report r = command_report(c, false);
    struct mig_evidence e = {0};
    struct mig_error err;
    bool good = mig_gather_load_trust(&c->host.gather, &trust, &err) &&
                mig_evidence_read(trust, path, mig_now_unix(), &e, &err);

    if (good && e.sealed == NULL) {
        good = mig_fail(&err, MIG_TRUST, "%s: %s: carries no signature", path, e.format);
    }
    if (good && !c->host.quiet) {
        (void)printf("%s: good signature of agent '%s'\n\n", path, e.name);
        print_identity(&r, &e);
    }
    mig_evidence_clear(&e);
    return good ? 0 : verb_fail(&err);
}

static bool import_text(const struct command *c, const struct mig_bytes *file, const char *name,
                        struct mig_error *err)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    MIG_AUTO(mig_free) char *json = NULL;
    bool is_stdin = strcmp(c->words.operands[0], "-") == 0;
    const char *format;

    if (mig_seal_is_envelope(file->items, file->len)) {
        return mig_fail(err, MIG_USAGE, "%s: is sealed; 'migctl snapshot show -o json' prints it",
                        c->words.operands[0]);
    }
    if (!mig_import(name, (const char *)file->items, file->len, &s, &format, err)) {
        return mig_wrap(err, "%s", is_stdin ? "standard input" : c->words.operands[0]);
    }
    json = mig_snapshot_to_json(s);
    return mig_file_write(c->output, json, strlen(json), 0644, err);
}

static int import(struct command *c)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes file = {0};
    const char *path = c->words.operands[0];
    const char *base = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
    size_t stem = strrchr(base, '.') != NULL ? (size_t)(strrchr(base, '.') - base) : strlen(base);
    MIG_AUTO(mig_free)
    char *own =
        mig_strndup(strcmp(path, "-") == 0 ? "stdin" : base, strcmp(path, "-") == 0 ? 5 : stem);
    struct mig_error err;

    if (!mig_file_read(path, MIG_IMPORT_BYTES_MAX, &file, &err) ||
        !import_text(c, &file, c->name != NULL ? c->name : own, &err)) {
        return verb_fail(&err);
    }
    return 0;
}

static const struct {
    const char *name;
    int (*run)(struct command *c);
    struct command_form form;
} nouns[] = {
    {"get",
     get,    {{file_rows, MIG_COUNT(file_rows)},
      "snapshot get [options] HOST",
      "Have a live agent capture its host and save the sealed answer.",
      1,
      1,
      true}    },
    {"show",
     show,   {{show_rows, MIG_COUNT(show_rows)},
      "snapshot show [options] HOST",
      "What a snapshot says: host, coverage, facts, registers.",
      1,
      1,
      false}  },
    {"verify",
     verify, {{show_rows, MIG_COUNT(show_rows)},
      "snapshot verify [options] FILE",
      "Check the signature of a sealed snapshot and say whose it is.",
      1,
      1,
      false}},
    {"import",
     import, {{import_rows, MIG_COUNT(import_rows)},
      "snapshot import [options] FILE",
      "Turn another program's dump into snapshot JSON.",
      1,
      1,
      true} },
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
    (void)mig_fail(&err, MIG_USAGE, "usage: migctl snapshot get|show|verify|import ...");
    return verb_fail(&err);
}

const struct verb verb_snapshot = {"snapshot", "get, show, verify, import snapshots", run};
