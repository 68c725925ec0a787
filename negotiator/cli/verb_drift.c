/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/alloc.h"
#include "command.h"
#include "compat/drift.h"
#include "report_drift.h"
#include "verb.h"

#define EXIT_SAME 0
#define EXIT_DIFFERS 1

static const struct mig_option rows[] = {
#define OPTION MIG_HOST_OPTION
#include "session/host_options.def"
    MIG_HOST_OPTION_CONFIG,
    COMMAND_OUTPUT,
    /* no fallback: without it everything that differs counts */
    COMMAND_ROW("fail-on", 0, TEXT, fail_on, "LEVEL", NULL,
                "warn, blocker or never: what makes it exit 1"),
    COMMAND_HELP,
};

static const struct command_form form = {
    .options = {rows, sizeof rows / sizeof *rows},
    .usage = "drift [options] OLD NEW",
    .text =
        "What a new kernel, microcode, firmware or VMM changes, from two captures of one host:\n"
        "what is dangerous, whether running guests are still taken (there and back), what new\n"
        "guests gain and lose, and which known changes explain it.  Exits 0 when nothing\n"
        "changed, 1 when something did; with --fail-on, 1 only when a running guest is refused\n"
        "or something is dangerous (blocker), or loses anything at all (warn).",
    .least = 2,
    .most = 2,
};

static bool loses_something(const struct mig_drift *d)
{
    for (size_t i = 0; i < d->changes.len; i++) {
        if (d->changes.items[i].kind != MIG_CHANGE_GAINED) {
            return true;
        }
    }
    return mig_drift_running(d) > 0 || mig_drift_dangerous(d) > 0;
}

/* The way back is a warning to a gate: it ends when all hosts are updated. */
static int exit_status(const struct command *c, const struct mig_drift *d)
{
    bool fails = !mig_drift_is_same(d);

    if (c->fail_on != NULL) {
        switch (c->fails_on) {
        case MIG_FAIL_ON_NEVER:
            fails = false;
            break;
        case MIG_FAIL_ON_WARN:
            fails = loses_something(d);
            break;
        case MIG_FAIL_ON_BLOCKER:
            fails = !mig_drift_accepts(d, MIG_DRIFT_FORWARD);
            break;
        }
    }
    return fails ? EXIT_DIFFERS : EXIT_SAME;
}

static void report(const struct command *c, const struct mig_evidence *hosts,
                   const struct mig_drift *d, const char *const names[2])
{
    const struct mig_report r = command_report(c, true);

    if (c->host.quiet) {
        return;
    }
    if (c->json) {
        command_print(c, report_drift_json(hosts, d));
    } else {
        report_drift_text(&r, hosts, d, names);
    }
}

/* Both are most often one host: the findings must tell them apart. */
static int compare(const struct command *c, const struct mig_evidence *hosts)
{
    MIG_AUTO(mig_free) char *old = mig_strf("%s (old)", hosts[0].name);
    MIG_AUTO(mig_free) char *now = mig_strf("%s (new)", hosts[1].name);
    const char *const names[2] = {old, now};
    const struct mig_party before = {old, hosts[0].snapshot}, after = {now, hosts[1].snapshot};
    struct mig_drift d = {0};
    struct mig_error err;
    int status;

    if (mig_drift_find(&before, &after, &c->host.choice, &d, &err)) {
        report(c, hosts, &d, names);
        status = exit_status(c, &d);
    } else {
        status = verb_fail(&err);
    }
    mig_drift_clear(&d);
    return status;
}

static int drift(struct command *c)
{
    struct mig_evidence hosts[2];
    struct mig_error err;
    int status = command_gather_states(c, hosts, &err) ? compare(c, hosts) : verb_fail(&err);

    mig_evidence_clear(&hosts[0]);
    mig_evidence_clear(&hosts[1]);
    return status;
}

static int run(int argc, char **argv)
{
    struct command c;
    int status;

    if (command_begin(&form, argc, argv, &c, &status)) {
        status = drift(&c);
    }
    return command_end(&form, &c, status);
}

const struct verb verb_drift = {"drift", "what a new software stack changes for guests", run};
