/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/plan.h"

#include <assert.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "pact/agreement.h"
#include "plan/amount.h"
#include "plan/capture.h"
#include "plan/making.h"

#define H(id) (1u << MIG_ABILITY_##id)
#define BOTH true
#define SOURCE false
const struct mig_ability_row mig_ability_rows[MIG_ABILITY_COUNT] = {
#define CONDITION(id, what)                                                                        \
    [MIG_ABILITY_##id] = {NULL, NULL, false, MIG_ABILITY_CONDITION, 0, 0, what},
#define CAPABILITY(id, name, since, sides, role, needs, excludes, what, source)                    \
    [MIG_ABILITY_##id] = {name, since, sides, MIG_ABILITY_##role, needs, excludes, what},
#include "plan/ability.def"
};
#undef BOTH
#undef SOURCE
static_assert(MIG_ABILITY_COUNT <= 32, "a set of them is one word");

enum channel {
#define CHANNEL(id, bytes_s, source) CHANNEL_##id,
#define METHOD(...)
#include "plan/channel.def"
    CHANNEL_COUNT
};
static const uint64_t channel_bytes_s[CHANNEL_COUNT] = {
#define CHANNEL(id, bytes_s, source) [CHANNEL_##id] = bytes_s,
#define METHOD(...)
#include "plan/channel.def"
};
static const struct method {
    const char *name;
    uint64_t bytes_s;
} methods[] = {
#define CHANNEL(...)
#define METHOD(name, since, bytes_s, source) {name, bytes_s},
#include "plan/channel.def"
};

#define CHANNELS_MIN 2u
#define CHANNELS_MAX 8u
/* Up to 1 Gbit/s a core compresses faster than the link sends. */
#define SLOW_BYTES_S 125000000u
/* From 10 Gbit/s on copying pages is what a core is busy with. */
#define FAST_BYTES_S 1250000000u
#define DOWNTIME_MS 300 /* QEMU's own */

/* Who of those that need it does not know it; NULL: all do. */
static const char *who_lacks(const struct mig_making *m, const char *name, bool both)
{
    if (mig_capture_switch(m->source, name) == NULL) {
        return "source";
    }
    return both && mig_capture_switch(m->destination, name) == NULL ? "destination" : NULL;
}

static const char *first_name(uint32_t set)
{
    for (int i = 0; i < MIG_ABILITY_COUNT; i++) {
        if ((set >> i & 1) != 0) {
            return mig_ability_rows[i].name != NULL ? mig_ability_rows[i].name
                                                    : mig_ability_rows[i].what;
        }
    }
    return "";
}

/* Everything on that @a does not go with, also where the other row says so. */
static uint32_t conflicts(const struct mig_plan *p, enum mig_ability a)
{
    uint32_t found = p->on & mig_ability_rows[a].excludes;

    for (int i = 0; i < MIG_ABILITY_COUNT; i++) {
        if ((p->on >> i & 1) != 0 && (mig_ability_rows[i].excludes >> a & 1) != 0) {
            found |= 1u << i;
        }
    }
    return found;
}

/* Can @a be part of the plan?  Else a note says what keeps it out. */
static bool can_choose(const struct mig_making *m, enum mig_ability a)
{
    const struct mig_ability_row *row = &mig_ability_rows[a];
    const char *lacks = who_lacks(m, row->name, row->both);
    const uint32_t against = conflicts(m->plan, a), needed = row->needs & ~m->plan->on;
    MIG_AUTO(mig_free) char *id = mig_strf("plan/left-out/%s", row->name);

    if (lacks != NULL) {
        MIG_NOTE(m, id,
                 mig_strf("%s: the %s's QEMU does not know it (since %s)", row->name, lacks,
                          row->since));
    } else if (against != 0) {
        MIG_NOTE(m, id, mig_strf("%s: does not go with %s", row->name, first_name(against)));
    } else if (needed != 0) {
        MIG_NOTE(m, id, mig_strf("%s: needs %s", row->name, first_name(needed)));
    } else {
        return true;
    }
    return false;
}

static bool choose(const struct mig_making *m, enum mig_ability a, const char *why)
{
    if (!can_choose(m, a)) {
        return false;
    }
    m->plan->on |= 1u << a;
    m->plan->why[a] = why;
    return true;
}

static void add_always(const struct mig_making *m)
{
    for (int i = 0; i < MIG_ABILITY_COUNT; i++) {
        const struct mig_ability_row *row = &mig_ability_rows[i];
        const char *lacks;

        if (row->role != MIG_ABILITY_ALWAYS) {
            continue;
        }
        lacks = who_lacks(m, row->name, row->both);
        if (lacks != NULL) {
            mig_making_remark(
                m, MIG_REMARK_BLOCKER, mig_strf("plan/capability/%s", row->name),
                mig_strf("the %s's QEMU does not know %s: %s", lacks, row->name, row->what),
                mig_strf("QEMU %s or later at the %s", row->since, lacks));
        }
        m->plan->on |= 1u << i;
        m->plan->why[i] = row->what;
    }
}

/* --- where it goes --- */

static bool starts_with_any(const char *uri, const char *const *starts, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (mig_text_starts(uri, starts[i])) {
            return true;
        }
    }
    return false;
}

static void set_conditions(const struct mig_making *m)
{
    static const char *const single[] = {"fd:", "exec:", "file:", "rdma:"};
    const char *uri = m->wish->uri;

    if (m->wish->data_path == MIG_DATA_VMM_TLS) {
        m->plan->on |= H(TLS);
    }
    if (uri != NULL ? !mig_text_starts(uri, "tcp:") : m->wish->data_path == MIG_DATA_TUNNEL) {
        m->plan->on |= H(NO_TCP);
    }
    if (uri != NULL && starts_with_any(uri, single, MIG_COUNT(single))) {
        m->plan->on |= H(ONE_CHANNEL);
    }
}

static void check_tls(const struct mig_making *m)
{
    const struct mig_capture *const sides[] = {m->source, m->destination};

    for (size_t i = 0; i < 2; i++) {
        const char *who = i == 0 ? "source" : "destination";

        if (m->wish->data_path == MIG_DATA_VMM_TLS &&
            json_object_get(sides[i]->parameters, "tls-creds") == NULL) {
            MIG_BLOCK(m, "plan/tls", mig_strf("the %s's QEMU has no TLS for migration", who),
                      mig_strdup("use --data-path tunnel, or a QEMU of 2.7 or later with GnuTLS"));
        }
    }
    if (m->wish->data_path == MIG_DATA_LOCAL) {
        MIG_NOTE(
            m, "plan/tls",
            mig_strdup("without TLS: whoever sees the link reads and changes the guest's memory"));
    }
}

/* --- how it goes --- */

static void take_load(const struct mig_making *m)
{
    struct mig_load *l = &m->plan->load;

    l->ram_bytes = m->source->ram_bytes;
    m->plan->knows_dirty = m->wish->dirty_bytes_s > 0 || m->source->has_dirty;
    l->dirty_bytes_s =
        m->wish->dirty_bytes_s > 0 ? m->wish->dirty_bytes_s : m->source->dirty_bytes_s;
    l->downtime_ms = m->wish->downtime_ms > 0
                         ? m->wish->downtime_ms
                         : mig_capture_number(m->source, "downtime-limit", DOWNTIME_MS);
    l->bandwidth_bytes_s = m->wish->bandwidth_bytes_s;
    if (l->bandwidth_bytes_s == 0) {
        l->bandwidth_bytes_s = mig_capture_number(m->source, "max-bandwidth", 0);
        m->plan->bandwidth_is_the_vmms = true;
    }
}

static void check_load(const struct mig_making *m)
{
    const struct mig_load *l = &m->plan->load;

    if (l->ram_bytes == 0) {
        MIG_MISS(m, "plan/ram", mig_strdup("the size of the guest's memory is not known"),
                 mig_strdup("capture the VMM that has the guest"));
    }
    if (!m->plan->knows_dirty) {
        MIG_MISS(m, "plan/dirty-rate", mig_strdup("how much the guest writes was not measured"),
                 mig_strdup("plan with the socket of a guest that runs and has 128 MiB or more, or "
                            "give --dirty-rate"));
    }
    if (l->bandwidth_bytes_s == 0) {
        MIG_MISS(m, "plan/bandwidth",
                 mig_strdup("neither the link nor the source's max-bandwidth is known"),
                 mig_strdup("give --bandwidth"));
    } else if (m->plan->bandwidth_is_the_vmms) {
        MIG_NOTE(
            m, "plan/bandwidth",
            mig_strdup("no --bandwidth: the source's max-bandwidth is taken, a slower link is not "
                       "known of"));
    }
    m->plan->predicted = l->ram_bytes > 0 && l->bandwidth_bytes_s > 0 && m->plan->knows_dirty;
}

static struct mig_throttle throttle_steps(const struct mig_capture *c)
{
    return (struct mig_throttle){
        .initial = (unsigned)mig_capture_number(c, "cpu-throttle-initial", 20) % 100,
        .increment = (unsigned)mig_capture_number(c, "cpu-throttle-increment", 10) % 100,
        .max = (unsigned)mig_capture_number(c, "max-cpu-throttle", 99) % 100,
    };
}

static void block_endless(const struct mig_making *m)
{
    char dirty[MIG_AMOUNT_MAX], link[MIG_AMOUNT_MAX], wanted[MIG_AMOUNT_MAX];

    mig_amount_print(m->plan->load.dirty_bytes_s, dirty);
    mig_amount_print(m->plan->load.bandwidth_bytes_s, link);
    mig_amount_print(m->plan->wanted_bandwidth_bytes_s, wanted);
    MIG_BLOCK(m, "plan/converge",
              mig_strf("pre-copy can not converge: the guest writes %s/s, the link sends %s/s, and "
                       "neither post-copy nor auto-converge can end it",
                       dirty, link),
              mig_strf("a link of %s/s, a longer --downtime, or a guest that writes less", wanted));
}

/* Pre-copy as the guest is, or what makes an end of it. */
static void find_end(const struct mig_making *m)
{
    struct mig_plan *p = m->plan;
    const struct mig_throttle steps = throttle_steps(m->source);

    if (!p->predicted) {
        return;
    }
    p->course = mig_course_predict(&p->load);
    if (p->course.converges) {
        return;
    }
    p->wanted_bandwidth_bytes_s = mig_course_bandwidth(&p->load);
    p->wanted_throttle = mig_course_throttle(&p->load, &steps);
    if (!m->wish->no_post_copy && choose(m, MIG_ABILITY_POSTCOPY, "pre-copy can not converge")) {
        (void)choose(m, MIG_ABILITY_PREEMPT, mig_ability_rows[MIG_ABILITY_PREEMPT].what);
        MIG_NOTE(
            m, "plan/post-copy",
            mig_strdup("the destination's kernel must let its QEMU use userfaultfd; once the guest "
                       "is over, a broken link loses it"));
    } else if (p->wanted_throttle == 0 ||
               !choose(m, MIG_ABILITY_AUTO_CONVERGE, "pre-copy can not converge by itself")) {
        block_endless(m);
    }
}

/* The first that both have, or NULL. */
static const struct method *find_method(const struct mig_making *m)
{
    for (size_t i = 0; i < MIG_COUNT(methods); i++) {
        if (mig_capture_has_text(&m->source->compressions, methods[i].name) &&
            mig_capture_has_text(&m->destination->compressions, methods[i].name)) {
            return &methods[i];
        }
    }
    return NULL;
}

static unsigned count(uint64_t bytes_s, uint64_t each)
{
    const uint64_t n = (bytes_s + each - 1) / each;

    return n < CHANNELS_MIN ? CHANNELS_MIN : n > CHANNELS_MAX ? CHANNELS_MAX : (unsigned)n;
}

static void choose_compression(const struct mig_making *m)
{
    const struct method *method = find_method(m);

    if (method == NULL) {
        MIG_NOTE(m, "plan/compression",
                 mig_strdup("no method of multifd compression is known to both"));
        return;
    }
    if (choose(m, MIG_ABILITY_MULTIFD, "carries the compression")) {
        m->plan->compression = method->name;
        m->plan->channels = count(m->plan->load.bandwidth_bytes_s, method->bytes_s);
        m->plan->on |= H(COMPRESSED);
        m->plan->why[MIG_ABILITY_COMPRESSED] =
            "the link is slower than cores compress; the prediction does not count on a gain";
    }
}

static void choose_channels(const struct mig_making *m)
{
    struct mig_plan *p = m->plan;
    const uint64_t link = p->load.bandwidth_bytes_s;
    const uint64_t each =
        channel_bytes_s[mig_plan_has(p, MIG_ABILITY_TLS) ? CHANNEL_TLS : CHANNEL_PLAIN];

    if (link == 0) {
        return;
    }
    if (link <= SLOW_BYTES_S) {
        choose_compression(m);
    } else if (link > each &&
               choose(m, MIG_ABILITY_MULTIFD, "one channel does not fill the link")) {
        p->channels = count(link, each);
    }
    if (link >= FAST_BYTES_S) {
        (void)choose(m, MIG_ABILITY_ZERO_COPY, "at this speed copying pages is what takes time");
    }
}

static enum mig_plan_answer answer(const struct mig_plan *p)
{
    enum mig_plan_answer a = MIG_PLAN_READY;

    for (size_t i = 0; i < p->remarks.len; i++) {
        if (p->remarks.items[i].kind == MIG_REMARK_BLOCKER) {
            return MIG_PLAN_BLOCKED;
        }
        if (p->remarks.items[i].kind == MIG_REMARK_MISSING) {
            a = MIG_PLAN_UNKNOWN;
        }
    }
    return a;
}

void mig_plan_make(const struct mig_capture *source, const struct mig_capture *destination,
                   const struct mig_wish *wish, struct mig_plan *ret)
{
    const struct mig_making m = {source, destination, wish, ret};

    *ret = (struct mig_plan){.compression = "none"};
    mig_making_find_obstacles(&m);
    set_conditions(&m);
    check_tls(&m);
    add_always(&m);
    take_load(&m);
    check_load(&m);
    find_end(&m);
    choose_channels(&m);
    ret->answer = answer(ret);
}

void mig_plan_clear(struct mig_plan *p)
{
    for (size_t i = 0; i < p->remarks.len; i++) {
        mig_free(p->remarks.items[i].id);
        mig_free(p->remarks.items[i].text);
        mig_free(p->remarks.items[i].remedy);
    }
    mig_free(p->remarks.items);
    *p = (struct mig_plan){0};
}
