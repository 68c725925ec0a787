/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/alloc.h"
#include "command.h"
#include "compat/difference.h"
#include "report_json.h"
#include "session/change_text.h"
#include "session/page.h"
#include "verb.h"

#define EXIT_SAME 0
#define EXIT_DIFFERS 1

static const struct mig_option rows[] = {
#define OPTION MIG_HOST_OPTION
#include "session/host_options.def"
    MIG_HOST_OPTION_CONFIG,
    COMMAND_OUTPUT,
    COMMAND_HELP,
};

static const struct command_form form = {
    .options = {rows, sizeof rows / sizeof *rows},
    .usage = "diff [options] A B",
    .text =
        "Everything that differs between two snapshots, without judgement: of two hosts, or of\n"
        "one host at two times.  Exits 0 when they are the same, 1 when they differ.",
    .least = 2,
    .most = 2,
};

static bool has_values(const struct mig_finding *f)
{
    return f->source.known != MIG_UNCOVERED || f->destination.known != MIG_UNCOVERED;
}

static void print_values(const struct mig_report *r, const struct mig_findings *differences)
{
    struct mig_change *changes = mig_alloc(differences->len + 1, sizeof *changes);
    size_t len = 0;

    for (size_t i = 0; i < differences->len; i++) {
        const struct mig_finding *f = &differences->items[i];

        if (has_values(f)) {
            changes[len++] = (struct mig_change){
                .id = f->id,
                .name = f->names_len > 0 ? f->names[0] : "",
                .before = f->source,
                .after = f->destination,
            };
        }
    }
    mig_change_text_print(r, 0, changes, len);
    mig_free(changes);
}

/* Facts and groups: the id, and below it "0x1 -> 0x2". */
static void print_words(const struct mig_findings *differences)
{
    for (size_t i = 0; i < differences->len; i++) {
        const struct mig_finding *f = &differences->items[i];

        if (!has_values(f)) {
            (void)printf("%s\n", f->id);
            mig_page_paragraph(stdout, 4, 4, f->why != NULL ? f->why : "");
        }
    }
}

static void report(const struct command *c, const struct mig_evidence *hosts,
                   const struct mig_findings *differences)
{
    const struct mig_report r = command_report(c, true);

    if (c->host.quiet) {
        return;
    }
    if (c->json) {
        command_print(c, report_json_difference(&hosts[0], &hosts[1], differences));
        return;
    }
    (void)printf("differences: %zu\n", differences->len);
    mig_report_text_hosts(&r, hosts, 2);
    if (differences->len > 0) {
        (void)putchar('\n');
    }
    print_values(&r, differences);
    print_words(differences);
}

static int diff(struct command *c)
{
    struct mig_evidence hosts[2];
    struct mig_findings differences = {0};
    struct mig_error err;
    int status;

    if (!command_gather_states(c, hosts, &err)) {
        status = verb_fail(&err);
    } else {
        mig_difference(hosts[0].snapshot, hosts[1].snapshot, &differences);
        report(c, hosts, &differences);
        status = differences.len > 0 ? EXIT_DIFFERS : EXIT_SAME;
    }
    mig_findings_clear(&differences);
    mig_evidence_clear(&hosts[0]);
    mig_evidence_clear(&hosts[1]);
    return status;
}

static int run(int argc, char **argv)
{
    struct command c;
    int status;

    if (command_begin(&form, argc, argv, &c, &status)) {
        status = diff(&c);
    }
    return command_end(&form, &c, status);
}

const struct verb verb_diff = {"diff", "what differs between two snapshots", run};
