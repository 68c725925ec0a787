/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/chv_lane.h"

#include "base/array.h"

const char *mig_chv_side_name(enum mig_chv_side side)
{
    return side == MIG_CHV_SENDER ? "source" : "destination";
}

enum mig_chv_side mig_chv_side_other(enum mig_chv_side side)
{
    return side == MIG_CHV_SENDER ? MIG_CHV_RECEIVER : MIG_CHV_SENDER;
}

bool mig_chv_lane_is_faults(const struct mig_chv_lane *l)
{
    return l->requests.role == MIG_CHV_FAULTS;
}

enum mig_chv_side mig_chv_lane_asker(const struct mig_chv_lane *l)
{
    return mig_chv_lane_is_faults(l) ? MIG_CHV_RECEIVER : MIG_CHV_SENDER;
}

static enum mig_chv_side answerer(const struct mig_chv_lane *l)
{
    return mig_chv_side_other(mig_chv_lane_asker(l));
}

bool mig_chv_lane_is_quiet(const struct mig_chv_lane *l)
{
    return l->owed == MIG_CHV_INVALID && mig_chv_reader_is_between(&l->requests) &&
           mig_chv_reader_is_between(&l->answers);
}

struct mig_chv_action *mig_chv_lane_act(struct mig_chv_lane *l, enum mig_chv_act act,
                                        enum mig_chv_side side)
{
    struct mig_chv_action *a = MIG_PUSH(l->actions);

    a->act = act;
    a->lane = l->number;
    a->side = side;
    a->fd = -1;
    a->reason = "";
    return a;
}

void mig_chv_lane_write(struct mig_chv_lane *l, enum mig_chv_side side, const unsigned char *bytes,
                        size_t len)
{
    struct mig_chv_action *a = mig_chv_lane_act(l, MIG_CHV_WRITE, side);

    a->bytes = bytes;
    a->len = len;
}

void mig_chv_lane_answer(struct mig_chv_lane *l, enum mig_chv_status status)
{
    struct mig_chv_action *a = mig_chv_lane_act(l, MIG_CHV_WRITE, mig_chv_lane_asker(l));

    mig_chv_answer_put(status, status == MIG_CHV_OK ? l->answers.content_due : 0, a->head);
    a->head_len = MIG_CHV_HEAD_BYTES;
}

struct mig_chv_action *mig_chv_lane_ask(struct mig_chv_lane *l, enum mig_chv_command command,
                                        const unsigned char *payload, size_t len)
{
    struct mig_chv_action *a = mig_chv_lane_act(l, MIG_CHV_WRITE, answerer(l));

    mig_chv_request_put(command, len, a->head);
    a->head_len = MIG_CHV_HEAD_BYTES;
    a->bytes = payload;
    a->len = len;
    l->asked = command;
    l->answers.content_due = command == MIG_CHV_PAGE_FAULT ? mig_chv_range_read(payload).len : 0;
    return a;
}

void mig_chv_lane_close_side(struct mig_chv_lane *l, enum mig_chv_side side)
{
    if (l->open[side]) {
        l->open[side] = false;
        (void)mig_chv_lane_act(l, MIG_CHV_CLOSE, side);
    }
}

void mig_chv_lane_close(struct mig_chv_lane *l)
{
    mig_chv_lane_close_side(l, MIG_CHV_SENDER);
    mig_chv_lane_close_side(l, MIG_CHV_RECEIVER);
}

/* Half a request counts: the sender reads when it has said the rest. */
static bool is_owed_error(const struct mig_chv_lane *l)
{
    return l->open[MIG_CHV_SENDER] && !mig_chv_lane_is_faults(l) &&
           (l->owed != MIG_CHV_INVALID || !mig_chv_reader_is_between(&l->requests));
}

void mig_chv_lane_part(struct mig_chv_lane *l)
{
    if (is_owed_error(l)) {
        mig_chv_lane_answer(l, MIG_CHV_ERROR);
    }
    /* A receiver reads on for ever where announced memory does not come, and a
     * guest that it drops may hold anything. */
    if (l->open[MIG_CHV_RECEIVER] && l->requests.content_left > 0) {
        mig_chv_lane_act(l, MIG_CHV_PAD, MIG_CHV_RECEIVER)->len = (size_t)l->requests.content_left;
    }
    l->requests.content_left = 0;
    mig_chv_lane_close_side(l, MIG_CHV_SENDER);
}

void mig_chv_lane_clear(struct mig_chv_lane *l)
{
    mig_chv_reader_clear(&l->requests);
    mig_chv_reader_clear(&l->answers);
}
