/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

#include "command.h"
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

static int run(int argc, char **argv)
{
    struct command c;
    int status;

    if (command_begin(&form, argc, argv, &c, &status)) {
        status = command_decide(&c, false);
    }
    return command_end(&form, &c, status);
}

const struct verb verb_baseline = {"baseline", "the strongest profile of many hosts", run};
