/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "base/now.h"
#include "base/text.h"
#include "command.h"
#include "seal/key.h"
#include "seal/seal.h"
#include "session/page.h"
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

static void print_time(const char *label, int64_t when)
{
    time_t t = when;
    struct tm tm;
    char text[64];

    if (when > 0 && gmtime_r(&t, &tm) != NULL &&
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0) {
        (void)printf("%-20s %s\n", label, text);
    }
}

static void print_digest(const char *label, const unsigned char bytes[MIG_DIGEST_BYTES])
{
    char digits[2 * MIG_DIGEST_BYTES + 1];

    mig_text_hex(bytes, MIG_DIGEST_BYTES, digits);
    (void)printf("%-20s %s\n", label, digits);
}

static void print_identity(const struct mig_evidence *e)
{
    unsigned char capability[MIG_DIGEST_BYTES];
    char age[MIG_PAGE_AGE_MAX], vendor[13];

    mig_page_age(e->age_s, age);
    mig_snapshot_vendor(e->snapshot, vendor);
    mig_text_make_printable(vendor);
    mig_snapshot_capability_digest(e->snapshot, capability);
    (void)printf("%-20s %s\n", "host", e->name);
    (void)printf("%-20s %s%s%s\n", "evidence", mig_evidence_kind_name(e->kind),
                 e->format != NULL ? ", " : "", e->format != NULL ? e->format : "");
    (void)printf("%-20s %s\n", "age", age);
    print_time("issued", e->snapshot->stamp.issued_at);
    print_time("expires", e->snapshot->stamp.expires_at);
    (void)printf("%-20s %s %s\n", "architecture", mig_arch_name(e->snapshot->arch), vendor);
    print_digest("evidence digest", e->digest);
    print_digest("capability digest", capability);
}

static void print_coverage(const struct mig_snapshot *s)
{
    (void)printf("\ncoverage\n");
    for (int g = 0; g < MIG_GROUP_COUNT; g++) {
        const struct mig_group_state *state = &s->groups[g];

        (void)printf("  %-16s %-12s %s%s%s\n", mig_group_name((enum mig_group)g),
                     mig_coverage_name(state->coverage), state->source != NULL ? state->source : "",
                     state->errnum != 0 ? ": " : "",
                     state->errnum != 0 ? strerror(state->errnum) : "");
    }
}

static void print_facts(const struct mig_snapshot *s)
{
    if (s->facts_len > 0) {
        (void)printf("\nfacts\n");
    }
    for (size_t i = 0; i < s->facts_len; i++) {
        const struct mig_fact *f = &s->facts[i];
        MIG_AUTO(mig_free) char *head = mig_strf("%s: ", f->name);

        mig_page_item(stdout, 2, head, f->value != NULL ? f->value : strerror(f->errnum));
    }
}

static void print_registers(const struct mig_snapshot *s, bool all)
{
    size_t unreadable = 0;

    for (size_t i = 0; i < s->entries_len; i++) {
        unreadable += s->entries[i].errnum != 0;
    }
    (void)printf("\nregisters: %zu, unreadable: %zu%s\n", s->entries_len, unreadable,
                 all ? "" : ", shown with -v or -o json");
    for (size_t i = 0; i < s->entries_len; i++) {
        const struct mig_entry *e = &s->entries[i];
        char text[MIG_REG_TEXT_MAX];

        mig_reg_print(mig_reg_from_key(e->key), text);
        if (e->errnum != 0) {
            (void)printf("  %-36s unreadable: %s\n", text, strerror(e->errnum));
        } else if (all) {
            (void)printf("  %-36s 0x%" PRIx64 "\n", text, e->value);
        }
    }
}

static void show_one(const struct command *c, const struct mig_evidence *e)
{
    MIG_AUTO(mig_free) char *json = NULL;

    if (c->json) {
        json = mig_snapshot_to_json(e->snapshot);
        (void)fputs(json, stdout);
        return;
    }
    print_identity(e);
    print_coverage(e->snapshot);
    print_facts(e->snapshot);
    print_registers(e->snapshot, c->host.verbose);
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
    struct mig_evidence e = {0};
    struct mig_error err;
    bool good = mig_gather_load_trust(&c->host.gather, &trust, &err) &&
                mig_evidence_read(trust, path, mig_now_unix(), &e, &err);

    if (good && e.sealed == NULL) {
        good = mig_fail(&err, MIG_TRUST, "%s: %s: carries no signature", path, e.format);
    }
    if (good && !c->host.quiet) {
        (void)printf("%s: good signature of agent '%s'\n\n", path, e.name);
        print_identity(&e);
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
            (void)printf("usage: migctl %s\n  %s\n", nouns[i].form.usage, nouns[i].form.text);
        }
        return 0;
    }
    (void)mig_fail(&err, MIG_USAGE, "usage: migctl snapshot get|show|verify|import ...");
    return verb_fail(&err);
}

const struct verb verb_snapshot = {"snapshot", "get, show, verify, import snapshots", run};
