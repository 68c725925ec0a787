/* SPDX-License-Identifier: Apache-2.0 */
#include "support/move.h"

#include <stdio.h>

#include "support/check.h"
#include "support/small_host.h"

void move_check(const struct mig_snapshot *guest, const struct mig_snapshot *source,
                const struct mig_snapshot *destination, struct mig_result *ret)
{
    struct mig_party shown = {"guest", guest}, from = {"alpha", source}, to = {"beta", destination};
    struct mig_choice choice = {0};

    mig_check_contract(&shown, source != NULL ? &from : NULL, &to, &choice, ret);
}

void move_small(const char *guest, const char *destination, struct mig_result *ret)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shown = small_host(guest);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *to = small_host(destination);

    move_check(shown, NULL, to, ret);
}

static const struct mig_finding *find(const struct mig_result *r, const char *name)
{
    const struct mig_finding *f = mig_findings_find(&r->findings, name);
    const struct mig_field *field = f == NULL ? mig_field_find(name) : NULL;
    char id[MIG_FIELD_ID_MAX];

    if (field != NULL) {
        mig_field_print_id(field, field->reg.sub, id);
        f = mig_findings_find(&r->findings, id);
    }
    return f;
}

bool move_has_finding(const struct mig_result *r, const char *name)
{
    return find(r, name) != NULL;
}

static void print_all(const struct mig_result *r, enum mig_severity severity)
{
    for (size_t i = 0; i < r->findings.len; i++) {
        const struct mig_finding *f = &r->findings.items[i];

        if (f->severity >= severity) {
            print_message("  %s %s: %s\n", mig_severity_name(f->severity), f->id,
                          f->why != NULL ? f->why : "");
        }
    }
}

const struct mig_finding *move_finding(const char *label, const struct mig_result *r,
                                       const char *name)
{
    const struct mig_finding *f = find(r, name);

    if (f == NULL) {
        print_all(r, MIG_NOTE);
        fail_msg("%s: no finding about %s", label, name);
    }
    return f;
}

size_t move_count(const struct mig_result *r, enum mig_severity severity)
{
    size_t count = 0;

    for (size_t i = 0; i < r->findings.len; i++) {
        count += r->findings.items[i].severity >= severity ? 1 : 0;
    }
    return count;
}

void move_check_count(const char *label, const struct mig_result *r, enum mig_severity severity,
                      size_t expected)
{
    if (move_count(r, severity) != expected) {
        print_all(r, severity);
        check_number(label, expected, move_count(r, severity));
    }
}
