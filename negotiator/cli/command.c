/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/now.h"
#include "contract_store.h"
#include "report_json.h"
#include "report_yaml.h"
#include "seal/key.h"
#include "session/contract_file.h"
#include "session/report_text.h"
#include "verb.h"

#define EXIT_NOT_WRITTEN 2

static void help(const struct command_form *form)
{
    (void)printf("usage: migctl %s\n\n%s\n\nA HOST is ", form->usage, form->text);
    (void)printf("%s.\n\noptions:\n", MIG_TARGET_FORMS);
    mig_options_help(&form->options, stdout);
}

void command_summarise(const struct command_form *form)
{
    (void)printf("usage: migctl %s\n  ", form->usage);
    for (const char *c = form->text; *c != '\0'; c++) {
        (void)printf(*c == '\n' ? "%c  " : "%c", *c);
    }
    (void)puts("");
}

static bool parse_output(const struct command_form *form, struct command *c, struct mig_error *err)
{
    if (form->output_is_file) {
        return true;
    }
    c->yaml = strcmp(c->output, "yaml") == 0;
    c->json = c->yaml || strcmp(c->output, "json") == 0;
    return c->json || strcmp(c->output, "table") == 0 ||
           mig_fail(err, MIG_USAGE, "output: expected table, json or yaml, got '%s'", c->output);
}

static bool parse_colour(struct command *c, struct mig_error *err)
{
    return c->colour == NULL || mig_paint_parse(c->colour, &c->paint) ||
           mig_fail(err, MIG_USAGE, "color: expected auto, always or never, got '%s'", c->colour);
}

static bool parse_fail_on(struct command *c, struct mig_error *err)
{
    static const struct {
        const char *word;
        enum mig_fail_on value;
    } words[] = {
        {"blocker", MIG_FAIL_ON_BLOCKER},
        {"warn",    MIG_FAIL_ON_WARN   },
        {"never",   MIG_FAIL_ON_NEVER  }
    };

    if (c->fail_on == NULL) {
        return true;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i].word, c->fail_on) == 0) {
            c->fails_on = words[i].value;
            return true;
        }
    }
    return mig_fail(err, MIG_USAGE, "fail-on: expected warn, blocker or never, got '%s'",
                    c->fail_on);
}

static bool check_operands(const struct command_form *form, const struct command *c,
                           struct mig_error *err)
{
    size_t len = c->words.operands_len;

    if (len < form->least || len > form->most || c->words.rest_len > 0) {
        return mig_fail(err, MIG_USAGE, "usage: migctl %s", form->usage);
    }
    return true;
}

/* "--help" wins over whatever else is wrong with the command line. */
static bool asks_for_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return true;
        }
    }
    return false;
}

bool command_begin(const struct command_form *form, int argc, char **argv, struct command *c,
                   int *ret_status)
{
    struct mig_error err;

    memset(c, 0, sizeof *c);
    if (asks_for_help(argc, argv)) {
        help(form);
        *ret_status = 0;
        return false;
    }
    if (!mig_host_options_parse(&form->options, argc, argv, &c->host, &c->words, &err) ||
        !parse_output(form, c, &err) || !parse_colour(c, &err) || !parse_fail_on(c, &err) ||
        !check_operands(form, c, &err)) {
        *ret_status = verb_fail(&err);
        return false;
    }
    c->host.gather.via_first = c->via_source;
    c->host.belief.prove = c->no_prove ? MIG_PROVE_OFF : MIG_PROVE_UNSAID;
    c->host.belief.prove_default = MIG_PROVE_LIVE;
    mig_log_init("migctl", c->host.verbose ? MIG_LOG_INFO : MIG_LOG_WARN);
    return true;
}

int command_end(const struct command_form *form, struct command *c, int status)
{
    mig_host_options_clear(&form->options, &c->host);
    errno = 0;
    if (fflush(stdout) == 0 && ferror(stdout) == 0) {
        return status;
    }
    if (errno == EPIPE) {
        return status; /* the reader has seen enough */
    }
    (void)fprintf(stderr, "migctl: standard output could not be written\n");
    return EXIT_NOT_WRITTEN;
}

struct mig_report command_report(const struct command *c, bool pair)
{
    return (struct mig_report){
        .out = stdout,
        .verbose = c->host.verbose,
        .pair = pair,
        .colour = mig_paint_is_wanted(c->paint, stdout),
    };
}

void command_print(const struct command *c, json_t *object)
{
    if (c->yaml) {
        report_yaml_print(object);
    } else {
        report_json_print(object);
    }
}

bool command_read_contract(const struct command *c, const char *file, struct mig_contract_file *ret,
                           struct mig_error *err)
{
    MIG_AUTO(mig_trust_free) struct mig_trust *trust = NULL;

    if (contract_is_stored(c, file)) {
        return contract_read_stored(c, file, ret, err);
    }
    return mig_gather_load_trust(&c->host.gather, &trust, err) &&
           mig_contract_file_read(trust, file, mig_now_unix(), ret, err);
}

static json_t *to_json(const struct mig_decision *d, bool pair)
{
    if (pair) {
        return report_json_negotiation(d);
    }
    return d->contract != NULL ? report_json_contract_check(d) : report_json_baseline(d);
}

/* Without evidence that may be used there is nothing to compare. */
static bool is_believed(const struct command *c, const struct mig_evidence *hosts, size_t len,
                        struct mig_error *err)
{
    struct mig_result trust = {0};
    bool good = mig_decision_check(hosts, len, err);

    for (size_t i = 0; i < len && good; i++) {
        if (hosts[i].error.code != MIG_OK) {
            good = mig_fail(err, hosts[i].error.code, "nothing to compare");
        } else if (!mig_decision_believe(&c->host.belief, &hosts[i], &trust)) {
            good = mig_fail(err, MIG_TRUST, "%s; %s", trust.findings.items[0].why,
                            trust.findings.items[0].remedy);
        }
    }
    mig_result_clear(&trust);
    return good;
}

bool command_gather_known(struct command *c, const char *const *hosts, size_t len,
                          struct mig_evidence *ret, struct mig_error *err)
{
    c->host.belief.max_age_s = 0; /* an old snapshot is the point of it */
    return mig_gather_run(&c->host.gather, hosts, len, ret, err) && is_believed(c, ret, len, err);
}

bool command_gather_states(struct command *c, struct mig_evidence ret[2], struct mig_error *err)
{
    c->host.gather.allow_same = true;
    return command_gather_known(c, c->words.operands, 2, ret, err);
}

static int decide(const struct command *c, const char *const *hosts, size_t len, bool pair,
                  struct mig_decision *d)
{
    struct mig_report report = command_report(c, pair);
    struct mig_error err;

    if (!mig_decision_make(&c->host.gather, &c->host.choice, &c->host.belief, hosts, len, pair, d,
                           &err)) {
        return verb_fail(&err);
    }
    report.running = d->contract != NULL;
    if (c->json && !c->host.quiet) {
        command_print(c, to_json(d, pair));
    } else if (!c->host.quiet) {
        mig_report_text(&report, d);
    }
    return mig_decision_exit_status(&d->result, c->strict, c->fails_on);
}

int command_decide(const struct command *c, bool pair)
{
    MIG_AUTO(mig_decision_clear) struct mig_decision d = {0};

    return decide(c, c->words.operands, c->words.operands_len, pair, &d);
}

static bool check_input(const char *file, const char *const *hosts, size_t len,
                        struct mig_error *err)
{
    for (size_t i = 0; i < len; i++) {
        if (strcmp(file, "-") == 0 && strcmp(hosts[i], "-") == 0) {
            return mig_fail(err, MIG_USAGE, "contract and host can not both be standard input");
        }
    }
    return true;
}

int command_decide_contract(const struct command *c, const char *file, const char *const *hosts,
                            size_t len)
{
    MIG_AUTO(mig_contract_file_clear) struct mig_contract_file guest = {0};
    MIG_AUTO(mig_decision_clear) struct mig_decision d = {.contract = &guest};
    struct mig_error err;

    if (!check_input(file, hosts, len, &err)) {
        return verb_fail(&err);
    }
    /* One that is refused is an answer: unknown. */
    if (!command_read_contract(c, file, &guest, &err) &&
        mig_error_exit_status(err.code) != mig_verdict_exit_status(MIG_UNKNOWN)) {
        return verb_fail(&err);
    }
    return decide(c, hosts, len, len == 2, &d);
}

int command_run_noun(const struct command_noun *nouns, size_t len, const char *usage, int argc,
                     char **argv)
{
    struct command c;
    struct mig_error err;
    int status;

    for (size_t i = 0; argc > 1 && i < len; i++) {
        if (strcmp(nouns[i].name, argv[1]) == 0) {
            if (command_begin(&nouns[i].form, argc - 1, argv + 1, &c, &status)) {
                status = nouns[i].run(&c);
            }
            return command_end(&nouns[i].form, &c, status);
        }
    }
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        for (size_t i = 0; i < len; i++) {
            command_summarise(&nouns[i].form);
        }
        return 0;
    }
    (void)mig_fail(&err, MIG_USAGE, "%s", usage);
    return verb_fail(&err);
}
