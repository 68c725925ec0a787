/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/advance.h: the steps of a move that two agents have agreed on, as the
 * gate of this host takes them.  Before the first byte and again before the
 * guest stops, the host must still be what was agreed on.
 */
#pragma once

#include "base/cleanup.h"
#include "wire/message.h"

struct mig_advance;
struct mig_credentials;
struct mig_means;

/* Called once: @answer, which stays the job's, or NULL with the phase it failed
 * in and why.  The job may be dropped in it. */
typedef void mig_advance_fn(const struct mig_message *answer, const char *phase,
                            const struct mig_error *err, void *data);

struct mig_advance_ask {
    const struct mig_message *message; /* an ADVANCE */
    const char *from_afar;             /* name of a hook that is not of this host; NULL: it is */
};

/* @ask is copied. */
struct mig_advance *mig_advance_new(const struct mig_means *means, struct mig_credentials *creds,
                                    const struct mig_advance_ask *ask, mig_advance_fn *fn,
                                    void *data);

/* @fn may be called before this returns. */
void mig_advance_start(struct mig_advance *a);

struct mig_audit; /* pact/audit.h */

/* What is known of it by now. */
void mig_advance_describe(const struct mig_advance *a, struct mig_audit *ret);

/* Nobody waits any more: @fn is not called from here on. */
void mig_advance_drop(struct mig_advance *a);
