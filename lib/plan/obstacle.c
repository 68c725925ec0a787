/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "plan/capture.h"
#include "plan/making.h"

void mig_making_remark(const struct mig_making *m, enum mig_remark_kind kind, char *id, char *text,
                       char *remedy)
{
    mig_text_make_printable(id);
    mig_text_make_printable(text);
    *MIG_PUSH(&m->plan->remarks) = (struct mig_remark){kind, id, text, remedy};
}

static void check_machine(const struct mig_making *m)
{
    const char *type = m->source->machine, *other = m->destination->machine;
    const struct mig_capture_machine *at;

    if (type == NULL) {
        MIG_MISS(m, "plan/machine-type",
                 mig_strf("the source has no guest: no machine type is known"),
                 mig_strdup("capture the VMM that has the guest"));
        return;
    }
    at = mig_capture_machine(m->destination, type);
    if (at == NULL) {
        MIG_BLOCK(
            m, "plan/machine-type",
            mig_strf("the destination's QEMU %s does not know machine type %s",
                     m->destination->version, type),
            mig_strf("a QEMU with %s at the destination; a guest keeps its machine type until it "
                     "is powered off",
                     type));
    } else if (at->deprecated) {
        MIG_NOTE(m, "plan/machine-type",
                 mig_strf("machine type %s is deprecated at the destination: a later QEMU lacks it",
                          type));
    }
    if (at != NULL && other != NULL && strcmp(m->destination->status, "inmigrate") == 0 &&
        mig_capture_machine(m->destination, other) != at) {
        MIG_BLOCK(
            m, "plan/machine-type",
            mig_strf("the guest's machine type is %s, the destination waits with %s", type, other),
            mig_strf("start the destination with -machine %s", type));
    }
}

static void check_target(const struct mig_making *m)
{
    if (strcmp(m->source->target, m->destination->target) != 0) {
        MIG_BLOCK(m, "plan/target",
                  mig_strf("the source emulates %s, the destination %s", m->source->target,
                           m->destination->target),
                  mig_strf("use qemu-system-%s at the destination", m->source->target));
    }
}

static void check_uuid(const struct mig_making *m)
{
    const char *ours = m->source->uuid, *theirs = m->destination->uuid;

    if (ours != NULL && theirs != NULL && strcmp(m->destination->status, "inmigrate") == 0 &&
        strcmp(ours, theirs) != 0) {
        MIG_BLOCK(m, "plan/uuid", mig_strf("the destination waits for another guest, %s", theirs),
                  mig_strf("start the destination with -uuid %s", ours));
    }
}

static void check_status(const struct mig_making *m)
{
    static const char *const movable[] = {"running", "paused", "suspended", "prelaunch", "debug"};
    const char *status = m->source->status;
    bool good = false;

    for (size_t i = 0; i < MIG_COUNT(movable); i++) {
        good = good || strcmp(status, movable[i]) == 0;
    }
    if (!good) {
        MIG_BLOCK(m, "plan/status", mig_strf("the source's guest is in state '%s'", status),
                  mig_strdup("a guest that runs or is paused can be moved"));
    }
    if (strcmp(m->destination->status, "inmigrate") != 0) {
        MIG_NOTE(
            m, "plan/status",
            mig_strf("the destination is in state '%s': its QEMU was asked, not the one that will "
                     "wait for the guest",
                     m->destination->status));
    }
}

static void check_blocked(const struct mig_making *m, const struct mig_capture *c, const char *who)
{
    if (!c->tells_blocked) {
        MIG_MISS(
            m, "plan/blocked-reasons",
            mig_strf("QEMU %s of the %s does not tell what blocks a migration", c->version, who),
            mig_strdup("QEMU 6.0 and later tell it in query-migrate"));
    }
    for (size_t i = 0; i < c->blocked.len; i++) {
        MIG_BLOCK(
            m, "plan/blocked-reasons", mig_strf("the %s blocks: %s", who, c->blocked.items[i]),
            mig_strdup("remove the device or option that it names, or power the guest off and "
                       "move it so"));
    }
}

/* The row of a capability of this name, or NULL. */
static const struct mig_ability_row *find_row(const char *name)
{
    for (int i = 0; i < MIG_ABILITY_COUNT; i++) {
        if (mig_ability_rows[i].name != NULL && strcmp(mig_ability_rows[i].name, name) == 0) {
            return &mig_ability_rows[i];
        }
    }
    return NULL;
}

/* What is on already; a capability that no row knows may concern both sides. */
static void check_enabled(const struct mig_making *m)
{
    for (size_t i = 0; i < m->source->capabilities.len; i++) {
        const struct mig_capture_switch *s = &m->source->capabilities.items[i];
        const struct mig_ability_row *row = find_row(s->name);

        if (!s->on) {
            continue;
        }
        if (row != NULL && row->role == MIG_ABILITY_KEPT) {
            m->plan->on |= 1u << (row - mig_ability_rows);
            m->plan->why[row - mig_ability_rows] = "the source has it on";
        }
        if ((row == NULL || row->both) && mig_capture_switch(m->destination, s->name) == NULL) {
            mig_making_remark(
                m, MIG_REMARK_BLOCKER, mig_strf("plan/capability/%s", s->name),
                mig_strf("%s is on at the source, the destination's QEMU %s does not know it",
                         s->name, m->destination->version),
                mig_strf("switch %s off at the source, or use a QEMU that knows it", s->name));
        }
    }
}

void mig_making_find_obstacles(const struct mig_making *m)
{
    check_target(m);
    check_machine(m);
    check_uuid(m);
    check_status(m);
    check_blocked(m, m->source, "source");
    check_blocked(m, m->destination, "destination");
    check_enabled(m);
}
