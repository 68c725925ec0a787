/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate/chv_proxy.h: stands between sender and receiver of one Cloud Hypervisor
 * migration and lets a guest pass that was judged.  No I/O: what happened goes
 * in, what to do comes out.
 *
 * A driver listens where the sender is told to go, accepts its first connection,
 * connects to the receiver and makes the proxy.  From then on it calls
 *
 *   mig_chv_proxy_take()    bytes came, with the descriptor that came with them
 *   mig_chv_proxy_end()     a side closed, broke, or could not be connected
 *   mig_chv_proxy_accept()  the sender connected once more
 *   mig_chv_proxy_approve() / mig_chv_proxy_refuse()
 *
 * and after each of them does all that mig_chv_proxy_next() gives.  A connection
 * of the sender and the one to the receiver that belongs to it are a lane; the
 * first is lane 0.  A lane is read from as long as what is to be written to its
 * other side does not pile up.
 *
 * Config is held until its judgement: JUDGE_CONFIG, then approve or refuse with
 * mig_chv_proxy_config() at hand (mig_chv_config_compare() says what stands
 * against it).  Nothing of memory goes by before: descriptors of it are kept
 * here, other connections turned away.  State is held likewise.  Refusing is
 * also what a deadline or an operator does, at any time before Complete.
 *
 * A guest that stays is given up by the receiver before FINISH; one that does
 * not answer in a time of the driver's choice is taken for closed: end() it.
 */
#pragma once

#include "base/cleanup.h"
#include "gate/chv_config.h"
#include "gate/chv_state.h"
#include "gate/chv_wire.h"

#define MIG_CHV_MAIN_LANE 0
#define MIG_CHV_LANES_MAX (MIG_CHV_CONNECTIONS_MAX + 2) /* the main one, and one for faults */
#define MIG_CHV_NO_LANE MIG_CHV_LANES_MAX

enum mig_chv_side { MIG_CHV_SENDER, MIG_CHV_RECEIVER, MIG_CHV_SIDE_COUNT };

enum mig_chv_outcome {
    MIG_CHV_MOVED,     /* the receiver has the guest, and the sender knows */
    MIG_CHV_REFUSED,   /* stopped here; the guest stays with the sender */
    MIG_CHV_FAILED,    /* stopped by one of the two; the guest stays with the sender */
    MIG_CHV_UNCERTAIN, /* one of them fell silent while Complete was on its way */
    MIG_CHV_TORN,      /* the receiver has the guest, but perhaps not all of its pages */
};

enum mig_chv_act {
    MIG_CHV_WRITE,        /* .head, then .bytes apart from it, with .fd if not -1 */
    MIG_CHV_PAD,          /* .len zeros */
    MIG_CHV_CONNECT,      /* the receiver's side of .lane; writes to it may wait */
    MIG_CHV_CLOSE,        /* .side of .lane, once all that was written is sent */
    MIG_CHV_JUDGE_CONFIG, /* .bytes is all of it */
    MIG_CHV_JUDGE_STATE,  /* the same */
    MIG_CHV_HANDED_OVER,  /* the guest is the receiver's; pages may still follow */
    MIG_CHV_FINISH,       /* .outcome, .reason; no more comes */
};

struct mig_chv_action {
    enum mig_chv_act act;
    unsigned lane;
    enum mig_chv_side side;
    unsigned char head[MIG_CHV_HEAD_BYTES];
    size_t head_len;
    const unsigned char *bytes; /* borrowed until the next call but next() */
    size_t len;
    int fd; /* the driver's to close */
    enum mig_chv_outcome outcome;
    const char *reason; /* what went wrong, in words; borrowed; "" */
};

struct mig_chv_proxy;

/* Both sides of the main lane are connected. */
struct mig_chv_proxy *mig_chv_proxy_new(void);

/* False: nothing is to be done until something happens. */
MIG_MUST_CHECK bool mig_chv_proxy_next(struct mig_chv_proxy *p, struct mig_chv_action *ret);

/* @bytes stay where they are until next() has nothing more.  @fd, or -1, is
 * taken.  Nothing happens after FINISH. */
void mig_chv_proxy_take(struct mig_chv_proxy *p, unsigned lane, enum mig_chv_side side,
                        const unsigned char *bytes, size_t len, int fd);
void mig_chv_proxy_end(struct mig_chv_proxy *p, unsigned lane, enum mig_chv_side side);

/* The lane of a connection that the sender, or a stranger, opened; NO_LANE: it
 * is turned away, close it.  Its role is to come within 10 s, as the receiver
 * has it; else end() it. */
unsigned mig_chv_proxy_accept(struct mig_chv_proxy *p);

/* The answer to JUDGE. */
void mig_chv_proxy_approve(struct mig_chv_proxy *p);
/* False: too late, the guest may be with the receiver. */
bool mig_chv_proxy_refuse(struct mig_chv_proxy *p, const char *reason);

/* From JUDGE_CONFIG on; NULL before. */
const struct mig_chv_config *mig_chv_proxy_config(const struct mig_chv_proxy *p);
/* From JUDGE_STATE on. */
const struct mig_chv_state *mig_chv_proxy_state(const struct mig_chv_proxy *p);
/* Bytes of guest memory that went by. */
uint64_t mig_chv_proxy_memory(const struct mig_chv_proxy *p);

const char *mig_chv_outcome_name(enum mig_chv_outcome outcome); /* "moved", "refused" ... */
void mig_chv_proxy_free(struct mig_chv_proxy *p);
MIG_AUTO_DEFINE(mig_chv_proxy_free, struct mig_chv_proxy *);
