/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "command.h"
#include "pool.h"
#include "report_json.h"
#include "session/page.h"
#include "verb.h"

static const struct mig_option rows[] = {
#define OPTION MIG_HOST_OPTION
#include "session/host_options.def"
    MIG_HOST_OPTION_CONFIG,
    COMMAND_OUTPUT,
    COMMAND_FAIL_ON,
    COMMAND_HELP,
};

static const struct command_form form = {
    .options = {rows, sizeof rows / sizeof *rows},
    .usage = "pool check [options] DIRECTORY HOST",
    .text =
        "Does HOST join the pool whose members' snapshots are the files in DIRECTORY, and what\n"
        "would its guests lose?  Exits 0 when it joins, 3 when it joins with loss, 1 when it\n"
        "is refused, 4 when evidence is not enough (--require-complete is implied).",
    .least = 2,
    .most = 2,
};

static void print_lost(const struct pool *p)
{
    if (p->lost.len > 0) {
        (void)printf("\nthe pool's profile loses\n");
    }
    for (size_t i = 0; i < p->lost.len; i++) {
        const struct pool_loss *l = &p->lost.items[i];
        char was[MIG_REPORT_VALUE_MAX], is[MIG_REPORT_VALUE_MAX];

        mig_report_text_value(l->pool, was);
        mig_report_text_value(l->with_host, is);
        (void)printf("  %-28s %s: %s -> %s%s\n", l->id, l->name, was, is,
                     l->security ? " [security]" : "");
    }
}

static void report_text(const struct command *c, const struct pool *p)
{
    static const char *const meaning[] = {
        [POOL_JOINS] = "Guests on the pool's profile move to this host and back; the profile stays "
                       "as it is.",
        [POOL_JOINS_WITH_LOSS] = "The host fits, but the pool's profile shrinks. Guests that run "
                                 "on the old profile need a power cycle before they can go there.",
        [POOL_REFUSED] = "No profile fits this host and the pool; the blockers say why.",
        [POOL_UNKNOWN] = "No answer: evidence is missing, too old, unsigned, refused or "
                         "incomplete. The findings say which.",
    };
    const struct mig_report r = command_report(c, false);

    (void)printf("answer: %s\n", pool_answer_name(p->answer));
    mig_page_paragraph(stdout, 2, 2, meaning[p->answer]);
    if (p->replaced != NULL) {
        MIG_AUTO(mig_free)
        char *text =
            mig_strf("%s is an older snapshot of the same host and was left out.", p->replaced);

        mig_page_paragraph(stdout, 2, 2, text);
    }
    mig_report_text_hosts(&r, p->with.hosts, p->with.hosts_len);
    mig_report_text_findings(&r, &p->with.result.findings);
    print_lost(p);
    mig_report_text_profile(&r, p->with.result.profile);
}

static json_t *value(struct mig_seen seen)
{
    char digits[20];

    (void)snprintf(digits, sizeof digits, "0x%llx", (unsigned long long)seen.value);
    return json_string(digits);
}

static json_t *lost(const struct pool *p)
{
    json_t *array = json_array();

    for (size_t i = 0; i < p->lost.len; i++) {
        const struct pool_loss *l = &p->lost.items[i];

        (void)json_array_append_new(array,
                                    json_pack("{s:s, s:s, s:o, s:o, s:b}", "id", l->id, "name",
                                              l->name, "pool", value(l->pool), "withHost",
                                              value(l->with_host), "security", (int)l->security));
    }
    return array;
}

static void report_json(const struct pool *p)
{
    json_t *object = report_json_head("PoolCheck");
    const struct mig_evidence *hosts = p->with.hosts;
    json_t *host = report_json_hosts(&hosts[p->members], 1);

    (void)json_object_set_new(object, "answer", json_string(pool_answer_name(p->answer)));
    (void)json_object_set_new(object, "verdict",
                              json_string(mig_verdict_name(p->with.result.verdict)));
    report_json_add_coverage(object, &p->with.result);
    (void)json_object_set_new(object, "lost", lost(p));
    (void)json_object_set_new(object, "poolProfile", report_json_profile(p->alone.profile));
    (void)json_object_set_new(object, "profile", report_json_profile(p->with.result.profile));
    (void)json_object_set_new(object, "findings", report_json_findings(&p->with.result.findings));
    (void)json_object_set_new(object, "directory", json_string(p->directory));
    (void)json_object_set_new(object, "replaced",
                              p->replaced != NULL ? json_string(p->replaced) : json_null());
    (void)json_object_set_new(object, "members", report_json_hosts(hosts, p->members));
    (void)json_object_set(object, "host", json_array_get(host, 0));
    json_decref(host);
    report_json_print(object);
}

static int moved(int status, enum mig_fail_on fail_on)
{
    return fail_on == MIG_FAIL_ON_NEVER && (status == 1 || status == 3) ? 0 : status;
}

static int check(const struct command *c)
{
    struct pool p = {0};
    struct mig_error err;
    int status;

    if (!pool_load(c->words.operands[0], &c->host, &p, &err) ||
        !pool_check(&p, c->words.operands[1], &c->host, &err)) {
        pool_clear(&p);
        return verb_fail(&err);
    }
    if (c->json && !c->host.quiet) {
        report_json(&p);
    } else if (!c->host.quiet) {
        report_text(c, &p);
    }
    status = moved(pool_answer_exit_status(p.answer), c->fails_on);
    pool_clear(&p);
    return status;
}

static int run(int argc, char **argv)
{
    struct command c;
    struct mig_error err;
    int status;

    if (argc > 1 && strcmp(argv[1], "check") == 0) {
        argc--;
        argv++;
    } else if (argc < 2 || argv[1][0] != '-') {
        (void)mig_fail(&err, MIG_USAGE, "usage: migctl %s", form.usage);
        return verb_fail(&err);
    }
    if (command_begin(&form, argc, argv, &c, &status)) {
        status = check(&c);
    }
    return command_end(&form, &c, status);
}

const struct verb verb_pool = {"pool", "does a host join a pool (pool check)", run};
