/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/command.h: what every verb that takes HOST words does first and last:
 * options, --help, output form, and a report that really reached its reader.
 */
#pragma once

#include <jansson.h>

#include "contract_source.h"
#include "session/host_options.h"
#include "session/paint.h"
#include "session/report_text.h"
#include "snapshot/listing.h"

struct mig_contract_file;

/* What the command line said; a verb's table holds the rows it knows. */
struct command {
    struct mig_host_options host; /* first: migctl.conf fills it */
    char *output;                 /* table, json or yaml; a file for some verbs */
    char *colour;
    char *fail_on;
    char *name;
    char *contract;
    char *hosts; /* of --host, joined by commas */
    char *agent, *store, *vm, *instance;
    char *sources[CONTRACT_SOURCE_COUNT];
    char *listings[MIG_LISTING_COUNT];
    char *qemu_version;
    bool strict, via_source, no_prove, refused, qemu, help;
    uint64_t since_ms;

    struct mig_words words; /* from here on computed */
    bool json;              /* an object is wanted, not text: command_print() */
    bool yaml;              /* ... in this form */
    json_t *array;          /* of audit: what was wanted */
    enum mig_paint_when paint;
    enum mig_fail_on fails_on;
};

struct command_form {
    struct mig_options options;
    const char *usage;  /* "negotiate [options] SRC DST" */
    const char *text;   /* what it does, for --help */
    size_t least, most; /* operands */
    bool output_is_file;
};

#define COMMAND_ROW(name, letter, kind, member, metavar, fallback, help)                           \
    {                                                                                              \
        name, letter, MIG_OPTION_##kind, offsetof(struct command, member), metavar, fallback, help \
    }
/* Every verb that reports has both rows. */
#define COMMAND_OUTPUT                                                                             \
    COMMAND_ROW("output", 'o', TEXT, output, "FORM", "table", "table (for people), json or yaml"), \
        COMMAND_COLOUR
#define COMMAND_COLOUR                                                                             \
    COMMAND_ROW("color", 0, TEXT, colour, "WHEN", "auto",                                          \
                "auto (on a terminal without NO_COLOR), always or never")
#define COMMAND_STRICT                                                                             \
    COMMAND_ROW("strict", 0, FLAG, strict, NULL, NULL, "compatible-on-profile exits 3")
#define COMMAND_FAIL_ON                                                                            \
    COMMAND_ROW("fail-on", 0, TEXT, fail_on, "LEVEL", "blocker",                                   \
                "warn, blocker or never: what moves exit statuses 1 and 3")
#define COMMAND_NO_PROVE                                                                           \
    COMMAND_ROW("no-prove", 0, FLAG, no_prove, NULL, NULL,                                         \
                "do not have live hosts try the answer on their KVM")
/* Where contracts are kept: --store wins. */
#define COMMAND_AGENT                                                                              \
    COMMAND_ROW("agent", 0, TEXT, agent, "HOST", "unix:/run/mig/agent.sock",                       \
                "agent that keeps the contracts")
#define COMMAND_STORE                                                                              \
    COMMAND_ROW("store", 0, TEXT, store, "FOLDER", NULL,                                           \
                "use this folder of contracts, without an agent")
#define COMMAND_INSTANCE                                                                           \
    COMMAND_ROW("instance", 0, TEXT, instance, "ID", NULL, "of VM: insist on this instance")
#define COMMAND_HELP COMMAND_ROW("help", 'h', FLAG, help, NULL, NULL, "this text")

/* False: nothing is left to do but to exit with @ret_status.  Always followed
 * by command_end(). */
MIG_MUST_CHECK bool command_begin(const struct command_form *form, int argc, char **argv,
                                  struct command *c, int *ret_status);

/* A verb of several nouns: "contract show". */
struct command_noun {
    const char *name;
    int (*run)(struct command *c);
    struct command_form form;
};

/* Run the noun that @argv[1] names; @usage for when it names none. */
int command_run_noun(const struct command_noun *nouns, size_t len, const char *usage, int argc,
                     char **argv);

/* Usage and text of one noun, where "migctl VERB --help" lists them all. */
void command_summarise(const struct command_form *form);

/* Flush the report: a verdict that could not be written is no verdict. */
int command_end(const struct command_form *form, struct command *c, int status);

/* To stdout, in the way of -v, --color and of the verb. */
struct mig_report command_report(const struct command *c, bool pair);

/* Print @object in the form of -o and give up the reference. */
void command_print(const struct command *c, json_t *object);

/* The two operands as evidence of a host, or of one host at two times: any age,
 * but believed.  The caller clears both of @ret in both cases. */
MIG_MUST_CHECK bool command_gather_states(struct command *c, struct mig_evidence ret[2],
                                          struct mig_error *err);

/* The same of any number of HOST words. */
MIG_MUST_CHECK bool command_gather_known(struct command *c, const char *const *hosts, size_t len,
                                         struct mig_evidence *ret, struct mig_error *err);

/* Ask the hosts, judge them as a pair or as a set, print the answer; gives the
 * exit status. */
int command_decide(const struct command *c, bool pair);

/* The same about the running guest whose contract is in @file: may it move from
 * the first host to the second, or be restored on the only one? */
int command_decide_contract(const struct command *c, const char *file, const char *const *hosts,
                            size_t len);

/* A contract, signed by our authorities if at all; where the verb has --agent
 * and --store, a word that is no file is a VM. */
MIG_MUST_CHECK bool command_read_contract(const struct command *c, const char *file,
                                          struct mig_contract_file *ret, struct mig_error *err);
