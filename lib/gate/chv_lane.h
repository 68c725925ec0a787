/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate/chv_lane.h: a connection of the sender and the one to the receiver that
 * belongs to it: what is on its way between them, and what a driver is to do
 * about it.  Private to this room.
 */
#pragma once

#include "gate/chv_proxy.h"

/* What next() gives, in order. */
struct mig_chv_actions {
    struct mig_chv_action *items;
    size_t len, cap, taken;
};

struct mig_chv_lane {
    unsigned number;
    bool open[MIG_CHV_SIDE_COUNT];
    struct mig_chv_reader requests, answers;
    enum mig_chv_command owed;  /* what the asking side waits for; INVALID: nothing */
    enum mig_chv_command asked; /* what the other side was given; INVALID: nothing */
    struct mig_chv_actions *actions;
};

const char *mig_chv_side_name(enum mig_chv_side side); /* "source", "destination" */
enum mig_chv_side mig_chv_side_other(enum mig_chv_side side);

/* The receiver asks for pages, the sender for all else. */
enum mig_chv_side mig_chv_lane_asker(const struct mig_chv_lane *l);
bool mig_chv_lane_is_faults(const struct mig_chv_lane *l);

/* Nothing is under way that its end would cut. */
bool mig_chv_lane_is_quiet(const struct mig_chv_lane *l);

/* One more thing to do; the caller fills the rest at once. */
struct mig_chv_action *mig_chv_lane_act(struct mig_chv_lane *l, enum mig_chv_act act,
                                        enum mig_chv_side side);
void mig_chv_lane_write(struct mig_chv_lane *l, enum mig_chv_side side, const unsigned char *bytes,
                        size_t len);
/* To the side that asked, with as much content as is due. */
void mig_chv_lane_answer(struct mig_chv_lane *l, enum mig_chv_status status);
/* To the side that answers. */
struct mig_chv_action *mig_chv_lane_ask(struct mig_chv_lane *l, enum mig_chv_command command,
                                        const unsigned char *payload, size_t len);
void mig_chv_lane_close_side(struct mig_chv_lane *l, enum mig_chv_side side);
void mig_chv_lane_close(struct mig_chv_lane *l);

/* Give the sender the error that it waits for, the receiver the memory that it
 * waits for, and close the sender's side. */
void mig_chv_lane_part(struct mig_chv_lane *l);
void mig_chv_lane_clear(struct mig_chv_lane *l);
