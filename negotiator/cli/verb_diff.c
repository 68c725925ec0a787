/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/log.h"
#include "command.h"
#include "compat/difference.h"
#include "report_json.h"
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

static void print_one(const struct mig_finding *f)
{
    char a[MIG_REPORT_VALUE_MAX], b[MIG_REPORT_VALUE_MAX], values[3 * MIG_REPORT_VALUE_MAX];

    mig_report_text_value(f->source, a);
    mig_report_text_value(f->destination, b);
    (void)snprintf(values, sizeof values, "%s -> %s", a, b);
    if (f->source.known == MIG_UNCOVERED && f->destination.known == MIG_UNCOVERED) {
        values[0] = '\0';
    }
    if (values[0] != '\0') {
        (void)printf("%-36s %s%s%s\n", f->id, values, f->names_len > 0 ? "  " : "",
                     f->names_len > 0 ? f->names[0] : "");
    } else {
        (void)printf("%s\n", f->id);
    }
    if (f->field == NULL && f->why != NULL) {
        mig_page_paragraph(stdout, 4, 4, f->why);
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
        report_json_print(report_json_difference(&hosts[0], &hosts[1], differences));
        return;
    }
    (void)printf("differences: %zu\n", differences->len);
    mig_report_text_hosts(&r, hosts, 2);
    if (differences->len > 0) {
        (void)putchar('\n');
    }
    for (size_t i = 0; i < differences->len; i++) {
        print_one(&differences->items[i]);
    }
}

/* Without evidence that may be used there is nothing to compare. */
static bool check(const struct command *c, const struct mig_decision *d, struct mig_error *err)
{
    struct mig_result trust = {0};
    bool good = mig_decision_check(d->hosts, d->hosts_len, err);

    for (size_t i = 0; i < d->hosts_len && good; i++) {
        if (d->hosts[i].error.code != MIG_OK) {
            good = mig_fail(err, d->hosts[i].error.code, "nothing to compare");
        } else if (!mig_decision_believe(&c->host.belief, &d->hosts[i], &trust)) {
            good = mig_fail(err, MIG_TRUST, "%s; %s", trust.findings.items[0].why,
                            trust.findings.items[0].remedy);
        }
    }
    mig_result_clear(&trust);
    return good;
}

static int diff(struct command *c)
{
    struct mig_evidence hosts[2];
    const struct mig_decision d = {.hosts = hosts, .hosts_len = 2};
    struct mig_findings differences = {0};
    struct mig_error err;
    int status;

    c->host.gather.allow_same = true;
    c->host.belief.max_age_s = 0; /* an old snapshot is the point of it */
    if (!mig_gather_run(&c->host.gather, c->words.operands, 2, hosts, &err) ||
        !check(c, &d, &err)) {
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
