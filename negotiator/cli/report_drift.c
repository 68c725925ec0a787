/* SPDX-License-Identifier: Apache-2.0 */
#include "report_drift.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "report_json.h"
#include "session/change_text.h"
#include "session/finding_text.h"
#include "session/page.h"

#define SHOWN_IDS 6

static void add_count(struct mig_text *t, size_t n, const char *one, const char *many)
{
    mig_text_addf(t, "%s%zu %s", t->len > 0 ? ", " : "drift: ", n, n == 1 ? one : many);
}

static void print_summary(const struct mig_report *r, const struct mig_drift *d)
{
    MIG_AUTO(mig_text_clear) struct mig_text t = {0};

    if (mig_drift_is_same(d)) {
        (void)fprintf(r->out, "drift: none\n");
        return;
    }
    add_count(&t, d->changes.len, "change for new guests", "changes for new guests");
    add_count(&t, mig_drift_running(d), "for running ones", "for running ones");
    add_count(&t, mig_drift_dangerous(d), "dangerous", "dangerous");
    (void)fprintf(r->out, "%s\n", t.items);
}

/* What becomes of the half-updated cluster. */
static void print_ways(const struct mig_report *r, const struct mig_drift *d,
                       const char *const names[2])
{
    bool forward = mig_drift_accepts(d, MIG_DRIFT_FORWARD);
    bool back = mig_drift_accepts(d, MIG_DRIFT_BACK);
    MIG_AUTO(mig_text_clear) struct mig_text t = {0};

    mig_text_addf(&t, "Guests given everything their host can grant move ");
    if (forward && back) {
        mig_text_addf(&t, "either way between %s and %s.", names[0], names[1]);
    } else if (forward || back) {
        mig_text_addf(&t, "from %s to %s, not back.", names[forward ? 0 : 1],
                      names[forward ? 1 : 0]);
    } else {
        mig_text_addf(&t, "neither way between %s and %s.", names[0], names[1]);
    }
    mig_page_paragraph(r->out, 2, 2, t.items);
}

/* As the findings call them; source and destination change places. */
static void print_hosts(const struct mig_report *r, const struct mig_evidence *hosts,
                        const char *const names[2])
{
    struct mig_report neutral = *r;
    struct mig_evidence named[2] = {hosts[0], hosts[1]}; /* borrow all */

    neutral.pair = false;
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(named[i].name, sizeof named[i].name, "%s", names[i]);
    }
    mig_report_text_hosts(&neutral, named, 2);
}

static void print_moves(const struct mig_report *r, const char *what,
                        const struct mig_findings lists[MIG_DRIFT_WAY_COUNT],
                        const char *const names[2])
{
    for (int way = 0; way < MIG_DRIFT_WAY_COUNT; way++) {
        MIG_AUTO(mig_text_clear) struct mig_text t = {0};
        bool forward = way == MIG_DRIFT_FORWARD;

        if (lists[way].len == 0) {
            continue;
        }
        mig_text_addf(&t, "%s, from %s to %s: %zu", what, names[forward ? 0 : 1],
                      names[forward ? 1 : 0], lists[way].len);
        mig_report_text_heading(r, t.items);
        for (int severity = MIG_BLOCKER; severity >= MIG_WARNING; severity--) {
            mig_finding_text_print(r, &lists[way], (enum mig_severity)severity);
        }
    }
}

static void print_changes(const struct mig_report *r, const struct mig_drift *d)
{
    struct mig_change *rows = mig_alloc(d->changes.len + 1, sizeof *rows);

    for (int kind = 0; kind < MIG_CHANGE_COUNT; kind++) {
        MIG_AUTO(mig_text_clear) struct mig_text t = {0};
        size_t len = 0;

        for (size_t i = 0; i < d->changes.len; i++) {
            const struct mig_profile_change *c = &d->changes.items[i];

            if ((int)c->kind == kind) {
                rows[len++] = (struct mig_change){
                    .id = c->id,
                    .name = c->field->name,
                    .before = {MIG_KNOWN, c->old},
                    .after = {MIG_KNOWN, c->now},
                    .mark = c->security ? "[security]" : NULL
                };
            }
        }
        if (len > 0) {
            mig_text_addf(&t, "new guests, %s: %zu",
                          mig_change_kind_name((enum mig_change_kind)kind), len);
            mig_report_text_heading(r, t.items);
            mig_change_text_print(r, 2, rows, len);
        }
    }
    mig_free(rows);
}

static const char *told(const char *fact)
{
    return fact != NULL ? fact : "(not told)";
}

static void print_software(const struct mig_report *r, const struct mig_drift *d)
{
    if (d->software.len > 0) {
        mig_report_text_heading(r, "software");
    }
    for (size_t i = 0; i < d->software.len; i++) {
        const struct mig_drift_software *fact = &d->software.items[i];
        MIG_AUTO(mig_free) char *head = mig_strf("%s: ", fact->name);
        MIG_AUTO(mig_free) char *text = mig_strf("%s -> %s", told(fact->old), told(fact->now));

        mig_page_item(r->out, 2, head, text);
    }
}

static void print_one_known(const struct mig_report *r, const struct mig_drift_known *known)
{
    const struct mig_known_row *row = known->row;
    MIG_AUTO(mig_text_clear) struct mig_text t = {0}, ids = {0};
    size_t shown =
        r->verbose || known->explains_len <= SHOWN_IDS + 1 ? known->explains_len : SHOWN_IDS;

    mig_text_addf(&t, "%s (%s %s -> %s): %s", row->id, row->fact, told(known->old),
                  told(known->now), mig_known_meaning_text(row->meaning));
    mig_page_paragraph(r->out, 2, 6, t.items);
    if (row->meaning == MIG_KNOWN_DANGEROUS) {
        mig_page_paragraph(r->out, 6, 6, "told above, under dangerous");
    } else {
        mig_page_paragraph(r->out, 6, 6, row->text);
        mig_page_item(r->out, 6, "remedy: ", row->remedy);
    }
    for (size_t i = 0; i < shown; i++) {
        mig_text_addf(&ids, "%s%s", i > 0 ? ", " : "", known->explains[i]);
    }
    if (shown < known->explains_len) {
        mig_text_addf(&ids, " and %zu more", known->explains_len - shown);
    }
    if (ids.len > 0) {
        mig_page_item(r->out, 6, "explains: ", ids.items);
    }
    mig_page_item(r->out, 6, "see: ", row->link);
}

static void print_known(const struct mig_report *r, const struct mig_drift *d)
{
    if (d->known.len > 0) {
        mig_report_text_heading(r, "known changes");
    }
    for (size_t i = 0; i < d->known.len; i++) {
        print_one_known(r, &d->known.items[i]);
    }
}

void report_drift_text(const struct mig_report *r, const struct mig_evidence *hosts,
                       const struct mig_drift *d, const char *const names[2])
{
    print_summary(r, d);
    print_ways(r, d, names);
    print_hosts(r, hosts, names);
    print_moves(r, "dangerous", d->dangerous, names);
    print_moves(r, "running guests", d->running, names);
    print_changes(r, d);
    print_software(r, d);
    print_known(r, d);
    mig_report_text_findings(r, &d->warnings);
}

/* ---- JSON ---- */

static void set(json_t *object, const char *key, json_t *value)
{
    MIG_ASSERT(json_object_set_new(object, key, value) == 0);
}

static json_t *text(const char *s)
{
    return s != NULL ? json_string(s) : json_null();
}

static json_t *hex(uint64_t value)
{
    char digits[20];

    (void)snprintf(digits, sizeof digits, "0x%" PRIx64, value);
    return json_string(digits);
}

static json_t *moves(const struct mig_findings lists[MIG_DRIFT_WAY_COUNT])
{
    json_t *object = json_object();

    for (int way = 0; way < MIG_DRIFT_WAY_COUNT; way++) {
        set(object, mig_drift_way_name((enum mig_drift_way)way), report_json_findings(&lists[way]));
    }
    return object;
}

static json_t *accepts(const struct mig_drift *d)
{
    json_t *object = json_object();

    for (int way = 0; way < MIG_DRIFT_WAY_COUNT; way++) {
        set(object, mig_drift_way_name((enum mig_drift_way)way),
            json_boolean(mig_drift_accepts(d, (enum mig_drift_way)way)));
    }
    return object;
}

static json_t *changes(const struct mig_drift *d)
{
    json_t *array = json_array();

    for (size_t i = 0; i < d->changes.len; i++) {
        const struct mig_profile_change *c = &d->changes.items[i];
        json_t *object = json_object();

        set(object, "id", json_string(c->id));
        set(object, "name", json_string(c->field->name));
        set(object, "change", json_string(mig_change_kind_name(c->kind)));
        set(object, "security", json_boolean(c->security));
        set(object, "old", hex(c->old));
        set(object, "new", hex(c->now));
        MIG_ASSERT(json_array_append_new(array, object) == 0);
    }
    return array;
}

static json_t *software(const struct mig_drift *d)
{
    json_t *array = json_array();

    for (size_t i = 0; i < d->software.len; i++) {
        const struct mig_drift_software *fact = &d->software.items[i];
        json_t *object = json_object();

        set(object, "name", json_string(fact->name));
        set(object, "old", text(fact->old));
        set(object, "new", text(fact->now));
        MIG_ASSERT(json_array_append_new(array, object) == 0);
    }
    return array;
}

static json_t *known(const struct mig_drift *d)
{
    json_t *array = json_array();

    for (size_t i = 0; i < d->known.len; i++) {
        const struct mig_drift_known *k = &d->known.items[i];
        json_t *object = json_object(), *explains = json_array(), *ways = json_array();

        for (size_t e = 0; e < k->explains_len; e++) {
            MIG_ASSERT(json_array_append_new(explains, json_string(k->explains[e])) == 0);
        }
        for (int way = 0; way < MIG_DRIFT_WAY_COUNT; way++) {
            if (k->concerns[way]) {
                MIG_ASSERT(json_array_append_new(ways, json_string(mig_drift_way_name(
                                                           (enum mig_drift_way)way))) == 0);
            }
        }
        set(object, "id", json_string(k->row->id));
        set(object, "meaning", json_string(mig_known_meaning_name(k->row->meaning)));
        set(object, "moves", ways);
        set(object, "fact", json_string(k->row->fact));
        set(object, "old", text(k->old));
        set(object, "new", text(k->now));
        set(object, "guestVisible", json_boolean(k->visible));
        set(object, "explains", explains);
        set(object, "text", json_string(k->row->text));
        set(object, "remedy", json_string(k->row->remedy));
        set(object, "link", json_string(k->row->link));
        MIG_ASSERT(json_array_append_new(array, object) == 0);
    }
    return array;
}

static json_t *counts(const struct mig_drift *d)
{
    json_t *object = json_object();

    set(object, "new", json_integer((json_int_t)d->changes.len));
    set(object, "running", json_integer((json_int_t)mig_drift_running(d)));
    set(object, "dangerous", json_integer((json_int_t)mig_drift_dangerous(d)));
    set(object, "software", json_integer((json_int_t)d->software.len));
    set(object, "known", json_integer((json_int_t)d->known.len));
    return object;
}

json_t *report_drift_json(const struct mig_evidence *hosts, const struct mig_drift *d)
{
    json_t *object = report_json_head("Drift");

    set(object, "same", json_boolean(mig_drift_is_same(d)));
    set(object, "counts", counts(d));
    set(object, "accepts", accepts(d));
    set(object, "dangerous", moves(d->dangerous));
    set(object, "running", moves(d->running));
    set(object, "new", changes(d));
    set(object, "software", software(d));
    set(object, "known", known(d));
    set(object, "warnings", report_json_findings(&d->warnings));
    set(object, "hosts", report_json_hosts(hosts, 2));
    return object;
}
