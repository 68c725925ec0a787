/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/options.h"
#include "base/text.h"
#include "pact/agreement.h"
#include "plan/amount.h"
#include "plan/capture.h"
#include "plan/commands.h"
#include "plan/plan.h"
#include "report_json.h"
#include "report_plan.h"
#include "report_yaml.h"
#include "verb.h"
#include "vmm/mover.h"

#define CAPTURE_BYTES_MAX (1024u * 1024)
#define EXIT_NOT_WRITTEN 2

enum form { FORM_TABLE, FORM_JSON, FORM_YAML, FORM_QMP, FORM_COUNT };
static const char *const forms[FORM_COUNT] = {"table", "json", "yaml", "qmp"};

/* What the command line said. */
struct planning {
    uint64_t timeout_ms, downtime_ms;
    char *bandwidth, *dirty_rate, *data_path, *uri, *tls_creds, *tls_hostname, *output;
    bool no_post_copy, capture, quiet, help;

    const char *words[2]; /* from here on computed */
    enum form form;
    struct mig_wish wish;
};

#define ROW(name, letter, kind, member, metavar, fallback, help)                                   \
    {                                                                                              \
        name, letter, MIG_OPTION_##kind, offsetof(struct planning, member), metavar, fallback,     \
            help                                                                                   \
    }
static const struct mig_option rows[] = {
    ROW("bandwidth", 'b', TEXT, bandwidth, "RATE", NULL,
        "of the link: 10G (bits) or 1250MB (default: the source's max-bandwidth)"),
    ROW("downtime", 0, MS, downtime_ms, "TIME", NULL,
        "how long the guest may stand (default: the source's downtime-limit)"),
    ROW("dirty-rate", 0, TEXT, dirty_rate, "RATE", NULL,
        "bytes that the guest writes in a second: 400M (default: measured)"),
    ROW("data-path", 0, TEXT, data_path, "PATH", "tunnel",
        "tunnel (agents' TLS), vmm-tls (QEMU's) or local (none)"),
    ROW("uri", 0, TEXT, uri, "URI", NULL, "of the stream: tcp:HOST:PORT, unix:PATH ..."),
    ROW("tls-creds", 0, TEXT, tls_creds, "ID", "migration-tls",
        "credentials object of both QEMUs, for vmm-tls"),
    ROW("tls-hostname", 0, TEXT, tls_hostname, "NAME", NULL,
        "whom the destination's certificate names, where the URI does not"),
    ROW("no-post-copy", 0, FLAG, no_post_copy, NULL, NULL,
        "not even where pre-copy can not converge"),
    ROW("capture", 0, FLAG, capture, NULL, NULL,
        "print what the QEMU SRC can do, to plan with later"),
    ROW("output", 'o', TEXT, output, "FORM", "table",
        "table (for people), json, yaml, or qmp: the commands, one a line"),
    ROW("timeout", 't', MS, timeout_ms, "TIME", "5s", "for each QEMU, everything included"),
    ROW("quiet", 'q', FLAG, quiet, NULL, NULL, "no report, only errors and the exit status"),
    ROW("help", 'h', FLAG, help, NULL, NULL, "this text"),
};
static const struct mig_options options = {rows, MIG_COUNT(rows)};

#define USAGE "usage: migctl plan [options] SRC DST | plan --capture SRC"
static const char help_text[] =
    USAGE "\n"
          "\n"
          "How the guest of QEMU SRC should move to QEMU DST, before anything is copied: what\n"
          "both can do, what stands against it, rounds, time and downtime, and what would help\n"
          "where pre-copy can not converge.  Exits 0 with a plan, 1 when blocked, 4 when\n"
          "something is not known.\n"
          "\n"
          "SRC and DST are each a QMP socket (unix:PATH, or PATH of a socket), or a file that\n"
          "--capture made, or - for standard input.  DST may be a QEMU started only to be asked\n"
          "(-S).\n"
          "\n"
          "options:\n";

static bool read_file(const char *path, struct mig_capture *ret, struct mig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};

    return mig_file_read(path, CAPTURE_BYTES_MAX, &bytes, err) &&
           (mig_capture_from_json((const char *)bytes.items, bytes.len, ret, err) ||
            mig_wrap(err, "%s", path));
}

static bool is_socket(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

static bool read_word(const struct planning *c, const char *word, bool measure,
                      struct mig_capture *ret, struct mig_error *err)
{
    static const char unix_socket[] = "unix:";
    MIG_AUTO(mig_qmp_free) struct mig_qmp *q = NULL;
    const bool names_socket = mig_text_starts(word, unix_socket);
    const char *path = names_socket ? word + strlen(unix_socket) : word;

    if (!names_socket && !is_socket(path)) {
        return read_file(path, ret, err);
    }
    return mig_qmp_connect(path, c->timeout_ms, &q, err) &&
           (mig_mover_ask(q, measure, ret, err) || mig_wrap(err, "%s", path));
}

static bool parse_rate(const char *option, const char *text, bool bits, uint64_t *ret,
                       struct mig_error *err)
{
    return text == NULL || mig_amount_parse(text, bits, ret) ||
           mig_fail(err, MIG_USAGE, "%s: expected a rate such as %s, got '%.60s'", option,
                    bits ? "10G (bits) or 1250MB" : "400M (bytes)", text);
}

static bool parse_wish(const struct planning *c, struct mig_wish *ret, struct mig_error *err)
{
    enum mig_data_path path;

    if (!mig_data_path_parse(c->data_path, &path, err)) {
        return false;
    }
    *ret = (struct mig_wish){
        .data_path = (int)path,
        .downtime_ms = c->downtime_ms,
        .uri = c->uri,
        .tls_creds = c->tls_creds,
        .tls_hostname = c->tls_hostname,
        .no_post_copy = c->no_post_copy,
    };
    return parse_rate("bandwidth", c->bandwidth, true, &ret->bandwidth_bytes_s, err) &&
           parse_rate("dirty-rate", c->dirty_rate, false, &ret->dirty_bytes_s, err);
}

static bool parse_form(const char *word, enum form *ret, struct mig_error *err)
{
    for (int i = 0; i < FORM_COUNT; i++) {
        if (strcmp(word, forms[i]) == 0) {
            *ret = (enum form)i;
            return true;
        }
    }
    return mig_fail(err, MIG_USAGE, "output: expected table, json, yaml or qmp, got '%.60s'", word);
}

static bool parse(int argc, char **argv, struct planning *c, struct mig_error *err)
{
    int operands, rest;

    if (!mig_options_parse(&options, argc, argv, c, &operands, &rest, err)) {
        return false;
    }
    if (c->help) {
        return true;
    }
    if (operands != (c->capture ? 1 : 2) || rest != argc) {
        return mig_fail(err, MIG_USAGE, USAGE);
    }
    for (int i = 0; i < operands; i++) {
        c->words[i] = argv[1 + i];
    }
    if (!c->capture && strcmp(c->words[0], "-") == 0 && strcmp(c->words[1], "-") == 0) {
        return mig_fail(err, MIG_USAGE, "SRC and DST can not both be standard input");
    }
    return parse_form(c->output, &c->form, err) && parse_wish(c, &c->wish, err);
}

static void print_commands(const struct report_plan *r, const struct mig_wish *wish)
{
    json_t *list = mig_commands_make(r->plan, r->captures[0], r->captures[1], wish), *command;
    size_t i;

    json_array_foreach(list, i, command)
    {
        MIG_AUTO(mig_free) char *line = json_dumps(command, JSON_COMPACT);

        (void)puts(line);
    }
    json_decref(list);
}

/* Commands of a plan that may not be followed are not printed; why, is. */
static void report_commands(const struct planning *c, const struct report_plan *r)
{
    const struct mig_plan *p = r->plan;

    if (p->answer != MIG_PLAN_BLOCKED) {
        print_commands(r, &c->wish);
    }
    for (size_t i = 0; i < p->remarks.len; i++) {
        if (p->remarks.items[i].kind != MIG_REMARK_NOTE) {
            (void)fprintf(stderr, "migctl: %s: %s\n", p->remarks.items[i].id,
                          p->remarks.items[i].text);
        }
    }
}

/* Takes @object. */
static void print_object(const struct planning *c, json_t *object)
{
    if (c->form == FORM_YAML) {
        report_yaml_print(object);
    } else {
        report_json_print(object);
    }
}

static void report(const struct planning *c, const struct report_plan *r)
{
    if (c->quiet) {
        return;
    }
    if (c->form == FORM_TABLE) {
        report_plan_text(r);
    } else if (c->form == FORM_QMP) {
        report_commands(c, r);
    } else {
        print_object(c, report_plan_json(r));
    }
}

static int plan(const struct planning *c, const struct mig_capture captures[2])
{
    static const int statuses[] = {
        [MIG_PLAN_READY] = 0, [MIG_PLAN_BLOCKED] = 1, [MIG_PLAN_UNKNOWN] = 4};
    MIG_AUTO(mig_plan_clear) struct mig_plan p = {.compression = NULL};
    const struct report_plan r = {
        .names = {c->words[0],  c->words[1] },
        .captures = {&captures[0], &captures[1]},
        .data_path = c->data_path,
        .plan = &p,
    };

    mig_plan_make(&captures[0], &captures[1], &c->wish, &p);
    report(c, &r);
    return statuses[p.answer];
}

static int plan_both(const struct planning *c)
{
    MIG_AUTO(mig_capture_clear) struct mig_capture source = {0}, destination = {0};
    struct mig_error err;

    if (!read_word(c, c->words[0], c->dirty_rate == NULL, &source, &err) ||
        !read_word(c, c->words[1], false, &destination, &err)) {
        return verb_fail(&err);
    }
    return plan(c, (const struct mig_capture[2]){source, destination});
}

static int capture(const struct planning *c)
{
    MIG_AUTO(mig_capture_clear) struct mig_capture got = {0};
    struct mig_error err;

    if (!read_word(c, c->words[0], true, &got, &err)) {
        return verb_fail(&err);
    }
    if (!c->quiet) {
        print_object(c, mig_capture_to_json(&got));
    }
    return 0;
}

static int help(void)
{
    (void)fputs(help_text, stdout);
    mig_options_help(&options, stdout);
    return 0;
}

/* A plan that could not be written is no plan; a reader that has seen enough
 * is none of our business. */
static int finish(int status)
{
    errno = 0;
    if ((fflush(stdout) == 0 && ferror(stdout) == 0) || errno == EPIPE) {
        return status;
    }
    (void)fprintf(stderr, "migctl: standard output could not be written\n");
    return EXIT_NOT_WRITTEN;
}

static int run(int argc, char **argv)
{
    struct planning c = {.timeout_ms = 0};
    struct mig_error err;
    int status;

    mig_options_init(&options, &c);
    if (!parse(argc, argv, &c, &err)) {
        status = verb_fail(&err);
    } else if (c.help) {
        status = help();
    } else {
        status = c.capture ? capture(&c) : plan_both(&c);
    }
    mig_options_clear(&options, &c);
    return finish(status);
}

const struct verb verb_plan = {"plan", "how a guest of QEMU should move, before anything is copied",
                               run};
