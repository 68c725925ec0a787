/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"
#include "verb.h"

static const struct mig_option rows[] = {
#define OPTION MIG_HOST_OPTION
#include "session/host_options.def"
    MIG_HOST_OPTION_CONFIG,
    COMMAND_OUTPUT,
    COMMAND_STRICT,
    COMMAND_FAIL_ON,
    COMMAND_ROW("contract", 0, TEXT, contract, "FILE", NULL,
                "ask for the running guest that was shown this"),
    COMMAND_NO_PROVE,
    COMMAND_ROW("via-source", 0, FLAG, via_source, NULL, NULL,
                "reach only SRC; its agent asks DST's"),
    COMMAND_HELP,
};

static const struct command_form form = {
    .options = {rows, sizeof rows / sizeof *rows},
    .usage = "negotiate [options] SRC DST",
    .text = "Can guests move from SRC to DST, on which profile, and what stands against it?\n"
            "With --contract: can this running guest move as it is?  It can only be matched, not\n"
            "lowered; the profile is then the one that it could be powered on with instead.\n"
            "Live hosts prove a yes on a scratch vCPU before it is given.",
    .least = 2,
    .most = 2,
};

static int run(int argc, char **argv)
{
    struct command c;
    int status;

    if (command_begin(&form, argc, argv, &c, &status)) {
        status = c.contract == NULL ? command_decide(&c, true)
                                    : command_decide_contract(&c, c.contract, c.words.operands, 2);
    }
    return command_end(&form, &c, status);
}

const struct verb verb_negotiate = {"negotiate", "may guests move from one host to another", run};
