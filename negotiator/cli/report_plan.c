/* SPDX-License-Identifier: Apache-2.0 */
#include "report_plan.h"

#include <stdio.h>

#include "base/array.h"
#include "plan/amount.h"
#include "plan/capture.h"
#include "plan/plan.h"

static const char *const answers[] = {
    [MIG_PLAN_READY] = "plan", [MIG_PLAN_BLOCKED] = "blocked", [MIG_PLAN_UNKNOWN] = "unknown"};
static const char *const sections[] = {[MIG_REMARK_BLOCKER] = "blockers",
                                       [MIG_REMARK_MISSING] = "missing",
                                       [MIG_REMARK_NOTE] = "notes"};
static const char *const sides[] = {"source", "destination"};

static void set(json_t *object, const char *key, json_t *value)
{
    MIG_ASSERT(json_object_set_new(object, key, value) == 0);
}

static json_t *text_or_null(const char *s)
{
    return s != NULL ? json_string(s) : json_null();
}

static json_t *number_or_null(bool known, uint64_t n)
{
    return known ? json_integer((json_int_t)n) : json_null();
}

static json_t *load_json(const struct mig_plan *p)
{
    const struct mig_load *l = &p->load;
    json_t *o = json_object();

    set(o, "ramBytes", number_or_null(l->ram_bytes > 0, l->ram_bytes));
    set(o, "dirtyBytesPerSecond", number_or_null(p->knows_dirty, l->dirty_bytes_s));
    set(o, "bandwidthBytesPerSecond",
        number_or_null(l->bandwidth_bytes_s > 0, l->bandwidth_bytes_s));
    set(o, "downtimeLimitMs", number_or_null(true, l->downtime_ms));
    return o;
}

static json_t *course_json(const struct mig_plan *p)
{
    const struct mig_course *c = &p->course;
    const bool ends = c->converges;
    json_t *o = json_object();

    if (!p->predicted) {
        json_decref(o);
        return json_null();
    }
    set(o, "converges", json_boolean(ends));
    set(o, "rounds", number_or_null(ends, c->rounds));
    set(o, "totalMs", number_or_null(ends, c->total_ms));
    set(o, "downtimeMs", number_or_null(ends, c->downtime_ms));
    set(o, "sentBytes", number_or_null(ends, c->sent_bytes));
    set(o, "wantedBandwidthBytesPerSecond", number_or_null(!ends, p->wanted_bandwidth_bytes_s));
    set(o, "wantedThrottlePercent",
        number_or_null(!ends && p->wanted_throttle > 0, p->wanted_throttle));
    return o;
}

static json_t *abilities_json(const struct mig_plan *p)
{
    json_t *list = json_array();

    for (int i = 0; i < MIG_ABILITY_COUNT; i++) {
        const struct mig_ability_row *row = &mig_ability_rows[i];
        json_t *o;

        if (row->name == NULL || !mig_plan_has(p, (enum mig_ability)i)) {
            continue;
        }
        o = json_object();
        set(o, "name", json_string(row->name));
        set(o, "sides", json_string(row->both ? "both" : "source"));
        set(o, "since", json_string(row->since));
        set(o, "why", json_string(p->why[i]));
        MIG_ASSERT(json_array_append_new(list, o) == 0);
    }
    return list;
}

static json_t *remarks_json(const struct mig_plan *p, enum mig_remark_kind kind)
{
    json_t *list = json_array();

    for (size_t i = 0; i < p->remarks.len; i++) {
        const struct mig_remark *r = &p->remarks.items[i];
        json_t *o;

        if (r->kind != kind) {
            continue;
        }
        o = json_object();
        set(o, "id", json_string(r->id));
        set(o, "text", json_string(r->text));
        set(o, "remedy", text_or_null(r->remedy));
        MIG_ASSERT(json_array_append_new(list, o) == 0);
    }
    return list;
}

static json_t *side_json(const char *name, const struct mig_capture *c)
{
    json_t *o = json_object();

    set(o, "name", json_string(name));
    set(o, "version", json_string(c->version));
    set(o, "status", json_string(c->status));
    set(o, "machineType", text_or_null(c->machine));
    return o;
}

json_t *report_plan_json(const struct report_plan *r)
{
    const struct mig_plan *p = r->plan;
    const bool multifd = mig_plan_has(p, MIG_ABILITY_MULTIFD);
    json_t *root = json_object();

    set(root, "apiVersion", json_string("migctl/v1"));
    set(root, "kind", json_string("MigrationPlan"));
    set(root, "answer", json_string(answers[p->answer]));
    for (size_t i = 0; i < MIG_COUNT(sides); i++) {
        set(root, sides[i], side_json(r->names[i], r->captures[i]));
    }
    set(root, "dataPath", json_string(r->data_path));
    set(root, "load", load_json(p));
    set(root, "preCopy", course_json(p));
    set(root, "capabilities", abilities_json(p));
    set(root, "multifdChannels", number_or_null(multifd, p->channels));
    set(root, "compression", json_string(p->compression));
    for (size_t i = 0; i < MIG_COUNT(sections); i++) {
        set(root, sections[i], remarks_json(p, (enum mig_remark_kind)i));
    }
    return root;
}

static void print_rate(const char *name, bool known, uint64_t bytes, const char *unit)
{
    char amount[MIG_AMOUNT_MAX];

    mig_amount_print(bytes, amount);
    (void)printf("%-13s %s%s\n", name, known ? amount : "not known", known ? unit : "");
}

static void print_course(const struct mig_plan *p)
{
    const struct mig_course *c = &p->course;
    char total[MIG_AMOUNT_MAX], downtime[MIG_AMOUNT_MAX], amount[MIG_AMOUNT_MAX];

    if (!p->predicted) {
        (void)printf("%-13s not known\n", "pre-copy");
        return;
    }
    if (c->converges) {
        mig_amount_print_ms(c->total_ms, total);
        mig_amount_print_ms(c->downtime_ms, downtime);
        mig_amount_print(c->sent_bytes, amount);
        (void)printf("%-13s converges: %u round%s, at most %s and %s, downtime %s\n", "pre-copy",
                     c->rounds, c->rounds == 1 ? "" : "s", total, amount, downtime);
        return;
    }
    mig_amount_print(p->wanted_bandwidth_bytes_s, amount);
    (void)printf("%-13s can not converge; a link of %s/s would do", "pre-copy", amount);
    if (p->wanted_throttle > 0) {
        (void)printf(", or vCPUs slowed down by %u %%", p->wanted_throttle);
    }
    (void)printf("%s\n", mig_plan_has(p, MIG_ABILITY_POSTCOPY) ? ", or post-copy" : "");
}

static void print_abilities(const struct mig_plan *p)
{
    (void)puts("\ncapabilities");
    for (int i = 0; i < MIG_ABILITY_COUNT; i++) {
        const struct mig_ability_row *row = &mig_ability_rows[i];

        if (row->name != NULL && mig_plan_has(p, (enum mig_ability)i)) {
            (void)printf("  %-24s %-7s %s\n", row->name, row->both ? "both" : "source", p->why[i]);
        }
    }
}

static void print_multifd(const struct mig_plan *p)
{
    const char *why = p->why[MIG_ABILITY_COMPRESSED];

    if (mig_plan_has(p, MIG_ABILITY_MULTIFD)) {
        (void)printf("%-13s %u\n", "channels", p->channels);
    }
    (void)printf("%-13s %s%s%s\n", "compression", p->compression, why != NULL ? ": " : "",
                 why != NULL ? why : "");
}

static void print_remarks(const struct mig_plan *p, enum mig_remark_kind kind)
{
    bool first = true;

    for (size_t i = 0; i < p->remarks.len; i++) {
        const struct mig_remark *r = &p->remarks.items[i];

        if (r->kind != kind) {
            continue;
        }
        if (first) {
            (void)printf("\n%s\n", sections[kind]);
        }
        first = false;
        (void)printf("  %s: %s\n", r->id, r->text);
        if (r->remedy != NULL) {
            (void)printf("      remedy: %s\n", r->remedy);
        }
    }
}

void report_plan_text(const struct report_plan *r)
{
    const struct mig_plan *p = r->plan;
    const struct mig_load *l = &p->load;

    (void)printf("%-13s %s\n", "answer", answers[p->answer]);
    for (size_t i = 0; i < MIG_COUNT(sides); i++) {
        const struct mig_capture *c = r->captures[i];

        (void)printf("%-13s %s: QEMU %s, %s, %s\n", sides[i], r->names[i], c->version,
                     c->machine != NULL ? c->machine : "no machine", c->status);
    }
    (void)printf("%-13s %s\n", "data path", r->data_path);
    print_rate("memory", l->ram_bytes > 0, l->ram_bytes, "");
    print_rate("guest writes", p->knows_dirty, l->dirty_bytes_s, "/s");
    print_rate("link", l->bandwidth_bytes_s > 0, l->bandwidth_bytes_s, "/s");
    print_course(p);
    print_multifd(p);
    print_abilities(p);
    print_remarks(p, MIG_REMARK_BLOCKER);
    print_remarks(p, MIG_REMARK_MISSING);
    print_remarks(p, MIG_REMARK_NOTE);
}
