/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "command.h"
#include "cpu/arm64_name.h"
#include "explain_report.h"
#include "report_json.h"
#include "verb.h"

#define HOSTS_MAX 64

static const struct mig_option rows[] = {
#define OPTION MIG_HOST_OPTION
#include "session/host_options.def"
    COMMAND_ROW("host", 0, LIST, hosts, "HOST", NULL,
                "say what this host shows and takes; repeatable"),
    MIG_HOST_OPTION_CONFIG,
    COMMAND_OUTPUT,
    COMMAND_HELP,
};

static const struct command_form form = {
    .options = {rows, sizeof rows / sizeof *rows},
    .usage = "explain [options] NAME|ID...",
    .text =
        "What a field or a finding is, by which rule it is judged, what hangs on it and\n"
        "what takes it away.  NAME is a flag as Linux, QEMU, libvirt or Xen call it, or of\n"
        "arm64 FEAT_..., SYSREG_..., REGISTER.FIELD with or without =VALUE, a register, or one\n"
        "of sve, pauth, mte, pmu, gic and the like; ID any id of a report; the id of a\n"
        "register lists its fields.  Asks no host, unless --host names one: then what it shows\n"
        "guests, and which values its KVM takes from a VMM.",
    .least = 1,
    .most = SIZE_MAX,
};

struct explained {
    const struct command *command;
    struct explain_hosts hosts;
    json_t *items; /* NULL: to the page */
};

static int fail_unknown(const char *word)
{
    const char *near[MIG_EXPLAIN_NEAREST];
    size_t len = mig_explain_nearest(word, near);
    struct mig_arm64_setting ignored;
    struct mig_text t = {0};
    struct mig_error err;

    if (strchr(word, '=') != NULL && mig_arm64_name_is_meant(word) &&
        !mig_arm64_name_parse(word, &ignored, &err)) {
        err.code = MIG_USAGE;
        (void)mig_wrap(&err, "explain");
        return verb_fail(&err);
    }
    for (size_t i = 0; i < len; i++) {
        mig_text_addf(&t, "%s%s",
                      i == 0        ? "; did you mean "
                      : i + 1 < len ? ", "
                                    : " or ",
                      near[i]);
    }
    (void)mig_fail(&err, MIG_USAGE, "explain: '%.80s' is no name, alias or id that is known%s%s",
                   word, len > 0 ? t.items : "", len > 0 ? "?" : "");
    mig_text_clear(&t);
    return verb_fail(&err);
}

static void add_register(struct explained *x, struct mig_reg reg, struct mig_fields fields)
{
    for (size_t i = 0; i < fields.len; i++) {
        struct mig_explanation e;

        mig_explain_field(&fields.items[i], reg.sub, &e);
        (void)json_array_append_new(x->items, explain_json_object(&e, x->hosts));
        mig_explain_clear(&e);
    }
}

/* Gives the exit status. */
static int explain_word(struct explained *x, const char *word)
{
    struct mig_explanation e;
    struct mig_reg reg;
    struct mig_fields fields;

    if (mig_explain(word, &e)) {
        if (x->items != NULL) {
            (void)json_array_append_new(x->items, explain_json_object(&e, x->hosts));
        } else {
            explain_page_print(&e, x->hosts, command_report(x->command, false).colour);
        }
        mig_explain_clear(&e);
        return 0;
    }
    fields = mig_explain_register(word, &reg);
    if (fields.len == 0) {
        return fail_unknown(word);
    }
    if (x->items != NULL) {
        add_register(x, reg, fields);
    } else {
        explain_page_register(word, reg, fields, x->hosts);
    }
    return 0;
}

/* An object is whole or not there; text stops at nothing. */
static int explain_words(const struct command *c, struct explain_hosts hosts)
{
    struct explained x = {c, hosts, c->json ? json_array() : NULL};
    int status = 0;

    for (size_t i = 0; i < c->words.operands_len; i++) {
        int one;

        if (x.items == NULL && i > 0) {
            (void)putchar('\n');
        }
        one = explain_word(&x, c->words.operands[i]);
        status = one != 0 ? one : status;
    }
    if (status != 0) {
        json_decref(x.items);
    } else if (x.items != NULL) {
        json_t *object = report_json_head("Explanation");

        (void)json_object_set_new(object, "items", x.items);
        command_print(c, object);
    }
    return status;
}

/* "a,b" of the option, in place; gives the number of words. */
static size_t split_hosts(char *list, const char *ret[HOSTS_MAX + 1])
{
    size_t len = 0;
    char *word;

    while ((word = strsep(&list, ",")) != NULL && len <= HOSTS_MAX) {
        ret[len++] = word;
    }
    return len;
}

static int explain_on_hosts(struct command *c)
{
    MIG_AUTO(mig_free) char *list = mig_strdup(c->hosts);
    const char *words[HOSTS_MAX + 1];
    size_t len = split_hosts(list, words);
    struct mig_evidence *hosts = mig_alloc(len, sizeof *hosts);
    struct mig_party *parties = mig_alloc(len, sizeof *parties);
    struct mig_error err;
    int status;

    if (len > HOSTS_MAX) {
        (void)mig_fail(&err, MIG_USAGE, "host: at most %d of them", HOSTS_MAX);
        status = verb_fail(&err);
    } else if (!command_gather_known(c, words, len, hosts, &err)) {
        status = verb_fail(&err);
    } else {
        for (size_t i = 0; i < len; i++) {
            parties[i] = (struct mig_party){hosts[i].name, hosts[i].snapshot};
        }
        status = explain_words(c, (struct explain_hosts){parties, len});
    }
    for (size_t i = 0; i < len; i++) {
        mig_evidence_clear(&hosts[i]);
    }
    mig_free(hosts);
    mig_free(parties);
    return status;
}

static int run(int argc, char **argv)
{
    struct command c;
    int status;

    if (command_begin(&form, argc, argv, &c, &status)) {
        status = c.hosts != NULL ? explain_on_hosts(&c)
                                 : explain_words(&c, (struct explain_hosts){NULL, 0});
    }
    return command_end(&form, &c, status);
}

const struct verb verb_explain = {"explain", "what a field or a finding is, and what takes it away",
                                  run};
