/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

#include "command.h"
#include "report_json.h"
#include "verb.h"

static const struct mig_option rows[] = {
#define OPTION MIG_HOST_OPTION
#include "session/host_options.def"
    MIG_HOST_OPTION_CONFIG, COMMAND_OUTPUT, COMMAND_STRICT, COMMAND_FAIL_ON, COMMAND_HELP,
};

static const struct command_form form = {
    .options = {rows, sizeof rows / sizeof *rows},
    .usage = "baseline [options] HOST...",
    .text = "The strongest CPU profile that all these hosts can give a guest.",
    .least = 1,
    .most = SIZE_MAX,
};

static int baseline(const struct command *c)
{
    MIG_AUTO(mig_decision_clear) struct mig_decision d = {0};
    const struct mig_report report = command_report(c, false);
    struct mig_error err;

    if (!mig_decision_make(&c->host.gather, &c->host.choice, &c->host.belief, c->words.operands,
                           c->words.operands_len, false, &d, &err)) {
        return verb_fail(&err);
    }
    if (c->json && !c->host.quiet) {
        report_json_print(report_json_baseline(&d));
    } else if (!c->host.quiet) {
        mig_report_text(&report, &d);
    }
    return mig_decision_exit_status(&d.result, c->strict, c->fails_on);
}

static int run(int argc, char **argv)
{
    struct command c;
    int status;

    if (command_begin(&form, argc, argv, &c, &status)) {
        status = baseline(&c);
    }
    return command_end(&form, &c, status);
}

const struct verb verb_baseline = {"baseline", "the strongest profile of many hosts", run};
