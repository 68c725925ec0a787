/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "command.h"
#include "pool.h"
#include "report_json.h"
#include "session/change_text.h"
#include "session/page.h"
#include "session/paint.h"
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

static void print_lost(const struct mig_report *r, const struct pool *p)
{
    struct mig_change *changes = mig_alloc(p->lost.len + 1, sizeof *changes);

    for (size_t i = 0; i < p->lost.len; i++) {
        const struct pool_loss *l = &p->lost.items[i];

        changes[i] = (struct mig_change){
            .id = l->id,
            .name = l->name,
            .before = l->pool,
            .after = l->with_host,
            .mark = l->security ? "[security]" : NULL,
        };
    }
    if (p->lost.len > 0) {
        mig_report_text_heading(r, "the pool's profile loses");
        mig_change_text_print(r, 2, changes, p->lost.len);
    }
    mig_free(changes);
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
    static const enum mig_paint paints[] = {
        [POOL_JOINS] = MIG_PAINT_GOOD,
        [POOL_JOINS_WITH_LOSS] = MIG_PAINT_CARE,
        [POOL_REFUSED] = MIG_PAINT_BAD,
        [POOL_UNKNOWN] = MIG_PAINT_BAD,
    };
    const struct mig_report r = command_report(c, false);
    MIG_AUTO(mig_text_clear) struct mig_text answer = {0};

    mig_paint_add(&answer, r.colour, paints[p->answer], pool_answer_name(p->answer));
    (void)printf("answer: %s\n", answer.items);
    mig_page_paragraph(stdout, 2, 2, meaning[p->answer]);
    if (p->replaced != NULL) {
        MIG_AUTO(mig_free)
        char *text =
            mig_strf("%s is an older snapshot of the same host and was left out.", p->replaced);

        mig_page_paragraph(stdout, 2, 2, text);
    }
    mig_report_text_hosts(&r, p->with.hosts, p->with.hosts_len);
    mig_report_text_findings(&r, &p->with.result.findings);
    print_lost(&r, p);
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

static json_t *report_object(const struct pool *p)
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
    return object;
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
        command_print(c, report_object(&p));
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
