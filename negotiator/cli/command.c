/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "report_json.h"
#include "session/report_text.h"
#include "verb.h"

#define EXIT_NOT_WRITTEN 2

static void help(const struct command_form *form)
{
    (void)printf("usage: migctl %s\n\n%s\n\nA HOST is ", form->usage, form->text);
    (void)printf("%s.\n\noptions:\n", MIG_TARGET_FORMS);
    mig_options_help(&form->options, stdout);
}

static bool parse_output(const struct command_form *form, struct command *c, struct mig_error *err)
{
    if (form->output_is_file) {
        return true;
    }
    c->json = strcmp(c->output, "json") == 0;
    return c->json || strcmp(c->output, "table") == 0 ||
           mig_fail(err, MIG_USAGE, "output: expected table or json, got '%s'", c->output);
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
        !parse_output(form, c, &err) || !parse_fail_on(c, &err) || !check_operands(form, c, &err)) {
        *ret_status = verb_fail(&err);
        return false;
    }
    c->host.gather.via_first = c->via_source;
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
    return (struct mig_report){.out = stdout, .verbose = c->host.verbose, .pair = pair};
}

int command_decide(const struct command *c, bool pair)
{
    MIG_AUTO(mig_decision_clear) struct mig_decision d = {0};
    const struct mig_report report = command_report(c, pair);
    struct mig_error err;

    if (!mig_decision_make(&c->host.gather, &c->host.choice, &c->host.belief, c->words.operands,
                           c->words.operands_len, pair, &d, &err)) {
        return verb_fail(&err);
    }
    if (c->json && !c->host.quiet) {
        report_json_print(pair ? report_json_negotiation(&d) : report_json_baseline(&d));
    } else if (!c->host.quiet) {
        mig_report_text(&report, &d);
    }
    return mig_decision_exit_status(&d.result, c->strict, c->fails_on);
}
