/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "base/now.h"
#include "command.h"
#include "pact/audit.h"
#include "session/page.h"
#include "verb.h"

static const struct mig_option rows[] = {
#define OPTION MIG_HOST_OPTION
#include "session/host_options.def"
    MIG_HOST_OPTION_CONFIG,
    COMMAND_ROW("vm", 0, TEXT, vm, "ID", NULL, "only of this guest"),
    COMMAND_ROW("since", 0, MS, since_ms, "TIME", "0s", "only of the last TIME; 0s = all"),
    COMMAND_ROW("refused", 0, FLAG, refused, NULL, NULL, "only what was not done"),
    COMMAND_OUTPUT,
    COMMAND_HELP,
};

static const struct command_form form = {
    .options = {rows, MIG_COUNT(rows)},
    .usage = "audit [options] [FILE]",
    .text = "What the agent of this host decided about moves of guests, oldest first, out of FILE\n"
            "(default " MIG_AUDIT_PATH ").",
    .least = 0,
    .most = 1,
};

static bool is_wanted(const struct command *c, const struct mig_audit_line *line)
{
    int64_t oldest = c->since_ms != 0 ? mig_now_unix() - (int64_t)(c->since_ms / 1000) : 0;

    return (c->vm == NULL || strcmp(c->vm, line->vm) == 0) && line->at >= oldest &&
           (!c->refused || strcmp(line->result, "done") != 0);
}

static void print_json(const struct mig_audit_line *line, void *data)
{
    json_t *array = ((struct command *)data)->array;

    if (is_wanted(data, line)) {
        (void)json_array_append_new(array, json_loads(line->json, 0, NULL));
    }
}

static void print_text(const struct mig_audit_line *line, void *data)
{
    char at[32] = "";
    time_t when = (time_t)line->at;
    struct tm tm;

    if (!is_wanted(data, line)) {
        return;
    }
    if (gmtime_r(&when, &tm) != NULL) {
        (void)strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%SZ", &tm);
    }
    (void)printf("%s %s %s %s %s", at, line->host, line->who, line->what,
                 line->vm[0] != '\0' ? line->vm : "-");
    if (line->source[0] != '\0' || line->destination[0] != '\0') {
        (void)printf(" %s -> %s", line->source[0] != '\0' ? line->source : "?",
                     line->destination[0] != '\0' ? line->destination : "?");
    }
    if (line->agreement[0] != '\0') {
        (void)printf(" agreement %.12s", line->agreement);
    }
    (void)printf(": %s%s%s\n", line->result, line->reason[0] != '\0' ? ": " : "", line->reason);
}

static int audit(struct command *c)
{
    const char *path = c->words.operands_len > 0 ? c->words.operands[0] : MIG_AUDIT_PATH;
    struct mig_error err;
    json_t *root;
    bool good;

    c->array = json_array();
    good = mig_audit_read(path, c->json ? print_json : print_text, c, &err);
    if (c->json) {
        root = json_object();
        (void)json_object_set_new(root, "apiVersion", json_string("migctl/v1"));
        (void)json_object_set_new(root, "kind", json_string("AuditList"));
        (void)json_object_set_new(root, "records", c->array);
        command_print(c, root);
    } else {
        json_decref(c->array);
    }
    return good ? 0 : verb_fail(&err);
}

static int run(int argc, char **argv)
{
    struct command c;
    int status;

    if (command_begin(&form, argc, argv, &c, &status)) {
        status = audit(&c);
    }
    return command_end(&form, &c, status);
}

const struct verb verb_audit = {"audit", "what was decided about moves of guests", run};
