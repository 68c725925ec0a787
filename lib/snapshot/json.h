/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot/json.h: the same content as text, both ways without loss; schema
 * "migctl/v1" kind "Snapshot".  Reading is the door for unsigned evidence.
 */
#pragma once

#include "base/file.h"
#include "snapshot/snapshot.h"

struct json_t;   /* jansson's json_t */
struct mig_node; /* snapshot/node.h */

/* Ends with a newline. */
char *mig_snapshot_to_json(const struct mig_snapshot *s);

MIG_MUST_CHECK bool mig_snapshot_from_json(const char *text, size_t len, struct mig_snapshot **ret,
                                           struct mig_error *err);

/* What a snapshot says, without who says so: the members arch, groups,
 * registers, unreadable and facts of any object that holds them. */
void mig_snapshot_put_body(const struct mig_snapshot *s, struct json_t *object);
/* @object is that and nothing else. */
MIG_MUST_CHECK bool mig_snapshot_read_body(const struct mig_node *object, struct mig_snapshot **ret,
                                           struct mig_error *err);
