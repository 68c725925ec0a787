/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu/host.h: numbers a host has beside registers, KVM capabilities worth
 * keeping, and the groups in which evidence is covered or not.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

/* HOST(constant, name, group, rule, width, why): index of MIG_SPACE_HOST */
enum mig_host_item {
#define HOST(id, ...) MIG_HOST_##id,
#include "cpu/host.def"
    MIG_HOST_COUNT
};

/* GUEST(constant, name, width, why): index of MIG_SPACE_GUEST */
enum mig_guest_item {
#define GUEST(id, ...) MIG_GUEST_##id,
#include "cpu/guest.def"
    MIG_GUEST_COUNT
};

/* Evidence comes and goes in groups; a foreign dump has only some. */
enum mig_group {
#define GROUP(id, ...) MIG_GROUP_##id,
#include "cpu/group.def"
    MIG_GROUP_COUNT
};

const char *mig_host_name(enum mig_host_item item);
const char *mig_guest_name(enum mig_guest_item item);

/* "net" for a device type of virtio.def; NULL if it has none. */
const char *mig_virtio_name(uint32_t device);
const char *mig_group_name(enum mig_group group);
const char *mig_group_why(enum mig_group group);
MIG_MUST_CHECK bool mig_group_parse(const char *name, enum mig_group *ret);

/* "NESTED_STATE" for a capability number of cap.def; NULL if unknown. */
const char *mig_cap_name(uint32_t number);
MIG_MUST_CHECK bool mig_cap_parse(const char *name, uint32_t *ret);
