/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/capturer.h: snapshots on demand.  Live: a fresh process per capture,
 * a few at once; who asks while all are busy shares the next one, which starts
 * after everybody it answers has asked.  Replay: the stored snapshot, at once.
 */
#pragma once

#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

struct mig_agent_options;
struct mig_capturer;
struct mig_credentials;
struct mig_loop;
struct mig_snapshot;

/* @s is borrowed for the call; NULL with @err. */
typedef void mig_capturer_fn(const struct mig_snapshot *s, const struct mig_error *err, void *data);

struct mig_capturer *mig_capturer_new(struct mig_loop *loop, const struct mig_agent_options *o);
/* Ends all captures; who still waits for one is told so. */
void mig_capturer_free(struct mig_capturer *c);
MIG_AUTO_DEFINE(mig_capturer_free, struct mig_capturer *);

/* Read what this host insists on, before all that follows and to have it anew;
 * on failure the policy stays as it was. */
MIG_MUST_CHECK bool mig_capturer_read_policy(struct mig_capturer *c, struct mig_error *err);

/* Before serving: read the file to replay, or capture once to see whether it
 * can be done and to learn what later captures need not find out again. */
MIG_MUST_CHECK bool mig_capturer_prepare(struct mig_capturer *c,
                                         const struct mig_credentials *creds,
                                         struct mig_error *err);

/* @fn is called once, perhaps before this returns. */
void mig_capturer_ask(struct mig_capturer *c, mig_capturer_fn *fn, void *data);

/* Do answers come from a file? */
bool mig_capturer_replays(const struct mig_capturer *c);

/* One capture or replay without a loop, for the one-shot forms. */
MIG_MUST_CHECK bool mig_capturer_once(const struct mig_agent_options *o,
                                      const struct mig_credentials *creds,
                                      struct mig_snapshot **ret, struct mig_error *err);
