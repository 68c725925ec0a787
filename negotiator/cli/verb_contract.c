/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "command.h"
#include "contract_export.h"
#include "contract_sheet.h"
#include "contract_source.h"
#include "contract_store.h"
#include "verb.h"

static const struct mig_option show_rows[] = {
#define OPTION MIG_HOST_OPTION
#include "session/host_options.def"
    MIG_HOST_OPTION_CONFIG, COMMAND_AGENT,  COMMAND_STORE,
    COMMAND_INSTANCE,       COMMAND_OUTPUT, COMMAND_HELP,
};

static const struct mig_option list_rows[] = {
#define OPTION MIG_HOST_OPTION
#include "session/host_options.def"
    MIG_HOST_OPTION_CONFIG, COMMAND_AGENT, COMMAND_STORE, COMMAND_OUTPUT, COMMAND_HELP,
};

static const struct mig_option record_rows[] = {
#define OPTION MIG_HOST_OPTION
#include "session/host_options.def"
    MIG_HOST_OPTION_CONFIG,
    COMMAND_ROW("vm", 0, TEXT, vm, "ID", NULL,
                "what the VMM calls the guest for good, where FILE does not say"),
    COMMAND_ROW("instance", 0, TEXT, instance, "ID", NULL,
                "new at every power-on (default: what FILE says, else made up)"),
#define SOURCE(id, option, metavar, help, fn)                                                      \
    COMMAND_ROW(option, 0, TEXT, sources[CONTRACT_SOURCE_##id], metavar, NULL, help),
#include "negotiator/cli/contract_source.def"
    COMMAND_ROW("target-cpus", 0, TEXT, listings[MIG_LISTING_TARGET_CPUS], "LIST", NULL,
                "CPUs that an arm64 guest was told it may meet: MIDR/REVIDR/AIDR,..."),
    COMMAND_ROW("left-out-regs", 0, TEXT, listings[MIG_LISTING_LEFT_OUT_REGS], "LIST", NULL,
                "KVM ids of arm64 registers that the VMM keeps out of what it restores"),
    COMMAND_AGENT,
    COMMAND_STORE,
    COMMAND_OUTPUT,
    COMMAND_HELP,
};

static const struct mig_option export_rows[] = {
#define OPTION MIG_HOST_OPTION
#include "session/host_options.def"
    MIG_HOST_OPTION_CONFIG,
    COMMAND_ROW("qemu", 0, FLAG, qemu, NULL, NULL, "as arguments of QEMU"),
    COMMAND_ROW("qemu-version", 0, TEXT, qemu_version, "VERSION", NULL,
                "of the QEMU that is to take them (default: the guest's)"),
    COMMAND_AGENT,
    COMMAND_STORE,
    COMMAND_INSTANCE,
    COMMAND_OUTPUT,
    COMMAND_HELP,
};

static const struct mig_option check_rows[] = {
#define OPTION MIG_HOST_OPTION
#include "session/host_options.def"
    MIG_HOST_OPTION_CONFIG, COMMAND_AGENT,   COMMAND_STORE,    COMMAND_INSTANCE,
    COMMAND_OUTPUT,         COMMAND_FAIL_ON, COMMAND_NO_PROVE, COMMAND_HELP,
};

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
        contract_sheet(&r, &f);
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
        contract_sheet_identity(&r, &f);
    }
    return 0;
}

static int check(struct command *c)
{
    return command_decide_contract(c, c->words.operands[0], &c->words.operands[1], 1);
}

static const struct command_noun nouns[] = {
    {"record",
     contract_record, {{record_rows, MIG_COUNT(record_rows)},
      "contract record [options] SOURCE",
      "Record what a guest that has just been powered on was shown, signed by the agent of\n"
      "this host and kept by it.  SOURCE is one of the options that name a file or folder.",
      0,
      0,
      false}},
    {"list",
     contract_list,   {{list_rows, MIG_COUNT(list_rows)},
      "contract list [options]",
      "The contracts that an agent keeps: of guests that run there, come there or have left.",
      0,
      0,
      false}  },
    {"forget",
     contract_forget, {{show_rows, MIG_COUNT(show_rows)},
      "contract forget [options] VM",
      "Remove what the agent of this host keeps of a guest.",
      1,
      1,
      false}},
    {"show",
     show,            {{show_rows, MIG_COUNT(show_rows)},
      "contract show [options] FILE|VM",
      "What a guest was shown at power-on: where it was recorded and went since, coverage,\n"
      "facts, features, registers.",
      1,
      1,
      false}           },
    {"verify",
     verify,          {{show_rows, MIG_COUNT(show_rows)},
      "contract verify [options] FILE|VM",
      "Check the signature of a sealed contract and say whose it is.",
      1,
      1,
      false}         },
    {"export",
     contract_export, {{export_rows, MIG_COUNT(export_rows)},
      "contract export --qemu [options] FILE|VM",
      "The arguments with which a VMM shows a guest what this contract says, one a line, and\n"
      "what none of them can set.",
      1,
      1,
      false}},
    {"check",
     check,           {{check_rows, MIG_COUNT(check_rows)},
      "contract check [options] FILE|VM HOST",
      "May the running guest with this contract go on at HOST?  The same answer holds for\n"
      "restoring a saved guest there.",
      2,
      2,
      false}          },
};

static int run(int argc, char **argv)
{
    return command_run_noun(
        nouns, MIG_COUNT(nouns),
        "usage: migctl contract record|list|show|verify|check|export|forget ...", argc, argv);
}

const struct verb verb_contract = {"contract", "what a running guest was shown, where it may go",
                                   run};
