/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/service.h: peers in, answers out.  Who may ask for what stands in
 * access.def; every request leaves one audit line.
 */
#pragma once

#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

struct mig_agent_options;
struct mig_capturer;
struct mig_credentials;
struct mig_loop;
struct mig_service;

/* All borrowed; @creds until the next mig_service_use(). */
MIG_MUST_CHECK bool mig_service_new(struct mig_loop *loop, const struct mig_agent_options *o,
                                    struct mig_capturer *capturer, struct mig_credentials *creds,
                                    struct mig_service **ret, struct mig_error *err);
void mig_service_free(struct mig_service *s);
MIG_AUTO_DEFINE(mig_service_free, struct mig_service *);

/* Listen on every address of @o and say so in the log. */
MIG_MUST_CHECK bool mig_service_listen(struct mig_service *s, struct mig_error *err);

/* Serve with other credentials from the next connection on. */
void mig_service_use(struct mig_service *s, struct mig_credentials *creds);
