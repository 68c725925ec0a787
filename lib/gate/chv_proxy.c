/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/chv_proxy.h"

#include "base/array.h"
#include "base/file.h"
#include "base/text.h"
#include "gate/chv_fds.h"
#include "gate/chv_lane.h"

/*
 * Theory of operation
 *
 *   ESTABLISHED -Start-> STARTED -Config-> CONFIGURED -State-> RESTORED -Complete-> COMPLETED
 *
 * A stage is reached when the receiver has said OK.  Every request has its
 * answer before the next one, so there is at most one on its way per lane:
 * .owed is what the asking side waits for, .asked what the other side has been
 * given.  They differ while something is held here (owed, not asked), and while
 * kept descriptors go ahead of an approved Config (owed Config, asked MemoryFd).
 *
 * On the lane for faults the receiver asks and the sender answers.
 *
 * Whatever goes wrong before Complete ends in part(): the sender gets the error
 * it waits for and resumes its guest.  The receiver is told to abandon and is
 * waited for: it keeps a half-made guest when its connection closes before it
 * has answered (vm_receive_migration of v53), and hangs where memory that was
 * announced does not come, so that the rest is padded.  Once Complete is with
 * the receiver only its answer says who has the guest: then nothing of ours
 * closes its connection.
 */

enum stage {
#define STAGE(id, words, commands) STAGE_##id,
#include "gate/chv_stage.def"
    STAGE_COUNT
};

static const struct stage_row {
    const char *words;
    unsigned commands;
} stages[STAGE_COUNT] = {
#define C(command) (1u << MIG_CHV_##command)
#define STAGE(id, words, commands) [STAGE_##id] = {words, commands},
#include "gate/chv_stage.def"
#undef C
};

struct mig_chv_proxy {
    struct mig_chv_lane lanes[MIG_CHV_LANES_MAX];
    unsigned lanes_len;
    enum stage stage;
    bool held;         /* a judgement is asked */
    bool aborted;      /* the receiver knows that nothing comes of it */
    bool pages_follow; /* there is a lane for faults */
    bool finished;
    unsigned abandoning; /* answers that the receiver owes until it has abandoned */
    enum mig_chv_outcome outcome;
    struct mig_chv_config config;
    struct mig_chv_state state;
    bool has_config, approved_state;
    unsigned char *payload; /* of what is held, or was last */
    size_t payload_len;
    int fd; /* came, and is not claimed by a message yet; -1: none */
    struct mig_chv_fds fds;
    struct mig_chv_actions actions;
    uint64_t memory;
    struct mig_text reason;
};

static struct mig_chv_lane *main_lane(struct mig_chv_proxy *p)
{
    return &p->lanes[MIG_CHV_MAIN_LANE];
}

static bool is_complete(enum mig_chv_command command)
{
    return command == MIG_CHV_COMPLETE || command == MIG_CHV_COMPLETE_PAUSED;
}

/* From here on only the receiver's answer tells who has the guest. */
static bool is_handing_over(const struct mig_chv_proxy *p)
{
    return is_complete(p->lanes[MIG_CHV_MAIN_LANE].asked);
}

static void finish(struct mig_chv_proxy *p, enum mig_chv_outcome outcome)
{
    struct mig_chv_action *a;

    for (unsigned i = 0; i < p->lanes_len; i++) {
        mig_chv_lane_close(&p->lanes[i]);
    }
    a = mig_chv_lane_act(main_lane(p), MIG_CHV_FINISH, MIG_CHV_SENDER);
    a->outcome = outcome;
    a->reason = p->reason.items != NULL ? p->reason.items : "";
    p->finished = true;
}

/* The guest stays with the sender: both hear of it, and all is closed but the
 * connection on which the receiver has yet to say that it let go. */
static void part(struct mig_chv_proxy *p, enum mig_chv_outcome outcome)
{
    struct mig_chv_lane *main = main_lane(p);

    for (unsigned i = 0; i < p->lanes_len; i++) {
        mig_chv_lane_part(&p->lanes[i]);
        if (i != MIG_CHV_MAIN_LANE) {
            mig_chv_lane_close_side(&p->lanes[i], MIG_CHV_RECEIVER);
        }
    }
    p->held = false;
    p->outcome = outcome;
    if (p->aborted || !main->open[MIG_CHV_RECEIVER]) {
        finish(p, outcome);
        return;
    }
    p->abandoning = main->asked != MIG_CHV_INVALID ? 2 : 1;
    (void)mig_chv_lane_ask(main, MIG_CHV_ABANDON, NULL, 0);
}

/* End it for a fault of @whose. */
static void give_up(struct mig_chv_proxy *p, enum mig_chv_side whose, enum mig_chv_outcome outcome,
                    char *take_reason)
{
    mig_text_make_printable(take_reason);
    mig_text_clear(&p->reason);
    mig_text_add(&p->reason, take_reason);
    mig_free(take_reason);
    if (p->stage == STAGE_COMPLETED) {
        finish(p, p->pages_follow ? MIG_CHV_TORN : MIG_CHV_MOVED);
    } else if (!is_handing_over(p)) {
        part(p, outcome);
    } else if (whose == MIG_CHV_SENDER) { /* the receiver's answer is still to come */
        mig_chv_lane_close_side(main_lane(p), MIG_CHV_SENDER);
    } else {
        finish(p, MIG_CHV_UNCERTAIN);
    }
}

/* What the sender says may not go on. */
#define refuse(p, ...) give_up(p, MIG_CHV_SENDER, MIG_CHV_REFUSED, mig_strf(__VA_ARGS__))

/* Either side did what ends the migration. */
#define fail(p, whose, fmt, ...)                                                                   \
    give_up(p, whose, MIG_CHV_FAILED, mig_strf("%s: " fmt, mig_chv_side_name(whose), __VA_ARGS__))

/* Either side said what does not go on. */
#define blame(p, whose, ...)                                                                       \
    give_up(p, whose, (whose) == MIG_CHV_SENDER ? MIG_CHV_REFUSED : MIG_CHV_FAILED,                \
            mig_strf(__VA_ARGS__))

/* Kept, and answered in the receiver's stead. */
static void take_memory_fd(struct mig_chv_proxy *p, struct mig_chv_lane *l)
{
    struct mig_error err;

    if (!mig_chv_fds_keep(&p->fds, l->requests.payload, p->fd, &err)) {
        refuse(p, "source: %s", err.msg);
        return;
    }
    p->fd = -1;
    l->owed = MIG_CHV_INVALID;
    mig_chv_lane_answer(l, MIG_CHV_OK);
}

static void hold(struct mig_chv_proxy *p, struct mig_chv_lane *l, enum mig_chv_act judge)
{
    struct mig_chv_action *a;

    p->held = true;
    a = mig_chv_lane_act(l, judge, MIG_CHV_SENDER);
    a->bytes = p->payload;
    a->len = p->payload_len;
}

static void steal_payload(struct mig_chv_proxy *p, struct mig_chv_lane *l)
{
    mig_free(p->payload);
    p->payload = mig_chv_reader_steal(&l->requests, &p->payload_len);
}

static void take_config(struct mig_chv_proxy *p, struct mig_chv_lane *l)
{
    struct mig_error err;

    steal_payload(p, l);
    if (!mig_chv_config_read((const char *)p->payload, p->payload_len, &p->config, &err)) {
        refuse(p, "source: %s", err.msg);
        return;
    }
    if (!mig_chv_fds_check(&p->fds, &p->config, &err)) {
        refuse(p, "source: %s", err.msg);
        return;
    }
    p->has_config = true;
    hold(p, l, MIG_CHV_JUDGE_CONFIG);
}

static void take_state(struct mig_chv_proxy *p, struct mig_chv_lane *l)
{
    struct mig_error err;

    steal_payload(p, l);
    if (!mig_chv_state_read((const char *)p->payload, p->payload_len, &p->state, &err)) {
        refuse(p, "source: %s", err.msg);
        return;
    }
    if (p->state.vcpus > p->config.max_vcpus) {
        refuse(p, "source: State of %zu vCPUs, its Config tells of %u", p->state.vcpus,
               p->config.max_vcpus);
        return;
    }
    hold(p, l, MIG_CHV_JUDGE_STATE);
}

static void take_message(struct mig_chv_proxy *p, struct mig_chv_lane *l)
{
    enum mig_chv_command command = l->requests.command;

    l->owed = command;
    if (p->fd >= 0 && command != MIG_CHV_MEMORY_FD) {
        refuse(p, "source: a descriptor came with %s", mig_chv_command_name(command));
    } else if (command == MIG_CHV_MEMORY_FD) {
        take_memory_fd(p, l);
    } else if (command == MIG_CHV_CONFIG) {
        take_config(p, l);
    } else if (command == MIG_CHV_STATE) {
        take_state(p, l);
    } else {
        (void)mig_chv_lane_ask(l, command, l->requests.payload, l->requests.payload_len);
    }
}

static void take_role(struct mig_chv_proxy *p, struct mig_chv_lane *l)
{
    struct mig_chv_action *a;

    if (mig_chv_lane_is_faults(l) && p->pages_follow) {
        refuse(p, "source: a second connection for page faults");
        return;
    }
    p->pages_follow = p->pages_follow || mig_chv_lane_is_faults(l);
    l->open[MIG_CHV_RECEIVER] = true;
    mig_chv_lane_act(l, MIG_CHV_CONNECT, MIG_CHV_RECEIVER);
    a = mig_chv_lane_act(l, MIG_CHV_WRITE, MIG_CHV_RECEIVER);
    mig_chv_role_put(l->requests.role, a->head);
    a->head_len = MIG_CHV_ROLE_BYTES;
}

/* What may be asked on @l now. */
static unsigned commands(const struct mig_chv_proxy *p, const struct mig_chv_lane *l)
{
    unsigned abandon = mig_chv_bit(MIG_CHV_ABANDON);

    switch (l->requests.role) {
    case MIG_CHV_MAIN:
        return stages[p->stage].commands | (p->stage < STAGE_COMPLETED ? abandon : 0);
    case MIG_CHV_MEMORY_ONLY:
        return p->stage == STAGE_CONFIGURED && p->state.seen == NULL ? mig_chv_bit(MIG_CHV_MEMORY)
                                                                     : 0;
    case MIG_CHV_FAULTS:
        return p->approved_state ? mig_chv_bit(MIG_CHV_PAGE_FAULT) | abandon : 0;
    case MIG_CHV_ROLE_COUNT:
        break;
    }
    return 0;
}

/* One event of the side that asks; gives how many bytes it was. */
static size_t take_request(struct mig_chv_proxy *p, struct mig_chv_lane *l,
                           const unsigned char *bytes, size_t len)
{
    enum mig_chv_side side = mig_chv_lane_asker(l);
    struct mig_error err;
    size_t used;

    if (l->owed != MIG_CHV_INVALID && mig_chv_reader_is_between(&l->requests)) {
        blame(p, side, "%s: went on before %s was answered", mig_chv_side_name(side),
              mig_chv_command_name(l->owed));
        return len;
    }
    l->requests.commands = commands(p, l);
    switch (mig_chv_reader_next(&l->requests, bytes, len, &used, &err)) {
    case MIG_CHV_MORE:
        break;
    case MIG_CHV_ROLE:
        take_role(p, l);
        break;
    case MIG_CHV_MESSAGE:
        take_message(p, l);
        break;
    case MIG_CHV_CONTENT:
        p->memory += used;
        mig_chv_lane_write(l, mig_chv_side_other(side), bytes, used);
        break;
    case MIG_CHV_BAD:
        blame(p, side, "%s %s: %s", mig_chv_side_name(side), stages[p->stage].words, err.msg);
        return len;
    }
    return used;
}

/* Kept descriptors go ahead. */
static void send_config(struct mig_chv_proxy *p)
{
    struct mig_chv_lane *l = main_lane(p);
    int fd = -1;
    const struct mig_chv_fd *kept = mig_chv_fds_next(&p->fds, &fd);

    if (kept != NULL) {
        mig_chv_lane_ask(l, MIG_CHV_MEMORY_FD, kept->payload, sizeof kept->payload)->fd = fd;
    } else {
        (void)mig_chv_lane_ask(l, MIG_CHV_CONFIG, p->payload, p->payload_len);
    }
}

/* What still waits for memory or a role has nothing to wait for any more. */
static void close_memory_lanes(struct mig_chv_proxy *p)
{
    for (unsigned i = 1; i < p->lanes_len; i++) {
        if (p->lanes[i].requests.role == MIG_CHV_MEMORY_ONLY) {
            mig_chv_lane_close(&p->lanes[i]);
        }
    }
}

static void reach(struct mig_chv_proxy *p, enum mig_chv_command done)
{
    struct mig_chv_lane *main = main_lane(p);

    if (done == MIG_CHV_START) {
        p->stage = STAGE_STARTED;
    } else if (done == MIG_CHV_CONFIG) {
        p->stage = STAGE_CONFIGURED;
        main->requests.ram = &p->config.ram;
        main->requests.state_max = mig_chv_state_max(p->config.max_vcpus);
    } else if (done == MIG_CHV_STATE) {
        p->stage = STAGE_RESTORED;
    } else if (is_complete(done)) {
        p->stage = STAGE_COMPLETED;
        mig_chv_lane_act(main, MIG_CHV_HANDED_OVER, MIG_CHV_RECEIVER);
        close_memory_lanes(p);
    } else if (done == MIG_CHV_ABANDON) {
        p->aborted = true;
        fail(p, MIG_CHV_SENDER, "%s", "gave up");
    }
}

/* The sender left before it could hear that its guest is gone. */
static void finish_unheard(struct mig_chv_proxy *p, enum mig_chv_status status)
{
    bool failed = status == MIG_CHV_ERROR;

    mig_text_add(&p->reason, failed ? "; the destination did not take the guest"
                                    : "; the destination has the guest, the source was not told");
    finish(p, failed ? MIG_CHV_FAILED : MIG_CHV_UNCERTAIN);
}

static void take_ok(struct mig_chv_proxy *p, struct mig_chv_lane *l)
{
    enum mig_chv_command done = l->asked;

    l->asked = MIG_CHV_INVALID;
    if (done == MIG_CHV_MEMORY_FD) {
        send_config(p);
        return;
    }
    mig_chv_lane_answer(l, MIG_CHV_OK);
    l->owed = MIG_CHV_INVALID;
    if (l->number == MIG_CHV_MAIN_LANE) {
        reach(p, done);
    }
}

static void take_error(struct mig_chv_proxy *p, struct mig_chv_lane *l)
{
    enum mig_chv_command command = l->asked;

    l->asked = MIG_CHV_INVALID;
    p->aborted = p->aborted || l->number == MIG_CHV_MAIN_LANE;
    fail(p, mig_chv_side_other(mig_chv_lane_asker(l)), "answers %s with an error",
         mig_chv_command_name(command));
}

/* One that falls silent instead may keep a half-made guest. */
static void finish_unconfirmed(struct mig_chv_proxy *p)
{
    mig_text_add(&p->reason, "; the destination did not confirm that it dropped the guest");
    finish(p, p->outcome);
}

/* An error is what the receiver says when it has let go by itself. */
static void take_letting_go(struct mig_chv_proxy *p, enum mig_chv_status status)
{
    p->abandoning--;
    if (p->abandoning == 0 || status == MIG_CHV_ERROR) {
        finish(p, p->outcome);
    }
}

static void take_status(struct mig_chv_proxy *p, struct mig_chv_lane *l)
{
    enum mig_chv_status status = l->answers.status;
    enum mig_chv_side side = mig_chv_side_other(mig_chv_lane_asker(l));
    bool unheard = l->number == MIG_CHV_MAIN_LANE && is_handing_over(p) && !l->open[MIG_CHV_SENDER];

    if (p->abandoning > 0) {
        take_letting_go(p, status);
    } else if (l->asked == MIG_CHV_INVALID) {
        fail(p, side, "%s", "answers what was not asked");
    } else if (unheard) {
        finish_unheard(p, status);
    } else if (status == MIG_CHV_ERROR) {
        take_error(p, l);
    } else if (l->requests.content_left > 0) {
        fail(p, side, "answers %s before it has all of it", mig_chv_command_name(l->asked));
    } else {
        take_ok(p, l);
    }
}

/* One event of the side that answers. */
static size_t take_answer(struct mig_chv_proxy *p, struct mig_chv_lane *l,
                          const unsigned char *bytes, size_t len)
{
    enum mig_chv_side side = mig_chv_side_other(mig_chv_lane_asker(l));
    struct mig_error err;
    size_t used;

    switch (mig_chv_reader_next(&l->answers, bytes, len, &used, &err)) {
    case MIG_CHV_MESSAGE:
        take_status(p, l);
        break;
    case MIG_CHV_CONTENT:
        p->memory += used;
        mig_chv_lane_write(l, mig_chv_lane_asker(l), bytes, used);
        break;
    case MIG_CHV_BAD:
        if (p->abandoning > 0) {
            finish_unconfirmed(p);
        } else {
            fail(p, side, "%s", err.msg);
        }
        return len;
    case MIG_CHV_MORE:
    case MIG_CHV_ROLE:
        break;
    }
    return used;
}

/* A descriptor comes with the bytes of its message, or with part of them. */
static bool take_fd(struct mig_chv_proxy *p, const struct mig_chv_lane *l, enum mig_chv_side side,
                    int fd)
{
    if (p->fd >= 0 || side != MIG_CHV_SENDER || l->number != MIG_CHV_MAIN_LANE) {
        mig_fd_close(fd);
        blame(p, side, "%s: a descriptor that no message claims", mig_chv_side_name(side));
        return false;
    }
    p->fd = fd;
    return true;
}

void mig_chv_proxy_take(struct mig_chv_proxy *p, unsigned lane, enum mig_chv_side side,
                        const unsigned char *bytes, size_t len, int fd)
{
    struct mig_chv_lane *l = &p->lanes[lane];

    MIG_ASSERT(lane < p->lanes_len);
    if (p->finished || !l->open[side]) {
        mig_fd_close(fd);
        return;
    }
    if (fd >= 0 && !take_fd(p, l, side, fd)) {
        return;
    }
    for (size_t at = 0; at < len && !p->finished && l->open[side];) {
        at += side == mig_chv_lane_asker(l) ? take_request(p, l, bytes + at, len - at)
                                            : take_answer(p, l, bytes + at, len - at);
    }
    if (!p->finished && p->abandoning == 0 && p->fd >= 0 &&
        mig_chv_reader_is_between(&l->requests)) {
        refuse(p, "source: a descriptor that no message claims");
    }
}

/* The receiver has the guest; all that is left is to close. */
static void finish_moved(struct mig_chv_proxy *p)
{
    bool left = false;

    for (unsigned i = 0; i < p->lanes_len; i++) {
        left = left || p->lanes[i].open[MIG_CHV_SENDER] || p->lanes[i].open[MIG_CHV_RECEIVER];
    }
    if (!left) {
        finish(p, MIG_CHV_MOVED);
    }
}

static void end_extra(struct mig_chv_proxy *p, struct mig_chv_lane *l, enum mig_chv_side side)
{
    bool faults = mig_chv_lane_is_faults(l), quiet = mig_chv_lane_is_quiet(l);
    bool drained = side == MIG_CHV_RECEIVER && p->approved_state; /* it has all pages */

    if ((faults && !drained) || (l->requests.has_role && !quiet)) {
        fail(p, side, "closed a connection for %s too early", faults ? "page faults" : "memory");
        return;
    }
    p->pages_follow = p->pages_follow && !faults;
    mig_chv_lane_close(l);
}

static void end_main(struct mig_chv_proxy *p, struct mig_chv_lane *l, enum mig_chv_side side)
{
    if (p->stage == STAGE_COMPLETED && mig_chv_lane_is_quiet(l)) {
        mig_chv_lane_close(l);
    } else if (l->owed != MIG_CHV_INVALID) {
        fail(p, side, "closed the connection during %s", mig_chv_command_name(l->owed));
    } else {
        fail(p, side, "closed the connection %s", stages[p->stage].words);
    }
}

void mig_chv_proxy_end(struct mig_chv_proxy *p, unsigned lane, enum mig_chv_side side)
{
    struct mig_chv_lane *l = &p->lanes[lane];

    MIG_ASSERT(lane < p->lanes_len);
    if (p->finished || !l->open[side]) {
        return;
    }
    l->open[side] = false;
    if (p->abandoning > 0) {
        finish_unconfirmed(p);
    } else if (lane == MIG_CHV_MAIN_LANE) {
        end_main(p, l, side);
    } else {
        end_extra(p, l, side);
    }
    if (!p->finished && p->stage == STAGE_COMPLETED) {
        finish_moved(p);
    }
}

static unsigned add_lane(struct mig_chv_proxy *p, enum mig_chv_role role)
{
    struct mig_chv_lane *l = &p->lanes[p->lanes_len];

    l->number = p->lanes_len;
    l->actions = &p->actions;
    l->open[MIG_CHV_SENDER] = true;
    l->requests.role = role;
    l->requests.ram = &p->config.ram;
    l->answers.answers = true;
    return p->lanes_len++;
}

unsigned mig_chv_proxy_accept(struct mig_chv_proxy *p)
{
    bool ready = p->stage == STAGE_CONFIGURED && !p->finished && p->abandoning == 0;

    return ready && p->lanes_len < MIG_CHV_LANES_MAX ? add_lane(p, MIG_CHV_MEMORY_ONLY)
                                                     : MIG_CHV_NO_LANE;
}

void mig_chv_proxy_approve(struct mig_chv_proxy *p)
{
    struct mig_chv_lane *l = main_lane(p);

    if (p->finished || p->abandoning > 0) {
        return;
    }
    MIG_ASSERT(p->held);
    p->held = false;
    if (l->owed == MIG_CHV_CONFIG) {
        send_config(p);
    } else {
        p->approved_state = true;
        (void)mig_chv_lane_ask(l, MIG_CHV_STATE, p->payload, p->payload_len);
    }
}

bool mig_chv_proxy_refuse(struct mig_chv_proxy *p, const char *reason)
{
    if (p->finished || p->stage == STAGE_COMPLETED || is_handing_over(p)) {
        return false;
    }
    if (p->abandoning == 0) {
        refuse(p, "%s", reason);
    }
    return true;
}

struct mig_chv_proxy *mig_chv_proxy_new(void)
{
    struct mig_chv_proxy *p = MIG_NEW(struct mig_chv_proxy);

    p->fd = -1;
    (void)add_lane(p, MIG_CHV_MAIN);
    main_lane(p)->open[MIG_CHV_RECEIVER] = true;
    main_lane(p)->requests.has_role = true;
    return p;
}

bool mig_chv_proxy_next(struct mig_chv_proxy *p, struct mig_chv_action *ret)
{
    if (p->actions.taken == p->actions.len) {
        p->actions.len = p->actions.taken = 0;
        return false;
    }
    *ret = p->actions.items[p->actions.taken++];
    return true;
}

const struct mig_chv_config *mig_chv_proxy_config(const struct mig_chv_proxy *p)
{
    return p->has_config ? &p->config : NULL;
}

const struct mig_chv_state *mig_chv_proxy_state(const struct mig_chv_proxy *p)
{
    return p->state.seen != NULL ? &p->state : NULL;
}

uint64_t mig_chv_proxy_memory(const struct mig_chv_proxy *p)
{
    return p->memory;
}

const char *mig_chv_outcome_name(enum mig_chv_outcome outcome)
{
    static const char *const names[] = {
        [MIG_CHV_MOVED] = "moved",   [MIG_CHV_REFUSED] = "refused",
        [MIG_CHV_FAILED] = "failed", [MIG_CHV_UNCERTAIN] = "uncertain",
        [MIG_CHV_TORN] = "torn",
    };

    return names[outcome];
}

void mig_chv_proxy_free(struct mig_chv_proxy *p)
{
    if (p == NULL) {
        return;
    }
    for (unsigned i = 0; i < p->lanes_len; i++) {
        mig_chv_lane_clear(&p->lanes[i]);
    }
    for (size_t i = p->actions.taken; i < p->actions.len; i++) {
        mig_fd_close(p->actions.items[i].fd);
    }
    mig_fd_close(p->fd);
    mig_chv_config_clear(&p->config);
    mig_chv_state_clear(&p->state);
    mig_text_clear(&p->reason);
    mig_free(p->payload);
    mig_chv_fds_clear(&p->fds);
    mig_free(p->actions.items);
    mig_free(p);
}
