/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire/loop.h: the one event loop of a program: timers, signals, readable
 * descriptors.  No other room sees libevent.
 */
#pragma once

#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

struct mig_loop;
struct mig_watch; /* a timer, signal or descriptor; freed by its maker */

struct mig_loop *mig_loop_new(void);
void mig_loop_free(struct mig_loop *loop);
MIG_AUTO_DEFINE(mig_loop_free, struct mig_loop *);

/* Until mig_loop_stop(); false if the loop itself broke or nothing was left to
 * wait for. */
bool mig_loop_run(struct mig_loop *loop);
void mig_loop_stop(struct mig_loop *loop);

typedef void mig_watch_fn(int fd_or_signal, void *data);

struct mig_watch *mig_loop_timer(struct mig_loop *loop, uint64_t ms, mig_watch_fn *fn, void *data);
struct mig_watch *mig_loop_signal(struct mig_loop *loop, int signo, mig_watch_fn *fn, void *data);
struct mig_watch *mig_loop_readable(struct mig_loop *loop, int fd, mig_watch_fn *fn, void *data);
void mig_watch_free(struct mig_watch *w);
MIG_AUTO_DEFINE(mig_watch_free, struct mig_watch *);

/* ---- for the files of this room ---- */

struct event_base;
struct event_base *mig_loop_base(struct mig_loop *loop);

/* Call @fn(@data) at the next turn, or when the loop is freed before it: an
 * object that a callback runs in can not be freed under that callback. */
typedef void mig_bury_fn(void *data);
void mig_loop_bury(struct mig_loop *loop, mig_bury_fn *fn, void *data);
