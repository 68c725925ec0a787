/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot/json.h: the same content as text, both ways without loss; schema
 * "migctl/v1" kind "Snapshot".  Reading is the door for unsigned evidence.
 */
#pragma once

#include "base/file.h"
#include "snapshot/snapshot.h"

/* Ends with a newline. */
char *mig_snapshot_to_json(const struct mig_snapshot *s);

MIG_MUST_CHECK bool mig_snapshot_from_json(const char *text, size_t len, struct mig_snapshot **ret,
                                           struct mig_error *err);
