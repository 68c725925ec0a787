/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/host.h"

#include <string.h>

#include "base/array.h"

static const char *const host_names[MIG_HOST_COUNT] = {
#define HOST(id, name, group, rule, width, why) [MIG_HOST_##id] = (name),
#include "cpu/host.def"
};

static const char *const guest_names[MIG_GUEST_COUNT] = {
#define GUEST(id, name, width, why) [MIG_GUEST_##id] = (name),
#include "cpu/guest.def"
};

static const struct {
    uint32_t device;
    const char *name;
} virtio_devices[] = {
#define VIRTIO_DEVICE(device, name) {(device), (name)},
#include "cpu/virtio_device.def"
};

static const struct {
    const char *name, *why;
} groups[MIG_GROUP_COUNT] = {
#define GROUP(id, name, why) [MIG_GROUP_##id] = {(name), (why)},
#include "cpu/group.def"
};

static const struct {
    uint32_t number;
    const char *name;
} caps[] = {
#define CAP(id, number, rule, width, why) {(number), #id},
#include "cpu/cap.def"
};

const char *mig_host_name(enum mig_host_item item)
{
    return host_names[item];
}

const char *mig_guest_name(enum mig_guest_item item)
{
    return guest_names[item];
}

const char *mig_virtio_name(uint32_t device)
{
    for (size_t i = 0; i < MIG_COUNT(virtio_devices); i++) {
        if (virtio_devices[i].device == device) {
            return virtio_devices[i].name;
        }
    }
    return NULL;
}

const char *mig_group_name(enum mig_group group)
{
    return groups[group].name;
}

const char *mig_group_why(enum mig_group group)
{
    return groups[group].why;
}

bool mig_group_parse(const char *name, enum mig_group *ret)
{
    for (unsigned group = 0; group < MIG_GROUP_COUNT; group++) {
        if (strcmp(groups[group].name, name) == 0) {
            *ret = (enum mig_group)group;
            return true;
        }
    }
    return false;
}

const char *mig_cap_name(uint32_t number)
{
    for (size_t i = 0; i < MIG_COUNT(caps); i++) {
        if (caps[i].number == number) {
            return caps[i].name;
        }
    }
    return NULL;
}

bool mig_cap_parse(const char *name, uint32_t *ret)
{
    for (size_t i = 0; i < MIG_COUNT(caps); i++) {
        if (strcmp(caps[i].name, name) == 0) {
            *ret = caps[i].number;
            return true;
        }
    }
    return false;
}
