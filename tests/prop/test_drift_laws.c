/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Laws of drift over every pair of real captures of one vendor and over random
 * snapshots: a host has none against itself, and back is forward mirrored.
 */
#include "compat/drift.h"

#include "base/array.h"
#include "support/check.h"
#include "support/prop.h"
#include "support/snapshots.h"

static const char *const captures[] = {
    "intel-cascadelake-5.10",
    "intel-cascadelake-6.1",
    "intel-icelake-5.10",
    "intel-icelake-6.1",
    "intel-sapphire-rapids-5.10",
    "intel-sapphire-rapids-6.1",
    "intel-granite-rapids-5.10",
    "intel-granite-rapids-6.1",
    "amd-milan-5.10",
    "amd-milan-6.1",
    "amd-genoa-5.10",
    "amd-genoa-6.1",
    "emulated-epyc-milan-6.1",
    "emulated-epyc-milan-6.12",
    "nested-pvm",
};
static const struct mig_choice choice;

/* False when the two are of no one class of hosts, whichever comes first. */
static bool check_mirror(const char *label, const struct mig_snapshot *a,
                         const struct mig_snapshot *b)
{
    const struct mig_party x = {"x", a}, y = {"y", b};
    struct mig_drift there = {0}, back = {0};
    struct mig_error err;
    bool done = mig_drift_find(&x, &y, &choice, &there, &err);

    check_number(label, done, mig_drift_find(&y, &x, &choice, &back, &err));
    check_number(label, there.changes.len, back.changes.len);
    for (int way = 0; way < MIG_DRIFT_WAY_COUNT; way++) {
        int other = MIG_DRIFT_WAY_COUNT - 1 - way;

        check_number(label, there.running[way].len, back.running[other].len);
    }
    for (size_t i = 0; i < there.changes.len; i++) {
        const struct mig_profile_change *c = &there.changes.items[i], *r = &back.changes.items[i];

        check_text(label, c->id, r->id);
        check_number(c->id, c->old, r->now);
        check_number(c->id, c->kind == MIG_CHANGE_GAINED, r->kind == MIG_CHANGE_LOST);
    }
    check_number(label, there.known.len > 0 || back.known.len > 0 || there.software.len > 0,
                 there.known.len > 0 || back.known.len > 0 || back.software.len > 0);
    mig_drift_clear(&there);
    mig_drift_clear(&back);
    return done;
}

CHECK_TEST(drift_back_mirrors_drift_forward)
{
    struct prop p;

    for (size_t i = 0; i < MIG_COUNT(captures); i++) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *a = snapshot_host(captures[i]);

        for (size_t j = 0; j < i; j++) {
            MIG_AUTO(mig_snapshot_free) struct mig_snapshot *b = snapshot_host(captures[j]);

            check_number(captures[i],
                         captures[i][0] == 'i' ? captures[j][0] == 'i' : captures[j][0] != 'i',
                         check_mirror(captures[i], a, b));
        }
    }
    prop_init(&p, "drift mirror");
    for (unsigned runs = prop_runs(200); runs > 0; runs--) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *a = snapshot_random(&p);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *b = snapshot_random(&p);

        (void)check_mirror("random", a, b);
    }
}

CHECK_TEST(a_host_has_no_drift_against_itself)
{
    struct prop p;

    prop_init(&p, "drift self");
    for (unsigned runs = prop_runs(300); runs > 0; runs--) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = snapshot_random(&p);
        const struct mig_party old = {"old", s}, now = {"new", s};
        struct mig_drift d = {0};
        struct mig_error err;

        if (mig_drift_find(&old, &now, &choice, &d, &err)) {
            check_true("same", mig_drift_is_same(&d));
            check_number("running", 0, mig_drift_running(&d));
        }
        mig_drift_clear(&d);
    }
}

CHECK_MAIN(cmocka_unit_test(drift_back_mirrors_drift_forward),
           cmocka_unit_test(a_host_has_no_drift_against_itself))
